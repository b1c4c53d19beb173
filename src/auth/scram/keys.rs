//! The keys that a password becomes (RFC 5802, 3), and what is signed with them.

use std::{borrow::Cow, num::NonZeroU32};

use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::{ITERATIONS_MAX, Verifier};
use crate::auth::Secret;

pub(super) const KEY_BYTES: usize = 32;

/// ClientKey and ServerKey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub(super) client: Secret,
    pub(super) server: Secret,
}

impl Keys {
    /// None where the iterations are none or too many.
    pub fn of_password(password: &[u8], salt: &[u8], iterations: u32) -> Option<Self> {
        let iterations = NonZeroU32::new(iterations).filter(|n| n.get() <= ITERATIONS_MAX)?;
        let password = prepared(password);
        let mut salted = Zeroizing::new([0; KEY_BYTES]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            &password,
            salted.as_mut(),
        );
        Some(Self {
            client: signature(salted.as_ref(), &[b"Client Key"]),
            server: signature(salted.as_ref(), &[b"Server Key"]),
        })
    }

    pub(super) fn stored(&self) -> Secret {
        hash(self.client.expose())
    }
}

/// The keys of whoever has made this proof. None if it was not with the verifier's password.
pub(super) fn recovered(verifier: &Verifier, auth_message: &str, proof: &[u8]) -> Option<Keys> {
    let signed = signature(verifier.stored.expose(), &[auth_message.as_bytes()]);
    let keys = Keys {
        client: xor(&signed, proof),
        server: verifier.server.clone(),
    };
    (keys.stored() == verifier.stored).then_some(keys)
}

fn hash(bytes: &[u8]) -> Secret {
    Secret::new(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// HMAC over parts that follow each other.
pub(super) fn signature(key: &[u8], parts: &[&[u8]]) -> Secret {
    let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| signing.update(part));
    Secret::new(signing.sign().as_ref())
}

pub(super) fn xor(one: &Secret, other: &[u8]) -> Secret {
    let pairs = one.expose().iter().zip(other);
    Secret::new(pairs.map(|(one, other)| one ^ other).collect::<Vec<u8>>())
}

/// SASLprep (RFC 4013), and as PostgreSQL does it: what cannot be prepared is taken as it is.
fn prepared(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let text = std::str::from_utf8(password).ok();
    let prepared = text.and_then(|text| stringprep::saslprep(text).ok());
    Zeroizing::new(match prepared {
        Some(Cow::Owned(prepared)) if !prepared.is_empty() => prepared.into_bytes(),
        _ => password.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &[u8], other: &[u8]) -> bool {
        Keys::of_password(one, b"salt", 1) == Keys::of_password(other, b"salt", 1)
    }

    #[test]
    fn passwords_that_look_alike_are_alike() {
        // RFC 4013, 3; and PostgreSQL's own tests.
        assert!(same("I\u{ad}X".as_bytes(), b"IX"));
        assert!(same("\u{2168}".as_bytes(), b"IX"));
        assert!(same("\u{aa}".as_bytes(), b"a"));
        assert!(!same(b"USER", b"user"));
        // Not UTF-8, prohibited, nothing left: as they are.
        assert!(!same(b"foo\xad", b"foo"));
        assert!(!same("foo\u{1680}\u{7}".as_bytes(), b"foo "));
        assert!(!same("\u{ad}".as_bytes(), b""));
    }

    #[test]
    fn iterations_have_a_limit() {
        for iterations in [0, ITERATIONS_MAX + 1, u32::MAX] {
            assert_eq!(Keys::of_password(b"Pa55", b"salt", iterations), None);
        }
    }
}
