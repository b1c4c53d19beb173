//! The names in the body of a view, routine or trigger, without regard to what they stand for.
//!
//! Guarantees: whatever the server could take for the name of a table or routine is among them. More than that may be:
//! columns, aliases, variables.
//!
//! Must not know: which names exist.

use std::collections::BTreeSet;

use super::class::{Class, Opaque};
use super::lexer::{Kind, Token};
use super::{Dialect, Script, analyze, names};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// In lower case, as far as that is ASCII.
    pub identifiers: BTreeSet<Vec<u8>>,
    /// Those that a dot follows: databases, tables, aliases, rows of variables.
    pub qualifiers: BTreeSet<Vec<u8>>,
    /// Those of the qualifiers that can be nothing but a database.
    pub databases: BTreeSet<Vec<u8>>,
    /// Those that stand somewhere without a dot behind them, so that they are, or may be, declared there.
    pub declared: BTreeSet<Vec<u8>>,
}

/// Words behind which a table or routine stands, and no column.
const BEFORE_TABLES: &[&str] = &["into", "join", "update", "table", "call", "straight_join"];

impl Mentions {
    /// Whether a qualifier is one of a database, as far as the text shows: nothing else in it could have the name.
    pub fn is_database(&self, name: &[u8]) -> bool {
        self.databases.contains(name) || self.qualifiers.contains(name) && !self.declared.contains(name)
    }
}

impl Script {
    /// The databases that the text names, as far as it shows; also in what it has prepared from a constant.
    pub fn databases(&self, text: &[u8]) -> Vec<Vec<u8>> {
        let inner = self.statements.iter().filter_map(|s| match &s.class {
            Class::Opaque(Opaque::Prepare { script, .. } | Opaque::Immediate { script }) => script.as_deref(),
            _ => None,
        });
        let inner = inner.map(|inner| of_tokens(&inner.text, &inner.script.tokens));
        let all = std::iter::once(of_tokens(text, &self.tokens)).chain(inner);
        all.flat_map(|found| {
            let named = found.qualifiers.iter().filter(|name| found.is_database(name));
            named.cloned().collect::<Vec<_>>()
        })
        .collect()
    }
}

/// None where the text cannot be read to its end.
pub fn mentions(text: &[u8], dialect: Dialect) -> Option<Mentions> {
    let (tokens, halt) = analyze::tokenize(text, dialect);
    halt.is_none().then(|| of_tokens(text, &tokens))
}

fn of_tokens(text: &[u8], tokens: &[Token]) -> Mentions {
    const DOT: Option<Kind> = Some(Kind::Punct(b'.'));
    let mut found = Mentions::default();
    let kind = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|token| token.kind);
    for (at, token) in tokens.iter().enumerate() {
        let before = kind(at.checked_sub(1));
        // `@@session.x`
        let Some(name) = names::identifier(text, token).filter(|_| before != Some(Kind::System)) else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        if kind(Some(at + 1)) != DOT {
            found.declared.insert(name.clone());
        } else if before != DOT {
            let behind = kind(Some(at + 3));
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let stands_for_table = before.is_some_and(|word| is_any(text, word, BEFORE_TABLES));
            if behind == DOT || behind == Some(Kind::Punct(b'(')) || stands_for_table {
                found.databases.insert(name.clone());
            }
            found.qualifiers.insert(name.clone());
        }
        found.identifiers.insert(name);
    }
    found
}

fn is_any(text: &[u8], token: &Token, words: &[&str]) -> bool {
    let word = names::slice(text, token);
    token.kind == Kind::Word
        && words
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether the server may take two names of routines or tables for the same. Stricter than the server, never laxer.
pub fn may_be_same(a: &[u8], b: &[u8]) -> bool {
    match (a.is_ascii(), b.is_ascii()) {
        (true, true) => a.eq_ignore_ascii_case(b),
        (false, true) => names::matches_loosely(a, b),
        (true, false) => names::matches_loosely(b, a),
        (false, false) => names::ends_agree(a, b),
    }
}
