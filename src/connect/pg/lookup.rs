//! `auth_query`: asks the primary for a user's verifier, as lull's own account.
//!
//! The connection is lull's alone: nothing that a client says in its startup message reaches it, and its search_path is
//! `pg_catalog`, so that nobody who may create objects decides what the query means. Guarantees that a connection which
//! was left in the middle of an answer is not used again, and that what is remembered is bounded and soon forgotten.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::io::AsyncWriteExt;

use super::{
    inbox::Inbox,
    open_as::{Opened, open_service},
};
use crate::{
    auth::Verifier,
    connect::{Asked, Front, secrets::lock},
    fault::Fault,
    relay::Stream,
    wire::pg::{
        backend::{self, data_row},
        error::Fields,
        frontend,
    },
};

/// How long an answer holds: long enough for a pool that opens all at once.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);
const REMEMBERED_MAX: usize = 10_000;
const MESSAGE_BYTES_MAX: usize = 64 << 10;

#[derive(Default)]
pub(in crate::connect) struct Lookup {
    /// Taken while it is in use.
    idle: tokio::sync::Mutex<Option<Asking>>,
    /// The configuration that it belongs to has been replaced.
    retired: AtomicBool,
    remembered: Mutex<HashMap<String, (Option<Verifier>, Instant)>>,
}

impl Lookup {
    /// The next question comes under another configuration.
    pub(in crate::connect) fn retire(&self) {
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
pub(in crate::connect) async fn rehearse(front: &Front) -> Option<Result<String, Fault>> {
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
struct Asking {
    stream: Stream,
    inbox: Inbox,
}

enum Unanswered {
    /// Another connection may do better.
    Lost(String),
    Refused(String),
}

impl Asking {
    async fn open(front: &Front) -> Result<Self, Fault> {
        let Opened { stream, .. } = open_service(front, &front.cluster.primary.address).await?;
        Ok(Self {
            stream,
            inbox: Inbox::default(),
        })
    }

    async fn ask(&mut self, query: &str, user: &str) -> Result<Option<Verifier>, Unanswered> {
        let lost = |error: &dyn ToString| Unanswered::Lost(error.to_string());
        self.stream
            .write_all(&question(query, user))
            .await
            .map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))?;
        let (mut verifier, mut rows, mut refused) = (None, 0_usize, None);
        loop {
            let read = self.inbox.message(&mut self.stream, MESSAGE_BYTES_MAX).await;
            let (header, message) = read.map_err(|error| lost(&error))?;
            let body = message.get(5..).unwrap_or_default();
            match header.tag {
                backend::DATA_ROW => {
                    rows += 1;
                    verifier = secret(body)?;
                }
                backend::ERROR => refused = Some(words(body)),
                backend::READY_FOR_QUERY => break,
                _ => {}
            }
        }
        // What was read is overwritten.
        self.inbox = Inbox::default();
        match refused {
            Some(refused) => Err(Unanswered::Refused(refused)),
            None if rows > 1 => Err(Unanswered::Refused(format!(
                "{rows} rows, where at most 1 is expected"
            ))),
            None => Ok(verifier),
        }
    }
}

/// The query with its parameter, as text.
fn question(query: &str, user: &str) -> Vec<u8> {
    let length = u32::try_from(user.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::new();
    frontend::write(&mut out, frontend::PARSE, &[b"\0", query.as_bytes(), b"\0\0\0"]);
    let value: [&[u8]; 4] = [b"\0\0\0\0\0\x01", &length, user.as_bytes(), b"\0\0"];
    frontend::write(&mut out, frontend::BIND, &value);
    frontend::write(&mut out, frontend::EXECUTE, &[b"\0\0\0\0\0"]);
    frontend::write(&mut out, frontend::SYNC, &[]);
    out
}

/// The second column of a row: the name, and the secret.
fn secret(row: &[u8]) -> Result<Option<Verifier>, Unanswered> {
    let columns = data_row(row).unwrap_or_default();
    match columns.as_slice() {
        [_user, secret, ..] => Ok(secret.and_then(Verifier::read)),
        _ => Err(Unanswered::Refused(
            "a row without two columns: expected the user's name and the secret".to_owned(),
        )),
    }
}

fn words(error: &[u8]) -> String {
    let fields = Fields::read(error).unwrap_or_default();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{} ({})", text(fields.sqlstate()), text(fields.message()))
}
