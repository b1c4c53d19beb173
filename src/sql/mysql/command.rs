//! The class of one statement, by its leading word.
//!
//! What the server refuses in a read-only session was measured statement by statement on MariaDB 10.11 and MySQL 9.7:
//! tests/it holds the table. A known command whose grammar cannot be followed is opaque or unknown.

use std::borrow::Cow;

use super::analyze::{Context, bare, block, is_block, verb_at};
use super::class::{Class, Inner, Opaque, Settings, Statement, Transaction};
use super::lexer::{Kind, Token};
use super::marks::Marks;
use super::reader::Reader;
use super::{Unlexable, literal, settings, transaction};

const STATISTICS: &str = "it changes the optimizer's statistics";
const SERVER: &str = "it acts on the whole server";
const STORAGE: &str = "it may rewrite tables although it changes no rows";
const SESSIONS: &str = "it ends other sessions";
const REPLICATION: &str = "it acts on replication";
const LIFTS: &str = "it lifts read-only for one statement";

#[derive(Debug)]
struct Found {
    class: Class,
    transaction: Option<Transaction>,
    settings: Settings,
}

impl From<Class> for Found {
    fn from(class: Class) -> Self {
        Self {
            class,
            transaction: None,
            settings: Settings::default(),
        }
    }
}

impl Found {
    fn in_transaction(class: Class, transaction: Transaction) -> Self {
        Self {
            transaction: Some(transaction),
            ..Self::from(class)
        }
    }

    fn commits(class: Class) -> Self {
        Self::in_transaction(class, Transaction::ImplicitCommit)
    }
}

/// Classifies the statement of these tokens; there is at least one.
pub(super) fn statement(text: &[u8], tokens: &[Token], context: Context, marks: &Marks) -> Statement {
    let mut reader = Reader::new(text, tokens);
    let mut lexing = false;
    // SET STATEMENT ... FOR is a wrapper, and wraps itself too.
    while context.dialect.flavor == super::Flavor::MariaDb && is_wrapper(&reader) {
        match unwrap(&mut reader) {
            Ok(settings) => lexing |= settings.lexing,
            Err(class) => return bare(0..0, Cow::Borrowed("SET STATEMENT"), class),
        }
    }
    let verb = verb(&reader);
    let shows_variables = shows_variables(reader.clone());
    let mut found = classify(&mut reader, context, marks);
    if lexing && !matches!(found.class, Class::Read | Class::Guarded | Class::Leak(_)) {
        found.class = Class::Unknown(Unlexable::Setting);
    }
    Statement {
        transaction: found.transaction,
        settings: found.settings,
        shows_variables,
        ..bare(0..0, verb, found.class)
    }
}

fn shows_variables(mut reader: Reader<'_>) -> bool {
    reader.eat("show") && {
        reader.eat_any(&["global", "session", "local"]);
        reader.is("variables")
    }
}

fn is_wrapper(reader: &Reader<'_>) -> bool {
    let mut ahead = reader.clone();
    ahead.eat("set") && ahead.eat("statement")
}

/// Moves over `SET STATEMENT assignments FOR`.
fn unwrap(reader: &mut Reader<'_>) -> Result<Settings, Class> {
    reader.advance();
    reader.advance();
    let mut depth = 0_usize;
    let mut ahead = reader.clone();
    let length = loop {
        match ahead.kind() {
            None => return Err(Class::Unknown(Unlexable::Setting)),
            Some(Kind::Punct(b'(')) => depth += 1,
            Some(Kind::Punct(b')')) => depth = depth.saturating_sub(1),
            Some(Kind::Word) if depth == 0 && ahead.is("for") => {
                break reader.rest().len() - ahead.rest().len();
            }
            Some(_) => {}
        }
        ahead.advance();
    };
    let assignments = reader.rest().get(..length).unwrap_or_default();
    let found = settings::set(&mut Reader::new(reader.text(), assignments));
    ahead.advance();
    *reader = ahead;
    match found.class() {
        Class::Read if !found.settings.trackers && found.settings.autocommit.is_none() => Ok(found.settings),
        Class::Lift | Class::Read => Err(Class::Leak(LIFTS)),
        class => Err(class),
    }
}

