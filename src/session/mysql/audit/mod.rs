//! The audit of one database of a server: which routines could act behind the guard of a lull, and what reaches from
//! here into other databases.
//!
//! Guarantees: an object whose body could get past the guard is refused, and so is every view and function that reaches
//! it, whatever the length of the way; a procedure can be called only if all that it could run has been read. What
//! cannot be seen is taken for the worst. Names count whatever they are used for: stricter than need be, never laxer.
//!
//! A run is a dialogue. The first question is about this database; the next ones are about the databases that its
//! bodies name, and those that these name. An account that sees few databases has all of them looked at, since its
//! statements can name them too.
//!
//! Not seen: loadable functions, where the account may not read their list (known names of harmful ones are refused
//! with every text), and what the tables of a database do when ours change that no account with a session can see.
//!
//! Must not know: sockets, clocks, sessions; who asks its questions, and when.

mod allowed;
mod graph;
mod question;
mod reading;
mod report;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    session::Rows,
    sql::mysql::{RefusedWords, Script},
};
use allowed::Allowed;
use graph::Graph;
use question::UNEXPECTED;
use reading::Reading;
pub use survey::Follows;
use survey::{LISTED, Survey};

/// Databases followed in one run.
const FOLLOWED_MAX: usize = 64;

/// One database of a server.
#[derive(Debug, Default)]
pub struct Audited {
    /// What no statement may mention in a lull.
    pub words: RefusedWords,
    /// The procedures whose bodies have been read and do nothing that the guard does not stop, in lower case.
    pub callable: BTreeSet<Vec<u8>>,
    /// The same where another database is named, by that one's name in lower case.
    pub words_beyond: BTreeMap<String, RefusedWords>,
    /// Views and functions that write when they are read. The guard stops that; in a transaction that began before it,
    /// nobody else does.
    pub running: RefusedWords,
    /// What reaches from here into other databases.
    pub reach: Reach,
    /// What does so where another database is named, by that one's name.
    pub beyond: BTreeMap<String, Reach>,
    /// Where the account sees many databases: those of which it is known what they reach, in lower case.
    pub known: Option<BTreeSet<Vec<u8>>>,
}

/// Names by which a statement could write in other databases.
#[derive(Debug, Default)]
pub struct Reach {
    /// By the other database's name, in lower case.
    pub into: BTreeMap<String, Ways>,
    /// Nobody knows where it ends.
    pub anywhere: Ways,
}

#[derive(Debug, Default)]
pub struct Ways {
    /// For statements that write or call.
    pub writing: RefusedWords,
    /// For all: reading runs a function that writes.
    pub reading: RefusedWords,
}

impl Audited {
    pub(super) fn may_call(&self, name: &[u8]) -> bool {
        self.callable.contains(&name.to_ascii_lowercase())
    }

    /// What in the text could act behind the guard.
    pub(super) fn hidden(&self, text: &[u8], script: &Script) -> Option<String> {
        let beyond = || {
            self.words_beyond.iter().find_map(|(database, words)| {
                names(text, script, database).then_some(())?;
                let word = script.mentioned(text, words)?;
                Some(format!("{database}.{word}"))
            })
        };
        script
            .mentioned(text, &self.words)
            .map(str::to_owned)
            .or_else(beyond)
    }

    /// Whether there is any such name.
    pub(super) fn reaches(&self, database: &str) -> bool {
        self.reach.leads_into(database) || self.beyond.values().any(|reach| reach.leads_into(database))
    }

    /// The databases in the text of which this does not say where they lead, in lower case.
    pub(super) fn unknown(&self, text: &[u8], script: &Script) -> Vec<String> {
        let Some(known) = &self.known else {
            return Vec::new();
        };
        let named = script.databases(text).into_iter();
        let unknown: BTreeSet<Vec<u8>> = named.filter(|name| !known.contains(name)).collect();
        unknown
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect()
    }

    /// The name in the text by which it could write in that database.
    pub(super) fn reaching(
        &self,
        database: &str,
        text: &[u8],
        script: &Script,
        only_reads: bool,
    ) -> Option<&str> {
        let own = self.reach.mentioned(database, text, script, only_reads);
        own.or_else(|| {
            self.beyond.iter().find_map(|(other, reach)| {
                names(text, script, other).then_some(())?;
                reach.mentioned(database, text, script, only_reads)
            })
        })
    }
}

fn names(text: &[u8], script: &Script, database: &str) -> bool {
    let mut named = RefusedWords::new();
    named.refuse(database.as_bytes());
    script.database_mentioned(text, &named).is_some()
}

impl Reach {
    fn leads_into(&self, database: &str) -> bool {
        let into = self.into.get(&database.to_ascii_lowercase());
        into.into_iter()
            .chain([&self.anywhere])
            .any(|ways| !ways.writing.is_empty() || !ways.reading.is_empty())
    }

