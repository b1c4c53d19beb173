//! What people and scrapers may see.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::oneshot;

use super::Control;
use crate::{
    admin::{Session, SessionCount, Status, UpstreamState},
    connect::probe,
    gate::{Principal, Scope},
    server::worker::ToWorker,
    session::Activity,
    telemetry::{
        http::Scrape,
        metrics::{Certificate, Snapshot, StragglerCount, render},
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
            states.push(UpstreamState {
                cluster: cluster.name.clone(),
                role: "primary".to_owned(),
                address: cluster.primary.address.to_string(),
                up: Some(probed.is_ok()),
                sessions: sessions_on(&sessions, &cluster.name),
                last_connect_ms: probed.is_ok().then(|| super::millis(began.elapsed())),
                last_error: probed.err(),
                ..UpstreamState::default()
            });
            states.extend(self.replicas_of(cluster));
        }
        let entrances = self.entrances.borrow();
        for state in states.iter().filter(|state| state.role == "primary") {
            entrances.note_reached(&state.cluster, state.up == Some(true));
        }
        states
    }

    fn replicas_of(&self, cluster: &crate::config::Cluster) -> Vec<UpstreamState> {
        let Some(front) = self.entrances.borrow().front(&cluster.name) else {
            return Vec::new();
        };
        let lag_max_ms = super::millis(cluster.lag_max);
        let state = |address: &crate::config::Address| {
            let (seen, sessions) = front.tally.replicas.seen(address);
            let state = UpstreamState {
                cluster: cluster.name.clone(),
                role: "replica".to_owned(),
                address: address.to_string(),
                sessions: u64::try_from(sessions).unwrap_or(u64::MAX),
                ..UpstreamState::default()
            };
            let Some(seen) = seen else { return state };
            UpstreamState {
                up: Some(seen.up),
                fit: Some(
                    front.tally.replicas.is_fit(&seen) && seen.lag_ms.is_none_or(|ms| ms <= lag_max_ms),
                ),
                position: seen.position.map(|position| position.to_string()),
                lag_ms: seen.lag_ms,
                replay_paused: Some(seen.replay_paused),
                timeline: seen.timeline,
                last_error: seen.error,
                ..state
            }
        };
        cluster.replicas.iter().map(state).collect()
    }

    /// What the last attempts to reach the upstreams came to, those of clients included. Nothing is tried for it.
    fn known_upstreams(&self, sessions: &[Session]) -> Vec<UpstreamState> {
        let (config, entrances) = (self.config.borrow(), self.entrances.borrow());
        let state = |cluster: &Arc<crate::config::Cluster>| UpstreamState {
            cluster: cluster.name.clone(),
            role: "primary".to_owned(),
            address: cluster.primary.address.to_string(),
            up: entrances.reached(&cluster.name),
            sessions: sessions_on(sessions, &cluster.name),
            ..UpstreamState::default()
        };
        let with_replicas = |cluster: &Arc<crate::config::Cluster>| {
            std::iter::once(state(cluster)).chain(self.replicas_of(cluster))
        };
        config.clusters.iter().flat_map(with_replicas).collect()
    }

    fn certificates(&self) -> Vec<Certificate> {
        let certificate = |(cluster, expires_unix_s)| Certificate {
            cluster,
            expires_unix_s,
        };
        let expiries = self.entrances.borrow().certificate_expiries();
        expiries.into_iter().map(certificate).collect()
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
            let open = |s: &&Session| s.cluster == cluster && s.transaction != Activity::Idle.as_str();
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
            stays: sessions
                .iter()
                .filter_map(|session| Some((session.cluster.clone(), session.stays.clone()?)))
                .collect(),
            transactions_open: clusters
                .iter()
                .map(|cluster| (cluster.clone(), in_transaction(cluster)))
                .collect(),
            clusters,
            fence_durations: Arc::clone(&self.fence_durations),
            upstreams: self.known_upstreams(&sessions),
            certificates: self.certificates(),
            reload: self.reload.get(),
            workers_busy: self
                .figures
                .iter()
                .map(|worker| worker.worker_total_busy_duration(0))
                .collect(),
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

fn sessions_on(sessions: &[Session], cluster: &str) -> u64 {
    let count = sessions
        .iter()
        .filter(|session| session.cluster == cluster && session.mode != "replica")
        .count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

pub(super) fn principal(session: &Session) -> Principal {
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
