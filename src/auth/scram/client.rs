//! The client's side: `Client::first`, the server's challenge, `Challenge::answer`, and the server's own proof.

use subtle::ConstantTimeEq;

use super::{
    Keys, NONCE_BYTES,
    attributes::{attribute, decoded, encoded, is_nonce},
    keys::{signature, xor},
};

/// What the login is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// There is no channel to bind: no TLS, or a certificate without a hash.
    Impossible,
    /// It could be bound, and the server has not offered it. A server that had would notice.
    NotOffered,
    /// `tls-server-end-point`.
    EndPoint(Vec<u8>),
}

/// What is wrong with what the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("its SCRAM message is malformed ({0})")]
    Malformed(&'static str),
    #[error("its SCRAM nonce does not begin with the one that it was sent")]
    Nonce,
    #[error("it does not prove that it knows the user's verifier")]
    Signature,
}

/// The first message has been made.
#[derive(Debug)]
pub struct Client {
    gs2: &'static str,
    /// What `c=` must hold.
    bound: String,
    first_bare: String,
    nonce: String,
}

impl Client {
    pub fn new(binding: &Binding, nonce: [u8; NONCE_BYTES]) -> Self {
        let gs2 = match binding {
            Binding::Impossible => "n,,",
            Binding::NotOffered => "y,,",
            Binding::EndPoint(_) => "p=tls-server-end-point,,",
        };
        let mut bound = gs2.as_bytes().to_vec();
        if let Binding::EndPoint(hash) = binding {
            bound.extend_from_slice(hash);
        }
        let nonce = encoded(&nonce);
        Self {
            gs2,
            bound: encoded(&bound),
            // The server knows the user from the startup message, and ignores the name here.
            first_bare: format!("n=,r={nonce}"),
            nonce,
        }
    }

    /// client-first-message.
    pub fn first(&self) -> String {
        format!("{}{}", self.gs2, self.first_bare)
    }

    /// Reads server-first-message.
    pub fn hear_challenge(self, message: &[u8]) -> Result<Challenge, Broken> {
        let text = std::str::from_utf8(message).map_err(|_| Broken::Malformed("not UTF-8"))?;
        let (nonce, rest) = attribute(text, 'r').ok_or(Broken::Malformed("no nonce"))?;
        let (salt, rest) = attribute(rest, 's').ok_or(Broken::Malformed("no salt"))?;
        let (iterations, _extensions) = attribute(rest, 'i').ok_or(Broken::Malformed("no iterations"))?;
        if !is_nonce(nonce) || !nonce.starts_with(&self.nonce) || nonce == self.nonce {
            return Err(Broken::Nonce);
        }
        let last_bare = format!("c={},r={nonce}", self.bound);
        Ok(Challenge {
            salt: decoded(salt).ok_or(Broken::Malformed("no salt"))?,
            iterations: iterations
                .parse()
                .map_err(|_| Broken::Malformed("no iterations"))?,
            auth_message: format!("{},{text},{last_bare}", self.first_bare),
            last_bare,
        })
    }
}

/// What the server wants to be proven. Salt and iterations turn a password into keys.
#[derive(Debug)]
pub struct Challenge {
    pub salt: Vec<u8>,
    pub iterations: u32,
    last_bare: String,
    auth_message: String,
}

impl Challenge {
    /// client-final-message.
    pub fn answer(&self, keys: &Keys) -> String {
        let signed = signature(keys.stored().expose(), &[self.auth_message.as_bytes()]);
        let proof = xor(&keys.client, signed.expose());
        format!("{},p={}", self.last_bare, encoded(proof.expose()))
    }

    /// Checks server-final-message.
    pub fn hear_last(self, message: &[u8], keys: &Keys) -> Result<(), Broken> {
        let text = std::str::from_utf8(message).map_err(|_| Broken::Malformed("not UTF-8"))?;
        let (said, _extensions) = attribute(text, 'v').ok_or(Broken::Malformed("no signature"))?;
        let said = decoded(said).ok_or(Broken::Malformed("no signature"))?;
        let signed = signature(keys.server.expose(), &[self.auth_message.as_bytes()]);
        if signed.expose().ct_eq(&said).into() {
            Ok(())
        } else {
            Err(Broken::Signature)
        }
    }
}
