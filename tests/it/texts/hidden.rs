//! Random texts full of lexical traps: whatever a server makes of one, the lexer must have seen it.
//!
//! Three things show from outside what a text did in a read-only session: a file appeared (INTO OUTFILE), a user variable
//! was set by a statement that began with SET, the session is read-only no more. `TEXTS` says how many texts each server
//! gets (3,000), `TEXTS_SEED` which.

use super::dialect;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Flavor, Login, Reply, Server, Wire};
use ::lull::sql::mysql::{Class, Dialect, Script, Transaction, analyze};
use std::path::{Path, PathBuf};

/// `{F}` becomes the name of a file, `{V}` the read-only variable.
#[rustfmt::skip]
const FRAGMENTS: &[&[u8]] = &[
    b"'", b"\"", b"`", b"''", b"\\", b"\\'", b"\\\"", b"\\N", b"N'", b"x'", b"b'", b"_utf8'", b"--", b"-- ", b"--\t",
    b"#", b"/*", b"*/", b"/*!", b"/*!50000", b"/*!50000 ", b"/*!80000 ", b"/*!90000 ", b"/*!050000 ", b"/*!100000 ",
    b"/*!99999 ", b"/*M!", b"/*M!100100 ", b"/*+ ", b"\n", b" ", b" ", b"\t", b"\x0b", b"\r", b"\x01", b";", b"; ",
    b"(", b")", b",", b".", b":=", b"=", b"@", b"@a", b"@'a'", b"@`a`", b"@@", b"1", b"1e5", b"1.", b".5", b"0x41",
    b"0b1", b"1a", b"$", b"$$", b"a", b"\xc3\xa4", b"\xa0", b"\xff", b"\x81", b"\x95\x5c", b"\x95\x60", b"\xa4\x5c",
    b"\x81\x30\x81\x30", b"\xb1", b"\xe3\x81\x82", b"\x00", b"SELECT 1", b"SELECT ", b"SELECT a", b"SELECT '", b" AS a",
    b"INTO OUTFILE '{F}'", b" INTO OUTFILE '{F}'", b"INTO/**/OUTFILE'{F}'", b"INTO DUMPFILE \"{F}\"", b"INTO ",
    b"OUTFILE ", b"'{F}'", b"; SET @hit=1", b";SET @hit=1;", b"SET @hit=1", b"; SET {V}=0", b"SET {V}=0;", b"{V}",
    b"SET SESSION TRANSACTION READ WRITE", b"; SET SESSION TRANSACTION READ WRITE;", b"SET @b=1, {V}=0", b"SET NAMES utf8, {V}=0",
    b"SET @@session.`{V}`=0", b"DO 1", b"SELECT 1 FROM (SELECT 1) t", b" UNION SELECT 1", b" LIMIT 1", b" -1", b"+1",
    b"/* */", b"/**/", b"SELECT 1/*!50000 +1 */", b"SELECT * FROM (SELECT 1 a) t WHERE a='",
];

const STARTS: &[&[u8]] = &[
    b"SELECT ",
    b"SELECT 1 ",
    b"SELECT 1, ",
    b"SELECT a.a FROM (SELECT 1 a) a WHERE a=",
    b"DO ",
    b"",
];

#[rustfmt::skip]
const INSIDES: &[&[u8]] = &[
    b"a", b"'", b"''", b"\"", b"\"\"", b"`", b"``", b"\\", b"\\\\", b"\\'", b"\x95\x5c", b"\x95\x60", b"\xa4\x5c", b"\x95",
    b"\xb1\x5c", b"\x81\x30\x81\x30", b"\x81\x30", b"\xe3\x81\x82", b"\xff", b"\xa0", b"-- ", b"#", b"/*", b"*/", b";", b"\n",
    b"\x00", b"\xfe\x5c", b"\xfd\x7e\x5c", b"\x8f\xa1\x5c",
];

#[rustfmt::skip]
const BETWEEN: &[&[u8]] = &[
    b" ", b" ", b"\n", b"\t", b"\x0b", b"\x0c", b"\r", b"\xa0", b"\xff", b"/**/", b"/* ' */", b"/* /* */", b"/*!50000 */", b"/*!99999 ' */",
    b"/*!99999 /* */ ' */", b"/*! */", b"/*M! */", b"/*M!999999 ' */", b"-- '\n", b"--\n", b"--\x01'\n", b"#'\n", b"-- \r'\n", b"--'", b"/*!50000",
    b"/*!80000 ", b"/*!100000 ", b"/*!090000 ", b"/*M!", b"*/", b"/*!50000 1*/", b", 1 ", b"+1", b".5", b" 1e5", b" 1.", b"\\N", b" a",
    b" AS a", b" AS 'a'", b"", b"\x81", b"\x95\x60", b"/*+ ' */", b"/*'*/'*/", b"/*/ ' */", b"--\xa0'\n", b"--\xff'\n", b"; -- '\n", b" x'41'", b" @a",
    b" @`a`", b" @'a'", b" @a.b", b" @@version", b" a.b", b" $", b" $$",
];

