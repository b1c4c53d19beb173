//! How long a login may take, both sides together.
//!
//! Whoever waits keeps the client's stream meanwhile, so that a client that is kept waiting by the server can be told.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use crate::{clock::Clock, fault::Fault};

#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline<'a> {
    clock: &'a Clock,
    at: Instant,
    limit: Duration,
}

impl<'a> Deadline<'a> {
    pub(super) fn after(clock: &'a Clock, limit: Duration) -> Self {
        Self {
            clock,
            at: Instant::now() + limit,
            limit,
        }
    }

    /// None when the time is over.
    pub(super) async fn keep<T>(self, wait: impl Future<Output = T>) -> Option<T> {
        self.clock.timeout_at(self.at, wait).await
    }

    pub(super) fn missed_by_client(self) -> Fault {
        let limit = self.limit;
        Fault::policy(format!("the login did not end within {limit:?} (login_timeout)"))
    }

    pub(super) fn missed_by_upstream(self) -> Fault {
        let limit = self.limit;
        Fault::upstream(format!(
            "it did not end the login within {limit:?} (login_timeout)"
        ))
    }
}
