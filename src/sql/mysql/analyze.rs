//! Splits a text into the statements that the server would find, and has each one classified.
//!
//! The server parses and runs one statement after the other, so what stands before an error runs. A semicolon splits
//! wherever it is a token, except in the body of a routine, trigger or event, and in a compound statement. Where those
//! end is not decided here: they take the rest of the text. Nothing is lost by that. The server refuses every CREATE
//! and ALTER in a read-only session, and after an error it runs nothing more of the text; a compound statement is
//! opaque anyway.

use std::ops::Range;

use super::class::{Class, Opaque, Settings, Statement};
use super::lexer::{Kind, Lexer, Token};
use super::marks::Marks;
use super::reader::Reader;
use super::{Dialect, Flavor, Unlexable, command, names};

/// Statements in one text; more are not looked at.
pub const STATEMENTS_MAX: usize = 10_000;

/// Tokens in one text; more are not looked at.
pub const TOKENS_MAX: usize = 1 << 19;

/// A text that was read. It goes with the text: positions in it are the text's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// In their order; empty ones are left out.
    pub statements: Vec<Statement>,
    pub(super) tokens: Vec<Token>,
}

/// How a text is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    pub(super) dialect: Dialect,
    /// The text comes out of a constant. Texts inside it are not followed: depth is never the input's.
    pub(super) nested: bool,
}

/// Reads a text. `multi_statements`: the session may send several in one text; otherwise the server rejects such a one
/// as a whole (so it does with a text to prepare).
pub fn analyze(text: &[u8], dialect: Dialect, multi_statements: bool) -> Script {
    let context = Context {
        dialect,
        nested: false,
    };
    let mut script = split(text, context);
    if !multi_statements && script.statements.len() > 1 {
        let verb = script
            .statements
            .first()
            .map(|s| s.verb.clone())
            .unwrap_or_default();
        script.statements = vec![bare(0..text.len(), verb, Class::SyntaxError)];
    }
    script
}

pub(super) fn split(text: &[u8], context: Context) -> Script {
    let (tokens, mut halt) = tokenize(text, context.dialect);
    let mut statements: Vec<Statement> = Vec::new();
    let mut from = 0;
    let mut stale = false;
    while from < tokens.len() {
        let rest = tokens.get(from..).unwrap_or_default();
        let length = statement_length(text, rest, context.dialect);
        // Where reading ended inside a statement, that one is not known.
        if length == rest.len() && halt.is_some() {
            break;
        }
        if length > 0 {
            if statements.len() == STATEMENTS_MAX {
                halt = Some(Unlexable::TooMuch);
                break;
            }
            let piece = rest.get(..length).unwrap_or_default();
            let statement = classify(text, piece, context, stale);
            stale |= statement.settings.lexing || matches!(statement.class, Class::Opaque(_));
            statements.push(statement);
        }
        from += length + 1;
    }
    if let Some(reason) = halt {
        let rest = tokens.get(from..).unwrap_or_default();
        let start = rest.first().map(|t| t.start).or(tokens.last().map(|t| t.end));
        let span = start.map_or(0, position)..text.len();
        statements.push(bare(span, verb_at(text, rest).into(), Class::Unknown(reason)));
    }
    Script { statements, tokens }
}

pub(super) fn tokenize(text: &[u8], dialect: Dialect) -> (Vec<Token>, Option<Unlexable>) {
    let mut lexer = Lexer::new(text, dialect);
    // A short word and white space each: seldom more tokens than this.
    let mut tokens = Vec::with_capacity((text.len() / 4).min(TOKENS_MAX));
    loop {
        match lexer.next_token() {
            Ok(Some(_)) if tokens.len() == TOKENS_MAX => return (tokens, Some(Unlexable::TooMuch)),
            Ok(Some(token)) => tokens.push(token),
            Ok(None) => return (tokens, None),
            Err(reason) => return (tokens, Some(reason)),
        }
    }
}

