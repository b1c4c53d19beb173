//! The names of custom settings (`myapp.tenant`) that a client has set: no server lists them, so they are seen in passing.
//!
//! Only where the session may have to move. Cheap on purpose: the first bytes of a text, no lexing, and rather a name too
//! many than one too few. What a routine sets under a name of its own making is not seen.

use std::collections::BTreeSet;

/// How much of a message is looked at.
pub(super) const GLANCE_BYTES: usize = 4 << 10;
const NAMES_MAX: usize = 100;
/// `NAMEDATALEN` twice, and the dot.
const NAME_BYTES_MAX: usize = 127;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Customs {
    pub(super) names: BTreeSet<String>,
    /// A name was made at run time, or there are too many.
    pub(super) unknown: bool,
}

impl Customs {
    /// Looks for what a text sets.
    pub(super) fn look(&mut self, text: &[u8]) {
        let mut rest = text;
        let mut before = b' ';
        while let Some(at) = find_set(rest) {
            before = at
                .checked_sub(1)
                .and_then(|at| rest.get(at))
                .copied()
                .unwrap_or(before);
            let after = rest.get(at + 3..).unwrap_or_default();
            if !is_name_byte(before) || before == b'.' {
                self.note(after);
            }
            (rest, before) = (after, b't');
        }
    }

    /// Behind the three letters.
    fn note(&mut self, after: &[u8]) {
        if let Some(arguments) = strip_word(after, b"_config") {
            let arguments = skip_space(arguments);
            let Some(arguments) = arguments.strip_prefix(b"(") else {
                return;
            };
            match literal(skip_space(arguments)) {
                Some(name) => self.add(name),
                None => self.unknown = true,
            }
            return;
        }
        if !after.first().is_some_and(u8::is_ascii_whitespace) {
            return;
        }
        let mut name = skip_space(after);
        for word in [&b"session"[..], b"local"] {
            if let Some(behind) = strip_word(name, word).filter(|rest| !rest.starts_with(b".")) {
                name = skip_space(behind);
            }
        }
        let end = name
            .iter()
            .position(|&b| !is_name_byte(b) && b != b'"')
            .unwrap_or(name.len());
        let (name, behind) = name.split_at(end);
        let behind = skip_space(behind);
        if behind.starts_with(b"=") || strip_word(behind, b"to").is_some() {
            self.add(&name.iter().copied().filter(|&b| b != b'"').collect::<Vec<u8>>());
        }
    }

    fn add(&mut self, name: &[u8]) {
        if !name.contains(&b'.') {
            return;
        }
        let plain = name.len() <= NAME_BYTES_MAX && name.iter().all(|&b| is_name_byte(b));
        match std::str::from_utf8(name) {
            Ok(name) if plain && (self.names.len() < NAMES_MAX || self.names.contains(name)) => {
                self.names.insert(name.to_ascii_lowercase());
            }
            _ => self.unknown = true,
        }
    }

    pub(super) fn add_all(&mut self, others: Self) {
        self.unknown |= others.unknown;
        for name in others.names {
            self.add(name.as_bytes());
        }
    }

    /// More of a question: what they are.
    pub(super) fn question(&self) -> String {
        let one = |name: &String| {
            format!(" UNION ALL SELECT 'setting', '{name}', pg_catalog.current_setting('{name}', true), NULL")
        };
        self.names.iter().map(one).collect()
    }
}

fn find_set(text: &[u8]) -> Option<usize> {
    text.windows(3)
        .position(|window| window.eq_ignore_ascii_case(b"set"))
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.')
}

fn skip_space(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

fn strip_word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(word.len())?;
    let ends = !rest.first().is_some_and(|&b| is_name_byte(b) && b != b'.');
    (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

fn literal(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"'")?;
    let (name, rest) = inner.split_at(inner.iter().position(|&b| b == b'\'')?);
    // Were it only a part of the name, no comma would follow.
    let rest = skip_space(rest.get(1..)?);
    rest.starts_with(b",").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> (String, bool) {
        let mut customs = Customs::default();
        customs.look(text.as_bytes());
        (
            customs.names.into_iter().collect::<Vec<_>>().join(" "),
            customs.unknown,
        )
    }

    #[test]
    fn what_sets_a_custom_setting_is_seen() {
        for text in [
            "SET app.tenant = 7",
            "set session App.Tenant to '7'",
            "BEGIN; SET LOCAL app.tenant='7'",
            "SELECT set_config('app.tenant', $1, false)",
            "SELECT pg_catalog.SET_CONFIG ( 'app.tenant', '7', true)",
            "SET \"app\".\"tenant\" = 7",
        ] {
            assert_eq!(names(text), ("app.tenant".to_owned(), false), "{text}");
        }
    }

    #[test]
    fn what_sets_something_else_is_not() {
        for text in [
            "SET work_mem = '5MB'",
            "SELECT reset, offset FROM settings",
            "UPDATE a.t SET x = b.y",
            "SELECT set_config('work_mem', '5MB', false)",
            "SELECT asset.price FROM asset",
            "set",
        ] {
            assert_eq!(names(text), (String::new(), false), "{text}");
        }
    }

    #[test]
    fn a_name_that_is_made_at_run_time_is_unknown() {
        assert!(names("SELECT set_config($1, $2, false)").1);
        assert!(names("SELECT set_config('a.' || name, v, false) FROM x").1);

        let many: String = (0..200).map(|n| format!("SET a.b{n} = 1;")).collect();
        assert!(names(&many).1);
    }
}
