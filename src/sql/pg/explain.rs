//! EXPLAIN, which runs its statement if it is told to ANALYZE.
//!
//! The server checks a read-only transaction when a plan runs, but EXPLAIN ANALYZE of CREATE TABLE AS, SELECT INTO and
//! CREATE MATERIALIZED VIEW creates the relation outside that check. So with ANALYZE only plain queries and DML pass.

use super::class::Class;
use super::lexer::{Kind, Token};
use super::reader::Reader;

const CREATES: &str =
    "EXPLAIN ANALYZE runs its statement, and only plain queries are stopped from writing there";

/// EXPLAIN, the first word read.
pub(super) fn explain(reader: &mut Reader<'_>) -> Class {
    let analyze = if has_options(reader) {
        options(reader)
    } else {
        let analyze = reader.eat_any(&["analyze", "analyse"]);
        reader.eat("verbose");
        analyze
    };
    if !analyze || is_plain(reader) {
        Class::Guarded
    } else {
        Class::Leak(CREATES)
    }
}

/// A parenthesis opens a list of options unless a query starts in it.
fn has_options(reader: &Reader<'_>) -> bool {
    if !reader.is_punct(b'(') {
        return false;
    }
    let mut inside = reader.clone();
    inside.advance();
    if inside.eat("values") {
        return !inside.is_punct(b'(');
    }
    !inside.is_punct(b'(') && !inside.is_any(&["select", "with", "table"])
}

/// Reads the options; true if one of them may switch ANALYZE on.
fn options(reader: &mut Reader<'_>) -> bool {
    let mut analyze = false;
    reader.advance();
    while let Some(name) = reader.advance() {
        if name.kind == Kind::Punct(b')') {
            break;
        }
        if names_analyze(reader.text(), &name) {
            analyze |= !is_false(reader);
        }
        while !reader.at_end() && !reader.is_punct(b',') && !reader.is_punct(b')') {
            reader.advance();
        }
        reader.eat_punct(b',');
    }
    analyze
}

fn names_analyze(text: &[u8], name: &Token) -> bool {
    let mut buffer = [0; super::literal::NAME_BYTES_MAX];
    matches!(
        super::literal::ident(text, name, &mut buffer),
        Some(b"analyze" | b"analyse")
    )
}

fn is_false(reader: &Reader<'_>) -> bool {
    if reader.is_literal() {
        return reader.literal().is_some_and(|v| is_false_word(&v));
    }
    match reader.peek() {
        Some(Token {
            kind: Kind::Number,
            start,
            stop,
            ..
        }) => reader.text().get(start..stop) == Some(b"0"),
        _ => is_false_word(reader.word()),
    }
}

fn is_false_word(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"false") || word.eq_ignore_ascii_case(b"off")
}

/// A query or DML that does not create a table by INTO. That word is allowed only where it must belong to INSERT or
/// MERGE: as their second word at the start of the statement, behind a parenthesis, or as the main verb behind WITH.
/// (A column may be called `insert`, so the word before INTO alone proves nothing.)
fn is_plain(reader: &mut Reader<'_>) -> bool {
    const QUERIES: &[&str] = &["select", "values", "table"];
    let with = reader.is("with");
    let dml = reader.is_any(&["insert", "update", "delete", "merge"]);
    if !with && !dml && !reader.is_punct(b'(') && !reader.is_any(QUERIES) {
        return false;
    }
    let mut verb_seen = !with && !dml;
    let mut depth = 0_usize;
    let (mut opened, mut inserts) = (false, false);
    let mut first = true;
    while let Some(token) = reader.peek() {
        if reader.is("into") && !inserts {
            return false;
        }
        let insert_or_merge = reader.is_any(&["insert", "merge"]);
        inserts = insert_or_merge && (first || opened || (with && depth == 0 && !verb_seen));
        verb_seen |= depth == 0 && reader.is_any(QUERIES);
        first = false;
        opened = token.kind == Kind::Punct(b'(');
        match token.kind {
            Kind::Punct(b'(') => depth += 1,
            Kind::Punct(b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        reader.advance();
    }
    true
}
