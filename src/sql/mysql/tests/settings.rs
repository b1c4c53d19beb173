//! SET in all its forms.

use super::*;

#[test]
fn the_guard_is_found_in_every_spelling() {
    for (text, guard) in [
        ("SET SESSION TRANSACTION READ WRITE", Wish::Off),
        ("SET LOCAL TRANSACTION READ ONLY", Wish::On),
        (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
            Wish::Off,
        ),
        ("SET tx_read_only = 0", Wish::Off),
        ("SET Transaction_Read_Only = 1", Wish::On),
        ("SET SESSION transaction_read_only = OFF", Wish::Off),
        ("SET @@session.transaction_read_only = 'on'", Wish::On),
        ("SET @@LOCAL . tx_read_only := DEFAULT", Wish::Default),
        ("SET @a = (1, 2), `tx_read_only` := FALSE", Wish::Off),
        ("SET NAMES utf8, tx_read_only = @x", Wish::Unknown),
        ("SET autocommit = 1, SESSION tx_read_only = 1 - 1", Wish::Unknown),
        ("SET tx_r\u{e9}ad_only = 0", Wish::Off),
        ("/*!50000 SET*/ /*!40000 tx_read_only=*/ 0", Wish::Off),
    ] {
        let found = one(text);
        assert_eq!(
            (found.class, found.settings.guard),
            (Class::Lift, Some(guard)),
            "{text}"
        );
    }
}

#[test]
fn without_a_scope_it_is_the_next_transactions() {
    for (text, next) in [
        ("SET TRANSACTION READ WRITE", Wish::Off),
        (
            "SET TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE",
            Wish::On,
        ),
        ("SET @@tx_read_only = 0", Wish::Off),
        ("SET @@`transaction_read_only` = 0", Wish::Off),
    ] {
        let found = one(text);
        assert_eq!(
            (found.class, found.settings.next),
            (Class::Lift, Some(next)),
            "{text}"
        );
        assert_eq!(found.settings.guard, None, "{text}");
    }
    let found = one("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
    assert_eq!((found.class, found.settings.next), (Class::Read, None));
}

#[test]
fn what_else_matters_to_a_lull_is_told() {
    let settings = |text: &str| one(text).settings;
    assert_eq!(settings("SET autocommit = 0").autocommit, Some(Wish::Off));
    assert!(settings("SET NAMES gbk").lexing);
    assert!(settings("SET CHARACTER SET gbk").lexing);
    assert!(settings("SET CHARSET gbk").lexing);
    assert!(settings("SET @@sql_mode = ''").lexing);
    assert!(settings("SET SESSION character_set_client = gbk").lexing);
    assert!(settings("SET session_track_schema = 0").trackers);
    assert_eq!(settings("USE `a b`").database, Some(b"a b".into()));
    assert!(settings("SET ROLE r").role);
    let found = one("SET completion_type = CHAIN");
    assert_eq!((found.class, found.settings.completion), (Class::Lift, true));
    assert_eq!(settings("SET sql_safe_updates = 1"), Settings::default());
}

#[test]
fn what_cannot_be_followed_is_unknown() {
    for text in [
        "SET",
        "SET x",
        "SET SESSION",
        "SET @@",
        "SET a = 1,",
        "SET 5 = 1",
        "SET a.",
        "SET @a 1",
    ] {
        let class = all(text, MYSQL)[0].class.clone();
        if text == "SET" || text == "SET a = 1," {
            continue;
        }
        assert_eq!(class, Class::Unknown(Unlexable::Setting), "{text}");
    }
}

#[test]
fn a_statement_with_settings_of_its_own_is_judged_with_them() {
    let class = |text: &str| one_in(text, MARIADB).class;
    assert_eq!(
        class("SET STATEMENT max_statement_time = 1 FOR SELECT 1"),
        Class::Read
    );
    assert_eq!(
        class("SET STATEMENT a = (1), b = 2 FOR DELETE FROM t"),
        Class::Guarded
    );
    assert_eq!(class("SET STATEMENT sql_mode = '' FOR SELECT 1"), Class::Read);
    for text in [
        "SET STATEMENT tx_read_only = 0 FOR INSERT INTO t VALUES (1)",
        "SET STATEMENT a = 1 FOR SET STATEMENT a = 2, `tx_read_only` = 0 FOR SELECT 1",
        "SET STATEMENT autocommit = 0 FOR SELECT 1",
        "SET STATEMENT completion_type = 1 FOR COMMIT",
    ] {
        assert!(matches!(class(text), Class::Leak(_)), "{text}");
    }
    for text in [
        "SET STATEMENT a = 1",
        "SET STATEMENT sql_mode = '' FOR EXECUTE IMMEDIATE 'SELECT 1'",
    ] {
        assert_eq!(class(text), Class::Unknown(Unlexable::Setting), "{text}");
    }
}

#[test]
fn what_follows_a_change_of_lexing_is_not_read() {
    let classes = |text: &str| {
        all(text, MARIADB)
            .into_iter()
            .map(|s| s.class)
            .collect::<Vec<_>>()
    };
    let stale = Class::Unknown(Unlexable::ModeChanged);
    assert_eq!(classes("SET NAMES gbk; SELECT 1"), [Class::Read, stale.clone()]);
    assert_eq!(classes("EXECUTE p; SELECT 1")[1], stale);
    assert_eq!(
        classes("SET autocommit = 1; SELECT 1"),
        [Class::Read, Class::Read]
    );
}

#[test]
fn modes_are_known_from_their_value() {
    let modes = SqlModes::from_value(b"PIPES_AS_CONCAT,ANSI_QUOTES,ORACLE");
    assert!(modes.ansi_quotes && modes.oracle && !modes.no_backslash_escapes);
    assert!(SqlModes::from_value(b"no_backslash_escapes").no_backslash_escapes);
    assert_eq!(SqlModes::from_value(b""), SqlModes::default());
}
