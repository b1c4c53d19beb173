//! What becomes of a statement of lull's own that was not carried out.
//!
//! Guarantees that nothing is taken for done which a KILL QUERY has hit, whoever it was meant for: it is said again, for
//! what `stand` decides by has not changed.

use crate::fault::Fault;

use super::{
    MySession,
    own::{Gathered, Own},
    reports::Armed,
};

/// How often, in one lull, before the session is given up. Each costs somebody a connection.
const ATTEMPTS_MAX: u32 = 100;

impl MySession {
    /// Whether nothing has come of it but that it must be said again.
    pub(super) fn was_cut_short(&mut self, own: Own, reply: &Gathered) -> Result<bool, Fault> {
        // What becomes of a question is its own business.
        if !reply.was_interrupted() || own == Own::Question {
            return Ok(false);
        }
        if own == Own::Arm {
            self.armed = Armed::Due;
        }
        if self.lull.is_some() {
            self.count_attempt("what lull says", reply)?;
        }
        Ok(true)
    }

    /// A KILL QUERY of somebody's, or of lull's that comes late, may hit a statement of lull's own.
    pub(super) fn is_said_again(&mut self, reply: &Gathered) -> bool {
        let mut attempts = ATTEMPTS_MAX;
        self.in_lull(|lull| {
            lull.attempts += 1;
            attempts = lull.attempts;
        });
        reply.was_interrupted() && attempts < ATTEMPTS_MAX
    }

    /// A statement of lull's own that is interrupted is said again.
    pub(super) fn count_attempt(&mut self, what: &str, reply: &Gathered) -> Result<(), Fault> {
        if self.is_said_again(reply) {
            return Ok(());
        }
        self.effects().counts.guard_alarms += 1;
        let why = reply.error.as_ref().map_or("", |(_, message)| message.as_str());
        Err(Fault::upstream(format!("the server refused {what}: {why}")))
    }
}
