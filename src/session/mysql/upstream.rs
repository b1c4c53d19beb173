//! The upstream's stream: forward what is the client's, swallow what is lull's, learn where the session is.

use std::{ops::Range, rc::Rc};

use crate::{
    fault::Fault,
    session::{Refused, outlet::Outlets},
    wire::mysql::{
        auth,
        capability::Status,
        command,
        error::{self, Error},
        ok::{self, Change, Kind as Report, Ok as OkPacket},
        packet::{self, HEADER_BYTES, Header, Piece, Seen, Want},
    },
};

use super::{
    MySession, Set, Talk,
    ledger::{Owed, Promise},
    own::Own,
    refusal,
    reply::{self, Kind, Reply, Says},
    signals,
    statements::Prepared,
};

/// A packet that must be seen whole is not larger than this.
const GLANCE_BYTES_MAX: usize = 4 << 20;

/// Where a packet lies.
enum Packet<'a> {
    Here(&'a [u8], Range<usize>),
    Gathered(Vec<u8>),
}

impl MySession {
    pub(super) fn hear(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            self.expect_reply();
            let own = self.hears_own();
            let reads_rows = own || self.answers_variables();
            if !reads_rows && self.reply.as_ref().is_some_and(Reply::in_rows) {
                let range = self.upstream.skim(chunk, &mut at, ok::EOF);
                out.to_client.forward(chunk, range);
            }
            let reply = self.reply;
            let want = |header: Header| match reply {
                _ if header.continuation => Want::Header,
                Some(reply) if reads_rows => own_wants(reply, header),
                Some(reply) => reply.wants(header),
                None => Want::Header,
            };
            match self.upstream.next(chunk, &mut at, want) {
                Piece::End => return Ok(()),
                Piece::Body(range) if !self.swallows => out.to_client.forward(chunk, range),
                Piece::Body(_) => {}
                Piece::Packet(header, Seen::Here(range)) => {
                    self.hear_packet(header, Packet::Here(chunk, range), chunk, out)?;
                }
                Piece::Packet(header, Seen::Gathered) => {
                    let packet = self.upstream.gathered();
                    self.hear_packet(header, Packet::Gathered(packet), chunk, out)?;
                }
            }
        }
    }

    fn expect_reply(&mut self) {
        if self.reply.is_none()
            && let Some(kind) = self.ledger.kind()
        {
            self.reply = Some(Reply::new(kind, self.agreed.upstream));
        }
    }

    /// The reply lists variables, of which some tell applications whether to write.
    fn answers_variables(&self) -> bool {
        matches!(
            self.ledger.head(),
            Some(Owed::Promise {
                promise: Promise::Variables,
                ..
            })
        )
    }

    pub(super) fn hears_own(&self) -> bool {
        matches!(self.ledger.head(), Some(Owed::Own(_)))
    }

    fn hear_packet(
        &mut self,
        header: Header,
        packet: Packet<'_>,
        chunk: &[u8],
        out: &mut Outlets,
    ) -> Result<(), Fault> {
        let whole = match &packet {
            Packet::Here(chunk, range) => chunk.get(range.clone()).unwrap_or_default(),
            Packet::Gathered(packet) => packet,
        };
        let payload = whole.get(HEADER_BYTES..).unwrap_or_default();
        let forwards = if header.continuation {
            !self.swallows
        } else if self.hears_own() {
            self.hear_own(header, payload)?;
            false
        } else {
            self.hear_clients(header, payload, chunk, out)?
        };
        // Its reply may be over already, and the next one is somebody else's.
        self.swallows = !forwards;
        if forwards {
            match packet {
                Packet::Here(chunk, range) => out.to_client.forward(chunk, range),
                Packet::Gathered(packet) => out.to_client.buffer(chunk).extend_from_slice(&packet),
            }
        }
        Ok(())
    }

    fn hear_own(&mut self, header: Header, payload: &[u8]) -> Result<(), Fault> {
        let says = self.read_reply(header, payload)?;
        if let Says::Ok(ok) = &says {
            self.learn(ok);
            if self.ledger.head() == Some(&Owed::Own(Own::Arm)) {
                self.listed(ok);
            }
        } else if let Says::Eof(status) = says {
            self.status = status;
        }
        self.own_reply.add(says, payload);
        if self.reply.is_some_and(|reply| reply.is_over()) {
            self.reply = None;
            let gathered = std::mem::take(&mut self.own_reply);
            if let Some(Owed::Own(own)) = self.ledger.answered() {
                self.own_done(own, gathered)?;
            }
        }
        Ok(())
    }

    fn read_reply<'a>(&mut self, header: Header, payload: &'a [u8]) -> Result<Says<'a>, Fault> {
        let Some(reply) = &mut self.reply else {
            return Ok(Says::Part);
        };
        reply.hear(header, payload).map_err(Fault::upstream)
    }

    /// A packet of a reply to the client. True where it goes to the client as it came.
    fn hear_clients(
        &mut self,
        header: Header,
        payload: &[u8],
        chunk: &[u8],
        out: &mut Outlets,
    ) -> Result<bool, Fault> {
        if self.reply.is_none() {
            // The server ends the connection and says why.
            self.farewell |= header.first == Some(error::MARK);
            return Ok(true);
        }
        if self.agreed.unlike && self.talk == Talk::Login && auth::wants_password(payload) {
            refusal::refuse_password(header.sequence, out.to_client.buffer(chunk));
            self.ended = true;
            return Err(Fault::policy(refusal::PASSWORD));
        }
        let says = self.read_reply(header, payload)?;
        let mut forwards = true;
        match says {
            Says::Ok(ok) => {
                let wrote = self.work.may_have_written(true);
                self.told_of_begin &= self.in_transaction();
                self.learn(&ok);
                self.count_leaks(&ok, wrote);
                if let Some(shown) = self.reports(&ok) {
                    packet::write(out.to_client.buffer(chunk), header.sequence, &shown);
                    forwards = false;
                }
            }
            Says::Eof(status) => {
                self.status = status;
                forwards = !self.hides_changes(header, status, payload, chunk, out);
            }
            Says::File => self.talk = Talk::File,
            Says::Prepared(number) => {
                let parameters = reply::parameters(payload);
                if let Some(shown) = self.prepared(number, parameters, payload) {
                    packet::write(out.to_client.buffer(chunk), header.sequence, &shown);
                    forwards = false;
                }
            }
            Says::Error(error) => forwards = !self.explain(header, &error, chunk, out),
            Says::Row if self.answers_variables() => {
                forwards = !signals::answer(header, payload, chunk, out);
            }
            Says::Part | Says::Row => {}
        }
        if self.reply.is_some_and(|reply| reply.is_over()) {
            self.reply = None;
            let succeeded = !matches!(says, Says::Error(_));
            if let Some(owed) = self.ledger.answered() {
                self.client_answered(owed, succeeded);
            }
        }
        Ok(forwards)
    }

    fn client_answered(&mut self, owed: Owed, succeeded: bool) {
        self.talk = Talk::Commands;
        self.deaf = false;
        self.names_answered(succeeded);
        let made = self
            .lull
            .as_mut()
            .is_some_and(|lull| std::mem::take(&mut lull.makes_objects));
        // A text of several may have made some before it failed.
        if made {
            self.effects().made_objects = true;
        }
        let kind = match &owed {
            Owed::Client { kind, .. } | Owed::Promise { kind, .. } => Some(*kind),
            Owed::Own(_) => None,
        };
        // The server closes after a login that failed.
        self.farewell |= kind == Some(Kind::Login) && !succeeded;
        let Owed::Promise { promise, .. } = owed else {
            return;
        };
        if !succeeded {
            return;
        }
        match promise {
            Promise::Nothing | Promise::Variables => {}
            Promise::Database(database) => self.moved(None, &database),
            Promise::User { user, database } => {
                self.moved(Some(&user), &database);
                self.is_as_new();
            }
            Promise::Reset => self.is_as_new(),
            Promise::Statement(_) => {}
        }
    }

    /// What an OK packet says of the session.
    fn learn(&mut self, ok: &OkPacket<'_>) {
        self.status = ok.status;
        for change in ok.changes() {
            match change.kind {
                Report::Schema(database) => self.moved(None, database),
                Report::Transaction(letters) => self.work.read(letters),
                Report::Variable { name, value } => self.variable_changed(name, value),
                Report::Characteristics(text) => self.in_lull(|lull| lull.straggle.revealed(text)),
                Report::Gtids(_) | Report::Other => {}
            }
        }
        if !ok.status.has(Status::IN_TRANS) {
            self.work.transaction_over();
        }
    }

    /// A write that the server reports of a session that stands is a hole in the guard.
    ///
    /// A savepoint alone gets a transaction into MariaDB's log: what COMMIT reports of one that has not written is no
    /// write.
    fn count_leaks(&mut self, ok: &OkPacket<'_>, wrote: bool) {
        let commits = self.lull.as_ref().is_some_and(|lull| lull.commits);
        if !self.is_covered() || commits && !wrote {
            return;
        }
        let leaked = |change: Change<'_>| match change.kind {
            Report::Gtids(gtids) => !gtids.is_empty(),
            Report::Variable { name, value } => name == b"last_gtid" && !value.is_empty(),
            _ => false,
        };
        if ok.changes().any(leaked) {
            self.effects().counts.write_leaks += 1;
        }
    }

    /// Adds to a refusal of the server's which lull it is, and why. True where the client has got it so.
    fn explain(&mut self, header: Header, error: &Error<'_>, chunk: &[u8], out: &mut Outlets) -> bool {
        let of_replica = self.is_away() && refusal::is_of_replica(error);
        let beside = || self.beside().filter(|_| self.set == Set::Guard);
        let covering = if self.is_covered() || of_replica {
            self.covering()
        } else {
            beside()
        };
        let refuses = error.code == error::READ_ONLY_TRANSACTION || of_replica;
        let Some(lull) = covering.filter(|_| refuses) else {
            return false;
        };
        self.effects().counts.refused[Refused::Write as usize] += 1;
        let sentence = match of_replica {
            true => refusal::sentence(self.server).into(),
            false => String::from_utf8_lossy(error.message),
        };
        refusal::explain(
            &sentence,
            self.settings.refusal_code,
            &lull,
            header.sequence,
            out.to_client.buffer(chunk),
        );
        true
    }

    /// A statement has a number now. What the client is to get in place of `payload`: its own number is another where
    /// this one is taken.
    fn prepared(&mut self, number: u32, parameters: u16, payload: &[u8]) -> Option<Vec<u8>> {
        let text = self.ledger.text_to_prepare()?;
        let prepared = Prepared::new(text, Rc::clone(&self.database), parameters);
        let most = self.settings.prepared_statements_max;
        let (id, remembered) = self.statements.insert(number, prepared, most);
        self.in_lull(|lull| {
            lull.passed.remove(&id);
        });
        if !remembered {
            self.effects().counts.prepared_statements_hits += 1;
        }
        let (mark, behind) = (payload.first()?, payload.get(5..)?);
        (id != number).then(|| [&[*mark], &id.to_le_bytes()[..], behind].concat())
    }
}

/// Rows of lull's own are read, and what is larger than a glance is not one of them.
fn own_wants(reply: Reply, header: Header) -> Want {
    match reply.wants(header) {
        Want::Header if reply.in_rows() && header.payload_bytes <= GLANCE_BYTES_MAX => Want::Whole,
        want => want,
    }
}

/// What a command of the client's is answered by; None where the server says nothing.
pub(super) fn reply_to(first: u8) -> Option<Kind> {
    Some(match first {
        command::QUIT | command::STMT_CLOSE | command::STMT_SEND_LONG_DATA => return None,
        command::QUERY | command::STMT_EXECUTE | command::STMT_BULK_EXECUTE | command::PROCESS_INFO => {
            Kind::Results
        }
        command::STMT_PREPARE => Kind::Prepared,
        command::STMT_FETCH | command::FIELD_LIST => Kind::Rows,
        command::STATISTICS => Kind::Text,
        command::CHANGE_USER => Kind::Login,
        command::BINLOG_DUMP | command::BINLOG_DUMP_GTID => Kind::Log,
        _ => Kind::Single,
    })
}
