//! The client's stream.
//!
//! `relay` is normal mode's way: frame, note, forward. `take_up` is the careful way: a batch goes up when the one
//! before it is answered and lull has nothing of its own to say; what must wait is held, byte for byte, in order.

use crate::{
    fault::Fault,
    session::outlet::Outlets,
    wire::pg::{
        frame::{HEADER_BYTES, Header, Piece, Seen, Want},
        frontend as tags,
    },
};

use super::{
    InLull, Open, PgSession, Wrap, batch::Batch, customs::GLANCE_BYTES, inspect::Decision, own,
    refusal::Refusal,
};

impl PgSession {
    pub(super) fn relay(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        let mut at = 0;
        let mut unbound = None;
        let (limit, travels) = (self.settings.inspect_bytes_max, self.settings.travels);
        loop {
            let range = self.client.skim(chunk, &mut at, |tag| tag == tags::COPY_DATA, 0);
            out.to_upstream.forward(chunk, range);
            let want = |header: Header| wanted_in_normal_mode(header, limit, travels);
            match self.client.next(chunk, &mut at, want).map_err(Fault::client)? {
                Piece::End => break,
                Piece::Body(range) => out.to_upstream.forward(chunk, range),
                Piece::Message(header, Seen::Here(range)) => {
                    let unnamed = chunk.get(range.start + HEADER_BYTES) == Some(&0);
                    match header.tag {
                        tags::PARSE if unnamed => unbound = Some(range.clone()),
                        tags::PARSE | tags::BIND | tags::QUERY => unbound = None,
                        _ => {}
                    }
                    self.note(header, unnamed);
                    if travels {
                        self.glance(header.tag, chunk.get(range.clone()).unwrap_or_default());
                    }
                    out.to_upstream.forward(chunk, range);
                }
                Piece::Message(header, Seen::Gathered) => {
                    let message = self.client.gathered();
                    let unnamed = message.get(HEADER_BYTES) == Some(&0);
                    self.note(header, unnamed);
                    self.glance(header.tag, &message);
                    if header.tag == tags::PARSE && unnamed {
                        self.keep_unbound(&message);
                    }
                    out.to_upstream.buffer(chunk).extend_from_slice(&message);
                }
            }
        }
        if let Some(message) = unbound.and_then(|range| chunk.get(range)) {
            self.keep_unbound(message);
        }
        Ok(())
    }

    /// A driver that parses now and binds later leaves a text behind that the server does not list.
    fn keep_unbound(&mut self, message: &[u8]) {
        if self.open == Open::Failed {
            return;
        }
        self.unbound = message.get(HEADER_BYTES..).map(Into::into);
    }

    /// It may have to follow the session to another server.
    fn keep_unnamed(&mut self, header: Header, message: &[u8]) {
        let body = message.get(HEADER_BYTES..).unwrap_or_default();
        let whole = body.len() == header.body_bytes;
        match header.tag {
            tags::PARSE if body.first() == Some(&0) => {
                self.unnamed = (whole && self.settings.travels).then(|| body.into());
            }
            tags::QUERY => self.unnamed = None,
            _ => {}
        }
    }

    /// Keeps the books for one message that goes up.
    pub(super) fn note(&mut self, header: Header, unnamed: bool) {
        if self.open == Open::Failed && is_skipped(header.tag) {
            return;
        }
        match header.tag {
            tags::QUERY | tags::FUNCTION_CALL => {
                self.ledger.query();
                self.open = Open::No;
                self.unbound = None;
                self.statements_run = self.statements_run.wrapping_add(1);
            }
            // Ignored in COPY: the batch is open until the next one.
            tags::SYNC if self.ledger.copying_in() => {}
            tags::SYNC => {
                self.ledger.sync();
                self.open = Open::No;
            }
            tags::PARSE => {
                self.ledger.message();
                self.open.define();
                self.named |= !unnamed;
                self.unbound = None;
            }
            tags::BIND => {
                self.ledger.message();
                self.open = Open::Acting;
                self.unbound = None;
            }
            tags::EXECUTE => {
                self.ledger.message();
                self.open = Open::Acting;
                self.statements_run = self.statements_run.wrapping_add(1);
            }
            tags::DESCRIBE | tags::CLOSE => {
                self.ledger.message();
                self.open.define();
            }
            tags::COPY_DONE | tags::COPY_FAIL => self.ledger.copy_end(),
            tags::TERMINATE => self.farewell = true,
            _ => {}
        }
    }

