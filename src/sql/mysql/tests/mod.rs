//! Tables of cases, one file per rule.

#![allow(clippy::indexing_slicing, reason = "a test that indexes wrongly should fail")]

mod commands;
mod lexing;
mod mentions;
mod names;
mod random;
mod routines;
mod settings;
mod signals;

use super::*;

const MARIADB: Dialect = dialect(Flavor::MariaDb, Charset::Utf8);
const MYSQL: Dialect = dialect(Flavor::MySql, Charset::Utf8);
const BOTH: [Dialect; 2] = [MARIADB, MYSQL];

const fn dialect(flavor: Flavor, charset: Charset) -> Dialect {
    Dialect {
        flavor,
        version: match flavor {
            Flavor::MariaDb => 101_119,
            Flavor::MySql => 90_704,
        },
        charset,
        modes: SqlModes {
            no_backslash_escapes: false,
            ansi_quotes: false,
            oracle: false,
        },
    }
}

fn all(text: impl AsRef<[u8]>, dialect: Dialect) -> Vec<Statement> {
    analyze(text.as_ref(), dialect, true).statements
}

fn one_in(text: impl AsRef<[u8]>, dialect: Dialect) -> Statement {
    let mut found = all(text.as_ref(), dialect);
    let shown = String::from_utf8_lossy(text.as_ref());
    assert_eq!(found.len(), 1, "{shown}: {found:?}");
    found.pop().unwrap()
}

/// What both servers make of it.
fn one(text: &str) -> Statement {
    let [a, b] = BOTH.map(|dialect| one_in(text, dialect));
    assert_eq!(a, b, "{text}");
    a
}

fn class(text: &str) -> Class {
    one(text).class
}

fn verbs(text: impl AsRef<[u8]>, dialect: Dialect) -> Vec<String> {
    all(text, dialect)
        .into_iter()
        .map(|s| s.verb.into_owned())
        .collect()
}

fn leaks(text: &str) -> bool {
    matches!(class(text), Class::Leak(_))
}
