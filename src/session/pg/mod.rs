//! A logged-in PostgreSQL session.
//!
//! One struct, four events, synchronous. In normal mode it frames both streams, keeps the ledger and forwards what it
//! gets. From the moment an order arrives it is *careful*: one batch at a time goes up, so that lull can put
//! statements of its own between two of the client's. Once the session is *covered* (the server has confirmed that
//! what runs now is read-only), every batch is inspected before it goes up.
//!
//! The parts: `client` and `upstream` take the two streams, `inspect` judges a message, `batch` follows a batch in
//! advance, `book` knows names, `stand` decides what lull itself must say between two batches, `own` says it,
//! `straggle` ends what does not stand in time.
//!
//! It must not know sockets, clocks or other sessions.

mod attempts;
pub mod audit;
mod batch;
mod book;
mod client;
mod customs;
mod inspect;
mod leaked;
mod ledger;
mod lost;
mod luggage;
mod own;
mod parameters;
mod position;
mod questions;
mod recall;
mod refusal;
mod replication;
mod stand;
mod straggle;
#[cfg(test)]
mod tests;
mod transaction;
mod travel;
mod upstream;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    fault::Fault,
    gate::{Lull, Mode, Order},
    sql::pg::{RefusedWords, Wish},
    wire::pg::{backend::Status, error, frame::Frames},
};

use super::{Activity, Effects, Instruction, Question, Report, Session, Site, outlet::Outlets};
use batch::Batch;
use book::Book;
use customs::Customs;
use ledger::Ledger;
pub use luggage::{Luggage, Unpacking};
pub use parameters::Parameters;
pub use position::{OF_PRIMARY, Position};
pub use replication::Kind;
use transaction::Transaction;
use travel::Travel;

/// What the login found out, and the limits that hold.
#[derive(Debug)]
pub struct Login {
    pub kind: Kind,
    pub parameters: Parameters,
    pub settings: Settings,
    /// Where the client was logged in.
    pub site: Site,
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The size of a message that must be inspected.
    pub inspect_bytes_max: usize,
    pub prepared_statements_max: usize,
    /// Whether the client sees the server's reports of the setting that lull changes.
    pub announce: bool,
    /// Whether the relay can open connections to other servers for it.
    pub travels: bool,
}

/// What the audit of a database has found: what must not be mentioned there while a lull covers it.
#[derive(Debug, Default)]
pub struct Audited {
    pub words: RefusedWords,
    /// Object ids that stand for such names.
    pub oids: BTreeSet<u32>,
}

/// By what the server refuses writes on this connection now. Each is the server's word, not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cover {
    None,
    /// The session's default is read-only, and no transaction that began before is open.
    Session,
    /// The open transaction, which began read-write, has been made read-only.
    Transaction,
    /// The open transaction has failed and cannot be revived: it can only end.
    Failed,
}

#[derive(Debug)]
pub struct PgSession {
    settings: Settings,
    kind: Kind,
    client: Frames,
    upstream: Frames,
    ledger: Ledger,
    open: Open,
    transaction: Transaction,
    parameters: Box<Parameters>,
    /// Statements or cursors of the client's may have names that only the server knows.
    named: bool,
    /// The body of the unnamed statement's Parse where it has not been bound yet.
    unbound: Option<Box<[u8]>>,
    /// The same, bound or not, kept in a lull.
    unnamed: Option<Box<[u8]>>,
    /// None where none was set, or where the session cannot move.
    customs: Option<Box<Customs>>,

    order: Order,
    stands_at: u64,
    cover: Cover,
    /// The session's default is read-only because lull set it.
    guarded: bool,
    careful: bool,
    /// The client's bytes that must wait.
    held: Vec<u8>,
    closing: bool,
    ended: bool,
    /// The ledger is known to be wrong.
    out_of_step: bool,
    /// The client has said Terminate, or the server FATAL: that the upstream closes then is no failure.
    farewell: bool,
    lull: Option<Box<InLull>>,
    travel: Travel,
    own_reply: own::Reply,
    questions: VecDeque<Question>,
    effects: Option<Box<Effects>>,
    /// Wraps.
    statements_run: u32,
}

/// Whether extended messages have gone up and their Sync has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    No,
    /// Only such as name, describe or close something: nothing has run. Drivers leave a batch open here, flushed but
    /// without a Sync, until they use what they have prepared. A Sync of lull's own in between changes nothing.
    Defining,
    /// Something may have run: only its own Sync may end it.
    Acting,
    /// Something has failed: up to its Sync, the server skips what comes.
    Failed,
}

