//! What a text may do in a lull. Pure policy over what the lexer says.

use std::{collections::HashMap, ops::Range, sync::Arc};

use crate::{
    session::Refused,
    sql::mysql::{Access, Class, Opaque, Script, Statement, Transaction, Wish},
};

use super::{
    Audited,
    beside::{ForOne, Unaudited, is_plain},
    own::Own,
    refusal::Refusal,
};

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
    /// The same of other databases of the server, as far as it was asked for.
    pub(super) elsewhere: &'a HashMap<String, Arc<Audited>>,
    pub(super) guard: ForOne,
    /// Databases that were asked about, and whether in vain.
    pub(super) asked_about: &'a HashMap<String, bool>,
    /// What PREPARE has made in this lull.
    pub(super) named: &'a HashMap<Vec<u8>, bool>,
    pub(super) learned: Learned,
    /// Beside a lull, until the audit is known.
    pub(super) unaudited: Unaudited,
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
        if let Err(refusal) = self.hides_nothing(text, script) {
            return Judgement::Refuse(refusal);
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
    pub(super) fn yielded(&self, script: &Script, mut does: Does) -> Judgement {
        does.shows_trackers = script.statements.iter().any(|statement| statement.shows_trackers);
        if (does.reports || does.shows_trackers) && self.wants != Use::Prepare && !self.learned.yielded {
            return Judgement::First(Own::Yield);
        }
        Judgement::Pass(does)
    }

    /// Whether nothing that the text names could act behind the guard, here or in another database.
    fn hides_nothing(&self, text: &[u8], script: &Script) -> Result<(), Refusal> {
        let Some(audited) = self.audited else {
            return Ok(());
        };
        let hidden = |word: &str| {
            let why = format!("It is refused because {word} could write behind the lull.");
            Refusal::new(Refused::Hidden, why)
        };
        if let Some(word) = audited.hidden(text, script) {
            return Err(hidden(&word));
        }
        if !script.statements.iter().any(may_run_routines) {
            return Ok(());
        }
        let plain = |one: &Statement| one.class == Class::Read && !one.calls && is_plain(text, one);
        let reads = matches!(script.statements.as_slice(), [one] if plain(one));
        for database in audited.unknown(text, script) {
            let Some(there) = self.elsewhere.get(&database) else {
                // The guard stands around what it runs, and is set again behind it.
                if reads && !self.frozen && self.asked_about.get(&database) == Some(&true) {
                    continue;
                }
                return Err(Refusal::until_known(database));
            };
            if let Some(word) = script.mentioned(text, &there.words) {
                return Err(hidden(&format!("{database}.{word}")));
            }
            if self.frozen && script.mentioned(text, &there.running).is_some() {
                return Err(Refusal::new(Refused::Hidden, BEGAN_BEFORE));
            }
        }
        Ok(())
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
        self.hides_nothing(text, script)?;
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
}

/// Whether a statement could run code of which only the audit knows: routines, and views that call them.
pub(super) fn may_run_routines(statement: &Statement) -> bool {
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
