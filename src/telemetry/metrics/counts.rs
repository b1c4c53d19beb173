//! What the workers counted, summed.

use std::sync::Arc;

use super::{
    Counter, Counters, Histogram, Label, Who, WorkerMetrics,
    family::{Family, Labels},
};

type Workers<'a> = &'a [Arc<WorkerMetrics>];

pub(super) fn families(workers: Workers<'_>) -> Vec<Family> {
    let mut families = clients(workers);
    families.extend(guards(workers));
    families.extend(traffic(workers));
    families
}

fn clients(workers: Workers<'_>) -> Vec<Family> {
    let mut ended = Family::counter(
        "lull_sessions_ended_total",
        "Sessions ended after their login, by who ended them and why.",
    );
    for worker in workers {
        for (who, cells) in Who::ALL.iter().zip(&worker.sessions_ended) {
            add_each(
                &mut ended,
                cells,
                &[("cluster", &worker.cluster), ("who", who.as_str())],
                "why",
            );
        }
    }
    vec![
        ended,
        labelled(
            workers,
            |worker| &worker.logins,
            "result",
            Family::counter("lull_logins_total", "Logins by their result."),
        ),
        observed(
            workers,
            |worker| &worker.login_duration,
            Family::histogram(
                "lull_login_duration_seconds",
                "Time from accepting a client to its first ReadyForQuery.",
            ),
        ),
        labelled(
            workers,
            |worker| &worker.limit_hits,
            "limit",
            Family::counter(
                "lull_limit_hits_total",
                "Limits of the configuration that were reached, by their key.",
            ),
        ),
        counted(
            workers,
            |worker| &worker.cancels,
            Family::counter("lull_cancels_total", "Cancel requests forwarded to an upstream."),
        ),
    ]
}

fn guards(workers: Workers<'_>) -> Vec<Family> {
    vec![
        labelled(
            workers,
            |worker| &worker.refusals,
            "class",
            Family::counter("lull_refusals_total", "Statements refused in a lull, by class."),
        ),
        labelled(
            workers,
            |worker| &worker.reasserts,
            "cause",
            Family::counter(
                "lull_reasserts_total",
                "Times the guard was set again in a lull, by cause.",
            ),
        ),
        observed(
            workers,
            |worker| &worker.wait,
            Family::histogram(
                "lull_wait_seconds",
                "Time that statements waited because of a lull.",
            ),
        ),
        counted(
            workers,
            |worker| &worker.write_leaks,
            Family::counter(
                "lull_write_leaks_total",
                "Writes that an upstream carried out in a lull. Must be 0.",
            ),
        ),
        labelled(
            workers,
            |worker| &worker.guard_alarms,
            "kind",
            Family::counter(
                "lull_guard_alarms_total",
                "Times the guard was not where it had to be. Must be 0.",
            ),
        ),
        labelled(
            workers,
            |worker| &worker.stragglers_ended,
            "how",
            Family::counter(
                "lull_stragglers_ended_total",
                "Sessions that a drain waited for, by how that ended.",
            ),
        ),
    ]
}

fn traffic(workers: Workers<'_>) -> Vec<Family> {
    let mut bytes = Family::counter(
        "lull_bytes_total",
        "Bytes received after the login, by where they came from.",
    );
    let mut statements = Family::counter(
        "lull_statements_total",
        "Statements that clients ran to their end.",
    );
    for worker in workers {
        let cluster = ("cluster", worker.cluster.as_str());
        bytes.add(
            &[cluster, ("direction", "from_client")],
            float(worker.client_bytes.get()),
        );
        bytes.add(
            &[cluster, ("direction", "from_upstream")],
            float(worker.upstream_bytes.get()),
        );
        statements.add(
            &[cluster, ("protocol", "postgresql")],
            float(worker.statements.get()),
        );
    }
    vec![
        bytes,
        statements,
        observed(
            workers,
            |worker| &worker.upstream_connect,
            Family::histogram(
                "lull_upstream_connect_seconds",
                "Time to reach an upstream, TLS included.",
            ),
        ),
        labelled(
            workers,
            |worker| &worker.upstream_errors,
            "kind",
            Family::counter("lull_upstream_errors_total", "Failures of upstreams, by kind."),
        ),
    ]
}

fn counted(workers: Workers<'_>, cell: impl Fn(&WorkerMetrics) -> &Counter, mut family: Family) -> Family {
    for worker in workers {
        family.add(&[("cluster", &worker.cluster)], float(cell(worker).get()));
    }
    family
}

fn labelled<L: Label>(
    workers: Workers<'_>,
    cells: impl Fn(&WorkerMetrics) -> &Counters<L>,
    label: &str,
    mut family: Family,
) -> Family {
    for worker in workers {
        add_each(&mut family, cells(worker), &[("cluster", &worker.cluster)], label);
    }
    family
}

fn observed(
    workers: Workers<'_>,
    cells: impl Fn(&WorkerMetrics) -> &Histogram,
    mut family: Family,
) -> Family {
    for worker in workers {
        family.observe(&[("cluster", &worker.cluster)], cells(worker));
    }
    family
}

/// Zeroes too: a rate needs a first sample.
fn add_each<L: Label>(family: &mut Family, cells: &Counters<L>, labels: Labels<'_>, label: &str) {
    for &value in L::ALL {
        let mut all = labels.to_vec();
        all.push((label, value.as_str()));
        family.add(&all, float(cells.get(value)));
    }
}

/// Exact up to 2^53, which is what Prometheus stores.
#[allow(clippy::cast_precision_loss)]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}
