//! What a session leaves behind on its server that the server does not tell of by itself: variables of the user's own,
//! whose values it tells to who knows their names, and locks by GET_LOCK. Texts are looked at in passing.
//!
//! Only where the session may have to move. Cheap on purpose: the first bytes of a text, no lexing, and rather a sight too
//! many than one too few. What a routine does is not seen.

use std::collections::BTreeSet;

/// How much of a text is looked at.
pub(super) const GLANCE_BYTES: usize = 4 << 10;
const NAMES_MAX: usize = 100;
const NAME_BYTES_MAX: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Glance {
    /// The user's own variables, by their names in small letters.
    pub(super) names: BTreeSet<String>,
    /// One has an odd name, or there are too many.
    pub(super) unknown: bool,
    pub(super) locks: bool,
}

impl Glance {
    pub(super) fn look(&mut self, text: &[u8]) {
        let text = text.get(..GLANCE_BYTES).unwrap_or(text);
        self.look_for_variables(text);
        self.locks |= text
            .windows(LOCK.len())
            .any(|window| window.eq_ignore_ascii_case(LOCK));
    }

    /// `@name`, but neither `@@name` nor the middle of an address.
    fn look_for_variables(&mut self, text: &[u8]) {
        let mut before = None;
        let mut rest = text;
        while let Some(at) = rest.iter().position(|&byte| byte == b'@') {
            let (ahead, behind) = rest.split_at(at);
            before = ahead.last().copied().or(before);
            let behind = behind.get(1..).unwrap_or_default();
            let begins =
                before.is_none_or(|byte| !is_name(byte) && !matches!(byte, b'@' | b'\'' | b'"' | b'`'));
            if begins {
                self.note(behind);
            }
            (before, rest) = (Some(b'@'), behind);
        }
    }

    fn note(&mut self, behind: &[u8]) {
        let (quote, text) = match behind.split_first() {
            Some((&quote @ (b'\'' | b'"' | b'`'), text)) => (Some(quote), text),
            _ => (None, behind),
        };
        let end = text.iter().position(|&byte| match quote {
            Some(quote) => byte == quote,
            None => !is_name(byte) && byte != b'.',
        });
        let name = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        if name.is_empty() {
            return;
        }
        let plain = name.len() <= NAME_BYTES_MAX
            && name
                .iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.'));
        match std::str::from_utf8(name) {
            Ok(name) if plain && (self.names.len() < NAMES_MAX || self.names.contains(name)) => {
                self.names.insert(name.to_ascii_lowercase());
            }
            _ => self.unknown = true,
        }
    }
}

const LOCK: &[u8] = b"get_lock";

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (String, bool, bool) {
        let mut glance = Glance::default();
        glance.look(text.as_bytes());
        let names: Vec<String> = glance.names.into_iter().collect();
        (names.join(" "), glance.unknown, glance.locks)
    }

    #[test]
    fn variables_and_locks_are_seen() {
        for (text, names) in [
            ("SET @A = 1, @b.c=2", "a b.c"),
            ("SELECT 1 INTO @`b`", "b"),
            ("SELECT @x:=1", "x"),
            ("CALL p(@out)", "out"),
        ] {
            assert_eq!(seen(text), (names.to_owned(), false, false), "{text}");
        }
        assert!(seen("SET @`b c` = 1").1, "it would have to be quoted");
        assert!(seen("SELECT Get_Lock('x', 1)").2);
    }

    #[test]
    fn what_is_neither_is_not() {
        for text in [
            "SELECT @@session.sql_mode, @@version",
            "SELECT * FROM t WHERE mail = 'eve@example.com'",
            "GRANT ALL ON *.* TO 'app'@'%', app@localhost",
            "SELECT '@ home'",
        ] {
            assert_eq!(seen(text), (String::new(), false, false), "{text}");
        }
    }

    #[test]
    fn too_many_are_unknown() {
        let many: String = (0..200).map(|n| format!("SET @b{n} = 1;")).collect();
        assert!(seen(&many).1);
    }
}
