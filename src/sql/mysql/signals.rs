//! The questions by which applications learn that they should stop writing, and how the text that asks is answered 1.
//!
//! `@@global.read_only` and its kin become [`ANSWER`], a constant of the server's own that has the same type, length and
//! flags (measured on MariaDB 10.11 and MySQL 9.7), with the asking words as alias where the column was named after
//! them. SHOW VARIABLES is not rewritten: who reads its rows can replace the value of those whose first column
//! [`is_signal`].
//!
//! Must not know: whether there is a lull.

use std::ops::Range;

use super::analyze::{Script, position};
use super::class::{Class, Statement};
use super::lexer::{Kind, Token};
use super::{Dialect, Flavor, aliases, names};

/// On wherever files can be larger than 2 GiB, and read only.
const ANSWER: &[u8] = b"@@global.large_files_support";

/// Whether a variable is one of those that tell of a read-only server.
pub fn is_signal(name: &[u8]) -> bool {
    SIGNALS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

const SIGNALS: [&[u8]; 3] = [b"read_only", b"super_read_only", b"innodb_read_only"];

impl Script {
    /// Where the text asks whether the server is read-only, from `@@` to the end of the name.
    pub fn questions(&self, text: &[u8], dialect: Dialect) -> Vec<Range<usize>> {
        let span = |(first, last): (usize, usize)| {
            let start = self.tokens.get(first).map_or(0, |t| position(t.start));
            start..self.tokens.get(last).map_or(start, |t| position(t.end))
        };
        let mut found = Vec::new();
        for statement in &self.statements {
            let list = Question::of(text, self.between(statement), statement, dialect);
            let offset = self.index_of(statement);
            found.extend(
                list.into_iter()
                    .map(|q| span((q.first + offset, q.last + offset))),
            );
        }
        found
    }

    /// The text with every question answered 1; `None` where there is none. Apart from that it is the same text.
    pub fn answered(&self, text: &[u8], dialect: Dialect) -> Option<Vec<u8>> {
        // What is not read to its end is not rewritten.
        if self
            .statements
            .iter()
            .any(|statement| matches!(statement.class, Class::Unknown(_)))
        {
            return None;
        }
        let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
        for statement in &self.statements {
            let tokens = self.between(statement);
            let questions = Question::of(text, tokens, statement, dialect);
            if questions.is_empty() {
                continue;
            }
            let at = |token: Option<&Token>, end: bool| {
                token.map_or(0, |t| position(if end { t.end } else { t.start }))
            };
            for question in &questions {
                let range = at(tokens.get(question.first), false)..at(tokens.get(question.last), true);
                edits.push((range, ANSWER.to_vec()));
            }
            let asked: Vec<usize> = questions.iter().map(|q| q.first).collect();
            edits.extend(aliases::of(text, tokens, dialect, &asked));
        }
        if edits.is_empty() {
            return None;
        }
        // An alias stands at the end of what it names; both may end at one place.
        edits.sort_by_key(|(range, _)| (range.end, range.is_empty()));
        let mut out = Vec::with_capacity(text.len() + edits.len() * ANSWER.len());
        let mut from = 0;
        for (range, new) in edits {
            out.extend_from_slice(text.get(from..range.start).unwrap_or_default());
            out.extend_from_slice(&new);
            from = range.end;
        }
        out.extend_from_slice(text.get(from..).unwrap_or_default());
        Some(out)
    }

    fn index_of(&self, statement: &Statement) -> usize {
        self.tokens
            .partition_point(|t| position(t.start) < statement.span.start)
    }

    fn between(&self, statement: &Statement) -> &[Token] {
        let end = self
            .tokens
            .partition_point(|t| position(t.start) < statement.span.end);
        self.tokens.get(self.index_of(statement)..end).unwrap_or_default()
    }
}

/// The tokens of one question among those of its statement.
#[derive(Debug, Clone, Copy)]
struct Question {
    first: usize,
    last: usize,
}

impl Question {
    fn of(text: &[u8], tokens: &[Token], statement: &Statement, dialect: Dialect) -> Vec<Self> {
        let kind = |at: usize| tokens.get(at).map(|t| t.kind);
        let sets = statement.verb == "SET";
        let mut found = Vec::new();
        for (first, _) in tokens.iter().enumerate().filter(|(_, t)| t.kind == Kind::System) {
            let mut last = first + 1;
            if kind(last + 1) == Some(Kind::Punct(b'.')) {
                let scope = tokens.get(last).filter(|t| t.kind == Kind::Name);
                if scope.is_none_or(|t| !names::slice(text, t).eq_ignore_ascii_case(b"global")) {
                    continue;
                }
                last += 2;
            }
            let asked = tokens.get(last).is_some_and(|name| {
                SIGNALS.iter().any(|known| {
                    // Left alone where the server knows no such variable, so that it can say so.
                    let exists = *known != b"super_read_only" || dialect.flavor == Flavor::MySql;
                    exists && names::may_be(text, name, known)
                })
            });
            let assigned = sets
                && matches!(kind(last + 1), Some(Kind::Punct(b'=') | Kind::Assign))
                && first
                    .checked_sub(1)
                    .and_then(kind)
                    .is_none_or(|k| matches!(k, Kind::Word | Kind::Punct(b',')));
            let whole = tokens
                .get(first..=last)
                .is_some_and(|tokens| is_in_one_piece(text, tokens));
            if asked && !assigned && whole {
                found.push(Self { first, last });
            }
        }
        found
    }
}

/// Whether no comment whose text is executed begins or ends between the tokens, and would lose its other end with them.
fn is_in_one_piece(text: &[u8], tokens: &[Token]) -> bool {
    tokens.windows(2).all(|pair| {
        let gap = match pair {
            [before, after] => text.get(position(before.end)..position(after.start)),
            _ => None,
        };
        let gap = gap.unwrap_or_default();
        let has = |mark: &[u8]| gap.windows(mark.len()).any(|bytes| bytes == mark);
        let begins = has(b"/*!") || has(b"/*M!");
        !begins && (has(b"/*") || !has(b"*/"))
    })
}
