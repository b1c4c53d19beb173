//! What is written about a user's password: in a userlist, in `pg_authid.rolpassword`, or in
//! `mysql.user.authentication_string`.

use super::{Means, Secret, native, scram, sha2};

/// By its form, as the server itself tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verifier {
    Scram(scram::Verifier),
    /// `md5` and 32 hexadecimal digits.
    Md5(Secret),
    /// Of MySQL and MariaDB: `*` and 40 hexadecimal digits.
    Native(native::Verifier),
    /// Of MySQL: `$A$005$`, salt and hash, or the same in hexadecimal digits.
    Sha2(sha2::Verifier),
    Plain(Secret),
}

const MD5_CHARS: usize = 35;

impl Verifier {
    /// None for an empty text: nobody logs in with an empty password.
    pub fn read(text: &[u8]) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        if let Some(verifier) = scram::Verifier::read(text) {
            return Some(Self::Scram(verifier));
        }
        let secret = Secret::new(text);
        if is_md5(text) {
            return Some(Self::Md5(secret));
        }
        Some(Self::Plain(secret))
    }

    /// As MySQL's and MariaDB's servers tell them apart.
    pub fn read_mysql(text: &[u8]) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let native = native::Verifier::read(text).map(Self::Native);
        let sha2 = || sha2::Verifier::read(text).or_else(|| sha2::Verifier::read_hex(text));
        let hashed = native.or_else(|| sha2().map(Self::Sha2));
        Some(hashed.unwrap_or_else(|| Self::Plain(Secret::new(text))))
    }

    /// What this alone lets lull show a server. What SCRAM and the methods of MySQL keep proves nothing: it takes the
    /// client's proof to make keys of it.
    pub fn means(&self) -> Option<Means> {
        match self {
            Self::Scram(_) | Self::Native(_) | Self::Sha2(_) => None,
            Self::Md5(hash) => Some(Means::Md5(hash.clone())),
            Self::Plain(password) => Some(Means::Password(password.clone())),
        }
    }
}

fn is_md5(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"md5").unwrap_or_default();
    text.len() == MD5_CHARS && digits.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_known_by_its_form() {
        let scram = b"SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$\
            n4vHgXR8Ho6vHfwYyYLrTQBpdZkkmH0e5jJ8UUWeAPU=:uBOLKTJKEvVwMpCpnWX2Gxd0yO1b8hUIDzHoMmnRNq0=";
        assert!(matches!(Verifier::read(scram), Some(Verifier::Scram(_))));
        let md5 = b"md50123456789abcdef0123456789abcdef";
        assert!(matches!(Verifier::read(md5), Some(Verifier::Md5(_))));
        for plain in [
            &b"Pa55"[..],
            b"md5",
            b"SCRAM-SHA-256$oops",
            &scram[..40],
            &md5[..34],
        ] {
            assert!(matches!(Verifier::read(plain), Some(Verifier::Plain(_))));
        }
        assert_eq!(Verifier::read(b""), None);
    }

    #[test]
    fn what_mysql_keeps_is_known_by_its_form() {
        let native = Verifier::read_mysql(b"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
        assert!(matches!(native, Some(Verifier::Native(_))));
        let sha2 = [&b"$A$005$"[..], &[b'x'; 63]].concat();
        assert!(matches!(Verifier::read_mysql(&sha2), Some(Verifier::Sha2(_))));
        for plain in [
            &b"Pa55"[..],
            b"*14E6",
            &sha2[..69],
            b"0x2441",
            b"md50123456789abcdef0123456789abcdef",
        ] {
            let verifier = Verifier::read_mysql(plain).unwrap();
            assert!(matches!(verifier.means(), Some(Means::Password(_))));
        }
        assert_eq!(Verifier::read_mysql(b""), None);
        assert_eq!(native.unwrap().means(), None);
    }

    #[test]
    fn a_scram_verifier_alone_lets_nobody_in() {
        let md5 = Verifier::read(b"md50123456789abcdef0123456789abcdef").unwrap();
        assert!(matches!(md5.means(), Some(Means::Md5(_))));
        let salted = scram::Verifier::of_password(b"Pa55", b"salt", 4096);
        assert_eq!(Verifier::Scram(salted.unwrap()).means(), None);
    }
}
