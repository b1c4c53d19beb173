//! One batch (a Query, or extended messages up to Sync) as the server will run it, followed in advance.
//!
//! Nothing can be put between the statements of a batch, so each is judged by what the ones before it may have
//! done: once the running transaction may have become read-write, only statements that can neither write nor run
//! user code may follow. Whatever is lifted for later is put right behind the batch, before anything else goes up.

use crate::{
    session::Refused,
    sql::pg::{
        Access, Class, Conforming, Encoding, Finding, FindingKind, Modes, Opaque, SetConfig, Statement, Wish,
    },
    wire::pg::backend::Status,
};

use super::refusal::Refusal;

/// What holds around the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) status: Status,
    /// The open transaction was read-write when it began.
    pub(super) downgraded: bool,
    /// The open transaction has failed, and was read-write when it began.
    pub(super) failed_uncovered: bool,
    /// The session's default is read-only: the next transaction begins so.
    pub(super) guarded: bool,
    /// How texts are read may have been changed in the open transaction, and changes back with it.
    pub(super) lexing_returns: bool,
    pub(super) server_major: u16,
    /// What routines of the database could do is known.
    pub(super) audited: bool,
}

#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The running transaction may be read-write.
    lifted_now: bool,
    /// The next transaction may be read-write.
    lifted_next: bool,
    /// Something ran whose end nobody can tell.
    sealed: bool,
    /// A transaction that had failed may have ended or been revived.
    revived: bool,
    /// It went back to a savepoint.
    pub(super) went_back: bool,
    statements: u32,
    opaque: u32,
    pub(super) lexing_changed: bool,
    called: bool,
    /// `SET TRANSACTION READ ONLY` must follow while the transaction is open.
    pub(super) reassert: bool,
    /// What the client asked its session's default to be.
    pub(super) wish: Option<Wish>,
    /// It stands between lull's own BEGIN READ ONLY and COMMIT.
    pub(super) wrapped: bool,
    /// It ends the open transaction, by COMMIT or in any way.
    pub(super) commits: bool,
    pub(super) ends: bool,
    /// To be told instead of the error that lull provokes.
    pub(super) refusal: Option<Refusal>,
    pub(super) failed: bool,
    /// The client has been told an error that the server did not raise: until ReadyForQuery it must hear nothing.
    pub(super) muted: bool,
}

/// How a statement may go up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Pass,
    /// Only inside a read-only transaction of lull's own, which must begin before this batch does.
    Wrap,
}

impl Batch {
    pub(super) fn is_fresh(&self) -> bool {
        self.statements == 0
    }

    /// A COPY from the client may be in it: its Sync is then not its end.
    pub(super) fn may_copy(&self) -> bool {
        self.statements > self.opaque
    }

    pub(super) fn lifts_next(&self) -> bool {
        self.lifted_next
    }

    /// How a text further on in this batch will be read, as far as lull knows.
    pub(super) fn modes(&self, now: Modes) -> Modes {
        match (self.lexing_changed, self.called) {
            (true, _) => Modes {
                standard_conforming_strings: Conforming::Unknown,
                encoding: Encoding::Unknown,
                ..now
            },
            (false, true) => Modes {
                standard_conforming_strings: Conforming::Unknown,
                ..now
            },
            (false, false) => now,
        }
    }

    /// Follows one more statement. An error leaves the batch as it was.
    pub(super) fn step(&mut self, statement: &Statement, around: Around) -> Result<Step, Refusal> {
        let step = self.judge(statement, around)?;
        self.statements += 1;
        self.called |= statement.calls;
        self.lexing_changed |=
            statement.changes_lexing || around.lexing_returns && statement.restores_settings();
        self.follow(&statement.class, around);
        match statement.config {
            SetConfig::LiftsNext | SetConfig::Unknown => self.lifted_next = true,
            SetConfig::None | SetConfig::Harmless | SetConfig::LiftsNow => {}
        }
        Ok(step)
    }

    fn judge(&self, statement: &Statement, around: Around) -> Result<Step, Refusal> {
        let command = || statement.tag.clone();
        match statement.config {
            SetConfig::LiftsNow => return Err(Refusal::new(Refused::Lift, command(), SETS_THE_TRANSACTION)),
            // Before 16, set_config(..., NULL, ...) can undo the guard within the statement itself.
            SetConfig::Unknown if around.server_major < 16 => {
                return Err(Refusal::new(Refused::Lift, command(), SETS_ANYTHING));
            }
            _ => {}
        }
        match &statement.class {
            Class::Leak(why) => {
                return Err(Refusal::new(
                    Refused::Leak,
                    command(),
                    format!("It is refused because {why}."),
                ));
            }
            Class::Opaque(Opaque::Do(block)) => {
                if let Some(finding) = block.findings.first() {
                    return Err(Refusal::new(Refused::Hidden, command(), block_does(finding)));
                }
            }
            _ => {}
        }
        self.admit(statement, around)?;
        if !matches!(statement.class, Class::Opaque(_)) || around.status != Status::Idle || self.wrapped {
            return Ok(Step::Pass);
        }
        if self.is_fresh() {
            Ok(Step::Wrap)
        } else {
            Err(Refusal::new(Refused::Hidden, command(), MUST_BE_ALONE))
        }
    }

