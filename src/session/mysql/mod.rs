//! A logged-in session of MySQL or MariaDB.
//!
//! One struct, four events, synchronous. In normal mode it follows both streams packet by packet, keeps the ledger and
//! forwards what it gets. From the moment an order arrives it is *careful*: one command at a time goes up, so that lull
//! can put statements of its own between two of the client's. Once the session is *covered* (what runs now cannot
//! write, by the server's word or by what lull lets pass), every command is judged before it goes up. A session
//! *beside* a lull (of another database of its server) is judged too, for what it touches there.
//!
//! The parts: `client` and `upstream` take the two streams, `reply` follows one reply, `inspect` judges a command,
//! `statements` knows texts by number, `work` what a transaction has done, `reports` what the server tells of it,
//! `stand` says when a session stands, `next` what lull itself must say between two commands, `own` says it, `straggle`
//! ends what does not stand in time, `travel` and `luggage` take a session to another server, where `unpacking` puts
//! everything in place.
//!
//! It must not know sockets, clocks or other sessions.

mod attempts;
pub mod audit;
mod beside;
mod client;
mod deeds;
mod glance;
mod grants;
mod gtids;
mod in_lull;
mod inspect;
mod judgement;
mod ledger;
mod login;
mod luggage;
mod next;
mod numbered;
mod own;
mod parameters;
mod questions;
mod refusal;
mod reply;
mod reports;
mod server;
mod signals;
mod stand;
mod statements;
mod straggle;
#[cfg(test)]
mod tests;
mod travel;
mod unpacking;
mod upstream;
mod variables;
mod work;

use std::{
    collections::{HashSet, VecDeque},
    rc::Rc,
    sync::Arc,
};

use crate::{
    fault::Fault,
    gate::{Lull, Mode, Order},
    wire::mysql::{
        capability::{Capabilities, Status},
        error::Error,
        ok::Ok,
        packet::{self, Packets},
    },
};

pub use audit::Audited;
pub use gtids::Gtids;
pub use luggage::Luggage;
pub use unpacking::{Heard, Unpacked, Unpacking};

use super::{Activity, Effects, Instruction, Moved, Question, Report, Session, outlet::Outlets};
use in_lull::InLull;
use ledger::{Ledger, Owed};
use login::Agreed;
pub use login::{Login, Settings};
use questions::Asking;
use refusal::Refusal;
use reply::Reply;
use reports::Armed;
pub use server::{Flavor, Server};
use statements::Statements;
use travel::Travel;
use work::Work;

/// By what no write can happen on this connection now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cover {
    None,
    /// The server refuses writes, and no transaction that may write is open.
    Server,
    /// The open transaction may write but has not: only what reads is let pass.
    Frozen,
}

/// What lull has set on the session, by the word of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Nothing,
    /// The server reports more than the client has asked for.
    Reports,
    /// And refuses writes.
    Guard,
    /// It only refuses writes: the session has been at rest since it was told to.
    GuardAlone,
}

/// What the client's packets are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Talk {
    Commands,
    /// A file that the server has asked for.
    File,
    /// Answers to questions of an authentication.
    Login,
    /// Acknowledgements of a replica.
    Log,
}

#[derive(Debug)]
pub struct MySession {
    settings: Settings,
    server: Server,
    agreed: Agreed,
    /// By which the server's KILL knows it.
    connection_id: u32,
    client: Packets,
    upstream: Packets,
    ledger: Ledger,
    reply: Option<Reply>,
    /// What still comes of the packet that was heard last is not the client's.
    swallows: bool,
    talk: Talk,
    status: Status,
    work: Work,
    armed: Armed,
    /// Two names that the client did not ask for stand in its list of variables whose changes are reported.
    lists: bool,
    /// The client knows of an explicit transaction that has begun and not ended.
    told_of_begin: bool,
    user: Box<str>,
    database: Rc<str>,
    statements: Statements,

    order: Order,
    stands_at: u64,
    cover: Cover,
    set: Set,
    /// The server reports what is committed because lull has said so.
    alarmed: bool,
    /// It came from beside the lull, where it was judged: what its transaction has written is not here.
    arrived: bool,
    /// Its transaction is an XA branch that is prepared (MariaDB): until it is decided, the server lets nothing write.
    holds_prepared: bool,
    careful: bool,
    /// Its database or user has changed, and the gate has not said what follows.
    awaits_order: bool,
    /// The client's bytes that must wait.
    held: Vec<u8>,
    /// A command that is refused when all of it has come, and the number of its last packet.
    refusing: Option<(Refusal, u8)>,
    closing: bool,
    ended: bool,
    /// The client has said COM_QUIT, or the server why it ends: that the upstream closes then is no failure.
    farewell: bool,
    lull: Option<Box<InLull>>,
    travel: Travel,
    own_reply: own::Gathered,
    questions: VecDeque<Question>,
    asking: Asking,
    /// The server answers no question until the client goes on.
    deaf: bool,
    effects: Option<Box<Effects>>,
    /// Wraps.
    statements_run: u32,
}

