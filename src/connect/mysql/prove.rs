//! Logs in to a server: answers what it asks with what lull can show (manual: "Authentication Phase").
//!
//! Guarantees that a password goes out only where nobody can listen: inside TLS, or encrypted with the server's key.

use std::sync::Arc;

use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::{
    agreed_upstream, dial,
    leg::{Beyond, Leg, Missing},
    secret::{Secret, Step, Way},
};
use crate::{
    auth::{Means, ed25519, native, sha2},
    config::Address,
    connect::Front,
    fault::Fault,
    wire::mysql::{
        auth::{CACHING_SHA2, CLEAR, ED25519, FAST_SUCCESS, NATIVE, PASSWORD_WANTED, SHA256, Said},
        capability::Capabilities,
        error::Error,
        greeting::{Greeting, SCRAMBLE_BYTES},
        handshake_response::HandshakeResponse,
    },
};

/// Of MariaDB's ed25519.
const NONCE_BYTES: usize = 32;
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// The account's own method, the password in its place, a key: no method of these takes more.
const ROUNDS_MAX: u32 = 10;

/// Why a server did not let lull in.
#[derive(Debug)]
pub(super) enum NotIn {
    /// The payload of its error.
    Refused(Vec<u8>),
    /// The connection ended, or carries something else.
    Missing(Missing),
    Fault(Fault),
}

/// A server that has greeted lull.
#[derive(Clone, Copy)]
pub(super) struct Door<'a> {
    pub(super) front: &'a Front,
    pub(super) address: &'a Address,
    /// What this side shows of itself inside TLS.
    pub(super) tls: Option<&'a Arc<ClientConfig>>,
}

impl Door<'_> {
    /// From the greeting to the payload of the server's OK, and the capabilities that were agreed on. `response` is what
    /// a client would say, or has said.
    pub(super) async fn enter(
        self,
        mut leg: Leg,
        greeting: &Greeting<'_>,
        response: &HandshakeResponse<'_>,
        means: &Means,
    ) -> Result<(Leg, Vec<u8>, Capabilities), NotIn> {
        let encrypts = dial::wants_tls(self.front, &leg, greeting.capabilities).map_err(NotIn::Fault)?;
        let agreed = agreed(response, greeting, encrypts);
        if encrypts {
            let request = response.ssl_request(agreed);
            let encrypted = dial::encrypt(self.front, leg, self.address, &request, self.tls).await;
            leg = encrypted.map_err(NotIn::Fault)?;
        }
        let plugin = first_method(means, greeting.plugin);
        let mut login = Proving::new(&mut leg, means, plugin, &greeting.scramble);
        let word = login.first_word(&greeting.scramble)?;
        let response = Zeroizing::new(response.anew(agreed, plugin, &word));
        login.leg.write(&response).await.map_err(gone)?;
        let ok = login.answer_all().await?;
        Ok((leg, ok, agreed.both(greeting.capabilities)))
    }
}

/// As for a login by relay, but how lull proves itself is its own affair.
fn agreed(response: &HandshakeResponse<'_>, greeting: &Greeting<'_>, encrypts: bool) -> Capabilities {
    let methods = Capabilities::PLUGIN_AUTH
        .with(Capabilities::SECURE_CONNECTION)
        .with(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA);
    // Servers of MariaDB leave the first out, and a client may not.
    let offered = greeting.capabilities.with(Capabilities::MYSQL);
    agreed_upstream(response, greeting, encrypts)
        .with(methods)
        .both(offered)
}

/// What the server is told before it has named the account's own method.
fn first_method<'a>(means: &Means, proposed: &'a [u8]) -> &'a [u8] {
    match means {
        Means::Password(_) | Means::Trust if proposed == CACHING_SHA2 => proposed,
        _ => NATIVE,
    }
}

/// A login under way.
struct Proving<'a> {
    leg: &'a mut Leg,
    means: &'a Means,
    plugin: Vec<u8>,
    /// lull is to it a client on a leg of its own that nobody listens to: it makes of a password what this leg wants.
    secret: Secret<'static>,
}

impl<'a> Proving<'a> {
    fn new(leg: &'a mut Leg, means: &'a Means, plugin: &[u8], scramble: &[u8]) -> Self {
        let secret = Secret::new(Way::Tls, Way::of(&leg.stream), plugin, scramble);
        Self {
            leg,
            means,
            plugin: plugin.to_vec(),
            secret,
        }
    }

