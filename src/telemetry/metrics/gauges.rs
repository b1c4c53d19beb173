//! What is so now: lulls, fences, sessions, upstreams, lull itself.

use std::collections::BTreeMap;

use super::{Snapshot, counts::float, family::Family};
use crate::telemetry::process::Process;

pub(super) fn families(now: &Snapshot) -> Vec<Family> {
    let mut families = lulls(now);
    families.extend(fences(now));
    families.extend(sessions(now));
    families.extend(upstreams(now));
    families.extend(itself(now));
    families
}

fn lulls(now: &Snapshot) -> Vec<Family> {
    let mut mode = Family::gauge(
        "lull_mode",
        "1 for the mode that is in force on a scope of a cluster.",
    );
    let mut started = Family::gauge(
        "lull_lull_started_timestamp_seconds",
        "When the lull on a scope was opened, in Unix time.",
    );
    let mut deadline = Family::gauge(
        "lull_lull_deadline_timestamp_seconds",
        "When the lull on a scope ends by itself, in Unix time.",
    );
    for cluster in &now.clusters {
        let touches = |scope: &crate::gate::Scope| scope.cluster().is_none_or(|name| name == cluster);
        let open: Vec<_> = now
            .lulls
            .iter()
            .filter(|lull| touches(&lull.request.scope))
            .collect();
        let normal = [
            ("cluster", cluster.as_str()),
            ("scope", cluster),
            ("mode", "normal"),
        ];
        mode.add(&normal, if open.is_empty() { 1.0 } else { 0.0 });
        for lull in open {
            let scope = lull.request.scope.to_string();
            mode.add(
                &[("cluster", cluster), ("scope", &scope), ("mode", "read-only")],
                1.0,
            );
        }
    }
    for lull in &now.lulls {
        let scope = lull.request.scope.to_string();
        started.add(&[("scope", &scope)], seconds(lull.since_unix_ms));
        if let Some(until) = lull.request.until_unix_ms {
            deadline.add(&[("scope", &scope)], seconds(until));
        }
    }
    let mut generation = Family::gauge("lull_generation", "Grows by one with every change of a lull.");
    generation.add(&[], float(now.generation));
    vec![mode, started, deadline, generation]
}

fn fences(now: &Snapshot) -> Vec<Family> {
    let mut reached = Family::gauge(
        "lull_fence_reached",
        "1 when every session in the scope of a lull stands.",
    );
    let mut waiting = Family::gauge(
        "lull_fence_waiting_sessions",
        "Sessions in the scope of a lull that do not stand.",
    );
    for fence in &now.fences {
        let scope = fence.scope.to_string();
        reached.add(&[("scope", &scope)], f64::from(u8::from(fence.reached)));
        waiting.add(&[("scope", &scope)], float(fence.waiting));
    }
    let mut durations = Family::histogram(
        "lull_fence_duration_seconds",
        "Time from the opening of a lull to its fence.",
    );
    durations.observe(&[], &now.fence_durations);
    vec![reached, waiting, durations]
}

fn sessions(now: &Snapshot) -> Vec<Family> {
    let mut by_mode = Family::gauge(
        "lull_sessions",
        "Sessions by mode, and whether the server has confirmed it.",
    );
    let mut clients = Family::gauge("lull_client_sessions", "Sessions of clients.");
    let mut stragglers = Family::gauge(
        "lull_stragglers",
        "Sessions that a fence waits for, by the state of their transaction.",
    );
    let mut transactions = Family::gauge(
        "lull_transactions_open",
        "Sessions with a transaction open, that of a single running statement included.",
    );
    for cluster in &now.clusters {
        clients.add(&[("cluster", cluster)], 0.0);
        transactions.add(&[("cluster", cluster)], 0.0);
    }
    for sessions in &now.sessions {
        let standing = if sessions.standing { "true" } else { "false" };
        let labels = [
            ("cluster", sessions.cluster.as_str()),
            ("mode", &sessions.mode),
            ("standing", standing),
        ];
        by_mode.add(&labels, float(sessions.count));
        clients.add(&[("cluster", &sessions.cluster)], float(sessions.count));
    }
    for straggler in &now.stragglers {
        let labels = [
            ("cluster", straggler.cluster.as_str()),
            ("state", &straggler.state),
        ];
        stragglers.add(&labels, float(straggler.count));
    }
    let mut unmoved = Family::gauge(
        "lull_sessions_unmoved",
        "Sessions that cannot move to a replica, or back, by what keeps them.",
    );
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (cluster, why) in &now.stays {
        *counts.entry((cluster, reason(why))).or_default() += 1;
    }
    for ((cluster, reason), count) in counts {
        unmoved.add(&[("cluster", cluster), ("reason", reason)], float(count));
    }
    for (cluster, open) in &now.transactions_open {
        transactions.add(&[("cluster", cluster)], float(*open));
    }
    vec![by_mode, clients, stragglers, unmoved, transactions]
}

