//! The client's answer to the greeting (manual: "Protocol::SSLRequest", "Protocol::HandshakeResponse41").
//!
//! lull changes its capabilities, and in rare cases the answer to the scramble; all else goes up as it came.

use std::ops::Range;

use super::{
    capability::Capabilities,
    read::{self, Reader},
};

/// Capabilities, the largest packet, the collation and what is reserved: all that an SSLRequest has.
pub const HEAD_BYTES: usize = 32;
/// Where MariaDB's own capabilities are.
const OWN_AT: usize = 28;

/// What comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    SslRequest,
    Response(HandshakeResponse<'a>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeResponse<'a> {
    payload: &'a [u8],
    pub capabilities: Capabilities,
    pub collation: u8,
    pub user: &'a [u8],
    /// What the client's method makes of the password.
    pub answer: &'a [u8],
    /// Where it is, with its length.
    answer_at: Range<usize>,
    /// Empty where there is none.
    pub database: &'a [u8],
    /// The method. Empty where the client does not say.
    pub plugin: &'a [u8],
    attributes: &'a [u8],
    /// Behind all that is known.
    rest: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHandshake {
    #[error("the answer to the greeting is cut short, or a length in it is wrong")]
    Malformed,
    #[error("the client speaks the protocol of before version 4.1")]
    TooOld,
}

/// `offered`: what the greeting said.
pub fn opening<'a>(payload: &'a [u8], offered: Capabilities) -> Result<Opening<'a>, BadHandshake> {
    let mut reader = Reader::new(payload);
    // The flags of the old protocol have two bytes.
    let low = reader.clone().u16().ok_or(BadHandshake::Malformed)?;
    if !Capabilities(low.into()).has(Capabilities::PROTOCOL_41) {
        return Err(BadHandshake::TooOld);
    }
    let head = reader.bytes(HEAD_BYTES).ok_or(BadHandshake::Malformed)?;
    let capabilities = said(head, offered).ok_or(BadHandshake::Malformed)?;
    if reader.is_empty() && capabilities.has(Capabilities::SSL) {
        return Ok(Opening::SslRequest);
    }
    let collation = head.get(8).copied().unwrap_or_default();
    HandshakeResponse::read(payload, reader, capabilities, collation)
        .map(Opening::Response)
        .ok_or(BadHandshake::Malformed)
}

fn said(head: &[u8], offered: Capabilities) -> Option<Capabilities> {
    let low = u64::from(Reader::new(head).u32()?);
    let own = u64::from(Reader::new(head.get(OWN_AT..)?).u32()?);
    // Each end leaves the flag out to say that it knows MariaDB's own; only if both do, they are there.
    let known = !Capabilities(low).has(Capabilities::MYSQL) && !offered.has(Capabilities::MYSQL);
    Some(Capabilities(if known { low | own << 32 } else { low }))
}

fn put(payload: &mut [u8], capabilities: Capabilities) {
    let [a, b, c, d, own @ ..] = capabilities.0.to_le_bytes();
    if let Some(place) = payload.get_mut(..4) {
        place.copy_from_slice(&[a, b, c, d]);
    }
    // Without them these bytes are the client's own zeros.
    if own != [0; 4]
        && let Some(place) = payload.get_mut(OWN_AT..HEAD_BYTES)
    {
        place.copy_from_slice(&own);
    }
}

/// lull's own account: a response without a password or a method, to be said anew with them.
pub fn service(user: &str, database: &str) -> Vec<u8> {
    let with_database = !database.is_empty();
    let capabilities = Capabilities::MYSQL
        .with(Capabilities::PROTOCOL_41)
        .with(Capabilities::SECURE_CONNECTION)
        .with(Capabilities::CONNECT_ATTRS)
        .set(Capabilities::CONNECT_WITH_DB, with_database);
    let mut payload = vec![0; HEAD_BYTES];
    put(&mut payload, capabilities);
    for (byte, is) in payload.iter_mut().skip(4).zip(SERVICE_PACKET_AND_COLLATION) {
        *byte = is;
    }
    write_text(&mut payload, user.as_bytes());
    payload.push(0);
    if with_database {
        write_text(&mut payload, database.as_bytes());
    }
    read::write_string(&mut payload, b"\x0cprogram_name\x04lull");
    payload
}

/// 16 MiB, and utf8mb4_general_ci.
const SERVICE_PACKET_AND_COLLATION: [u8; 5] = [0, 0, 0, 1, 45];

