//! Questions that lull asks its servers by way of a session: when they may be asked, and what comes of them.
//!
//! Guarantees that a question changes nothing for the client. It must not know what is asked, or for whom.

use crate::wire::pg::backend::Status;

use super::{PgSession, own::Reply};

impl PgSession {
    /// Whether a question of lull's own changes nothing for the client: before a transaction's first statement it
    /// would move its snapshot, and a failed one answers nothing.
    pub(super) fn takes_questions(&self) -> bool {
        let lull = self.lull.as_ref();
        match self.transaction.status {
            Status::Idle => true,
            // The statement that waits for the audit would take the snapshot now.
            Status::InTransaction => self.transaction.acted || lull.is_some_and(|lull| lull.awaits_audit()),
            Status::Failed => self.stands_in(),
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