/// A label must come from a short list; servers may say anything.
fn reason(why: &str) -> &'static str {
    const KNOWN: [(&str, &str); 8] = [
        ("temporary tables", "temporary_tables"),
        ("advisory locks", "advisory_locks"),
        ("listens", "listen"),
        ("WITH HOLD", "cursors"),
        ("serializable", "serializable"),
        ("custom settings", "custom_settings"),
        ("prepared statement", "prepared_statement"),
        ("replication", "replication"),
    ];
    let known = KNOWN.iter().find(|(words, _)| why.contains(words));
    known.map_or("other", |(_, label)| *label)
}

fn upstreams(now: &Snapshot) -> Vec<Family> {
    let mut up = Family::gauge(
        "lull_upstream_up",
        "1 when the last attempt to reach an upstream succeeded.",
    );
    let mut sessions = Family::gauge("lull_upstream_sessions", "Sessions on an upstream.");
    for upstream in &now.upstreams {
        let mut labels = vec![("cluster", upstream.cluster.as_str()), ("role", &upstream.role)];
        if upstream.role == "replica" {
            // There may be several.
            labels.push(("address", &upstream.address));
        }
        if let Some(is_up) = upstream.up {
            up.add(&labels, f64::from(u8::from(is_up)));
        }
        sessions.add(&labels, float(upstream.sessions));
    }
    let mut expiry = Family::gauge(
        "lull_certificate_expiry_timestamp_seconds",
        "When the certificate that clients see expires, in Unix time.",
    );
    for certificate in &now.certificates {
        // Exact: a date is far below 2^53 seconds.
        #[allow(clippy::cast_precision_loss)]
        expiry.add(
            &[("cluster", &certificate.cluster)],
            certificate.expires_unix_s as f64,
        );
    }
    vec![up, sessions, expiry]
}

fn itself(now: &Snapshot) -> Vec<Family> {
    let mut build = Family::gauge("lull_build_info", "1, with the version of lull as a label.");
    build.add(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let mut reload_at = Family::gauge(
        "lull_config_reload_timestamp_seconds",
        "When the configuration was last read, in Unix time.",
    );
    reload_at.add(&[], seconds(now.reload.at_unix_ms));
    let mut reload_ok = Family::gauge(
        "lull_config_reload_success",
        "1 when the last read of the configuration succeeded.",
    );
    reload_ok.add(&[], f64::from(u8::from(now.reload.succeeded)));
    let mut busy = Family::counter(
        "lull_worker_busy_seconds_total",
        "Time that a worker was not waiting for events.",
    );
    for (worker, time) in now.workers_busy.iter().enumerate() {
        busy.add(&[("worker", &worker.to_string())], time.as_secs_f64());
    }
    let mut families = vec![build, reload_at, reload_ok, busy];
    families.extend(process(&Process::read()));
    families
}

/// Named as every Prometheus client names them.
fn process(process: &Process) -> Vec<Family> {
    let whole = |value: Option<u64>| value.map(float);
    [
        (
            Family::counter("process_cpu_seconds_total", "CPU time in user and kernel mode."),
            process.cpu_seconds,
        ),
        (
            Family::gauge("process_resident_memory_bytes", "Memory in RAM."),
            whole(process.resident_bytes),
        ),
        (
            Family::gauge("process_virtual_memory_bytes", "Memory that is mapped."),
            whole(process.virtual_bytes),
        ),
        (
            Family::gauge("process_open_fds", "File descriptors that are open."),
            whole(process.open_fds),
        ),
        (
            Family::gauge("process_max_fds", "File descriptors that may be open."),
            whole(process.fds_max),
        ),
        (
            Family::gauge("process_threads", "Threads."),
            whole(process.threads),
        ),
        (
            Family::gauge(
                "process_start_time_seconds",
                "When the process began, in Unix time.",
            ),
            process.started_unix_s,
        ),
    ]
    .into_iter()
    .filter_map(|(mut family, value)| {
        family.add(&[], value?);
        Some(family)
    })
    .collect()
}

fn seconds(unix_ms: u64) -> f64 {
    float(unix_ms) / 1000.0
}
