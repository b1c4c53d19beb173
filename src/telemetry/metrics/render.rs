//! All figures as Prometheus' text format.

use std::sync::Arc;

use prometheus::TextEncoder;

use super::{Snapshot, WorkerMetrics, counts, family::Family, gauges};

/// The same cluster may come several times, once for each worker: what they counted is summed.
pub fn render(workers: &[Arc<WorkerMetrics>], snapshot: &Snapshot) -> String {
    let mut families = gauges::families(snapshot);
    families.extend(counts::families(workers));
    let families: Vec<_> = families.into_iter().filter_map(Family::build).collect();
    let mut text = String::with_capacity(32 << 10);
    match TextEncoder::new().encode_utf8(&families, &mut text) {
        Ok(()) => text,
        // It fails on families without samples or a name, of which there is none.
        Err(error) => format!("# lull cannot write its metrics: {error}\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::super::{Certificate, LimitHit, RefusalClass, Reload, SessionEnd, StragglerCount, Who};
    use super::*;
    use crate::{
        admin::{FenceState, SessionCount, UpstreamState},
        gate::{Lull, Request, Scope},
    };

    fn lull(scope: &str) -> Arc<Lull> {
        let request = Request {
            scope: scope.parse().unwrap(),
            reason: String::new(),
            by: "root".into(),
            drain_ms: 1,
            stragglers: Default::default(),
            prepared: Default::default(),
            until_unix_ms: Some(9_000),
            replicas: None,
        };
        Arc::new(Lull {
            request,
            since_unix_ms: 1_500,
            moved: Default::default(),
            generation: 3,
        })
    }

    fn full() -> Snapshot {
        let scope: Scope = "shop".parse().unwrap();
        Snapshot {
            generation: 3,
            clusters: vec!["shop".into(), "crm".into()],
            lulls: vec![lull("shop/\"a b\"")]
                .into_iter()
                .chain([lull("shop")])
                .collect(),
            fences: vec![FenceState {
                scope,
                reached: true,
                ..Default::default()
            }],
            sessions: vec![SessionCount {
                cluster: "shop".into(),
                mode: "read-only".into(),
                standing: true,
                count: 7,
            }],
            stragglers: vec![StragglerCount {
                cluster: "shop".into(),
                state: "active".into(),
                count: 1,
            }],
            transactions_open: vec![("shop".into(), 2)],
            upstreams: vec![UpstreamState {
                cluster: "shop".into(),
                role: "primary".into(),
                up: Some(true),
                ..Default::default()
            }],
            certificates: vec![Certificate {
                cluster: "shop".into(),
                expires_unix_s: 5,
            }],
            reload: Reload {
                at_unix_ms: 2_000,
                succeeded: true,
            },
            workers_busy: vec![Duration::from_millis(1_500)],
            ..Snapshot::default()
        }
    }

    fn has(text: &str, line: &str) {
        assert!(text.lines().any(|is| is == line), "no line {line} in\n{text}");
    }

    #[test]
    fn what_workers_counted_is_summed() {
        let workers = [WorkerMetrics::new("shop"), WorkerMetrics::new("shop")].map(Arc::new);
        for worker in &workers {
            worker.refusals.add(RefusalClass::Leak);
            worker.limit_hits.add(LimitHit::Connections);
            worker.ended(Who::Policy, SessionEnd::Drain);
            worker.wait.observe(Duration::from_millis(5));
            worker.client_bytes.add(21);
        }
        let text = render(&workers, &Snapshot::default());
        has(&text, "lull_refusals_total{cluster=\"shop\",class=\"leak\"} 2");
        has(
            &text,
            "lull_limit_hits_total{cluster=\"shop\",limit=\"connections_max\"} 2",
        );
        has(
            &text,
            "lull_sessions_ended_total{cluster=\"shop\",who=\"policy\",why=\"drain\"} 2",
        );
        has(&text, "lull_wait_seconds_bucket{cluster=\"shop\",le=\"0.005\"} 2");
        has(&text, "lull_wait_seconds_bucket{cluster=\"shop\",le=\"+Inf\"} 2");
        has(&text, "lull_wait_seconds_sum{cluster=\"shop\"} 0.01");
        has(
            &text,
            "lull_bytes_total{cluster=\"shop\",direction=\"from_client\"} 42",
        );
        has(&text, "lull_write_leaks_total{cluster=\"shop\"} 0");
    }

    #[test]
    fn the_snapshot_shows_modes_fences_sessions_and_upstreams() {
        let text = render(&[], &full());
        has(
            &text,
            "lull_mode{cluster=\"shop\",scope=\"shop\",mode=\"read-only\"} 1",
        );
        has(
            &text,
            "lull_mode{cluster=\"shop\",scope=\"shop\",mode=\"normal\"} 0",
        );
        has(
            &text,
            "lull_mode{cluster=\"crm\",scope=\"crm\",mode=\"normal\"} 1",
        );
        has(&text, "lull_fence_reached{scope=\"shop\"} 1");
        has(&text, "lull_lull_deadline_timestamp_seconds{scope=\"shop\"} 9");
        has(
            &text,
            "lull_sessions{cluster=\"shop\",mode=\"read-only\",standing=\"true\"} 7",
        );
        has(&text, "lull_client_sessions{cluster=\"crm\"} 0");
        has(&text, "lull_upstream_up{cluster=\"shop\",role=\"primary\"} 1");
        has(&text, "lull_config_reload_success 1");
        has(&text, "lull_worker_busy_seconds_total{worker=\"0\"} 1.5");
        assert!(text.contains("process_resident_memory_bytes "));
    }

    #[test]
    fn every_metric_has_help_and_a_type_once() {
        let text = render(&[Arc::new(WorkerMetrics::new("shop"))], &full());
        let names = |what: &str| {
            let lines = text.lines().filter_map(|line| line.strip_prefix(what));
            let names: Vec<_> = lines
                .map(|line| line.split(' ').next().unwrap().to_owned())
                .collect();
            let set: BTreeSet<_> = names.iter().cloned().collect();
            assert_eq!(names.len(), set.len());
            set
        };
        assert_eq!(names("# HELP "), names("# TYPE "));
        assert!(names("# HELP ").len() > 30);
    }
}
