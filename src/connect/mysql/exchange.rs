//! The authentication itself, relayed packet by packet until the server says OK (manual: "Authentication Phase").
//!
//! The client gets everything but that OK, which the session sends when it stands. lull stores no secret: it sees the
//! exchange pass.

use super::leg::{Beyond, Leg, Missing};
use crate::{
    connect::{deadline::Deadline, failure::Failure},
    fault::Fault,
    telemetry::metrics::{LimitHit, LoginResult, WorkerMetrics},
    wire::mysql::{
        auth::{FAST_SUCCESS, Said},
        error::Error,
    },
};

/// A ticket or a token of a method, a certificate, an error text.
const MESSAGE_BYTES_MAX: usize = 256 << 10;

pub(super) struct Exchange {
    pub(super) client: Leg,
    pub(super) upstream: Leg,
    /// Whether it is the client's turn. The server may speak nonetheless.
    awaits_client: bool,
}

type Broken = (LoginResult, Fault, bool);

enum Heard {
    Client(Vec<u8>),
    Upstream(Vec<u8>),
}

impl Exchange {
    pub(super) fn new(client: Leg, upstream: Leg) -> Self {
        Self {
            client,
            upstream,
            awaits_client: false,
        }
    }

    /// From the client's response on. The payload of the server's OK.
    pub(super) async fn authenticate(
        mut self,
        response: &[u8],
        metrics: &WorkerMetrics,
        deadline: Deadline,
    ) -> Result<(Self, Vec<u8>), Failure> {
        let outcome = deadline.keep(self.run(response)).await;
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

    async fn run(&mut self, response: &[u8]) -> Result<Vec<u8>, Broken> {
        self.send_upstream(response).await?;
        loop {
            match self.hear().await? {
                Heard::Client(answer) => {
                    self.awaits_client = false;
                    self.send_upstream(&answer).await?;
                }
                Heard::Upstream(payload) => match Said::read(&payload) {
                    Said::Ok => return Ok(payload),
                    Said::Error => {
                        self.send_client(&payload).await?;
                        return Err(rejected(&payload));
                    }
                    said => {
                        self.awaits_client = said != Said::More(FAST_SUCCESS);
                        self.send_client(&payload).await?;
                    }
                },
            }
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