#[rustfmt::skip]
const ACTS: &[&[u8]] = &[
    b"INTO OUTFILE '{F}'", b"INTO OUTFILE '{F}'", b"INTO/**/OUTFILE'{F}'", b"INTO DUMPFILE \"{F}\"", b"/*!50000INTO*/OUTFILE '{F}'", b"INTO--\nDUMPFILE '{F}'",
    b"INTO\xa0OUTFILE'{F}'", b"; SET @hit=1", b";SET @hit=1;", b"; SET {V}=0", b";SET SESSION TRANSACTION READ WRITE", b"; SET @b=1,@@session.{V}:=0",
    b";/*!50000SET*/ {V}=0", b"; SET NAMES utf8,{V}=0",
];

const ENDS: &[&[u8]] = &[
    b"",
    b"",
    b"",
    b" -- '",
    b"#'",
    b"*/",
    b" */",
    b"'",
    b"\"",
    b"`",
    b";",
    b" LIMIT 1",
    b"/* ' */",
    b"\x00",
];

struct Shift(u64);

impl Shift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn pick(&mut self, list: &[&'static [u8]]) -> &'static [u8] {
        list[self.below(list.len())]
    }

    /// Anything at all.
    fn jumble(&mut self) -> Vec<u8> {
        let mut text = b"SELECT 1".to_vec();
        if self.below(3) == 0 {
            text.clear();
        }
        for _ in 0..=self.below(9) {
            text.extend_from_slice(self.pick(FRAGMENTS));
        }
        text
    }

    /// What has a chance to be accepted: constants with traps inside, what may or may not be white space, then something
    /// that acts, then what could be the rest of any of it.
    fn trap(&mut self) -> Vec<u8> {
        let mut text = self.pick(STARTS).to_vec();
        for _ in 0..self.below(3) {
            let quote = self.pick(&[b"'", b"\"", b"`", b"N'"]);
            text.extend_from_slice(quote);
            for _ in 0..self.below(4) {
                text.extend_from_slice(self.pick(INSIDES));
            }
            text.extend_from_slice(&quote[quote.len() - 1..]);
            text.extend_from_slice(self.pick(BETWEEN));
        }
        text.extend_from_slice(self.pick(BETWEEN));
        text.extend_from_slice(self.pick(ACTS));
        text.extend_from_slice(self.pick(ENDS));
        text
    }

    fn text(&mut self, file: &str, variable: &str) -> Vec<u8> {
        let text = if self.below(4) == 0 {
            self.jumble()
        } else {
            self.trap()
        };
        replaced(&replaced(&text, b"{F}", file), b"{V}", variable)
    }
}

fn replaced(text: &[u8], what: &[u8], with: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(what) {
            out.extend_from_slice(with.as_bytes());
            at += what.len();
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// What the session reads texts with.
#[derive(Debug, Clone, Copy)]
struct Manner {
    charset: &'static str,
    sql_mode: &'static str,
}

#[rustfmt::skip]
const MANNERS: &[Manner] = &[
    Manner { charset: "utf8mb4", sql_mode: "" },
    Manner { charset: "utf8mb4", sql_mode: "NO_BACKSLASH_ESCAPES" },
    Manner { charset: "utf8mb4", sql_mode: "ANSI_QUOTES" },
    Manner { charset: "latin1", sql_mode: "" },
    Manner { charset: "gbk", sql_mode: "" },
    Manner { charset: "sjis", sql_mode: "ANSI_QUOTES" },
    Manner { charset: "cp932", sql_mode: "" },
    Manner { charset: "big5", sql_mode: "" },
    Manner { charset: "gb18030", sql_mode: "" },
    Manner { charset: "euckr", sql_mode: "" },
    Manner { charset: "cp866", sql_mode: "NO_BACKSLASH_ESCAPES,ANSI_QUOTES" },
    Manner { charset: "binary", sql_mode: "" },
    Manner { charset: "swe7", sql_mode: "" },
    Manner { charset: "utf8mb4", sql_mode: "ORACLE" },
];

fn log_in(server: &Server) -> Wire {
    Login::of("root")
        .with(capability::MULTI_STATEMENTS)
        .to(server.address)
}

struct Ground {
    server: Server,
    client: Wire,
    manner: Manner,
    dialect: Dialect,
    files: u32,
    /// Texts that wrote a file, set the variable, lifted the guard.
    acted: [usize; 3],
}

impl Ground {
    fn new(flavor: Flavor, manner: Manner) -> Self {
        let server = Server::start(flavor);
        let client = log_in(&server);
        let dialect = dialect(&server, manner.charset);
        let mut ground = Self {
            server,
            client,
            manner,
            dialect,
            files: 0,
            acted: [0; 3],
        };
        ground.take(manner);
        ground
    }

    /// From now on texts are read in this manner; false where the server does not know the character set.
    fn take(&mut self, manner: Manner) -> bool {
        self.manner = manner;
        self.dialect.charset = ::lull::sql::mysql::Charset::from_name(manner.charset.as_bytes());
        self.dialect.modes = ::lull::sql::mysql::SqlModes::from_value(manner.sql_mode.as_bytes());
        self.reset()
    }

    fn reset(&mut self) -> bool {
        let Manner { charset, sql_mode } = self.manner;
        let sets = format!(
            "SET SESSION TRANSACTION READ ONLY; SET @hit = 0, sql_mode = '{sql_mode}'; SET character_set_client = {charset}"
        );
        self.client.query(&sets).error().is_none()
    }

    fn file(&mut self) -> PathBuf {
        self.files += 1;
        self.server.outside_directory().join(format!("f{}", self.files))
    }

    /// Runs the text and compares what it did with what was said of it.
    fn compare(&mut self, text: &[u8], file: &Path) {
        let script = analyze(text, self.dialect, true);
        let shown = || {
            let classes: Vec<_> = script.statements.iter().map(|s| (&s.verb, &s.class)).collect();
            format!(
                "{:?} {:?}\n{}\n{text:?}\n{classes:?}",
                self.server.flavor,
                self.manner,
                String::from_utf8_lossy(text)
            )
        };
        let payload = [&[packets::QUERY], text].concat();
        let replies = self.client.try_ask(&payload);
        assert!(replies.is_ok(), "the server hung up on {}", shown());
        // A text, or the end of one, that is only a comment is answered OK.
        let answered = replies.map_or(0, |r| {
            r.0.iter()
                .filter(|one| !matches!(one, Reply::Error { .. }))
                .count()
        });
        let stopped = script
            .statements
            .iter()
            .any(|s| matches!(s.class, Class::Unknown(_)));
        assert!(
            answered <= script.statements.len() + 1 || stopped,
            "more ran than was seen: {}",
            shown()
        );
        if file.exists() {
            assert!(refuses(&script), "a file was written by {}", shown());
        }
        let asks = format!(
            "SELECT @hit, @@session.{}",
            self.server.flavor.read_only_variable()
        );
        let state = self.client.run(&asks);
        let state: Vec<Option<&str>> = state.rows().concat();
        let hit = state[0] == Some("1");
        let sets = script.statements.iter().any(|s| s.verb == "SET");
        assert!(
            !hit || sets || refuses(&script),
            "SET was not seen in {}",
            shown()
        );
        let stands = state[1] == Some("1");
        assert!(
            stands || lifts(&script) || refuses(&script),
            "the guard was lifted by {}",
            shown()
        );
        let did = [file.exists(), hit, !stands];
        for (count, did) in self.acted.iter_mut().zip(did) {
            *count += usize::from(did);
        }
    }
}

/// Nothing of the text would go up.
fn refuses(script: &Script) -> bool {
    script
        .statements
        .iter()
        .any(|s| matches!(s.class, Class::Leak(_) | Class::Opaque(_) | Class::Unknown(_)))
}

fn lifts(script: &Script) -> bool {
    script.statements.iter().any(|s| {
        s.class == Class::Lift
            && (s.settings.guard.is_some() || matches!(s.transaction, Some(Transaction::Begin { .. })))
    })
}

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

fn compare_random_texts(flavor: Flavor) {
    let (count, seed) = (number("TEXTS", 3_000), number("TEXTS_SEED", 1));
    let mut ground = Ground::new(flavor, MANNERS[0]);
    for (at, manner) in MANNERS.iter().enumerate() {
        if !ground.take(*manner) {
            continue;
        }
        let mut shift = Shift((seed as u64 + at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut file = ground.file();
        for _ in 0..count / MANNERS.len() {
            let text = shift.text(&file.display().to_string(), flavor.read_only_variable());
            ground.compare(&text, &file);
            ground.reset();
            if file.exists() {
                file = ground.file();
            }
        }
        // Texts like `SET @a = 1 AS a` open transactions or change the session otherwise.
        ground.client = log_in(&ground.server);
    }
    eprintln!("{flavor:?}: {:?} of {count} texts acted", ground.acted);
    let enough = ground.acted.iter().all(|&acted| acted * 1_000 > count);
    assert!(enough, "the texts hardly do anything: {:?}", ground.acted);
}

#[test]
fn what_a_mariadb_server_runs_of_a_random_text_is_what_the_lexer_sees() {
    compare_random_texts(Flavor::MariaDb);
}

#[test]
fn what_a_mysql_server_runs_of_a_random_text_is_what_the_lexer_sees() {
    compare_random_texts(Flavor::MySql);
}
