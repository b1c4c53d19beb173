//! The traps of the lexer: what hides a statement from a naive one.

use super::*;

const OFF: Modes = modes(Conforming::Off, Encoding::Safe);
const UNKNOWN: Modes = modes(Conforming::Unknown, Encoding::Safe);

#[test]
fn hidden_statements_are_found() {
    for text in [
        "SELECT E'a'\n'b\\'' ; DELETE FROM t; --'",
        "SELECT E'a' -- c\n 'b\\'' ; DELETE FROM t; --'",
        "SELECT E'a'\n--x'\n'b\\'' ; DELETE FROM t; --'",
        "SELECT e'a'\r'b\\'' ; DELETE FROM t; --'",
        "SELECT 'a\\'; DELETE FROM t; --'",
        "SELECT 1 --\r; DELETE FROM t",
        "SELECT 1 -- ;\n; DELETE FROM t",
        "SELECT 1 /* /* */ ; */ ; DELETE FROM t",
        "SELECT 1 /*/* /**/*/*/; DELETE FROM t",
        "SELECT 1 */**/ 2; DELETE FROM t",
        "SELECT 1 +/*;*/ 2; DELETE FROM t",
        "SELECT 1 +-- ;\n 2; DELETE FROM t",
        "SELECT a$b$; DELETE FROM t -- $b$",
        "SELECT $1$a$ ; $a$; DELETE FROM t",
        "SELECT 1$a$ ; $a$; DELETE FROM t",
        "SELECT $a$ ; $b$ ; $ $a $A$ $$ $a$; DELETE FROM t",
        "SELECT $$ ; $a$ ; $$; DELETE FROM t",
        "SELECT $a$x$b$a$; DELETE FROM t",
        "SELECT $\u{e4}$ ; $a$ ; $\u{e4}$; DELETE FROM t",
        "SELECT $\u{e4}1$ ; $\u{e4}$ ; $\u{e4}1$; DELETE FROM t",
        "SELECT \"a;\"\"b'\"; DELETE FROM t; --'",
        "SELECT U&\"a\\\"; DELETE FROM t; --\"",
        "SELECT U&'a\\'; DELETE FROM t; --'",
        "SELECT u&'!' UESCAPE '!'; DELETE FROM t; --'",
        "SELECT u& 'a;'; DELETE FROM t",
        "SELECT B'a''b'; DELETE FROM t",
        "SELECT x'\\'; DELETE FROM t; --'",
        "SELECT B'1'\n'\\'; DELETE FROM t; --'",
        "SELECT N'a\\'; DELETE FROM t; --'",
        "SELECT 123E'\\' ; '; DELETE FROM t",
        "SELECT 1.5e'\\' ; '; DELETE FROM t",
        "SELECT 1e+5; DELETE FROM t",
        "SELECT 1..2; DELETE FROM t",
        "SELECT \u{e4}e'\\'; DELETE FROM t; --'",
        "SELECT ae'\\'; DELETE FROM t; --'",
        "SELECT a-e'\\' ; '; DELETE FROM t",
        "SELECT (1; DELETE FROM t); DELETE FROM t",
        "SELECT 'a' 'b'; DELETE FROM t",
        "SELECT 'a'/**/\n'b;'; DELETE FROM t",
        "SELECT 1\x0b; DELETE FROM t",
        ";;SELECT 1;;DELETE FROM t;;",
        "SELECT +-+-+-+-1; DELETE FROM t",
        "SELECT 1 @-1; DELETE FROM t",
        "SELECT 1; --\\\nDELETE FROM t",
    ] {
        assert_eq!(tags(text), ["SELECT", "DELETE"], "{text}");
    }
}

#[test]
fn what_only_looks_like_statements_is_not_split() {
    for text in [
        "SELECT ';DELETE FROM t'",
        "SELECT $$;DELETE FROM t$$",
        "SELECT $_a1$;DELETE FROM t$_a1$",
        "SELECT \";DELETE\"",
        "SELECT E'\\';DELETE FROM t'",
        "SELECT E'\\\\\\';DELETE FROM t'",
        "SELECT E'a'\n'\\';DELETE FROM t'",
        "SELECT E'a'\n\n -- ' \n \t'\\';DELETE FROM t'",
        "SELECT 'a'\n';DELETE FROM t'",
        "SELECT 1 --;DELETE FROM t",
        "SELECT 1 /*;DELETE FROM t*/",
        "SELECT 1 /*/*;*/;DELETE FROM t*/",
        "SELECT 1 +--;DELETE",
        "SELECT (a;b;(c;d))",
    ] {
        assert_eq!(tags(text), ["SELECT"], "{text}");
    }
}

