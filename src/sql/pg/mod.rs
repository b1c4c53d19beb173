//! PostgreSQL: splits a text as the server would and says what each statement could do in a lull.
//!
//! Guarantees: no panic and no recursion on any bytes; time linear in the text; nothing is allocated for a plain
//! SELECT but the vector that holds it. The server parses a whole message before it runs any of it, so wherever this
//! module and the server could disagree on a text that the server *rejects*, nothing runs and either answer is safe;
//! on texts that the server accepts the split is the server's own.
//!
//! Must not know: the session, its transaction state, what the audit found (that is handed in as [`RefusedWords`]),
//! and what a verdict will be. Views, operators, casts and defaults that reach a routine are not visible in a text:
//! the audit names them.

mod analyze;
mod class;
mod command;
mod encoding;
mod explain;
mod leaks;
mod lexer;
mod literal;
mod marks;
mod reader;
mod routine;
mod settings;
mod strike;
mod tag;
mod transaction;
mod unlexable;
mod words;

#[cfg(test)]
mod tests;

pub use analyze::{STATEMENTS_MAX, leading_word, statements};
pub use class::{Access, Class, DoBlock, Opaque, SetConfig, Statement, Wish};
pub use encoding::Encoding;
pub use leaks::{refused_function, refused_function_call};
pub use routine::{Finding, FindingKind, Language, inspect};
pub use strike::without_read_write;
pub use unlexable::Unlexable;
pub use words::RefusedWords;

/// Whether a backslash in a plain `'...'` literal is an escape (`standard_conforming_strings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conforming {
    /// A backslash is a character like any other.
    On,
    /// Plain literals are read like `E'...'`.
    Off,
    /// The setting may have changed since the server last reported it: a text whose reading depends on it is
    /// unlexable.
    Unknown,
}

/// What the server would lex the text with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes {
    pub standard_conforming_strings: Conforming,
    pub encoding: Encoding,
    /// Major version of the server. Nothing reads it yet: where versions differ, the lexer takes the reading that is
    /// either right for all or an error on the others.
    pub server_major: u16,
}
