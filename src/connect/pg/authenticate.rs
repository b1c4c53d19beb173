//! The login itself, relayed message by message until the server is ready for a query.
//!
//! The client gets everything but that first ReadyForQuery, which the session sends when it stands. lull stores no
//! secret: it sees the exchange pass.

use std::time::Instant;

use tokio::io::AsyncWriteExt;

use super::{
    Key, binding,
    broken::{Broken, client_broken, failure, upstream_broken},
    dial,
    inbox::Inbox,
    open::Startup,
};
use crate::{
    auth::{Means, Verifier, scram::Overheard},
    connect::{Front, deadline::Deadline, failure::Failure},
    fault::Fault,
    relay::{Ahead, Stream},
    session::pg::Parameters,
    telemetry::metrics::{LoginResult, WorkerMetrics},
    wire::pg::{auth, backend, frontend},
};

pub(super) struct Authenticated {
    pub(super) client: Stream,
    pub(super) upstream: Stream,
    pub(super) parameters: Parameters,
    pub(super) key: Key,
    /// What the client has not been sent yet.
    pub(super) to_client: Vec<u8>,
    /// What came ahead.
    pub(super) ahead: Ahead,
    /// With what lull can log in again as this client, where the client's proof has shown it.
    pub(super) means: Option<Means>,
}

/// A password message, or a SASL response; an error text. The server's own limit for these is far below.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// The codes of AuthenticationXXX messages that the client answers: cleartext, MD5, GSS and its continuation, SSPI,
/// SASL and its continuation.
const ANSWERED: [u32; 7] = [3, 5, 7, 8, 9, 10, 11];
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;

struct Exchange {
    client: Stream,
    upstream: Stream,
    from_client: Inbox,
    from_upstream: Inbox,
    to_client: Vec<u8>,
    parameters: Parameters,
    key: Key,
    /// Whether it is the client that is waited for.
    hears_client: bool,
    scram: Overheard,
    /// The client's last word.
    proof: Vec<u8>,
}

pub(super) async fn authenticate(
    client: Stream,
    startup: &mut Startup,
    front: &Front,
    metrics: &WorkerMetrics,
    deadline: Deadline<'_>,
) -> Result<Authenticated, Failure> {
    let began = Instant::now();
    let upstream = match deadline.keep(dial::dial(front, &startup.server)).await {
        Some(Ok(upstream)) => upstream,
        Some(Err(fault)) => {
            metrics.upstream_failed(&fault);
            return Err(Failure::unreachable(fault, client));
        }
        None => {
            let failure = Failure::upstream_too_slow(client, deadline);
            metrics.upstream_failed(&failure.fault);
            return Err(failure);
        }
    };
    metrics.upstream_connect.observe(began.elapsed());
    let mut exchange = Exchange {
        client,
        upstream,
        from_client: std::mem::take(&mut startup.inbox),
        from_upstream: Inbox::default(),
        to_client: Vec::new(),
        parameters: Parameters::default(),
        key: Key::default(),
        hears_client: false,
        scram: Overheard::default(),
        proof: Vec::new(),
    };
    let outcome = deadline.keep(exchange.run(startup)).await;
    match outcome.unwrap_or_else(|| Err(exchange.too_slow(deadline))) {
        Ok(()) => Ok(exchange.authenticated(front.secrets.verifier(&startup.user))),
        Err(broken) => Err(failure(broken, exchange.client, metrics)),
    }
}

