//! Watches the tokens of a statement go by for calls that the server's read-only state does not stop.
//!
//! A refused function counts as an identifier directly before a parenthesis, and behind a dot without one: `(x).f` calls
//! `f(x)` (manual: "Using Functions on Composite Types"; scalars have it too). `set_config` counts anywhere.
//!
//! Must not know: which command the statement is.

use super::analyze::{Context, reads_only};
use super::class::SetConfig;
use super::leaks::{self, SqlArgument};
use super::lexer::{Kind, Lexer, Token};
use super::literal::{self, NAME_BYTES_MAX};
use super::reader::Reader;

/// How far an argument list is read to find the SQL text in it.
const ARGUMENTS_BYTES_MAX: usize = 512;

/// What one token revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Nothing,
    Call,
    /// A call of a refused function, with the reason.
    Refused(&'static str),
    /// A call that runs SQL text which cannot be seen or does not just read.
    RunsText,
    Config {
        effect: SetConfig,
        lexing: bool,
    },
}

#[derive(Debug)]
pub(super) struct Watch {
    context: Context,
    /// Where the previous token starts, if it is an identifier.
    previous: Option<usize>,
    /// The previous token is a dot.
    dot: bool,
    /// The previous token stands behind a dot.
    dotted: bool,
    config_pending: bool,
}

