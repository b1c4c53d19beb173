//! RSA as the two methods use it that send a password: OAEP with SHA-1, over the password and its closing zero, mixed
//! with the scramble (manual: "Caching SHA-2 Pluggable Authentication").

use getrandom::SysRng;
use rsa::{
    PrivateKey, PublicKey,
    pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding},
};
use sha1::Sha1;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// As the servers' own.
const KEY_BITS: usize = 2048;

/// lull's own pair of keys, made when a client first asks for it. It serves as long as the configuration does.
#[derive(Default)]
pub(in crate::connect) struct OwnKey(OnceCell<Pair>);

pub(super) struct Pair {
    private: PrivateKey,
    /// As clients get it.
    pub(super) public_pem: Vec<u8>,
}

impl OwnKey {
    pub(super) async fn get(&self) -> Result<&Pair, Fault> {
        self.0
            .get_or_try_init(|| async {
                // It takes part of a second, in which the worker has other sessions to serve.
                let made = tokio::task::spawn_blocking(Pair::make).await;
                made.map_err(Fault::proxy)?
            })
            .await
    }
}

impl Pair {
    fn make() -> Result<Self, Fault> {
        let private = PrivateKey::new(&mut SysRng, KEY_BITS).map_err(Fault::proxy)?;
        let public = private.to_public_key();
        let pem = public.to_public_key_pem(LineEnding::LF).map_err(Fault::proxy)?;
        Ok(Self {
            private,
            public_pem: pem.into_bytes(),
        })
    }

    /// The password with its closing zero. None if it was encrypted with another key.
    pub(super) fn decrypt(&self, encrypted: &[u8], scramble: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mixed = self.private.oaep_decrypt::<Sha1>(encrypted).ok()?;
        Some(mix(&Zeroizing::new(mixed), scramble))
    }
}

/// Encrypts a password, closing zero included, with the key that the server has sent.
pub(super) fn encrypt(password: &[u8], scramble: &[u8], public_pem: &[u8]) -> Result<Vec<u8>, Fault> {
    let unusable = |why: String| Fault::upstream(format!("its public key cannot be used: {why}"));
    let pem = std::str::from_utf8(public_pem).map_err(|error| unusable(error.to_string()))?;
    // Servers end it with a zero or not.
    let key = PublicKey::from_public_key_pem(pem.trim_end_matches(['\0', '\n']))
        .map_err(|error| unusable(error.to_string()))?;
    key.oaep_encrypt::<Sha1>(&mix(password, scramble))
        .map_err(|error| unusable(error.to_string()))
}

fn mix(text: &[u8], scramble: &[u8]) -> Zeroizing<Vec<u8>> {
    let pattern = scramble.iter().cycle();
    Zeroizing::new(text.iter().zip(pattern).map(|(byte, with)| byte ^ with).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_with_the_public_key_is_read_with_the_private_one() {
        let pair = Pair::make().unwrap();
        let scramble = b"01234567890123456789";
        let encrypted = encrypt(b"a longer secret than the scramble\0", scramble, &pair.public_pem).unwrap();
        let read = pair.decrypt(&encrypted, scramble).unwrap();
        assert_eq!(read.as_slice(), b"a longer secret than the scramble\0");
        assert_eq!(pair.decrypt(&encrypted[1..], scramble), None);
        assert_eq!(pair.decrypt(&[7; 256], scramble), None);
    }

    #[test]
    fn what_is_no_public_key_is_the_servers_fault() {
        for pem in [
            &b""[..],
            b"\xff",
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            let fault = encrypt(b"secret\0", b"01234567890123456789", pem).unwrap_err();
            assert_eq!(fault.who(), "upstream");
        }
    }
}
