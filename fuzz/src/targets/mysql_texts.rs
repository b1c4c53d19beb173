//! MySQL's lexer: no panic on any text; statements lie in order inside it; a text that is read in full is read the same
//! where its bytes stand behind another statement; a question that was answered is asked no more.

use lull::sql::mysql::{Charset, Dialect, Flavor, RefusedWords, SqlModes, Transaction, analyze, inspect};

use super::source::Source;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "'", "\"", "`", "N'", "x'", "b'", "''", "\\", "\\'", "\\N", "--", "-- ", "#", "/*", "*/", "/*!", "/*!50000 ",
    "/*!80000 ", "/*!99999 ", "/*M!", "/*M!100100", "\n", " ", ";", "(", ")", ",", ".", ":", ":=", "=", "@", "@@",
    "@a", "1", "1e5", "0x4f", "?", "$", "$$", "a", "t.", "\u{e4}", "\u{a0}", "<<", ">>", "SELECT ", "INTO ",
    "OUTFILE 'x' ", "INSERT INTO t ", "; DELETE FROM t", "SET ", "SESSION ", "GLOBAL ", "TRANSACTION ", "READ ",
    "WRITE ", "ONLY ", "tx_read_only ", "STATEMENT a=1 FOR ", "FOR ", "UPDATE ", "NAMES ", "BEGIN ", "END ",
    "NOT ATOMIC ", "CREATE ", "PROCEDURE ", "PREPARE p FROM ", "EXECUTE ", "IMMEDIATE ", "CALL ", "USE ", "THEN ",
    "LOCK TABLES ", "FLUSH ", "ANALYZE ", "read_only ", "@@global.read_only ", "AS ", "DISTINCT ", "UNION ",
    "DECLARE ", "HANDLER ", "XA COMMIT 'x' ", "COMMIT ", "START ", "LOOP ", "NEXTVAL(", "spider_(", "refused_name",
    "CASE WHEN ", "KILL QUERY ", "\u{0}",
];

const CHARSETS: [Charset; 8] = [
    Charset::Utf8,
    Charset::SingleByte(None),
    Charset::SingleByte(Some(0xa0)),
    Charset::Gbk,
    Charset::Sjis,
    Charset::Big5,
    Charset::Gb18030,
    Charset::Unknown,
];

pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let (mode, shape) = (source.byte(), source.byte());
    let text = if shape < 64 {
        source.rest().to_vec()
    } else {
        from_words(&mut source)
    };
    let dialect = Dialect {
        flavor: if mode & 1 == 0 {
            Flavor::MariaDb
        } else {
            Flavor::MySql
        },
        version: if mode & 1 == 0 { 101_119 } else { 90_704 },
        charset: CHARSETS[usize::from(mode >> 5)],
        modes: SqlModes {
            no_backslash_escapes: mode & 2 != 0,
            ansi_quotes: mode & 4 != 0,
            oracle: mode & 8 != 0,
        },
    };
    let script = analyze(&text, dialect, true);
    let mut end = 0;
    for statement in &script.statements {
        assert!(statement.span.start >= end, "statements are in order");
        assert!(statement.span.end >= statement.span.start && statement.span.end <= text.len());
        end = statement.span.end;
        if let Some(Transaction::Begin { write_words, .. }) = &statement.transaction {
            assert!(
                write_words
                    .iter()
                    .all(|word| text[word.clone()].eq_ignore_ascii_case(b"write"))
            );
        }
    }
    let behind = analyze(&[b"DO 1;", &*text].concat(), dialect, true);
    assert_eq!(behind.statements.len(), script.statements.len() + 1);
    if let Some(answered) = script.answered(&text, dialect) {
        let again = analyze(&answered, dialect, true);
        assert!(again.questions(&answered, dialect).is_empty());
        let classes =
            |of: &lull::sql::mysql::Script| of.statements.iter().map(|s| s.class.clone()).collect::<Vec<_>>();
        assert_eq!(classes(&again), classes(&script));
    }
    let mut words = RefusedWords::new();
    words.refuse(b"refused_name");
    words.refuse("\u{e4}".as_bytes());
    let mentioned = script.mentioned(&text, &words).is_some();
    assert!(mentioned || script.database_mentioned(&text, &words).is_none());
    let _ = inspect(&text, dialect, &words);
    let _ = analyze(&text, dialect, false);
}

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
