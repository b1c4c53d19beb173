//! What a server says while a client logs in (manual: "Authentication Phase").

use super::{error, ok, read::Reader};

/// Methods that lull must know more of than to relay them.
pub const NATIVE: &[u8] = b"mysql_native_password";
pub const CACHING_SHA2: &[u8] = b"caching_sha2_password";
pub const SHA256: &[u8] = b"sha256_password";
/// MariaDB's.
pub const ED25519: &[u8] = b"client_ed25519";
pub const CLEAR: &[u8] = b"mysql_clear_password";

/// Of caching_sha2_password: the server knows the password already, and OK follows.
pub const FAST_SUCCESS: &[u8] = &[3];
/// Of caching_sha2_password: the server must have the password itself.
pub const PASSWORD_WANTED: &[u8] = &[4];

const MORE_DATA: u8 = 0x01;
const NEXT_FACTOR: u8 = 0x02;
const SWITCH: u8 = 0xfe;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// The login has succeeded.
    Ok,
    Error,
    /// Another method, or the next of several. The plugin is empty where it is that of before version 4.1.
    Switch {
        plugin: &'a [u8],
        data: &'a [u8],
    },
    /// Data of the method, which MySQL marks.
    More(&'a [u8]),
    /// Data of the method, which MariaDB sends bare.
    Data,
}

impl<'a> Said<'a> {
    pub fn read(payload: &'a [u8]) -> Self {
        let Some((&first, rest)) = payload.split_first() else {
            return Self::Data;
        };
        match first {
            ok::OK => Self::Ok,
            error::MARK => Self::Error,
            MORE_DATA => Self::More(rest),
            SWITCH => switch(rest),
            // A bare question of MariaDB's can begin so too; it names no method.
            NEXT_FACTOR if names_method(rest) => switch(rest),
            _ => Self::Data,
        }
    }
}

fn switch(rest: &[u8]) -> Said<'_> {
    let mut reader = Reader::new(rest);
    match reader.until_nul() {
        Some(plugin) => Said::Switch {
            plugin,
            data: reader.rest(),
        },
        None => Said::Switch {
            plugin: rest,
            data: &[],
        },
    }
}

fn names_method(rest: &[u8]) -> bool {
    let name = Reader::new(rest).until_nul().unwrap_or_default();
    let fit = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !name.is_empty() && name.iter().all(fit)
}

/// Whether the server wants the password itself next, and no proof of it.
pub fn wants_password(payload: &[u8]) -> bool {
    match Said::read(payload) {
        Said::More(data) => data == PASSWORD_WANTED,
        Said::Switch { plugin, .. } => plugin == SHA256 || plugin == CLEAR,
        _ => false,
    }
}

/// The payload of an AuthSwitchRequest.
pub fn request_switch(plugin: &[u8], scramble: &[u8]) -> Vec<u8> {
    [&[SWITCH], plugin, &[0], scramble, &[0]].concat()
}

/// The payload of an AuthMoreData.
pub fn more(data: &[u8]) -> Vec<u8> {
    [&[MORE_DATA], data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_wants_the_password_itself_is_noticed() {
        for (payload, wants) in [
            (&b"\x01\x04"[..], true),
            (b"\xfesha256_password\0scramble", true),
            (b"\xfemysql_clear_password\0", true),
            (b"\x01\x03", false),
            (b"\xfecaching_sha2_password\0scramble", false),
            (b"\0\0\0\x02\0\0\0", false),
        ] {
            assert_eq!(wants_password(payload), wants, "{payload:?}");
        }
    }

    #[test]
    fn every_message_of_a_login_is_told_apart() {
        let switch = |plugin, data| Said::Switch { plugin, data };
        for (payload, said) in [
            (&b"\0\0\0\x02\0\0\0"[..], Said::Ok),
            (b"\xff\x15\x04#28000Access denied", Said::Error),
            (b"\xfe", switch(b"", b"")),
            (
                b"\xfeclient_ed25519\0scramble",
                switch(b"client_ed25519", b"scramble"),
            ),
            (b"\xfeno_end", switch(b"no_end", b"")),
            (
                b"\x02authentication_webauthn\0data",
                switch(b"authentication_webauthn", b"data"),
            ),
            (b"\x02Password: ", Said::Data),
            (b"\x01\x04", Said::More(PASSWORD_WANTED)),
            (b"\x01", Said::More(b"")),
            (b"", Said::Data),
        ] {
            assert_eq!(Said::read(payload), said, "{payload:?}");
        }
    }
}
