//! Fragments thrown together: no panic, and what must hold for any text.

use super::*;

#[rustfmt::skip]
const FRAGMENTS: &[&str] = &[
    "'", "\"", "`", "N'", "x'", "b'", "''", "\\", "\\'", "\\N", "--", "-- ", "#", "/*", "*/", "/*!", "/*!50000 ",
    "/*!80000 ", "/*!99999 ", "/*M!", "/*M!100100", "/*+ ", "\n", " ", "\t", ";", "(", ")", ",", ".", ":", ":=", "=",
    "@", "@@", "@a", "1", "1e", "0x", "0b", "?", "$", "$$", "a", "t.", "\u{e4}", "\u{a0}", "<<", ">>", "SELECT ",
    " INTO ", "OUTFILE 'x' ", "INSERT INTO t ", "; DELETE FROM t", "SET ", "SESSION ", "GLOBAL ", "TRANSACTION ",
    "READ ", "WRITE ", "ONLY ", "tx_read_only ", "STATEMENT ", "FOR ", "UPDATE ", "NAMES ", "BEGIN ", "END",
    "NOT ATOMIC ", "CREATE ", "PROCEDURE ", "PREPARE p FROM ", "EXECUTE ", "IMMEDIATE ", "CALL ", "USE ", "THEN ",
    "LOCK TABLES ", "FLUSH ", "ANALYZE ", "read_only", "global.", "AS ", "DISTINCT ", "UNION ", "DECLARE ", "HANDLER ",
    "XA ", "COMMIT ", "START ", "LOOP ", "NEXTVAL(", "spider_(", "nextval",
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

    fn dialect(&mut self) -> Dialect {
        let charsets = [
            Charset::Utf8,
            Charset::SingleByte(Some(0xa0)),
            Charset::Gbk,
            Charset::Sjis,
            Charset::Big5,
            Charset::Gb18030,
            Charset::Unknown,
        ];
        let mut dialect = BOTH[self.below(2)];
        dialect.charset = charsets[self.below(charsets.len())];
        dialect.modes = SqlModes {
            no_backslash_escapes: self.below(4) == 0,
            ansi_quotes: self.below(4) == 0,
            oracle: self.below(8) == 0,
        };
        dialect
    }
}

fn check(text: &[u8], dialect: Dialect, words: &RefusedWords) {
    let script = analyze(text, dialect, true);
    let shown = String::from_utf8_lossy(text);
    assert_eq!(script, analyze(text, dialect, true));
    let mentioned = script.mentioned(text, words);
    assert!(
        mentioned.is_some() || script.database_mentioned(text, words).is_none(),
        "{shown}"
    );
    let mut end = 0;
    for statement in &script.statements {
        assert!(
            statement.span.start >= end && statement.span.end <= text.len(),
            "{shown}"
        );
        end = statement.span.end;
        if let Some(Transaction::Begin { write_words, .. }) = &statement.transaction {
            for word in write_words {
                assert!(text[word.clone()].eq_ignore_ascii_case(b"write"), "{shown}");
            }
        }
    }
    let _ = inspect(text, dialect, words);
    pieces(text, dialect, &script);
    if let Some(new) = script.answered(text, dialect) {
        let again = analyze(&new, dialect, true);
        assert_eq!(again.questions(&new, dialect), [], "{shown}");
        let classes = |script: &Script| {
            script
                .statements
                .iter()
                .map(|s| s.class.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(classes(&again), classes(&script), "{shown}");
    }
}

/// Behind another statement, and before one, a text is what it was alone.
fn pieces(text: &[u8], dialect: Dialect, script: &Script) {
    let shown = String::from_utf8_lossy(text);
    let behind = analyze(&[b"SELECT 1;\n", text].concat(), dialect, true).statements;
    assert_eq!(behind.len(), script.statements.len() + 1, "{shown}");
    for (alone, behind) in script.statements.iter().zip(behind.iter().skip(1)) {
        assert_eq!(alone.verb, behind.verb, "{shown}");
    }
}

#[test]
fn any_text_is_read_without_a_panic_and_the_same_way_each_time() {
    let mut words = RefusedWords::new();
    words.refuse(b"t");
    words.refuse("\u{e4}".as_bytes());
    for seed in 1..=4_u64 {
        let mut shift = Shift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..6_000 {
            let text = shift.text();
            let dialect = shift.dialect();
            check(text.as_bytes(), dialect, &words);
        }
    }
}

#[test]
fn any_bytes_are_read_without_a_panic_in_any_character_set() {
    let mut shift = Shift(7);
    let words = RefusedWords::new();
    for _ in 0..8_000 {
        let bytes: Vec<u8> = (0..shift.below(40))
            .map(|_| u8::try_from(shift.below(256)).unwrap())
            .collect();
        let text = [shift.text().as_bytes(), &bytes, shift.text().as_bytes()].concat();
        let dialect = shift.dialect();
        check(&text, dialect, &words);
    }
}

/// Were anything quadratic, this would not end in any patience's time.
#[test]
fn long_texts_of_one_fragment_are_read_to_their_end() {
    let more = [
        "SET STATEMENT a = 1 FOR ",
        "(SELECT @@read_only, ",
        "@@read_only, ",
        "THEN set a ",
        "HANDLER commit ",
        "f(t.a) ",
        "\u{e4}.",
        "EXECUTE IMMEDIATE '",
        "SET @a = 1, ",
        "/*!50000 /* */ */",
        "PREPARE p FROM 'a';",
    ];
    let none = RefusedWords::new();
    for fragment in FRAGMENTS.iter().chain(&more) {
        let text = format!("SELECT 1 {}", fragment.repeat(30_000));
        let script = analyze(text.as_bytes(), MARIADB, true);
        let _ = script.answered(text.as_bytes(), MARIADB);
        let text = format!("BEGIN {}", fragment.repeat(10_000));
        let _ = inspect(text.as_bytes(), MARIADB, &none);
    }
}
