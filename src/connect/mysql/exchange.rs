//! The authentication itself, relayed packet by packet until the server says OK (manual: "Authentication Phase").
//!
//! The client gets everything but that OK, which the session sends when it stands. lull stores no secret: it sees the
//! exchange pass.

use zeroize::Zeroizing;

use super::{
    agreed_upstream,
    leg::{Beyond, Leg, Missing},
    secret::{Secret, Step, Way},
};
use crate::{
    auth::{Means, Verifier},
    connect::{
        Front,
        broken::{Broken, failure},
        deadline::Deadline,
        failure::Failure,
    },
    fault::Fault,
    telemetry::metrics::{LoginResult, WorkerMetrics},
    wire::mysql::{
        auth::{FAST_SUCCESS, Said},
        capability::Capabilities,
        error::Error,
        greeting::Greeting,
        handshake_response::HandshakeResponse,
    },
};

/// A ticket or a token of a method, a certificate, an error text.
const MESSAGE_BYTES_MAX: usize = 256 << 10;

pub(super) struct Exchange<'a> {
    client: Leg,
    upstream: Leg,
    front: &'a Front,
    secret: Secret<'a>,
    /// Whether it is the client's turn. The server may speak nonetheless.
    awaits_client: bool,
}

/// A login that has succeeded, on both sides.
pub(super) struct Authenticated {
    pub(super) client: Leg,
    pub(super) upstream: Leg,
    /// The payload of the server's OK, which the client has not got.
    pub(super) ok: Vec<u8>,
    /// With the server.
    pub(super) agreed: Capabilities,
    /// With what lull can log in again as this client, where the client's proof has shown it.
    pub(super) means: Option<Means>,
}

