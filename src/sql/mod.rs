//! What a text says, one lexer per dialect.
//!
//! Pure: bytes and modes in, classes out. Nothing here knows sockets, sessions, lulls or clocks. A dialect decides
//! only what may pass while the server's own read-only state stands behind it; a text that it does not understand is
//! never called harmless.

pub mod mysql;
pub mod pg;
