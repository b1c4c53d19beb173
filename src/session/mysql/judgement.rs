//! What a text may do in a lull, and beside one. Pure policy over what the lexer says.

use std::{collections::HashMap, ops::Range, sync::Arc};

use crate::{
    gate::{Lull, Mode},
    session::Refused,
    sql::mysql::{Access, Class, Opaque, RefusedWords, Script, Statement, Transaction, Wish},
};

use super::{Audited, own::Own, refusal::Refusal};

#[derive(Debug)]
pub(super) enum Judgement {
    Pass(Does),
    Refuse(Refusal),
    /// lull must say this before it can tell, or before the text may run.
    First(Own),
}

/// What has been found out, or done, for the command that is held.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Learned {
    /// The client's own settings of the server's reports hold.
    pub(super) yielded: bool,
    /// Whether the server can parse it.
    pub(super) parses: Option<bool>,
    /// Whether the open transaction is an XA branch that is not prepared.
    pub(super) in_branch: Option<bool>,
}

/// What follows from a text that passes.
#[derive(Debug, Default)]
pub(super) struct Does {
    /// Pieces of the text that are overwritten, each by as many bytes.
    pub(super) edits: Vec<(Range<usize>, &'static [u8])>,
    /// What the client wants its session to be.
    pub(super) wish: Option<Wish>,
    /// The guard must be set again behind it.
    pub(super) lifts: bool,
    /// The client sets the server's reports itself.
    pub(super) reports: bool,
    /// It may show what the session is set to report.
    pub(super) shows_trackers: bool,
    /// It asks for the server's variables.
    pub(super) shows_variables: bool,
    /// It makes or changes what may reach into other databases.
    pub(super) makes_objects: bool,
    /// How texts are read may change.
    pub(super) rereads: bool,
    /// It is COMMIT and nothing else.
    pub(super) commits: bool,
    /// Names that stand for a text from now on, and whether it only reads.
    pub(super) names: Vec<(Vec<u8>, bool)>,
}

impl Does {
    pub(super) fn is_nothing(&self) -> bool {
        let plain = self.edits.is_empty() && self.names.is_empty() && self.wish.is_none();
        let shows = self.shows_variables || self.shows_trackers;
        let silent = !(self.lifts || self.reports || self.rereads || shows);
        plain && silent && !self.makes_objects
    }
}

impl Judgement {
    pub(super) fn pass() -> Self {
        Self::Pass(Does::default())
    }
}

/// What holds around a text.
#[derive(Debug)]
pub(super) struct Around<'a> {
    /// The open transaction may write: nothing but what reads may pass.
    pub(super) frozen: bool,
    pub(super) in_transaction: bool,
    pub(super) wants: Use<'a>,
    pub(super) database: &'a str,
    pub(super) audited: Option<&'a Audited>,
    /// What PREPARE has made in this lull.
    pub(super) named: &'a HashMap<Vec<u8>, bool>,
    pub(super) learned: Learned,
}

/// What is to be done with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use<'a> {
    Run,
    Prepare,
    /// What was prepared in this database.
    Execute(&'a str),
}