    /// Takes up what the client sent, as far as it may go now.
    pub(super) fn take_up(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            // Asked between two messages: the next one is not under way yet.
            let may_begin = self.may_begin();
            let (inspects, limit) = (self.inspects(), self.settings.inspect_bytes_max);
            let travels = self.settings.travels;
            let skipping = self.lull.as_ref().is_some_and(|lull| lull.skipping);
            let want = |header: Header| match header.tag {
                tag if skipping && is_skipped(tag) => Want::Discard,
                _ => wanted_when_careful(header, inspects, limit, travels),
            };
            match self.client.next(chunk, &mut at, want).map_err(Fault::client)? {
                Piece::End => break,
                Piece::Body(range) => out.to_upstream.forward(chunk, range),
                Piece::Message(header, seen) if skipping && is_skipped(header.tag) => {
                    if seen == Seen::Gathered {
                        drop(self.client.gathered());
                    }
                }
                Piece::Message(header, Seen::Here(range)) => {
                    let message = chunk.get(range.clone()).unwrap_or_default();
                    let passed = self.pass(header, message, may_begin, chunk, out)?;
                    match passed {
                        Passed::Forward => out.to_upstream.forward(chunk, range),
                        Passed::Replaced => {}
                        Passed::Hold => return self.hold(message, chunk.get(at..).unwrap_or_default()),
                    }
                    self.passed(header, passed, chunk, out);
                }
                Piece::Message(header, Seen::Gathered) => {
                    let message = self.client.gathered();
                    let passed = self.pass(header, &message, may_begin, chunk, out)?;
                    match passed {
                        Passed::Forward => out.to_upstream.buffer(chunk).extend_from_slice(&message),
                        Passed::Replaced => {}
                        Passed::Hold => return self.hold(&message, chunk.get(at..).unwrap_or_default()),
                    }
                    self.passed(header, passed, chunk, out);
                }
            }
        }
        Ok(())
    }

    /// Decides about one message, and sends up what must go before it or instead of it.
    fn pass(
        &mut self,
        header: Header,
        message: &[u8],
        may_begin: bool,
        chunk: &[u8],
        out: &mut Outlets,
    ) -> Result<Passed, Fault> {
        let goes_on = self.open != Open::No && !self.ledger.has_own() || self.ledger.copying_in();
        if begins_batch(header.tag) && !goes_on && !may_begin {
            return Ok(Passed::Hold);
        }
        let is_query = matches!(header.tag, tags::QUERY | tags::FUNCTION_CALL);
        if is_query && self.open != Open::No && !self.ledger.is_settled() && !self.ledger.copying_in() {
            // Whether the server will pass it over is known when the open batch is answered.
            tags::write(out.to_upstream.buffer(chunk), tags::FLUSH, &[]);
            return Ok(Passed::Hold);
        }
        if header.tag == tags::SYNC {
            self.in_lull(|lull| (lull.skipping, lull.batch_lost) = (false, false));
        }
        // Also where the lull has ended meanwhile: what was opened for the message is closed behind it.
        self.in_lull(|lull| {
            if lull.wrap == Wrap::Ready {
                (lull.batch.wrapped, lull.wrap) = (true, Wrap::No);
            }
        });
        self.keep_unnamed(header, message);
        self.glance(header.tag, message);
        if self.lull.as_ref().is_some_and(|lull| lull.batch_lost) && is_answered(header.tag) {
            self.in_lull(|lull| lull.batch_lost = false);
            return self.carry_out(Decision::Refuse(Refusal::lost()), header, false, chunk, out);
        }
        if !self.inspects() {
            if matches!(header.tag, tags::PARSE | tags::CLOSE) {
                self.travel.changes();
            }
            self.note(header, message.get(HEADER_BYTES) == Some(&0));
            return Ok(Passed::Forward);
        }
        let body = message.get(HEADER_BYTES..).unwrap_or_default();
        let instead = self.without_wish_to_write(header.tag, body);
        let body = instead.as_deref().unwrap_or(body);
        let decision = if body.len() < header.body_bytes && header.tag != tags::COPY_DATA {
            Decision::Refuse(self.too_large(header))
        } else {
            self.examine(header.tag, body)?
        };
        if let Decision::Refuse(refusal) = &decision
            && refusal.until_audited
            && may_begin
        {
            self.in_lull(|lull| (lull.batch, lull.unaudited) = (Batch::default(), true));
            self.effects().needs_audit = true;
            return Ok(Passed::Hold);
        }
        let unnamed = body.first() == Some(&0);
        let passed = self.carry_out(decision, header, unnamed, chunk, out)?;
        if let (Passed::Forward, Some(body)) = (passed, &instead) {
            tags::write(out.to_upstream.buffer(chunk), header.tag, &[body]);
            return Ok(Passed::Replaced);
        }
        Ok(passed)
    }

    fn carry_out(
        &mut self,
        decision: Decision,
        header: Header,
        unnamed: bool,
        chunk: &[u8],
        out: &mut Outlets,
    ) -> Result<Passed, Fault> {
        match decision {
            Decision::Pass => self.note(header, unnamed),
            Decision::Wrap => {
                // The message is judged again when the server has confirmed the transaction.
                self.say(own::Own::WrapBegin, chunk, out);
                self.say(own::Own::WrapPin, chunk, out);
                self.in_lull(|lull| (lull.batch, lull.wrap) = (Batch::default(), Wrap::Begun));
                return Ok(Passed::Hold);
            }
            Decision::Settle => {
                tags::write(out.to_upstream.buffer(chunk), tags::FLUSH, &[]);
                return Ok(Passed::Hold);
            }
            Decision::Ask => {
                self.say(own::Own::Texts, chunk, out);
                return Ok(Passed::Hold);
            }
            Decision::Empty => {
                tags::write(out.to_upstream.buffer(chunk), header.tag, &[]);
                self.note(header, false);
                return Ok(Passed::Replaced);
            }
            Decision::Refuse(refusal) => {
                self.refuse(refusal, header.tag, out.to_upstream.buffer(chunk));
                self.note(header, false);
                return Ok(Passed::Replaced);
            }
        }
        Ok(Passed::Forward)
    }

    /// What must follow a message that has gone up.
    fn passed(&mut self, header: Header, passed: Passed, chunk: &[u8], out: &mut Outlets) {
        let ends_batch =
            matches!(header.tag, tags::QUERY | tags::FUNCTION_CALL | tags::SYNC) && self.open != Open::Failed;
        // In one flight, unless a COPY may be under way, in which the server would take it for a mistake and end the session.
        // Then it goes up when the batch is answered.
        let ends_wrap = |lull: &InLull| lull.batch.wrapped && !lull.batch.may_copy();
        if ends_batch && passed != Passed::Hold && self.lull.as_deref().is_some_and(ends_wrap) {
            self.say(own::Own::WrapCommit, chunk, out);
        }
    }

    /// Keeps a message and what follows it. They are read again, from the message's first byte, when they may go.
    fn hold(&mut self, message: &[u8], rest: &[u8]) -> Result<(), Fault> {
        self.client.unread();
        self.held.reserve(message.len() + rest.len());
        self.held.extend_from_slice(message);
        self.held.extend_from_slice(rest);
        Ok(())
    }

    /// Lets go of what was held, as far as it may go now.
    pub(super) fn release(&mut self, out: &mut Outlets) -> Result<(), Fault> {
        let may_go = self.may_begin() || self.ledger.copying_in() || self.is_answered();
        // In normal mode nothing is held back.
        if self.careful && !may_go {
            return Ok(());
        }
        self.let_go(out)
    }

    /// What was held is judged anew.
    pub(super) fn let_go(&mut self, out: &mut Outlets) -> Result<(), Fault> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        if self.careful {
            self.take_up(&held, out)?;
        } else {
            self.relay(&held, out)?;
        }
        out.to_upstream.settle(&held);
        self.ask_at_last(out);
        Ok(())
    }

    /// The open batch is answered, as far as it has gone up: a message of it that is held may go.
    pub(super) fn is_answered(&self) -> bool {
        self.open.acts() && self.ledger.is_settled()
    }

    /// Whether a batch may begin now.
    fn may_begin(&self) -> bool {
        if self.travel.under_way || self.travel.is_adrift() {
            return false;
        }
        let awaits_audit = self.lull.as_ref().is_some_and(|lull| lull.awaits_audit());
        self.is_quiet() && !(awaits_audit && self.is_read_only_ordered()) && !self.cancels()
    }
}