enum Heard {
    Client(Zeroizing<Vec<u8>>),
    Upstream(Zeroizing<Vec<u8>>),
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        client: Leg,
        upstream: Leg,
        greeting: &Greeting<'_>,
        response: &HandshakeResponse<'_>,
        front: &'a Front,
    ) -> Self {
        let ways = (Way::of(&client.stream), Way::of(&upstream.stream));
        let secret = Secret::new(ways.0, ways.1, response.plugin, &greeting.scramble);
        Self {
            client,
            upstream,
            front,
            secret,
            awaits_client: false,
        }
    }

    /// From the client's response on.
    pub(super) async fn authenticate(
        mut self,
        greeting: &Greeting<'_>,
        response: &HandshakeResponse<'_>,
        metrics: &WorkerMetrics,
        deadline: Deadline<'_>,
    ) -> Result<Authenticated, Failure> {
        let agreed = agreed_upstream(response, greeting, self.upstream.stream.is_tls());
        let outcome = deadline.keep(self.run(response, agreed)).await;
        match outcome.unwrap_or_else(|| Err(self.too_slow(deadline))) {
            Ok(ok) => Ok(Authenticated {
                client: self.client,
                upstream: self.upstream,
                ok,
                agreed: agreed.both(greeting.capabilities),
                means: overheard(self.front, response, &self.secret),
            }),
            Err(broken) => {
                let sequence = self.client.sequence;
                Err(failure(broken, self.client.stream, metrics).numbered(sequence))
            }
        }
    }

    async fn run(
        &mut self,
        response: &HandshakeResponse<'_>,
        agreed: Capabilities,
    ) -> Result<Vec<u8>, Broken> {
        let answer = self.first_answer(response.answer).await?;
        let answer = answer.as_ref().map(|answer| answer.as_slice());
        let response = Zeroizing::new(response.with(agreed, answer));
        self.send_upstream(&response).await?;
        loop {
            match self.hear().await? {
                Heard::Client(answer) => {
                    let step = self.step(&answer).await?;
                    self.awaits_client = matches!(step, Step::Down(_));
                    self.take(step, &answer).await?;
                }
                Heard::Upstream(payload) => match Said::read(&payload) {
                    Said::Ok => return Ok(payload.to_vec()),
                    Said::Error => {
                        self.send_client(&payload).await?;
                        return Err(rejected(&payload));
                    }
                    said => {
                        let step = self.secret.hear_server(said).map_err(unfit)?;
                        self.awaits_client = step == Step::Pass && said != Said::More(FAST_SUCCESS);
                        match step {
                            Step::Pass => self.send_client(&payload).await?,
                            step => self.take(step, &payload).await?,
                        }
                    }
                },
            }
        }
    }

    /// What the response must carry in place of its own answer, if that is more than a proof.
    async fn first_answer(&mut self, answer: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Broken> {
        let mut step = self.step(answer).await?;
        loop {
            match step {
                Step::Pass => return Ok(None),
                Step::Up(answer) => return Ok(Some(answer)),
                Step::Down(key) => {
                    self.awaits_client = true;
                    self.send_client(&key).await?;
                    let heard = self.client.read(MESSAGE_BYTES_MAX, Beyond::Anything).await;
                    self.awaits_client = false;
                    let answer = heard.map_err(client_broken)?;
                    step = match self.step(&answer).await? {
                        Step::Pass => Step::Up(answer),
                        step => step,
                    };
                }
            }
        }
    }

    async fn step(&mut self, answer: &[u8]) -> Result<Step, Broken> {
        if self.secret.asks_for_own_key(answer) {
            self.secret.own = Some(self.front.own_key.get().await.map_err(unfit)?);
        }
        self.secret.hear_client(answer).map_err(unfit)
    }

    async fn take(&mut self, step: Step, answer: &[u8]) -> Result<(), Broken> {
        match step {
            Step::Pass => self.send_upstream(answer).await,
            Step::Up(other) => self.send_upstream(&other).await,
            Step::Down(other) => self.send_client(&other).await,
        }
    }

    /// Some methods let the server speak twice in a row.
    async fn hear(&mut self) -> Result<Heard, Broken> {
        // Both reads keep what has come when the other is first.
        tokio::select! {
            biased;
            heard = self.upstream.read(MESSAGE_BYTES_MAX, Beyond::Anything) => {
                heard.map(Heard::Upstream).map_err(upstream_broken)
            }
            heard = self.client.read(MESSAGE_BYTES_MAX, Beyond::Anything), if self.awaits_client => {
                heard.map(Heard::Client).map_err(client_broken)
            }
        }
    }

    async fn send_upstream(&mut self, payload: &[u8]) -> Result<(), Broken> {
        let sent = self.upstream.write(payload).await;
        sent.map_err(|error| upstream_broken(error.into()))
    }

    async fn send_client(&mut self, payload: &[u8]) -> Result<(), Broken> {
        let sent = self.client.write(payload).await;
        sent.map_err(|error| client_broken(error.into()))
    }

    fn too_slow(&self, deadline: Deadline<'_>) -> Broken {
        let fault = if self.awaits_client {
            deadline.missed_by_client()
        } else {
            deadline.missed_by_upstream()
        };
        (LoginResult::Timeout, fault, false)
    }
}

/// What the client's proof has shown to lull, which knows what the server keeps.
fn overheard(front: &Front, response: &HandshakeResponse<'_>, secret: &Secret<'_>) -> Option<Means> {
    let user = String::from_utf8_lossy(response.user);
    match front.secrets.verifier(&user) {
        Some(Verifier::Native(verifier)) => secret.overheard(&verifier),
        _ => None,
    }
}

/// A password that cannot pass.
fn unfit(fault: Fault) -> Broken {
    let result = match fault {
        Fault::Upstream(_) => LoginResult::UpstreamProtocol,
        _ => LoginResult::ClientTls,
    };
    (result, fault, false)
}

/// The client has been told in the server's own words.
fn rejected(payload: &[u8]) -> Broken {
    let code = Error::read(payload).map_or(0, |error| error.code);
    let fault = Fault::upstream(format!("it refused the login (error {code})"));
    (LoginResult::Rejected, fault, true)
}

pub(super) fn upstream_broken(missing: Missing) -> Broken {
    let result = match missing {
        Missing::Closed | Missing::Io(_) => LoginResult::UpstreamGone,
        Missing::TooLong { .. } => LoginResult::UpstreamProtocol,
    };
    (result, Fault::upstream(missing), false)
}

pub(super) fn client_broken(missing: Missing) -> Broken {
    match missing {
        Missing::Closed | Missing::Io(_) => (LoginResult::ClientGone, Fault::client(missing), true),
        Missing::TooLong { .. } => (LoginResult::ClientProtocol, Fault::client(missing), false),
    }
}
