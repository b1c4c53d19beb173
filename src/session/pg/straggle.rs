//! Ends what does not stand when the drain is over, by the operator's policy.
//!
//! `abort`: the transaction is rolled back, and a failed one is opened in its place, so that the server itself says
//! no until the client ends it and no savepoint revives it; the client's next statement is told why. `terminate`: the
//! client hears why and is cut off; its upstream connection ends by itself, and only then leaves the fence.

use crate::{
    fault::Fault,
    gate::{Lull, Stragglers},
    session::{HangUp, Refused, Session, outlet::Outlets},
    wire::pg::{backend::Status, frontend},
};

use super::{Cover, InLull, Open, PgSession, own, own::Own, refusal, refusal::Refusal};

/// How far an abort has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Abort {
    #[default]
    No,
    /// When the session is quiet.
    Wanted,
    /// The ROLLBACK failed, which nothing but a cancel request brings about: it is said again. The client knows
    /// nothing of it.
    Interrupted,
    RolledBack,
    Begun,
}

#[derive(Debug, Default)]
pub(super) struct Straggle {
    abort: Abort,
    /// Cancel requests of lull's own that the server has not seen to yet. One that comes late hits whatever runs by then:
    /// meanwhile nothing of the client's begins.
    cancels: u32,
    /// One was sent for what runs: the error that it causes is explained.
    cancelled: bool,
    /// The open, failed transaction stands in for one that was rolled back.
    drained: bool,
    /// ... and the client has not been told yet.
    pub(super) untold: bool,
    /// It is gone with its server, not by the drain policy.
    lost: bool,
}

impl Straggle {
    /// `asked`: a question of lull's own waits.
    pub(super) fn next_step(&self, status: Status, cover: Cover, asked: bool) -> Option<Own> {
        match self.abort {
            Abort::Wanted if status != Status::Idle && cover == Cover::None => Some(Own::AbortRollback),
            // What only stands in for a transaction makes way, and is put back. That is what the transaction is too when the
            // cancel request of an abort has hit a question of lull's own inside it.
            Abort::No | Abort::Wanted if asked && self.stands_in(status) => Some(Own::AbortRollback),
            Abort::RolledBack if asked => Some(Own::Question),
            Abort::Interrupted => Some(Own::AbortRollback),
            Abort::RolledBack => Some(Own::AbortBegin),
            Abort::Begun => Some(Own::AbortFail),
            Abort::No | Abort::Wanted => None,
        }
    }

    /// Goes by the status that the server reports, so that a step that failed is taken again. True when it is done.
    pub(super) fn step_done(&mut self, status: Status) -> bool {
        self.abort = match (self.abort, status) {
            (_, Status::Idle) => Abort::RolledBack,
            (Abort::Wanted, Status::Failed) => Abort::Interrupted,
            (Abort::RolledBack, Status::InTransaction) => Abort::Begun,
            (Abort::RolledBack | Abort::Begun, Status::Failed) => {
                self.untold |= !self.drained;
                self.drained = true;
                Abort::No
            }
            (abort, _) => abort,
        };
        self.abort == Abort::No && self.drained
    }

    /// Whether the open transaction is lull's own, in the place of one that was rolled back.
    pub(super) fn stands_in(&self, status: Status) -> bool {
        self.drained && status == Status::Failed
    }

    /// Whether an error of the server's has its cause here.
    pub(super) fn explains(&mut self, sqlstate: &[u8]) -> bool {
        let cancelled = self.cancelled && sqlstate == b"57014";
        // A failed transaction, whose savepoints are gone.
        // Once its client knows of the loss, it is a failed transaction like any other.
        let explained = self.drained && (self.untold || !self.lost);
        let drained = explained && matches!(sqlstate, b"25P02" | b"3B001");
        self.cancelled &= !cancelled;
        self.untold &= !drained;
        cancelled || drained
    }

    /// The lull is over: what has not begun to be ended, is not.
    pub(super) fn call_off(&mut self) {
        if self.abort == Abort::Wanted {
            self.abort = Abort::No;
        }
    }

    /// A statement of lull's own has failed in the client's transaction: so has the transaction, and the client does
    /// not know.
    pub(super) fn transaction_failed(&mut self) {
        (self.drained, self.untold) = (true, true);
    }

    /// The transaction is gone with its server: a failed one is to be opened in its place.
    pub(super) fn lose(&mut self, told: bool) {
        self.lost |= !self.drained;
        self.untold |= !self.drained && !told;
        (self.abort, self.drained) = (Abort::RolledBack, true);
    }

