//! The audit of one database: which routines, views and other objects could act behind the guard of a lull.
//!
//! Guarantees: an object that the catalogs connect with something that could get past the guard is refused, whatever
//! the length of the way; a database without such objects is cleared by one question. Names are refused whatever
//! schema they are used with: stricter than need be, never laxer.
//!
//! A run is a dialogue. `survey` asks for all that could hide something, `texts` for the few expressions whose arguments
//! decide, `reach` for what the suspects are reached by; as long as the names found so far occur in a body that was
//! clean before, `reach` is asked again.
//!
//! Must not know: sockets, clocks, sessions; who asks its questions, and when.

mod allowed;
mod extensions;
mod question;
mod reach;
mod reading;
mod report;
mod survey;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use crate::session::Rows;
use crate::sql::pg::RefusedWords;
use allowed::Allowed;
use question::{Node, UNEXPECTED};
use reach::{MENTION, Reached, WRITE};
use reading::{Call, Why};
use survey::Survey;

/// Rounds of asking what reaches what was found. Each takes one more step through bodies that name each other.
const ROUNDS_MAX: usize = 100;

/// One database, one run.
#[derive(Debug)]
pub struct Audit {
    allowed: Allowed,
    awaits: Awaits,
    rounds: usize,
    survey: Survey,
    /// Routines that the operator allows, whatever they do.
    barriers: BTreeMap<Node, Option<char>>,
    /// Whose text is being asked for, with the function that made it necessary.
    undecided: BTreeMap<Node, String>,
    suspects: BTreeMap<Node, Suspect>,
    words: RefusedWords,
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
    /// What no statement may mention.
    pub words: RefusedWords,
    /// The same routines and types where the protocol names them by OID: FunctionCall, and the parameter types of
    /// Parse (a parameter of a domain runs the domain's checks).
    pub oids: BTreeSet<u32>,
    pub findings: Vec<Finding>,
}

/// For people. Never holds SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub object: String,
    pub why: String,
}

/// Which question is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Nothing,
    Survey,
    Texts,
    Reach,
}

/// Something that gets past the guard by itself.
#[derive(Debug)]
struct Suspect {
    why: Why,
    mode: char,
}

impl Audit {
    /// An audit that knows what the operator allows.
    pub fn new(allowed: &[String]) -> Self {
        Self::with(Allowed::new(allowed))
    }

    fn with(allowed: Allowed) -> Self {
        Self {
            allowed,
            awaits: Awaits::Nothing,
            rounds: 0,
            survey: Survey::default(),
            barriers: BTreeMap::new(),
            undecided: BTreeMap::new(),
            suspects: BTreeMap::new(),
            words: RefusedWords::new(),
        }
    }

    /// The first question; whatever was found before is forgotten.
    pub fn begin(&mut self) -> Step {
        *self = Self {
            awaits: Awaits::Survey,
            ..Self::with(std::mem::take(&mut self.allowed))
        };
        Step::Ask(survey::question(&self.allowed))
    }

    /// Takes the answer to the question that is out.
    pub fn answer(&mut self, rows: Rows) -> Result<Step, String> {
        match std::mem::replace(&mut self.awaits, Awaits::Nothing) {
            Awaits::Survey => self.surveyed(survey::read(rows)?),
            Awaits::Texts => self.printed(texts::read(rows)?),
            Awaits::Reach => self.reached(reach::read(rows)?),
            Awaits::Nothing => Err(UNEXPECTED.to_owned()),
        }
    }

