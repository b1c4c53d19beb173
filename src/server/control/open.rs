//! `LULL ON`: the order, the drain, the fence.
//!
//! Answers when every session in scope stands, each by the word of its own server, or when the drain policy has acted
//! on the rest. The log position is asked for after that, on a session that stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Control, dialects, is_open, millis, now_unix_ms, question::NoAnswer};
use crate::{
    admin::{Answer, AuditFinding, FenceState, Opened, Refused, Session},
    config::Protocol,
    gate::{Lull, Prepared, Request},
    relay::Place,
    server::worker::ToWorker,
    session::Rows,
    telemetry::metrics::LimitHit,
};

pub(super) type Notices = mpsc::UnboundedSender<String>;
type Reply = oneshot::Sender<Result<Answer, Refused>>;

pub(super) const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The words of the workers that all their sessions stand.
pub(super) struct Fence {
    sessions: usize,
    open: Vec<oneshot::Receiver<()>>,
}

impl Fence {
    /// Cancel-safe: what has been heard stays heard.
    pub(super) async fn reached(&mut self) {
        while let Some(word) = self.open.last_mut() {
            // A worker ends only with the process.
            let _ = word.await;
            self.open.pop();
        }
    }
}

impl Control {
    /// None where the caller has gone: then the lull is taken back, unless it was open before.
    pub(super) async fn on(
        self: &Rc<Self>,
        request: Request,
        notices: &Notices,
        reply: &mut Reply,
    ) -> Option<Result<Opened, Refused>> {
        if let Err(refused) = self.known(&request.scope).and_then(|()| self.can_move(&request)) {
            return Some(Err(refused));
        }
        let was_open = self
            .gate
            .borrow()
            .view()
            .lulls
            .iter()
            .any(|lull| lull.request.scope == request.scope);
        let began = Instant::now();
        let lull = match self.change(|gate| gate.open(request, now_unix_ms())) {
            Ok(lull) => lull,
            Err(refused) => return Some(Err(refused)),
        };
        let Request {
            scope, by, reason, ..
        } = &lull.request;
        tracing::info!(%scope, by, reason, "lull opens");
        let outcome = tokio::select! {
            outcome = self.fence(&lull, began, notices) => outcome,
            () = reply.closed() => {
                if !was_open {
                    tracing::warn!(scope = %lull.request.scope, "the caller has gone: the lull is taken back");
                    let _ = self.take_back(&lull).await;
                }
                return None;
            }
        };
        if outcome.is_err() && !was_open {
            let _ = self.take_back(&lull).await;
        }
        Some(outcome)
    }

    /// Nobody gets the lull: whoever asked hears so when the sessions are as before.
    async fn take_back(&self, lull: &Lull) -> Result<(), Refused> {
        let open = is_open(&self.gate.borrow(), lull);
        if open {
            self.change(|gate| gate.close(&lull.request.scope))?;
            self.wait_for_return(&lull.request.scope, false).await;
        }
        Ok(())
    }

    async fn fence(
        self: &Rc<Self>,
        lull: &Arc<Lull>,
        began: Instant,
        notices: &Notices,
    ) -> Result<Opened, Refused> {
        let mut fence = self.watch(lull).await;
        let mut opened = Opened {
            scope: lull.request.scope.clone(),
            generation: lull.generation,
            sessions: u64::try_from(fence.sessions).unwrap_or(u64::MAX),
            ..Opened::default()
        };
        self.note_fence(lull, &opened);
        // From when the sessions have their orders: that lull's own disk was slow is no session's fault.
        let drain_ends = Instant::now() + Duration::from_millis(lull.request.drain_ms);
        let mut stands = self.drain(lull, &mut fence, drain_ends, notices).await;
        if !stands {
            stands = self.enforce(lull, &mut fence, &mut opened.stragglers).await;
        }
        let fence_reached = Instant::now();
        let places = self.places(lull).await;
        if stands {
            (opened.prepared, opened.warnings) = self.prepared(lull, &places, drain_ends, notices).await;
        }
        let blocked = !opened.prepared.is_empty() && lull.request.prepared == Prepared::Block;
        opened.audit = self
            .findings(&places, stands.then_some(fence_reached))
            .await
            .map_err(Refused::Failed)?;
        opened.fenced = stands && !blocked && is_open(&self.gate.borrow(), lull);
        opened.fenced_ms = millis(began.elapsed());
        if opened.fenced {
            self.fence_durations.observe(began.elapsed());
            opened.positions = self.positions(&places).await;
            if let [(_, only)] = opened.positions.iter().collect::<Vec<_>>().as_slice() {
                opened.position = Some((*only).clone());
            }
        }
        let mut lull = Arc::clone(lull);
        if let Some(wanted) = lull.request.replicas.filter(|_| opened.fenced) {
            lull = self.send_to_replicas(&lull, wanted, &mut opened, notices).await?;
        }
        opened.note = self.note(&lull, &opened, blocked, self.audit_waits(&places));
        self.note_fence(&lull, &opened);
        tracing::info!(
            scope = %opened.scope, fenced = opened.fenced, ms = opened.fenced_ms, sessions = opened.sessions,
            position = opened.position, "lull is open"
        );
        Ok(opened)
    }