impl Watch {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            previous: None,
            config_pending: false,
            dot: false,
            dotted: false,
        }
    }

    /// Takes the token that `lexer` gave last.
    #[inline]
    pub(super) fn see(&mut self, lexer: &Lexer<'_>, token: &Token) -> Sight {
        let text = lexer.text();
        let mut sight = Sight::Nothing;
        if self.config_pending {
            sight = if token.kind == Kind::Punct(b'(') {
                self.set_config(lexer)
            } else {
                UNKNOWN_CONFIG
            };
        } else if token.kind == Kind::Punct(b'(')
            && let Some(name) = self.previous.and_then(|start| lexer.token_at(start))
        {
            sight = self.call(lexer, &name);
        } else if self.dotted {
            sight = self.attribute(lexer);
        }
        let identifier = matches!(token.kind, Kind::Word | Kind::Quoted | Kind::UnicodeName(_));
        self.config_pending = identifier && is_set_config(text, token);
        self.dotted = self.dot;
        self.dot = token.kind == Kind::Punct(b'.');
        self.previous = identifier.then_some(token.start);
        sight
    }

    /// The statement has ended.
    pub(super) fn finish(&mut self, lexer: &Lexer<'_>) -> Sight {
        let pending = std::mem::take(&mut self.config_pending);
        let attribute = if self.dotted {
            self.attribute(lexer)
        } else {
            Sight::Nothing
        };
        let context = self.context;
        *self = Self::new(context);
        if pending { UNKNOWN_CONFIG } else { attribute }
    }

    fn call(&self, lexer: &Lexer<'_>, name: &Token) -> Sight {
        let mut buffer = [0; NAME_BYTES_MAX];
        let Some(folded) = literal::ident(lexer.text(), name, &mut buffer) else {
            return Sight::Nothing;
        };
        if let Some(reason) = leaks::refused_function(folded) {
            return Sight::Refused(reason);
        }
        if let Some(argument) = leaks::runs_text(folded) {
            let fine = !self.context.nested && self.text_reads(lexer, argument);
            return if fine { Sight::Call } else { Sight::RunsText };
        }
        if leaks::locks_for_the_session(folded) {
            return LOCKS;
        }
        let keyword = name.kind == Kind::Word && !self.dotted;
        if keyword
            && NOT_FUNCTIONS
                .binary_search(&std::str::from_utf8(folded).unwrap_or(""))
                .is_ok()
        {
            return Sight::Nothing;
        }
        Sight::Call
    }

    /// The previous token stands behind a dot and is no call by its looks.
    fn attribute(&self, lexer: &Lexer<'_>) -> Sight {
        let mut buffer = [0; NAME_BYTES_MAX];
        let name = self.previous.and_then(|start| lexer.token_at(start));
        let Some(folded) = name.and_then(|name| literal::ident(lexer.text(), &name, &mut buffer)) else {
            return Sight::Nothing;
        };
        match leaks::refused_function(folded) {
            Some(reason) => Sight::Refused(reason),
            None if leaks::runs_text(folded).is_some() => Sight::RunsText,
            None => Sight::Nothing,
        }
    }

    fn set_config(&self, lexer: &Lexer<'_>) -> Sight {
        let mut reader = Reader::new(lexer.text(), lexer.position(), self.context.conforming);
        let Some(setting) = reader.literal() else {
            return UNKNOWN_CONFIG;
        };
        reader.advance();
        if reader.is_punct(b',') {
            config_effect(&setting)
        } else {
            UNKNOWN_CONFIG
        }
    }

    fn text_reads(&self, lexer: &Lexer<'_>, argument: SqlArgument) -> bool {
        let mut reader = Reader::new(lexer.text(), lexer.position(), self.context.conforming);
        match argument {
            SqlArgument::First => self.next_reads(&mut reader),
            SqlArgument::FirstTwo => {
                self.next_reads(&mut reader)
                    && (!reader.eat_punct(b',')
                        || reader.peek().is_some_and(|t| t.kind == Kind::Number)
                        || self.next_reads(&mut reader))
            }
            SqlArgument::LastOfTwo => self.last_of_two_reads(reader, lexer.position()),
        }
    }

    /// The next argument is one constant, and that is a text that only reads. The server prints it as `'...'::text`.
    fn next_reads(&self, reader: &mut Reader<'_>) -> bool {
        let Some(sql) = reader.literal() else { return false };
        reader.advance();
        if reader.eat_punct(b':') && !(reader.eat_punct(b':') && reader.eat("text")) {
            return false;
        }
        (reader.is_punct(b',') || reader.is_punct(b')')) && reads_only(&sql, self.context)
    }

    fn last_of_two_reads(&self, mut reader: Reader<'_>, from: usize) -> bool {
        let (mut depth, mut commas, mut last) = (0_usize, 0, None);
        while let Some(token) = reader.peek().filter(|t| t.end - from <= ARGUMENTS_BYTES_MAX) {
            match token.kind {
                Kind::Punct(b'(' | b'[') => depth += 1,
                Kind::Punct(b')') if depth == 0 => {
                    return commas >= 2 || last.is_some_and(|mut at| self.next_reads(&mut at));
                }
                Kind::Punct(b')' | b']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            let comma = depth == 0 && token.kind == Kind::Punct(b',');
            reader.advance();
            if comma {
                commas += 1;
                last = Some(reader.clone());
            }
        }
        false
    }
}

/// It changes nothing that a lull depends on, but something of the session.
const LOCKS: Sight = Sight::Config {
    effect: SetConfig::Harmless,
    lexing: false,
};

const UNKNOWN_CONFIG: Sight = Sight::Config {
    effect: SetConfig::Unknown,
    lexing: true,
};

fn config_effect(setting: &[u8]) -> Sight {
    let is = |name: &str| setting.eq_ignore_ascii_case(name.as_bytes());
    let effect = if is("transaction_read_only") {
        SetConfig::LiftsNow
    } else if is("default_transaction_read_only") {
        SetConfig::LiftsNext
    } else {
        SetConfig::Harmless
    };
    Sight::Config {
        effect,
        lexing: is("standard_conforming_strings") || is("client_encoding"),
    }
}

fn is_set_config(text: &[u8], token: &Token) -> bool {
    const NAME: &[u8] = b"set_config";
    // Most words differ in length already; one with an escape or a foreign letter for the i is longer.
    if token.kind == Kind::Word {
        let word = text.get(token.start..token.stop).unwrap_or_default();
        if word.len() == NAME.len() {
            if word.is_ascii() {
                return word.eq_ignore_ascii_case(NAME);
            }
        } else if word.len() != NAME.len() + 1 || word.is_ascii() {
            return false;
        }
    }
    literal::ident(text, token, &mut [0; NAME_BYTES_MAX]) == Some(NAME)
}

/// Reserved words that come before a parenthesis. Behind a dot even they may be functions.
#[rustfmt::skip]
const NOT_FUNCTIONS: &[&str] = &[
    "all", "and", "any", "array", "as", "between", "case", "coalesce", "distinct", "else",
    "except", "exists", "from", "greatest", "group", "grouping", "having", "ilike", "in", "intersect",
    "into", "is", "join", "lateral", "least", "like", "limit", "not", "nullif", "numeric",
    "offset", "on", "only", "or", "returning", "row", "select", "similar", "some", "then",
    "union", "using", "values", "varchar", "when", "where", "with",
];

#[cfg(test)]
mod tests {
    #[test]
    fn keywords_are_sorted_so_that_they_can_be_searched() {
        assert!(
            super::NOT_FUNCTIONS
                .windows(2)
                .all(|pair| matches!(pair, [a, b] if a < b))
        );
    }
}
