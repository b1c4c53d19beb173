//! MariaDB's `ed25519` (knowledge base: "Authentication Plugin - ed25519"), from a client's side: the nonce, signed with
//! a key that is made of nothing but the password.
//!
//! Ed25519 of RFC 8032 begins with a seed of 32 bytes; this begins with a password of any length, so that libraries of
//! signatures cannot make the key.

use curve25519_dalek::{EdwardsPoint, Scalar, scalar::clamp_integer};
use ring::digest::{Context, SHA512, SHA512_OUTPUT_LEN};
use zeroize::Zeroizing;

pub const SIGNATURE_BYTES: usize = 64;

/// RFC 8032, 5.1.6.
pub fn sign(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let expanded = hash(&[password]);
    let (first, prefix) = expanded.split_at(SHA512_OUTPUT_LEN / 2);
    let mut clamped = Zeroizing::new([0; SHA512_OUTPUT_LEN / 2]);
    clamped.copy_from_slice(first);
    let secret = Zeroizing::new(Scalar::from_bytes_mod_order(clamp_integer(*clamped)));
    let public = EdwardsPoint::mul_base(&secret).compress();
    let r = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&hash(&[prefix, nonce])));
    let point = EdwardsPoint::mul_base(&r).compress();
    let challenge = hash(&[point.as_bytes(), public.as_bytes(), nonce]);
    let s = Scalar::from_bytes_mod_order_wide(&challenge) * *secret + *r;
    [&point.to_bytes()[..], &s.to_bytes()].concat()
}

fn hash(parts: &[&[u8]]) -> Zeroizing<[u8; SHA512_OUTPUT_LEN]> {
    let mut hash = Context::new(&SHA512);
    parts.iter().for_each(|part| hash.update(part));
    let mut digest = Zeroizing::new([0; SHA512_OUTPUT_LEN]);
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64Unpadded, Encoding};
    use ring::signature::{ED25519, UnparsedPublicKey};

    #[test]
    fn the_signature_is_that_of_the_key_which_mariadb_keeps() {
        // SELECT ed25519_password('secret')
        let kept = Base64Unpadded::decode_vec("ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY").unwrap();
        let key = UnparsedPublicKey::new(&ED25519, kept);
        let nonce = [7; 32];
        let signature = sign(b"secret", &nonce);
        assert_eq!(signature.len(), SIGNATURE_BYTES);
        key.verify(&nonce, &signature).unwrap();
        key.verify(&[8; 32], &signature).unwrap_err();
        key.verify(&nonce, &sign(b"secreT", &nonce)).unwrap_err();
    }
}
