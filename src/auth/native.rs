//! `mysql_native_password`, from both sides (manual: "Native Authentication").
//!
//! The server holds a hash of a hash of the password. A client sends the inner hash, covered by what only the two can
//! make of the outer one: whoever has the outer one can uncover the inner, which is enough to log in with.

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::Secret;

const HASH_BYTES: usize = 20;

/// The hash of the password: whoever has it can log in.
pub fn inner(password: &[u8]) -> Secret {
    Secret::new(*hash(&[password]))
}

/// What the server holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier(Secret);

impl Verifier {
    /// From `*` and 40 hexadecimal digits.
    pub fn read(text: &[u8]) -> Option<Self> {
        let digits = text
            .strip_prefix(b"*")
            .filter(|digits| digits.len() == 2 * HASH_BYTES)?;
        Secret::of_hex(digits).map(Self)
    }

    pub fn of_inner(inner: &Secret) -> Self {
        Self(Secret::new(*hash(&[inner.expose()])))
    }

    /// The inner hash, if the proof is right.
    pub fn uncover(&self, proof: &[u8], scramble: &[u8]) -> Option<Secret> {
        if proof.len() != HASH_BYTES {
            return None;
        }
        let inner = Secret::new(covered(proof, &self.0, scramble));
        (Self::of_inner(&inner) == *self).then_some(inner)
    }
}

/// What a client sends who knows the inner hash.
pub fn proof(inner: &Secret, scramble: &[u8]) -> Vec<u8> {
    covered(inner.expose(), &Verifier::of_inner(inner).0, scramble)
}

fn covered(text: &[u8], outer: &Secret, scramble: &[u8]) -> Vec<u8> {
    let cover = hash(&[scramble, outer.expose()]);
    text.iter()
        .zip(cover.iter())
        .map(|(byte, with)| byte ^ with)
        .collect()
}

fn hash(parts: &[&[u8]]) -> Zeroizing<[u8; HASH_BYTES]> {
    let mut hash = Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    Zeroizing::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SELECT PASSWORD('secret')
    const STORED: &[u8] = b"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";
    const SCRAMBLE: &[u8] = b"01234567890123456789";

    #[test]
    fn the_inner_hash_is_uncovered_from_a_proof_that_is_right() {
        let stored = Verifier::read(STORED).unwrap();
        let inner = inner(b"secret");
        assert_eq!(Verifier::of_inner(&inner), stored);
        let proof = proof(&inner, SCRAMBLE);
        assert_eq!(stored.uncover(&proof, SCRAMBLE), Some(inner));
        assert_eq!(stored.uncover(&proof, b"98765432109876543210"), None);
        assert_eq!(stored.uncover(&proof[1..], SCRAMBLE), None);
        assert_eq!(stored.uncover(&[], SCRAMBLE), None);
    }

    #[test]
    fn what_is_stored_is_known_by_its_form() {
        assert_eq!(Verifier::read(&STORED[..40]), None);
        assert_eq!(Verifier::read(&STORED[1..]), None);
        assert_eq!(Verifier::read(b"*14E65567ABDB5135D0CFD9A70B3032C179A49EE "), None);
    }
}
