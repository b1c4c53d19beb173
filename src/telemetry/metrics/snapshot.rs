//! What is so at the moment of a scrape: filled by the server, which alone knows it.

use std::{sync::Arc, time::Duration};

use super::{FENCE_BUCKETS, Histogram};
use crate::{
    admin::{FenceState, SessionCount, UpstreamState},
    gate::Lull,
};

#[derive(Debug)]
pub struct Snapshot {
    pub generation: u64,
    pub clusters: Vec<String>,
    pub lulls: Vec<Arc<Lull>>,
    pub fences: Vec<FenceState>,
    /// By mode and standing, sessions of the bypass included (as mode `bypass`).
    pub sessions: Vec<SessionCount>,
    pub stragglers: Vec<StragglerCount>,
    /// Of each session that stays where its lull would not have it: its cluster, and why.
    pub stays: Vec<(String, String)>,
    /// By cluster.
    pub transactions_open: Vec<(String, u64)>,
    /// How long fences took, since the start. One writer: whoever runs the drains.
    pub fence_durations: Arc<Histogram>,
    pub upstreams: Vec<UpstreamState>,
    pub certificates: Vec<Certificate>,
    pub reload: Reload,
    /// Time that each worker was not waiting for events.
    pub workers_busy: Vec<Duration>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            generation: 0,
            clusters: Vec::new(),
            lulls: Vec::new(),
            fences: Vec::new(),
            sessions: Vec::new(),
            stragglers: Vec::new(),
            stays: Vec::new(),
            transactions_open: Vec::new(),
            fence_durations: Arc::new(Histogram::new(FENCE_BUCKETS)),
            upstreams: Vec::new(),
            certificates: Vec::new(),
            reload: Reload::default(),
            workers_busy: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct StragglerCount {
    pub cluster: String,
    /// As `Session::transaction`.
    pub state: String,
    pub count: u64,
}

#[derive(Clone, Debug)]
pub struct Certificate {
    pub cluster: String,
    pub expires_unix_s: i64,
}

/// The last attempt to read the configuration, the one at the start included.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reload {
    pub at_unix_ms: u64,
    pub succeeded: bool,
}
