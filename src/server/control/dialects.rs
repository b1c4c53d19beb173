//! What the control asks servers in their own words: one place for each protocol's questions and audit.

use std::sync::Arc;

pub(super) use crate::session::mysql::audit::{Beforehand, Follows};
use crate::{
    config::Protocol,
    connect::Seen,
    session::{Audited, Position, Rows, mysql, pg},
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

/// As `position` or `state` gives it. None for what is none.
pub(super) fn read_position(protocol: Protocol, text: &str) -> Option<Position> {
    match protocol {
        Protocol::PostgreSql => pg::Position::read(text.as_bytes()).map(Position::PostgreSql),
        Protocol::MySql => mysql::Gtids::read(text).map(Position::MySql),
    }
}

/// What a replica is, in its own words.
pub(super) fn kind(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::PostgreSql => "in recovery",
        Protocol::MySql => "read_only",
    }
}

/// How a server is, and how far its log. The answer has the same columns on a primary and on a replica.
pub(super) fn state(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::PostgreSql => STATE_OF_POSTGRESQL,
        Protocol::MySql => STATE_OF_MYSQL,
    }
}

/// How its replication is, where that is another question.
pub(super) fn replication(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::PostgreSql => None,
        Protocol::MySql => Some("SHOW REPLICA STATUS"),
    }
}

const STATE_OF_POSTGRESQL: &str = "\
    SELECT pg_catalog.pg_is_in_recovery(), \
    CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() \
        ELSE pg_catalog.pg_current_wal_insert_lsn() END, \
    CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_is_wal_replay_paused() END, \
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() \
        OR pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0 \
        ELSE (EXTRACT(epoch FROM pg_catalog.clock_timestamp() \
            - pg_catalog.pg_last_xact_replay_timestamp()) * 1000)::bigint END, \
    (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())";

/// A server whose log is off, or without the ids of transactions, says nothing of it.
const STATE_OF_MYSQL: &str = "\
    SELECT IF(@@global.read_only IN ('0', 'OFF'), 'f', 't'), \
    /*M! IF(@@global.read_only IN ('0', 'OFF'), IF(@@global.log_bin, @@global.gtid_current_pos, NULL), \
        @@global.gtid_slave_pos) */ \
    /*!80000 IF(@@global.gtid_mode = 'ON', @@global.gtid_executed, NULL) */";

/// Where SHOW REPLICA STATUS says whether its thread runs that applies changes, and how many seconds it is behind.
const APPLIES: usize = 11;
const SECONDS_BEHIND: usize = 32;

/// What the answers to `state` and `replication` say.
pub(super) fn seen(protocol: Protocol, state: &[Option<String>], replication: &[Option<String>]) -> Seen {
    let column = |at: usize| state.get(at).cloned().flatten();
    let position = column(1).and_then(|text| read_position(protocol, &text));
    let seen = Seen {
        up: true,
        is_replica: column(0).as_deref() == Some("t"),
        position,
        ..Seen::default()
    };
    match protocol {
        Protocol::PostgreSql => Seen {
            replay_paused: column(2).as_deref() == Some("t"),
            lag_ms: column(3).and_then(|ms| ms.parse().ok()),
            timeline: column(4).and_then(|timeline| timeline.parse().ok()),
            ..seen
        },
        Protocol::MySql => {
            let column = |at: usize| replication.get(at).cloned().flatten();
            let seconds: Option<u64> = column(SECONDS_BEHIND).and_then(|seconds| seconds.parse().ok());
            Seen {
                replay_paused: column(APPLIES).is_some_and(|runs| runs != "Yes"),
                lag_ms: seconds.map(|seconds| seconds.saturating_mul(1000)),
                ..seen
            }
        }
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
    /// For the audits of other databases of the server.
    pub(super) follows: Vec<Follows>,
}

impl Audit {
    pub(super) fn new(protocol: Protocol, allowed: &[String], beforehand: Beforehand) -> Self {
        match protocol {
            Protocol::PostgreSql => Self::PostgreSql(Box::new(pg::audit::Audit::new(allowed))),
            Protocol::MySql => Self::MySql(mysql::audit::Audit::new(allowed, beforehand)),
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
            follows: Vec::new(),
        }),
    }
}

fn of_mysql(step: mysql::audit::Step) -> Step {
    match step {
        mysql::audit::Step::Ask(text) => Step::Ask(text),
        mysql::audit::Step::Done(outcome) => Step::Done(Outcome {
            audited: Audited::MySql(Arc::new(outcome.audited)),
            follows: outcome.follows,
            findings: outcome
                .findings
                .into_iter()
                .map(|found| (found.object, found.why))
                .collect(),
        }),
    }
}
