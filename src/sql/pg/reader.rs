//! Reads the tokens of one statement in order, with one token of foresight.
//!
//! The statement has been lexed to its end before, so lexing it again cannot fail; if it did, the reader would be at
//! its end, which every grammar here takes for the stricter reading.

use super::Conforming;
use super::lexer::{Kind, Lexer, Style, Token};
use super::literal::{self, NameBuffer};

#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    lexer: Lexer<'a>,
    next: Option<Token>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8], start: usize, conforming: Conforming) -> Self {
        let mut lexer = Lexer::new(text, start, conforming);
        let next = lexer.next_token().ok().flatten();
        Self { lexer, next }
    }

    pub(super) fn text(&self) -> &'a [u8] {
        self.lexer.text()
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.next
    }

    pub(super) fn at_end(&self) -> bool {
        self.next.is_none()
    }

    pub(super) fn advance(&mut self) -> Option<Token> {
        let token = self.next;
        self.next = self.lexer.next_token().ok().flatten();
        token
    }

    /// The next token as a keyword: unquoted, in capitals or not. Empty if it is none.
    pub(super) fn word(&self) -> &'a [u8] {
        match self.next {
            Some(Token {
                kind: Kind::Word,
                start,
                stop,
                ..
            }) => self.text().get(start..stop).unwrap_or_default(),
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

    pub(super) fn is_punct(&self, byte: u8) -> bool {
        self.next.is_some_and(|t| t.kind == Kind::Punct(byte))
    }

    pub(super) fn eat_punct(&mut self, byte: u8) -> bool {
        let found = self.is_punct(byte);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn is_op(&self, op: &[u8]) -> bool {
        self.next
            .is_some_and(|t| t.kind == Kind::Op && self.text().get(t.start..t.stop) == Some(op))
    }

    /// The folded identifier, for comparison with names that we know.
    pub(super) fn ident<'b>(&self, buffer: &'b mut NameBuffer) -> Option<&'b [u8]> {
        literal::ident(self.text(), &self.next?, buffer)
    }

    /// The value of the string constant that comes next.
    pub(super) fn literal(&self) -> Option<Vec<u8>> {
        let token = self.next?;
        match token.kind {
            Kind::Text(Style::Bits) => None,
            Kind::Text(style) => literal::resolve(self.text(), &token, style),
            _ => None,
        }
    }

    pub(super) fn is_literal(&self) -> bool {
        self.next
            .is_some_and(|t| matches!(t.kind, Kind::Text(style) if style != Style::Bits))
    }

    /// Moves over a group in parentheses, if one comes next.
    pub(super) fn skip_group(&mut self) -> bool {
        if !self.is_punct(b'(') {
            return false;
        }
        let mut depth = 0_usize;
        while let Some(token) = self.advance() {
            match token.kind {
                Kind::Punct(b'(') => depth += 1,
                Kind::Punct(b')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        true
    }
}