    /// Whether the transaction that the client has is to be put back.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.abort, Abort::RolledBack | Abort::Begun)
    }

    /// The first word about a transaction that is no more.
    pub(super) fn write_first_word(&mut self, out: &mut Vec<u8>, lull: &Lull) -> Refused {
        self.untold = false;
        if self.lost {
            refusal::write_lost(out, lull);
            return Refused::Lost;
        }
        refusal::write_drained(out, lull);
        Refused::Drained
    }

    /// Whether an abort is under way.
    pub(super) fn acts(&self) -> bool {
        self.abort != Abort::No || self.cancels > 0
    }

    /// Whether what goes up now could be hit by a cancel request of lull's own.
    pub(super) fn cancels(&self) -> bool {
        self.cancels > 0
    }

    pub(super) fn cancel_seen_to(&mut self) {
        self.cancels = self.cancels.saturating_sub(1);
    }

    /// All that went up is answered: a request that was seen to has hit what it hit.
    pub(super) fn all_is_answered(&mut self) {
        self.cancelled &= self.cancels > 0;
    }

    /// More of what was sent ahead may run behind it, which a cancel request may hit.
    pub(super) fn transaction_ended(&mut self) {
        *self = Self {
            cancels: self.cancels,
            cancelled: self.cancelled,
            ..Self::default()
        };
    }
}

impl PgSession {
    pub(super) fn straggle(&mut self, policy: Stragglers, out: &mut Outlets) {
        if self.stands_at >= self.order.generation {
            return;
        }
        match policy {
            Stragglers::Report => {}
            Stragglers::Terminate => self.terminate(out),
            Stragglers::Abort => {
                self.in_lull(|lull| lull.straggle.abort = Abort::Wanted);
                if !self.is_quiet() {
                    self.interrupt(out);
                }
            }
        }
    }

    /// Makes what is running fail.
    fn interrupt(&mut self, out: &mut Outlets) {
        self.in_lull(|lull| {
            lull.straggle.cancelled = true;
            lull.straggle.cancels += 1;
        });
        self.effects().cancel = true;
        self.break_off(out);
    }

    /// Whether what runs must still be broken off, and can be now.
    pub(super) fn breaks_off(&self) -> bool {
        let wanted = |lull: &InLull| lull.straggle.abort == Abort::Wanted;
        self.lull.as_deref().is_some_and(wanted)
            && self.stands_at < self.order.generation
            && (self.ledger.copying_in() || self.is_answered())
    }

    /// Ends what only the client could end otherwise.
    pub(super) fn break_off(&mut self, out: &mut Outlets) {
        if self.client.mid_message() || self.ledger.has_own() {
            return;
        }
        let up = out.to_upstream.buffer(&[]);
        // The server waits inside a batch whose Sync has not come.
        let in_batch = self.open.acts() && self.ledger.is_idle();
        if self.ledger.copying_in() && !self.streams_wal() {
            frontend::write(up, frontend::COPY_FAIL, &[b"ended by a lull\0"]);
            self.ledger.copy_end();
        } else if in_batch && !self.ledger.is_settled() {
            // A COPY may have begun, which would take a Parse for a mistake: that is heard first.
            return frontend::write(up, frontend::FLUSH, &[]);
        } else if in_batch {
            own::write_failing_parse(up);
            self.ledger.message();
            let why = "Its transaction was still open when the drain was over, and has been rolled back.";
            let refusal = Refusal::new(Refused::Drained, "this batch", why);
            self.in_lull(|lull| lull.batch.refusal = Some(refusal));
        }
        if in_batch && !self.streams_wal() {
            self.cut_batch(out);
        }
    }

    /// Ends a batch that has failed in the client's stead. What the client sends up to its own Sync is skipped, as the
    /// server would skip it.
    fn cut_batch(&mut self, out: &mut Outlets) {
        frontend::write(out.to_upstream.buffer(&[]), frontend::SYNC, &[]);
        self.ledger.cut();
        self.open = Open::No;
        self.in_lull(|lull| lull.skipping = true);
    }

    pub(super) fn terminate(&mut self, out: &mut Outlets) {
        if let Some(lull) = self.lull.as_ref().filter(|_| !self.upstream.mid_message()) {
            refusal::write_terminated(out.to_client.buffer(&[]), &lull.lull);
        }
        self.hang_up(HangUp::Drain, out);
    }

    /// lull stops.
    pub(super) fn close(&mut self, out: &mut Outlets) {
        self.last_words(
            &Fault::policy("terminating connection due to administrator command"),
            out,
        );
        self.hang_up(HangUp::Shutdown, out);
    }

    fn hang_up(&mut self, why: HangUp, out: &mut Outlets) {
        self.effects().cancel = !self.ledger.is_idle() || self.open.acts();
        self.effects().hang_up = Some(why);
        if !self.client.mid_message() {
            frontend::write(out.to_upstream.buffer(&[]), frontend::TERMINATE, &[]);
        }
        self.held = Vec::new();
        self.ended = true;
    }
}
