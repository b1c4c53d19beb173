//! The server's side: `Offer`, the client's first message, `Challenged`, and the client's proof, which gives up its key.
//!
//! Complains as PostgreSQL does of the same messages, and a wrong proof costs the same whether the user exists or not.

use super::{
    Keys, MECHANISM, MECHANISM_PLUS, NONCE_BYTES, Verifier,
    attributes::{attribute, decoded, encoded, is_nonce},
    keys::{KEY_BYTES, recovered, signature},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("malformed SCRAM message ({0})")]
    Malformed(&'static str),
    /// It binds to another channel, or was kept from seeing that it could bind.
    #[error("SCRAM channel binding check failed")]
    Binding,
    /// Not the password.
    #[error("password authentication failed")]
    Proof,
}

/// What a client may choose from.
#[derive(Debug)]
pub struct Offer {
    verifier: Verifier,
    /// The hash of lull's certificate, where the client's leg has TLS: the login can be bound to it.
    end_point: Option<Vec<u8>>,
}

impl Offer {
    pub fn new(verifier: Verifier, end_point: Option<Vec<u8>>) -> Self {
        Self { verifier, end_point }
    }

    /// The strongest first.
    pub fn mechanisms(&self) -> Vec<&'static str> {
        match self.end_point {
            Some(_) => vec![MECHANISM_PLUS, MECHANISM],
            None => vec![MECHANISM],
        }
    }

    /// Reads client-first-message.
    pub fn hear_first(
        self,
        mechanism: &[u8],
        message: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Challenged, Wrong> {
        if !self
            .mechanisms()
            .iter()
            .any(|known| known.as_bytes() == mechanism)
        {
            return Err(Wrong::Malformed("a mechanism that was not offered"));
        }
        let text = std::str::from_utf8(message).map_err(|_| Wrong::Malformed("not UTF-8"))?;
        let bare = self.without_gs2(mechanism == MECHANISM_PLUS.as_bytes(), text)?;
        let gs2 = text.strip_suffix(bare).unwrap_or_default();
        // The name is the startup message's.
        let (_name, rest) = attribute(bare, 'n').ok_or(Wrong::Malformed("no user name"))?;
        let (client_nonce, _extensions) = attribute(rest, 'r').ok_or(Wrong::Malformed("no nonce"))?;
        if !is_nonce(client_nonce) {
            return Err(Wrong::Malformed("non-printable characters in the nonce"));
        }
        let mut bound = gs2.as_bytes().to_vec();
        if gs2.starts_with('p') {
            bound.extend_from_slice(self.end_point.as_deref().unwrap_or_default());
        }
        let nonce = format!("{client_nonce}{}", encoded(&nonce));
        let Verifier { salt, iterations, .. } = &self.verifier;
        let challenge = format!("r={nonce},s={},i={iterations}", encoded(salt));
        Ok(Challenged {
            bound: encoded(&bound),
            nonce,
            first_bare: bare.to_owned(),
            challenge,
            verifier: self.verifier,
        })
    }

    /// The message behind its header: whether the client binds, and for whom it acts.
    fn without_gs2<'a>(&self, plus: bool, text: &'a str) -> Result<&'a str, Wrong> {
        let (flag, rest) = text.split_once(',').ok_or(Wrong::Malformed("no header"))?;
        match flag {
            "n" | "y" if plus => return Err(Wrong::Malformed("no channel binding data")),
            "n" => {}
            // It has not seen the offer that was made to it.
            "y" if self.end_point.is_some() => return Err(Wrong::Binding),
            "y" => {}
            "p=tls-server-end-point" if plus => {}
            _ if flag.starts_with("p=") && !plus => {
                return Err(Wrong::Malformed(
                    "channel binding data without a mechanism for it",
                ));
            }
            _ => return Err(Wrong::Malformed("an unknown kind of channel binding")),
        }
        let bare = rest.strip_prefix(',');
        bare.ok_or(Wrong::Malformed(
            "an authorization identity, which is not supported",
        ))
    }
}

/// The challenge has been made.
#[derive(Debug)]
pub struct Challenged {
    verifier: Verifier,
    bound: String,
    nonce: String,
    first_bare: String,
    challenge: String,
}

/// The client has proven that it knows the password.
#[derive(Debug)]
pub struct Proven {
    /// The client's own.
    pub keys: Keys,
    /// server-final-message: that lull knows it too.
    pub last: String,
}

impl Challenged {
    /// server-first-message.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// Reads client-final-message.
    pub fn hear_last(self, message: &[u8]) -> Result<Proven, Wrong> {
        let text = std::str::from_utf8(message).map_err(|_| Wrong::Malformed("not UTF-8"))?;
        let (last_bare, proof) = text.rsplit_once(",p=").ok_or(Wrong::Malformed("no proof"))?;
        let (bound, rest) = attribute(last_bare, 'c').ok_or(Wrong::Malformed("no channel binding"))?;
        let (nonce, _extensions) = attribute(rest, 'r').ok_or(Wrong::Malformed("no nonce"))?;
        if bound != self.bound {
            return Err(Wrong::Binding);
        }
        if nonce != self.nonce {
            return Err(Wrong::Malformed("the nonce is another"));
        }
        let proof = decoded(proof).filter(|proof| proof.len() == KEY_BYTES);
        let proof = proof.ok_or(Wrong::Malformed("no proof"))?;
        let auth_message = [self.first_bare.as_str(), &self.challenge, last_bare].join(",");
        let keys = recovered(&self.verifier, &auth_message, &proof).ok_or(Wrong::Proof)?;
        let signed = signature(keys.server.expose(), &[auth_message.as_bytes()]);
        Ok(Proven {
            keys,
            last: format!("v={}", encoded(signed.expose())),
        })
    }
}
