//! One maintenance order as the operator gave it, and what a client may be told of it.
//!
//! Times are milliseconds since the Unix epoch, given by the caller: nothing here reads a clock.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::Scope;

/// What happens to sessions that do not stand when the drain is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stragglers {
    /// Their transaction fails, their connection stays.
    #[default]
    Abort,
    /// Their connection ends, with an error first.
    Terminate,
    /// Nothing: the operator is told, and the fence is not reached.
    Report,
}

/// Whether transactions that are prepared for two-phase commit keep the fence from being reached. They outlive
/// sessions, so no policy for sessions reaches them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prepared {
    #[default]
    Block,
    Ignore,
}

/// What becomes of reads when no replica has come as far as the fence in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// They stay on the primary, read-only.
    #[default]
    Primary,
    /// The same, and lull goes on waiting for a replica.
    Wait,
    /// The lull is not opened.
    Error,
}

/// What becomes of a session that has what no replica can be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unmovable {
    /// It stays on the primary, read-only.
    #[default]
    Stay,
    /// Its connection ends, with an error first.
    Close,
    /// The lull is not opened.
    Refuse,
}

/// That reads go on on replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnReplicas {
    /// How long a replica may take to come as far as the fence.
    pub catch_up_ms: u64,
    pub fallback: Fallback,
    pub unmovable: Unmovable,
}

/// What an operator asks for with `lull on`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub scope: Scope,
    pub reason: String,
    pub by: String,
    pub drain_ms: u64,
    pub stragglers: Stragglers,
    #[serde(default)]
    pub prepared: Prepared,
    /// When the lull ends by itself.
    pub until_unix_ms: Option<u64>,
    /// None: reads go on on the primary.
    #[serde(default)]
    pub replicas: Option<OnReplicas>,
}

/// A lull that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lull {
    #[serde(flatten)]
    pub request: Request,
    pub since_unix_ms: u64,
    /// The generation at which it was opened, or last changed.
    pub generation: u64,
    /// The clusters whose reads go to replicas by now, and the log position that a replica must have replayed.
    #[serde(default)]
    pub moved: BTreeMap<String, String>,
}

impl Lull {
    /// Why a client was refused: fit for the DETAIL of an error.
    pub fn detail(&self) -> String {
        let Request { scope, reason, .. } = &self.request;
        let since = timestamp(self.since_unix_ms);
        match reason.as_str() {
            "" => format!("A lull on {scope} is open since {since}: the database can only be read."),
            reason => format!("A lull on {scope} is open since {since}: {reason}."),
        }
    }

    /// What the client can do about it: fit for the HINT of an error.
    pub fn hint(&self) -> String {
        match self.request.until_unix_ms {
            Some(until) => format!(
                "Reads go on. Write again when the lull has ended, at {} at the latest.",
                timestamp(until)
            ),
            None => "Reads go on. Write again when the lull has ended.".to_owned(),
        }
    }
}

/// `2026-11-24T05:29:26Z`.
pub fn timestamp(unix_ms: u64) -> String {
    // The format holds years up to 9999; a deadline beyond that is as good as none.
    const YEAR_9999_MS: u64 = 253_402_300_799_000;
    let at = UNIX_EPOCH + Duration::from_millis(unix_ms.min(YEAR_9999_MS));
    humantime::format_rfc3339_seconds(at).to_string()
}
