//! Runs the audit of each database that a lull reaches, on a session that is there to ask.
//!
//! Until its database is audited, a covered session lets no statement up; so an audit that cannot be done is tried
//! again while the lull is open. What a transaction that was still writing has made meanwhile is in no audit that
//! began before the fence: `on` has it done again then, before it answers.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    sync::SemaphorePermit,
    task::spawn_local,
    time::{sleep, timeout},
};

use super::{
    Control,
    dialects::{Audit, Outcome, Step},
    question::NoAnswer,
};
use crate::{admin::AuditFinding, relay::Place, server::worker::ToWorker, session::Audited};

/// Databases beside a lull whose audits are asked at a time: those in it must not wait behind hundreds of others.
pub(super) const BESIDE_MAX: usize = 4;
/// How often what waits for its turn looks whether it is in a lull by now.
const TURN_WAIT: Duration = Duration::from_millis(100);

const RETRY_WAIT: Duration = Duration::from_millis(500);
/// How long an audit waits for the sessions of its database to stand, so that it need not be done again. Reads wait
/// with it.
const STAND_WAIT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) enum AuditState {
    Running,
    /// Every session of the database is where a question would do harm. They let nothing up that could run code.
    Waiting,
    /// The last attempt failed; another is coming.
    Failing(String),
    Done {
        /// When it began.
        at: Instant,
        findings: Vec<AuditFinding>,
        audited: Audited,
    },
}

impl Control {
    /// A session waits for the audit of its database.
    pub(super) fn need_audit(self: &Rc<Self>, place: Place) {
        if !self.is_concerned(&self.gate.borrow().view(), &place) {
            return;
        }
        match self.audits.borrow().get(&place) {
            None => {}
            Some(AuditState::Done { audited, .. }) => return self.tell_audited(&place, audited),
            Some(AuditState::Waiting) => return self.audit_wanted.notify_waiters(),
            Some(AuditState::Running | AuditState::Failing(_)) => return,
        }
        self.start_audit(place);
    }

    /// Something was made in a database that may reach into others. What was found there is told until it is known anew.
    pub(super) fn audit_again(self: &Rc<Self>, place: Place) {
        let done = matches!(self.audits.borrow().get(&place), Some(AuditState::Done { .. }));
        if done && self.is_concerned(&self.gate.borrow().view(), &place) {
            self.start_audit(place);
        }
    }

    fn start_audit(self: &Rc<Self>, place: Place) {
        self.audits
            .borrow_mut()
            .insert(place.clone(), AuditState::Running);
        let control = Rc::clone(self);
        spawn_local(async move { control.audit_until_done(place).await });
    }

    fn tell_audited(&self, place: &Place, audited: &Audited) {
        self.tell_all(|| ToWorker::Audited {
            place: place.clone(),
            audited: audited.clone(),
        });
    }

    async fn audit_until_done(self: Rc<Self>, place: Place) {
        if self.is_covered(&place) {
            self.wait_for_standing(&place).await;
        }
        while self.audits.borrow().contains_key(&place) {
            if !self.is_covered(&place) {
                self.wait_for_covered(&place.0).await;
            }
            let turn = self.turn(&place).await;
            let began = Instant::now();
            let outcome = self.audit(&place).await;
            drop(turn);
            match outcome {
                Ok(outcome) => return self.audit_done(place, began, outcome),
                Err(NoAnswer::Nobody) if self.has_sessions(&place).await => {
                    self.audits
                        .borrow_mut()
                        .insert(place.clone(), AuditState::Waiting);
                    self.audit_ended.notify_waiters();
                }
                // The next session of the place will ask again.
                Err(NoAnswer::Nobody) => {
                    self.audits.borrow_mut().remove(&place);
                    self.audit_ended.notify_waiters();
                    return;
                }
                Err(NoAnswer::Lost | NoAnswer::GivenBack) => {}
                Err(NoAnswer::Error(why)) => {
                    let (cluster, database) = (&place.0, &place.1);
                    tracing::error!(cluster, database, "the audit failed and is tried again: {why}");
                    self.audits
                        .borrow_mut()
                        .insert(place.clone(), AuditState::Failing(why));
                    self.audit_ended.notify_waiters();
                }
            }
            // Sooner where a session has a statement that waits for it.
            let _ = timeout(RETRY_WAIT, self.audit_wanted.notified()).await;
        }
    }

    pub(super) fn is_covered(&self, (cluster, database): &Place) -> bool {
        self.gate.borrow().view().reaches(cluster, database)
    }