impl Around<'_> {
    /// For a session that a lull covers.
    pub(super) fn judge(&self, text: &[u8], script: &Script) -> Judgement {
        if let Some(word) = self
            .audited
            .and_then(|audited| script.mentioned(text, &audited.words))
        {
            let why = format!("It is refused because {word} could write behind the lull.");
            return Judgement::Refuse(Refusal::new(Refused::Hidden, why));
        }
        if self.frozen
            && let Some(audited) = self.audited
            && script.mentioned(text, &audited.running).is_some()
        {
            return Judgement::Refuse(Refusal::new(Refused::Hidden, BEGAN_BEFORE));
        }
        if let Some(own) = self.must_learn(text, script) {
            return Judgement::First(own);
        }
        let mut does = Does::default();
        for statement in &script.statements {
            let alone = script.statements.len() == 1;
            does.commits = alone && matches!(statement.transaction, Some(Transaction::Commit { .. }));
            does.shows_variables |= statement.shows_variables;
            if let Err(refusal) = self.step(statement, alone, &mut does) {
                return Judgement::Refuse(refusal);
            }
        }
        self.yielded(script, does)
    }

    /// What the server must be asked before a text can be judged.
    fn must_learn(&self, text: &[u8], script: &Script) -> Option<Own> {
        let [statement] = script.statements.as_slice() else {
            return None;
        };
        if self.wants != Use::Run {
            return None;
        }
        match &statement.class {
            // Where there is a semicolon, what is parsed alone may not be what would run.
            Class::Opaque(Opaque::Unlisted(_)) if self.learned.parses.is_none() && !text.contains(&b';') => {
                Some(Own::Parse)
            }
            Class::Leak(_)
                if statement.may_end_branch() && self.in_transaction && self.learned.in_branch.is_none() =>
            {
                Some(Own::Branch)
            }
            _ => None,
        }
    }

    /// For a text that passes: what lull has set of the server's reports is taken back before the client sets it, or sees
    /// it.
    fn yielded(&self, script: &Script, mut does: Does) -> Judgement {
        does.shows_trackers = script.statements.iter().any(|statement| statement.shows_trackers);
        if (does.reports || does.shows_trackers) && self.wants != Use::Prepare && !self.learned.yielded {
            return Judgement::First(Own::Yield);
        }
        Judgement::Pass(does)
    }

    fn step(&self, statement: &Statement, alone: bool, does: &mut Does) -> Result<(), Refusal> {
        let runs = self.wants != Use::Prepare && self.learned.parses != Some(false);
        if self.audited.is_none() && runs && may_run_routines(statement) {
            return Err(Refusal::until_audited());
        }
        match &statement.class {
            // Nobody stops what a function writes in a transaction that may.
            Class::Read if self.frozen && statement.calls => {
                return Err(Refusal::new(Refused::Hidden, BEGAN_BEFORE));
            }
            Class::Read | Class::SyntaxError => {}
            Class::Guarded if self.frozen => return Err(Refusal::new(Refused::Write, BEGAN_BEFORE)),
            Class::Guarded => {}
            Class::Lift => self.lift(statement, alone, does)?,
            // Nothing that it ends has written, and in a branch the server decides over no other.
            Class::Leak(_) if statement.may_end_branch() && alone && self.ends_branch() => {}
            Class::Leak(why) => {
                return Err(Refusal::new(
                    Refused::Leak,
                    format!("It is refused because {why}."),
                ));
            }
            Class::Opaque(opaque) => self.opaque(opaque, does)?,
            Class::Unknown(why) => {
                return Err(Refusal::new(
                    Refused::Unknown,
                    format!("It is refused because {why}."),
                ));
            }
        }
        self.settings(statement, alone, does)
    }

    fn ends_branch(&self) -> bool {
        self.in_transaction && self.learned.in_branch == Some(true)
    }

    fn lift(&self, statement: &Statement, alone: bool, does: &mut Does) -> Result<(), Refusal> {
        if let Some(Transaction::Begin {
            access, write_words, ..
        }) = &statement.transaction
        {
            does.edits
                .extend(write_words.iter().map(|words| (words.clone(), &b"ONLY "[..])));
            if *access == Some(Access::ReadWrite) && write_words.is_empty() {
                return Err(Refusal::new(Refused::Lift, MUST_BE_ALONE));
            }
        }
        let settings = &statement.settings;
        let lifts = |wish: &Option<Wish>| wish.is_some_and(|wish| wish != Wish::On);
        if lifts(&settings.guard) || lifts(&settings.next) {
            // Nothing can be put between it and what follows in the same text.
            if !alone {
                return Err(Refusal::new(Refused::Lift, MUST_BE_ALONE));
            }
            does.lifts = true;
        }
        if settings.guard.is_some() {
            does.wish = settings.guard;
        }
        Ok(())
    }

    fn settings(&self, statement: &Statement, alone: bool, does: &mut Does) -> Result<(), Refusal> {
        let settings = &statement.settings;
        if settings.trackers {
            if !alone {
                return Err(Refusal::new(Refused::Lift, MUST_BE_ALONE));
            }
            does.reports = true;
        }
        does.rereads |= settings.lexing;
        Ok(())
    }

    fn opaque(&self, opaque: &Opaque, does: &mut Does) -> Result<(), Refusal> {
        match opaque {
            Opaque::Call { database, name } => self.call(database, name),
            Opaque::Prepare {
                name,
                script: Some(inner),
            } => {
                let reads = self.inner(&inner.text, &inner.script)?;
                does.names.push((name.to_ascii_lowercase(), reads));
                Ok(())
            }
            Opaque::Immediate { script: Some(inner) } => self.inner(&inner.text, &inner.script).map(|_| ()),
            Opaque::Prepare { script: None, .. } | Opaque::Immediate { script: None } => {
                Err(Refusal::new(Refused::Hidden, NO_CONSTANT))
            }
            Opaque::Execute { name } => match self.named.get(&name.to_ascii_lowercase()) {
                Some(reads) if *reads || !self.frozen => Ok(()),
                Some(_) => Err(Refusal::new(Refused::Write, BEGAN_BEFORE)),
                None => Err(Refusal::new(Refused::Hidden, PREPARED_BEFORE)),
            },
            // The server itself has said that it cannot parse it, and will say so again.
            Opaque::Unlisted(_) if self.learned.parses == Some(false) => Ok(()),
            // What the server knows it can prepare, but not execute.
            Opaque::Unlisted(_) if self.wants == Use::Prepare => Ok(()),
            Opaque::Block => Err(Refusal::new(Refused::Hidden, BLOCK)),
            Opaque::Unlisted(word) => Err(Refusal::new(
                Refused::Unknown,
                format!("The command {word} is not known here."),
            )),
        }
    }

    /// A text within the text. Whether it only reads.
    fn inner(&self, text: &[u8], script: &Script) -> Result<bool, Refusal> {
        if let Some(audited) = self.audited
            && let Some(word) = script.mentioned(text, &audited.words)
        {
            let why = format!("It is refused because {word} could write behind the lull.");
            return Err(Refusal::new(Refused::Hidden, why));
        }
        let mut reads = true;
        for statement in &script.statements {
            let plain = matches!(statement.class, Class::Read | Class::Guarded | Class::SyntaxError);
            let settings = &statement.settings;
            if !plain || settings.trackers || settings.lexing || statement.transaction.is_some() {
                return Err(Refusal::new(Refused::Hidden, INNER_ACTS));
            }
            if statement.class == Class::Guarded && self.frozen {
                return Err(Refusal::new(Refused::Write, BEGAN_BEFORE));
            }
            reads &= statement.class == Class::Read;
        }
        Ok(reads)
    }

    fn call(&self, database: &[u8], name: &[u8]) -> Result<(), Refusal> {
        if self.frozen {
            return Err(Refusal::new(Refused::Write, BEGAN_BEFORE));
        }
        let here = database.is_empty() || database == self.database.as_bytes();
        let known = self.audited.is_some_and(|audited| audited.may_call(name));
        if here && known {
            Ok(())
        } else {
            Err(Refusal::new(Refused::Hidden, CALLS))
        }
    }

    /// For a session of another database: what it does there is its own affair.
    pub(super) fn judge_beside(&self, text: &[u8], script: &Script, mode: &Mode) -> Judgement {
        let Mode::Beside(lulls) = mode else {
            return Judgement::pass();
        };
        let mut databases = RefusedWords::new();
        for database in lulls.iter().filter_map(|lull| lull.request.scope.database()) {
            databases.refuse(database.as_bytes());
        }
        let only_reads = |statement: &Statement| {
            let reads = matches!(statement.class, Class::Read | Class::SyntaxError);
            reads && !statement.calls
        };
        let mut does = Does::default();
        for statement in &script.statements {
            if let Err(refusal) = self.step_beside(statement, &mut does) {
                return Judgement::Refuse(refusal);
            }
        }
        let only_reads = script.statements.iter().all(only_reads);
        if only_reads && self.audited.is_none() {
            return self.yielded(script, does);
        }
        let here = |lull: &Arc<Lull>| {
            lull.request
                .scope
                .database()
                .is_some_and(|name| name.eq_ignore_ascii_case(self.database))
        };
        if !only_reads && lulls.iter().any(here) {
            return Judgement::Refuse(Refusal::new(Refused::Write, PREPARED_THERE));
        }
        if !only_reads && let Some(database) = script.database_mentioned(text, &databases) {
            let why = format!("The database {database} can only be read.");
            return Judgement::Refuse(Refusal::new(Refused::Write, why));
        }
        // A view can call a function that writes: what only reads must be looked at, too.
        let Some(audited) = self.audited else {
            return Judgement::Refuse(Refusal::until_audited());
        };
        for database in lulls.iter().filter_map(|lull| lull.request.scope.database()) {
            if let Some(word) = audited.reaching(database, text, script, only_reads) {
                let why = format!("By {word} it reaches the database {database}, which can only be read.");
                return Judgement::Refuse(Refusal::new(Refused::Hidden, why));
            }
        }
        if !only_reads && let Some(database) = audited.unknown(text, script) {
            let why = format!(
                "A lull is open on another database, and nobody has looked whether something in {database} reaches it."
            );
            return Judgement::Refuse(Refusal::new(Refused::Hidden, why));
        }
        self.yielded(script, does)
    }

    /// What one statement of a session of another database leads to. An error where it cannot be read.
    fn step_beside(&self, statement: &Statement, does: &mut Does) -> Result<(), Refusal> {
        let settings = &statement.settings;
        does.reports |= settings.trackers;
        does.rereads |= settings.lexing;
        does.makes_objects |= matches!(&*statement.verb, "CREATE" | "ALTER" | "RENAME");
        if statement.runs_text {
            return Err(Refusal::new(Refused::Hidden, ELSEWHERE_UNREAD));
        }
        match &statement.class {
            Class::Opaque(Opaque::Prepare {
                name,
                script: Some(_),
            }) => does.names.push((name.to_ascii_lowercase(), false)),
            Class::Opaque(Opaque::Execute { name })
                if !self.named.contains_key(&name.to_ascii_lowercase()) =>
            {
                return Err(Refusal::new(Refused::Hidden, ELSEWHERE_UNREAD));
            }
            Class::Unknown(why) => {
                return Err(Refusal::new(
                    Refused::Unknown,
                    format!("It is refused because {why}."),
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a statement could run code of which only the audit knows: routines, and views that call them.
fn may_run_routines(statement: &Statement) -> bool {
    let settings_only = statement.transaction.is_some()
        || statement.settings.guard.is_some()
        || statement.settings.next.is_some();
    match statement.class {
        Class::Read => !settings_only,
        Class::Guarded | Class::Opaque(_) => true,
        Class::Lift => statement.calls,
        Class::Leak(_) | Class::SyntaxError | Class::Unknown(_) => false,
    }
}

const BEGAN_BEFORE: &str = "The transaction began before the lull: it can read on, or end.";
const MUST_BE_ALONE: &str =
    "It is refused because what follows it in the same message could write; sent by itself it runs.";
const NO_CONSTANT: &str = "It is refused because the text that it prepares is not a constant.";
const PREPARED_BEFORE: &str = "It is refused because no server tells which text was prepared under this name before the lull: PREPARE it again, which also a lull allows.";
const INNER_ACTS: &str = "It is refused because the text that it prepares does more than read or write rows.";
const BLOCK: &str = "It is refused because a block outside of a routine could write behind the lull.";
const CALLS: &str = "It is refused because the routine could write behind the lull, or is not known.";
const PREPARED_THERE: &str = "It was prepared in a database that can only be read.";
const ELSEWHERE_UNREAD: &str = "A lull is open on another database, and what this runs cannot be read.";