impl MySession {
    /// A session whose login the upstream has completed, and whose client does not know yet. The machine tells it when
    /// the session stands.
    pub fn born(login: Login, order: Order, out: &mut Outlets) -> Result<Self, Fault> {
        let tracks = login.upstream.has(Capabilities::SESSION_TRACK);
        let ok = Ok::read(&login.ok, tracks).ok_or_else(|| Fault::upstream("a malformed OK packet"))?;
        let mut session = Self {
            settings: login.settings,
            server: login.server,
            agreed: Agreed {
                client: login.client,
                upstream: login.upstream,
                unlike: login.unlike,
            },
            connection_id: login.connection_id,
            client: Packets::default(),
            upstream: Packets::default(),
            ledger: Ledger::default(),
            reply: None,
            swallows: false,
            talk: Talk::Commands,
            status: ok.status,
            work: Work::default(),
            armed: if tracks { Armed::Due } else { Armed::Never },
            lists: false,
            told_of_begin: false,
            user: login.user,
            database: login.database.into(),
            statements: Statements::default(),
            order: Order {
                generation: 0,
                mode: Mode::Normal,
            },
            stands_at: 0,
            cover: Cover::None,
            set: Set::Nothing,
            alarmed: false,
            arrived: false,
            holds_prepared: false,
            careful: false,
            awaits_order: false,
            held: Vec::new(),
            refusing: None,
            closing: false,
            ended: false,
            farewell: false,
            lull: None,
            travel: Travel::default(),
            own_reply: own::Gathered::default(),
            questions: VecDeque::new(),
            asking: Asking::default(),
            deaf: false,
            effects: None,
            statements_run: 0,
        };
        session.take(order);
        let (mut payload, mut welcome) = (Vec::new(), Vec::new());
        match session.reports(&ok) {
            Some(shown) => payload = shown,
            None => payload.extend_from_slice(&login.ok),
        }
        packet::write(&mut welcome, login.sequence, &payload);
        match &mut session.lull {
            Some(lull) => lull.welcome = Some(welcome),
            None => out.to_client.buffer(&[]).extend_from_slice(&welcome),
        }
        session.advance(&[], out)?;
        Ok(session)
    }

    /// The server waits for a command, and everything that the client has sent up is answered.
    fn is_quiet(&self) -> bool {
        let between = self.upstream.at_boundary() && !self.client.mid_message();
        self.ledger.is_idle() && between && self.talk == Talk::Commands && self.refusing.is_none()
    }

    /// So it is also until the session has come back from a replica.
    fn is_read_only_ordered(&self) -> bool {
        self.order.mode.lull().is_some() || self.is_away()
    }

    /// Nothing that runs now may write: so it is once the session has stood, whatever it has come to since.
    fn is_covered(&self) -> bool {
        let stood = self.stands_at == self.order.generation;
        self.is_read_only_ordered() && (self.cover != Cover::None || stood)
    }

    fn covering(&self) -> Option<Arc<Lull>> {
        match &self.order.mode {
            Mode::ReadOnly(lull) | Mode::Replica(lull, _) => Some(Arc::clone(lull)),
            Mode::Beside(_) | Mode::Normal => self.sent_by(),
        }
    }

    /// A lull on another database that a command was to touch.
    fn beside(&self) -> Option<Arc<Lull>> {
        match &self.order.mode {
            Mode::Beside(lulls) => lulls.first().map(Arc::clone),
            Mode::ReadOnly(_) | Mode::Replica(..) | Mode::Normal => None,
        }
    }

    fn in_transaction(&self) -> bool {
        self.status.has(Status::IN_TRANS)
    }

    /// The server has said that the session is in another database, or another user's.
    fn moved(&mut self, user: Option<&[u8]>, database: &[u8]) {
        let database = String::from_utf8_lossy(database);
        let user = user.map(String::from_utf8_lossy);
        let same_user = user.as_deref().is_none_or(|user| user == &*self.user);
        self.travel.is_another |= !same_user;
        if same_user && database == *self.database {
            return;
        }
        self.database = database.into();
        if let Some(user) = user {
            self.user = user.into();
        }
        self.in_lull(InLull::moved);
        self.awaits_order = self.careful;
        self.effects().moved = Some(Moved {
            user: self.user.to_string(),
            database: self.database.to_string(),
        });
    }

