//! `auth_query`: asks the primary for a user's verifier, as lull's own account.
//!
//! The connection is lull's alone: nothing that a client says in its first message reaches it but the user's name, as a
//! value. Guarantees that a connection which was left in the middle of an answer is not used again, and that what is
//! remembered is bounded and soon forgotten.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Front, mysql, pg, secrets::lock, tally::Asked};
use crate::{auth::Verifier, config::Protocol, fault::Fault};

/// How long an answer holds: long enough for a pool that opens all at once.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);
const REMEMBERED_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Lookup {
    /// Taken while it is in use.
    idle: tokio::sync::Mutex<Option<Asking>>,
    /// The configuration that it belongs to has been replaced.
    retired: AtomicBool,
    remembered: Mutex<HashMap<String, (Option<Verifier>, Instant)>>,
}

impl Lookup {
    /// The next question comes under another configuration.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        if let Ok(mut idle) = self.idle.try_lock() {
            *idle = None;
        }
    }

    /// The answer for this user has turned out to be old.
    pub(super) fn forget(&self, user: &str) {
        lock(&self.remembered).remove(user);
    }

    fn recall(&self, user: &str) -> Option<Option<Verifier>> {
        let all = lock(&self.remembered);
        let (verifier, at) = all.get(user)?;
        (at.elapsed() < REMEMBERED_FOR).then(|| verifier.clone())
    }

    fn remember(&self, user: &str, verifier: Option<Verifier>) {
        let mut all = lock(&self.remembered);
        if all.len() >= REMEMBERED_MAX {
            all.clear();
        }
        all.insert(user.to_owned(), (verifier, Instant::now()));
    }
}

/// What the file says of a user, or else the query. None: nobody knows the user, or the user has no password.
pub(super) async fn verifier(front: &Front, user: &str) -> Result<Option<Verifier>, Fault> {
    if let Some(verifier) = front.secrets.verifier(user) {
        return Ok(Some(verifier));
    }
    let Some(query) = &front.cluster.auth.auth_query else {
        return Ok(None);
    };
    // One asks at a time, and who waited may find the answer here.
    let mut idle = front.lookup.idle.lock().await;
    if let Some(known) = front.lookup.recall(user) {
        return Ok(known);
    }
    let kept = idle.take();
    let was_kept = kept.is_some();
    let mut asking = match kept {
        Some(asking) => asking,
        None => Asking::open(front).await?,
    };
    let mut answer = asking.ask(query, user).await;
    if was_kept && matches!(answer, Err(Unanswered::Lost(_))) {
        // The server may have closed it meanwhile.
        asking = Asking::open(front).await?;
        answer = asking.ask(query, user).await;
    }
    match answer {
        Ok(verifier) => {
            front.lookup.remember(user, verifier.clone());
            if let Some(verifier) = &verifier {
                *lock(&front.tally.asked) = Some(Asked::of(verifier));
            }
            if !front.lookup.retired.load(Ordering::Relaxed) {
                *idle = Some(asking);
            }
            Ok(verifier)
        }
        Err(Unanswered::Lost(what)) => Err(Fault::upstream(format!("auth_query: {what}"))),
        Err(Unanswered::Refused(what)) => Err(Fault::proxy(format!("auth_query: {what}"))),
    }
}

/// Asks for a user who cannot be: whether the account can log in, and the query runs. None where there is no account.
pub(super) async fn rehearse(front: &Front) -> Option<Result<String, Fault>> {
    let service = front.cluster.service.as_ref()?;
    let mut asking = match Asking::open(front).await {
        Ok(asking) => asking,
        Err(fault) => return Some(Err(fault)),
    };
    let done = format!("{} logs in", service.user);
    let Some(query) = &front.cluster.auth.auth_query else {
        return Some(Ok(done));
    };
    Some(match asking.ask(query, "").await {
        Ok(_) => Ok(format!("{done}, and auth_query runs")),
        Err(Unanswered::Lost(what) | Unanswered::Refused(what)) => {
            Err(Fault::upstream(format!("auth_query: {what}")))
        }
    })
}

/// lull's own connection.
enum Asking {
    PostgreSql(pg::Asking),
    MySql(mysql::Asking),
}

pub(super) enum Unanswered {
    /// Another connection may do better.
    Lost(String),
    Refused(String),
}

impl Unanswered {
    pub(super) fn too_many(rows: usize) -> Self {
        Self::Refused(format!("{rows} rows, where at most 1 is expected"))
    }

    pub(super) fn too_narrow() -> Self {
        Self::Refused("a row without two columns: expected the user's name and the secret".to_owned())
    }
}

impl Asking {
    async fn open(front: &Front) -> Result<Self, Fault> {
        Ok(match front.cluster.protocol {
            Protocol::PostgreSql => Self::PostgreSql(pg::Asking::open(front).await?),
            Protocol::MySql => Self::MySql(mysql::Asking::open(front).await?),
        })
    }

    async fn ask(&mut self, query: &str, user: &str) -> Result<Option<Verifier>, Unanswered> {
        match self {
            Self::PostgreSql(asking) => asking.ask(query, user).await,
            Self::MySql(asking) => asking.ask(query, user).await,
        }
    }
}
