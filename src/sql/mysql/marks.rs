//! What the tokens of a statement show, whatever command it is.
//!
//! Must not know: which command that is.

use super::lexer::{Kind, Token};
use super::{leaks, names, natives, settings};

const FILE: &str = "it writes a file on the server";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// What is refused whatever the command, with the reason.
    pub(super) leak: Option<(String, &'static str)>,
    /// The words of DML, or of a lock that the server refuses: no plain reading.
    pub(super) writes: bool,
    pub(super) calls: bool,
    /// A name of a setting of what the session reports, or of a table that lists settings.
    pub(super) trackers: bool,
}

/// Of MySQL and MariaDB.
const TABLES_OF_SETTINGS: [&str; 4] = [
    "session_variables",
    "system_variables",
    "variables_by_thread",
    "variables_info",
];
/// No name of these is shorter.
const TRACKERS_BYTES_MIN: usize = 14;

fn marks_trackers(text: &[u8], token: &Token) -> bool {
    let long = names::slice(text, token).len() >= TRACKERS_BYTES_MIN;
    let mut known = settings::TRACKERS.iter().chain(&TABLES_OF_SETTINGS);
    long && known.any(|name| names::may_be(text, token, name.as_bytes()))
}

impl Marks {
    pub(super) fn of(text: &[u8], tokens: &[Token]) -> Self {
        let mut marks = Self::default();
        let behind = tokens.iter().skip(1).map(Some).chain(std::iter::once(None));
        let mut qualified = false;
        for (token, next) in tokens.iter().zip(behind) {
            if token.kind == Kind::Word {
                marks.word(text, token, next);
            } else if !matches!(token.kind, Kind::Name | Kind::Quoted) {
                qualified = token.kind == Kind::Punct(b'.');
                continue;
            }
            marks.trackers |= marks_trackers(text, token);
            // `s.nextval`, as Oracle has it.
            marks.writes |= qualified && names::may_be(text, token, b"nextval");
            if let Some(open) = next.filter(|t| t.kind == Kind::Punct(b'(')) {
                marks.call(text, token, qualified, open.start == token.end);
            }
            qualified = false;
        }
        marks
    }

    fn word(&mut self, text: &[u8], token: &Token, next: Option<&Token>) {
        let word = names::slice(text, token);
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        let next_is = |keyword: &str| {
            next.is_some_and(|t| {
                t.kind == Kind::Word && names::slice(text, t).eq_ignore_ascii_case(keyword.as_bytes())
            })
        };
        let open = next.is_some_and(|t| t.kind == Kind::Punct(b'('));
        match word.len() {
            4 if is("into") && (next_is("outfile") || next_is("dumpfile")) => {
                self.leak.get_or_insert(("INTO OUTFILE".into(), FILE));
            }
            4 if is("next") && next_is("value") => self.writes = true,
            6 if is("update") || is("delete") => self.writes = true,
            // Both are functions too.
            6 | 7 if (is("insert") || is("replace")) && !open => self.writes = true,
            _ => {}
        }
    }

    fn call(&mut self, text: &[u8], token: &Token, qualified: bool, at_once: bool) {
        let Some(name) = names::identifier(text, token) else {
            return;
        };
        if let Some(reason) = leaks::refused_function(&name) {
            self.leak
                .get_or_insert_with(|| (format!("{}()", String::from_utf8_lossy(&name)), reason));
        }
        if names::may_be(text, token, b"nextval") || names::may_be(text, token, b"setval") {
            self.writes = true;
        }
        let known = token.kind == Kind::Word && !qualified && natives::is_native(&name, at_once);
        self.calls |= !known;
    }
}