    /// Whether a statement may be read or planned here, which can run code as well: checks of domains, functions of
    /// constants.
    pub(super) fn admit(&self, statement: &Statement, around: Around) -> Result<(), Refusal> {
        // A failed transaction runs nothing before it ends.
        let failed = around.status == Status::Failed && !self.revived;
        if !around.audited && !failed && may_act(&statement.class) {
            return Err(Refusal::until_audited(statement.tag.clone()));
        }
        if may_act(&statement.class) && (self.lifted_now || self.sealed) {
            return Err(Refusal::new(Refused::Lift, statement.tag.clone(), BEHIND_A_LIFT));
        }
        Ok(())
    }

    /// Something is run of which the server should know nothing either.
    pub(super) fn unknown(&mut self) {
        self.statements += 1;
        (self.sealed, self.reassert) = (true, true);
    }

    fn follow(&mut self, class: &Class, around: Around) {
        self.went_back |= *class == Class::RollbackTo;
        self.revived |= matches!(
            class,
            Class::Commit { .. } | Class::Rollback { .. } | Class::RollbackTo
        );
        match class {
            Class::Begin { access } | Class::SetTransaction { access } => {
                self.reassert |= *access == Some(Access::ReadWrite);
                self.lifted_now |= *access == Some(Access::ReadWrite);
            }
            Class::LiftNow { wish, .. } => {
                self.reassert = true;
                self.lifted_now |= *wish != Wish::On;
            }
            Class::SetDefault { wish, local } => {
                self.lifted_next |= *wish != Wish::On;
                if !local {
                    self.wish = Some(*wish);
                }
            }
            Class::ResetAll => self.reset(),
            // It commits at once where it may run at all, so that what follows is a new transaction.
            Class::DiscardAll => {
                self.reset();
                (self.lifted_now, self.reassert) = (true, true);
            }
            Class::Commit { chain } | Class::Rollback { chain } => {
                self.commits |= matches!(class, Class::Commit { .. });
                self.ends |= !chain;
                if !chain {
                    self.lifted_now = self.lifted_next || !around.guarded;
                    // A BEGIN may follow.
                    self.reassert |= self.lifted_now;
                } else if around.downgraded || around.failed_uncovered {
                    // The next transaction is what this one was to the server, which may be read-write.
                    self.reassert = true;
                    self.lifted_now = true;
                }
            }
            Class::Release | Class::RollbackTo if around.downgraded => {
                self.reassert = true;
                self.lifted_now = true;
            }
            Class::Opaque(_) => {
                self.opaque += 1;
                self.sealed = true;
                self.reassert = true;
            }
            _ => {}
        }
    }

    fn reset(&mut self) {
        self.lifted_next = true;
        self.wish = Some(Wish::Reset);
    }
}

fn block_does(finding: &Finding) -> String {
    let what = match &finding.kind {
        FindingKind::DynamicSql => "runs SQL that it builds itself",
        FindingKind::Setting => "changes a setting that a lull depends on",
        FindingKind::TransactionMode => "changes a transaction's mode",
        FindingKind::Leak => "runs what a read-only transaction does not stop",
        FindingKind::RefusedWord(_) => "mentions what could write behind the lull",
        FindingKind::Unreadable => "cannot be read",
    };
    format!("It is refused because its block {what} ({}).", finding.detail)
}

/// Whether a statement could write, or run what writes, in a read-write transaction.
fn may_act(class: &Class) -> bool {
    !matches!(
        class,
        Class::Inert
            | Class::Deallocate { .. }
            | Class::Begin { .. }
            | Class::SetTransaction { .. }
            | Class::Commit { .. }
            | Class::Rollback { .. }
            | Class::Savepoint
            | Class::Release
            | Class::RollbackTo
            | Class::SetDefault { .. }
            | Class::LiftNow { .. }
            | Class::ResetAll
            | Class::DiscardAll
    )
}

const SETS_THE_TRANSACTION: &str = "It is refused because it sets whether its own transaction is read-only; SET TRANSACTION can be sent by itself.";
const SETS_ANYTHING: &str = "It is refused because the name of the setting that it changes is not a plain literal, which this server version \
     makes unsafe.";
const BEHIND_A_LIFT: &str = "It is refused because something before it in the same message, or before the same Sync, can make the transaction \
     read-write; sent by itself it runs.";
pub(super) const MUST_BE_ALONE: &str =
    "It runs in a lull only as the first statement of its message, or before its Sync.";
