//! Serves one client from its first byte to its end, whatever protocol it speaks.

use std::{rc::Rc, sync::Arc, time::Instant};

use super::{Accepted, Front, deadline::Deadline, failure, failure::Failure, mysql, pg};
use crate::{
    clock::Clock,
    config::Protocol,
    fault::Fault,
    gate::{Order, Principal},
    relay::{Ahead, Cancel, Depart, End, Facts, Relay, Stream, Worker},
    session::{HangUp, Session, Site, outlet::Outlets},
    telemetry::metrics::{Label, LimitHit, LoginResult, SessionEnd, Who, WorkerMetrics},
};

/// A client whose login the server has confirmed, and who has not been told yet.
pub(super) struct Arrival {
    pub(super) client: Stream,
    pub(super) upstream: Stream,
    /// What came ahead.
    pub(super) ahead: Ahead,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) application_name: String,
    pub(super) cancel: Cancel,
    /// Its way to other servers of the cluster.
    pub(super) depart: Option<Depart>,
    pub(super) born: Born,
    /// As in `Failure`.
    pub(super) sequence: u8,
}

/// Makes the session's machine.
pub(super) type Born = Box<dyn FnOnce(Order, &mut Outlets) -> Result<Box<dyn Session>, Fault>>;

pub async fn serve(worker: Rc<Worker>, metrics: Arc<WorkerMetrics>, accepted: Accepted) {
    let began = Instant::now();
    let client = accepted.socket.describe();
    let protocol = accepted.front.cluster.protocol;
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
            return Box::pin(tell(&worker.clock, failure, protocol)).await;
        }
    };
    metrics.logins.add(LoginResult::Ok);
    metrics.login_duration.observe(began.elapsed());
    count_end(&metrics, &client, &relay.run().await);
}

async fn tell(clock: &Clock, mut failure: Failure, protocol: Protocol) {
    let Some(client) = failure.client.take() else {
        return;
    };
    let words = match protocol {
        Protocol::PostgreSql => pg::last_words(&failure),
        Protocol::MySql => mysql::last_words(&failure),
    };
    failure::tell(clock, client, &words).await;
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
    let deadline = Deadline::after(&worker.clock, front.cluster.limits.login_timeout);
    let Some(place) = front.place() else {
        let limit = front.cluster.limits.connections_max;
        let fault = Fault::policy(format!(
            "sorry, too many clients already (connections_max is {limit})"
        ));
        let failure = Failure::new(LoginResult::Limit, fault, socket.into_stream());
        return Err(failure.because_of(LimitHit::Connections));
    };
    let arrived = match front.cluster.protocol {
        Protocol::PostgreSql => {
            let site_of = |user: &str, database: &str| site_of(worker, &front, bypass, user, database);
            pg::log_in(socket, &front, metrics, deadline, site_of).await?
        }
        Protocol::MySql => Some(mysql::log_in(socket, &front, metrics, deadline).await?),
    };
    let Some(arrival) = arrived else {
        return Ok(None);
    };
    let bypass = bypass || front.cluster.bypass_users.contains(&arrival.user);
    let facts = Facts {
        principal: worker.roster.principal(Principal {
            cluster: front.cluster.name.clone(),
            database: arrival.database,
            user: arrival.user,
        }),
        application_name: arrival.application_name.into(),
        client: client_name,
        bypass,
        roams: match front.cluster.protocol {
            // A PostgreSQL connection stays in its database.
            Protocol::PostgreSql => false,
            Protocol::MySql => true,
        },
        since: Instant::now(),
    };
    let mut out = Outlets::default();
    let born = arrival.born;
    let live = match worker.roster.join(facts, |order| born(order, &mut out)) {
        Ok(live) => live,
        Err(fault) => {
            let failure = Failure::new(LoginResult::Guard, fault, arrival.client);
            return Err(failure.numbered(arrival.sequence));
        }
    };
    let relay = Relay::new(
        Rc::clone(worker),
        live,
        (arrival.client, arrival.upstream),
        out,
        Arc::clone(metrics),
        arrival.cancel,
    );
    let relay = relay.with_way(arrival.depart);
    Ok(Some(Box::new(relay.with(arrival.ahead, Box::new(place)))))
}

/// Where a client is to be logged in.
fn site_of(worker: &Worker, front: &Front, bypass: bool, user: &str, database: &str) -> Site {
    if bypass || front.cluster.bypass_users.contains(user) {
        return Site::Primary;
    }
    worker.roster.site_for(&front.cluster.name, database, user)
}

fn count_end(metrics: &WorkerMetrics, client: &str, end: &End) {
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
