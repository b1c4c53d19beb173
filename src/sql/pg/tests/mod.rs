//! Tables of cases, one file per rule.

#![allow(clippy::indexing_slicing, reason = "a test that indexes wrongly should fail")]

mod commands;
mod lexing;
mod names;
mod random;
mod routines;
mod settings;
mod splitting;

use super::*;

const MODES: Modes = modes(Conforming::On, Encoding::Safe);

const fn modes(conforming: Conforming, encoding: Encoding) -> Modes {
    Modes {
        standard_conforming_strings: conforming,
        encoding,
        server_major: 15,
    }
}

fn all(text: impl AsRef<[u8]>) -> Vec<Statement> {
    statements(text.as_ref(), &MODES).unwrap()
}

fn one(text: impl AsRef<[u8]>) -> Statement {
    let mut found = all(text.as_ref());
    assert_eq!(
        found.len(),
        1,
        "{}: {found:?}",
        String::from_utf8_lossy(text.as_ref())
    );
    found.pop().unwrap()
}

fn class(text: impl AsRef<[u8]>) -> Class {
    one(text).class
}

fn tags(text: impl AsRef<[u8]>) -> Vec<String> {
    all(text).into_iter().map(|s| s.tag.into_owned()).collect()
}

fn leaks(text: &str) -> bool {
    matches!(class(text), Class::Leak(_))
}