impl Open {
    fn define(&mut self) {
        if *self == Self::No {
            *self = Self::Defining;
        }
    }

    pub(super) fn acts(self) -> bool {
        matches!(self, Self::Acting | Self::Failed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passed {
    Forward,
    Replaced,
    Hold,
}

fn wanted_in_normal_mode(header: Header, limit: usize, travels: bool) -> Want {
    match header.tag {
        tags::QUERY if travels => Want::Prefix(GLANCE_BYTES),
        // In case a lull comes between it and its Bind. A text that nobody could inspect then is not waited for; its
        // first byte says whether the statement has a name.
        tags::PARSE if header.body_bytes <= limit => Want::Whole,
        tags::PARSE => Want::Prefix(1),
        _ => Want::Header,
    }
}

fn wanted_when_careful(header: Header, inspects: bool, limit: usize, travels: bool) -> Want {
    match header.tag {
        tags::COPY_DATA => Want::Header,
        _ if !inspects => wanted_in_normal_mode(header, limit, travels),
        _ if header.body_bytes > limit => Want::Discard,
        _ => Want::Whole,
    }
}

/// What a server passes over between an error and the Sync behind it.
fn is_skipped(tag: u8) -> bool {
    !matches!(tag, tags::SYNC | tags::TERMINATE)
}

/// Whether the server has something to say to a message but ReadyForQuery.
fn is_answered(tag: u8) -> bool {
    begins_batch(tag) && is_skipped(tag) && tag != tags::FLUSH
}

/// Whether the server answers a message, or what it begins, only after what came before.
fn begins_batch(tag: u8) -> bool {
    !matches!(
        tag,
        tags::COPY_DATA | tags::COPY_DONE | tags::COPY_FAIL | tags::TERMINATE
    )
}
