//! Ends what does not stand when the drain is over, by the operator's policy.
//!
//! `abort`: the transaction is rolled back and locked tables are let go, and the client's next command is answered by
//! the reason. `terminate`: the client hears why and is cut off; its upstream connection ends by itself, and only then
//! leaves the fence.

use std::sync::Arc;

use crate::{
    fault::Fault,
    gate::{Lull, Stragglers},
    session::{HangUp, Refused, Session, outlet::Outlets},
    wire::mysql::{command, packet},
};

use super::{MySession, own::Own, refusal, refusal::Refusal};

#[derive(Debug, Default)]
pub(super) struct Straggle {
    /// When the session is quiet.
    abort: bool,
    /// A transaction was ended behind the client's back, by this lull, and it has not been told.
    untold: Option<Arc<Lull>>,
}

impl Straggle {
    pub(super) fn next_step(&self, in_transaction: bool, locks_tables: bool) -> Option<Own> {
        match (self.abort, in_transaction, locks_tables) {
            (true, true, _) => Some(Own::Rollback),
            (true, false, true) => Some(Own::Unlock),
            _ => None,
        }
    }

    /// Goes by what the server reports, so that a step that failed is taken again.
    pub(super) fn step_done(&mut self, in_transaction: bool, locks_tables: bool, lull: Option<Arc<Lull>>) {
        if !in_transaction && !locks_tables {
            self.abort = false;
        }
        if !in_transaction {
            self.untold = self.untold.take().or(lull);
        }
    }

    /// What the client must hear before a command of its transaction runs, once. `ends`: whether the command is the
    /// client's own end of what has been ended for it.
    pub(super) fn tell(&mut self, first: u8, ends: impl FnOnce() -> bool) -> Option<Refusal> {
        let of_transaction = matches!(
            first,
            command::QUERY
                | command::STMT_PREPARE
                | command::STMT_EXECUTE
                | command::STMT_BULK_EXECUTE
                | command::STMT_FETCH
                | command::INIT_DB
                | command::FIELD_LIST
        );
        let as_new = matches!(first, command::RESET_CONNECTION | command::CHANGE_USER);
        let lull = self.untold.take_if(|_| of_transaction || as_new)?;
        (!as_new && !ends()).then(|| Refusal::of(lull, Refused::Drained, ROLLED_BACK))
    }

    /// The lull is over: what has not begun to be ended, is not.
    pub(super) fn call_off(&mut self) {
        self.abort = false;
    }

    /// Whether an abort is under way, or has not been told of.
    pub(super) fn acts(&self) -> bool {
        self.abort || self.untold.is_some()
    }

    pub(super) fn transaction_over(&mut self) {
        *self = Self::default();
    }
}

const ROLLED_BACK: &str = "This transaction, or LOCK TABLES, was still open when its drain was over. It has been rolled back: nothing of it was \
     kept.";

impl MySession {
    pub(super) fn straggle(&mut self, policy: Stragglers, out: &mut Outlets) {
        if self.stands_at >= self.order.generation || !self.is_read_only_ordered() {
            return;
        }
        match policy {
            Stragglers::Report => {}
            Stragglers::Terminate => self.terminate(out),
            Stragglers::Abort => {
                self.in_lull(|lull| lull.straggle.abort = true);
                // What runs is interrupted, so that the end of the transaction can follow.
                self.interrupt();
            }
        }
    }

    /// Only another connection can interrupt what runs on this one, and only a client's can be had.
    fn interrupt(&mut self) {
        if !self.ledger.is_idle() {
            self.effects.interrupt = Some(format!("KILL QUERY {}", self.connection_id));
        }
    }

    fn terminate(&mut self, out: &mut Outlets) {
        if let Some(lull) = self.covering() {
            let fault = Fault::policy(refusal::terminated(&lull));
            self.last_words(&fault, out);
        }
        self.hang_up(HangUp::Drain, out);
    }

    /// lull stops.
    pub(super) fn close(&mut self, out: &mut Outlets) {
        self.last_words(
            &Fault::policy("the connection ends because the proxy is being stopped"),
            out,
        );
        self.hang_up(HangUp::Shutdown, out);
    }

    fn hang_up(&mut self, why: HangUp, out: &mut Outlets) {
        self.interrupt();
        self.effects.hang_up = Some(why);
        if !self.client.mid_message() {
            packet::write(out.to_upstream.buffer(&[]), 0, &[command::QUIT]);
        }
        self.held = Vec::new();
        self.ended = true;
    }
}
