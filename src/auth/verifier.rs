//! What is written about a user's password: in a userlist, or in `pg_authid.rolpassword`.

use super::{Means, Secret, scram};

/// By its form, as the server itself tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verifier {
    Scram(scram::Verifier),
    /// `md5` and 32 hexadecimal digits.
    Md5(Secret),
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

    /// What this alone lets lull show a server. A SCRAM verifier proves nothing: it takes the client's proof to make
    /// keys of it.
    pub fn means(&self) -> Option<Means> {
        match self {
            Self::Scram(_) => None,
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
    fn a_scram_verifier_alone_lets_nobody_in() {
        let md5 = Verifier::read(b"md50123456789abcdef0123456789abcdef").unwrap();
        assert!(matches!(md5.means(), Some(Means::Md5(_))));
        let salted = scram::Verifier::of_password(b"Pa55", b"salt", 4096);
        assert_eq!(Verifier::Scram(salted.unwrap()).means(), None);
    }
}
