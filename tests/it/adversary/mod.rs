//! No way out: what clients in a lull send to write all the same, between two fingerprints taken from outside.
//!
//! `tables` runs the files in `tests/adversary/` in every manner of sending, and `controls` runs them around lull, where they
//! must get through; `functions` sends what can be called by number; `crowds` races with lulls that open; `stories` has the ways out that need a past before the lull, exact frames or a partner; `reads` holds
//! what must not be hindered.

mod controls;
mod crowds;
mod eyes;
mod functions;
mod ground;
mod hidden;
mod manners;
mod mysql;
mod mysql_hidden;
mod reads;
mod stage;
mod startup;
mod stories;
mod tables;
mod told;

use crate::support::Replies;
use crate::support::places::project;

/// One case of a table: why it is there, and what is sent, one message a line.
#[derive(Debug)]
struct Case {
    reason: String,
    witness: Witness,
    lines: Vec<String>,
}

/// By what one can tell that a case does something where nothing is in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Witness {
    /// The fingerprint moves.
    Fingerprint,
    /// It succeeds, and is not seen.
    Success,
    None,
}

/// Reads a table: a line `-- reason` opens a case, every line up to the next is one message, in which ⏎ is a
/// line feed. Behind the reason may stand `; unseen: why` or `; untold: why`, of a case that moves no fingerprint.
fn cases(file: &str) -> Vec<Case> {
    let path = project("tests/adversary").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix("-- "), cases.last_mut()) {
            (Some(reason), _) => cases.push(Case::of(reason)),
            (None, Some(case)) => case.lines.push(line.replace('⏎', "\n")),
            (None, None) => panic!("{file}: a statement before the first reason"),
        }
    }
    cases.retain(|case| !case.lines.is_empty());
    assert!(!cases.is_empty(), "{file} has no cases");
    cases
}

impl Case {
    fn of(line: &str) -> Self {
        let witness = match line {
            _ if line.contains("; unseen: ") => Witness::Success,
            _ if line.contains("; untold: ") => Witness::None,
            _ => Witness::Fingerprint,
        };
        Self {
            reason: line.to_owned(),
            witness,
            lines: Vec::new(),
        }
    }
}

/// What there is to be changed.
fn ground() -> String {
    std::fs::read_to_string(project("tests/adversary/ground.sql")).expect("ground.sql")
}

/// Without the announcement of the mode, which comes in front of the next reply.
fn unannounced(mut replies: Replies) -> Replies {
    let announces = |(name, _): (String, String)| name == "default_transaction_read_only";
    replies
        .0
        .retain(|message| !message.parameter().is_some_and(announces));
    replies
}
