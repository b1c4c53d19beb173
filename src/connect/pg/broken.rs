//! How a login broke off: for which reason, through whose fault, and whether the client has been told.

use super::inbox::Missing;
use crate::{
    connect::failure::Failure,
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

pub(super) fn upstream_broken(missing: Missing) -> Broken {
    let result = match missing {
        Missing::Closed | Missing::Io(_) => LoginResult::UpstreamGone,
        Missing::TooLong { .. } | Missing::Malformed(_) => LoginResult::UpstreamProtocol,
    };
    (result, Fault::upstream(missing), false)
}

pub(super) fn client_broken(missing: Missing) -> Broken {
    match missing {
        Missing::Closed | Missing::Io(_) => (LoginResult::ClientGone, Fault::client(missing), true),
        Missing::TooLong { .. } | Missing::Malformed(_) => {
            (LoginResult::ClientProtocol, Fault::client(missing), false)
        }
    }
}