    fn surveyed(&mut self, survey: Survey) -> Result<Step, String> {
        self.survey = survey;
        self.survey.routines.retain(|routine| {
            let extension = routine.extension.as_deref();
            let allowed = self.allowed.routine(&routine.name, &routine.arguments, extension);
            if allowed {
                self.barriers.insert(routine.node.clone(), None);
            }
            !allowed
        });
        if !self.allowed.foreign_tables {
            for node in std::mem::take(&mut self.survey.foreign) {
                self.suspect(
                    node,
                    Why::Says("has its rows from another server".to_owned()),
                    MENTION,
                );
            }
        }
        for node in std::mem::take(&mut self.survey.settings) {
            self.suspect(
                node,
                Why::Says("changes settings when it is updated".to_owned()),
                WRITE,
            );
        }
        self.judge();
        self.find_undecided();
        if self.undecided.is_empty() {
            return self.follow(Vec::new());
        }
        self.awaits = Awaits::Texts;
        Ok(Step::Ask(texts::question(self.undecided.keys())))
    }

    /// What could not be printed is refused as it is.
    fn printed(&mut self, texts: Vec<(Node, Vec<u8>)>) -> Result<Step, String> {
        for (node, text) in texts {
            self.undecided.remove(&node);
            if let Some(why) = reading::expression(&text, &self.words) {
                self.suspect(node, why, MENTION);
            }
        }
        for (node, function) in std::mem::take(&mut self.undecided) {
            self.suspect(node, Why::Says(format!("calls {function}()")), MENTION);
        }
        self.follow(Vec::new())
    }

    /// Adds the routines and calls that are suspicious by what is known now; says whether there are new ones.
    fn judge(&mut self) -> bool {
        let before = self.suspects.len();
        let routines = std::mem::take(&mut self.survey.routines);
        for routine in &routines {
            let known = self.suspects.contains_key(&routine.node);
            if !known && let Some(why) = reading::routine(routine, &self.words) {
                self.suspect(routine.node.clone(), why, MENTION);
            }
        }
        self.survey.routines = routines;
        let calls = self.calls();
        for used in std::mem::take(&mut self.survey.uses) {
            if calls.get(&used.function) == Some(&Call::Refused) {
                self.suspect(
                    used.node,
                    Why::Says(format!("calls {}()", used.function)),
                    MENTION,
                );
            } else {
                self.survey.uses.push(used);
            }
        }
        self.suspects.len() > before
    }

    fn suspect(&mut self, node: Node, why: Why, mode: char) {
        self.suspects.entry(node).or_insert(Suspect { why, mode });
    }

    /// The functions that are not harmless by what is known now.
    fn calls(&self) -> BTreeMap<String, Call> {
        let functions: BTreeSet<_> = self
            .survey
            .uses
            .iter()
            .map(|used| used.function.as_str())
            .collect();
        let judged = functions
            .into_iter()
            .map(|f| (f.to_owned(), reading::call(f, &self.words)));
        judged
            .filter_map(|(function, call)| Some((function, call?)))
            .collect()
    }

    /// Where the arguments of a call decide.
    fn find_undecided(&mut self) {
        let calls = self.calls();
        for used in &self.survey.uses {
            if calls.get(&used.function) == Some(&Call::Depends) {
                self.undecided.insert(used.node.clone(), used.function.clone());
            }
        }
    }

    /// Everything is known about these; asks on where there are suspects that were not asked about.
    fn follow(&mut self, reached: Vec<Reached>) -> Result<Step, String> {
        let asked = self.rounds > 0;
        let grown = if asked {
            self.judge()
        } else {
            !self.suspects.is_empty()
        };
        if !grown {
            return Ok(Step::Done(report::outcome(
                std::mem::take(&mut self.words),
                &reached,
                &self.suspects,
                &self.survey,
            )));
        }
        if self.rounds == ROUNDS_MAX {
            return Err("the audit did not end: too many routines refer to each other by name".to_owned());
        }
        self.rounds += 1;
        self.awaits = Awaits::Reach;
        let seeds = self
            .suspects
            .iter()
            .map(|(node, s)| (node.clone(), Some(s.mode)))
            .collect();
        Ok(Step::Ask(reach::question(&seeds, &self.barriers, &self.allowed)))
    }

    fn reached(&mut self, reached: Vec<Reached>) -> Result<Step, String> {
        self.words = RefusedWords::new();
        reached.iter().for_each(|object| object.refuse(&mut self.words));
        self.follow(reached)
    }
}
