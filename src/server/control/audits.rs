//! Runs the audit of each database that a lull reaches, once, on the first session that is there to ask.
//!
//! Until its database is audited, a covered session lets no statement up; so an audit that cannot be done is tried
//! again while the lull is open.

use std::{rc::Rc, sync::Arc, time::Duration};

use tokio::task::spawn_local;

use super::{Control, question::NoAnswer};
use crate::{
    admin::AuditFinding,
    relay::Place,
    server::worker::ToWorker,
    session::pg::audit::{Audit, Outcome, Step},
    sql::pg::RefusedWords,
};

const RETRY_WAIT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) enum AuditState {
    Running,
    /// The last attempt failed; another is coming.
    Failing(String),
    Done {
        findings: Vec<AuditFinding>,
        words: Arc<RefusedWords>,
    },
}

impl Control {
    pub(super) fn need_audit(self: &Rc<Self>, place: Place) {
        if !self.gate.borrow().view().reaches(&place.0, &place.1) {
            return;
        }
        let mut audits = self.audits.borrow_mut();
        match audits.get(&place) {
            None => {}
            Some(AuditState::Done { words, .. }) => {
                return self.tell_all(|| ToWorker::Audited {
                    place: place.clone(),
                    words: Arc::clone(words),
                });
            }
            Some(AuditState::Running | AuditState::Failing(_)) => return,
        }
        audits.insert(place.clone(), AuditState::Running);
        let control = Rc::clone(self);
        spawn_local(async move { control.audit_until_done(place).await });
    }

    async fn audit_until_done(self: Rc<Self>, place: Place) {
        while self.audits.borrow().contains_key(&place) {
            match self.audit(&place).await {
                Ok(outcome) => return self.audited(place, outcome),
                // The next session of the place will ask again.
                Err(NoAnswer::Nobody) => {
                    self.audits.borrow_mut().remove(&place);
                    self.audit_ended.notify_waiters();
                    return;
                }
                Err(NoAnswer::Lost) => {}
                Err(NoAnswer::Error(why)) => {
                    tracing::error!(
                        cluster = place.0,
                        database = place.1,
                        "the audit failed and is tried again: {why}"
                    );
                    self.audits
                        .borrow_mut()
                        .insert(place.clone(), AuditState::Failing(why));
                    self.audit_ended.notify_waiters();
                }
            }
            tokio::time::sleep(RETRY_WAIT).await;
        }
    }

    async fn audit(&self, place: &Place) -> Result<Outcome, NoAnswer> {
        let mut audit = Audit::new(&self.allowed(&place.0));
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

    fn audited(&self, place: Place, outcome: Outcome) {
        let words = Arc::new(outcome.words);
        let finding = |found: crate::session::pg::audit::Finding| AuditFinding {
            cluster: place.0.clone(),
            database: place.1.clone(),
            object: found.object,
            why: found.why,
        };
        let findings: Vec<AuditFinding> = outcome.findings.into_iter().map(finding).collect();
        if !findings.is_empty() {
            tracing::warn!(
                cluster = place.0,
                database = place.1,
                count = findings.len(),
                "routines are refused in the lull"
            );
        }
        self.tell_all(|| ToWorker::Audited {
            place: place.clone(),
            words: Arc::clone(&words),
        });
        // The lull may have ended meanwhile; the next one asks again.
        if self.gate.borrow().view().reaches(&place.0, &place.1) {
            self.audits
                .borrow_mut()
                .insert(place, AuditState::Done { findings, words });
        } else {
            self.audits.borrow_mut().remove(&place);
        }
        self.audit_ended.notify_waiters();
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

    pub(super) fn audit_results(&self, places: &[Place]) -> Option<Result<Vec<AuditFinding>, String>> {
        let audits = self.audits.borrow();
        let mut findings = Vec::new();
        for place in places {
            match audits.get(place) {
                Some(AuditState::Running) => return None,
                Some(AuditState::Failing(why)) => {
                    return Some(Err(format!("the audit of {}/{} failed: {why}", place.0, place.1)));
                }
                Some(AuditState::Done { findings: found, .. }) => findings.extend(found.iter().cloned()),
                // Its sessions have gone.
                None => {}
            }
        }
        Some(Ok(findings))
    }
}
