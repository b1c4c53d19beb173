//! The lexer: no panic on any text; statements lie in order inside it; a text that can be read without knowing a
//! setting reads the same under each of its values.

use lull::sql::pg::{Conforming, Encoding, Language, Modes, RefusedWords, inspect, leading_word, statements};

use super::source::Source;

const WORDS: &[&str] = &[
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
    "]",
    ",",
    ".",
    "::",
    ":=",
    "=",
    "+-",
    "@-",
    "1",
    "1e",
    "1.5e-3",
    "0x1f",
    "a",
    "\u{e4}",
    "uescape '!'",
    "SELECT ",
    " INTO ",
    "INSERT INTO t ",
    "; DELETE FROM t",
    "EXPLAIN (ANALYZE) ",
    "EXPLAIN ANALYZE ",
    "SET ",
    "SET LOCAL ",
    "RESET ",
    "default_transaction_read_only ",
    "transaction_read_only",
    "set_config(",
    "set_config('default_transaction_read_only', 'off', false)",
    "query_to_xml(",
    "lo_create(",
    "BEGIN ",
    "ATOMIC ",
    "END",
    "CREATE FUNCTION f() RETURNS int ",
    "CREATE TABLE t AS ",
    "DO ",
    "DO $$ ",
    "EXECUTE ",
    "PREPARE p AS ",
    "WITH a AS (",
    "COPY ",
    "TO ",
    "FROM ",
    "PROGRAM ",
    "STDIN ",
    "LOCK TABLE t ",
    "IN ACCESS SHARE MODE",
    "READ ",
    "ONLY ",
    "WRITE ",
    "UPDATE ",
    "pg_settings ",
    "LANGUAGE sql ",
    "LANGUAGE plpgsql ",
    "THEN ",
    "VACUUM ",
    "FETCH ",
    "DECLARE c ",
    "CURSOR FOR ",
    "\u{130}",
    "%",
    "\x0b",
    "<<",
    ">>",
    "?",
    "ALL ",
    "DISCARD ",
    "DEALLOCATE ",
    "CALL p()",
    "AND CHAIN",
    "ROLLBACK ",
    "COMMIT ",
    "SAVEPOINT s",
    "RELEASE s",
    "TRANSACTION ",
    "SESSION CHARACTERISTICS AS ",
    "ISOLATION LEVEL SERIALIZABLE ",
    "NOTIFY c",
    "refused_name",
    "@@@",
    "OPERATOR(pg_catalog.@@@)",
    "CAST(",
    "NULL",
    "IF ",
    "LOOP ",
    "PERFORM ",
    "RETURN QUERY EXECUTE ",
    "CASE WHEN ",
    "FOR UPDATE ",
    "\u{0}",
];

pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let (mode, shape) = (source.byte(), source.byte());
    let text = if shape < 64 {
        source.rest().to_vec()
    } else {
        from_words(&mut source)
    };
    let modes = Modes {
        standard_conforming_strings: [Conforming::On, Conforming::Off, Conforming::Unknown]
            [usize::from(mode % 3)],
        encoding: ENCODINGS[usize::from(mode / 3) % ENCODINGS.len()],
        server_major: [13, 15, 18][usize::from(mode / 85) % 3],
    };
    let read = statements(&text, &modes);
    let _ = leading_word(&text);
    if let Ok(found) = &read {
        let mut end = 0;
        for statement in found {
            assert!(statement.span.start >= end, "statements are in order");
            assert!(statement.span.end >= statement.span.start && statement.span.end <= text.len());
            end = statement.span.end;
        }
        if modes.standard_conforming_strings == Conforming::Unknown {
            for known in [Conforming::On, Conforming::Off] {
                let modes = Modes {
                    standard_conforming_strings: known,
                    ..modes
                };
                let spans =
                    |of: &[lull::sql::pg::Statement]| of.iter().map(|s| s.span.clone()).collect::<Vec<_>>();
                let under_it =
                    statements(&text, &modes).expect("what reads under any value reads under each");
                assert_eq!(spans(&under_it), spans(found), "{known:?}");
            }
        }
    }
    let mut words = RefusedWords::new();
    words.refuse(b"refused_name");
    words.refuse_in_writes("\u{e4}".as_bytes());
    words.refuse_operator(b"@@@");
    let _ = words.mentioned(&text, &modes);
    for language in [Language::Sql, Language::PlPgSql, Language::Other] {
        let _ = inspect(&text, language, &modes, &words);
    }
}

const ENCODINGS: [Encoding; 9] = [
    Encoding::Safe,
    Encoding::Sjis,
    Encoding::ShiftJis2004,
    Encoding::Big5,
    Encoding::Gbk,
    Encoding::Uhc,
    Encoding::Gb18030,
    Encoding::Johab,
    Encoding::Unknown,
];

fn from_words(source: &mut Source<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    while source.has_more() {
        match source.byte() {
            0..230 => text.extend_from_slice(source.pick(WORDS).as_bytes()),
            230..250 => text.push(source.byte()),
            _ => {
                let deep = source.below(256);
                let word = source.pick(WORDS);
                (0..deep).for_each(|_| text.extend_from_slice(word.as_bytes()));
            }
        }
    }
    text
}
