//! MySQL and MariaDB: splits a text as the server would and says what each statement could do in a lull.
//!
//! Guarantees: no panic and no recursion on any bytes; time linear in the text. The answer depends on the text and the
//! [`Dialect`] alone, so that it can be remembered. The server runs the statements of a text one after the other, each
//! lexed when its turn comes: what follows a statement that changes the lexing is not read.
//!
//! What a session needs to know of a text is in [`Script::statements`]: of each its class, what it does to the
//! transaction ([`Transaction`]) and to settings ([`Settings`]). [`Script::mentioned`] and
//! [`Script::database_mentioned`] look for names; [`Script::answered`] answers the question whether the server is
//! read-only; [`inspect`] reads the body of a stored program.
//!
//! Must not know: the session, its transaction state, what the audit found (that is handed in as [`RefusedWords`]), and
//! what a verdict will be. Views, triggers and foreign keys are not visible in a text: the audit names them.

mod aliases;
mod analyze;
mod charset;
mod class;
mod command;
mod dialect;
mod leaks;
mod lexer;
mod literal;
mod marks;
mod mentions;
mod names;
mod natives;
mod reader;
mod routine;
mod settings;
mod signals;
mod transaction;
mod unlexable;
mod words;

#[cfg(test)]
mod tests;

pub use analyze::{STATEMENTS_MAX, Script, TOKENS_MAX, analyze};
pub use charset::Charset;
pub use class::{Access, Class, Inner, Opaque, Settings, Statement, Transaction, Wish, Xa};
pub use dialect::{Dialect, Flavor, SqlModes};
pub use mentions::{Mentions, may_be_same, mentions};
pub use routine::{Body, Finding, FindingKind, QualifiedName, inspect};
pub use signals::is_signal;
pub use unlexable::Unlexable;
pub use words::RefusedWords;
