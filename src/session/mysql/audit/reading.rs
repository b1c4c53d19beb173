//! What the body of one object shows.
//!
//! Must not know: how objects hang together.

use std::collections::BTreeSet;

use super::survey::{Object, Survey, What};
use crate::sql::mysql::{
    self as sql, Body, FindingKind, Mentions, QualifiedName, RefusedWords, SqlModes, inspect,
};

/// Qualifiers in a trigger that are no databases.
const ROWS: &[&[u8]] = &[b"new", b"old"];

#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What gets past the guard by itself, in words for the operator.
    pub(super) why: Option<String>,
    /// It may do anything: it cannot be seen or read, or puts its statements together while it runs.
    pub(super) unknown: bool,
    pub(super) writes: bool,
    pub(super) mentions: Mentions,
    /// In lower case; the database is empty for the body's own.
    pub(super) calls: BTreeSet<(Vec<u8>, Vec<u8>)>,
}

impl Reading {
    pub(super) fn of(object: &Object, survey: &Survey) -> Self {
        match &object.body {
            Some(body) if object.what == What::View => Self::of_view(body, survey),
            Some(body) => Self::of_routine(body, SqlModes::from_value(&object.modes), survey),
            None => Self {
                why: Some(format!("cannot be seen by {}", survey.account)),
                unknown: true,
                ..Self::default()
            },
        }
    }

    pub(super) fn of_routine(body: &[u8], modes: SqlModes, survey: &Survey) -> Self {
        let dialect = survey.dialect(modes);
        let inspected = inspect(body, dialect, &RefusedWords::new());
        let mentions = sql::mentions(body, dialect);
        let mut reading = Self {
            why: inspected.findings.first().map(why),
            ..Self::default()
        };
        reading.unknown = inspected
            .findings
            .iter()
            .any(|finding| matches!(finding.kind, FindingKind::DynamicSql | FindingKind::Unreadable));
        reading.add(&inspected, mentions);
        // A text that is prepared from a constant has names that are none of the body's own.
        let prepares = |word: &[u8]| reading.mentions.identifiers.contains(word);
        if prepares(b"prepare") || prepares(b"immediate") {
            reading.unknown = true;
        }
        reading
    }

    /// The server prints a view with backticks; how it prints backslashes is the session's affair. Read both ways, and
    /// what one way cannot read counts by the other.
    fn of_view(body: &[u8], survey: &Survey) -> Self {
        let mut reading = Self::default();
        let mut readable = false;
        for no_backslash_escapes in [false, true] {
            let dialect = survey.dialect(SqlModes {
                no_backslash_escapes,
                ..SqlModes::default()
            });
            let Some(mentions) = sql::mentions(body, dialect) else {
                continue;
            };
            readable = true;
            let inspected = inspect(body, dialect, &RefusedWords::new());
            let leak = inspected
                .findings
                .iter()
                .find(|finding| finding.kind == FindingKind::Leak);
            reading.why = reading.why.or_else(|| leak.map(why));
            reading.add(&inspected, Some(mentions));
        }
        if !readable {
            reading.why = Some(UNREADABLE.to_owned());
            reading.unknown = true;
        }
        // The query of a view cannot write; what it calls can.
        reading.writes = false;
        reading
    }

    fn add(&mut self, body: &Body, mentions: Option<Mentions>) {
        self.writes |= body.writes;
        self.unknown |= mentions.is_none();
        let Mentions {
            identifiers,
            qualifiers,
            databases,
            declared,
        } = mentions.unwrap_or_default();
        self.mentions.identifiers.extend(identifiers);
        self.mentions.qualifiers.extend(qualifiers);
        self.mentions.databases.extend(databases);
        self.mentions.declared.extend(declared);
        let lower = |called: &QualifiedName| {
            (
                called.database.to_ascii_lowercase(),
                called.name.to_ascii_lowercase(),
            )
        };
        self.calls.extend(body.calls.iter().map(lower));
    }

    /// The databases that the body may mean. Aliases may be among them.
    pub(super) fn databases(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.mentions
            .qualifiers
            .iter()
            .filter(|name| !ROWS.contains(&name.as_slice()))
    }

    /// Whether that name is one of a database, as far as the body shows: nothing else there could have it.
    pub(super) fn is_database(&self, name: &[u8]) -> bool {
        self.mentions.is_database(name)
    }
}

const UNREADABLE: &str = "cannot be read to its end";

fn why(finding: &sql::Finding) -> String {
    let detail = &finding.detail;
    match finding.kind {
        FindingKind::TransactionControl => format!("runs {detail}, which ends or begins a transaction"),
        FindingKind::Setting => "changes settings that keep a session read-only".to_owned(),
        FindingKind::DynamicSql => format!("runs SQL that it builds itself, by {detail}"),
        FindingKind::Leak if detail.ends_with("()") => format!("calls {detail}"),
        FindingKind::Leak => format!("runs {detail}"),
        FindingKind::RefusedWord => format!("mentions {detail}"),
        FindingKind::Unreadable => UNREADABLE.to_owned(),
    }
}
