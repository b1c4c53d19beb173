//! A login that passes between a client and a server. Whoever has the verifier learns the client's keys from its proof.

use super::{Keys, Verifier, attributes::decoded, keys::recovered};

/// client-first-message and server-first-message.
#[derive(Clone, Debug, Default)]
pub struct Overheard {
    pub first: Vec<u8>,
    pub challenge: Vec<u8>,
}

impl Overheard {
    /// By client-final-message. None if the verifier is not the one that the server has, or the password was wrong.
    pub fn keys(&self, last: &[u8], verifier: &Verifier) -> Option<Keys> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        // Behind the header: the kind of binding, and for whom the client acts.
        let first_bare = text(&self.first)?.splitn(3, ',').nth(2)?;
        let (last_bare, proof) = text(last)?.rsplit_once(",p=")?;
        let auth_message = [first_bare, text(&self.challenge)?, last_bare].join(",");
        recovered(verifier, &auth_message, &decoded(proof)?)
    }
}
