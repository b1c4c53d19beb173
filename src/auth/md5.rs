//! md5 as PostgreSQL uses it (manual: "Password Authentication", "AuthenticationMD5Password").

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::Secret;

/// What is stored: `md5`, and the hash of password and user's name.
pub fn stored(password: &[u8], user: &[u8]) -> Secret {
    hashed(password, user)
}

/// What a client sends: the hash of what is stored, less its prefix, and the server's salt.
pub fn answer(stored: &Secret, salt: [u8; 4]) -> Secret {
    let digits = stored.expose().get(3..).unwrap_or_default();
    hashed(digits, &salt)
}

/// Whether an answer is the one that the salt demands. It may end with the zero of a string.
pub fn is_answer(said: &[u8], stored: &Secret, salt: [u8; 4]) -> bool {
    let said = said.strip_suffix(b"\0").unwrap_or(said);
    answer(stored, salt).expose().ct_eq(said).into()
}

fn hashed(first: &[u8], second: &[u8]) -> Secret {
    let digest = Md5::new().chain_update(first).chain_update(second).finalize();
    let mut text = b"md5".to_vec();
    // Sized before a digit is in it: a vector that grows leaves its old copy behind.
    text.reserve_exact(2 * digest.len());
    for byte in digest {
        text.extend([byte >> 4, byte & 15].map(|half| {
            b"0123456789abcdef"
                .get(usize::from(half))
                .copied()
                .unwrap_or_default()
        }));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_becomes_what_the_server_stores() {
        // SELECT 'md5' || md5('secret' || 'app')
        assert_eq!(
            stored(b"secret", b"app").expose(),
            b"md56a422f785c9e20873908ce25d1736ae2"
        );
    }

    #[test]
    fn only_the_answer_to_this_salt_is_right() {
        let stored = stored(b"secret", b"app");
        let mut said = answer(&stored, *b"salt").expose().to_vec();
        assert!(is_answer(&said, &stored, *b"salt"));
        said.push(0);
        assert!(is_answer(&said, &stored, *b"salt"));
        assert!(!is_answer(&said, &stored, *b"sald"));
        assert!(!is_answer(b"", &stored, *b"salt"));
    }
}
