//! What a statement can be, seen from a lull.

use std::borrow::Cow;
use std::ops::Range;

use super::{Script, Unlexable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands in the text: from its first token to the end of its last, without the semicolon.
    pub span: Range<usize>,
    /// Its verb, for messages.
    pub verb: Cow<'static, str>,
    pub class: Class,
    /// What it does to the session's transaction, if anything.
    pub transaction: Option<Transaction>,
    pub settings: Settings,
    /// A call is visible in it that could be one of a stored function. What views and triggers call is not.
    pub calls: bool,
    /// Somewhere in it a text is run, or will be, that this script does not show: dynamic SQL in a block, in a body that
    /// is being defined, or from what is no constant. What EXECUTE runs is a question of who has prepared it.
    pub runs_text: bool,
    /// SHOW VARIABLES: the rows of its answer whose first column [`super::is_signal`] are questions of the same kind.
    pub shows_variables: bool,
    /// What the session is set to report may be shown by it: it names such a setting, or lists all.
    pub shows_trackers: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Only reads, or only changes the session's own state: harmless even in a transaction that may write, as far as
    /// the text shows (see [`Statement::calls`]). COMMIT is one of these: what it commits is another question.
    Read,
    /// The server's read-only state refuses (1792) whatever writes in it; DML on the session's own temporary tables
    /// passes.
    Guarded,
    /// Changes the guard: `settings` and `transaction` say how.
    Lift,
    /// A read-only session can do it although it changes the database or hurts the maintenance. The reason is for
    /// clients.
    Leak(&'static str),
    Opaque(Opaque),
    /// The server rejects it before it runs any of it, and what stands behind it in the text too.
    SyntaxError,
    /// Could not be read.
    Unknown(Unlexable),
}

/// What the text alone does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opaque {
    /// `database` is empty where the name is not qualified.
    Call { database: Vec<u8>, name: Vec<u8> },
    /// Runs nothing yet. Without a script the text is not a constant.
    Prepare {
        name: Vec<u8>,
        script: Option<Box<Inner>>,
    },
    /// Runs what PREPARE made of that name.
    Execute { name: Vec<u8> },
    /// EXECUTE IMMEDIATE.
    Immediate { script: Option<Box<Inner>> },
    /// A compound statement outside a routine. It reaches to the end of the text: where it ends is not decided here.
    Block,
    /// Starts with this word, which begins no command that we know. Letters only, short.
    Unlisted(String),
}

/// A text out of a constant, as the server will read it. Texts inside that are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    pub text: Vec<u8>,
    pub script: Script,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// What a client wants a setting to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    On,
    Off,
    /// The global value (DEFAULT).
    Default,
    /// The value was not understood.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    Begin {
        access: Option<Access>,
        snapshot: bool,
        /// Where `WRITE` of `READ WRITE` stands: five bytes each. Overwritten with `ONLY ` the statement asks for
        /// read only, and no position moves.
        write_words: Vec<Range<usize>>,
    },
    /// Without the words the session's `completion_type` decides.
    Commit {
        chain: Option<bool>,
        release: Option<bool>,
    },
    Rollback {
        chain: Option<bool>,
        release: Option<bool>,
    },
    Savepoint,
    RollbackTo,
    ReleaseSavepoint,
    /// Ends an open transaction by committing it, as DDL does.
    ImplicitCommit,
    /// Commits first. `write`: at least one table is locked for writing.
    LockTables {
        write: bool,
    },
    UnlockTables,
    Xa {
        verb: Xa,
        xid: Vec<u8>,
        /// COMMIT ... ONE PHASE: of a branch that is not prepared.
        one_phase: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Xa {
    Start,
    End,
    Prepare,
    Commit,
    Rollback,
    Recover,
}

impl Statement {
    /// Whether it can be the end of the session's own XA branch. Of a prepared branch, anybody's, it can be too.
    pub fn may_end_branch(&self) -> bool {
        match self.transaction {
            Some(Transaction::Xa { verb, one_phase, .. }) => {
                verb == Xa::Rollback || verb == Xa::Commit && one_phase
            }
            _ => false,
        }
    }
}

/// What a statement does to the settings that matter to a lull.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The session's own read-only setting: the guard.
    pub guard: Option<Wish>,
    /// The same for the next transaction only (`SET TRANSACTION`, `SET @@transaction_read_only`).
    pub next: Option<Wish>,
    pub autocommit: Option<Wish>,
    /// What COMMIT does may change.
    pub completion: bool,
    /// `sql_mode` or the client's character set may change: until the server has told the new ones, no text can be read.
    pub lexing: bool,
    /// The session's trackers may change.
    pub trackers: bool,
    /// Another database becomes the default one.
    pub database: Option<Vec<u8>>,
    /// SET ROLE.
    pub role: bool,
}
