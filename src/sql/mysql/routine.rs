//! What the body of a routine, trigger or event could do behind the guard.
//!
//! The guard holds for every statement that a body runs; findings are what gets past it or ends it: transaction control,
//! the settings, SQL text that is put together at run time, leaks. Besides it is told what the body calls and which
//! qualified names it has, since those reach further.
//!
//! Where a statement starts is not decided by a grammar but by what stands before (`;`, BEGIN, THEN, ELSE, DO, LOOP, a
//! label, a handler): an expression's THEN can look like one, so a word counts as a command only if what follows could
//! continue it. A body that cannot be lexed is a finding.
//!
//! Must not know: who may call the routine, or what the operator allows.

use super::analyze::Context;
use super::class::{Class, Inner, Opaque, Statement, Transaction};
use super::lexer::{Kind, Token};
use super::marks::Marks;
use super::reader::Reader;
use super::{Dialect, RefusedWords, Script, command, names, natives};

/// Kept per body; more add nothing to the verdict.
const FINDINGS_MAX: usize = 32;

/// Calls and names kept per body; one with more is not followed.
const NAMES_MAX: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// COMMIT, ROLLBACK, START TRANSACTION, SET autocommit, XA: the transaction that the body was called in ends.
    TransactionControl,
    /// A setting that the guard or the proof rests on.
    Setting,
    DynamicSql,
    Leak,
    RefusedWord,
    Unreadable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    /// The function, command or refused word, never SQL text.
    pub detail: String,
}

/// A routine that the body calls, or a table behind a dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualifiedName {
    /// Empty where the name is not qualified: the body's own database.
    pub database: Vec<u8>,
    pub name: Vec<u8>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    pub findings: Vec<Finding>,
    /// CALL, and functions that are none of the server's own.
    pub calls: Vec<QualifiedName>,
    /// What stands around a dot: tables of other databases, and columns of tables.
    pub names: Vec<QualifiedName>,
    /// Holds a statement that the guard would have to refuse. Matters where there is no guard.
    pub writes: bool,
}

