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