/// A response without a name, a password or a database.
pub fn nobody(capabilities: Capabilities, plugin: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; HEAD_BYTES];
    put(&mut payload, capabilities);
    // No name, no answer, and the method.
    payload.extend_from_slice(&[0, 0]);
    if capabilities.has(Capabilities::PLUGIN_AUTH) {
        payload.extend_from_slice(plugin);
        payload.push(0);
    }
    payload
}

impl<'a> HandshakeResponse<'a> {
    fn read(
        payload: &'a [u8],
        mut reader: Reader<'a>,
        capabilities: Capabilities,
        collation: u8,
    ) -> Option<Self> {
        let has = |flag| capabilities.has(flag);
        let at = |reader: &Reader<'a>| payload.len() - reader.rest().len();
        let user = reader.until_nul()?;
        let answer_from = at(&reader);
        let answer = if has(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
            reader.string()?
        } else if has(Capabilities::SECURE_CONNECTION) {
            let length = usize::from(reader.u8()?);
            reader.bytes(length)?
        } else {
            reader.until_nul()?
        };
        let answer_at = answer_from..at(&reader);
        // Servers take what ends without a zero, or is not there at all, for what it can be.
        let text = |reader: &mut Reader<'a>, there: bool| match there {
            true => reader.until_nul().unwrap_or_else(|| {
                let rest = reader.rest();
                reader.bytes(rest.len()).unwrap_or_default()
            }),
            false => &[],
        };
        let database = text(&mut reader, has(Capabilities::CONNECT_WITH_DB));
        let plugin = text(&mut reader, has(Capabilities::PLUGIN_AUTH));
        let mut attributes: &[u8] = &[];
        if has(Capabilities::CONNECT_ATTRS) && !reader.is_empty() {
            attributes = reader.string()?;
        }
        Some(Self {
            payload,
            capabilities,
            collation,
            user,
            answer,
            answer_at,
            database,
            plugin,
            attributes,
            rest: reader.rest(),
        })
    }

    /// Its head with other capabilities: an SSLRequest in its name.
    pub fn ssl_request(&self, capabilities: Capabilities) -> Vec<u8> {
        let mut head = self.payload.get(..HEAD_BYTES).unwrap_or(self.payload).to_vec();
        put(&mut head, capabilities);
        head
    }

    /// The value of an attribute of the connection (manual: "Performance Schema Connection Attribute Tables").
    pub fn attribute(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut reader = Reader::new(self.attributes);
        std::iter::from_fn(|| Some((reader.string()?, reader.string()?)))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The same with other capabilities, and with another answer to the scramble where one is given.
    pub fn with(&self, capabilities: Capabilities, answer: Option<&[u8]>) -> Vec<u8> {
        let mut payload = self.payload.to_vec();
        // It says how zstd compresses, and stands last.
        let zstd = |capabilities: Capabilities| capabilities.has(Capabilities::ZSTD_COMPRESSION);
        if zstd(self.capabilities) && !zstd(capabilities) && self.rest.len() == 1 {
            payload.pop();
        }
        if let Some(answer) = answer {
            let mut written = Vec::new();
            write_answer(&mut written, capabilities, answer);
            payload.splice(self.answer_at.clone(), written);
        }
        put(&mut payload, capabilities);
        payload
    }

    /// What the same client would say in another login, by another method.
    pub fn anew(&self, capabilities: Capabilities, plugin: &[u8], answer: &[u8]) -> Vec<u8> {
        let mut payload = self.ssl_request(capabilities);
        write_text(&mut payload, self.user);
        write_answer(&mut payload, capabilities, answer);
        if capabilities.has(Capabilities::CONNECT_WITH_DB) {
            write_text(&mut payload, self.database);
        }
        if capabilities.has(Capabilities::PLUGIN_AUTH) {
            write_text(&mut payload, plugin);
        }
        if capabilities.has(Capabilities::CONNECT_ATTRS) {
            read::write_string(&mut payload, self.attributes);
        }
        payload
    }
}

