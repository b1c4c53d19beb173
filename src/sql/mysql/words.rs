//! Names that a text must not mention: what an audit found to reach something behind the guard, or databases.
//!
//! Guarantees: one table look-up per identifier. A mention is any identifier that the server could take for the name,
//! quoted or not, whatever it stands for in the statement: stricter than the server, never laxer. Case does not count.
//! A letter above ASCII may be any letter, for the server compares routines without accents and the text's character
//! set need not be the audit's.
//!
//! Must not know: why a name is refused, or which database it lives in.

use std::collections::HashMap;

use super::analyze::Script;
use super::class::{Class, Opaque};
use super::lexer::{Kind, Token};
use super::names;

/// Comparisons with names above ASCII in one text. Past it, the text counts as a mention.
const COMPARISONS_MAX: usize = 1 << 20;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedWords {
    /// In lower case.
    names: HashMap<Box<[u8]>, Box<str>>,
    foreign: Vec<(Box<[u8]>, Box<str>)>,
}

impl RefusedWords {
    pub fn new() -> Self {
        Self::default()
    }

    /// A name as the catalogs have it.
    pub fn refuse(&mut self, name: &[u8]) {
        let shown: Box<str> = String::from_utf8_lossy(name).into();
        let key: Box<[u8]> = name.to_ascii_lowercase().into();
        if name.is_ascii() {
            self.names.insert(key, shown);
        } else if !self.foreign.iter().any(|(known, _)| *known == key) {
            self.foreign.push((key, shown));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.foreign.is_empty()
    }

    /// The name that the identifier may be.
    fn look_up(&self, written: &[u8], left: &mut usize) -> Option<&str> {
        if written.is_ascii() {
            let mut buffer = [0; names::NAME_BYTES_MAX];
            if let Some(lower) = buffer.get_mut(..written.len()) {
                lower.copy_from_slice(written);
                lower.make_ascii_lowercase();
                if let Some(shown) = self.names.get(&*lower) {
                    return Some(shown);
                }
            }
            return search(self.foreign.iter().map(pair), left, |name| {
                names::matches_loosely(name, written)
            });
        }
        let own = search(
            self.names.iter().map(|(name, shown)| (&**name, &**shown)),
            left,
            |name| names::matches_loosely(written, name),
        );
        own.or_else(|| {
            search(self.foreign.iter().map(pair), left, |name| {
                names::ends_agree(written, name)
            })
        })
    }
}

fn pair((name, shown): &(Box<[u8]>, Box<str>)) -> (&[u8], &str) {
    (name, shown)
}

fn search<'w>(
    mut list: impl ExactSizeIterator<Item = (&'w [u8], &'w str)>,
    left: &mut usize,
    same: impl Fn(&[u8]) -> bool,
) -> Option<&'w str> {
    let Some(rest) = left.checked_sub(list.len()) else {
        return Some("more names than can be compared");
    };
    *left = rest;
    list.find(|(name, _)| same(name)).map(|(_, shown)| shown)
}

impl Script {
    /// The first of these names that an identifier in the text may be. `text` is the text of this script. A text that
    /// PREPARE or EXECUTE IMMEDIATE has in a constant is looked at too.
    pub fn mentioned<'w>(&self, text: &[u8], words: &'w RefusedWords) -> Option<&'w str> {
        self.find(text, words, |_, _| true)
    }

    /// The first of these databases that the text may reach into by name: an identifier before a dot, behind USE,
    /// DATABASE or SCHEMA.
    pub fn database_mentioned<'w>(&self, text: &[u8], databases: &'w RefusedWords) -> Option<&'w str> {
        self.find(text, databases, |tokens, at| {
            let dot = |t: &Token| t.kind == Kind::Punct(b'.');
            let keyword = |t: &Token| {
                t.kind == Kind::Word
                    && [&b"database"[..], b"schema", b"use", b"exists"]
                        .iter()
                        .any(|k| names::slice(text, t).eq_ignore_ascii_case(k))
            };
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            tokens.get(at + 1).is_some_and(dot) || before.is_some_and(keyword)
        })
    }

    fn find<'w>(
        &self,
        text: &[u8],
        words: &'w RefusedWords,
        counts: impl Fn(&[Token], usize) -> bool + Copy,
    ) -> Option<&'w str> {
        if words.is_empty() {
            return None;
        }
        let mut left = COMPARISONS_MAX;
        let own = find_in(text, &self.tokens, words, &mut left, counts);
        own.or_else(|| {
            let mut inner = self.statements.iter().filter_map(|s| match &s.class {
                Class::Opaque(Opaque::Prepare { script, .. } | Opaque::Immediate { script }) => {
                    script.as_deref()
                }
                _ => None,
            });
            inner.find_map(|inner| find_in(&inner.text, &inner.script.tokens, words, &mut left, |_, _| true))
        })
    }
}

fn find_in<'w>(
    text: &[u8],
    tokens: &[Token],
    words: &'w RefusedWords,
    left: &mut usize,
    counts: impl Fn(&[Token], usize) -> bool,
) -> Option<&'w str> {
    for (at, token) in tokens.iter().enumerate() {
        if !matches!(token.kind, Kind::Word | Kind::Name | Kind::Quoted) || !counts(tokens, at) {
            continue;
        }
        let unquoted;
        let written = if token.kind == Kind::Quoted {
            unquoted = names::identifier(text, token).unwrap_or_default();
            unquoted.as_slice()
        } else {
            names::slice(text, token)
        };
        if let Some(shown) = words.look_up(written, left) {
            return Some(shown);
        }
    }
    None
}