    fn mentioned(&self, database: &str, text: &[u8], script: &Script, only_reads: bool) -> Option<&str> {
        let into = self.into.get(&database.to_ascii_lowercase());
        into.into_iter().chain([&self.anywhere]).find_map(|ways| {
            let words = if only_reads { &ways.reading } else { &ways.writing };
            script.mentioned(text, words)
        })
    }
}

/// One database, one run.
#[derive(Debug, Default)]
pub struct Audit {
    allowed: Allowed,
    beforehand: Beforehand,
    awaits: Awaits,
    survey: Option<Box<Survey>>,
}

/// What is known before the first question.
#[derive(Debug, Default, Clone)]
pub struct Beforehand {
    /// Databases that are to be followed too, in lower case.
    pub also: BTreeSet<String>,
    /// What other databases' own sessions can see of foreign keys: this one's may not.
    pub follows: Vec<Follows>,
}

/// Which question is out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Awaits {
    #[default]
    Nothing,
    Survey,
    Functions,
    Elsewhere,
    Followers,
}

/// A step is made a handful of times per lull, and moved once.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Step {
    /// The next SQL text: one statement, which reads catalogs only.
    Ask(String),
    Done(Outcome),
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub audited: Audited,
    pub findings: Vec<Finding>,
    /// The foreign keys by which tables of this database follow others, if some follow those of other databases.
    pub follows: Vec<Follows>,
}

/// For people. Never holds SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub object: String,
    pub why: String,
}

impl Audit {
    /// An audit that knows what the operator allows.
    pub fn new(allowed: &[String], beforehand: Beforehand) -> Self {
        Self {
            allowed: Allowed::new(allowed),
            beforehand,
            ..Self::default()
        }
    }

    /// The first question; whatever was found before is forgotten.
    pub fn begin(&mut self) -> Step {
        self.survey = None;
        self.ask(Awaits::Survey, question::survey(LISTED))
    }

    /// Takes the answer to the question that is out.
    pub fn answer(&mut self, rows: Rows) -> Result<Step, String> {
        let rows = question::rows(rows)?;
        let awaited = std::mem::take(&mut self.awaits);
        let mut survey = match (awaited, self.survey.take()) {
            (Awaits::Survey, _) => Box::new(Survey::read(rows)?),
            (Awaits::Functions | Awaits::Elsewhere | Awaits::Followers, Some(mut survey)) => {
                survey.add(rows);
                survey
            }
            _ => return Err(UNEXPECTED.to_owned()),
        };
        let (next, text) = match awaited {
            Awaits::Survey if !survey.loadable_in.is_empty() => {
                let databases = survey.loadable_in.iter().map(Vec::as_slice);
                (Awaits::Functions, question::functions(databases))
            }
            Awaits::Survey | Awaits::Functions | Awaits::Elsewhere => {
                let next = named(&survey, &self.beforehand.also);
                if next.is_empty() {
                    // MariaDB would open every table that the account can see.
                    let opens = survey.is_mariadb() && survey.sees_more;
                    if survey.visible.is_empty() || opens {
                        return Ok(Step::Done(self.outcome(&survey)));
                    }
                    (Awaits::Followers, question::followers())
                } else {
                    let text = question::elsewhere(next.iter().map(Vec::as_slice));
                    survey
                        .followed
                        .extend(next.iter().map(|name| name.to_ascii_lowercase()));
                    (Awaits::Elsewhere, text)
                }
            }
            Awaits::Followers | Awaits::Nothing => return Ok(Step::Done(self.outcome(&survey))),
        };
        self.survey = Some(survey);
        Ok(self.ask(next, text))
    }

    fn ask(&mut self, awaits: Awaits, text: String) -> Step {
        self.awaits = awaits;
        Step::Ask(text)
    }

    fn outcome(&self, survey: &Survey) -> Outcome {
        let graph = Graph::of(survey, &self.beforehand.follows, &self.allowed);
        report::outcome(survey, &graph, &self.allowed)
    }
}

/// The databases to ask about next, as they are written.
fn named(survey: &Survey, also: &BTreeSet<String>) -> Vec<Vec<u8>> {
    let mut next: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    if survey.sees_more {
        for object in &survey.objects {
            let reading = Reading::of(object, survey);
            let databases = reading.databases().filter(|name| reading.is_database(name));
            next.extend(databases.map(|name| (name.clone(), name.clone())));
        }
        let children = survey.follows.iter().map(|follows| &follows.child.0);
        next.extend(children.map(|name| (name.to_ascii_lowercase(), name.clone())));
        let also = also.iter().map(|name| name.clone().into_bytes());
        next.extend(also.map(|name| (name.clone(), name)));
    } else {
        next.clone_from(&survey.visible);
    }
    let left = FOLLOWED_MAX.saturating_sub(survey.followed.len());
    let new = next.into_iter().filter(|(name, _)| !survey.is_settled(name));
    new.map(|(_, written)| written).take(left).collect()
}
