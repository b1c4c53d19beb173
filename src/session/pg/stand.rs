//! What lull itself says between two batches of the client's: how a session comes to stand, stays so, and leaves.
//!
//! `next_own` reads like the rules of DESIGN "PostgreSQL in a lull": one state in, one statement out. A session
//! stands when the server has confirmed it, never because something was sent.

use std::{rc::Rc, sync::Arc};

use crate::{
    fault::Fault,
    gate::{Lull, Mode, Order},
    session::outlet::Outlets,
    sql::pg::{self as sql, Class, Statement, Wish},
    wire::pg::{backend::Status, frontend as tags},
};

use super::{
    Audited, Cover, InLull, Kind, PgSession, Wrap,
    attempts::Attempts,
    batch::Batch,
    book::Book,
    own::{self, Own, Reply},
    position::Position,
    straggle::Straggle,
};

impl PgSession {
    /// Takes an order. What follows from it is `advance`'s business.
    pub(super) fn take(&mut self, order: Order) {
        self.reconsider();
        if let Some(lull) = order.mode.lull() {
            if !self.is_read_only_ordered() && !self.inspects() {
                // What is under way has not been inspected, even where an earlier lull has left its guard.
                self.cover = Cover::None;
            }
            match &mut self.lull {
                Some(in_lull) => in_lull.lull = Arc::clone(lull),
                None => {
                    self.unnamed.clone_from(&self.unbound);
                    self.lull = Some(Box::new(self.enter(lull)));
                }
            }
            if let Mode::Replica(_, position) = &order.mode {
                let position = Position::read(position.as_bytes()).unwrap_or_default();
                self.in_lull(|lull| lull.position = position);
            }
            self.careful = true;
        } else if let Some(in_lull) = &mut self.lull {
            in_lull.straggle.call_off();
        }
        self.order = order;
        if !self.careful {
            self.stand();
        }
    }

    fn enter(&mut self, lull: &Arc<Lull>) -> InLull {
        let now = self.parameters.read_only_default;
        let wish = match now {
            // As RESET would set it: what the server's configuration says then, holds.
            _ if now == self.parameters.read_only_at_login => Wish::Reset,
            Some(true) => Wish::On,
            _ => Wish::Off,
        };
        InLull {
            lull: Arc::clone(lull),
            position: Position::default(),
            audited: None,
            book: Book::default(),
            batch: Batch::default(),
            lexing_returns: self.transaction.status != Status::Idle,
            wish,
            wish_in_transaction: None,
            unaudited: false,
            must_reassert: false,
            lifted: false,
            wrap: Wrap::No,
            texts_failed: false,
            ready_owed: false,
            skipping: false,
            batch_lost: false,
            attempts: Attempts::default(),
            straggle: Straggle::default(),
        }
    }

    /// The audit of the database is known. What was prepared before can be judged only now.
    pub(super) fn audited(&mut self, audited: Arc<Audited>) {
        let Some(lull) = &mut self.lull else { return };
        let judged_by_other_words = lull
            .audited
            .as_ref()
            .is_some_and(|known| known.words != audited.words);
        lull.audited = Some(audited);
        if judged_by_other_words {
            lull.book = Book::default();
        }
        let unbound = self.unbound.take();
        if let Some(said) = unbound.as_ref().and_then(|body| tags::parse(body).ok()) {
            let statement = Rc::new(self.recall(b"", said.text));
            self.in_lull(|lull| lull.book.recall_unnamed(statement));
        }
    }

    /// Says what must be said now, and lets the client's bytes go when nothing is left to say.
    /// `heard` is the chunk of the upstream's that has just been read.
    pub(super) fn advance(&mut self, heard: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        if self.ended || !self.careful {
            return Ok(());
        }
        if self.travel.under_way || self.travel.is_adrift() {
            return self.drift(out);
        }
        self.settle_cover();
        if self.is_quiet() {
            self.in_lull(|lull| lull.straggle.all_is_answered());
            if let Some(own) = self.next_own() {
                self.say(own, &[], out);
                return Ok(());
            }
            self.give_questions_back();
        }
        self.stand();
        if self.is_quiet()
            && self
                .lull
                .as_ref()
                .is_some_and(|lull| lull.ready_owed && lull.wrap == Wrap::No)
        {
            self.in_lull(|lull| lull.ready_owed = false);
            self.write_ready(heard, out);
        }
        if self.must_end() {
            out.to_client.settle(heard);
            self.terminate(out);
            return Ok(());
        }
        if self.closing && self.is_quiet() && self.transaction.status == Status::Idle {
            out.to_client.settle(heard);
            self.close(out);
            return Ok(());
        }
        if self.is_done() {
            self.careful = false;
            (self.lull, self.unnamed) = (None, None);
            self.cover = Cover::None;
        }
        self.release(out)
    }

