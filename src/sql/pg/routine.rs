//! What the body of a routine or DO block could do behind the guard.
//!
//! The guard holds for every statement a body runs; findings are only what gets past it: SQL text that is put together
//! at run time, the read-only settings, transaction modes, leaks, refused words, and bodies that cannot be read. Most
//! routines have none. A literal is not read as SQL, except where a function or EXECUTE runs exactly that literal.
//!
//! Must not know: who may call the routine, or what the operator allows.

use super::analyze::{self, Context};
use super::class::{Access, Class, Opaque, SetConfig, Statement};
use super::lexer::{Kind, Lexer, Style, Token};
use super::literal::{self, NAME_BYTES_MAX};
use super::marks::{Sight, Watch};
use super::words::Search;
use super::{Conforming, Modes, RefusedWords};

mod plpgsql;

/// Kept per body; more add nothing to the verdict.
const FINDINGS_MAX: usize = 32;

const SETTING: &[u8] = b"transaction_read_only";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Sql,
    PlPgSql,
    Other,
}

impl Language {
    /// By its name in `pg_language`.
    pub fn from_name(name: &[u8]) -> Self {
        match name {
            b"sql" => Self::Sql,
            b"plpgsql" => Self::PlPgSql,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingKind {
    DynamicSql,
    Setting,
    TransactionMode,
    Leak,
    RefusedWord(String),
    Unreadable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    /// The function or command, never SQL text.
    pub detail: String,
}

/// Inspects a body. With `standard_conforming_strings` unknown it is read both ways.
pub fn inspect(body: &[u8], language: Language, modes: &Modes, known: &RefusedWords) -> Vec<Finding> {
    let Ok(masked) = analyze::prepare(body, modes) else {
        return vec![unreadable("body")];
    };
    let context = |conforming| Context {
        conforming,
        nested: false,
        in_body: false,
    };
    if modes.standard_conforming_strings != Conforming::Unknown {
        return inspect_body(
            &masked,
            language,
            context(modes.standard_conforming_strings),
            Some(known),
        );
    }
    let mut findings = Findings::default();
    for conforming in [Conforming::On, Conforming::Off] {
        for finding in inspect_body(&masked, language, context(conforming), Some(known)) {
            findings.push(finding.kind, &finding.detail);
        }
    }
    findings.list
}

/// Inspects a body whose characters are masked already.
pub(super) fn inspect_body(
    body: &[u8],
    language: Language,
    context: Context,
    known: Option<&RefusedWords>,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    if body.contains(&0) {
        return vec![unreadable("body")];
    }
    match language {
        Language::Other => return vec![unreadable("language")],
        Language::Sql => sql(body, context, known, &mut findings),
        Language::PlPgSql => plpgsql::inspect(body, context, known, &mut findings),
    }
    findings.list
}

pub(super) fn unreadable(what: &str) -> Finding {
    Finding {
        kind: FindingKind::Unreadable,
        detail: what.to_owned(),
    }
}

#[derive(Debug, Default)]
struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    fn push(&mut self, kind: FindingKind, detail: &str) {
        let finding = Finding {
            kind,
            detail: detail.to_owned(),
        };
        if self.list.len() < FINDINGS_MAX && !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }

    /// What a statement in a body does by being that command.
    fn command(&mut self, statement: &Statement) {
        let tag = &*statement.tag;
        match &statement.class {
            Class::Leak(_) => self.push(FindingKind::Leak, tag),
            Class::SetDefault { .. } | Class::LiftNow { .. } | Class::ResetAll | Class::DiscardAll => {
                self.push(FindingKind::Setting, tag);
            }
            Class::Begin {
                access: Some(Access::ReadWrite),
            }
            | Class::SetTransaction {
                access: Some(Access::ReadWrite),
            } => {
                self.push(FindingKind::TransactionMode, tag);
            }
            Class::Execute { .. } | Class::Opaque(Opaque::Do(_)) => self.push(FindingKind::DynamicSql, tag),
            Class::Opaque(Opaque::Unknown(_)) | Class::SyntaxError => self.push(FindingKind::Unreadable, tag),
            Class::Prepare { inner, .. } if matches!(inner.class, Class::Leak(_)) => {
                self.push(FindingKind::Leak, &inner.tag);
            }
            _ if statement.changes_lexing => self.push(FindingKind::Setting, tag),
            _ => {}
        }
    }
}

/// The checks that hold for every token, whatever the language.
struct Tokens<'w> {
    watch: Watch,
    search: Option<Search<'w>>,
    /// The two tokens before.
    before: [Option<Token>; 2],
}

impl<'w> Tokens<'w> {
    fn new(context: Context, known: Option<&'w RefusedWords>) -> Self {
        let search = known.filter(|words| !words.is_empty()).map(Search::new);
        Self {
            watch: Watch::new(context),
            search,
            before: [None; 2],
        }
    }