fn write_answer(out: &mut Vec<u8>, capabilities: Capabilities, answer: &[u8]) {
    if capabilities.has(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
        read::write_string(out, answer);
    } else if capabilities.has(Capabilities::SECURE_CONNECTION) {
        out.push(u8::try_from(answer.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(answer.get(..usize::from(u8::MAX)).unwrap_or(answer));
    } else {
        write_text(out, answer);
    }
}

fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: Capabilities = Capabilities(0xff_ffff_fffe);
    const SAID: Capabilities = Capabilities(0x4_00bf_a68c);

    fn head(capabilities: Capabilities) -> Vec<u8> {
        let [a, b, c, d, own @ ..] = capabilities.0.to_le_bytes();
        [&[a, b, c, d, 0, 0, 0, 1, 0x2d][..], &[0; 19], &own].concat()
    }

    fn response(capabilities: Capabilities, answer: &[u8]) -> Vec<u8> {
        let attributes = b"\x0c_client_name\x07pymysql\x04_pid\x011";
        [
            &head(capabilities)[..],
            b"app\0",
            answer,
            b"shop\0mysql_native_password\0",
            &[u8::try_from(attributes.len()).unwrap()],
            attributes,
        ]
        .concat()
    }

    fn read(payload: &[u8]) -> HandshakeResponse<'_> {
        match opening(payload, OFFERED) {
            Ok(Opening::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_response_is_read_and_only_what_is_meant_to_change_changes() {
        let bytes = response(SAID, b"\x03abc");
        let said = read(&bytes);
        assert_eq!((said.user, said.database), (&b"app"[..], &b"shop"[..]));
        assert_eq!(said.capabilities, SAID);
        assert_eq!(
            (said.answer, said.plugin),
            (&b"abc"[..], &b"mysql_native_password"[..])
        );
        assert_eq!(said.attribute(b"_client_name"), Some(&b"pymysql"[..]));
        assert_eq!(said.attribute(b"_os"), None);
        assert_eq!(said.with(SAID, None), bytes);
        let fewer = SAID.without(Capabilities::SESSION_TRACK);
        assert_eq!(
            said.with(fewer, Some(b"another")),
            response(fewer, b"\x07another")
        );
    }

    #[test]
    fn a_response_that_is_cut_short_or_lies_is_refused_or_read_as_servers_read_it() {
        let bytes = response(SAID, b"\x03abc");
        for end in 0..HEAD_BYTES + b"app\0\x03abc".len() {
            assert!(opening(&bytes[..end], OFFERED).is_err(), "{end}");
        }
        for end in 0..bytes.len() {
            // Whatever it is, nothing panics.
            if let Ok(Opening::Response(said)) = opening(&bytes[..end], OFFERED) {
                said.attribute(b"_pid");
                said.with(SAID, Some(b""));
            }
        }
        let lying = response(SAID, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff");
        assert_eq!(opening(&lying, OFFERED), Err(BadHandshake::Malformed));
    }

    #[test]
    fn a_client_says_the_same_anew_by_another_method() {
        let bytes = response(SAID, b"\x03abc");
        let said = read(&bytes);
        let anew = said.anew(SAID, b"caching_sha2_password", b"another");
        let said_anew = read(&anew);
        assert_eq!(said_anew.answer, b"another");
        assert_eq!(said_anew.plugin, b"caching_sha2_password");
        assert_eq!((said_anew.user, said_anew.database), (said.user, said.database));
        assert_eq!(said_anew.attributes, said.attributes);
        assert_eq!(said.anew(SAID, said.plugin, said.answer), bytes);
    }

    #[test]
    fn the_service_account_says_who_it_is() {
        for database in ["", "ops"] {
            let bytes = service("lull", database);
            let said = read(&bytes);
            assert_eq!((said.user, said.database), (&b"lull"[..], database.as_bytes()));
            assert_eq!((said.answer, said.collation), (&b""[..], 45));
            assert_eq!(said.attribute(b"program_name"), Some(&b"lull"[..]));
        }
    }

    #[test]
    fn nobody_is_read_as_nobody() {
        let bytes = nobody(SAID.without(Capabilities::CONNECT_WITH_DB), b"ed25519");
        let said = read(&bytes);
        let empty = (&b""[..], &b""[..], &b""[..]);
        assert_eq!((said.user, said.answer, said.database), empty);
        assert_eq!(said.plugin, b"ed25519");
    }

    #[test]
    fn a_head_alone_asks_for_tls_and_an_old_client_is_told_apart() {
        let tls = SAID.with(Capabilities::SSL);
        assert_eq!(opening(&head(tls), OFFERED), Ok(Opening::SslRequest));
        assert_eq!(read(&response(SAID, b"\0")).ssl_request(tls), head(tls));
        assert_eq!(
            opening(b"\x85\x24\0\0\0root\0", OFFERED),
            Err(BadHandshake::TooOld)
        );
    }

    #[test]
    fn flags_of_mariadb_count_only_between_two_that_know_them() {
        let bytes = response(SAID, b"\0");
        let mysql = opening(&bytes, OFFERED.with(Capabilities::MYSQL));
        let Ok(Opening::Response(mysql)) = mysql else {
            panic!("{mysql:?}")
        };
        assert_eq!(mysql.capabilities.0, SAID.0 & 0xffff_ffff);
        assert_eq!(mysql.with(mysql.capabilities, None), bytes, "reserved bytes stay");
    }
}
