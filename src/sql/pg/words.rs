//! The names that an audit found to reach something behind the guard, and whether a text mentions one.
//!
//! Guarantees: one table look-up per identifier or operator. A mention is any identifier equal to a name, quoted or
//! not, whatever it stands for in the statement: stricter than the server, never laxer. Names outside ASCII are
//! compared by their ASCII parts, since the text's encoding need not be the audit's.
//!
//! Must not know: why a name is refused, or which schema it lives in.

use std::collections::HashMap;

use super::analyze::prepare;
use super::leaks;
use super::lexer::{Halt, Kind, Lexer, Token};
use super::literal::{self, NAME_BYTES_MAX};
use super::{Modes, Unlexable};

/// A name this long may be what is left of a longer one; how much is left depends on the server's encoding.
const CUT_BYTES_MIN: usize = NAME_BYTES_MAX - 3;

/// Refused everywhere, or only in statements that may write (where, for instance, a type's default would run).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Anywhere,
    Writes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: Box<str>,
    at: Where,
}

/// Routines, relations, types and operators that a text must not mention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedWords {
    names: HashMap<Box<[u8]>, Entry>,
    /// Keyed by what is left when letters outside ASCII are made one mark.
    foreign: HashMap<Box<[u8]>, Entry>,
    cut: Vec<(Box<[u8]>, Entry)>,
    operators: HashMap<Box<[u8]>, Entry>,
    /// Keywords that stand for a refused operator.
    keywords: HashMap<&'static str, Entry>,
}

impl RefusedWords {
    pub fn new() -> Self {
        Self::default()
    }

    /// A routine, relation or type, by its name as the catalogs have it.
    pub fn refuse(&mut self, name: &[u8]) {
        self.insert(name, Where::Anywhere);
    }

    /// A name that matters only in statements with INSERT, UPDATE, DELETE, MERGE or COPY in them.
    pub fn refuse_in_writes(&mut self, name: &[u8]) {
        self.insert(name, Where::Writes);
    }

    /// An operator, and the keywords that the grammar turns into it.
    pub fn refuse_operator(&mut self, symbol: &[u8]) {
        let entry = Entry {
            name: lossy(symbol),
            at: Where::Anywhere,
        };
        for (keywords, operators) in SPELLED {
            if operators.iter().any(|op| op.as_bytes() == symbol) {
                self.keywords.extend(keywords.iter().map(|&k| (k, entry.clone())));
            }
        }
        if symbol == b"<>" {
            self.operators.insert((*b"!=").into(), entry.clone());
        }
        self.operators.insert(symbol.into(), entry);
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.foreign.is_empty() && self.operators.is_empty()
    }

    fn insert(&mut self, name: &[u8], at: Where) {
        let entry = Entry {
            name: lossy(name),
            at,
        };
        if name.is_ascii() {
            merge(&mut self.names, name.into(), entry);
            return;
        }
        let key = skeleton(name);
        if name.len() >= CUT_BYTES_MIN {
            self.cut.push((key.clone().into(), entry.clone()));
        }
        merge(&mut self.foreign, key.into(), entry);
    }

    /// The first refused name or operator in the text.
    ///
    /// Where anything is refused, a function that runs SQL text or reads relations by name counts as a mention: it
    /// could reach a refused one without naming it as an identifier.
    pub fn mentioned<'a>(&'a self, text: &[u8], modes: &Modes) -> Result<Option<&'a str>, Unlexable> {
        if self.is_empty() {
            return Ok(None);
        }
        let masked = prepare(text, modes)?;
        let mut search = Search::new(self);
        let mut lexer = Lexer::new(&masked, 0, modes.standard_conforming_strings);
        loop {
            match lexer.next_token() {
                Ok(Some(token)) => {
                    if let Some(name) = search.see(&lexer, &token) {
                        return Ok(Some(name));
                    }
                }
                // An open quote or comment: the server runs none of it.
                Ok(None) | Err(Halt::Unterminated) => return Ok(None),
                Err(Halt::Ambiguous) => return Err(Unlexable::Backslash),
            }
        }
    }

    fn look_up(&self, text: &[u8], token: &Token) -> Option<&Entry> {
        let body = text.get(token.start..token.stop)?;
        match token.kind {
            Kind::Op => self.operators.get(body),
            Kind::Word | Kind::Quoted | Kind::UnicodeName(_) => {
                let mut buffer = [0; NAME_BYTES_MAX];
                let name = literal::ident(text, token, &mut buffer)?;
                self.names
                    .get(name)
                    .or_else(|| self.keyword(token, name))
                    .or_else(|| self.foreign(text, token))
            }
            _ => None,
        }
    }

    fn keyword(&self, token: &Token, name: &[u8]) -> Option<&Entry> {
        if self.keywords.is_empty() || token.kind != Kind::Word {
            return None;
        }
        self.keywords.get(std::str::from_utf8(name).ok()?)
    }

    fn foreign(&self, text: &[u8], token: &Token) -> Option<&Entry> {
        if self.foreign.is_empty() {
            return None;
        }
        let name = literal::folded(text, token)?;
        if name.is_ascii() {
            return None;
        }
        let key = skeleton(&name);
        let cut = || {
            self.cut
                .iter()
                .find(|(start, _)| key.starts_with(start))
                .map(|(_, entry)| entry)
        };
        self.foreign.get(key.as_slice()).or_else(cut)
    }
}

