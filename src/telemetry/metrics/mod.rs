//! Every figure that operators can see, and how it is counted.
//!
//! A `WorkerMetrics` belongs to one worker and one cluster: the worker alone writes it, without locks or atomic
//! read-modify-write, and whoever reads sums them up. So counting costs a load and a store to a cache line that no
//! other core writes. Labels are enums: nothing that a client sends can become a label.

mod cell;
mod counts;
mod family;
mod gauges;
mod labels;
mod render;
mod snapshot;

use crate::fault::Fault;

pub use cell::{Counter, Counters, Histogram};
pub use labels::{
    GuardAlarm, Label, LimitHit, LoginResult, ReassertCause, RefusalClass, SessionEnd, StragglerEnd,
    UpstreamError, Who,
};
pub use render::render;
pub use snapshot::{Certificate, Reload, Snapshot, StragglerCount};

/// Seconds: what a statement waits in lull is between tens of microseconds and the drain of a writer.
pub const WAIT_BUCKETS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
pub const LOGIN_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
pub const CONNECT_BUCKETS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0,
];
pub const FENCE_BUCKETS: &[f64] = &[
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// What one worker counts for one cluster. Written by that worker only.
// No two workers' counters share a cache line, or a pair of lines that is fetched together.
#[repr(align(128))]
#[derive(Debug)]
pub struct WorkerMetrics {
    pub cluster: String,
    /// Bytes that came from clients.
    pub client_bytes: Counter,
    /// Bytes that came from upstreams.
    pub upstream_bytes: Counter,
    pub statements: Counter,
    pub refusals: Counters<RefusalClass>,
    pub reasserts: Counters<ReassertCause>,
    /// What a statement waited because of lull.
    pub wait: Histogram,
    pub write_leaks: Counter,
    pub guard_alarms: Counters<GuardAlarm>,
    pub logins: Counters<LoginResult>,
    pub login_duration: Histogram,
    pub cancels: Counter,
    pub sessions_ended: [Counters<SessionEnd>; Who::COUNT],
    pub limit_hits: Counters<LimitHit>,
    pub stragglers_ended: Counters<StragglerEnd>,
    pub upstream_connect: Histogram,
    pub upstream_errors: Counters<UpstreamError>,
}

impl WorkerMetrics {
    pub fn new(cluster: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            client_bytes: Counter::default(),
            upstream_bytes: Counter::default(),
            statements: Counter::default(),
            refusals: Counters::default(),
            reasserts: Counters::default(),
            wait: Histogram::new(WAIT_BUCKETS),
            write_leaks: Counter::default(),
            guard_alarms: Counters::default(),
            logins: Counters::default(),
            login_duration: Histogram::new(LOGIN_BUCKETS),
            cancels: Counter::default(),
            sessions_ended: Default::default(),
            limit_hits: Counters::default(),
            stragglers_ended: Counters::default(),
            upstream_connect: Histogram::new(CONNECT_BUCKETS),
            upstream_errors: Counters::default(),
        }
    }

    pub fn ended(&self, who: Who, why: SessionEnd) {
        if let Some(ended) = self.sessions_ended.get(who.index()) {
            ended.add(why);
        }
    }

    pub fn upstream_failed(&self, fault: &Fault) {
        self.upstream_errors.add(UpstreamError::of(fault));
    }
}
