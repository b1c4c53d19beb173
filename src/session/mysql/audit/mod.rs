//! What the audit of a database has found: which routines could act behind the guard of a lull, and what reaches from
//! here into other databases.

use std::collections::{BTreeMap, BTreeSet};

use crate::sql::mysql::RefusedWords;

/// One database of a server.
#[derive(Debug, Default)]
pub struct Audited {
    /// What no statement may mention in a lull.
    pub words: RefusedWords,
    /// The procedures whose bodies have been read and do nothing that the guard does not stop, in lower case.
    pub callable: BTreeSet<Vec<u8>>,
    /// Views, routines and tables that reach into another database, by its name.
    pub reach: BTreeMap<String, RefusedWords>,
}

impl Audited {
    pub(super) fn may_call(&self, name: &[u8]) -> bool {
        self.callable.contains(&name.to_ascii_lowercase())
    }

    pub(super) fn reaching(&self, database: &str) -> Option<&RefusedWords> {
        self.reach.get(database)
    }
}

/// One database, one run: a dialogue of questions to its catalogs.
#[derive(Debug, Default)]
pub struct Audit {}

/// A step is made a handful of times per lull, and moved once.
#[derive(Debug)]
pub enum Step {
    /// The next SQL text: one statement, which reads catalogs only.
    Ask(String),
    Done(Outcome),
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub audited: Audited,
    pub findings: Vec<Finding>,
}

/// For people. Never holds SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub object: String,
    pub why: String,
}

impl Audit {
    /// An audit that knows what the operator allows.
    pub fn new(_allowed: &[String]) -> Self {
        Self::default()
    }

    /// The first question; whatever was found before is forgotten.
    pub fn begin(&mut self) -> Step {
        Step::Done(Outcome::default())
    }

    /// The server's answer to the last question. An error where it cannot be one.
    pub fn answer(&mut self, _rows: crate::session::Rows) -> Result<Step, String> {
        Ok(Step::Done(Outcome::default()))
    }
}