    /// None for a database in a lull, which does not wait.
    async fn turn(&self, place: &Place) -> Option<SemaphorePermit<'_>> {
        while !self.is_covered(place) {
            if let Ok(turn) = timeout(TURN_WAIT, self.audit_turns.acquire()).await {
                return turn.ok();
            }
        }
        None
    }

    async fn wait_for_standing(&self, place: &Place) {
        let until = Instant::now() + STAND_WAIT;
        while Instant::now() < until {
            let sessions = self.sessions().await;
            let mut of_place = sessions
                .iter()
                .filter(|s| s.cluster == place.0 && s.database == place.1);
            if of_place.all(|session| session.standing) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn has_sessions(&self, (cluster, database): &Place) -> bool {
        let sessions = self.sessions().await;
        let here = |session: &crate::admin::Session| {
            !session.bypass && session.cluster == *cluster && session.database == *database
        };
        sessions.iter().any(here)
    }

    pub(super) fn audit_waits(&self, places: &[Place]) -> bool {
        let audits = self.audits.borrow();
        let waits = |place: &Place| matches!(audits.get(place), Some(AuditState::Waiting));
        places.iter().any(waits)
    }

    async fn audit(&self, place: &Place) -> Result<Outcome, NoAnswer> {
        let beforehand = self.beforehand.borrow().of(place);
        let mut audit = Audit::new(self.protocol(&place.0), &self.allowed(&place.0), beforehand);
        let mut step = audit.begin();
        loop {
            match step {
                Step::Done(outcome) => return Ok(outcome),
                Step::Ask(text) => {
                    let rows = self.ask(place, &text).await?;
                    step = audit.answer(rows).map_err(NoAnswer::Error)?;
                }
            }
        }
    }

    fn allowed(&self, cluster: &str) -> Vec<String> {
        let config = self.config.borrow();
        let found = config.clusters.iter().find(|known| known.name == cluster);
        found
            .map(|cluster| cluster.audit_allow.clone())
            .unwrap_or_default()
    }

    fn audit_done(self: &Rc<Self>, place: Place, at: Instant, outcome: Outcome) {
        let (cluster, database) = &place;
        let finding = |(object, why)| AuditFinding {
            cluster: cluster.clone(),
            database: database.clone(),
            object,
            why,
        };
        let findings: Vec<AuditFinding> = outcome.findings.into_iter().map(finding).collect();
        if !findings.is_empty() {
            let (cluster, database, count) = (&place.0, &place.1, findings.len());
            tracing::warn!(
                cluster,
                database,
                count,
                "routines, or what reaches them, are refused in the lull"
            );
        }
        let audited = outcome.audited;
        self.tell_audited(&place, &audited);
        let others = self.beforehand.borrow_mut().learn(&place, outcome.follows);
        // The lull may have ended meanwhile; the next one asks again.
        if self.is_concerned(&self.gate.borrow().view(), &place) {
            self.audits.borrow_mut().insert(
                place,
                AuditState::Done {
                    at,
                    findings,
                    audited,
                },
            );
        } else {
            self.audits.borrow_mut().remove(&place);
        }
        self.audit_ended.notify_waiters();
        // By what was found here they may reach where nobody knew.
        for other in self.done_of(&others) {
            self.audit_again(other);
        }
    }

    /// What the audits found, each begun after the fence was reached; those that began before are done again.
    pub(super) async fn audits_behind(
        self: &Rc<Self>,
        places: &[Place],
        fence_reached: Instant,
    ) -> Result<Vec<AuditFinding>, String> {
        // Where no statement has waited for one, nobody has asked yet.
        let unasked = |place: &&Place| !self.audits.borrow().contains_key(*place);
        let unasked: Vec<Place> = places.iter().filter(unasked).cloned().collect();
        unasked.into_iter().for_each(|place| self.start_audit(place));
        loop {
            let findings = self.audits_of(places).await?;
            let old: Vec<Place> = places
                .iter()
                .filter(|place| self.began_before(place, fence_reached))
                .cloned()
                .collect();
            if old.is_empty() {
                return Ok(findings);
            }
            old.into_iter().for_each(|place| self.start_audit(place));
        }
    }

    fn began_before(&self, place: &Place, then: Instant) -> bool {
        matches!(self.audits.borrow().get(place), Some(AuditState::Done { at, .. }) if *at < then)
    }

    /// Waits for the audits of these places. What they found, or why one fails.
    pub(super) async fn audits_of(&self, places: &[Place]) -> Result<Vec<AuditFinding>, String> {
        loop {
            let ended = self.audit_ended.notified();
            if let Some(result) = self.audit_results(places) {
                return result;
            }
            ended.await;
        }
    }

    /// None while one is running.
    pub(super) fn audit_results(&self, places: &[Place]) -> Option<Result<Vec<AuditFinding>, String>> {
        let audits = self.audits.borrow();
        let mut all = Vec::new();
        for place in places {
            match audits.get(place) {
                Some(AuditState::Running) => return None,
                Some(AuditState::Failing(why)) => {
                    return Some(Err(format!("the audit of {}/{} failed: {why}", place.0, place.1)));
                }
                Some(AuditState::Done { findings, .. }) => all.extend(findings.iter().cloned()),
                // Its sessions have gone, or none can be asked now.
                None | Some(AuditState::Waiting) => {}
            }
        }
        Some(Ok(all))
    }
}
