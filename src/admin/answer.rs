//! What lull answers. Its JSON is part of the operator's contract: fields are added, never renamed or taken away.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::gate::{Lull, Scope};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Opened(Box<Opened>),
    Closed(Closed),
    Status(Status),
    Sessions(Vec<Session>),
    Upstreams(Vec<UpstreamState>),
    Repointed(Repointed),
    Done(String),
}

/// A lull is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Opened {
    pub scope: Scope,
    pub generation: u64,
    /// In scope when the lull opened.
    pub sessions: u64,
    pub fenced: bool,
    /// From the order to the fence; to the end of the drain when there is no fence.
    pub fenced_ms: u64,
    /// The log position at the fence. None without a fence, and where several clusters are in scope.
    pub position: Option<String>,
    pub positions: BTreeMap<String, String>,
    pub stragglers: Vec<Straggler>,
    pub prepared: Vec<PreparedTransaction>,
    pub audit: Vec<AuditFinding>,
    /// How reads have come to replicas. None where that was not asked for.
    pub replicas: Option<OnReplicas>,
    /// What could not be made sure of. The fence holds for all else.
    pub warnings: Vec<String>,
    pub note: Option<String>,
}

/// Reads are on replicas, as far as they could move.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnReplicas {
    /// On a replica by now.
    pub sessions: u64,
    /// They move at the end of their transaction.
    pub to_follow: u64,
    pub stayed: Vec<Stayed>,
    /// Why no replica of a cluster is fit: its sessions stay on the primary.
    pub unfit: Vec<String>,
    /// From the fence until a replica had come as far, and until the sessions had moved.
    pub caught_up_ms: u64,
    pub moved_ms: u64,
}

/// A session that stays on the primary, read-only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stayed {
    pub session: String,
    pub user: String,
    pub database: String,
    pub client: String,
    pub why: String,
}

/// A session that did not stand at once, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Straggler {
    pub session: Session,
    /// waiting, aborted, terminated, reported or finished.
    pub fate: String,
    /// Why the drain policy has not brought it to stand, where that is known.
    pub why: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    pub id: String,
    pub cluster: String,
    pub database: String,
    pub user: String,
    pub application_name: String,
    pub client: String,
    pub bypass: bool,
    /// normal, read-only (on the primary) or replica.
    pub mode: String,
    /// Why it is not on the server where its lull would have it.
    pub stays: Option<String>,
    pub standing: bool,
    pub generation: u64,
    /// The generation of its first order, if that was a lull's.
    #[serde(skip)]
    pub born_at: u64,
    /// idle, active, in transaction, failed transaction or copy.
    pub transaction: String,
    /// None when lull has not had to find out.
    pub wrote: Option<bool>,
    pub age_ms: u64,
    pub transaction_ms: u64,
    pub last_tag: String,
}

/// Prepared for two-phase commit: outlives its session, and writes when it commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PreparedTransaction {
    pub gid: String,
    pub owner: String,
    pub database: String,
    pub cluster: String,
    pub prepared_at: String,
}

/// A routine, view or the like that could write behind the guard. Its name is refused while the lull is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFinding {
    pub cluster: String,
    pub database: String,
    pub object: String,
    pub why: String,
}

/// A lull is closed, or there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Closed {
    pub scope: Scope,
    pub generation: u64,
    pub existed: bool,
    pub sessions: u64,
    /// Sessions that return to normal at the end of their transaction.
    pub waiting: u64,
    pub closed_ms: u64,
}

/// Another server is the primary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repointed {
    pub cluster: String,
    pub primary: String,
    /// The one that it was before; the same where nothing had to be done.
    pub before: String,
    /// Where the new one's log was.
    pub position: Option<String>,
    pub timeline: Option<u32>,
    pub system: Option<String>,
    pub note: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    pub generation: u64,
    pub lulls: Vec<Arc<Lull>>,
    pub fences: Vec<FenceState>,
    pub sessions: Vec<SessionCount>,
    pub stragglers: Vec<Session>,
    pub refusals: u64,
    /// Writes that reached an upstream in a lull. Must be 0.
    pub write_leaks: u64,
    /// Times the guard was found missing. Must be 0.
    pub guard_alarms: u64,
}

/// How far one lull's fence is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FenceState {
    pub scope: Scope,
    pub generation: u64,
    pub reached: bool,
    /// From the order to the fence.
    pub fenced_ms: Option<u64>,
    pub positions: BTreeMap<String, String>,
    /// Sessions in scope that do not stand.
    pub waiting: u64,
    /// What could not be made sure of when the lull opened.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionCount {
    pub cluster: String,
    pub mode: String,
    pub standing: bool,
    pub count: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamState {
    pub cluster: String,
    /// primary or replica.
    pub role: String,
    pub address: String,
    /// None until lull has tried.
    pub up: Option<bool>,
    pub sessions: u64,
    pub last_error: Option<String>,
    pub last_connect_ms: Option<u64>,
    /// Of a replica: whether sessions may go there. The rest is what it last said of itself.
    pub fit: Option<bool>,
    pub position: Option<String>,
    pub lag_ms: Option<u64>,
    pub replay_paused: Option<bool>,
    pub timeline: Option<u32>,
}
