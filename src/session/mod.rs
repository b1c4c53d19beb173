//! Logged-in sessions as pure state machines.
//!
//! A machine takes events (bytes of the client, bytes of the upstream, an order of the gate, the end of a drain) and
//! says what goes to whom. It guarantees that what a client receives leaves through one ordered queue, and that bytes
//! it does not need to understand are forwarded as ranges of the chunk in which they came. It knows no socket, clock,
//! task or log: the relay carries out what it decides.

pub mod mysql;
pub mod outlet;
pub mod pg;
mod position;

use std::sync::Arc;

use crate::{
    fault::Fault,
    gate::{Order, Stragglers},
};
use outlet::Outlets;
pub use position::Position;

/// What the relay drives.
pub trait Session {
    /// Bytes of the client. `chunk` is the client's `Outlets::chunk`.
    fn client_bytes(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault>;
    /// Bytes of the upstream.
    fn upstream_bytes(&mut self, chunk: &[u8], out: &mut Outlets) -> Result<(), Fault>;
    /// The gate wants a mode, or something else that the session waits for has changed.
    fn order(&mut self, instruction: Instruction, out: &mut Outlets) -> Result<(), Fault>;
    /// Whether the machine takes more bytes of the client now. While it does not, they stay in the socket.
    fn wants_client(&self) -> bool;
    /// The upstream has closed. An error where it had not said that it would, and the client had not either.
    fn upstream_closed(&self) -> Result<(), Fault>;
    /// The upstream has gone. True where the session goes on without it, and has asked for a way elsewhere.
    fn lose_upstream(&mut self) -> bool {
        false
    }
    /// Where the session is, for people and for the fence.
    fn report(&self) -> Report;
    /// Tells the client why its session ends, if its stream is between two messages.
    fn last_words(&mut self, fault: &Fault, out: &mut Outlets);
    /// Whether the upstream has been told, or has said, that the connection ends.
    fn said_farewell(&self) -> bool;
    /// What the relay must see to since the last call. Rare, so it costs nothing where there is nothing.
    fn take_effects(&mut self) -> Option<Box<Effects>>;
}

/// What is said to a session from outside its connection.
#[derive(Debug)]
pub enum Instruction {
    Take(Order),
    /// The audit of the session's database: what must not be mentioned there.
    Audited(Audited),
    /// The audit of another database of its server, about which it has asked; None where there is none.
    AuditedElsewhere(String, Option<Audited>),
    /// The drain is over, and the session does not stand.
    Straggle(Stragglers),
    /// The server has seen to a cancel request that the session has asked for: what goes up from now on is safe from it.
    CancelSeenTo,
    /// lull stops: the session ends at its next idle moment.
    Close,
    /// A question of lull's own, to be asked when nobody is disturbed by it.
    Ask(Question),
    /// The session's connection is another one from now on; or the journey has failed, and why.
    Arrived(Result<Arrival, String>),
}

/// Which of its cluster's servers a session is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Site {
    #[default]
    Primary,
    Replica,
}

/// A session must go on, on a connection to another server.
#[derive(Debug)]
pub struct Journey {
    pub to: Site,
    pub luggage: Luggage,
}

/// What a session needs where it goes.
#[derive(Debug)]
pub enum Luggage {
    PostgreSql(Box<pg::Luggage>),
    MySql(Box<mysql::Luggage>),
}

/// What the new server has said of itself, and of what was put in place there.
#[derive(Debug)]
pub enum Arrival {
    PostgreSql {
        /// What it has reported of its settings.
        parameters: Vec<(Vec<u8>, Vec<u8>)>,
    },
    MySql(Box<mysql::Unpacked>),
}

/// What was found in a database: what must not be mentioned there while a lull covers it.
#[derive(Clone, Debug)]
pub enum Audited {
    PostgreSql(Arc<pg::Audited>),
    MySql(Arc<mysql::Audited>),
}

/// A statement of lull's own whose rows come back as `Effects::answers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub id: u64,
    pub text: String,
}

/// Rows of text, None where NULL; or the server's error message.
pub type Rows = Vec<Vec<Option<Vec<u8>>>>;
pub type Answer = Result<Rows, String>;

#[derive(Debug, Default)]
pub struct Effects {
    /// Send a cancel request for what the session runs. `Instruction::CancelSeenTo` answers it.
    pub cancel: bool,
    /// A statement that another session of the same user carries out, to interrupt what this one runs.
    pub interrupt: Option<String>,
    /// The client's side is over: end it when what is queued for it has been sent. The upstream's side goes on until
    /// the server closes it, so that nothing of the session is left running when it leaves the fence.
    pub hang_up: Option<HangUp>,
    pub answers: Vec<(u64, Answer)>,
    /// Questions that cannot be asked here now.
    pub unanswered: Vec<u64>,
    /// A statement waits for the audit of its database, for which it may have had nobody to ask before.
    pub needs_audit: bool,
    /// A statement waits for what is in this other database of the server, by its name in lower case.
    pub needs_audit_of: Option<String>,
    /// Views, routines or tables were made beside a lull.
    pub made_objects: bool,
    /// The session is another user's, or in another database, than before.
    pub moved: Option<Moved>,
    /// The connection to the upstream must become one to another server. Until it has, the client's bytes wait.
    pub journey: Option<Journey>,
    pub counts: Counts,
}

/// Who a session is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub user: String,
    pub database: String,
}

/// Why lull ends a session that has done nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// The drain policy.
    Drain,
    /// lull stops.
    Shutdown,
}

/// What happened, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub refused: [u32; Refused::ALL.len()],
    /// How often the guard was set again, on the session and in a transaction.
    pub reasserts_session: u32,
    pub reasserts_transaction: u32,
    pub guard_alarms: u32,
    /// The server carried out, behind the guard, what no read-only transaction carries out.
    pub write_leaks: u32,
    /// Refused because a message was larger than what is inspected.
    pub inspect_bytes_hits: u32,
    /// Refused because no more prepared statements are remembered.
    pub prepared_statements_hits: u32,
}

/// Why a statement did not run in a lull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The server said no.
    Write,
    /// It could have lifted the guard in the middle of a batch.
    Lift,
    /// The server's read-only state does not stop it.
    Leak,
    /// A routine, or a block, that could do one of these where no lexer sees it.
    Hidden,
    /// lull could not read it.
    Unknown,
    /// The transaction was ended by the drain policy.
    Drained,
    /// The replica on which it ran has gone.
    Lost,
}

impl Refused {
    pub const ALL: [Self; 7] = [
        Self::Write,
        Self::Lift,
        Self::Leak,
        Self::Hidden,
        Self::Unknown,
        Self::Drained,
        Self::Lost,
    ];
}

/// Where a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many statements the client has had run. Wraps.
    pub statements_run: u32,
    /// The generation at which it stands.
    pub stands_at: u64,
    pub read_only: bool,
    pub activity: Activity,
    /// Whether its open transaction has written; None where nobody asked.
    pub wrote: Option<bool>,
    pub last_tag: &'static str,
    /// Whether it can ask the server something for lull.
    pub takes_questions: bool,
    pub site: Site,
    /// Why it is not where its order would have it.
    pub stays: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    #[default]
    Idle,
    Active,
    InTransaction,
    FailedTransaction,
    Copy,
}

impl Activity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::InTransaction => "in transaction",
            Self::FailedTransaction => "failed transaction",
            Self::Copy => "copy",
        }
    }
}