/// What a session must remember only while a lull covers it.
#[derive(Debug)]
struct InLull {
    lull: Arc<Lull>,
    /// How far the log of a server must be that the session goes to.
    position: Position,
    /// None until the audit of the database is known: nothing of the client's that could run code goes up before.
    audited: Option<Arc<Audited>>,
    /// The message that is held waits for that.
    unaudited: bool,
    book: Book,
    batch: Batch,
    /// How texts are read may have been changed in the open transaction, and changes back with it.
    lexing_returns: bool,
    /// What the session's default would be without the lull.
    wish: Wish,
    /// The same, as the open transaction will have it if it commits.
    wish_in_transaction: Option<Wish>,
    must_reassert: bool,
    /// The session's default may have been lifted since the guard was set.
    lifted: bool,
    wrap: Wrap,
    /// The server would not say what names stand for.
    texts_failed: bool,
    /// The client's ReadyForQuery waits for a statement of lull's own.
    ready_owed: bool,
    /// lull has ended the client's batch: what belongs to it is passed over until the client's own Sync.
    skipping: bool,
    /// The client has begun a batch on a server that is gone, and has not been told.
    batch_lost: bool,
    attempts: attempts::Attempts,
    straggle: straggle::Straggle,
}

impl InLull {
    fn awaits_audit(&self) -> bool {
        self.unaudited && self.audited.is_none()
    }

    /// A transaction of lull's own is open for the client's message.
    fn wraps(&self) -> bool {
        self.wrap != Wrap::No || self.batch.wrapped
    }
}

/// A read-only transaction of lull's own, opened for the message that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrap {
    No,
    /// It is on its way.
    Begun,
    Ready,
    /// It has failed, or has served: it is ended before anything else.
    Over,
}

impl PgSession {
    /// A session whose login the upstream has completed, and whose first ReadyForQuery the client has not seen. The
    /// machine sends it when the session stands.
    pub fn born(mut login: Login, order: Order, out: &mut Outlets) -> Result<Self, Fault> {
        login.parameters.login_ended();
        let mut session = Self {
            settings: login.settings,
            kind: login.kind,
            client: Frames::default(),
            upstream: Frames::default(),
            ledger: Ledger::default(),
            open: Open::No,
            transaction: Transaction::default(),
            parameters: Box::new(login.parameters),
            named: false,
            unbound: None,
            unnamed: None,
            customs: None,
            order: Order {
                generation: 0,
                mode: Mode::Normal,
            },
            stands_at: 0,
            cover: Cover::None,
            guarded: false,
            careful: false,
            held: Vec::new(),
            closing: false,
            ended: false,
            out_of_step: false,
            farewell: false,
            lull: None,
            travel: Travel::at(login.site),
            own_reply: own::Reply::default(),
            questions: VecDeque::new(),
            effects: None,
            statements_run: 0,
        };
        session.take(order);
        session.careful |= !session.is_in_place();
        match &mut session.lull {
            Some(lull) => lull.ready_owed = true,
            None => session.write_ready(&[], out),
        }
        session.advance(&[], out)?;
        Ok(session)
    }

    /// The server waits for a command, and everything that the client has sent up is answered.
    fn is_quiet(&self) -> bool {
        let open = matches!(self.open, Open::No | Open::Defining);
        let in_step = !self.out_of_step && self.upstream.at_boundary();
        self.ledger.is_settled() && open && !self.client.mid_message() && in_step
    }

    fn is_read_only_ordered(&self) -> bool {
        self.order.mode.lull().is_some()
    }

    /// Whether what the client sends must be judged before it goes up: as long as the lull is open, and beyond its
    /// end for what it has begun.
    fn inspects(&self) -> bool {
        let wraps = || self.lull.as_ref().is_some_and(|lull| lull.wraps());
        self.cover != Cover::None && (self.is_read_only_ordered() || wraps()) || self.stands_in()
    }

    /// What goes up now could be hit by a cancel request of lull's own, which is still on its way.
    fn cancels(&self) -> bool {
        self.lull.as_ref().is_some_and(|lull| lull.straggle.cancels())
    }

    /// The open transaction is lull's own, in the place of one that the drain policy has ended. Its client may hear of
    /// that only after the lull.
    fn stands_in(&self) -> bool {
        let status = self.transaction.status;
        self.lull
            .as_ref()
            .is_some_and(|lull| lull.straggle.stands_in(status))
    }

