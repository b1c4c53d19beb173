//! Splits a text into the statements that the server would find, and has each one classified.
//!
//! A semicolon inside parentheses does not split (CREATE RULE ... DO (a; b)); an accepted text has its parentheses
//! in balance, so this cannot hide a statement. The body of CREATE FUNCTION ... BEGIN ATOMIC belongs to it up to an
//! END that stands where a statement would start: no statement inside a body may start with END, so the first such END
//! is at or before the true one, and splitting too early only makes more pieces to judge, never fewer.

use super::class::{Class, SetConfig, Statement};
use super::command;
use super::lexer::{Halt, Kind, Lexer, Token};
use super::marks::{Sight, Watch};
use super::{Conforming, Modes, Unlexable};

/// Statements in one message; more are not looked at.
pub const STATEMENTS_MAX: usize = 10_000;

/// How a text is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) conforming: Conforming,
    /// The text comes out of a constant. Texts inside it are not followed: depth is never the input's.
    pub(super) nested: bool,
    /// It is a body. A DO block inside is not followed, for the same reason.
    pub(super) in_body: bool,
}

/// What the tokens of a statement showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) config: SetConfig,
    pub(super) changes_lexing: bool,
    pub(super) calls: bool,
    /// The first refused function with the reason.
    pub(super) leak: Option<(String, &'static str)>,
}

impl Marks {
    pub(super) const NONE: Self = Self {
        config: SetConfig::None,
        changes_lexing: false,
        calls: false,
        leak: None,
    };

    fn note(&mut self, sight: Sight, name: impl FnOnce() -> String) {
        match sight {
            Sight::Nothing => return,
            Sight::Call => {}
            Sight::Refused(reason) => {
                self.leak.get_or_insert_with(|| (name(), reason));
            }
            Sight::RunsText => {
                self.leak
                    .get_or_insert_with(|| (name(), super::leaks::UNREADABLE_TEXT));
            }
            Sight::Config { effect, lexing } => {
                self.config = self.config.max(effect);
                self.changes_lexing |= lexing;
            }
        }
        self.calls = true;
    }
}

/// The statements of a text in their order. Empty ones are left out.
///
/// A text that ends inside a quote or comment is one statement of class [`Class::SyntaxError`]: the server rejects
/// all of it before it runs any of it.
pub fn statements(text: &[u8], modes: &Modes) -> Result<Vec<Statement>, Unlexable> {
    let masked = prepare(text, modes)?;
    split(
        &masked,
        Context {
            conforming: modes.standard_conforming_strings,
            nested: false,
            in_body: false,
        },
    )
}

/// The first word of a text, wherever white space and comments let it begin; empty if it begins with something else.
pub fn leading_word(text: &[u8]) -> &[u8] {
    match Lexer::new(text, 0, Conforming::Unknown).next_token() {
        Ok(Some(Token {
            kind: Kind::Word,
            start,
            stop,
            ..
        })) => text.get(start..stop).unwrap_or_default(),
        _ => b"",
    }
}

/// The text as the server sees it.
pub(super) fn prepare<'a>(text: &'a [u8], modes: &Modes) -> Result<std::borrow::Cow<'a, [u8]>, Unlexable> {
    if text.contains(&0) {
        return Err(Unlexable::Nul);
    }
    modes.encoding.mask(text)
}

pub(super) fn split(text: &[u8], context: Context) -> Result<Vec<Statement>, Unlexable> {
    let mut splitter = Splitter::new(text, context);
    let mut found = Vec::new();
    loop {
        match splitter.next_statement() {
            Ok(Some((start, end, marks))) => {
                if found.len() == STATEMENTS_MAX {
                    return Err(Unlexable::TooManyStatements);
                }
                let text = text.get(..end).unwrap_or_default();
                found.push(command::statement(text, start, context, marks)?);
            }
            Ok(None) => return Ok(found),
            Err(Halt::Ambiguous) => return Err(Unlexable::Backslash),
            Err(Halt::Unterminated) => return Ok(vec![syntax_error(text.len())]),
        }
    }
}

fn syntax_error(end: usize) -> Statement {
    Statement {
        span: 0..end,
        tag: super::tag::UNNAMED.into(),
        class: Class::SyntaxError,
        config: SetConfig::None,
        changes_lexing: false,
        calls: false,
    }
}

