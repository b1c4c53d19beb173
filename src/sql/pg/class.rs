//! What a statement can be, seen from a lull.

use std::borrow::Cow;
use std::ops::Range;

use super::routine::{Finding, Language};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands in the text: from its first token to the end of its last, without the semicolon.
    pub span: Range<usize>,
    /// What PostgreSQL would name in "cannot execute ... in a read-only transaction".
    pub tag: Cow<'static, str>,
    pub class: Class,
    /// What calls of `set_config`, and of what locks for the session, may do. Of a PREPARE it is said in the inner statement.
    pub config: SetConfig,
    /// It may change how later texts must be lexed: until the server has reported its settings again, the session's
    /// modes are unknown. See also [`Statement::restores_settings`].
    pub changes_lexing: bool,
    /// A function call is visible in it. What views, operators, casts, defaults and triggers call is not.
    pub calls: bool,
}

impl Statement {
    /// It may bring back settings that were changed earlier in the transaction which it ends, or runs code that may
    /// change them. Matters only where the transaction has seen [`Statement::changes_lexing`].
    pub fn restores_settings(&self) -> bool {
        matches!(
            self.class,
            Class::Commit { .. }
                | Class::Rollback { .. }
                | Class::RollbackTo
                | Class::Opaque(_)
                | Class::Execute { .. }
        )
    }
}

/// Ordered by how much it can do: the worst call in a statement decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetConfig {
    None,
    /// Every call names a setting that does not matter, or takes an advisory lock. (Whether one matters for lexing is said in
    /// `changes_lexing`.)
    Harmless,
    /// Sets the default for the next transactions.
    LiftsNext,
    /// Sets the mode of the running transaction, perhaps the default too.
    LiftsNow,
    /// Could be any setting.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// What a client wants a read-only setting to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    On,
    Off,
    /// The session's reset value (RESET, DEFAULT).
    Reset,
    /// The value was not understood, or is one that the server rejects.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// The server rejects the whole text while parsing: nothing in it runs.
    SyntaxError,
    /// Cannot write or run user code, whatever the transaction's mode.
    Inert,
    /// The server's read-only state refuses whatever writes in it.
    Guarded,
    Begin {
        access: Option<Access>,
    },
    SetTransaction {
        access: Option<Access>,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint,
    Release,
    RollbackTo,
    /// `default_transaction_read_only`, in any spelling.
    SetDefault {
        wish: Wish,
        local: bool,
    },
    /// `transaction_read_only`: may change the mode of the running transaction.
    LiftNow {
        wish: Wish,
        local: bool,
    },
    ResetAll,
    DiscardAll,
    /// `None` is ALL.
    Deallocate {
        name: Option<Vec<u8>>,
    },
    /// Runs nothing yet: EXECUTE does what `inner` says, with its leaks and its calls of `set_config`.
    Prepare {
        name: Vec<u8>,
        inner: Box<Statement>,
    },
    Execute {
        name: Vec<u8>,
    },
    Declare {
        name: Vec<u8>,
        hold: bool,
    },
    /// FETCH and MOVE: runs a part of what DECLARE promised.
    Fetch {
        name: Vec<u8>,
    },
    Opaque(Opaque),
    /// A read-only transaction lets it through although it changes the database or hurts the maintenance.
    Leak(&'static str),
}

/// What the text alone does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opaque {
    Do(Box<DoBlock>),
    Call,
    /// Starts with this word, which begins no command that we know. Letters only, short.
    Unknown(String),
}

/// A DO statement. The findings know no refused words: with an audit at hand, ask [`super::inspect`] again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoBlock {
    pub language: Language,
    /// `None` where no body could be made out.
    pub body: Option<Vec<u8>>,
    pub findings: Vec<Finding>,
}
