//! The two methods that hand over the password itself, where one leg of the login is private and the other is not.
//!
//! On a private connection (TLS; for caching_sha2_password a Unix socket too) a client sends the password as it is; on
//! another it asks for the server's public key and encrypts with that. Each end does what its own leg wants, so lull
//! stands in for the other: it asks the server for its key and encrypts, or gives the client a key of its own and
//! decrypts. It knows the password for that moment only. Where both legs are alike, all passes as it comes.
//!
//! Pure: packets in, packets out.

use zeroize::Zeroizing;

use super::keys::{self, Pair};
use crate::{
    auth::{Means, native},
    fault::Fault,
    relay::Stream,
    wire::mysql::auth::{self, CACHING_SHA2, CLEAR, NATIVE, PASSWORD_WANTED, SHA256, Said},
};

/// What to do with a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on as it came.
    Pass,
    /// The server gets this in its place.
    Up(Zeroizing<Vec<u8>>),
    /// The client gets this as an answer, and has its turn again.
    Down(Vec<u8>),
}

/// What is known of a connection's privacy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Tls,
    UnixSocket,
    Open,
}

impl Way {
    pub(super) fn of(stream: &Stream) -> Self {
        match (stream.is_tls(), stream.is_tcp()) {
            (true, _) => Self::Tls,
            (false, false) => Self::UnixSocket,
            (false, true) => Self::Open,
        }
    }
}

/// How a client asks for a public key.
const CACHING_SHA2_ASKS: &[u8] = &[2];
const SHA256_ASKS: &[u8] = &[1];
/// The closing zero of an empty password: nothing to hide.
const EMPTY: &[u8] = &[0];

pub(super) struct Secret<'a> {
    client: Way,
    upstream: Way,
    plugin: Vec<u8>,
    scramble: Vec<u8>,
    /// What the client has proven itself with by the native method.
    proof: Vec<u8>,
    /// Whether the next answer is the password.
    wanted: bool,
    /// It waits for the server's key.
    password: Option<Zeroizing<Vec<u8>>>,
    pub(super) own: Option<&'a Pair>,
}

impl<'a> Secret<'a> {
    pub(super) fn new(client: Way, upstream: Way, plugin: &[u8], scramble: &[u8]) -> Self {
        let mut secret = Self {
            client,
            upstream,
            plugin: Vec::new(),
            scramble: Vec::new(),
            proof: Vec::new(),
            wanted: false,
            password: None,
            own: None,
        };
        secret.switch(plugin, scramble);
        secret
    }

    fn switch(&mut self, plugin: &[u8], data: &[u8]) {
        self.plugin = plugin.to_vec();
        self.scramble = data.get(..20).unwrap_or(data).to_vec();
        self.wanted = self.plugin == SHA256;
        self.password = None;
    }

    /// With what lull can log in again, where it knows what the server keeps.
    pub(super) fn overheard(&self, verifier: &native::Verifier) -> Option<Means> {
        let is_native = self.plugin == NATIVE;
        let inner = is_native.then(|| verifier.uncover(&self.proof, &self.scramble))??;
        Some(Means::Native(inner))
    }

    fn is_private(&self, way: Way) -> bool {
        way == Way::Tls || way == Way::UnixSocket && self.plugin != SHA256
    }

    /// The byte by which this method asks for a key.
    fn asks(&self) -> &'static [u8] {
        if self.plugin == SHA256 {
            SHA256_ASKS
        } else {
            CACHING_SHA2_ASKS
        }
    }

    /// Whether `own` is needed before this answer can be taken.
    pub(super) fn asks_for_own_key(&self, answer: &[u8]) -> bool {
        let legs = (self.is_private(self.client), self.is_private(self.upstream));
        self.wanted && legs == (false, true) && answer == self.asks()
    }

    pub(super) fn hear_client(&mut self, answer: &[u8]) -> Result<Step, Fault> {
        self.permits()?;
        if self.plugin == NATIVE {
            self.proof = answer.to_vec();
        }
        if !self.wanted || answer == EMPTY {
            return Ok(Step::Pass);
        }
        match (self.is_private(self.client), self.is_private(self.upstream)) {
            (true, true) | (false, false) => Ok(Step::Pass),
            (true, false) => {
                self.password = Some(Zeroizing::new(answer.to_vec()));
                Ok(Step::Up(self.asks().to_vec().into()))
            }
            (false, true) => self.decrypt(answer),
        }
    }

    fn decrypt(&self, answer: &[u8]) -> Result<Step, Fault> {
        match self.own {
            Some(own) if answer == self.asks() => Ok(Step::Down(auth::more(&own.public_pem))),
            own => {
                let password = own.and_then(|own| own.decrypt(answer, &self.scramble));
                password.map(Step::Up).ok_or_else(|| Fault::policy(OTHER_KEY))
            }
        }
    }

    pub(super) fn hear_server(&mut self, said: Said<'_>) -> Result<Step, Fault> {
        match said {
            Said::Switch { plugin, data } => {
                self.switch(plugin, data);
                self.permits()?;
            }
            Said::More(key) if self.password.is_some() => {
                let password = self.password.take().unwrap_or_default();
                let encrypted = keys::encrypt(&password, &self.scramble, key)?;
                return Ok(Step::Up(encrypted.into()));
            }
            Said::More(data) if self.plugin == CACHING_SHA2 => self.wanted = data == PASSWORD_WANTED,
            _ => {}
        }
        Ok(Step::Pass)
    }

    /// A password in the clear must not be asked for where others can listen.
    fn permits(&self) -> Result<(), Fault> {
        if self.plugin == CLEAR && self.client == Way::Open {
            Err(Fault::policy(IN_THE_CLEAR))
        } else {
            Ok(())
        }
    }
}