#[test]
fn a_backslash_in_a_plain_constant_counts_as_the_session_has_it() {
    let text = b"SELECT 'a\\'; DELETE FROM t; --'";
    assert_eq!(statements(text, &MODES).unwrap().len(), 2);
    assert_eq!(statements(text, &OFF).unwrap().len(), 1);
    assert_eq!(statements(text, &UNKNOWN), Err(Unlexable::Backslash));
    // With the setting off the second piece of a plain constant is read like the first.
    let text = b"SELECT 'a'\n'\\'; DELETE FROM t'";
    assert_eq!(statements(text, &OFF).unwrap().len(), 1);
    for text in [
        &b"SELECT E'\\'', 'a''b', $$\\$$, B'\\', U&'\\0041', \"\\\""[..],
        b"SELECT 1 -- '\\",
    ] {
        assert_eq!(statements(text, &UNKNOWN).unwrap().len(), 1);
    }
}

#[test]
fn an_open_quote_or_comment_is_a_syntax_error_of_the_whole_text() {
    for text in [
        "DELETE FROM t; SELECT '",
        "DELETE FROM t; SELECT 'a'\n'",
        "DELETE FROM t; SELECT E'\\'",
        "DELETE FROM t; SELECT E'\\",
        "DELETE FROM t; SELECT $$ $a$",
        "DELETE FROM t; SELECT $a$ $a",
        "DELETE FROM t; SELECT \"",
        "DELETE FROM t; /* /* */",
        "DELETE FROM t; SELECT U&\"\"\"",
        "DELETE FROM t; SELECT U&\"a\" UESCAPE '",
    ] {
        let found = one(text);
        assert_eq!(
            (found.class, found.span),
            (Class::SyntaxError, 0..text.len()),
            "{text}"
        );
    }
    assert_eq!(statements(b"SELECT '\\", &UNKNOWN), Err(Unlexable::Backslash));
}

#[test]
fn a_nul_byte_is_unlexable() {
    assert_eq!(statements(b"SELECT 1\0; DELETE", &MODES), Err(Unlexable::Nul));
    assert_eq!(RefusedWords::new().mentioned(b"\0", &MODES), Ok(None));
}

#[test]
fn a_character_with_an_ascii_byte_hides_nothing_and_shows_nothing() {
    let count = |encoding, text: &[u8]| statements(text, &modes(Conforming::Off, encoding)).map(|s| s.len());
    // 0x95 0x5c is one character; so the quote closes the constant.
    let text = b"SELECT '\x95\x5c'; DELETE FROM t; --'";
    for encoding in [
        Encoding::Sjis,
        Encoding::ShiftJis2004,
        Encoding::Big5,
        Encoding::Gbk,
        Encoding::Uhc,
    ] {
        assert_eq!(count(encoding, text), Ok(2), "{encoding:?}");
    }
    assert_eq!(count(Encoding::Gb18030, text), Ok(2));
    assert_eq!(count(Encoding::Safe, text), Ok(1));
    // Half-width katakana are single bytes, so here the backslash is one.
    assert_eq!(
        count(Encoding::Sjis, b"SELECT '\xb1\x5c'; DELETE FROM t; --'"),
        Ok(1)
    );
    // Four bytes, digits among them.
    assert_eq!(
        count(Encoding::Gb18030, b"SELECT '\x81\x30\x81\x30'; DELETE FROM t"),
        Ok(2)
    );
    assert_eq!(count(Encoding::Gb18030, b"SELECT '\x81"), Ok(1));
    assert_eq!(count(Encoding::Johab, text), Err(Unlexable::Encoding));
    assert_eq!(count(Encoding::Unknown, text), Err(Unlexable::Encoding));
    assert_eq!(count(Encoding::Johab, b"SELECT 1; SELECT 2"), Ok(2));
    assert_eq!(
        count(Encoding::ShiftJis2004, b"SELECT '\x81\x5f'"),
        Err(Unlexable::Converted)
    );
    assert_eq!(count(Encoding::Sjis, b"SELECT '\x81\x5f'"), Ok(1));
}

#[test]
fn encodings_are_known_by_the_names_that_servers_and_clients_use() {
    for (name, encoding) in [
        ("UTF8", Encoding::Safe),
        ("utf-8", Encoding::Safe),
        ("LATIN10", Encoding::Safe),
        ("ISO_8859_5", Encoding::Safe),
        ("SQL_ASCII", Encoding::Safe),
        ("EUC_JIS_2004", Encoding::Safe),
        ("WIN1252", Encoding::Safe),
        ("SJIS", Encoding::Sjis),
        ("Shift_JIS", Encoding::Sjis),
        ("SHIFT_JIS_2004", Encoding::ShiftJis2004),
        ("GB18030", Encoding::Gb18030),
        ("johab", Encoding::Johab),
        ("", Encoding::Unknown),
        ("UTF16", Encoding::Unknown),
    ] {
        assert_eq!(Encoding::from_name(name.as_bytes()), encoding, "{name}");
    }
}

#[test]
fn the_leading_word_is_found_behind_comments() {
    assert_eq!(leading_word(b"/* a */ -- b\n Select 1"), b"Select");
    assert_eq!(leading_word(b" (SELECT 1)"), b"");
    assert_eq!(leading_word(b""), b"");
}
