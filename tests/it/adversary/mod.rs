//! No way out: what clients in a lull send to write all the same, between two fingerprints taken from outside.
//!
//! `tables` runs the files in `tests/adversary/` in every manner of sending; `stories` has the ways out that need a past
//! before the lull, exact frames or a partner; `reads` holds what must not be hindered.

mod hidden;
mod reads;
mod startup;
mod stories;
mod tables;

use crate::support::Replies;
use crate::support::places::project;

/// One case of a table: why it is there, and what is sent, one message a line.
#[derive(Debug)]
struct Case {
    reason: String,
    lines: Vec<String>,
}

/// Reads a table: a line `-- reason` opens a case, every line up to the next is one message, in which ⏎ is a
/// line feed.
fn cases(file: &str) -> Vec<Case> {
    let path = project("tests/adversary").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix("-- "), cases.last_mut()) {
            (Some(reason), _) => cases.push(Case {
                reason: reason.to_owned(),
                lines: Vec::new(),
            }),
            (None, Some(case)) => case.lines.push(line.replace('⏎', "\n")),
            (None, None) => panic!("{file}: a statement before the first reason"),
        }
    }
    cases.retain(|case| !case.lines.is_empty());
    assert!(!cases.is_empty(), "{file} has no cases");
    cases
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