    fn write_ready(&self, heard: &[u8], out: &mut Outlets) {
        crate::wire::pg::backend::write_ready_for_query(out.to_client.buffer(heard), self.transaction.status);
    }

    fn activity(&self) -> Activity {
        if self.ledger.copying_in() {
            return Activity::Copy;
        }
        match self.transaction.status {
            _ if !self.ledger.is_idle() || self.open.acts() => Activity::Active,
            Status::Idle => Activity::Idle,
            Status::InTransaction => Activity::InTransaction,
            Status::Failed => Activity::FailedTransaction,
        }
    }

    /// Where to put what the relay must see to.
    fn effects(&mut self) -> &mut Effects {
        self.effects.get_or_insert_default()
    }
}

impl Session for PgSession {
    fn client_bytes(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        if self.ended {
            return Ok(());
        }
        if !self.held.is_empty() || self.travel.is_adrift() {
            self.held.extend_from_slice(chunk);
            return self.drift(out);
        }
        if !self.careful {
            return self.relay(chunk, out);
        }
        self.take_up(chunk, out)?;
        if !self.held.is_empty() {
            out.to_upstream.settle(chunk);
            self.ask_at_last(out);
        }
        Ok(())
    }

    fn upstream_bytes(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        if self.ended {
            return Ok(());
        }
        let open = self.open;
        let heard = self.hear(chunk, out);
        if heard.is_err() {
            // What came before the fault is the client's, and stands before lull's last words.
            out.to_client.settle(chunk);
        }
        heard?;
        if self.breaks_off() {
            self.break_off(out);
        }
        let copies = self.ledger.copying_in() && !self.held.is_empty();
        if self.careful && (copies || self.is_quiet() || self.out_of_step) {
            self.advance(chunk, out)?;
        } else if self.careful && open == Open::No && self.open == Open::Acting {
            // A COPY has begun, whose data were sent ahead: the Sync that is held ends its batch, and its answer comes with that.
            self.let_go(out)?;
        } else if self.careful && self.is_answered() {
            self.release(out)?;
        }
        Ok(())
    }

    fn order(&mut self, instruction: Instruction, out: &mut Outlets) -> Result<(), Fault> {
        if self.ended {
            return Ok(());
        }
        match instruction {
            Instruction::Take(order) => self.take(order),
            Instruction::Audited(super::Audited::PostgreSql(audited)) => self.audited(audited),
            Instruction::Audited(super::Audited::MySql(_)) | Instruction::AuditedElsewhere(..) => {}
            Instruction::Straggle(policy) => self.straggle(policy, out),
            Instruction::Arrived(arrival) => return self.arrive(arrival, out),
            Instruction::CancelSeenTo => self.in_lull(|lull| lull.straggle.cancel_seen_to()),
            Instruction::Close => (self.closing, self.careful) = (true, true),
            Instruction::Ask(question) => {
                self.questions.push_back(question);
                self.careful = true;
            }
        }
        self.advance(&[], out)
    }

    fn wants_client(&self) -> bool {
        self.held.is_empty() || self.ended
    }

    fn upstream_closed(&self) -> Result<(), Fault> {
        // A walsender closes when its work is done.
        let expected = self.farewell || self.ended || self.kind != Kind::Sql;
        if expected {
            Ok(())
        } else {
            Err(Fault::upstream("the server closed the connection unexpectedly"))
        }
    }

    fn lose_upstream(&mut self) -> bool {
        self.go_on_elsewhere()
    }

    fn report(&self) -> Report {
        Report {
            statements_run: self.statements_run,
            stands_at: self.stands_at,
            read_only: self.inspects(),
            activity: self.activity(),
            wrote: self.transaction.wrote,
            last_tag: self.transaction.last_tag,
            takes_questions: self.kind == Kind::Sql && !self.ended && self.takes_questions(),
            site: self.travel.site,
            stays: self.stays(),
        }
    }

    fn last_words(&mut self, fault: &Fault, out: &mut Outlets) {
        if !self.upstream.mid_message() && !self.ended {
            let (sqlstate, message) = fault.for_client();
            let report = error::Report {
                severity: "FATAL",
                sqlstate,
                message: &message,
                detail: None,
                hint: None,
            };
            report.write(out.to_client.buffer(&[]));
        }
    }

    fn said_farewell(&self) -> bool {
        self.farewell
    }

    fn take_effects(&mut self) -> Option<Box<Effects>> {
        self.effects.take()
    }
}
