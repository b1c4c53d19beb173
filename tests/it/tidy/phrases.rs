//! Nothing that a MySQL client can be told in a lull reads like a lost connection to a framework.
//!
//! Reads every text that stands in the sources from which refusals are made: one that is added later is looked at too.

use super::reading::{Source, assert_none, sources};
use crate::errors::PHRASES_OF_LOSS;

/// Where the pieces of refusals stand. What `refusal.rs` itself compares with is the list.
const PARTS: [&str; 4] = ["session/mysql", "sql/mysql", "gate/lull", "fault"];
const LIST: &str = "const PHRASES_OF_LOSS";

#[test]
fn no_text_that_a_refusal_is_made_of_sounds_like_a_lost_connection() {
    let mut found = Vec::new();
    let mut seen = 0;
    for source in sources("src") {
        if source.is_test() || !PARTS.iter().any(|part| source.is_in(part)) {
            continue;
        }
        for (at, literal) in literals(&source) {
            seen += 1;
            let lower = literal.to_lowercase();
            let phrases = PHRASES_OF_LOSS.iter();
            let mut said = phrases.filter(|phrase| lower.contains(&phrase.to_lowercase()));
            if let Some(phrase) = said.next() {
                found.push(format!("src/{}:{at} says {phrase:?}: {literal}", source.path));
            }
        }
    }
    assert!(seen > 500, "the texts are found: {seen}");
    assert_none(
        "texts by which a framework would take the connection for lost",
        &found,
    );
}

/// The strings of the code with the lines on which they begin, continued ones put together.
fn literals(source: &Source) -> Vec<(usize, String)> {
    let mut literals = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let mut in_list = false;
    for (at, line) in source.lines() {
        in_list |= line.contains(LIST);
        if in_list {
            in_list = line != "];";
            continue;
        }
        let line = if open.is_some() { line.trim_start() } else { line };
        // A quote that is a character of its own opens nothing.
        let line = line.replace("'\"'", "' '");
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, &mut open) {
                ('\\', Some((_, text))) => {
                    text.extend(chars.next().map(|_| ' ').filter(|_| chars.peek().is_some()))
                }
                ('"', Some(_)) => literals.extend(open.take()),
                ('"', None) => open = Some((at, String::new())),
                ('/', None) if chars.peek() == Some(&'/') => break,
                (c, Some((_, text))) => text.push(c),
                (_, None) => {}
            }
        }
    }
    literals
}

#[test]
fn a_text_of_several_lines_is_read_as_one() {
    let source = Source {
        path: "x.rs".into(),
        text: "let a = '\"'; // \"no\"\nlet b = \"went \\\n    away\"; let c = \"\\\"\";".into(),
    };
    let found = literals(&source);
    assert_eq!(found.first(), Some(&(2, "went away".to_owned())));
    assert_eq!(found.len(), 2);
}
