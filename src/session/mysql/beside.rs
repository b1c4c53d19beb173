//! What a text may do in a session beside a lull: its own database is its own affair, the lull's is not to be written.
//!
//! What leads there, by names that stand in no text, the audits tell. Until they have, what reads runs under the guard,
//! which the client must not notice. Like `judgement`, this knows neither the session nor its server.

use std::sync::Arc;

use crate::{
    gate::{Lull, Mode},
    session::Refused,
    sql::mysql::{Class, Opaque, RefusedWords, Script, Settings, Statement},
};

use super::{
    judgement::{Around, Does, Judgement, may_run_routines},
    refusal::Refusal,
};

/// Whether a session beside a lull can be guarded for one statement, and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForOne {
    /// Its transaction would be, too.
    Never,
    Off,
    On,
}

/// What keeps a session beside a lull from writing in it while nobody knows what in its own database leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unaudited {
    /// A transaction is open that may write.
    Nothing,
    /// The server refuses writes, by a guard that the client must not notice: no transaction may begin under it.
    Guard,
    /// The same, but any statement begins a transaction.
    GuardWithoutAutocommit,
}

impl Around<'_> {
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
            // Of several, one could lift the guard for the next.
            let alone = script.statements.len() <= 1 || self.unaudited == Unaudited::Nothing;
            let passes = |statement: &Statement| self.passes_unaudited(text, statement);
            return if alone && script.statements.iter().all(passes) {
                self.yielded(script, does)
            } else {
                Judgement::Refuse(Refusal::until_audited())
            };
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
                return Judgement::Refuse(reaches(word, database));
            }
        }
        match self.reaches_beyond(text, script, only_reads, lulls) {
            Some(refusal) => Judgement::Refuse(refusal),
            None => self.yielded(script, does),
        }
    }

    /// What the text names in databases that the audit of its own has not followed.
    fn reaches_beyond(
        &self,
        text: &[u8],
        script: &Script,
        only_reads: bool,
        lulls: &[Arc<Lull>],
    ) -> Option<Refusal> {
        if !script.statements.iter().any(may_run_routines) {
            return None;
        }
        for other in self.audited?.unknown(text, script) {
            let Some(there) = self.elsewhere.get(&other) else {
                let guarded =
                    only_reads && matches!(script.statements.as_slice(), [one] if is_plain(text, one));
                match self.guard {
                    ForOne::On if guarded => continue,
                    guard => {
                        let mut refusal = Refusal::until_known(other);
                        refusal.under_guard = guarded && guard == ForOne::Off;
                        return Some(refusal);
                    }
                }
            };
            for database in lulls.iter().filter_map(|lull| lull.request.scope.database()) {
                let word = if database.eq_ignore_ascii_case(&other) {
                    // It only reads there, but for what runs by that.
                    script.mentioned(text, &there.running)
                } else {
                    there.reaching(database, text, script, only_reads)
                };
                if let Some(word) = word {
                    return Some(reaches(&format!("{other}.{word}"), database));
                }
            }
        }
        None
    }

    /// Whether a statement that reads can neither write in the lull nor notice the guard.
    fn passes_unaudited(&self, text: &[u8], statement: &Statement) -> bool {
        match self.unaudited {
            Unaudited::Nothing => !may_run_routines(statement),
            Unaudited::Guard => is_plain(text, statement),
            Unaudited::GuardWithoutAutocommit => false,
        }
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

/// It neither notices a guard around it nor leaves anything behind that would.
pub(super) fn is_plain(text: &[u8], statement: &Statement) -> bool {
    let words = text.get(statement.span.clone()).unwrap_or_default();
    let mut names = words.windows(GUARD.len());
    if statement.shows_variables || names.any(|name| name.eq_ignore_ascii_case(GUARD)) {
        return false;
    }
    let moves_at_most = Settings {
        database: statement.settings.database.clone(),
        ..Settings::default()
    };
    statement.transaction.is_none() && statement.settings == moves_at_most
}

fn reaches(word: &str, database: &str) -> Refusal {
    let why = format!("By {word} it reaches the database {database}, which can only be read.");
    Refusal::new(Refused::Hidden, why)
}

/// Stands in the names of the variable that is the guard, and of all that an application asks to learn of it.
const GUARD: &[u8] = b"read_only";

const PREPARED_THERE: &str = "It was prepared in a database that can only be read.";
const ELSEWHERE_UNREAD: &str = "A lull is open on another database, and what this runs cannot be read.";
