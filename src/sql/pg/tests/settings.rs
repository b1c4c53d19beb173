//! Transactions, SET and RESET, set_config.

use super::*;

#[test]
fn the_last_access_mode_wins_and_isolation_is_none() {
    use Access::*;
    for (modes, access) in [
        ("", None),
        ("READ ONLY", Some(ReadOnly)),
        ("READ WRITE", Some(ReadWrite)),
        ("READ ONLY, READ WRITE", Some(ReadWrite)),
        ("READ WRITE READ ONLY", Some(ReadOnly)),
        ("ISOLATION LEVEL READ COMMITTED", None),
        ("ISOLATION LEVEL READ UNCOMMITTED, READ ONLY", Some(ReadOnly)),
        ("ISOLATION LEVEL REPEATABLE READ READ WRITE", Some(ReadWrite)),
        (
            "ISOLATION LEVEL SERIALIZABLE, READ ONLY, NOT DEFERRABLE",
            Some(ReadOnly),
        ),
        ("DEFERRABLE", None),
        ("/*x*/read\n--\nwrite", Some(ReadWrite)),
        ("SOMETHING NEW", Some(ReadWrite)),
        ("READ ONLY, SOMETHING", Some(ReadWrite)),
    ] {
        for start in ["BEGIN", "BEGIN WORK", "begin transaction", "START TRANSACTION"] {
            assert_eq!(
                class(format!("{start} {modes}")),
                Class::Begin { access },
                "{start} {modes}"
            );
        }
        for start in [
            "SET TRANSACTION",
            "SET LOCAL TRANSACTION",
            "SET SESSION TRANSACTION",
        ] {
            assert_eq!(
                class(format!("{start} {modes}")),
                Class::SetTransaction { access },
                "{start} {modes}"
            );
        }
    }
    assert_eq!(
        class("SET TRANSACTION SNAPSHOT 'a'"),
        Class::SetTransaction { access: None }
    );
}

#[test]
fn the_ends_of_transactions() {
    for (text, expected) in [
        ("COMMIT", Class::Commit { chain: false }),
        ("END WORK", Class::Commit { chain: false }),
        ("COMMIT AND NO CHAIN", Class::Commit { chain: false }),
        ("COMMIT TRANSACTION AND CHAIN", Class::Commit { chain: true }),
        ("ROLLBACK", Class::Rollback { chain: false }),
        ("ABORT AND CHAIN", Class::Rollback { chain: true }),
        ("ROLLBACK WORK TO SAVEPOINT a", Class::RollbackTo),
        ("ROLLBACK TO a", Class::RollbackTo),
        ("SAVEPOINT a", Class::Savepoint),
        ("RELEASE SAVEPOINT a", Class::Release),
    ] {
        assert_eq!(class(text), expected, "{text}");
    }
}

#[test]
fn the_default_is_set_in_any_spelling() {
    use Wish::*;
    for (value, wish) in [
        ("on", On),
        ("TRUE", On),
        ("t", On),
        ("yes", On),
        ("y", On),
        ("1", On),
        ("01", On),
        ("'on'", On),
        ("'1'", On),
        ("\"on\"", On),
        ("E'o\\x6e'", On),
        ("$$tru$$", On),
        ("off", Off),
        ("of", Off),
        ("false", Off),
        ("f", Off),
        ("no", Off),
        ("n", Off),
        ("0", Off),
        ("00", Off),
        ("'F'", Off),
        ("U&'\\006f\\0066'", Off),
        ("DEFAULT", Reset),
        ("'default'", Unknown),
        ("o", Unknown),
        ("2", Unknown),
        ("-1", Unknown),
        ("' on'", Unknown),
        ("''", Unknown),
        ("offf", Unknown),
        ("on, off", Unknown),
        ("1.0", Unknown),
    ] {
        for (scope, local) in [("", false), ("SESSION", false), ("LOCAL", true)] {
            for name in [
                "default_transaction_read_only",
                "\"Default_Transaction_READ_ONLY\"",
                "U&\"default\\005ftransaction_read_only\"",
            ] {
                for set in [" TO ", "=", " /*x*/ = "] {
                    let text = format!("SET {scope} {name}{set}{value}");
                    assert_eq!(class(&text), Class::SetDefault { wish, local }, "{text}");
                    let text = text
                        .replace("Default_", "")
                        .replace("default\\005f", "")
                        .replace("default_", "");
                    assert_eq!(class(&text), Class::LiftNow { wish, local }, "{text}");
                }
            }
        }
    }
    assert_eq!(
        class("RESET Default_transaction_read_only"),
        Class::SetDefault {
            wish: Reset,
            local: false
        }
    );
    assert_eq!(
        class("RESET \"transaction_read_only\""),
        Class::LiftNow {
            wish: Reset,
            local: false
        }
    );
    assert_eq!(
        class("SET transaction_read_only FROM CURRENT"),
        Class::LiftNow {
            wish: Unknown,
            local: false
        }
    );
}

