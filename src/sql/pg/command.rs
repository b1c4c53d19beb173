//! The class of one statement, by its leading word.
//!
//! Mirrors the server's `ClassifyUtilityCommandAsReadOnly`: what that calls read-only, or leaves to be refused later,
//! is looked at here; everything else is guarded. A known command whose grammar cannot be followed is opaque.

use std::borrow::Cow;

use super::analyze::{Context, Marks};
use super::class::{Class, DoBlock, Opaque, SetConfig, Statement};
use super::lexer::Kind;
use super::literal;
use super::reader::Reader;
use super::routine::{self, Language};
use super::{Unlexable, explain, settings, tag, transaction};

type Tag = Cow<'static, str>;

const STORAGE: &str = "it rewrites or locks tables although it changes no rows";
const STATISTICS: &str = "it changes planner statistics";
const SERVER: &str = "it acts on the whole server";
const LOCK: &str = "its lock could block the maintenance";
const FILE: &str = "it reads or writes through the server's files or programs";
const CODE: &str = "it loads code into the server";
const MESSAGE: &str = "it sends messages to other sessions";
const CURSOR: &str = "the cursor would change settings when it is fetched from";
const UNLISTED_WORD_BYTES_MAX: usize = 24;

/// Classifies the statement that starts at `start` and ends where `text` does.
pub(super) fn statement(
    text: &[u8],
    start: usize,
    context: Context,
    marks: Marks,
) -> Result<Statement, Unlexable> {
    let mut reader = Reader::new(text, start, context.conforming);
    let mut lexing = false;
    let (mut class, mut tag) = classify(&mut reader, context, &marks, &mut lexing)?;
    let mut config = marks.config;
    let prepares = matches!(class, Class::Prepare { .. });
    if prepares {
        config = SetConfig::None;
    } else if let Some((function, reason)) = marks.leak {
        (class, tag) = (Class::Leak(reason), function.into());
    } else if matches!(class, Class::Declare { .. }) && config > SetConfig::Harmless {
        class = Class::Leak(CURSOR);
    }
    Ok(Statement {
        span: start..text.len(),
        tag,
        class,
        config,
        changes_lexing: lexing || (marks.changes_lexing && !prepares),
        calls: marks.calls && !prepares,
    })
}

fn classify(
    reader: &mut Reader<'_>,
    context: Context,
    marks: &Marks,
    lexing: &mut bool,
) -> Result<(Class, Tag), Unlexable> {
    let mut buffer = [0; UNLISTED_WORD_BYTES_MAX];
    let word = lower(reader.word(), &mut buffer);
    if let Some(tag) = query(word, reader) {
        return Ok((Class::Guarded, tag));
    }
    reader.advance();
    if let Some(found) = simple(word, reader) {
        return Ok(found);
    }
    let (class, tag) = match word {
        b"set" | b"reset" => {
            let (class, changes) = if word == b"set" {
                settings::set(reader)
            } else {
                settings::reset(reader)
            };
            *lexing |= changes;
            (class, if word == b"set" { "SET" } else { "RESET" })
        }
        b"discard" if reader.is("all") => {
            *lexing = true;
            (Class::DiscardAll, "DISCARD ALL")
        }
        b"discard" => (Class::Inert, "DISCARD"),
        b"deallocate" => (deallocate(reader)?, "DEALLOCATE"),
        b"prepare" => return prepare(reader, marks),
        b"execute" => (Class::Execute { name: name(reader)? }, "EXECUTE"),
        b"declare" => (declare(reader)?, "DECLARE CURSOR"),
        b"fetch" => (fetch(reader)?, "FETCH"),
        b"move" => (fetch(reader)?, "MOVE"),
        b"do" => (
            Class::Opaque(Opaque::Do(Box::new(do_block(reader, context)))),
            "DO",
        ),
        _ => {
            let letters = word
                .iter()
                .filter(|b| b.is_ascii_alphabetic())
                .map(|&b| char::from(b))
                .collect();
            (Class::Opaque(Opaque::Unknown(letters)), tag::UNNAMED)
        }
    };
    Ok((class, tag.into()))
}

