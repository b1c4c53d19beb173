//! What the control asks servers in their own words: one place for each protocol's questions and audit.

use std::sync::Arc;

use crate::{
    config::Protocol,
    session::{Audited, Rows, mysql, pg},
};

/// Where the log is.
pub(super) fn position(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::PostgreSql => pg::OF_PRIMARY,
        // MariaDB leaves out what is meant for MySQL 8, and MySQL what is meant for MariaDB.
        Protocol::MySql => "SELECT /*M! @@global.gtid_current_pos */ /*!80000 @@global.gtid_executed */",
    }
}

/// What is prepared to be committed later, by whomever.
pub(super) fn prepared(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::PostgreSql => "SELECT gid, owner, database, prepared FROM pg_catalog.pg_prepared_xacts",
        Protocol::MySql => "XA RECOVER",
    }
}

/// Made a handful of times per lull.
pub(super) enum Audit {
    PostgreSql(Box<pg::audit::Audit>),
    MySql(mysql::audit::Audit),
}

pub(super) enum Step {
    Ask(String),
    Done(Outcome),
}

pub(super) struct Outcome {
    pub(super) audited: Audited,
    /// What, and why.
    pub(super) findings: Vec<(String, String)>,
}

impl Audit {
    pub(super) fn new(protocol: Protocol, allowed: &[String]) -> Self {
        match protocol {
            Protocol::PostgreSql => Self::PostgreSql(Box::new(pg::audit::Audit::new(allowed))),
            Protocol::MySql => Self::MySql(mysql::audit::Audit::new(allowed)),
        }
    }

    pub(super) fn begin(&mut self) -> Step {
        match self {
            Self::PostgreSql(audit) => of_postgresql(audit.begin()),
            Self::MySql(audit) => of_mysql(audit.begin()),
        }
    }

    pub(super) fn answer(&mut self, rows: Rows) -> Result<Step, String> {
        match self {
            Self::PostgreSql(audit) => audit.answer(rows).map(of_postgresql),
            Self::MySql(audit) => audit.answer(rows).map(of_mysql),
        }
    }
}

fn of_postgresql(step: pg::audit::Step) -> Step {
    match step {
        pg::audit::Step::Ask(text) => Step::Ask(text),
        pg::audit::Step::Done(outcome) => Step::Done(Outcome {
            audited: Audited::PostgreSql(Arc::new(pg::Audited {
                words: outcome.words,
                oids: outcome.oids,
            })),
            findings: outcome
                .findings
                .into_iter()
                .map(|found| (found.object, found.why))
                .collect(),
        }),
    }
}

fn of_mysql(step: mysql::audit::Step) -> Step {
    match step {
        mysql::audit::Step::Ask(text) => Step::Ask(text),
        mysql::audit::Step::Done(outcome) => Step::Done(Outcome {
            audited: Audited::MySql(Arc::new(outcome.audited)),
            findings: outcome
                .findings
                .into_iter()
                .map(|found| (found.object, found.why))
                .collect(),
        }),
    }
}
