//! Fragments thrown together: no panic, and what must hold for any text.

use super::*;

const FRAGMENTS: &[&str] = &[
    "'",
    "\"",
    "E'",
    "U&'",
    "U&\"",
    "B'",
    "x'",
    "N'",
    "''",
    "\\",
    "\\'",
    "$$",
    "$a$",
    "$a",
    "$1",
    "--",
    "/*",
    "*/",
    "\n",
    "\r",
    " ",
    ";",
    "(",
    ")",
    "[",
    ",",
    ".",
    "::",
    ":=",
    "=",
    "+-",
    "@-",
    "1",
    "1e",
    "a",
    "\u{e4}",
    "uescape '!'",
    "SELECT ",
    " INTO ",
    "INSERT INTO t ",
    "; DELETE FROM t",
    "EXPLAIN ANALYZE ",
    "SET ",
    "default_transaction_read_only ",
    "set_config(",
    "query_to_xml(",
    "ts_rewrite(",
    "lo_create(",
    "BEGIN ",
    "ATOMIC ",
    "END",
    "CREATE FUNCTION ",
    "DO ",
    "EXECUTE ",
    "PREPARE p AS ",
    "WITH a AS (",
    "COPY ",
    "TO ",
    "LOCK ",
    "READ ",
    "WRITE ",
    "UPDATE ",
    "pg_settings ",
    "LANGUAGE sql ",
    "THEN ",
    "VACUUM ",
    "FETCH ",
    "DECLARE ",
    "CURSOR ",
    "\u{130}",
    "%",
    "\x0b",
    "<<",
    ">>",
    "?",
];

struct Shift(u64);

impl Shift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn text(&mut self) -> String {
        (0..=self.below(14))
            .map(|_| FRAGMENTS[self.below(FRAGMENTS.len())])
            .collect()
    }
}

fn check(text: &[u8], modes: &Modes, words: &RefusedWords) {
    let found = statements(text, modes);
    assert_eq!(found, statements(text, modes));
    let _ = words.mentioned(text, modes);
    for language in [Language::Sql, Language::PlPgSql] {
        let _ = inspect(text, language, modes, words);
    }
    let Ok(found) = found else { return };
    let mut end = 0;
    for statement in &found {
        assert!(
            statement.span.start >= end && statement.span.end <= text.len(),
            "{text:?}"
        );
        assert!(!statement.span.is_empty() || text.is_empty());
        end = statement.span.end;
    }
    if found.iter().any(|s| s.class == Class::SyntaxError) {
        return;
    }
    // A piece on its own is what it was in the whole; and behind another statement too.
    for statement in &found {
        let again = statements(&text[statement.span.clone()], modes).unwrap();
        assert_eq!(again.len(), 1, "{:?}", String::from_utf8_lossy(text));
        assert_eq!(
            again[0].class,
            statement_class(statement),
            "{:?}",
            String::from_utf8_lossy(text)
        );
    }
    let twice = [b"SELECT 1;\n", text].concat();
    assert_eq!(statements(&twice, modes).unwrap().len(), found.len() + 1);
}

/// A PREPARE knows where its inner statement stands, which moves with the text.
fn statement_class(statement: &Statement) -> Class {
    let mut class = statement.class.clone();
    if let Class::Prepare { inner, .. } = &mut class {
        inner.span = inner.span.start - statement.span.start..inner.span.end - statement.span.start;
    }
    class
}

#[test]
fn any_text_is_read_without_a_panic_and_the_same_way_each_time() {
    let mut words = RefusedWords::new();
    words.refuse(b"t");
    words.refuse_in_writes("\u{e4}".as_bytes());
    words.refuse_operator(b"=");
    for seed in 1..=4_u64 {
        let mut shift = Shift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for round in 0..8_000 {
            let text = shift.text();
            let conforming = [Conforming::On, Conforming::Off, Conforming::Unknown][round % 3];
            check(text.as_bytes(), &modes(conforming, Encoding::Safe), &words);
        }
    }
}

#[test]
fn any_bytes_are_read_without_a_panic_in_any_encoding() {
    let mut shift = Shift(7);
    let words = RefusedWords::new();
    let encodings = [
        Encoding::Sjis,
        Encoding::ShiftJis2004,
        Encoding::Gb18030,
        Encoding::Big5,
        Encoding::Johab,
        Encoding::Unknown,
    ];
    for round in 0..8_000 {
        let bytes: Vec<u8> = (0..shift.below(40))
            .map(|_| u8::try_from(shift.below(256)).unwrap())
            .collect();
        let text = [shift.text().as_bytes(), &bytes, shift.text().as_bytes()].concat();
        let encoding = encodings[round % encodings.len()];
        let _ = statements(&text, &modes(Conforming::Off, encoding));
        let _ = inspect(&text, Language::PlPgSql, &modes(Conforming::On, encoding), &words);
    }
}

/// Were anything quadratic, this would not end in any patience's time.
#[test]
fn long_texts_of_one_fragment_are_read_to_their_end() {
    let more = [
        "+-+-",
        "ts_rewrite((",
        "THEN explain (",
        "U&\"a\" ",
        "'a'\n",
        "/*",
        "DO $a$ DO $b$",
        "EXECUTE 'a' ",
        "query_to_xml('SELECT 1',",
        "THEN lock a ",
        "set_config('a',",
        "CREATE FUNCTION BEGIN ATOMIC ",
    ];
    let none = RefusedWords::new();
    for fragment in FRAGMENTS.iter().chain(&more) {
        let _ = statements(format!("SELECT 1 {}", fragment.repeat(50_000)).as_bytes(), &MODES);
        let _ = inspect(
            format!("BEGIN {}", fragment.repeat(20_000)).as_bytes(),
            Language::PlPgSql,
            &MODES,
            &none,
        );
    }
}
