//! Names of prepared statements and cursors, and refused words.

use super::*;

fn named(text: &str) -> Vec<u8> {
    match class(text) {
        Class::Execute { name } | Class::Fetch { name } => name,
        Class::Declare { name, .. }
        | Class::Prepare { name, .. }
        | Class::Deallocate { name: Some(name) } => name,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn names_are_folded_as_the_server_does() {
    let long = "x".repeat(70);
    for (text, name) in [
        ("EXECUTE Abc", "abc"),
        ("EXECUTE \"Abc\"\"d\" (1, 2)", "Abc\"d"),
        ("EXECUTE U&\"a\\0062c\"", "abc"),
        ("EXECUTE U&\"a!0062c!!\" UESCAPE '!'", "abc!"),
        ("EXECUTE \u{c4}b", "\u{c4}b"),
        ("FETCH c", "c"),
        ("FETCH NEXT FROM C", "c"),
        ("FETCH FORWARD ALL IN \"C\"", "C"),
        ("MOVE -5 c", "c"),
        ("FETCH ABSOLUTE 1 FROM c", "c"),
        ("FETCH next", "next"),
        ("DEALLOCATE PREPARE p", "p"),
        ("DEALLOCATE prepare", "prepare"),
        ("DECLARE c BINARY NO SCROLL CURSOR FOR SELECT 1", "c"),
        (&format!("EXECUTE {long}"), &long[..63]),
    ] {
        assert_eq!(named(text), name.as_bytes(), "{text}");
    }
    assert_eq!(class("DEALLOCATE ALL"), Class::Deallocate { name: None });
}

#[test]
fn names_that_two_servers_could_read_differently_are_unlexable() {
    let long = "\u{e4}".repeat(40);
    for text in [
        format!("EXECUTE {long}"),
        "EXECUTE U&\"\\zzzz\"".into(),
        "EXECUTE U&\"a\" UESCAPE 'aa'".into(),
        "EXECUTE 'a'".into(),
        "EXECUTE".into(),
    ] {
        assert_eq!(
            statements(text.as_bytes(), &MODES),
            Err(Unlexable::Name),
            "{text}"
        );
    }
    let sjis = modes(Conforming::On, Encoding::Sjis);
    assert_eq!(statements(b"EXECUTE a\x95\x5c", &sjis), Err(Unlexable::Name));
    assert_eq!(statements(b"EXECUTE a", &sjis).unwrap().len(), 1);
}

#[test]
fn a_prepared_statement_carries_what_it_will_do() {
    let Class::Prepare { inner, .. } =
        class("PREPARE p (int) AS SELECT set_config('transaction_read_only', $1, true)")
    else {
        panic!()
    };
    assert_eq!((inner.class, inner.config), (Class::Guarded, SetConfig::LiftsNow));
    let outer = one("PREPARE p AS SELECT set_config(a, b, true), lo_create(0)");
    assert_eq!(
        (outer.config, outer.changes_lexing, outer.calls),
        (SetConfig::None, false, false)
    );
    let Class::Prepare { inner, .. } = outer.class else {
        panic!()
    };
    assert!(
        matches!(inner.class, Class::Leak(_)) && inner.span == (13..56),
        "{inner:?}"
    );
    assert!(matches!(
        class("PREPARE transaction AS SELECT 1"),
        Class::Prepare { .. }
    ));
    let Class::Prepare { inner, .. } = class("PREPARE p AS VACUUM") else {
        panic!()
    };
    assert!(matches!(inner.class, Class::Opaque(_)));
}

#[test]
fn cursors() {
    assert_eq!(
        class("DECLARE c CURSOR WITH HOLD FOR SELECT 1"),
        Class::Declare {
            name: b"c".into(),
            hold: true
        }
    );
    assert_eq!(
        class("DECLARE c SCROLL CURSOR WITHOUT HOLD FOR SELECT 1"),
        Class::Declare {
            name: b"c".into(),
            hold: false
        }
    );
    assert!(leaks(
        "DECLARE c CURSOR FOR SELECT set_config('transaction_read_only', 'off', true)"
    ));
}

fn mention(words: &RefusedWords, text: &str) -> Option<String> {
    words
        .mentioned(text.as_bytes(), &MODES)
        .unwrap()
        .map(str::to_owned)
}

#[test]
fn refused_words_are_found_as_identifiers_only() {
    let mut words = RefusedWords::new();
    assert_eq!(mention(&words, "SELECT f()"), None);
    words.refuse(b"f");
    words.refuse(b"Big \"one\"");
    words.refuse("stra\u{df}e".as_bytes());
    for text in [
        "SELECT f()",
        "SELECT * FROM F",
        "SELECT \"f\"",
        "SELECT U&\"\\0066\"()",
        "SELECT public.f",
        "SELECT \"Big \"\"one\"\"\"",
        "SELECT stra\u{df}e()",
        "SELECT \"stra\u{df}e\"()",
        "SELECT U&\"stra\\00dfe\"()",
        "SELECT query_to_xml('SELECT f()', true, true, '')",
        "SELECT schema_to_xml('s', true, true, '')",
    ] {
        assert!(mention(&words, text).is_some(), "{text}");
    }
    for text in [
        "SELECT 'f', $$f$$ -- f\n, ff",
        "SELECT \"F\"",
        "SELECT stra\u{df}en",
        "SELECT big",
    ] {
        assert_eq!(mention(&words, text), None, "{text}");
    }
    // The same letter in another encoding.
    assert!(words.mentioned(b"SELECT stra\xdfe()", &MODES).unwrap().is_some());
    let gbk = modes(Conforming::On, Encoding::Gbk);
    assert!(
        words
            .mentioned(b"SELECT stra\x95\x5ce()", &gbk)
            .unwrap()
            .is_some()
    );
    assert_eq!(
        words.mentioned(b"SELECT '\\f'", &modes(Conforming::Unknown, Encoding::Safe)),
        Err(Unlexable::Backslash)
    );
}

#[test]
fn operators_are_found_by_symbol_and_by_keyword() {
    let mut words = RefusedWords::new();
    words.refuse_operator(b"~~");
    words.refuse_operator(b"@@@");
    words.refuse_operator(b"<>");
    for text in [
        "SELECT a ~~ b",
        "SELECT a LIKE b",
        "SELECT a NOT LIKE b",
        "SELECT a@@@b",
        "SELECT a OPERATOR(x.@@@) b",
        "SELECT a != b",
    ] {
        assert!(mention(&words, text).is_some(), "{text}");
    }
    for text in [
        "SELECT a @@ b",
        "SELECT '~~'",
        "SELECT a ~~* b",
        "SELECT \"like\"",
    ] {
        assert_eq!(mention(&words, text), None, "{text}");
    }
}

#[test]
fn some_words_matter_only_where_something_is_written() {
    let mut words = RefusedWords::new();
    words.refuse_in_writes(b"t");
    assert_eq!(mention(&words, "SELECT * FROM t"), None);
    assert_eq!(mention(&words, "INSERT INTO u VALUES (1); SELECT * FROM t"), None);
    for text in [
        "INSERT INTO t VALUES (1)",
        "COPY t FROM STDIN",
        "WITH t AS (SELECT 1) UPDATE u SET a = 1",
    ] {
        assert_eq!(mention(&words, text).as_deref(), Some("t"), "{text}");
    }
}