#[test]
fn session_characteristics_are_the_default() {
    let default = |wish, local| Class::SetDefault { wish, local };
    for (text, expected) in [
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            default(Wish::Off, false),
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
            default(Wish::On, false),
        ),
        (
            "SET LOCAL SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            default(Wish::Off, true),
        ),
        (
            "SET SESSION SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            default(Wish::Off, false),
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            Class::Inert,
        ),
        ("SET session.transaction_read_only = off", Class::Inert),
        ("SET session = 1", Class::Inert),
        ("SET my.default_transaction_read_only = off", Class::Inert),
        ("SET default_transaction_read_only.x = off", Class::Inert),
    ] {
        assert_eq!(class(text), expected, "{text}");
    }
}

#[test]
fn resetting_everything_has_its_own_class() {
    assert_eq!(class("RESET ALL"), Class::ResetAll);
    assert_eq!(class("DISCARD ALL"), Class::DiscardAll);
}

#[test]
fn settings_that_change_lexing_are_marked() {
    for text in [
        "SET standard_conforming_strings = off",
        "SET LOCAL \"Client_Encoding\" TO sjis",
        "SET NAMES 'sjis'",
        "RESET standard_conforming_strings",
        "RESET ALL",
        "DISCARD ALL",
        "SELECT set_config('STANDARD_conforming_strings', 'off', false)",
        "SELECT set_config(a, b, false)",
    ] {
        assert!(one(text).changes_lexing, "{text}");
    }
    for text in [
        "SET search_path = a",
        "SELECT set_config('a.b', 'c', true)",
        "SELECT 1",
    ] {
        assert!(!one(text).changes_lexing, "{text}");
    }
}

#[test]
fn set_config_is_seen_wherever_it_hides() {
    use SetConfig::{Harmless, LiftsNext, LiftsNow, Unknown};
    for (text, expected) in [
        ("SELECT 1", SetConfig::None),
        ("SELECT 'set_config(1)', set_configs(1)", SetConfig::None),
        ("SELECT set_config('a.b', $1, true)", Harmless),
        (
            "SELECT pg_catalog.set_config ( 'search_path' , '', false)",
            Harmless,
        ),
        (
            "SELECT SET_CONFIG('Default_Transaction_Read_Only', 'off', false)",
            LiftsNext,
        ),
        (
            "SELECT set_config(E'default\\x5ftransaction_read_only', 'off', false)",
            LiftsNext,
        ),
        (
            "SELECT set_config('default_trans'\n'action_read_only', 'off', false)",
            LiftsNext,
        ),
        (
            "SELECT \"set_config\"('transaction_read_only', NULL, true)",
            LiftsNow,
        ),
        (
            "WITH a AS (SELECT set_config('a.b', '', false), set_config('transaction_read_only', '', true)) TABLE a",
            LiftsNow,
        ),
        (
            "SELECT U&\"set\\005fconfig\"('transaction_read_only', NULL, true)",
            LiftsNow,
        ),
        (
            "SELECT U&\"set+005fconfig\" UESCAPE '+' ('a', NULL, true)",
            SetConfig::None,
        ),
        ("SELECT set_config($1, $2, true)", Unknown),
        (
            "SELECT set_config('transaction' || '_read_only', NULL, true)",
            Unknown,
        ),
        ("SELECT set_config('a.b'::text, NULL, true)", Unknown),
        ("SELECT set_config(VARIADIC a)", Unknown),
        ("SELECT set_config(value => 'a', setting_name => 'b')", Unknown),
        ("SELECT set_config", Unknown),
        ("SELECT a.set_config FROM t", Unknown),
        (
            "INSERT INTO t SELECT set_config('transaction_read_only', NULL, true)",
            LiftsNow,
        ),
        // The server refuses this by itself, although the view's rule turns it into a SELECT of set_config.
        ("UPDATE pg_settings SET setting = 'off'", SetConfig::None),
        ("UPDATE t SET a = 1", SetConfig::None),
    ] {
        assert_eq!(one(text).config, expected, "{text}");
    }
}

#[test]
fn a_letter_that_turkish_servers_fold_to_i_counts_as_i() {
    assert_eq!(one("SELECT set_conf\u{130}g(a)").config, SetConfig::Unknown);
    assert_eq!(one(b"SELECT set_conf\xddg(a)").config, SetConfig::Unknown);
    assert!(leaks("SELECT lo_\u{130}mport('x')"));
}

#[test]
fn marks_do_not_run_over_into_the_next_statement() {
    let found = all("SELECT 1; SELECT set_config; SELECT ('a')");
    let config: Vec<_> = found.iter().map(|s| s.config).collect();
    assert_eq!(config, [SetConfig::None, SetConfig::Unknown, SetConfig::None]);
}
