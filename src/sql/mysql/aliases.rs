//! The names of a SELECT's columns: where an expression is about to be rewritten, its own text becomes the alias, which
//! is what the server would have named the column.
//!
//! Where the name cannot be kept for certain (an alias may be there already, the text is too long for one), nothing is
//! added: the values are right all the same.

use std::ops::Range;

use super::analyze::position;
use super::lexer::{Kind, Token};
use super::{Charset, Dialect, names};

/// The server refuses longer ones.
const ALIAS_BYTES_MAX: usize = 255;

/// Words between SELECT and its list.
#[rustfmt::skip]
const MODIFIERS: &[&str] = &[
    "all", "distinct", "distinctrow", "high_priority", "sql_big_result", "sql_buffer_result", "sql_cache",
    "sql_calc_found_rows", "sql_no_cache", "sql_small_result", "straight_join",
];

/// Words behind the list of a SELECT.
#[rustfmt::skip]
const ENDS: &[&str] = &[
    "except", "for", "from", "group", "having", "intersect", "into", "limit", "lock", "order", "procedure", "union",
    "where", "window",
];

/// Behind these, the last word of an item is no alias.
#[rustfmt::skip]
const OPERATORS: &[&str] = &[
    "and", "between", "div", "else", "in", "is", "like", "mod", "not", "or", "regexp", "rlike", "then", "when", "xor",
];

/// What to insert into a statement so that the items which hold one of `asked` (token positions, rising) keep their
/// names.
pub(super) fn of(
    text: &[u8],
    tokens: &[Token],
    dialect: Dialect,
    asked: &[usize],
) -> Vec<(Range<usize>, Vec<u8>)> {
    let mut lists = Lists {
        text,
        tokens,
        dialect,
        outer: Vec::new(),
        level: Level::default(),
        found: Vec::new(),
    };
    let mut asked = asked.iter().peekable();
    for at in 0..tokens.len() {
        lists.step(at);
        if asked.next_if_eq(&&at).is_some() {
            (lists.level.asked, lists.level.asked_before) = (true, true);
        }
    }
    lists.close(tokens.len());
    while lists.leave() {
        lists.close(tokens.len());
    }
    lists.found
}

/// What is known of one pair of parentheses, or of what is outside all.
#[derive(Debug, Default, Clone, Copy)]
struct Level {
    list: List,
    /// The item, or what there is without a list, holds a question.
    asked: bool,
    /// So did anything in these parentheses.
    asked_before: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum List {
    #[default]
    None,
    Modifiers,
    /// The item that starts at this token.
    Item(usize),
}

struct Lists<'a> {
    text: &'a [u8],
    tokens: &'a [Token],
    dialect: Dialect,
    outer: Vec<Level>,
    level: Level,
    found: Vec<(Range<usize>, Vec<u8>)>,
}

impl Lists<'_> {
    fn step(&mut self, at: usize) {
        if self.is_any(at, &["select"]) {
            self.close(at);
            self.level.list = List::Modifiers;
            return;
        }
        if self.level.list == List::Modifiers {
            if self.is_any(at, MODIFIERS) {
                return;
            }
            (self.level.list, self.level.asked) = (List::Item(at), false);
        }
        match self.tokens.get(at).map(|t| t.kind) {
            Some(Kind::Punct(b'(')) => {
                let level = std::mem::take(&mut self.level);
                self.outer.push(level);
            }
            Some(Kind::Punct(b')')) => {
                self.close(at);
                self.leave();
            }
            Some(Kind::Punct(b',')) if self.level.list != List::None => {
                self.close(at);
                (self.level.list, self.level.asked) = (List::Item(at + 1), false);
            }
            Some(Kind::Word) if self.is_any(at, ENDS) => {
                self.close(at);
                self.level.list = List::None;
            }
            _ => {}
        }
    }

    /// Back to the parentheses around these; false if there are none.
    fn leave(&mut self) -> bool {
        let Some(outer) = self.outer.pop() else {
            return false;
        };
        let asked = self.level.asked_before;
        self.level = outer;
        self.level.asked |= asked;
        self.level.asked_before |= asked;
        true
    }

    /// The item of a list ends before this token.
    fn close(&mut self, end: usize) {
        let List::Item(start) = self.level.list else {
            return;
        };
        let item = self.tokens.get(start..end).unwrap_or_default();
        if self.level.asked {
            self.found.extend(self.alias(item));
        }
    }

    fn word(&self, token: &Token) -> &[u8] {
        if token.kind == Kind::Word {
            names::slice(self.text, token)
        } else {
            b""
        }
    }

    fn is_any(&self, at: usize, words: &[&str]) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| among(self.word(token), words))
    }

    /// Whether the item has no alias. Without AS, one would be its last token.
    fn is_named_by_its_text(&self, item: &[Token]) -> bool {
        let mut depth = 0_usize;
        for token in item {
            match token.kind {
                Kind::Punct(b'(') => depth += 1,
                Kind::Punct(b')') => depth = depth.saturating_sub(1),
                Kind::Word if depth == 0 && among(self.word(token), &["as"]) => return false,
                _ => {}
            }
        }
        let Some((last, before)) = item.split_last() else {
            return false;
        };
        match last.kind {
            // Behind an operator nothing is named; and behind the two of `--` a blank would make a comment of the rest.
            Kind::Punct(byte) => matches!(byte, b')' | b'?'),
            Kind::Number | Kind::Bits | Kind::UserVariable | Kind::Null => true,
            // The name behind `@@`, or behind a dot.
            Kind::Name => true,
            Kind::Word if among(self.word(last), &["end", "null"]) => true,
            _ => before.last().is_some_and(|token| match token.kind {
                Kind::Punct(byte) => byte != b')',
                Kind::System | Kind::Assign => true,
                _ => among(self.word(token), OPERATORS),
            }),
        }
    }

    fn alias(&self, item: &[Token]) -> Option<(Range<usize>, Vec<u8>)> {
        let (start, end) = (position(item.first()?.start), position(item.last()?.end));
        let name = self.text.get(start..end)?;
        // The length comes first: items hold one another, and none may be gone through at every level.
        if name.len() > ALIAS_BYTES_MAX || name.contains(&0) {
            return None;
        }
        // Doubling a backtick must not split a character.
        let plain = name.is_ascii() || self.dialect.charset == Charset::Utf8;
        if !plain || !self.is_named_by_its_text(item) {
            return None;
        }
        let mut alias = b" AS `".to_vec();
        for &byte in name {
            alias.push(byte);
            if byte == b'`' {
                alias.push(byte);
            }
        }
        alias.push(b'`');
        Some((end..end, alias))
    }
}

fn among(word: &[u8], words: &[&str]) -> bool {
    !word.is_empty() && words.iter().any(|k| word.eq_ignore_ascii_case(k.as_bytes()))
}