/// A text out of a constant: one statement, and it is a query that could do no harm behind the guard.
pub(super) fn reads_only(text: &[u8], context: Context) -> bool {
    if text.contains(&0) {
        return false;
    }
    let Ok(found) = split(
        text,
        Context {
            nested: true,
            ..context
        },
    ) else {
        return false;
    };
    matches!(found.as_slice(), [one] if one.class == Class::Guarded
        && one.tag == "SELECT"
        && one.config <= SetConfig::Harmless
        && !one.changes_lexing)
}

struct Splitter<'a> {
    lexer: Lexer<'a>,
    watch: Watch,
    body: Body,
}

/// How far into `CREATE [OR REPLACE] FUNCTION ... BEGIN ATOMIC ...; END` a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Start,
    Create,
    CreateOr,
    CreateOrReplace,
    Routine,
    Begin,
    /// Inside, where a statement may start.
    AtomicStart,
    Atomic,
    /// No body (any more) in this statement.
    None,
}

impl Body {
    fn step(self, lexer: &Lexer<'_>, token: &Token, depth: usize) -> Self {
        if self == Self::None {
            return self;
        }
        let word = match token.kind {
            Kind::Word => lexer.text().get(token.start..token.stop).unwrap_or_default(),
            _ => b"",
        };
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        match self {
            Self::Start if is("create") => Self::Create,
            Self::Create if is("or") => Self::CreateOr,
            Self::CreateOr if is("replace") => Self::CreateOrReplace,
            Self::Create | Self::CreateOrReplace if is("function") || is("procedure") => Self::Routine,
            Self::Routine | Self::Begin if depth == 0 && is("begin") => Self::Begin,
            Self::Begin if depth == 0 && is("atomic") => Self::AtomicStart,
            Self::Routine | Self::Begin => Self::Routine,
            Self::AtomicStart if is("end") => Self::None,
            Self::AtomicStart | Self::Atomic if depth == 0 && token.kind == Kind::Punct(b';') => {
                Self::AtomicStart
            }
            Self::AtomicStart | Self::Atomic => Self::Atomic,
            _ => Self::None,
        }
    }

    fn holds_semicolons(self) -> bool {
        matches!(self, Self::AtomicStart | Self::Atomic)
    }
}

impl<'a> Splitter<'a> {
    fn new(text: &'a [u8], context: Context) -> Self {
        Self {
            lexer: Lexer::new(text, 0, context.conforming),
            watch: Watch::new(context),
            body: Body::Start,
        }
    }

    fn next_statement(&mut self) -> Result<Option<(usize, usize, Marks)>, Halt> {
        let mut marks = Marks::NONE;
        let (mut start, mut end, mut found) = (0, 0, false);
        let mut depth = 0_usize;
        let mut previous = 0;
        self.body = Body::Start;
        while let Some(token) = self.lexer.next_token()? {
            match token.kind {
                Kind::Punct(b'(') => depth += 1,
                Kind::Punct(b')') => depth = depth.saturating_sub(1),
                Kind::Punct(b';') if depth == 0 && !self.body.holds_semicolons() => {
                    if found {
                        break;
                    }
                    continue;
                }
                _ => {}
            }
            self.body = self.body.step(&self.lexer, &token, depth);
            let sight = self.watch.see(&self.lexer, &token);
            if sight != Sight::Nothing {
                marks.note(sight, || called(&self.lexer, previous));
            }
            previous = token.start;
            if !found {
                (start, found) = (token.start, true);
            }
            end = token.end;
        }
        let sight = self.watch.finish(&self.lexer);
        marks.note(sight, || called(&self.lexer, previous));
        Ok(found.then_some((start, end, marks)))
    }
}

/// The function as messages name it.
fn called(lexer: &Lexer<'_>, start: usize) -> String {
    let mut buffer = [0; super::literal::NAME_BYTES_MAX];
    let folded = lexer
        .token_at(start)
        .and_then(|name| super::literal::ident(lexer.text(), &name, &mut buffer));
    format!("{}()", String::from_utf8_lossy(folded.unwrap_or_default()))
}
