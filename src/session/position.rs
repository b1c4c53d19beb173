//! How far a server's log is, in the terms of its protocol.
//!
//! Guarantees that positions of unlike logs are never taken for one another's. It must not know who asks, or why.

use std::fmt;

use super::{mysql::Gtids, pg};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    PostgreSql(pg::Position),
    MySql(Gtids),
}

impl Position {
    /// Whether a log that has come here has all that the other one had.
    pub fn has(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::PostgreSql(here), Self::PostgreSql(there)) => here >= there,
            (Self::MySql(here), Self::MySql(there)) => here.has(there),
            (Self::PostgreSql(_), Self::MySql(_)) | (Self::MySql(_), Self::PostgreSql(_)) => false,
        }
    }

    /// The same as a replica says that it has come so far.
    #[must_use]
    pub fn as_replayed(self) -> Self {
        match self {
            Self::PostgreSql(position) => Self::PostgreSql(position.end_of_last_record()),
            Self::MySql(gtids) => Self::MySql(gtids),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PostgreSql(position) => position.fmt(f),
            Self::MySql(gtids) => gtids.fmt(f),
        }
    }
}
