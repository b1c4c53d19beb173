//! What MySQL keeps of a password, as `mysql.user.authentication_string` has it: `$A$005$`, 20 bytes of salt, and the
//! hash.

use std::str;

use subtle::ConstantTimeEq;

use super::{HASH_CHARS, crypt::crypt};
use crate::auth::Secret;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    rounds: u32,
    /// The salt, and the hash.
    stored: Secret,
}

const SALT_BYTES: usize = 20;
const ROUNDS_DEFAULT: u32 = 5000;
/// What servers refuse to hash (`MAX_PLAINTEXT_LENGTH`).
const PASSWORD_BYTES_MAX: usize = 256;

impl Verifier {
    pub fn read(text: &[u8]) -> Option<Self> {
        let rest = text.strip_prefix(b"$A$")?;
        let (thousands, rest) = rest.split_at_checked(3)?;
        let stored = rest
            .strip_prefix(b"$")
            .filter(|stored| stored.len() == SALT_BYTES + HASH_CHARS)?;
        let thousands = u32::from_str_radix(str::from_utf8(thousands).ok()?, 16).ok()?;
        Some(Self {
            rounds: thousands.checked_mul(1000).filter(|rounds| *rounds > 0)?,
            stored: Secret::new(stored),
        })
    }

    /// The same in hexadecimal digits, as `SHOW CREATE USER` can print it (`print_identified_with_as_hex`): a salt can
    /// hold any character.
    pub fn read_hex(text: &[u8]) -> Option<Self> {
        Self::read(Secret::of_hex(text.strip_prefix(b"0x")?)?.expose())
    }

    /// Of a user who does not exist: no password is right, and that takes as long to find out.
    pub fn mock() -> Self {
        Self {
            rounds: ROUNDS_DEFAULT,
            stored: Secret::new(vec![b'.'; SALT_BYTES + HASH_CHARS]),
        }
    }

    /// Slow on purpose.
    pub fn is_password(&self, password: &[u8]) -> bool {
        if password.len() > PASSWORD_BYTES_MAX {
            return false;
        }
        let Some((salt, hash)) = self.stored.expose().split_at_checked(SALT_BYTES) else {
            return false;
        };
        crypt(password, salt, self.rounds).ct_eq(hash).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(password: &[u8]) -> Vec<u8> {
        let salt = b"a salt\twith \"all\" in";
        [&b"$A$001$"[..], salt, &crypt(password, salt, 1000)].concat()
    }

    #[test]
    fn only_the_right_password_is_right() {
        let verifier = Verifier::read(&stored(b"secret")).unwrap();
        assert!(verifier.is_password(b"secret"));
        assert!(!verifier.is_password(b"secreT") && !verifier.is_password(b""));
        assert!(!verifier.is_password(&[b'x'; PASSWORD_BYTES_MAX + 1]));
        assert!(!Verifier::mock().is_password(b""));
    }

    #[test]
    fn it_is_known_by_its_form_in_characters_or_digits() {
        let text = stored(b"secret");
        let digits: String = text.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(
            Verifier::read_hex(format!("0x{digits}").as_bytes()),
            Verifier::read(&text)
        );
        assert!(Verifier::read(&text).is_some());
        let none = [b"$A$000$", text.get(7..).unwrap()].concat();
        for wrong in [&text[1..], &text[..69], b"$A$", &none] {
            assert_eq!(Verifier::read(wrong), None);
        }
        assert_eq!(Verifier::read_hex(b"0x24"), None);
    }
}
