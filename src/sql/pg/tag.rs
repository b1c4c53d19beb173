//! The names that PostgreSQL gives to commands in its messages.

use std::borrow::Cow;

use super::reader::Reader;

pub(super) const UNNAMED: &str = "this statement";

/// Words between the verb and the kind of object.
const FILLERS: &[&str] = &[
    "or",
    "replace",
    "global",
    "local",
    "temp",
    "temporary",
    "unlogged",
    "recursive",
    "unique",
    "trusted",
    "procedural",
    "constraint",
    "default",
];

#[rustfmt::skip]
const OBJECTS: &[&str] = &[
    "ACCESS METHOD", "AGGREGATE", "CAST", "COLLATION", "CONVERSION", "DATABASE", "DEFAULT PRIVILEGES", "DOMAIN",
    "EVENT TRIGGER", "EXTENSION", "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "FUNCTION", "GROUP", "INDEX", "LANGUAGE",
    "LARGE OBJECT", "MATERIALIZED VIEW", "OPERATOR CLASS", "OPERATOR FAMILY", "OPERATOR", "OWNED", "POLICY",
    "PROCEDURE", "PUBLICATION", "ROLE", "ROUTINE", "RULE", "SCHEMA", "SEQUENCE", "SERVER", "STATISTICS",
    "SUBSCRIPTION", "TABLE", "TABLESPACE", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "TRANSFORM", "TRIGGER", "TYPE", "USER MAPPING", "USER", "VIEW",
];

/// `CREATE`, `ALTER` or `DROP` with what it is about, the verb read.
pub(super) fn ddl(verb: &'static str, reader: &mut Reader<'_>) -> Cow<'static, str> {
    let mut skipped = 0;
    while skipped < 4 && reader.is_any(FILLERS) {
        // DEFAULT PRIVILEGES is an object of its own.
        if reader.is("default") && verb == "ALTER" {
            break;
        }
        reader.advance();
        skipped += 1;
    }
    match OBJECTS.iter().find(|object| starts_with(reader, object)) {
        Some(&"USER" | &"GROUP") => format!("{verb} ROLE").into(),
        Some(object) => format!("{verb} {object}").into(),
        None => UNNAMED.into(),
    }
}

fn starts_with(reader: &Reader<'_>, object: &str) -> bool {
    let mut ahead = reader.clone();
    object.split(' ').all(|word| ahead.eat(word))
}

/// What `WITH ...` turns out to be, the first word read: its main verb is the first one outside parentheses.
pub(super) fn with(reader: &mut Reader<'_>) -> &'static str {
    while !reader.at_end() {
        if reader.skip_group() {
            continue;
        }
        let verb = match () {
            () if reader.is("select") || reader.is("table") => "SELECT",
            () if reader.is("insert") => "INSERT",
            () if reader.is("update") => "UPDATE",
            () if reader.is("delete") => "DELETE",
            () if reader.is("merge") => "MERGE",
            () => "",
        };
        reader.advance();
        // A table expression may be called `insert`; then AS or its column list follows.
        let named = reader.is("as") || reader.is_punct(b'(');
        if !verb.is_empty() && (verb == "SELECT" || !named) {
            return verb;
        }
    }
    "SELECT"
}
