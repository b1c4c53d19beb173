//! Takes the wish to write out of what begins a transaction, for a server on which nobody can write.
//!
//! Guarantees that nothing else of the text changes, and that nothing in it moves: the new word takes the old one's
//! place, and a blank.

use super::{
    Modes,
    analyze::{prepare, statements},
    class::{Access, Class, Statement},
    lexer::{Kind, Lexer},
};

/// The text with READ ONLY where BEGIN, START TRANSACTION or SET TRANSACTION say READ WRITE. None where none does.
pub fn without_read_write(text: &[u8], modes: &Modes) -> Option<Vec<u8>> {
    let mentions = text
        .windows(WRITE.len())
        .any(|word| word.eq_ignore_ascii_case(WRITE));
    if !mentions {
        return None;
    }
    let begins = |statement: &Statement| match &statement.class {
        Class::Begin { access } | Class::SetTransaction { access } => *access == Some(Access::ReadWrite),
        _ => false,
    };
    let masked = prepare(text, modes).ok()?;
    let mut struck = None;
    for statement in statements(text, modes).ok()?.iter().filter(|one| begins(one)) {
        let until = masked.get(..statement.span.end)?;
        let mut lexer = Lexer::new(until, statement.span.start, modes.standard_conforming_strings);
        let mut behind_read = false;
        while let Ok(Some(token)) = lexer.next_token() {
            let word = until.get(token.start..token.stop).unwrap_or_default();
            let is = |keyword: &[u8]| token.kind == Kind::Word && word.eq_ignore_ascii_case(keyword);
            if behind_read && is(WRITE) {
                let copy = struck.get_or_insert_with(|| text.to_vec());
                copy.get_mut(token.start..token.stop)?.copy_from_slice(b"only ");
            }
            behind_read = is(b"read");
        }
    }
    struck
}

const WRITE: &[u8] = b"write";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::pg::{Conforming, Encoding};

    fn struck(text: &str) -> Option<String> {
        let modes = Modes {
            standard_conforming_strings: Conforming::On,
            encoding: Encoding::Safe,
            server_major: 18,
        };
        without_read_write(text.as_bytes(), &modes).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn what_begins_a_transaction_begins_a_reading_one() {
        for (text, becomes) in [
            ("BEGIN READ WRITE", "BEGIN READ only "),
            (
                "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE",
                "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ only ",
            ),
            (
                "begin read /* x */ write; SELECT 'read write'",
                "begin read /* x */ only ; SELECT 'read write'",
            ),
            (
                "BEGIN; SET TRANSACTION READ WRITE",
                "BEGIN; SET TRANSACTION READ only ",
            ),
            (
                "BEGIN READ WRITE; BEGIN READ WRITE",
                "BEGIN READ only ; BEGIN READ only ",
            ),
        ] {
            assert_eq!(struck(text).as_deref(), Some(becomes), "{text}");
        }
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        for text in [
            "BEGIN",
            "BEGIN READ ONLY",
            "SELECT read write FROM t",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            "BEGIN /* read write */",
            "SELECT 'BEGIN READ WRITE'",
            "BEGIN READ WRITE; SELECT '",
        ] {
            assert_eq!(struck(text), None, "{text}");
        }
    }
}
