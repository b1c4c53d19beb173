//! Reads the tokens of one statement in order, with one token of foresight.

use super::lexer::{Kind, Token};
use super::names;

#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    text: &'a [u8],
    tokens: &'a [Token],
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8], tokens: &'a [Token]) -> Self {
        Self { text, tokens }
    }

    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    pub(super) fn rest(&self) -> &'a [Token] {
        self.tokens
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.tokens.first().copied()
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.tokens.first().map(|token| token.kind)
    }

    pub(super) fn at_end(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(super) fn advance(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    /// The next token as a keyword: unquoted, in capitals or not. Empty if it is none.
    pub(super) fn word(&self) -> &'a [u8] {
        match self.tokens.first() {
            Some(token) if token.kind == Kind::Word => names::slice(self.text, token),
            _ => b"",
        }
    }

    pub(super) fn is(&self, keyword: &str) -> bool {
        self.word().eq_ignore_ascii_case(keyword.as_bytes())
    }

    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|k| self.is(k))
    }

    pub(super) fn eat(&mut self, keyword: &str) -> bool {
        let found = self.is(keyword);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn eat_any(&mut self, keywords: &[&str]) -> bool {
        keywords.iter().any(|k| self.eat(k))
    }

    pub(super) fn is_kind(&self, kind: Kind) -> bool {
        self.kind() == Some(kind)
    }

    pub(super) fn is_punct(&self, byte: u8) -> bool {
        self.is_kind(Kind::Punct(byte))
    }

    pub(super) fn eat_kind(&mut self, kind: Kind) -> bool {
        let found = self.is_kind(kind);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn eat_punct(&mut self, byte: u8) -> bool {
        self.eat_kind(Kind::Punct(byte))
    }

    /// The identifier that comes next, quotes undone.
    pub(super) fn identifier(&mut self) -> Option<Vec<u8>> {
        let name = names::identifier(self.text, self.tokens.first()?)?;
        self.advance();
        Some(name)
    }

    /// The next item of a list: its tokens up to a comma outside parentheses, which is read too.
    pub(super) fn item(&mut self) -> Option<Self> {
        if self.at_end() {
            return None;
        }
        let mut depth = 0_usize;
        let end = self.tokens.iter().position(|token| {
            match token.kind {
                Kind::Punct(b'(') => depth += 1,
                Kind::Punct(b')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && token.kind == Kind::Punct(b',')
        });
        let (item, rest) = match end {
            Some(end) => (self.tokens.get(..end), self.tokens.get(end + 1..)),
            None => (Some(self.tokens), None),
        };
        self.tokens = rest.unwrap_or_default();
        Some(Reader::new(self.text, item.unwrap_or_default()))
    }
}
