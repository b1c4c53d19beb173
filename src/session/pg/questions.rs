//! Questions that lull asks its servers by way of a session: when they may be asked, and what comes of them.
//!
//! Guarantees that a question changes nothing for the client. It must not know what is asked, or for whom.

use crate::{session::outlet::Outlets, wire::pg::backend::Status};

use super::{PgSession, own::Reply};

impl PgSession {
    /// Whether a question of lull's own changes nothing for the client: before a transaction's first statement it
    /// would move its snapshot, and a failed one answers nothing.
    pub(super) fn takes_questions(&self) -> bool {
        let lull = self.lull.as_ref();
        match self.transaction.status {
            _ if self.travel.is_adrift() => false,
            Status::Idle => true,
            // The statement that waits for the audit would take the snapshot now.
            Status::InTransaction => self.transaction.acted || lull.is_some_and(|lull| lull.awaits_audit()),
            Status::Failed => self.stands_in(),
        }
    }

    /// What is held may wait for the answer to a question that could not be asked before: nothing else would have it asked
    /// now.
    pub(super) fn ask_at_last(&mut self, out: &mut Outlets) {
        let waits = !self.held.is_empty() && !self.questions.is_empty() && !self.travel.under_way;
        if waits
            && self.careful
            && self.is_quiet()
            && let Some(own) = self.next_own()
        {
            self.say(own, &[], out);
        }
    }

    /// A failed transaction answers nothing, and its client may leave it as it is: another session is asked. So it is where
    /// there is no server.
    pub(super) fn give_questions_back(&mut self) {
        let failed = self.transaction.status == Status::Failed && !self.stands_in();
        if failed || self.travel.is_adrift() {
            let given_back: Vec<u64> = self.questions.drain(..).map(|question| question.id).collect();
            if !given_back.is_empty() {
                self.effects().unanswered.extend(given_back);
            }
        }
    }

    /// The server has answered the first of them.
    pub(super) fn answer(&mut self, reply: Reply) {
        if self.asks_again(&reply) {
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