    /// Nothing of any lull is left on the session.
    fn is_done(&self) -> bool {
        let unfinished = |lull: &InLull| {
            lull.ready_owed || lull.skipping || lull.batch_lost || lull.wraps() || lull.straggle.acts()
        };
        // A batch that went up in the lull is followed to its end: its errors are explained.
        // One that is out of step is never quiet: it goes on as it came.
        (self.is_quiet() || self.out_of_step && !self.ledger.has_own())
            && !self.is_read_only_ordered()
            && !self.guarded
            && !self.lull.as_deref().is_some_and(unfinished)
            && !self.closing
            && self.is_in_place()
            && self.questions.is_empty()
            && !self.stands_in()
    }

    fn settle_cover(&mut self) {
        if self.kind == Kind::PhysicalReplication && self.is_read_only_ordered() {
            // There is no SQL on it, and its commands are judged by name.
            self.cover = Cover::Session;
            return;
        }
        if !self.is_quiet() {
            return;
        }
        match self.transaction.status {
            Status::Idle => {
                self.cover = if self.guard_holds() {
                    Cover::Session
                } else {
                    Cover::None
                }
            }
            Status::Failed if self.cover == Cover::None && !self.transaction.savepoints => {
                self.cover = Cover::Failed
            }
            Status::Failed | Status::InTransaction => {}
        }
    }

    /// The next transaction begins read-only.
    pub(super) fn guard_holds(&self) -> bool {
        let lifted = self.lull.as_ref().is_some_and(|lull| lull.lifted);
        self.guarded && !lifted && self.parameters.read_only_default != Some(false)
    }

    fn stand(&mut self) {
        let stands = match self.order.mode {
            Mode::ReadOnly(_) | Mode::Replica(..) => self.cover != Cover::None || self.streams_wal(),
            // It cannot leave its database.
            Mode::Normal | Mode::Beside(_) => !self.guarded && !self.ledger.has_own(),
        };
        let stands = stands && self.is_in_place();
        if stands {
            self.stands_at = self.order.generation;
        }
    }

    /// A connection that streams the log runs no statement until that ends.
    pub(super) fn streams_wal(&self) -> bool {
        self.kind != Kind::Sql && self.ledger.copying_in()
    }