/// What messages call the statement: the verb, with the kind of object where that tells more.
fn verb(reader: &Reader<'_>) -> Cow<'static, str> {
    let first = verb_at(reader.text(), reader.rest());
    let mut ahead = reader.clone();
    ahead.advance();
    let two = matches!(
        first.as_str(),
        "CREATE"
            | "ALTER"
            | "DROP"
            | "LOCK"
            | "UNLOCK"
            | "FLUSH"
            | "RESET"
            | "START"
            | "STOP"
            | "XA"
            | "LOAD"
            | "CHANGE"
    );
    let second = verb_at(ahead.text(), ahead.rest());
    match (first.as_str(), two && !second.is_empty()) {
        ("", _) => Cow::Borrowed("this statement"),
        (_, true) => Cow::Owned(format!("{first} {second}")),
        (_, false) => Cow::Owned(first),
    }
}

fn classify(reader: &mut Reader<'_>, context: Context, marks: &Marks) -> Found {
    if is_block(reader.clone(), context.dialect) {
        return block().into();
    }
    let reads = || Found::from(if marks.writes { Class::Guarded } else { Class::Read });
    if reader.is_punct(b'(') {
        let mut inside = reader.clone();
        while inside.eat_punct(b'(') {}
        return if inside.is_any(&["select", "with", "values", "table"]) {
            reads()
        } else {
            unlisted(reader)
        };
    }
    let word = reader.word().to_ascii_lowercase();
    let start = reader.clone();
    reader.advance();
    match word.as_slice() {
        b"select" | b"values" | b"table" | b"with" | b"do" | b"show" | b"explain" | b"describe" | b"desc"
        | b"help" | b"signal" | b"resignal" | b"get" => reads(),
        b"analyze" => analyze(reader, reads()),
        b"checksum" => Class::Read.into(),
        b"use" => use_database(reader),
        b"handler" => open_table(reader).into(),
        b"set" => {
            let found = settings::set(reader);
            // A value that a query computes may do what the query does.
            let class = match found.class() {
                Class::Read if marks.writes => Class::Guarded,
                class => class,
            };
            Found {
                class,
                transaction: found.transaction,
                settings: found.settings,
            }
        }
        b"begin" if reader.at_end() || reader.is("work") => begin(reader),
        b"start" if reader.eat("transaction") => begin(reader),
        b"commit" => Found::in_transaction(Class::Read, transaction::commit(reader)),
        b"rollback" => Found::in_transaction(Class::Read, transaction::rollback(reader)),
        b"savepoint" => Found::in_transaction(Class::Read, Transaction::Savepoint),
        b"release" => Found::in_transaction(Class::Read, Transaction::ReleaseSavepoint),
        b"xa" => {
            let (class, transaction) = transaction::xa(reader, context.dialect.flavor);
            Found {
                transaction,
                ..Found::from(class)
            }
        }
        b"lock" => {
            let (class, transaction) = transaction::lock(reader);
            Found {
                transaction,
                ..Found::from(class)
            }
        }
        b"unlock" => Found::in_transaction(Class::Read, Transaction::UnlockTables),
        b"call" => call(reader),
        b"prepare" => prepare(reader, context),
        b"execute" => execute(reader, context),
        b"deallocate" => Class::Read.into(),
        b"drop" if reader.is("prepare") => Class::Read.into(),
        _ => simple(&word, reader).unwrap_or_else(|| unlisted(&start)),
    }
}

/// Commands that are the same thing in every form, the first word read.
fn simple(word: &[u8], reader: &Reader<'_>) -> Option<Found> {
    Some(match word {
        b"insert" | b"replace" | b"update" | b"delete" | b"import" => Class::Guarded.into(),
        b"load" if reader.is("index") => Found::commits(Class::Read),
        b"load" => Class::Guarded.into(),
        b"alter" | b"drop" if reader.is("resource") => Class::Leak(SERVER).into(),
        // MySQL 9.7 crashes on ALTER USER ... DEFAULT ROLE in a read-only session.
        b"alter" if reader.is("user") && has_word(reader, "role") => Class::Leak(SERVER).into(),
        b"create" | b"drop" if reader.is_any(&["temporary", "temp"]) => Class::Guarded.into(),
        b"create" | b"alter" | b"drop" | b"truncate" | b"rename" | b"grant" | b"revoke" | b"install"
        | b"uninstall" | b"optimize" | b"repair" => Found::commits(Class::Guarded),
        b"check" => check(reader),
        b"cache" | b"flush" | b"reset" | b"purge" | b"shutdown" | b"restart" | b"clone" => {
            Found::commits(Class::Leak(SERVER))
        }
        b"backup" => Class::Leak(transaction::LOCK).into(),
        b"kill" => kill(reader).into(),
        b"binlog" | b"change" | b"start" | b"stop" => Found::commits(Class::Leak(REPLICATION)),
        _ => return None,
    })
}

fn unlisted(reader: &Reader<'_>) -> Found {
    Class::Opaque(Opaque::Unlisted(
        verb_at(reader.text(), reader.rest()).to_ascii_lowercase(),
    ))
    .into()
}

fn begin(reader: &mut Reader<'_>) -> Found {
    let (class, transaction) = transaction::begin(reader);
    Found::in_transaction(class, transaction)
}

/// ANALYZE, the first word read: of a table, or of a statement, which MariaDB then runs.
fn analyze(reader: &mut Reader<'_>, statement: Found) -> Found {
    reader.eat_any(&["local", "no_write_to_binlog"]);
    if reader.is_any(&["table", "tables"]) {
        return Found::commits(Class::Leak(STATISTICS));
    }
    statement
}

fn has_word(reader: &Reader<'_>, word: &str) -> bool {
    let mut ahead = reader.clone();
    while !ahead.at_end() {
        if ahead.eat(word) {
            return true;
        }
        ahead.advance();
    }
    false
}

/// CHECK TABLE and CHECK VIEW, the first word read. FOR UPGRADE may write.
fn check(reader: &Reader<'_>) -> Found {
    if has_word(reader, "upgrade") {
        return Found::commits(Class::Leak(STORAGE));
    }
    Found::commits(Class::Read)
}

/// HANDLER, the first word read. An open one keeps others from changing the table, without any transaction.
fn open_table(reader: &mut Reader<'_>) -> Class {
    while reader.identifier().is_some() && reader.eat_punct(b'.') {}
    if reader.is("open") {
        Class::Leak(transaction::LOCK)
    } else {
        Class::Read
    }
}

/// KILL, the first word read. `KILL QUERY number` is how drivers cancel.
fn kill(reader: &Reader<'_>) -> Class {
    let mut ahead = reader.clone();
    ahead.eat_any(&["hard", "soft"]);
    if ahead.eat("query") && ahead.is_kind(Kind::Number) {
        return Class::Read;
    }
    Class::Leak(SESSIONS)
}

fn use_database(reader: &mut Reader<'_>) -> Found {
    let Some(name) = reader.identifier() else {
        return Class::Unknown(Unlexable::Name).into();
    };
    Found {
        settings: Settings {
            database: Some(name),
            ..Settings::default()
        },
        ..Found::from(Class::Read)
    }
}

/// CALL, the first word read: `p`, `db.p`, and in MariaDB's packages `db.package.p`.
fn call(reader: &mut Reader<'_>) -> Found {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    while let Some(part) = reader.identifier() {
        parts.push(part);
        if !reader.eat_punct(b'.') {
            break;
        }
    }
    let Some(name) = parts.pop() else {
        return Class::Unknown(Unlexable::Name).into();
    };
    let database = parts.join(&b'.');
    Class::Opaque(Opaque::Call { database, name }).into()
}