    fn see(&mut self, lexer: &Lexer<'_>, token: &Token, findings: &mut Findings) {
        let text = lexer.text();
        let sight = self.watch.see(lexer, token);
        note(
            sight,
            || called(text, self.before.first().copied().flatten()),
            findings,
        );
        if token.kind == Kind::Punct(b';') {
            note(self.watch.finish(lexer), String::new, findings);
        }
        if let Some(name) = self.search.as_mut().and_then(|search| search.see(lexer, token)) {
            findings.push(FindingKind::RefusedWord(name.to_owned()), name);
        }
        match token.kind {
            Kind::Word if is(text, token, "write") && self.previous_is(text, "read") => {
                findings.push(FindingKind::TransactionMode, "READ WRITE");
            }
            Kind::Word | Kind::Quoted | Kind::UnicodeName(_) | Kind::Text(_)
                if names_setting(text, token) && !self.only_asks(text, token) =>
            {
                findings.push(FindingKind::Setting, "transaction_read_only");
            }
            _ => {}
        }
        self.before = [Some(*token), self.before.first().copied().flatten()];
    }

    fn previous_is(&self, text: &[u8], keyword: &str) -> bool {
        self.before
            .first()
            .copied()
            .flatten()
            .is_some_and(|token| is(text, &token, keyword))
    }

    /// `current_setting('...` and `SHOW ...` read the setting.
    fn only_asks(&self, text: &[u8], token: &Token) -> bool {
        match (token.kind, self.before) {
            (Kind::Text(_), [Some(open), Some(function)]) => {
                open.kind == Kind::Punct(b'(') && is(text, &function, "current_setting")
            }
            (Kind::Text(_), _) => false,
            (_, [Some(show), _]) => is(text, &show, "show"),
            _ => false,
        }
    }
}

fn note(sight: Sight, name: impl FnOnce() -> String, findings: &mut Findings) {
    match sight {
        Sight::Nothing | Sight::Call => {}
        Sight::Refused(_) => findings.push(FindingKind::Leak, &name()),
        Sight::RunsText => findings.push(FindingKind::DynamicSql, &name()),
        Sight::Config { effect, lexing } => {
            if effect > SetConfig::Harmless || lexing {
                findings.push(FindingKind::Setting, "set_config()");
            }
        }
    }
}

fn called(text: &[u8], name: Option<Token>) -> String {
    let mut buffer = [0; NAME_BYTES_MAX];
    let folded = name.and_then(|name| literal::ident(text, &name, &mut buffer));
    format!("{}()", String::from_utf8_lossy(folded.unwrap_or_default()))
}

fn is(text: &[u8], token: &Token, keyword: &str) -> bool {
    token.kind == Kind::Word
        && text
            .get(token.start..token.stop)
            .is_some_and(|w| w.eq_ignore_ascii_case(keyword.as_bytes()))
}

/// The identifier is one of the two settings, or the literal has one in it.
fn names_setting(text: &[u8], token: &Token) -> bool {
    if token.stop - token.start < SETTING.len() {
        return false;
    }
    let mut buffer = [0; NAME_BYTES_MAX];
    match token.kind {
        Kind::Text(Style::Bits) => false,
        Kind::Text(style) => {
            literal::resolve(text, token, style).is_some_and(|value| contains_setting(&value))
        }
        _ => literal::ident(text, token, &mut buffer).is_some_and(contains_setting),
    }
}

fn contains_setting(value: &[u8]) -> bool {
    value
        .windows(SETTING.len())
        .any(|window| window.eq_ignore_ascii_case(SETTING))
}

/// An SQL-language body: every statement stands in the open.
fn sql(body: &[u8], context: Context, known: Option<&RefusedWords>, findings: &mut Findings) {
    let body = standard_body(body, context.conforming);
    match analyze::split(
        body,
        Context {
            in_body: true,
            ..context
        },
    ) {
        Ok(statements) => {
            let returns =
                |s: &Statement| matches!(&s.class, Class::Opaque(Opaque::Unknown(w)) if w == "return");
            statements
                .iter()
                .filter(|s| !returns(s))
                .for_each(|s| findings.command(s));
        }
        Err(_) => findings.push(FindingKind::Unreadable, "body"),
    }
    let mut tokens = Tokens::new(context, known);
    let mut lexer = Lexer::new(body, 0, context.conforming);
    while let Ok(Some(token)) = lexer.next_token() {
        tokens.see(&lexer, &token, findings);
    }
}

/// Without `BEGIN ATOMIC`, the way the server prints a body that it keeps parsed.
fn standard_body(body: &[u8], conforming: Conforming) -> &[u8] {
    let mut lexer = Lexer::new(body, 0, conforming);
    let begins = |lexer: &mut Lexer<'_>, keyword: &str| {
        let token = lexer.next_token();
        matches!(token, Ok(Some(token)) if is(body, &token, keyword))
    };
    if begins(&mut lexer, "begin") && begins(&mut lexer, "atomic") {
        return body.get(lexer.position()..).unwrap_or_default();
    }
    body
}
