//! The traps of the lexer: what hides a statement from a naive one.

use super::*;

#[test]
fn hidden_statements_are_found() {
    for text in [
        "SELECT 'a\\'b'; DELETE FROM t; -- '",
        "SELECT 'a''b'; DELETE FROM t",
        "SELECT 'a\\\\'; DELETE FROM t; -- '",
        "SELECT \"a'\"; DELETE FROM t; -- '",
        "SELECT `a'`; DELETE FROM t; -- '",
        "SELECT `a\\`; DELETE FROM t; -- `",
        "SELECT 1 # '\n; DELETE FROM t; -- '",
        "SELECT 1 -- '\n; DELETE FROM t; -- '",
        "SELECT 1 --\t'\n; DELETE FROM t; -- '",
        "SELECT 1 --\n; DELETE FROM t",
        "SELECT 1--1; DELETE FROM t",
        "SELECT 1 --\u{a0}; DELETE FROM t",
        "SELECT 1 /* ' */; DELETE FROM t; -- '",
        "SELECT 1 /* /* */; DELETE FROM t",
        "SELECT 1 /*/ */; DELETE FROM t",
        "SELECT 1 /*!99999 /* */ ; */; DELETE FROM t",
        "SELECT 1 /*!50000 , 2 */; DELETE FROM t",
        "SELECT 1 /*! , 2; DELETE FROM t -- */",
        "SELECT @`;`; DELETE FROM t",
        "SELECT @';'; DELETE FROM t",
        "SELECT @a.b; DELETE FROM t",
        "SELECT N';'; DELETE FROM t",
        "SELECT x'3b'; DELETE FROM t",
        "SELECT 1e5; DELETE FROM t",
        "SELECT .5; DELETE FROM t",
        "SELECT a.5b; DELETE FROM t",
        ";;SELECT 1;;DELETE FROM t;;",
        "SELECT a$b; DELETE FROM t",
        "SELECT \u{e4}; DELETE FROM t",
        "SELECT (1; DELETE FROM t",
    ] {
        for dialect in BOTH {
            let found: Vec<_> = verbs(text, dialect)
                .into_iter()
                .filter(|v| !v.is_empty())
                .take(2)
                .collect();
            assert_eq!(found, ["SELECT", "DELETE"], "{text}");
        }
    }
}

#[test]
fn what_only_looks_like_statements_is_not_split() {
    for text in [
        "SELECT ';DELETE FROM t'",
        "SELECT '\\';DELETE FROM t'",
        "SELECT \"\\\";DELETE FROM t\"",
        "SELECT `;DELETE FROM t`",
        "SELECT 1 -- ;DELETE FROM t",
        "SELECT 1 #;DELETE FROM t",
        "SELECT 1 --",
        "SELECT 1 --\x01;DELETE FROM t",
        "SELECT 1 /*;DELETE FROM t*/",
        "SELECT 1 /*!99999 ;DELETE FROM t*/",
        "SELECT 1 /*!99999 /* ;DELETE */ ;FROM t*/",
    ] {
        assert_eq!(class(text), Class::Read, "{text}");
    }
}

#[test]
fn a_comment_runs_on_the_servers_that_it_is_meant_for() {
    let runs = |text: &str| {
        BOTH.map(|dialect| matches!(one_in(format!("SELECT 1 {text}"), dialect).class, Class::Leak(_)))
    };
    for (text, [mariadb, mysql]) in [
        ("/*! INTO OUTFILE 'x' */", [true, true]),
        ("/*!INTO OUTFILE 'x' */", [true, true]),
        ("/*!50000 INTO OUTFILE 'x' */", [true, true]),
        ("/*!50000INTO OUTFILE 'x' */", [true, true]),
        ("/*!50699 INTO OUTFILE 'x' */", [true, true]),
        ("/*!50700 INTO OUTFILE 'x' */", [false, true]),
        ("/*!80000 INTO OUTFILE 'x' */", [false, true]),
        ("/*!90704 INTO OUTFILE 'x' */", [false, true]),
        ("/*!90705 INTO OUTFILE 'x' */", [false, false]),
        ("/*!99999 INTO OUTFILE 'x' */", [false, false]),
        ("/*!100000 INTO OUTFILE 'x' */", [true, false]),
        ("/*!101119 INTO OUTFILE 'x' */", [true, false]),
        ("/*!101120 INTO OUTFILE 'x' */", [false, false]),
        ("/*!080000 INTO OUTFILE 'x' */", [false, true]),
        ("/*M! INTO OUTFILE 'x' */", [true, false]),
        ("/*M!100100 INTO OUTFILE 'x' */", [true, false]),
        ("/*M!80000 INTO OUTFILE 'x' */", [true, false]),
        ("/*M!999999 INTO OUTFILE 'x' */", [false, false]),
        ("/* INTO OUTFILE 'x' */", [false, false]),
        ("/*!50000 /* a */ INTO OUTFILE 'x' */", [true, true]),
        ("/*!99999 /*!50000 a */ INTO OUTFILE 'x' */", [false, false]),
        ("INTO /*!50000 OUTFILE */ 'x'", [true, true]),
    ] {
        assert_eq!(runs(text), [mariadb, mysql], "{text}");
    }
}