    pub(super) fn next_own(&mut self) -> Option<Own> {
        let read_only = self.is_read_only_ordered();
        let status = self.transaction.status;
        if let Some(step) = self.lull.as_ref().and_then(|lull| {
            lull.straggle
                .next_step(status, self.cover, !self.questions.is_empty())
        }) {
            return Some(step);
        }
        match self.lull.as_ref().map_or(Wrap::No, |lull| lull.wrap) {
            Wrap::No => {}
            // The client's message goes up next.
            Wrap::Begun | Wrap::Ready => return None,
            Wrap::Over => return Some(Own::WrapCommit),
        }
        if self.kind == Kind::PhysicalReplication {
            return None;
        }
        match status {
            Status::Idle if read_only && self.cover == Cover::None => return Some(Own::GuardSession),
            Status::Idle if self.must_travel() => return Some(Own::Luggage),
            Status::Idle if self.must_take_stock() => return Some(Own::Stock),
            Status::Idle if !read_only && self.guarded && self.is_in_place() => return Some(Own::Restore),
            // It would fail with what lull says in it.
            Status::InTransaction if self.cancels() => return None,
            Status::InTransaction if read_only => {
                let must_reassert = self.lull.as_ref().is_some_and(|lull| lull.must_reassert);
                let transaction = &self.transaction;
                match (self.cover, transaction.wrote) {
                    (Cover::None, None) if transaction.acted => return Some(Own::HasWritten),
                    (Cover::None, Some(true)) => {}
                    (Cover::None, _) if !transaction.notified => return Some(Own::GuardTransaction),
                    // The failed one has ended AND CHAIN: this one is as new as it is read-write.
                    (Cover::Failed, _) => return Some(Own::GuardTransaction),
                    (Cover::Session | Cover::Transaction, _) if must_reassert => {
                        return Some(Own::GuardTransaction);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        if self.needs_texts() && (status == Status::Idle || self.transaction.acted) {
            return Some(Own::Texts);
        }
        (self.takes_questions() && !self.questions.is_empty()).then_some(Own::Question)
    }

    /// Whether names may be in use that the book does not know.
    pub(super) fn needs_texts(&self) -> bool {
        let incomplete = self
            .lull
            .as_ref()
            .is_some_and(|lull| lull.audited.is_some() && !lull.book.is_complete());
        let named = self.named || self.transaction.status == Status::InTransaction;
        self.inspects() && incomplete && named && self.can_ask()
    }

    /// Sends a statement of lull's own up.
    pub(super) fn say(&mut self, own: Own, chunk: &[u8], out: &mut Outlets) {
        let up = out.to_upstream.buffer(chunk);
        let simple_only = self.kind != Kind::Sql;
        match own {
            Own::Restore => {
                // From here on the guard may be gone, whatever becomes of the reply.
                self.cover = Cover::None;
                let wish = self.lull.as_ref().map_or(Wish::Reset, |lull| lull.wish);
                own::write(up, restoring(wish), simple_only);
            }
            Own::Question => {
                let text = self
                    .questions
                    .front()
                    .map_or(own.text(), |question| question.text.as_str());
                own::write(up, text, simple_only);
            }
            Own::Luggage | Own::Stock => {
                let text = self.luggage_question();
                own::write(up, &text, simple_only);
            }
            _ => own::write(up, own.text(), simple_only),
        }
        self.ledger.own(own);
    }

    /// The server has answered a statement of lull's own.
    pub(super) fn own_done(&mut self, own: Own, reply: Reply) -> Result<(), Fault> {
        self.note_attempt(own, &reply);
        match own {
            Own::GuardSession => self.guard_answered(&reply)?,
            Own::GuardTransaction if !reply.failed() => {
                // Inside a savepoint it is undone with it: from now on that is watched for.
                self.cover = Cover::Transaction;
                self.in_lull(|lull| lull.must_reassert = false);
            }
            Own::GuardTransaction => self.count_attempt("SET TRANSACTION READ ONLY", &reply)?,
            Own::HasWritten => {
                let no = reply
                    .rows
                    .first()
                    .and_then(|row| row.first())
                    .is_some_and(|c| c.as_deref() == Some(b"f"));
                self.transaction.wrote = Some(reply.failed() || !no);
            }
            Own::Texts => self.fill_book(reply),
            Own::Restore if !reply.failed() => self.guarded = false,
            Own::Restore => self.count_attempt("the setting to restore", &reply)?,
            Own::Question => self.answer(reply),
            Own::Luggage => self.pack(reply),
            Own::Stock => self.take_stock(reply),
            Own::WrapBegin => {}
            Own::WrapPin => {
                let status = self.transaction.status;
                self.in_lull(|lull| {
                    lull.wrap = match status {
                        Status::InTransaction if !reply.failed() => Wrap::Ready,
                        Status::Failed | Status::InTransaction => Wrap::Over,
                        Status::Idle => Wrap::No,
                    }
                });
                self.count_wrap(&reply)?;
            }
            Own::WrapCommit => {
                let open = self.transaction.status != Status::Idle;
                self.in_lull(|lull| {
                    lull.wrap = if open { Wrap::Over } else { Wrap::No };
                    lull.must_reassert = false;
                });
            }
            Own::AbortRollback | Own::AbortBegin | Own::AbortFail => {
                let status = self.transaction.status;
                let mut drained = false;
                self.in_lull(|lull| drained = lull.straggle.step_done(status));
                if drained {
                    self.cover = Cover::Failed;
                }
            }
        }
        Ok(())
    }

    fn guard_answered(&mut self, reply: &Reply) -> Result<(), Fault> {
        if reply.failed() {
            return self.count_attempt("the guard", reply);
        }
        if self.parameters.read_only_default == Some(false) {
            self.effects().counts.guard_alarms += 1;
            return Err(Fault::upstream(
                "the server confirmed the read-only guard and reports it off",
            ));
        }
        self.guarded = true;
        self.in_lull(|lull| lull.lifted = false);
        Ok(())
    }

    /// The client's batch is answered.
    pub(super) fn batch_done(&mut self) {
        self.try_again();
        self.travel.parses.clear();
        let status = self.transaction.status;
        let lifted_by_report = self.guarded && self.parameters.read_only_default == Some(false);
        let rolled_back = self.transaction.last_tag == "ROLLBACK";
        let Some(lull) = &mut self.lull else { return };
        let batch = std::mem::take(&mut lull.batch);
        let idle = status == Status::Idle;
        lull.book.ready(idle);
        lull.texts_failed = false;
        lull.lifted |= batch.lifts_next();
        lull.lexing_returns = !idle && (lull.lexing_returns || batch.lexing_changed);
        lull.must_reassert = !idle && (lull.must_reassert || batch.reassert);
        if lull.must_reassert {
            self.effects.get_or_insert_default().counts.reasserts_transaction += 1;
        }
        if !batch.failed && batch.wish.is_some() {
            lull.wish_in_transaction = batch.wish;
        }
        let reported_on = self.parameters.read_only_default == Some(true);
        if batch.went_back && lull.wish_in_transaction == Some(Wish::Off) && reported_on {
            // It was made behind the savepoint.
            lull.wish_in_transaction = None;
        }
        if !idle {
            return;
        }
        lull.straggle.transaction_ended();
        let wish = lull.wish_in_transaction.take().filter(|_| !rolled_back);
        if let Some(wish) = wish.or(lifted_by_report.then_some(Wish::Off)) {
            lull.wish = wish;
        }
        if lifted_by_report || lull.lifted {
            self.effects().counts.reasserts_session += 1;
        }
    }
}

fn restoring(wish: Wish) -> &'static str {
    match wish {
        Wish::Reset => Own::Restore.text(),
        Wish::On => "SET SESSION default_transaction_read_only = on",
        Wish::Off | Wish::Unknown => "SET SESSION default_transaction_read_only = off",
    }
}

/// A statement of which only the class is known.
pub(super) fn of_class(class: Class) -> Statement {
    Statement {
        span: 0..0,
        tag: "this statement".into(),
        class,
        config: sql::SetConfig::None,
        changes_lexing: false,
        calls: false,
    }
}
