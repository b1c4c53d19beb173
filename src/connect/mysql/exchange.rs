//! The authentication itself, relayed packet by packet until the server says OK (manual: "Authentication Phase").
//!
//! The client gets everything but that OK, which the session sends when it stands. lull stores no secret: it sees the
//! exchange pass.

use super::{
    leg::{Beyond, Leg, Missing},
    secret::{Secret, Step, Way},
};
use crate::{
    connect::{Front, deadline::Deadline, failure::Failure},
    fault::Fault,
    telemetry::metrics::{LimitHit, LoginResult, WorkerMetrics},
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
    pub(super) client: Leg,
    pub(super) upstream: Leg,
    front: &'a Front,
    secret: Secret<'a>,
    /// Whether it is the client's turn. The server may speak nonetheless.
    awaits_client: bool,
}

type Broken = (LoginResult, Fault, bool);

enum Heard {
    Client(Vec<u8>),
    Upstream(Vec<u8>),
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

    /// From the client's response on. The payload of the server's OK.
    pub(super) async fn authenticate(
        mut self,
        response: &HandshakeResponse<'_>,
        agreed: Capabilities,
        metrics: &WorkerMetrics,
        deadline: Deadline,
    ) -> Result<(Self, Vec<u8>), Failure> {
        let outcome = deadline.keep(self.run(response, agreed)).await;
        match outcome.unwrap_or_else(|| Err(self.too_slow(deadline))) {
            Ok(ok) => Ok((self, ok)),
            Err((result, fault, told)) => {
                if result != LoginResult::Rejected && fault.who() == "upstream" {
                    metrics.upstream_failed(&fault);
                }
                let mut failure = Failure::silent(result, fault).numbered(self.client.sequence);
                failure.client = (!told).then_some(self.client.stream);
                failure.limit = (result == LoginResult::Timeout).then_some(LimitHit::Login);
                Err(failure)
            }
        }
    }

    async fn run(
        &mut self,
        response: &HandshakeResponse<'_>,
        agreed: Capabilities,
    ) -> Result<Vec<u8>, Broken> {
        let answer = self.first_answer(response.answer).await?;
        let response = response.with(agreed, answer.as_deref());
        self.send_upstream(&response).await?;
        loop {
            match self.hear().await? {
                Heard::Client(answer) => {
                    let step = self.step(&answer).await?;
                    self.awaits_client = matches!(step, Step::Down(_));
                    self.take(step, &answer).await?;
                }
                Heard::Upstream(payload) => match Said::read(&payload) {
                    Said::Ok => return Ok(payload),
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
    async fn first_answer(&mut self, answer: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
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

    fn too_slow(&self, deadline: Deadline) -> Broken {
        let fault = if self.awaits_client {
            deadline.missed_by_client()
        } else {
            deadline.missed_by_upstream()
        };
        (LoginResult::Timeout, fault, false)
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

fn upstream_broken(missing: Missing) -> Broken {
    let result = match missing {
        Missing::Closed | Missing::Io(_) => LoginResult::UpstreamGone,
        Missing::TooLong { .. } => LoginResult::UpstreamProtocol,
    };
    (result, Fault::upstream(missing), false)
}

fn client_broken(missing: Missing) -> Broken {
    match missing {
        Missing::Closed | Missing::Io(_) => (LoginResult::ClientGone, Fault::client(missing), true),
        Missing::TooLong { .. } => (LoginResult::ClientProtocol, Fault::client(missing), false),
    }
}