impl Body {
    fn push(&mut self, kind: FindingKind, detail: &str) {
        let finding = Finding {
            kind,
            detail: detail.to_owned(),
        };
        if self.findings.len() < FINDINGS_MAX && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn unreadable(detail: &str) -> Self {
        let mut body = Self::default();
        body.push(FindingKind::Unreadable, detail);
        body
    }
}

/// Inspects a body, as `information_schema` has it, with the modes and character set that the routine was made with.
pub fn inspect(text: &[u8], dialect: Dialect, known: &RefusedWords) -> Body {
    let (tokens, halt) = super::analyze::tokenize(text, dialect);
    if let Some(reason) = halt {
        return Body::unreadable(&reason.to_string());
    }
    let mut body = Body::default();
    let marks = Marks::of(text, &tokens);
    body.writes = marks.writes;
    if let Some((name, _)) = &marks.leak {
        body.push(FindingKind::Leak, name);
    }
    statements(text, &tokens, dialect, &mut body);
    names_in(text, &tokens, &mut body);
    let script = Script {
        statements: Vec::new(),
        tokens,
    };
    if let Some(word) = script.mentioned(text, known) {
        body.push(FindingKind::RefusedWord, word);
    }
    body
}

/// Words that start a statement which may matter.
#[rustfmt::skip]
const COMMANDS: &[&str] = &[
    "alter", "analyze", "backup", "binlog", "cache", "call", "change", "check", "clone", "commit", "create", "delete",
    "do", "drop", "execute", "flush", "grant", "insert", "install", "kill", "load", "lock", "optimize", "prepare",
    "purge", "rename", "repair", "replace", "reset", "restart", "revoke", "rollback", "savepoint", "select", "set",
    "shutdown", "start", "stop", "truncate", "uninstall", "unlock", "update", "values", "with", "xa",
];

/// Words that continue an expression and none of the commands.
const EXPRESSION: &[&str] = &[
    "and", "else", "end", "in", "is", "like", "not", "or", "then", "when",
];

/// Words behind which a statement may start.
const OPENERS: &[&str] = &["begin", "do", "else", "loop", "repeat", "then", "atomic"];

fn statements(text: &[u8], tokens: &[Token], dialect: Dialect, body: &mut Body) {
    let context = Context {
        dialect,
        nested: false,
    };
    let is = |token: &Token, words: &[&str]| {
        token.kind == Kind::Word
            && words
                .iter()
                .any(|k| names::slice(text, token).eq_ignore_ascii_case(k.as_bytes()))
    };
    let (mut starts, mut conditions) = (true, false);
    let mut from = 0;
    while let Some(token) = tokens.get(from) {
        // A handler's statement stands behind its conditions, which are words too.
        if (starts || conditions) && is(token, COMMANDS) && continues(text, tokens, from) {
            let end = end_of(tokens, from);
            let piece = tokens.get(from..end).unwrap_or_default();
            let marks = Marks::of(text, piece);
            note(&command::statement(text, piece, context, &marks), body);
            // What a command holds cannot start another, except behind FOR in SET STATEMENT, which was followed.
            (from, starts, conditions) = (end, false, false);
            continue;
        }
        conditions = (conditions || is(token, &["handler"])) && token.kind != Kind::Punct(b';');
        starts = matches!(token.kind, Kind::Punct(b';' | b':' | b'>')) || is(token, OPENERS);
        from += 1;
    }
}

/// The next semicolon.
fn end_of(tokens: &[Token], from: usize) -> usize {
    let rest = tokens.get(from..).unwrap_or_default();
    let length = rest.iter().position(|t| t.kind == Kind::Punct(b';'));
    length.map_or(tokens.len(), |length| from + length)
}

/// Whether a word can be a command, by what follows: a variable would be assigned to or used.
fn continues(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let command = Reader::new(text, tokens.get(at..).unwrap_or_default());
    let mut reader = command.clone();
    reader.advance();
    match reader.kind() {
        None | Some(Kind::Quoted | Kind::Text | Kind::UserVariable | Kind::System | Kind::Number) => true,
        Some(Kind::Word) => !reader.is_any(EXPRESSION),
        // Others are functions before a parenthesis (`replace`, `truncate`).
        Some(Kind::Punct(b'(')) => command.is_any(&["select", "values", "do", "kill"]),
        Some(Kind::Punct(byte)) => matches!(byte, b';' | b'*' | b'-'),
        Some(_) => false,
    }
}

fn note(statement: &Statement, body: &mut Body) {
    let verb = &*statement.verb;
    body.writes |= matches!(statement.class, Class::Guarded | Class::Leak(_));
    let settings = &statement.settings;
    if settings.guard.is_some() || settings.next.is_some() || settings.trackers || settings.completion {
        body.push(FindingKind::Setting, verb);
    }
    if settings.lexing || settings.database.is_some() || settings.role {
        body.push(FindingKind::Setting, verb);
    }
    if settings.autocommit.is_some() {
        body.push(FindingKind::TransactionControl, verb);
    }
    match &statement.transaction {
        None | Some(Transaction::Savepoint | Transaction::RollbackTo | Transaction::ReleaseSavepoint) => {}
        // Which a read-only session refuses; otherwise it is a leak.
        Some(Transaction::ImplicitCommit) => {}
        Some(_) => body.push(FindingKind::TransactionControl, verb),
    }
    match &statement.class {
        Class::Leak(_) => body.push(FindingKind::Leak, verb),
        Class::Unknown(_) | Class::SyntaxError | Class::Opaque(Opaque::Unlisted(_) | Opaque::Block) => {
            body.push(FindingKind::Unreadable, verb);
        }
        Class::Opaque(Opaque::Call { database, name }) => call(database.clone(), name.clone(), body),
        Class::Opaque(Opaque::Execute { .. }) => body.push(FindingKind::DynamicSql, verb),
        Class::Opaque(Opaque::Prepare { script, .. } | Opaque::Immediate { script }) => {
            constant(script.as_deref(), verb, body);
        }
        Class::Read | Class::Guarded | Class::Lift => {}
    }
}

/// A text that the body has prepared from a constant is looked at as if it stood there.
fn constant(script: Option<&Inner>, verb: &str, body: &mut Body) {
    let harmless = |s: &Statement| {
        matches!(s.class, Class::Read | Class::Guarded)
            && s.transaction.is_none()
            && s.settings == Default::default()
    };
    match script.map(|inner| (inner, inner.script.statements.as_slice())) {
        Some((inner, [one])) if harmless(one) => {
            body.writes |= one.class == Class::Guarded;
            names_in(&inner.text, &inner.script.tokens, body);
        }
        _ => body.push(FindingKind::DynamicSql, verb),
    }
}

fn call(database: Vec<u8>, name: Vec<u8>, body: &mut Body) {
    let called = QualifiedName { database, name };
    if body.calls.contains(&called) {
        return;
    }
    if body.calls.len() == NAMES_MAX {
        return body.push(FindingKind::Unreadable, "too many calls");
    }
    body.calls.push(called);
}

/// Collects the functions that are called and the names around dots.
fn names_in(text: &[u8], tokens: &[Token], body: &mut Body) {
    for (at, token) in tokens.iter().enumerate() {
        let Some(name) = names::identifier(text, token) else {
            continue;
        };
        let kind = |at: usize| tokens.get(at).map(|t| t.kind);
        let dotted = at.checked_sub(1).and_then(kind) == Some(Kind::Punct(b'.'));
        let open = tokens.get(at + 1).filter(|t| t.kind == Kind::Punct(b'('));
        let database = || {
            let before = at.checked_sub(2).and_then(|at| tokens.get(at));
            before
                .and_then(|t| names::identifier(text, t))
                .unwrap_or_default()
        };
        if dotted {
            let qualified = QualifiedName {
                database: database(),
                name: name.clone(),
            };
            if body.names.len() == NAMES_MAX {
                return body.push(FindingKind::Unreadable, "too many names");
            }
            if !body.names.contains(&qualified) {
                body.names.push(qualified);
            }
        }
        let Some(open) = open else { continue };
        if dotted || token.kind != Kind::Word || !natives::is_native(&name, open.start == token.end) {
            call(if dotted { database() } else { Vec::new() }, name, body);
        }
    }
}