#[test]
fn words_are_cut_where_the_server_cuts_them() {
    for text in [
        "SELECT 1.INTO OUTFILE 'x'",
        "SELECT 1e5INTO OUTFILE 'x'",
        "SELECT .5INTO OUTFILE 'x'",
        "SELECT 1.5e3INTO OUTFILE 'x'",
        "SELECT 'a'INTO OUTFILE'x'",
        "SELECT`a`INTO OUTFILE 'x'",
        "SELECT \\NINTO OUTFILE 'x'",
        "SELECT x'41'INTO OUTFILE 'x'",
        "SELECT b'1'INTO OUTFILE 'x'",
        "SELECT N'a'INTO OUTFILE 'x'",
        "SELECT @a INTO OUTFILE 'x'",
        "SELECT @'a'INTO OUTFILE 'x'",
        "SELECT a. b INTO OUTFILE 'x'",
        "SELECT 1 INTO\x0bOUTFILE 'x'",
    ] {
        assert!(leaks(text), "{text}");
    }
    for text in [
        "SELECT 1 into_outfile",
        "SELECT a.into FROM t",
        "SELECT @into.outfile",
        "SELECT 0xINTO",
    ] {
        assert_eq!(class(text), Class::Read, "{text}");
    }
}

#[test]
fn text_between_dollar_tags_is_a_constant_for_mysql() {
    let found = |text: &str, dialect| {
        let mut words = RefusedWords::new();
        words.refuse(b"hidden");
        let script = analyze(text.as_bytes(), dialect, true);
        let unknown = script
            .statements
            .iter()
            .any(|s| matches!(s.class, Class::Unknown(_)));
        unknown || script.mentioned(text.as_bytes(), &words).is_some()
    };
    // Each was accepted by a server, which ran the second statement.
    for body in [
        "$$ ' $$",
        "$a$ ' $a$",
        "$a$ ' $b$ $a $$ $A$ $a$",
        "$1$ ' $1$",
        "$\u{e4}$ ' $\u{e4}$",
        "$a$ ' $b$a$",
        "$$ ' $ $$",
        "$a$a$a$",
        "$a$ ' \\$a$",
        "$a$ $$a$ ' $a$",
    ] {
        let text = format!("CREATE FUNCTION f() RETURNS INT AS {body}; INSERT INTO hidden VALUES (1); -- '");
        assert!(found(&text, MYSQL), "{body}");
    }
    for text in ["SELECT $$hidden$$", "SELECT $a$ hidden $a$"] {
        assert!(!found(text, MYSQL), "{text}");
    }
    assert!(found("SELECT $a$ hidden $a$", MARIADB));
    assert_eq!(one_in("SELECT $a", MYSQL).class, Class::Read);
    assert_eq!(one_in("SELECT $$", MYSQL).class, Class::Unknown(Unlexable::Open));
}

#[test]
fn an_open_quote_or_comment_leaves_what_came_before() {
    for text in [
        "DELETE FROM t; SELECT '",
        "DELETE FROM t; SELECT 'a\\'",
        "DELETE FROM t; SELECT '\\",
        "DELETE FROM t; SELECT \"",
        "DELETE FROM t; SELECT `",
        "DELETE FROM t; SELECT /*",
        "DELETE FROM t; SELECT /*!50000 1",
        "DELETE FROM t; SELECT /*!99999 /* */",
        "DELETE FROM t; SELECT @'",
    ] {
        let found = all(text, MYSQL);
        let classes: Vec<_> = found.iter().map(|s| s.class.clone()).collect();
        assert_eq!(
            classes,
            [Class::Guarded, Class::Unknown(Unlexable::Open)],
            "{text}"
        );
        assert_eq!(found[1].span, 15..text.len(), "{text}");
    }
    assert_eq!(class("SELECT x'4"), Class::Unknown(Unlexable::Token));
    assert_eq!(class("SELECT b'2'"), Class::Unknown(Unlexable::Token));
}

#[test]
fn the_modes_of_the_session_decide_about_quotes_and_backslashes() {
    let mut plain = MYSQL;
    plain.modes.no_backslash_escapes = true;
    assert_eq!(
        verbs("SELECT 'a\\'; DELETE FROM t; -- '", plain),
        ["SELECT", "DELETE"]
    );
    let mut ansi = MYSQL;
    ansi.modes.ansi_quotes = true;
    assert_eq!(
        verbs("SELECT \"a\\\"; DELETE FROM t; -- \"", ansi),
        ["SELECT", "DELETE"]
    );
    assert_eq!(verbs("SELECT \"a\\\"; DELETE FROM t; -- \"", MYSQL), ["SELECT"]);
}