impl Exchange {
    async fn run(&mut self, startup: &Startup) -> Result<(), Broken> {
        self.send_upstream(&startup.packet).await?;
        loop {
            if !self.from_upstream.has_message() {
                self.flush().await?;
            }
            let read = self
                .from_upstream
                .message(&mut self.upstream, MESSAGE_BYTES_MAX)
                .await;
            let (header, message) = read.map_err(upstream_broken)?;
            let body = message.get(5..).unwrap_or_default();
            if header.tag == backend::READY_FOR_QUERY {
                return Ok(());
            }
            let code = asked(header.tag, body);
            if code == SASL_CONTINUE {
                self.scram.challenge = body.get(4..).unwrap_or_default().to_vec();
            }
            let offers_binding = code == SASL && binding::offered(body.get(4..).unwrap_or_default());
            if offers_binding && !self.client.is_tls() {
                let offer = binding::without_offer(body);
                frontend::write(&mut self.to_client, backend::AUTHENTICATION, &[&offer]);
            } else {
                self.to_client.extend_from_slice(message);
            }
            match header.tag {
                backend::AUTHENTICATION if ANSWERED.contains(&code) => {
                    self.flush().await?;
                    self.answer(code, offers_binding).await?;
                }
                backend::PARAMETER_STATUS => {
                    if let Some((name, value)) = backend::parameter_status(body) {
                        self.parameters.report(name, value);
                    }
                }
                backend::BACKEND_KEY_DATA => self.key = body.into(),
                backend::ERROR => {
                    self.flush().await?;
                    return Err((
                        LoginResult::Rejected,
                        Fault::upstream("it refused the login"),
                        true,
                    ));
                }
                _ => {}
            }
        }
    }

    /// Relays the client's answer to a question of the server's.
    async fn answer(&mut self, code: u32, offers_binding: bool) -> Result<(), Broken> {
        self.hears_client = true;
        let read = self
            .from_client
            .message(&mut self.client, MESSAGE_BYTES_MAX)
            .await;
        let (header, message) = read.map_err(client_broken)?;
        self.hears_client = false;
        if header.tag != b'p' {
            let fault = Fault::client(format!(
                "a message of type 0x{:02x} where a password was expected",
                header.tag
            ));
            return Err((LoginResult::ClientProtocol, fault, false));
        }
        // A server offers binding only inside TLS, and then it is lull's.
        if offers_binding && binding::binds(message.get(5..).unwrap_or_default()) {
            return Err((
                LoginResult::ChannelBinding,
                Fault::policy(binding::EXPLANATION),
                false,
            ));
        }
        let body = message.get(5..).unwrap_or_default();
        match code {
            SASL => {
                let said = auth::sasl_initial(body).map(|(_, first)| first);
                self.scram.first = said.unwrap_or_default().to_vec();
            }
            SASL_CONTINUE => self.proof = body.to_vec(),
            _ => {}
        }
        self.upstream
            .write_all(message)
            .await
            .map_err(|error| upstream_broken(error.into()))
    }

    async fn send_upstream(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.upstream
            .write_all(bytes)
            .await
            .map_err(|error| upstream_broken(error.into()))
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        if !self.to_client.is_empty() {
            self.hears_client = true;
            let bytes = std::mem::take(&mut self.to_client);
            self.client
                .write_all(&bytes)
                .await
                .map_err(|error| client_broken(error.into()))?;
            self.client
                .flush()
                .await
                .map_err(|error| client_broken(error.into()))?;
            self.hears_client = false;
        }
        Ok(())
    }

    fn too_slow(&self, deadline: Deadline<'_>) -> Broken {
        let fault = if self.hears_client {
            deadline.missed_by_client()
        } else {
            deadline.missed_by_upstream()
        };
        (LoginResult::Timeout, fault, false)
    }

    /// With the verifier that lull knows of this user, if it does.
    fn authenticated(self, verifier: Option<Verifier>) -> Authenticated {
        let keys = match verifier {
            Some(Verifier::Scram(verifier)) => self.scram.keys(&self.proof, &verifier),
            _ => None,
        };
        Authenticated {
            client: self.client,
            upstream: self.upstream,
            parameters: self.parameters,
            key: self.key,
            to_client: self.to_client,
            ahead: Ahead {
                client: self.from_client.rest(),
                upstream: self.from_upstream.rest(),
            },
            means: keys.map(Means::Scram),
        }
    }
}

/// The code of an AuthenticationXXX message: what the server asks for.
fn asked(tag: u8, body: &[u8]) -> u32 {
    let code = body.first_chunk::<4>().filter(|_| tag == backend::AUTHENTICATION);
    code.map_or(0, |code| u32::from_be_bytes(*code))
}