pub(super) fn position(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn classify(text: &[u8], tokens: &[Token], context: Context, stale: bool) -> Statement {
    let start = tokens.first().map_or(0, |t| position(t.start));
    let end = tokens.last().map_or(0, |t| position(t.end));
    if stale {
        return bare(
            start..end,
            verb_at(text, tokens).into(),
            Class::Unknown(Unlexable::ModeChanged),
        );
    }
    let marks = Marks::of(text, tokens);
    let mut statement = command::statement(text, tokens, context, &marks);
    if let Some((name, reason)) = marks.leak {
        (statement.verb, statement.class) = (name.into(), Class::Leak(reason));
    }
    statement.span = start..end;
    statement.calls = marks.calls;
    statement.shows_trackers = marks.trackers || statement.shows_variables;
    statement.runs_text = runs_text(&statement.class, text, tokens);
    statement
}

fn runs_text(class: &Class, text: &[u8], tokens: &[Token]) -> bool {
    match class {
        Class::Opaque(Opaque::Prepare { script, .. } | Opaque::Immediate { script }) => {
            script.as_deref().is_none_or(|inner| {
                let mut statements = inner.script.statements.iter();
                statements.any(|s| s.runs_text || matches!(s.class, Class::Opaque(Opaque::Execute { .. })))
            })
        }
        // These may reach to the end of the text, and whatever stands there counts.
        Class::Opaque(Opaque::Block) | Class::Guarded => {
            let first = Reader::new(text, tokens);
            let body = *class != Class::Guarded || first.is_any(&["create", "alter"]);
            let dynamic = |token: &Token| {
                Reader::new(text, std::slice::from_ref(token)).is_any(&["prepare", "execute"])
            };
            body && tokens.iter().any(dynamic)
        }
        _ => false,
    }
}

pub(super) fn bare(span: Range<usize>, verb: std::borrow::Cow<'static, str>, class: Class) -> Statement {
    Statement {
        span,
        verb,
        class,
        transaction: None,
        settings: Settings::default(),
        calls: false,
        runs_text: false,
        shows_variables: false,
        shows_trackers: false,
    }
}

/// The first word in capitals, if it is a short one of letters.
pub(super) fn verb_at(text: &[u8], tokens: &[Token]) -> String {
    const BYTES_MAX: usize = 24;
    match tokens.first() {
        Some(token) if token.kind == Kind::Word => names::slice(text, token)
            .iter()
            .take(BYTES_MAX)
            .filter(|b| b.is_ascii_alphabetic())
            .map(|b| char::from(b.to_ascii_uppercase()))
            .collect(),
        _ => String::new(),
    }
}

/// Tokens of the statement that starts here, without its semicolon.
fn statement_length(text: &[u8], tokens: &[Token], dialect: Dialect) -> usize {
    let mut body = Body::at(text, tokens, dialect);
    if body == Body::Open {
        return tokens.len();
    }
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == Kind::Punct(b';') {
            return at;
        }
        body = body.step(text, token);
        if body == Body::Open {
            return tokens.len();
        }
    }
    tokens.len()
}

/// Whether semicolons may belong to the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    /// In a CREATE or ALTER: one of a routine has a body.
    Definition,
    Open,
}

impl Body {
    fn at(text: &[u8], tokens: &[Token], dialect: Dialect) -> Self {
        let reader = Reader::new(text, tokens);
        if reader.is_any(&["create", "alter"]) {
            return Self::Definition;
        }
        if is_block(reader, dialect) {
            Self::Open
        } else {
            Self::None
        }
    }

    fn step(self, text: &[u8], token: &Token) -> Self {
        const WITH_BODY: &[&str] = &["procedure", "function", "trigger", "event", "package"];
        if self != Self::Definition || token.kind != Kind::Word {
            return self;
        }
        let word = names::slice(text, token);
        if WITH_BODY.iter().any(|k| word.eq_ignore_ascii_case(k.as_bytes())) {
            Self::Open
        } else {
            self
        }
    }
}

/// A compound statement outside a routine. Only MariaDB has them; elsewhere the words start nothing that is known.
pub(super) fn is_block(mut reader: Reader<'_>, dialect: Dialect) -> bool {
    if dialect.flavor != Flavor::MariaDb {
        return false;
    }
    if reader.eat("begin") {
        return reader.is("not") || dialect.modes.oracle;
    }
    if reader.is_punct(b'<') && dialect.modes.oracle {
        return true;
    }
    if reader.is_any(&["if", "while", "for", "loop", "repeat", "case", "declare"]) {
        return true;
    }
    // A label.
    reader.identifier().is_some() && reader.is_punct(b':')
}

/// What a block is called in messages.
pub(super) fn block() -> Class {
    Class::Opaque(Opaque::Block)
}