    async fn answer_all(&mut self) -> Result<Vec<u8>, NotIn> {
        for _ in 0..ROUNDS_MAX {
            let read = self.leg.read(MESSAGE_BYTES_MAX, Beyond::Anything).await;
            let payload = read.map_err(NotIn::Missing)?;
            let said = Said::read(&payload);
            match said {
                Said::Ok => return Ok(payload.to_vec()),
                Said::Error => return Err(NotIn::Refused(payload.to_vec())),
                _ => {}
            }
            match self.secret.hear_server(said).map_err(NotIn::Fault)? {
                Step::Pass => self.answer(said).await?,
                Step::Up(encrypted) => self.send(&encrypted).await?,
                Step::Down(own) => self.send(&own).await?,
            }
        }
        Err(broken("protocol: it asks without end, and lets nobody in"))
    }

    async fn answer(&mut self, said: Said<'_>) -> Result<(), NotIn> {
        let word = match said {
            Said::Switch { plugin, data } => {
                self.plugin = plugin.to_vec();
                self.first_word(data)?
            }
            Said::More(FAST_SUCCESS) if self.plugin == CACHING_SHA2 => return Ok(()),
            Said::More(PASSWORD_WANTED) if self.plugin == CACHING_SHA2 => self.password()?,
            _ => return Err(broken("protocol: a question that is none of its method's")),
        };
        match self.secret.hear_client(&word).map_err(NotIn::Fault)? {
            Step::Pass => self.send(&word).await,
            Step::Up(other) => self.send(&other).await,
            Step::Down(own) => self.send(&own).await,
        }
    }

    /// What the method wants first.
    fn first_word(&self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotIn> {
        let scramble = data.get(..SCRAMBLE_BYTES).unwrap_or(data);
        let word = match (self.plugin.as_slice(), self.means) {
            (_, Means::Trust) => Vec::new(),
            (NATIVE, Means::Native(inner)) => native::proof(inner, scramble),
            (NATIVE, Means::Password(password)) => native::proof(&native::inner(password.expose()), scramble),
            (CACHING_SHA2, Means::Password(password)) => sha2::proof(password.expose(), scramble),
            (ED25519, Means::Password(password)) => {
                let nonce = data.get(..NONCE_BYTES).unwrap_or(data);
                ed25519::sign(password.expose(), nonce)
            }
            (SHA256, Means::Password(_)) => return self.password(),
            (CLEAR, Means::Password(_)) if self.leg.stream.is_private() => return self.password(),
            (CLEAR, Means::Password(_)) => return Err(NotIn::Fault(Fault::policy(IN_THE_CLEAR))),
            _ => return Err(self.cannot()),
        };
        Ok(Zeroizing::new(word))
    }

    /// With its closing zero.
    fn password(&self) -> Result<Zeroizing<Vec<u8>>, NotIn> {
        match self.means {
            Means::Password(password) => Ok(Zeroizing::new([password.expose(), &[0]].concat())),
            Means::Trust => Ok(Zeroizing::new(vec![0])),
            Means::Native(_) | Means::Md5(_) | Means::Scram(_) => Err(self.cannot()),
        }
    }

    fn cannot(&self) -> NotIn {
        NotIn::Fault(Fault::policy(format!(
            "the server authenticates this user by {:?}, and lull has {}",
            String::from_utf8_lossy(&self.plugin),
            self.means.describe()
        )))
    }

    async fn send(&mut self, payload: &[u8]) -> Result<(), NotIn> {
        self.leg.write(payload).await.map_err(gone)
    }
}

const IN_THE_CLEAR: &str = "the server asks for a password in the clear (mysql_clear_password) on a \
    connection without TLS; lull gives none away there: set primary_sslmode";

fn gone(error: std::io::Error) -> NotIn {
    NotIn::Missing(error.into())
}

fn broken(what: &str) -> NotIn {
    NotIn::Fault(Fault::upstream(what))
}

/// ER_ACCESS_DENIED_ERROR, and ER_ACCESS_DENIED_NO_PASSWORD_ERROR.
const ACCESS_DENIED: [u16; 2] = [1045, 1698];

impl NotIn {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Missing(missing) => Fault::upstream(missing),
            Self::Refused(payload) => {
                let error = Error::read(&payload);
                let code = error.map_or(0, |error| error.code);
                let message = String::from_utf8_lossy(error.map_or(&[], |error| error.message));
                Fault::upstream(format!("it refused the login: {code} ({message})"))
            }
        }
    }

    /// Whether it was the secret: a newer one may be right.
    pub(super) fn is_by_secret(&self) -> bool {
        match self {
            Self::Refused(payload) => {
                Error::read(payload).is_some_and(|error| ACCESS_DENIED.contains(&error.code))
            }
            Self::Fault(Fault::Policy(_)) => true,
            Self::Missing(_) | Self::Fault(_) => false,
        }
    }
}
