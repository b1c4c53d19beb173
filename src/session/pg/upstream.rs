//! The upstream's stream: forward what is the client's, swallow what is lull's, learn where the session is.

use std::ops::Range;

use crate::{
    fault::Fault,
    session::{Refused, Site, outlet::Outlets},
    wire::pg::{
        backend::{self as tags, Status},
        error::{Fields, READ_ONLY_SQL_TRANSACTION},
        frame::{HEADER_BYTES, Header, Piece, Seen, Want},
    },
};

use super::{Kind, Open, PgSession, Wrap, leaked, ledger::Head, own, parameters::READ_ONLY_DEFAULT, refusal};

/// A message larger than this is not one that lull depends on.
const GLANCE_BYTES_MAX: usize = 1 << 20;

/// Where a message lies.
enum Message<'a> {
    Here(&'a [u8], Range<usize>),
    Gathered(Vec<u8>),
}

impl PgSession {
    pub(super) fn hear(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            let listening = self.listening();
            if !listening.own && !listening.muted {
                let rows = |tag| matches!(tag, tags::DATA_ROW | tags::COPY_DATA);
                let range = self.upstream.skim(chunk, &mut at, rows, listening.whole_bytes());
                out.to_client.forward(chunk, range);
            }
            let want = |header: Header| listening.want(header);
            match self
                .upstream
                .next(chunk, &mut at, want)
                .map_err(Fault::upstream)?
            {
                Piece::End => return Ok(()),
                Piece::Body(range) => out.to_client.forward(chunk, range),
                Piece::Message(header, Seen::Here(range)) => {
                    self.hear_message(header, Message::Here(chunk, range), chunk, out)?;
                }
                Piece::Message(header, Seen::Gathered) => {
                    let message = self.upstream.gathered();
                    self.hear_message(header, Message::Gathered(message), chunk, out)?;
                }
            }
        }
    }

    fn listening(&self) -> Listening {
        Listening {
            own: matches!(self.ledger.head(), Head::Own(_)),
            muted: self.lull.as_ref().is_some_and(|lull| lull.batch.muted),
            may_be_lost: self.travel.site == Site::Replica,
        }
    }

    fn hear_message(
        &mut self,
        header: Header,
        message: Message<'_>,
        chunk: &[u8],
        out: &mut Outlets,
    ) -> Result<(), Fault> {
        let whole = match &message {
            Message::Here(chunk, range) => chunk.get(range.clone()).unwrap_or_default(),
            Message::Gathered(message) => message,
        };
        let body = whole.get(HEADER_BYTES..).unwrap_or_default();
        if header.tag == tags::PARAMETER_STATUS {
            self.learn(body);
        }
        let forwards = match self.ledger.head() {
            Head::Own(own) => self.hear_own(own, header, body)?,
            Head::Client | Head::Nobody => self.hear_clients(header, body, chunk, out)?,
        };
        if forwards && !self.hides(header.tag, body) {
            match message {
                Message::Here(chunk, range) => out.to_client.forward(chunk, range),
                Message::Gathered(message) => out.to_client.buffer(chunk).extend_from_slice(&message),
            }
        }
        Ok(())
    }

    fn learn(&mut self, body: &[u8]) {
        if let Some((name, value)) = tags::parameter_status(body) {
            self.travel.changes();
            self.parameters.report(name, value);
        }
    }

    fn hides(&self, tag: u8, body: &[u8]) -> bool {
        let lulls = self.guarded || self.lull.is_some();
        let silent = tag == tags::PARAMETER_STATUS && lulls && !self.settings.announce;
        silent && tags::parameter_status(body).is_some_and(|(name, _)| name == READ_ONLY_DEFAULT)
    }

    /// A message of a reply to lull's own statement. True where it is the client's all the same.
    fn hear_own(&mut self, own: own::Own, header: Header, body: &[u8]) -> Result<bool, Fault> {
        match header.tag {
            tags::PARAMETER_STATUS | tags::NOTICE | tags::NOTIFICATION => return Ok(true),
            tags::READY_FOR_QUERY => {
                let status = tags::ready_for_query(body)
                    .ok_or_else(|| Fault::upstream("a malformed ReadyForQuery"))?;
                let failed = (self.transaction.status, status) == (Status::InTransaction, Status::Failed);
                self.transaction.ready(status);
                self.ledger.ready();
                if failed && own.asks_in_the_clients_transaction() {
                    self.in_lull(|lull| lull.straggle.transaction_failed());
                }
                let reply = std::mem::take(&mut self.own_reply);
                self.own_done(own, reply)?;
            }
            tags::ERROR if is_fatal(body) && self.outlives(body) => {}
            // The server ends the connection: the client must hear it.
            tags::ERROR if is_fatal(body) => {
                self.farewell = true;
                return Ok(true);
            }
            tag => self.own_reply.add(tag, body),
        }
        Ok(false)
    }

    /// A message of a reply to the client. True where it goes to the client as it came.
    fn hear_clients(
        &mut self,
        header: Header,
        body: &[u8],
        chunk: &[u8],
        out: &mut Outlets,
    ) -> Result<bool, Fault> {
        match header.tag {
            tags::READY_FOR_QUERY => return self.hear_ready(body),
            tags::NOTICE | tags::NOTIFICATION | tags::PARAMETER_STATUS => return Ok(true),
            tags::COMMAND_COMPLETE => {
                self.ledger.answered();
                let tag = tags::command_complete(body).unwrap_or_default();
                if self.hear_completed(tag, chunk, out) {
                    return Ok(false);
                }
            }
            tags::COPY_IN | tags::COPY_BOTH => {
                self.ledger.copy_in_began();
                if self.ledger.is_idle() {
                    // If the Sync behind it was ignored, its batch is still open.
                    self.open = Open::Acting;
                }
                self.transaction.did_something();
            }
            tags::ERROR if is_fatal(body) && self.outlives(body) => return Ok(false),
            tags::ERROR => {
                self.farewell |= is_fatal(body);
                if self.ledger.failed() || self.open != Open::No && self.ledger.is_idle() {
                    self.open = Open::Failed;
                }
                self.transaction.did_something();
                // A Parse that fails takes the statement before it away.
                self.unnamed = None;
                if self.careful && self.hear_error(body, chunk, out) {
                    return Ok(false);
                }
            }
            tags::PORTAL_SUSPENDED => {
                self.ledger.answered();
                self.transaction.did_something();
            }
            tags::FUNCTION_CALL_RESPONSE => self.transaction.did_something(),
            tags::PARSE_COMPLETE | tags::BIND_COMPLETE | tags::CLOSE_COMPLETE => {
                self.ledger.answered();
                self.hear_confirmed();
            }
            tags::ROW_DESCRIPTION | tags::NO_DATA | tags::EMPTY_QUERY => self.ledger.answered(),
            _ => {}
        }
        Ok(!self.lull.as_ref().is_some_and(|lull| lull.batch.muted))
    }

    fn hear_ready(&mut self, body: &[u8]) -> Result<bool, Fault> {
        let status =
            tags::ready_for_query(body).ok_or_else(|| Fault::upstream("a malformed ReadyForQuery"))?;
        let cut = self.ledger.is_cut();
        if !self.ledger.ready() {
            return self.fall_out_of_step(status);
        }
        self.transaction.ready(status);
        let wrapped = self.lull.as_ref().is_some_and(|lull| lull.batch.wrapped);
        if wrapped {
            let ends = self.ledger.has_own();
            self.in_lull(|lull| {
                lull.ready_owed = true;
                if !ends {
                    lull.wrap = Wrap::Over;
                }
            });
        }
        self.batch_done();
        Ok(!wrapped && !cut)
    }

    /// The server has answered what the ledger does not owe. Outside a lull nobody is cut off for that; but the session
    /// is never again taken to be quiet, and so it does not stand before the drain policy has ended it.
    fn fall_out_of_step(&mut self, status: Status) -> Result<bool, Fault> {
        // Where lull has changed something, it could never be put back.
        if self.inspects() || self.guarded {
            return Err(Fault::upstream("a ReadyForQuery that nobody asked for"));
        }
        self.out_of_step = true;
        self.transaction.ready(status);
        Ok(true)
    }

    /// True where the client is told something else.
    fn hear_completed(&mut self, tag: &[u8], chunk: &[u8], out: &mut Outlets) -> bool {
        self.transaction.command(tag);
        self.named |= tag == b"PREPARE";
        self.travel.completed(tag);
        if self.inspects() && self.kind == Kind::Sql && leaked::tells(tag) {
            self.effects().counts.write_leaks += 1;
        }
        let Some(lull) = &mut self.lull else { return false };
        lull.book.completed(tag);
        // A COMMIT that is answered by ROLLBACK would be taken for done.
        if !(tag == b"ROLLBACK" && lull.batch.commits && lull.straggle.untold) {
            return false;
        }
        let refused = lull
            .straggle
            .write_first_word(out.to_client.buffer(chunk), &lull.lull);
        lull.batch.muted = true;
        self.effects().counts.refused[refused as usize] += 1;
        true
    }

    /// True where the client is told something else, or more.
    fn hear_error(&mut self, body: &[u8], chunk: &[u8], out: &mut Outlets) -> bool {
        let Some(lull) = &mut self.lull else { return false };
        let Some(mut fields) = Fields::read(body) else {
            return false;
        };
        lull.batch.failed = true;
        let up = out.to_client.buffer(chunk);
        let counts = &mut self.effects.get_or_insert_default().counts.refused;
        if own::is_failing_text(&fields)
            && let Some(refusal) = lull.batch.refusal.take()
        {
            if lull.straggle.untold {
                lull.straggle.write_first_word(up, &lull.lull);
            } else {
                refusal.write(up, &lull.lull);
            }
        } else if lull.straggle.explains(fields.sqlstate()) {
            let refused = lull.straggle.write_first_word(up, &lull.lull);
            counts[refused as usize] += 1;
        } else if self.travel.site == Site::Replica && fields.is_refusal_of_standby() {
            // What the standby advises is of no use to who does not know that it is one.
            fields.remove(b'D');
            fields.remove(b'H');
            fields.replace(b'C', READ_ONLY_SQL_TRANSACTION);
            refusal::explain(&mut fields, &lull.lull, up);
            counts[Refused::Write as usize] += 1;
        } else if fields.sqlstate() == READ_ONLY_SQL_TRANSACTION.as_bytes() {
            refusal::explain(&mut fields, &lull.lull, up);
            counts[Refused::Write as usize] += 1;
        } else {
            return false;
        }
        true
    }
}

/// What the upstream's stream is searched for now.
#[derive(Clone, Copy)]
struct Listening {
    own: bool,
    muted: bool,
    /// Its server may go: no part of a message is the client's then.
    may_be_lost: bool,
}

impl Listening {
    fn whole_bytes(self) -> usize {
        if self.may_be_lost { GLANCE_BYTES_MAX } else { 0 }
    }

    fn want(self, header: Header) -> Want {
        let small = header.body_bytes <= GLANCE_BYTES_MAX;
        match header.tag {
            tags::READY_FOR_QUERY | tags::COMMAND_COMPLETE | tags::PARAMETER_STATUS if small => Want::Whole,
            tags::NOTICE | tags::NOTIFICATION => Want::Header,
            _ if self.own && header.body_bytes <= own::REPLY_BYTES_MAX => Want::Whole,
            _ if self.own || self.muted => Want::Discard,
            // Whether it is the server's last word.
            tags::ERROR if small => Want::Whole,
            _ if self.may_be_lost && small => Want::Whole,
            _ => Want::Header,
        }
    }
}

fn is_fatal(body: &[u8]) -> bool {
    let fields = Fields::read(body).unwrap_or_default();
    matches!(fields.get(b'V'), Some(b"FATAL" | b"PANIC"))
}