/// The name of a prepared statement. The server compares it without accents, so outside ASCII nobody can say which names
/// are one.
fn prepared_name(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    reader.identifier().filter(|name| name.is_ascii())
}

/// PREPARE name FROM, the first word read.
fn prepare(reader: &mut Reader<'_>, context: Context) -> Found {
    let Some(name) = prepared_name(reader) else {
        return Class::Unknown(Unlexable::Name).into();
    };
    reader.eat("from");
    let script = constant(reader.rest(), reader.text(), context);
    Class::Opaque(Opaque::Prepare { name, script }).into()
}

/// EXECUTE name, EXECUTE IMMEDIATE text, the first word read.
fn execute(reader: &mut Reader<'_>, context: Context) -> Found {
    let mut ahead = reader.clone();
    let immediate = ahead.eat("immediate") && !ahead.at_end() && !ahead.is("using");
    if immediate {
        let length = ahead.rest().len();
        let using = ahead.rest().iter().position(|t| {
            t.kind == Kind::Word && super::names::slice(ahead.text(), t).eq_ignore_ascii_case(b"using")
        });
        let text = ahead.rest().get(..using.unwrap_or(length)).unwrap_or_default();
        let script = constant(text, ahead.text(), context);
        return Class::Opaque(Opaque::Immediate { script }).into();
    }
    match prepared_name(reader) {
        Some(name) => Class::Opaque(Opaque::Execute { name }).into(),
        None => Class::Unknown(Unlexable::Name).into(),
    }
}

/// The script of a text that is one constant. A prepared text holds one statement only: of more the server runs none.
fn constant(tokens: &[Token], text: &[u8], context: Context) -> Option<Box<Inner>> {
    let [token] = tokens else { return None };
    if context.nested {
        return None;
    }
    let inner = literal::value(text, token, context.dialect)?;
    let script = super::analyze::split(
        &inner,
        Context {
            nested: true,
            ..context
        },
    );
    Some(Box::new(Inner { text: inner, script }))
}