const OTHER_KEY: &str = "the password is not encrypted with the key that lull gives. This client \
    comes without TLS, and has a key in a file or none, while lull's own connection to the server \
    has TLS: let the client use TLS, or ask for the key (get-server-public-key, and no \
    server-public-key-path), or set primary_sslmode = \"disable\" in lull's configuration";
const IN_THE_CLEAR: &str = "the server asks for the password in the clear (mysql_clear_password), \
    which is passed on over TLS only: let the client use TLS (ssl-mode=REQUIRED), which needs \
    [cluster.tls] in lull's configuration";

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAMBLE: &[u8] = b"01234567890123456789";

    fn wanted(client: Way, upstream: Way) -> Secret<'static> {
        let mut secret = Secret::new(client, upstream, CACHING_SHA2, SCRAMBLE);
        assert_eq!(
            secret.hear_client(&[7; 32]).unwrap(),
            Step::Pass,
            "a hash is none of its business"
        );
        assert_eq!(
            secret.hear_server(Said::More(PASSWORD_WANTED)).unwrap(),
            Step::Pass
        );
        secret
    }

    #[test]
    fn where_both_legs_are_alike_everything_passes() {
        for (client, upstream) in [
            (Way::Tls, Way::Tls),
            (Way::Open, Way::Open),
            (Way::UnixSocket, Way::Tls),
        ] {
            for answer in [&b"secret\0"[..], &[2], &[9; 256]] {
                assert_eq!(wanted(client, upstream).hear_client(answer).unwrap(), Step::Pass);
            }
        }
    }

    #[test]
    fn a_password_from_a_private_leg_goes_up_encrypted_with_the_servers_key() {
        for client in [Way::Tls, Way::UnixSocket] {
            let mut secret = wanted(client, Way::Open);
            assert_eq!(secret.hear_client(b"secret\0").unwrap(), Step::Up(vec![2].into()));
            assert!(secret.hear_server(Said::More(b"no key")).is_err());
            assert_eq!(secret.hear_client(EMPTY).unwrap(), Step::Pass);
        }
    }

    #[test]
    fn a_client_that_has_another_key_than_lulls_is_told_what_to_do() {
        let mut secret = wanted(Way::Open, Way::Tls);
        assert!(secret.asks_for_own_key(&[2]) && !secret.asks_for_own_key(&[1]));
        let fault = secret.hear_client(&[9; 256]).unwrap_err();
        assert!(fault.to_string().contains("server-public-key-path"), "{fault}");
    }

    #[test]
    fn a_native_proof_that_passes_shows_what_lull_can_log_in_with() {
        let inner = native::inner(b"secret");
        let verifier = native::Verifier::of_inner(&inner);
        let mut secret = Secret::new(Way::Open, Way::Open, b"", b"");
        let switch = Said::Switch {
            plugin: NATIVE,
            data: SCRAMBLE,
        };
        assert_eq!(secret.hear_server(switch).unwrap(), Step::Pass);
        let proof = native::proof(&inner, SCRAMBLE);
        assert_eq!(secret.hear_client(&proof).unwrap(), Step::Pass);
        assert_eq!(secret.overheard(&verifier), Some(Means::Native(inner)));
        assert_eq!(
            secret.overheard(&native::Verifier::of_inner(&native::inner(b"other"))),
            None
        );
    }

    #[test]
    fn a_unix_socket_is_private_to_one_method_and_not_to_the_other() {
        let mut secret = Secret::new(Way::UnixSocket, Way::Open, SHA256, SCRAMBLE);
        assert_eq!(secret.hear_client(SHA256_ASKS).unwrap(), Step::Pass);
        let mut secret = Secret::new(Way::Tls, Way::UnixSocket, SHA256, SCRAMBLE);
        assert_eq!(secret.hear_client(b"secret\0").unwrap(), Step::Up(vec![1].into()));
    }

    #[test]
    fn a_password_in_the_clear_is_asked_for_only_where_nobody_listens() {
        let switch = Said::Switch {
            plugin: CLEAR,
            data: b"",
        };
        let native = b"mysql_native_password";
        let mut secret = Secret::new(Way::Open, Way::Open, native, SCRAMBLE);
        assert!(secret.hear_server(switch).is_err());
        let mut secret = Secret::new(Way::Tls, Way::Open, native, SCRAMBLE);
        assert_eq!(secret.hear_server(switch).unwrap(), Step::Pass);
        assert_eq!(secret.hear_client(b"secret\0").unwrap(), Step::Pass);
    }
}