#[test]
fn a_nul_byte_is_unlexable_outside_quotes_only() {
    for text in ["SELECT 1\0", "SELECT 1 -- \0\n", "SELECT 1 # \0", "SELECT `a\0`"] {
        assert_eq!(class(text), Class::Unknown(Unlexable::Nul), "{text:?}");
    }
    for text in ["SELECT 'a\0b'", "SELECT /* \0 */ 1"] {
        assert_eq!(class(text), Class::Read, "{text:?}");
    }
}

#[test]
fn a_character_with_an_ascii_byte_hides_nothing_and_shows_nothing() {
    let read = |charset, text: &[u8]| {
        let found = all(text, dialect(Flavor::MySql, charset));
        (found.len(), found[0].class.clone())
    };
    // 0x95 0x5c is one character; so the quote closes the constant.
    let text = b"SELECT '\x95\x5c'; DELETE FROM t; -- '";
    for charset in [Charset::Sjis, Charset::Gbk, Charset::Gb18030] {
        assert_eq!(read(charset, text), (2, Class::Read), "{charset:?}");
    }
    assert_eq!(
        read(Charset::Big5, b"SELECT '\xa4\x5c'; DELETE FROM t; -- '").0,
        2
    );
    for charset in [Charset::Utf8, Charset::SingleByte(None)] {
        assert_eq!(read(charset, text).0, 1, "{charset:?}");
    }
    // The backslash takes the first byte of a character; its second is a backslash then.
    assert_eq!(
        read(Charset::Gbk, b"SELECT '\\\x95\x5c'; DELETE FROM t; -- '").0,
        1
    );
    // Half-width katakana are single bytes, so here the backslash is one.
    assert_eq!(
        read(Charset::Sjis, b"SELECT '\xb1\x5c'; DELETE FROM t; -- '").0,
        1
    );
    // The second byte may be a backtick.
    assert_eq!(read(Charset::Gbk, b"SELECT `\x95\x60`; DELETE FROM t").0, 2);
    assert_eq!(read(Charset::Gbk, b"SELECT 1 \x95\x60`a;`; DELETE FROM t").0, 2);
    assert_eq!(
        read(Charset::Unknown, b"SELECT '\x95'"),
        (1, Class::Unknown(Unlexable::Charset))
    );
    assert_eq!(read(Charset::Unknown, b"SELECT 'a'"), (1, Class::Read));
}

#[test]
fn a_byte_above_ascii_may_be_white_space() {
    let leaks = |charset, text: &[u8]| {
        matches!(
            one_in(text, dialect(Flavor::MySql, charset)).class,
            Class::Leak(_)
        )
    };
    let text = b"SELECT 1 INTO\xa0OUTFILE 'x'";
    assert!(leaks(Charset::from_name(b"latin1"), text));
    assert!(!leaks(Charset::from_name(b"koi8r"), text));
    assert!(leaks(
        Charset::from_name(b"cp866"),
        b"SELECT 1 INTO\xffOUTFILE 'x'"
    ));
    let class = one_in(
        b"SELECT 1 --\x81",
        dialect(Flavor::MySql, Charset::from_name(b"latin7")),
    )
    .class;
    assert_eq!(class, Class::Unknown(Unlexable::Charset));
}

#[test]
fn character_sets_are_known_by_name_and_by_collation() {
    for (name, ids, charset) in [
        ("utf8mb4", &[45, 46, 224, 255, 309, 1069, 608][..], Charset::Utf8),
        ("UTF8", &[33, 83, 192][..], Charset::Utf8),
        ("latin1", &[5, 8, 48, 1032][..], Charset::SingleByte(Some(0xa0))),
        ("gbk", &[28, 87, 1052][..], Charset::Gbk),
        ("cp932", &[95, 96, 1119][..], Charset::Sjis),
        ("sjis", &[13, 88][..], Charset::Sjis),
        ("big5", &[1, 84, 1108][..], Charset::Big5),
        ("gb18030", &[248, 249, 250][..], Charset::Gb18030),
        ("euckr", &[19, 85][..], Charset::Utf8),
        ("binary", &[63][..], Charset::SingleByte(None)),
        ("swe7", &[10, 82][..], Charset::Unknown),
        ("nope", &[0, 2000, 9999][..], Charset::Unknown),
    ] {
        assert_eq!(Charset::from_name(name.as_bytes()), charset, "{name}");
        for &id in ids {
            assert_eq!(Charset::from_collation(id), charset, "{id}");
        }
    }
}

#[test]
fn without_multi_statements_the_server_rejects_the_whole_text() {
    let found = analyze(b"DELETE FROM t; SELECT 1", MYSQL, false).statements;
    assert_eq!((found.len(), &found[0].class), (1, &Class::SyntaxError));
    assert_eq!(
        analyze(b"SELECT 1;", MYSQL, false).statements[0].class,
        Class::Read
    );
}
