//! How a login broke off: for which reason, through whose fault, and whether the client has been told.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{Front, failure::Failure};
use crate::{
    fault::Fault,
    relay::Stream,
    telemetry::metrics::{LimitHit, LoginResult, WorkerMetrics},
};

pub(super) type Broken = (LoginResult, Fault, bool);

/// Counts it, and leaves the client its last word, if it has not had one.
pub(super) fn failure((result, fault, told): Broken, client: Stream, metrics: &WorkerMetrics) -> Failure {
    if result != LoginResult::Rejected && fault.who() == "upstream" {
        metrics.upstream_failed(&fault);
    }
    if result == LoginResult::UpstreamUnreachable {
        return Failure::unreachable(fault, client);
    }
    let mut failure = Failure::silent(result, fault);
    failure.client = (!told).then_some(client);
    failure.limit = match result {
        LoginResult::Timeout => Some(LimitHit::Login),
        LoginResult::Throttled => Some(LimitHit::LoginFailures),
        _ => None,
    };
    failure
}

/// lull has nothing to show, or to compare with.
pub(super) fn no_secret(fault: Fault) -> Broken {
    (LoginResult::NoSecret, fault, false)
}

/// What a question to the server has come to.
pub(super) fn unreachable(fault: Fault) -> Broken {
    match fault {
        Fault::Upstream(_) => (LoginResult::UpstreamUnreachable, fault, false),
        _ => no_secret(fault),
    }
}

impl Front {
    /// Whether a proof of this user's may be looked at.
    pub(super) fn may_guess(&self, from: Option<IpAddr>, user: &str) -> Result<(), Broken> {
        let max = self.cluster.limits.login_failures_max;
        match self.tally.throttle.wait(from, user, max, Instant::now()) {
            None => Ok(()),
            Some(wait) => Err(throttled(user, wait)),
        }
    }

    /// The password was wrong. It may have been changed: then the next login meets the new one.
    pub(super) async fn guessed_wrong(&self, from: Option<IpAddr>, user: &str) {
        self.tally.throttle.note_failure(from, user, Instant::now());
        self.look_again(user).await;
    }

    /// The server does not take what has been proven to lull.
    pub(super) async fn has_grown_old(&self, user: &str) {
        let cluster = &self.cluster.name;
        tracing::warn!(
            cluster,
            user,
            "a password that lull has found right is not the server's; it is looked up again"
        );
        self.look_again(user).await;
    }
}

fn throttled(user: &str, wait: Duration) -> Broken {
    let fault = Fault::policy(format!(
        "too many logins as \"{}\" from this address have failed; try again in {} s (login_failures_max)",
        printable(user),
        wait.as_secs() + 1
    ));
    (LoginResult::Throttled, fault, false)
}

/// A name for a log's line: a stranger chose it.
pub(super) fn printable(user: &str) -> String {
    user.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}
