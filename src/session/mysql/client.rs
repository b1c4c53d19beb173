//! The client's stream.
//!
//! `relay` is normal mode's way: frame, note, forward. `take_up` is the careful way: a command goes up when the one
//! before it is answered and lull has nothing of its own to say; what must wait is held, byte for byte, in order.

use std::ops::Range;

use crate::{
    fault::Fault,
    session::outlet::Outlets,
    wire::mysql::{
        capability::Capabilities,
        command,
        error::Error,
        packet::{HEADER_BYTES, Header, Piece, Seen, Want},
        read::Reader,
    },
};

use super::{
    MySession, Settings, Talk, glance,
    inspect::Verdict,
    ledger::Promise,
    numbered,
    own::Own,
    parameters,
    refusal::{self, Refusal},
    reports::Armed,
    upstream::reply_to,
};

/// What a command with a number must show: the command, the number, and how it is executed.
const NUMBERED_BYTES: usize = 10;
/// No name of a database or user is longer, with its marks.
const NAMES_BYTES_MAX: usize = 64 << 10;

impl MySession {
    pub(super) fn relay(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            let (talk, settings) = (self.talk, self.settings);
            match self
                .client
                .next(chunk, &mut at, |header| wanted(talk, header, settings))
            {
                Piece::End => return Ok(()),
                Piece::Body(range) => out.to_upstream.forward(chunk, range),
                Piece::Packet(header, Seen::Here(range)) => {
                    self.arm_before(header, chunk, out);
                    let payload = chunk.get(range.start + HEADER_BYTES..range.end);
                    let payload = payload.unwrap_or_default();
                    let addressed = self.address(header, payload)?;
                    self.note(header, payload);
                    match addressed {
                        Some(bytes) => out.to_upstream.buffer(chunk).extend_from_slice(&bytes),
                        None => out.to_upstream.forward(chunk, range),
                    }
                }
                Piece::Packet(header, Seen::Gathered) => {
                    let packet = self.client.gathered();
                    self.arm_before(header, chunk, out);
                    let payload = packet.get(HEADER_BYTES..).unwrap_or_default();
                    let addressed = self.address(header, payload)?;
                    self.note(header, payload);
                    let bytes = addressed.as_ref().unwrap_or(&packet);
                    out.to_upstream.buffer(chunk).extend_from_slice(bytes);
                }
            }
        }
    }

    /// What lull must say on every connection rides along with the client's first statement.
    fn arm_before(&mut self, header: Header, chunk: &[u8], out: &mut Outlets) {
        let begins = self.talk == Talk::Commands && !header.continuation;
        if self.armed == Armed::Due
            && begins
            && matches!(
                header.first,
                Some(command::QUERY | command::STMT_PREPARE | command::INIT_DB)
            )
        {
            self.armed = Armed::Asked;
            self.say(Own::Arm, chunk, out);
        }
    }

    /// Keeps the books for one packet that goes up.
    pub(super) fn note(&mut self, header: Header, payload: &[u8]) {
        match self.talk {
            // An empty packet ends a file, but not one that ends a packet which was full.
            Talk::File if header.payload_bytes == 0 && !header.continuation => self.talk = Talk::Commands,
            Talk::Commands if !header.continuation => self.note_command(header, payload),
            _ => {}
        }
    }

    fn note_command(&mut self, header: Header, payload: &[u8]) {
        let first = header.first.unwrap_or_default();
        let whole = payload.len() == header.payload_bytes;
        match first {
            command::QUIT => self.farewell = true,
            command::QUERY | command::STMT_EXECUTE | command::STMT_BULK_EXECUTE => {
                self.statements_run = self.statements_run.wrapping_add(1);
            }
            command::STMT_CLOSE => {
                if let Some(id) = command::statement_id(payload) {
                    self.statements.close(id);
                }
            }
            command::CHANGE_USER => self.talk = Talk::Login,
            command::BINLOG_DUMP | command::BINLOG_DUMP_GTID => self.talk = Talk::Log,
            command::SET_OPTION => {
                self.travel.option = payload.get(1..3).and_then(|option| option.try_into().ok())
            }
            _ => {}
        }
        self.glance(first, payload);
        let Some(kind) = reply_to(first) else { return };
        self.client_goes_on();
        let promise = match first {
            command::INIT_DB => Promise::Database(payload.get(1..).unwrap_or_default().to_vec()),
            command::CHANGE_USER => change_of_user(payload, self.agreed.client),
            command::RESET_CONNECTION => Promise::Reset,
            command::QUERY if self.asks_for_variables() => Promise::Variables,
            command::STMT_PREPARE if whole => Promise::Statement(payload.get(1..).unwrap_or_default().into()),
            command::STMT_PREPARE => {
                self.statements.incomplete = true;
                Promise::Nothing
            }
            _ => Promise::Nothing,
        };
        self.ledger.command(kind, promise);
    }

    fn asks_for_variables(&mut self) -> bool {
        let signals = self.settings.signals && self.is_covered();
        let lull = self.lull.as_deref_mut();
        signals && lull.is_some_and(|lull| std::mem::take(&mut lull.shows_variables))
    }

    /// Takes up what the client sent, as far as it may go now.
    pub(super) fn take_up(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            // Asked between two messages: the next one is not under way yet.
            let may_begin = self.may_begin();
            let (talk, settings) = (self.talk, self.settings);
            match self
                .client
                .next(chunk, &mut at, |header| wanted_in_full(talk, header, settings))
            {
                Piece::End => return Ok(()),
                Piece::Body(range) => self.body(range, chunk, out),
                Piece::Packet(header, seen) => {
                    let gathered;
                    let (packet, range) = match seen {
                        Seen::Here(range) => (chunk.get(range.clone()).unwrap_or_default(), Some(range)),
                        Seen::Gathered => {
                            gathered = self.client.gathered();
                            (gathered.as_slice(), None)
                        }
                    };
                    match self.pass(header, packet, may_begin, chunk, out)? {
                        Passed::Forward => match range {
                            Some(range) => out.to_upstream.forward(chunk, range),
                            None => out.to_upstream.buffer(chunk).extend_from_slice(packet),
                        },
                        Passed::Replaced => {}
                        Passed::Hold => {
                            self.hold(packet, chunk.get(at..).unwrap_or_default());
                            return Ok(());
                        }
                    }
                }
            }
            self.settle_refusal(out);
        }
    }

    fn body(&mut self, range: Range<usize>, chunk: &[u8], out: &mut Outlets) {
        if self.refusing.is_none() {
            out.to_upstream.forward(chunk, range);
        }
    }

    /// Decides about one packet, and sends up what must go before it or instead of it.
    fn pass(
        &mut self,
        header: Header,
        packet: &[u8],
        may_begin: bool,
        chunk: &[u8],
        out: &mut Outlets,
    ) -> Result<Passed, Fault> {
        if let Some((_, sequence)) = &mut self.refusing {
            *sequence = header.sequence;
            return Ok(Passed::Replaced);
        }
        let payload = packet.get(HEADER_BYTES..).unwrap_or_default();
        if self.talk != Talk::Commands || header.continuation {
            self.note(header, payload);
            return Ok(Passed::Forward);
        }
        if !may_begin {
            return Ok(Passed::Hold);
        }
        Ok(match self.judge(header, payload) {
            Verdict::Pass => {
                let addressed = self.address(header, payload)?;
                self.note(header, payload);
                match addressed {
                    Some(bytes) => {
                        out.to_upstream.buffer(chunk).extend_from_slice(&bytes);
                        Passed::Replaced
                    }
                    None => Passed::Forward,
                }
            }
            Verdict::Rewritten(payload) => {
                self.note(header, &payload);
                crate::wire::mysql::packet::write(out.to_upstream.buffer(chunk), header.sequence, &payload);
                Passed::Replaced
            }
            Verdict::Refuse(refusal) => {
                self.refusing = Some((refusal, header.sequence));
                Passed::Replaced
            }
            Verdict::Wait => Passed::Hold,
            Verdict::First(Own::Parse) => {
                self.try_parsing(payload, chunk, out);
                Passed::Hold
            }
            Verdict::First(own) => {
                self.say(own, chunk, out);
                Passed::Hold
            }
        })
    }

    /// Tells the client that a command was refused, once all of it has come.
    fn settle_refusal(&mut self, out: &mut Outlets) {
        if self.client.mid_message() {
            return;
        }
        if let Some((refusal, sequence)) = self.refusing.take() {
            self.refuse(&refusal, sequence.wrapping_add(1), out);
        }
    }

    fn refuse(&mut self, refusal: &Refusal, sequence: u8, out: &mut Outlets) {
        self.effects().counts.refused[refusal.class as usize] += 1;
        let lull = refusal.lull.clone();
        let Some(lull) = lull.or_else(|| self.covering()).or_else(|| self.beside()) else {
            return;
        };
        let message = refusal.message(self.server, &lull);
        let error = Error {
            code: self.settings.refusal_code,
            sqlstate: Some(refusal::sqlstate(self.settings.refusal_code)),
            message: message.as_bytes(),
        };
        error.write(out.to_client.buffer(&[]), sequence);
    }

    /// Keeps a packet and what follows it. They are read again, from the packet's first byte, when they may go.
    fn hold(&mut self, packet: &[u8], rest: &[u8]) {
        self.client.unread();
        self.held.reserve(packet.len() + rest.len());
        self.held.extend_from_slice(packet);
        self.held.extend_from_slice(rest);
    }

    /// Lets go of what was held, as far as it may go now.
    pub(super) fn release(&mut self, out: &mut Outlets) -> Result<(), Fault> {
        let may_go = self.may_begin() || self.talk != Talk::Commands;
        if self.held.is_empty() || self.careful && !may_go {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        if self.careful {
            self.take_up(&held, out)?;
        } else {
            self.relay(&held, out)?;
        }
        out.to_upstream.settle(&held);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passed {
    Forward,
    Replaced,
    Hold,
}

/// What the books need of a packet.
fn wanted(talk: Talk, header: Header, settings: Settings) -> Want {
    let limit = settings.inspect_bytes_max;
    if talk != Talk::Commands || header.continuation {
        return Want::Header;
    }
    match header.first {
        // In case a lull comes between it and its execution. A text that nobody could inspect is not waited for.
        Some(command::STMT_PREPARE) if header.payload_bytes <= limit => Want::Whole,
        Some(command::CHANGE_USER | command::INIT_DB) => Want::Prefix(NAMES_BYTES_MAX),
        Some(command::QUERY) if settings.travels => Want::Prefix(glance::GLANCE_BYTES),
        Some(command::SET_OPTION) if settings.travels => Want::Prefix(NUMBERED_BYTES),
        Some(first) if settings.travels && numbered::is_numbered(first) => {
            Want::Prefix(parameters::HEAD_BYTES)
        }
        Some(command::STMT_CLOSE) => Want::Prefix(NUMBERED_BYTES),
        _ => Want::Header,
    }
}

/// What is judged before it goes up is seen whole, as far as its limit goes.
fn wanted_in_full(talk: Talk, header: Header, settings: Settings) -> Want {
    match header.first {
        _ if talk != Talk::Commands || header.continuation => Want::Header,
        Some(first) if settings.travels && numbered::is_numbered(first) => {
            Want::Prefix(parameters::HEAD_BYTES)
        }
        // Their parameters are data.
        Some(command::STMT_EXECUTE | command::STMT_BULK_EXECUTE | command::STMT_SEND_LONG_DATA) => {
            Want::Prefix(NUMBERED_BYTES)
        }
        _ if header.payload_bytes > settings.inspect_bytes_max => wanted(talk, header, settings),
        _ => Want::Whole,
    }
}

/// Manual: "COM_CHANGE_USER".
fn change_of_user(payload: &[u8], client: Capabilities) -> Promise {
    let mut reader = Reader::new(payload.get(1..).unwrap_or_default());
    let mut read = || {
        let user = reader.until_nul()?;
        if client.has(Capabilities::SECURE_CONNECTION) {
            let length = usize::from(reader.u8()?);
            reader.bytes(length)?;
        } else {
            reader.until_nul()?;
        }
        // Old clients leave the end away.
        let database = reader.clone().until_nul().unwrap_or(reader.rest());
        Some((user.to_vec(), database.to_vec()))
    };
    match read() {
        Some((user, database)) => Promise::User { user, database },
        // The server will not understand it either.
        None => Promise::Reset,
    }
}
