//! What people and scrapers may see.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::oneshot;

use super::Control;
use crate::{
    admin::{Session, SessionCount, Status, UpstreamState},
    connect::probe,
    gate::{Principal, Scope},
    server::worker::ToWorker,
    telemetry::{
        http::Scrape,
        metrics::{Snapshot, StragglerCount, render},
    },
};

impl Control {
    pub(super) async fn sessions(&self) -> Vec<Session> {
        let ask = |worker: &crate::server::worker::Handle| {
            let (reply, rows) = oneshot::channel();
            worker.send(ToWorker::Sessions(reply));
            rows
        };
        let asked: Vec<_> = self.workers.iter().map(ask).collect();
        let mut sessions = Vec::new();
        for rows in asked {
            sessions.extend(rows.await.unwrap_or_default());
        }
        sessions
    }

    pub(super) async fn sessions_in(&self, scope: &Scope) -> Vec<Session> {
        let mut sessions = self.sessions().await;
        sessions.retain(|session| scope.covers(&principal(session)));
        sessions
    }

    pub(super) async fn status(&self, scope: &Scope) -> Status {
        let sessions = self.sessions_in(scope).await;
        let view = self.gate.borrow().view();
        let mut fences = self.fences.borrow().clone();
        for fence in &mut fences {
            let waits = |s: &&Session| {
                !s.bypass && fence.scope.covers(&principal(s)) && s.generation < fence.generation
            };
            fence.waiting = u64::try_from(sessions.iter().filter(waits).count()).unwrap_or(u64::MAX);
        }
        let touches =
            |s: &Scope| scope.cluster().is_none() || s.cluster().is_none() || s.cluster() == scope.cluster();
        let metrics = self.metrics.all();
        Status {
            generation: view.generation,
            lulls: view
                .lulls
                .iter()
                .filter(|lull| touches(&lull.request.scope))
                .map(Arc::clone)
                .collect(),
            fences,
            sessions: counts(&sessions),
            stragglers: sessions
                .into_iter()
                .filter(|session| !session.bypass && !session.standing)
                .collect(),
            refusals: metrics.iter().map(|metrics| metrics.refusals.total()).sum(),
            write_leaks: metrics.iter().map(|metrics| metrics.write_leaks.get()).sum(),
            guard_alarms: metrics.iter().map(|metrics| metrics.guard_alarms.total()).sum(),
        }
    }

    pub(super) async fn upstreams(&self) -> Vec<UpstreamState> {
        let clusters = self.config.borrow().clusters.clone();
        let sessions = self.sessions().await;
        let mut states = Vec::new();
        for cluster in &clusters {
            let began = std::time::Instant::now();
            let probed = probe(cluster).await;
            let count = sessions
                .iter()
                .filter(|session| session.cluster == cluster.name)
                .count();
            states.push(UpstreamState {
                cluster: cluster.name.clone(),
                role: "primary".to_owned(),
                address: cluster.primary.address.to_string(),
                up: Some(probed.is_ok()),
                sessions: u64::try_from(count).unwrap_or(u64::MAX),
                last_connect_ms: probed.is_ok().then(|| super::millis(began.elapsed())),
                last_error: probed.err(),
            });
        }
        let mut known = self.upstreams.borrow_mut();
        *known = states
            .iter()
            .map(|state| (state.cluster.clone(), state.clone()))
            .collect();
        states
    }

    pub(super) async fn scrape(&self) -> Scrape {
        let sessions = self.sessions().await;
        let status = self.status(&Scope::all()).await;
        let mut stragglers: BTreeMap<(String, String), u64> = BTreeMap::new();
        for session in &status.stragglers {
            *stragglers
                .entry((session.cluster.clone(), session.transaction.clone()))
                .or_default() += 1;
        }
        let clusters = self.clusters_in(&Scope::all());
        let in_transaction = |cluster: &str| {
            let open = |s: &&Session| s.cluster == cluster && s.transaction.contains("transaction");
            u64::try_from(sessions.iter().filter(open).count()).unwrap_or(u64::MAX)
        };
        let snapshot = Snapshot {
            generation: status.generation,
            lulls: status.lulls,
            fences: status.fences,
            sessions: status.sessions,
            stragglers: stragglers
                .into_iter()
                .map(|((cluster, state), count)| StragglerCount {
                    cluster,
                    state,
                    count,
                })
                .collect(),
            transactions_open: clusters
                .iter()
                .map(|cluster| (cluster.clone(), in_transaction(cluster)))
                .collect(),
            clusters,
            fence_durations: Arc::clone(&self.fence_durations),
            upstreams: self.upstreams.borrow().values().cloned().collect(),
            reload: self.reload.get(),
            ..Snapshot::default()
        };
        let ready = if self.stopping.get() {
            Err("lull is stopping".to_owned())
        } else {
            Ok(())
        };
        Scrape {
            metrics: render(&self.metrics.all(), &snapshot),
            ready,
        }
    }
}

fn principal(session: &Session) -> Principal {
    Principal {
        cluster: session.cluster.clone(),
        database: session.database.clone(),
        user: session.user.clone(),
    }
}

fn counts(sessions: &[Session]) -> Vec<SessionCount> {
    let mut counts: BTreeMap<(String, String, bool), u64> = BTreeMap::new();
    for session in sessions {
        let mode = if session.bypass {
            "bypass"
        } else {
            session.mode.as_str()
        };
        *counts
            .entry((session.cluster.clone(), mode.to_owned(), session.standing))
            .or_default() += 1;
    }
    let count = |((cluster, mode, standing), count)| SessionCount {
        cluster,
        mode,
        standing,
        count,
    };
    counts.into_iter().map(count).collect()
}
