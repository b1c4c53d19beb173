//! PL/pgSQL bodies: where a statement starts, and which of them count.
//!
//! The language's scanner is the server's own, so the tokens are exact. Where a statement starts is not decided by a
//! grammar but by what stands before (`;`, BEGIN, THEN, ELSE, LOOP, a label): an expression's THEN can look like one, so a
//! word counts as a command only if what follows could continue that command.

use super::super::analyze::{Context, Marks};
use super::super::command;
use super::super::lexer::{Halt, Kind, Lexer, Token};
use super::super::reader::Reader;
use super::super::words::RefusedWords;
use super::{FindingKind, Findings, Tokens, is};

/// How often, in bytes, parts of a body may be read again to classify commands; a body past it is unreadable.
const REREAD_FACTOR: usize = 8;

#[rustfmt::skip]
const COMMANDS: &[&str] = &[
    "vacuum", "analyze", "analyse", "reindex", "cluster", "repack", "checkpoint", "notify", "load", "lock", "copy",
    "alter", "set", "reset", "discard", "prepare", "do",
];

/// Words that continue an expression and none of the commands.
const EXPRESSION: &[&str] = &[
    "else", "end", "when", "then", "and", "or", "not", "in", "is", "like", "ilike",
];

struct Body<'a, 'f> {
    text: &'a [u8],
    context: Context,
    findings: &'f mut Findings,
    known: Option<&'a RefusedWords>,
    /// Before the first block: labels and option lines.
    head: bool,
    declaring: bool,
    starts: bool,
    statement_end: usize,
    reread_left: usize,
}

pub(super) fn inspect(text: &[u8], context: Context, known: Option<&RefusedWords>, findings: &mut Findings) {
    let mut tokens = Tokens::new(context, known);
    let mut lexer = Lexer::new(text, 0, context.conforming);
    let mut body = Body {
        text,
        context,
        findings,
        known,
        head: true,
        declaring: false,
        starts: true,
        statement_end: 0,
        reread_left: text.len().saturating_mul(REREAD_FACTOR),
    };
    loop {
        let token = match lexer.next_token() {
            Ok(Some(token)) => token,
            Ok(None) => return,
            Err(Halt::Unterminated | Halt::Ambiguous) => {
                return body.findings.push(FindingKind::Unreadable, "body");
            }
        };
        body.step(&lexer, &tokens, &token);
        tokens.see(&lexer, &token, body.findings);
    }
}

impl Body<'_, '_> {
    fn step(&mut self, lexer: &Lexer<'_>, tokens: &Tokens<'_>, token: &Token) {
        let text = self.text;
        let is_any = |keywords: &[&str]| keywords.iter().any(|k| is(text, token, k));
        if is(text, token, "execute") && self.runs_text(lexer, tokens) {
            self.findings.push(FindingKind::DynamicSql, "EXECUTE");
        }
        // EXPLAIN returns rows, so it may stand wherever a query may: in loops, cursors, RETURN QUERY.
        let command = self.starts && !self.head && !self.declaring && is_any(COMMANDS);
        if command || is(text, token, "explain") {
            self.command(token);
        }
        if (self.starts || self.head) && is(text, token, "declare") {
            (self.head, self.declaring) = (false, true);
        } else if (self.starts || self.head) && is(text, token, "begin") {
            (self.head, self.declaring) = (false, false);
        }
        self.starts = token.kind == Kind::Punct(b';')
            || is_any(&["begin", "then", "else", "loop", "declare"])
            || (token.kind == Kind::Op && text.get(token.start..token.stop) == Some(b">>"));
    }

    /// EXECUTE as a statement, or behind FOR .. IN, RETURN QUERY, OPEN .. FOR; not the privilege, not a trigger's.
    fn runs_text(&self, lexer: &Lexer<'_>, tokens: &Tokens<'_>) -> bool {
        let behind = ["in", "query", "for"]
            .iter()
            .any(|k| tokens.previous_is(self.text, k));
        if !self.starts && !behind {
            return false;
        }
        let mut reader = Reader::new(self.text, lexer.position(), self.context.conforming);
        if reader.is("on") {
            return false;
        }
        let Some(sql) = reader.literal() else { return true };
        reader.advance();
        let alone = reader.is_punct(b';') || reader.is_any(&["into", "using", "loop"]);
        !alone || !self.is_harmless(&sql)
    }

    /// A constant that EXECUTE runs, looked at as if it stood there itself.
    fn is_harmless(&self, sql: &[u8]) -> bool {
        let context = Context {
            nested: true,
            ..self.context
        };
        let mut findings = Findings::default();
        if !sql.contains(&0) {
            super::sql(sql, context, self.known, &mut findings);
        }
        findings.list.is_empty()
    }

    fn command(&mut self, token: &Token) {
        let text = self.text;
        let mut reader = Reader::new(text, token.start, self.context.conforming);
        let word = reader.word();
        reader.advance();
        if !continues(&reader) || (word.eq_ignore_ascii_case(b"alter") && !reader.is("system")) {
            return;
        }
        let end = self.end_of(token.start);
        let Some(left) = self.reread_left.checked_sub(end - token.start) else {
            return self.findings.push(FindingKind::Unreadable, "body");
        };
        self.reread_left = left;
        let context = Context {
            nested: true,
            ..self.context
        };
        match command::statement(
            text.get(..end).unwrap_or_default(),
            token.start,
            context,
            Marks::NONE,
        ) {
            Ok(statement) => self.findings.command(&statement),
            Err(_) => self.findings.push(FindingKind::Unreadable, "body"),
        }
    }

    /// The next semicolon; searched for once per statement.
    fn end_of(&mut self, start: usize) -> usize {
        if self.statement_end > start {
            return self.statement_end;
        }
        let mut lexer = Lexer::new(self.text, start, self.context.conforming);
        self.statement_end = loop {
            match lexer.next_token() {
                Ok(Some(Token {
                    kind: Kind::Punct(b';'),
                    start,
                    ..
                })) => break start,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break self.text.len(),
            }
        };
        self.statement_end
    }
}

/// Whether a word can be a command, by what follows: a variable would be assigned to or used.
fn continues(reader: &Reader<'_>) -> bool {
    match reader.peek().map(|token| token.kind) {
        None => true,
        Some(Kind::Word) => !reader.is_any(EXPRESSION),
        Some(Kind::Quoted | Kind::UnicodeName(_) | Kind::Text(_)) => true,
        Some(Kind::Punct(byte)) => matches!(byte, b'(' | b';'),
        Some(Kind::Op | Kind::Number | Kind::Param) => false,
    }
}