/// Queries and DML, the first word not read.
fn query(word: &[u8], reader: &mut Reader<'_>) -> Option<Tag> {
    Some(Cow::Borrowed(match word {
        b"select" | b"values" | b"table" => "SELECT",
        b"insert" => "INSERT",
        b"update" => "UPDATE",
        b"delete" => "DELETE",
        b"merge" => "MERGE",
        b"with" => {
            reader.advance();
            tag::with(reader)
        }
        b"" => {
            let mut inside = reader.clone();
            while inside.eat_punct(b'(') {}
            if !reader.is_punct(b'(') || !inside.is_any(&["select", "with", "values", "table"]) {
                return None;
            }
            "SELECT"
        }
        _ => return None,
    }))
}

/// Commands that need no names, the first word read.
fn simple(word: &[u8], reader: &mut Reader<'_>) -> Option<(Class, Tag)> {
    let (class, tag) = match word {
        b"show" => (Class::Inert, "SHOW"),
        b"listen" => (Class::Inert, "LISTEN"),
        b"unlisten" => (Class::Inert, "UNLISTEN"),
        b"close" => (Class::Inert, "CLOSE CURSOR"),
        b"begin" | b"start" => (transaction::begin(reader), "BEGIN"),
        b"commit" | b"end" => (transaction::commit(reader), "COMMIT"),
        b"rollback" | b"abort" => (transaction::rollback(reader), "ROLLBACK"),
        b"savepoint" => (Class::Savepoint, "SAVEPOINT"),
        b"release" => (Class::Release, "RELEASE"),
        b"explain" => (explain::explain(reader), "EXPLAIN"),
        b"copy" => return Some(copy(reader)),
        b"lock" => (lock(reader), "LOCK TABLE"),
        b"call" => (Class::Opaque(Opaque::Call), "CALL"),
        b"vacuum" => (Class::Leak(STORAGE), "VACUUM"),
        b"analyze" | b"analyse" => (Class::Leak(STATISTICS), "ANALYZE"),
        b"reindex" => (Class::Leak(STORAGE), "REINDEX"),
        b"cluster" => (Class::Leak(STORAGE), "CLUSTER"),
        b"repack" => (Class::Leak(STORAGE), "REPACK"),
        b"checkpoint" => (Class::Leak(SERVER), "CHECKPOINT"),
        b"notify" => (Class::Leak(MESSAGE), "NOTIFY"),
        b"load" => (Class::Leak(CODE), "LOAD"),
        b"alter" if reader.is("system") => (Class::Leak(SERVER), "ALTER SYSTEM"),
        b"create" => return Some((Class::Guarded, tag::ddl("CREATE", reader))),
        b"alter" => return Some((Class::Guarded, tag::ddl("ALTER", reader))),
        b"drop" => return Some((Class::Guarded, tag::ddl("DROP", reader))),
        b"grant" => (Class::Guarded, "GRANT"),
        b"revoke" => (Class::Guarded, "REVOKE"),
        b"comment" => (Class::Guarded, "COMMENT"),
        b"security" => (Class::Guarded, "SECURITY LABEL"),
        b"truncate" => (Class::Guarded, "TRUNCATE TABLE"),
        b"refresh" => (Class::Guarded, "REFRESH MATERIALIZED VIEW"),
        b"import" => (Class::Guarded, "IMPORT FOREIGN SCHEMA"),
        b"reassign" => (Class::Guarded, "REASSIGN OWNED"),
        _ => return None,
    };
    Some((class, tag.into()))
}

fn lower<'b>(word: &[u8], buffer: &'b mut [u8; UNLISTED_WORD_BYTES_MAX]) -> &'b [u8] {
    for (slot, byte) in buffer.iter_mut().zip(word) {
        *slot = byte.to_ascii_lowercase();
    }
    buffer
        .get(..word.len().min(UNLISTED_WORD_BYTES_MAX))
        .unwrap_or_default()
}

/// COPY, the first word read. The table's own read-only check covers what comes from or goes to the client.
fn copy(reader: &mut Reader<'_>) -> (Class, Tag) {
    if !reader.skip_group() {
        reader.eat("binary");
        while !reader.at_end() && !reader.is_any(&["from", "to"]) {
            if !reader.skip_group() {
                reader.advance();
            }
        }
    }
    let from = reader.is("from");
    reader.advance();
    let client = reader.is_any(&["stdin", "stdout"]);
    // A file can be read only into a temporary table; a program would run even then.
    let harmless = client || (from && reader.is_literal());
    let class = if harmless {
        Class::Guarded
    } else {
        Class::Leak(FILE)
    };
    (class, if from { "COPY FROM" } else { "COPY TO" }.into())
}