    /// COM_RESET_CONNECTION, or another user's login: all settings are the server's again, and nothing is prepared.
    fn is_as_new(&mut self) {
        self.statements = Statements::default();
        self.work = Work::default();
        self.travel.is_as_new();
        if self.armed != Armed::Never {
            self.armed = Armed::Due;
        }
        (self.set, self.alarmed, self.cover, self.lists) = (Set::Nothing, false, Cover::None, false);
        if let Some(lull) = &mut self.lull {
            (lull.seen, lull.wish, lull.passed, lull.bare) = (None, None, HashSet::new(), false);
            lull.unjudged = false;
            lull.straggle.transaction_over();
        }
    }

    fn activity(&self) -> Activity {
        match self.talk {
            Talk::File | Talk::Log => Activity::Copy,
            _ if !self.ledger.is_idle() => Activity::Active,
            _ if self.in_transaction() => Activity::InTransaction,
            _ => Activity::Idle,
        }
    }

    /// Where to put what the relay must see to.
    fn effects(&mut self) -> &mut Effects {
        self.effects.get_or_insert_default()
    }
}

impl Session for MySession {
    fn client_bytes(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        if self.ended {
            return Ok(());
        }
        if !self.held.is_empty() {
            self.held.extend_from_slice(chunk);
            return Ok(());
        }
        if !self.careful {
            return self.relay(chunk, out);
        }
        self.take_up(chunk, out)?;
        if !self.held.is_empty() && self.is_quiet() {
            // What is held may wait for what lull has not said to a session at rest, or for the answer to a question
            // that could not be asked before.
            out.to_upstream.settle(chunk);
            self.advance(&[], out)?;
        }
        Ok(())
    }

    fn upstream_bytes(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        if self.ended {
            return Ok(());
        }
        let heard = self.hear(chunk, out);
        if heard.is_err() {
            // What came before the fault is the client's, and stands before lull's last words.
            out.to_client.settle(chunk);
        }
        heard?;
        if self.careful && (self.is_quiet() || self.talk != Talk::Commands) {
            self.advance(chunk, out)?;
        }
        Ok(())
    }

    fn order(&mut self, instruction: Instruction, out: &mut Outlets) -> Result<(), Fault> {
        if self.ended {
            // What it still runs may be interrupted yet.
            if matches!(instruction, Instruction::Straggle(_)) {
                self.interrupt();
            }
            return Ok(());
        }
        match instruction {
            Instruction::Take(order) => self.take(order),
            Instruction::Audited(audited) => {
                if let (Some(lull), super::Audited::MySql(audited)) = (&mut self.lull, audited) {
                    (lull.audited, lull.passed) = (Some(audited), HashSet::new());
                }
            }
            Instruction::AuditedElsewhere(database, audited) => {
                let found = audited.and_then(|audited| match audited {
                    super::Audited::MySql(audited) => Some(audited),
                    super::Audited::PostgreSql(_) => None,
                });
                self.in_lull(|lull| lull.audited_elsewhere(database, found));
            }
            Instruction::Straggle(policy) => self.straggle(policy, out),
            Instruction::Arrived(arrival) => return self.arrive(arrival, out),
            // It asks for none.
            Instruction::CancelSeenTo => {}
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
        if self.farewell || self.ended || self.talk == Talk::Log {
            Ok(())
        } else {
            Err(Fault::upstream("the server has closed the connection"))
        }
    }

    fn report(&self) -> Report {
        Report {
            statements_run: self.statements_run,
            stands_at: self.stands_at,
            read_only: self.is_covered(),
            activity: self.activity(),
            wrote: self
                .in_transaction()
                .then(|| self.work.may_have_written(self.is_reported())),
            last_tag: "",
            takes_questions: !self.ended && self.takes_questions(),
            site: self.travel.site,
            stays: self.stays(),
        }
    }

    fn last_words(&mut self, fault: &Fault, out: &mut Outlets) {
        // A server that goes says nothing: what comes unasked, a pool would take for the answer to its next command.
        if self.upstream.mid_message() || self.ended || matches!(fault, Fault::Upstream(_)) {
            return;
        }
        let (code, sqlstate, message) = refusal::parting(fault);
        let error = Error {
            code,
            sqlstate: Some(sqlstate),
            message: message.as_bytes(),
        };
        // In the place of the reply that is owed, if one is.
        let owed = matches!(
            self.ledger.head(),
            Some(Owed::Client { .. } | Owed::Promise { .. })
        );
        error.write(out.to_client.buffer(&[]), u8::from(owed));
    }

    fn said_farewell(&self) -> bool {
        self.farewell
    }

    fn take_effects(&mut self) -> Option<Box<Effects>> {
        self.effects.take()
    }
}
