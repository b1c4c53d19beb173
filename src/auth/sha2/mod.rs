//! `caching_sha2_password` (manual: "Caching SHA-2 Pluggable Authentication"): its short form, a proof that one knows the
//! password, for who has seen it before; and what servers keep of passwords that they have not seen.

mod crypt;
mod verifier;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use verifier::Verifier;

type Hash = Zeroizing<[u8; SHA256_OUTPUT_LEN]>;

/// Of the hash that servers keep.
const HASH_CHARS: usize = 43;

/// What a client sends first.
pub fn proof(password: &[u8], scramble: &[u8]) -> Vec<u8> {
    let inner = hash(&[password]);
    let outer = hash(&[&*inner]);
    let cover = hash(&[&*outer, scramble]);
    inner
        .iter()
        .zip(cover.iter())
        .map(|(byte, with)| byte ^ with)
        .collect()
}

pub fn is_proof(said: &[u8], password: &[u8], scramble: &[u8]) -> bool {
    proof(password, scramble).ct_eq(said).into()
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut hash = Context::new(&SHA256);
    parts.iter().for_each(|part| hash.update(part));
    finish(hash)
}

fn finish(hash: Context) -> Hash {
    let mut digest = Zeroizing::new([0; SHA256_OUTPUT_LEN]);
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_this_password_and_this_scramble() {
        let scramble = b"01234567890123456789";
        let said = proof(b"secret", scramble);
        let text: String = said.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            text, "1a2da2573c2faa367e2afddb54cdfd11a95ed22eef0167151196a6fc8e3d3813",
            "as another implementation makes it"
        );
        assert!(is_proof(&said, b"secret", scramble));
        assert!(!is_proof(&said, b"secret", b"98765432109876543210"));
        assert!(!is_proof(&said[1..], b"secret", scramble) && !is_proof(b"", b"secret", scramble));
    }
}