/// LOCK, the first word read. Without a mode it is ACCESS EXCLUSIVE.
fn lock(reader: &mut Reader<'_>) -> Class {
    while !reader.at_end() && !reader.eat("in") {
        reader.advance();
    }
    let weak = reader.eat_any(&["access", "row"]) && reader.eat("share") && reader.is("mode");
    if weak { Class::Guarded } else { Class::Leak(LOCK) }
}

fn name(reader: &mut Reader<'_>) -> Result<Vec<u8>, Unlexable> {
    let token = reader.advance().ok_or(Unlexable::Name)?;
    literal::name(reader.text(), &token)
}

/// DEALLOCATE [PREPARE] name, the first word read.
fn deallocate(reader: &mut Reader<'_>) -> Result<Class, Unlexable> {
    let mut ahead = reader.clone();
    if ahead.eat("prepare") && !ahead.at_end() {
        *reader = ahead;
    }
    let name = if reader.is("all") {
        None
    } else {
        Some(name(reader)?)
    };
    Ok(Class::Deallocate { name })
}

/// PREPARE name [(types)] AS statement, or PREPARE TRANSACTION 'id', the first word read.
fn prepare(reader: &mut Reader<'_>, marks: &Marks) -> Result<(Class, Tag), Unlexable> {
    let mut ahead = reader.clone();
    if ahead.eat("transaction") && ahead.is_literal() {
        return Ok((Class::Leak(transaction::PREPARED), "PREPARE TRANSACTION".into()));
    }
    let name = name(reader)?;
    reader.skip_group();
    reader.eat("as");
    let start = reader.peek().map_or(reader.text().len(), |token| token.start);
    let mut buffer = [0; UNLISTED_WORD_BYTES_MAX];
    let word = lower(reader.word(), &mut buffer);
    let inner = match (&marks.leak, query(word, reader)) {
        (Some((function, reason)), _) => (Class::Leak(reason), function.clone().into()),
        (None, Some(tag)) => (Class::Guarded, tag),
        (None, None) => (Class::Opaque(Opaque::Unknown(String::new())), tag::UNNAMED.into()),
    };
    let inner = Statement {
        span: start..reader.text().len(),
        tag: inner.1,
        class: inner.0,
        config: marks.config,
        changes_lexing: marks.changes_lexing,
        calls: marks.calls,
    };
    Ok((
        Class::Prepare {
            name,
            inner: Box::new(inner),
        },
        "PREPARE".into(),
    ))
}

/// DECLARE name options CURSOR [WITH HOLD] FOR query, the first word read.
fn declare(reader: &mut Reader<'_>) -> Result<Class, Unlexable> {
    let name = name(reader)?;
    while reader.eat_any(&["binary", "asensitive", "insensitive", "no", "scroll"]) {}
    reader.eat("cursor");
    let hold = reader.eat("with") && reader.is("hold");
    Ok(Class::Declare { name, hold })
}

/// FETCH and MOVE, the first word read: whatever the direction, the cursor's name comes last.
fn fetch(reader: &mut Reader<'_>) -> Result<Class, Unlexable> {
    let mut last = None;
    while let Some(token) = reader.advance() {
        last = Some(token);
    }
    let last = last.ok_or(Unlexable::Name)?;
    Ok(Class::Fetch {
        name: literal::name(reader.text(), &last)?,
    })
}

/// DO, the first word read: a body and LANGUAGE name in either order.
fn do_block(reader: &mut Reader<'_>, context: Context) -> DoBlock {
    let mut block = DoBlock {
        language: Language::PlPgSql,
        body: None,
        findings: Vec::new(),
    };
    let mut bodies = 0;
    while let Some(token) = reader.peek() {
        if reader.eat("language") {
            block.language = language(reader);
        } else if matches!(token.kind, Kind::Text(_)) {
            bodies += 1;
            block.body = reader.literal();
        }
        reader.advance();
    }
    block.findings = match &block.body {
        // A block inside a constant inside a block is not followed.
        Some(body) if !context.nested && !context.in_body && bodies == 1 => {
            routine::inspect_body(body, block.language, context, None)
        }
        _ => vec![routine::unreadable("DO")],
    };
    block
}

fn language(reader: &Reader<'_>) -> Language {
    let mut buffer = [0; literal::NAME_BYTES_MAX];
    match reader.literal() {
        Some(name) => Language::from_name(&name),
        None => reader
            .ident(&mut buffer)
            .map_or(Language::Other, Language::from_name),
    }
}
