//! A PostgreSQL connection from its first byte to a session that the relay drives.

mod authenticate;
mod binding;
mod cancel;
mod deadline;
mod inbox;
mod open;

use std::{rc::Rc, sync::Arc, time::Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{Accepted, Front};
use crate::{
    fault::Fault,
    gate::Principal,
    relay::{End, Facts, Relay, Stream, Worker},
    session::{
        HangUp, Session,
        outlet::Outlets,
        pg::{PgSession, Settings},
    },
    telemetry::metrics::{Label, LimitHit, LoginResult, WorkerMetrics},
    wire::pg::error::Report,
};
use authenticate::{Authenticated, authenticate};
use cancel::Key;
use deadline::Deadline;
use open::{Opened, Startup, open};

/// How a connection that came to no session ended.
pub(super) struct Failure {
    pub(super) result: LoginResult,
    pub(super) fault: Fault,
    limit: Option<LimitHit>,
    /// Whether the client has been told.
    told: bool,
    client: Option<Stream>,
}

impl Failure {
    fn new(result: LoginResult, fault: Fault, client: Stream) -> Self {
        Self {
            result,
            fault,
            limit: None,
            told: false,
            client: Some(client),
        }
    }

    fn silent(result: LoginResult, fault: Fault) -> Self {
        Self {
            result,
            fault,
            limit: None,
            told: true,
            client: None,
        }
    }

    /// The key of the configuration behind it.
    fn because_of(mut self, limit: LimitHit) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// Serves one client to its end.
pub async fn serve(worker: Rc<Worker>, metrics: Arc<WorkerMetrics>, accepted: Accepted) {
    let began = Instant::now();
    let client = accepted.socket.describe();
    // Boxed, so that the memory of a login is gone when the session idles.
    let relay = match Box::pin(log_in(&worker, &metrics, accepted)).await {
        Ok(Some(relay)) => relay,
        Ok(None) => return,
        Err(failure) => {
            metrics.logins.add(failure.result);
            if let Some(limit) = failure.limit {
                metrics.limit_hits.add(limit);
            }
            let result = failure.result.as_str();
            tracing::info!(client, result, "no login: {}", failure.fault);
            return Box::pin(tell(failure)).await;
        }
    };
    metrics.logins.add(LoginResult::Ok);
    metrics.login_duration.observe(began.elapsed());
    count_end(&metrics, &client, &relay.run().await);
}

fn count_end(metrics: &WorkerMetrics, client: &str, end: &End) {
    use crate::telemetry::metrics::{SessionEnd, Who};
    let (who, why) = match end {
        End::Client => (Who::Client, SessionEnd::Closed),
        End::Upstream => (Who::Upstream, SessionEnd::Closed),
        End::HungUp(HangUp::Drain) => (Who::Policy, SessionEnd::Drain),
        End::HungUp(HangUp::Shutdown) => (Who::Policy, SessionEnd::Shutdown),
        End::Fault(Fault::Client(_)) => (Who::Client, SessionEnd::Protocol),
        End::Fault(Fault::Upstream(_)) => (Who::Upstream, SessionEnd::Lost),
        End::Fault(Fault::Proxy(_)) => (Who::Proxy, SessionEnd::Internal),
        End::Fault(Fault::Policy(_)) => (Who::Policy, SessionEnd::Limit),
    };
    metrics.ended(who, why);
    if let End::Fault(fault) = end {
        if who == Who::Upstream {
            metrics.upstream_failed(fault);
        }
        tracing::warn!(client, "session ended: {fault}");
    }
}

async fn log_in(
    worker: &Rc<Worker>,
    metrics: &Arc<WorkerMetrics>,
    accepted: Accepted,
) -> Result<Option<Box<Relay>>, Failure> {
    let Accepted {
        socket,
        front,
        bypass,
    } = accepted;
    let client_name: Box<str> = socket.describe().into();
    let deadline = Deadline::after(front.cluster.limits.login_timeout);
    let Some(place) = front.place() else {
        let limit = front.cluster.limits.connections_max;
        let fault = Fault::policy(format!(
            "sorry, too many clients already (connections_max is {limit})"
        ));
        let failure = Failure::new(LoginResult::Limit, fault, socket.into_stream());
        return Err(failure.because_of(LimitHit::Connections));
    };
    let (client, mut startup) = match open(socket, &front, deadline).await? {
        Opened::Cancel(packet) => {
            metrics.cancels.increment();
            cancel::forward(&front, &packet).await;
            return Ok(None);
        }
        Opened::Startup(client, startup) => (client, startup),
    };
    let Authenticated {
        client,
        upstream,
        mut login,
        key,
        to_client,
        ahead,
    } = authenticate(client, &mut startup, &front, metrics, deadline).await?;
    let mut out = Outlets::default();
    *out.to_client.buffer(&[]) = to_client;
    login.settings = settings(&front);
    login.kind = startup.kind;
    let bypass = bypass || front.cluster.bypass_users.contains(&startup.user);
    let facts = facts(worker, &front, startup, client_name, bypass);
    let born =
        |order| PgSession::born(login, order, &mut out).map(|session| Box::new(session) as Box<dyn Session>);
    let live = match worker.roster.join(facts, born) {
        Ok(live) => live,
        Err(fault) => return Err(Failure::new(LoginResult::Guard, fault, client)),
    };
    let cancel = cancel::sender(Arc::clone(&front), key);
    let relay = Relay::new(
        Rc::clone(worker),
        live,
        (client, upstream),
        out,
        Arc::clone(metrics),
        cancel,
    );
    Ok(Some(Box::new(relay.with(ahead, Box::new(place)))))
}

fn settings(front: &Front) -> Settings {
    let limits = &front.cluster.limits;
    Settings {
        inspect_bytes_max: limits.inspect_bytes_max,
        prepared_statements_max: limits.prepared_statements_max,
        announce: front.cluster.announce,
    }
}

fn facts(worker: &Worker, front: &Front, startup: Startup, client: Box<str>, bypass: bool) -> Facts {
    let principal = Principal {
        cluster: front.cluster.name.clone(),
        database: startup.database,
        user: startup.user,
    };
    Facts {
        principal: worker.roster.principal(principal),
        // A PostgreSQL connection stays in its database.
        roams: false,
        application_name: startup.application_name.into(),
        client,
        bypass,
        since: Instant::now(),
    }
}

fn unusable(error: std::io::Error) -> Failure {
    Failure::silent(LoginResult::ClientGone, Fault::client(error))
}

/// The last word to a client that did not get in.
async fn tell(failure: Failure) {
    let Some(mut client) = failure.client.filter(|_| !failure.told) else {
        return;
    };
    let (sqlstate, message) = match failure.result {
        LoginResult::Limit => ("53300", failure.fault.for_client().1),
        // As the server's own "canceling authentication due to timeout".
        LoginResult::Timeout if matches!(failure.fault, Fault::Policy(_)) => {
            ("57014", failure.fault.for_client().1)
        }
        LoginResult::ChannelBinding | LoginResult::ClientTls => ("28000", failure.fault.for_client().1),
        _ => failure.fault.for_client(),
    };
    let mut bytes = Vec::new();
    Report {
        severity: "FATAL",
        sqlstate,
        message: &message,
        detail: None,
        hint: None,
    }
    .write(&mut bytes);
    // A client that does not take it does not keep us. One that still sends is read until it closes: a socket that is
    // closed with something unread in it takes back what it has sent.
    let _ = timeout(std::time::Duration::from_secs(1), async {
        let _ = client.write_all(&bytes).await;
        let _ = client.shutdown().await;
        let mut rest = [0; 512];
        while matches!(client.read(&mut rest).await, Ok(1..)) {}
    })
    .await;
}
