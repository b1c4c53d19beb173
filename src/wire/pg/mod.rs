//! The PostgreSQL frontend/backend protocol, versions 3.0 and 3.2 (manual, part "Frontend/Backend Protocol").
//!
//! Reads the few messages that lull must understand and builds the few that it sends. Guarantees: no function panics
//! or allocates by a length that a peer merely claimed. Knows nothing of sessions, lulls or SQL.

pub mod auth;
pub mod backend;
pub mod error;
pub mod frame;
pub mod frontend;
pub mod startup;