/// Goes through the tokens of a text.
#[derive(Debug)]
pub(super) struct Search<'w> {
    words: &'w RefusedWords,
    writes: bool,
    pending: Option<&'w str>,
    depth: usize,
    /// Where the previous token starts.
    previous: usize,
}

impl<'w> Search<'w> {
    pub(super) fn new(words: &'w RefusedWords) -> Self {
        Self {
            words,
            writes: false,
            pending: None,
            depth: 0,
            previous: 0,
        }
    }

    #[inline]
    pub(super) fn see(&mut self, lexer: &Lexer<'_>, token: &Token) -> Option<&'w str> {
        let text = lexer.text();
        let previous = std::mem::replace(&mut self.previous, token.start);
        match token.kind {
            Kind::Punct(b'(') => {
                self.depth += 1;
                return lexer.token_at(previous).and_then(|name| indirect(text, &name));
            }
            Kind::Punct(b')') => self.depth = self.depth.saturating_sub(1),
            Kind::Punct(b';') if self.depth == 0 => {
                self.writes = false;
                self.pending = None;
            }
            Kind::Word => self.writes |= is_write(text.get(token.start..token.stop).unwrap_or_default()),
            _ => {}
        }
        match self.words.look_up(text, token) {
            Some(Entry {
                name,
                at: Where::Anywhere,
            }) => return Some(name),
            Some(Entry {
                name,
                at: Where::Writes,
            }) => self.pending = self.pending.or(Some(name)),
            None => {}
        }
        self.pending.filter(|_| self.writes)
    }
}

/// A function that gets at relations without naming them as identifiers.
fn indirect(text: &[u8], name: &Token) -> Option<&'static str> {
    let mut buffer = [0; NAME_BYTES_MAX];
    let name = literal::ident(text, name, &mut buffer)?;
    (leaks::runs_text(name).is_some() || leaks::reads_by_name(name))
        .then_some("a function that reads what a text names")
}

fn is_write(word: &[u8]) -> bool {
    matches!(word.len(), 4..=6)
        && [&b"insert"[..], b"update", b"delete", b"merge", b"copy"]
            .iter()
            .any(|w| w.eq_ignore_ascii_case(word))
}

fn merge(map: &mut HashMap<Box<[u8]>, Entry>, key: Box<[u8]>, entry: Entry) {
    let slot = map.entry(key).or_insert_with(|| entry.clone());
    if entry.at == Where::Anywhere {
        slot.at = Where::Anywhere;
    }
}

fn lossy(name: &[u8]) -> Box<str> {
    String::from_utf8_lossy(name).into()
}

fn skeleton(name: &[u8]) -> Vec<u8> {
    let mut key: Vec<u8> = name
        .iter()
        .map(|&b| if b.is_ascii() { b } else { 0xff })
        .collect();
    key.dedup_by(|a, b| *a == 0xff && *b == 0xff);
    key
}

/// Keywords and the operators that they are read as.
#[rustfmt::skip]
const SPELLED: &[(&[&str], &[&str])] = &[
    (&["like"], &["~~", "!~~"]),
    (&["ilike"], &["~~*", "!~~*"]),
    (&["similar"], &["~", "!~"]),
    (&["between"], &["<", "<=", ">", ">="]),
    (&["in", "any", "some", "all", "distinct", "using", "natural", "case", "nullif"], &["="]),
    (&["in", "distinct"], &["<>"]),
];
