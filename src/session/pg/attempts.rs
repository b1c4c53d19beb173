//! How often a statement of lull's own is said again when something has hit it: a cancel request of the client's, or a
//! `statement_timeout` that leaves no time for anything.
//!
//! Guarantees that nothing is tried without end, and that a session which is hit now and then, over a long lull, is not
//! given up for that: only hits in a row count.

use crate::fault::Fault;

use super::{
    PgSession, Wrap,
    own::{Own, Reply},
};

pub(super) const ATTEMPTS_MAX: u32 = 100;
/// A question can be asked elsewhere.
const QUESTION_ATTEMPTS_MAX: u32 = 3;

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    own: u32,
    /// Of the question that is asked now, which is not the session's own affair.
    question: u32,
}

impl PgSession {
    /// The server has answered a statement of lull's own.
    pub(super) fn note_attempt(&mut self, own: Own, reply: &Reply) {
        if !reply.failed() && own.gets_somewhere() {
            self.in_lull(|lull| lull.attempts.own = 0);
        }
    }

    /// One that must succeed has failed: it is said again.
    pub(super) fn count_attempt(&mut self, what: &str, reply: &Reply) -> Result<(), Fault> {
        let mut attempts = ATTEMPTS_MAX;
        self.in_lull(|lull| {
            lull.attempts.own += 1;
            attempts = lull.attempts.own;
        });
        if reply.was_cancelled() && attempts < ATTEMPTS_MAX {
            return Ok(());
        }
        self.effects().counts.guard_alarms += 1;
        Err(refused(what, reply))
    }

    /// The transaction around a statement is tried again whatever was in its way: nothing but that statement depends on it.
    pub(super) fn count_wrap(&mut self, reply: &Reply) -> Result<(), Fault> {
        let mut attempts = 0;
        self.in_lull(|lull| {
            let own = &mut lull.attempts.own;
            *own = if lull.wrap == Wrap::Ready { 0 } else { *own + 1 };
            attempts = *own;
        });
        if attempts < ATTEMPTS_MAX {
            return Ok(());
        }
        Err(refused("a read-only transaction", reply))
    }

    /// A question that a cancel request hit, the client's or lull's own, was not answered.
    pub(super) fn asks_again(&mut self, reply: &Reply) -> bool {
        let mut again = reply.was_cancelled() && self.takes_questions() && self.lull.is_some();
        self.in_lull(|lull| {
            let attempts = &mut lull.attempts.question;
            again &= *attempts + 1 < QUESTION_ATTEMPTS_MAX;
            *attempts = if again { *attempts + 1 } else { 0 };
        });
        again
    }
}

fn refused(what: &str, reply: &Reply) -> Fault {
    let why = reply.error.as_ref().map_or("", |(_, message)| message.as_str());
    Fault::upstream(format!("the server refused {what}: {why}"))
}