    /// What the audits found. A session that does not stand may be too busy to be asked: then they go on behind.
    async fn findings(
        self: &Rc<Self>,
        places: &[Place],
        fence_reached: Option<Instant>,
    ) -> Result<Vec<AuditFinding>, String> {
        let Some(fence_reached) = fence_reached else {
            return Ok(self
                .audit_results(places)
                .and_then(Result::ok)
                .unwrap_or_default());
        };
        let clusters = self.config.borrow().clusters.clone();
        let limit = clusters
            .iter()
            .map(|cluster| cluster.limits.audit_timeout)
            .max()
            .unwrap_or_default();
        let late = |_| {
            let clusters: BTreeSet<&String> = places.iter().map(|(cluster, _)| cluster).collect();
            for cluster in clusters {
                self.counted.of(cluster).limit_hits.add(LimitHit::Audit);
            }
            Err(format!(
                "the audit of routines did not end within {limit:?} (audit_timeout)"
            ))
        };
        timeout(limit, self.audits_behind(places, fence_reached))
            .await
            .unwrap_or_else(late)
    }

    fn note(&self, lull: &Lull, opened: &Opened, blocked: bool, unaudited: bool) -> Option<String> {
        if !is_open(&self.gate.borrow(), lull) {
            return Some("the lull was changed or closed while it was waited for".to_owned());
        }
        if blocked {
            return Some(
                "transactions that are prepared for two-phase commit can still write when they commit"
                    .to_owned(),
            );
        }
        if unaudited {
            return Some(
                "no session can be asked now for the log position, prepared transactions and routines; until one \
                 can, nothing is let through that could run code"
                    .to_owned(),
            );
        }
        let unasked = opened.fenced && opened.positions.is_empty();
        unasked.then(|| "no session is there to ask for the log position".to_owned())
    }

    pub(super) async fn watch(&self, lull: &Lull) -> Fence {
        let mut fence = Fence {
            sessions: 0,
            open: Vec::new(),
        };
        let (scope, generation) = (&lull.request.scope, lull.generation);
        let ask = |worker: &crate::server::worker::Handle| {
            let (reply, watch) = oneshot::channel();
            worker.send(ToWorker::Watch {
                scope: scope.clone(),
                generation,
                reply,
            });
            watch
        };
        let asked: Vec<_> = self.workers.iter().map(ask).collect();
        for watch in asked {
            if let Ok((sessions, word)) = watch.await {
                fence.sessions += sessions;
                fence.open.push(word);
            }
        }
        fence
    }

    /// Waits for the fence until the drain is over. True when it is reached.
    async fn drain(&self, lull: &Lull, fence: &mut Fence, until: Instant, notices: &Notices) -> bool {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if timeout(left.min(PROGRESS_EVERY), fence.reached()).await.is_ok() {
                return true;
            }
            if left <= PROGRESS_EVERY {
                return false;
            }
            let waiting = self.waiting(lull).await;
            let _ = notices.send(progress(fence.sessions, &waiting));
        }
    }

    /// The databases in scope that have a session to ask.
    async fn places(&self, lull: &Lull) -> Vec<Place> {
        let sessions = self.sessions_in(&lull.request.scope).await;
        let clients = sessions.into_iter().filter(|session| !session.bypass);
        let places: BTreeSet<Place> = clients
            .map(|session| (session.cluster, session.database))
            .collect();
        places.into_iter().collect()
    }

    /// Asks each cluster what holds for the whole server, in the first of its places that answers.
    async fn ask_each_cluster(
        &self,
        places: &[Place],
        text: fn(Protocol) -> &'static str,
    ) -> BTreeMap<String, Rows> {
        let mut answers = BTreeMap::new();
        for place in places {
            if answers.contains_key(&place.0) {
                continue;
            }
            match self.ask(place, text(self.protocol(&place.0))).await {
                Ok(rows) => {
                    answers.insert(place.0.clone(), rows);
                }
                Err(NoAnswer::Nobody) => {}
                Err(why) => tracing::warn!(
                    cluster = place.0,
                    database = place.1,
                    "a question has no answer: {why:?}"
                ),
            }
        }
        answers
    }

    async fn positions(&self, places: &[Place]) -> BTreeMap<String, String> {
        let answers = self.ask_each_cluster(places, dialects::position).await;
        answers
            .into_iter()
            .filter_map(|(cluster, rows)| Some((cluster, first_text(&rows)?)))
            .collect()
    }

    fn note_fence(&self, lull: &Lull, opened: &Opened) {
        let mut fences = self.fences.borrow_mut();
        fences.retain(|fence| fence.scope != lull.request.scope);
        if is_open(&self.gate.borrow(), lull) {
            fences.push(FenceState {
                scope: lull.request.scope.clone(),
                generation: opened.generation,
                reached: opened.fenced,
                fenced_ms: opened.fenced.then_some(opened.fenced_ms),
                positions: opened.positions.clone(),
                waiting: 0,
                warnings: opened.warnings.clone(),
            });
        }
    }
}

fn progress(sessions: usize, waiting: &[Session]) -> String {
    let stand = sessions.saturating_sub(waiting.len());
    let writing = waiting
        .iter()
        .filter(|session| session.wrote == Some(true))
        .count();
    let oldest = waiting
        .iter()
        .map(|session| session.transaction_ms)
        .max()
        .unwrap_or(0)
        / 1000;
    format!(
        "{stand} of {sessions} sessions stand; {} wait, {writing} have written (oldest {oldest} s)",
        waiting.len()
    )
}

fn first_text(rows: &[Vec<Option<Vec<u8>>>]) -> Option<String> {
    let value = rows.first()?.first()?.as_deref()?;
    Some(String::from_utf8_lossy(value).into_owned())
}
