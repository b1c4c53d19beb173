//! Questions that lull asks its servers by way of a session: when they may be asked, and what comes of them.
//!
//! Guarantees that a question changes nothing for the client: it takes no snapshot in a transaction of the client's that
//! has none yet, and leaves no transaction behind in a session without autocommit. It must not know what is asked, or
//! for whom.

use crate::wire::mysql::{capability::Status, error};

use super::{
    MySession, Talk,
    own::{Gathered, Own},
};

/// How far a question is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asking {
    #[default]
    No,
    /// No transaction is open: the question begins one, which ends with it.
    Between,
    /// In a transaction of the client's, which has read before.
    Within,
    /// The question is answered, and its transaction is open.
    Asked,
    /// The question is answered. Its warnings are not the client's: the next COM_INIT_DB would tell of them.
    Stained,
}

impl MySession {
    pub(super) fn takes_questions(&self) -> bool {
        // What waits for the audit would take the snapshot now.
        let waits = self.lull.as_deref().is_some_and(|lull| lull.unaudited);
        let has_snapshot = !self.in_transaction() || self.work.has_read || waits;
        self.talk == Talk::Commands && has_snapshot && !self.deaf && !self.travel.under_way
    }

    pub(super) fn next_of_question(&self) -> Option<Own> {
        match self.asking {
            Asking::Asked => return Some(Own::End),
            Asking::Stained => return Some(Own::Probe),
            Asking::No | Asking::Between | Asking::Within => {}
        }
        if self.questions.is_empty() || !self.takes_questions() {
            return None;
        }
        let ends_by_itself = self.status.has(Status::AUTOCOMMIT) || self.in_transaction();
        match self.asking {
            Asking::No if !ends_by_itself => Some(Own::Probe),
            _ => Some(Own::Question),
        }
    }

    /// What came while a command ran, behind which nothing can be asked: another session may be.
    pub(super) fn give_back(&mut self) {
        // A transaction that a question has begun is not the client's: it ends with the answer.
        let of_client = matches!(self.asking, Asking::No | Asking::Within);
        if self.questions.is_empty() || !of_client || self.takes_questions() {
            return;
        }
        self.asking = Asking::No;
        let ids = std::mem::take(&mut self.questions);
        let effects = self.effects.get_or_insert_default();
        effects
            .unanswered
            .extend(ids.into_iter().map(|question| question.id));
    }

    /// A command of the client's goes up: what a probe has found is no longer known.
    pub(super) fn client_goes_on(&mut self) {
        self.try_again();
        if matches!(self.asking, Asking::Between | Asking::Within) {
            self.asking = Asking::No;
        }
    }

    pub(super) fn probed(&mut self) {
        self.asking = match self.asking {
            Asking::Stained => Asking::No,
            _ if self.in_transaction() => Asking::Within,
            _ => Asking::Between,
        };
    }

    /// The server has answered the first of them.
    pub(super) fn answer(&mut self, reply: Gathered) {
        if reply.was_interrupted() && self.is_said_again(&reply) {
            return;
        }
        self.asking = match self.asking {
            Asking::Between => Asking::Asked,
            _ => Asking::Stained,
        };
        // In an XA branch that has ended, nothing is answered until the client goes on.
        self.deaf = matches!(reply.error, Some((error::IN_BRANCH, _)));
        // The server's last words are no answer to it.
        let parts = matches!(&reply.error, Some((code, _)) if error::PARTING.contains(code));
        if self.deaf || parts || reply.was_interrupted() {
            let effects = self.effects.get_or_insert_default();
            effects
                .unanswered
                .extend(self.questions.pop_front().map(|question| question.id));
            return;
        }
        if let Some(question) = self.questions.pop_front() {
            let answer = match reply.error {
                Some((_, message)) => Err(message),
                None => Ok(reply.rows),
            };
            self.effects().answers.push((question.id, answer));
        }
    }
}
