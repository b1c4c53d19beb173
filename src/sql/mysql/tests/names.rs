//! Refused words and databases.

use super::*;

fn words(names: &[&str]) -> RefusedWords {
    let mut words = RefusedWords::new();
    names.iter().for_each(|name| words.refuse(name.as_bytes()));
    words
}

fn mention(words: &RefusedWords, text: &str) -> Option<String> {
    let script = analyze(text.as_bytes(), MARIADB, true);
    script.mentioned(text.as_bytes(), words).map(str::to_owned)
}

#[test]
fn refused_words_are_found_as_identifiers_only() {
    assert_eq!(mention(&words(&[]), "SELECT f()"), None);
    let words = words(&["f", "Big one", "stra\u{df}e", "naive"]);
    for text in [
        "SELECT f()",
        "SELECT F FROM t",
        "SELECT `f`",
        "SELECT a.f",
        "SELECT `big ONE`",
        "SELECT stra\u{df}e()",
        "SELECT strasse()",
        "SELECT na\u{ef}ve()",
        "PREPARE p FROM 'SELECT f()'",
        "EXECUTE IMMEDIATE 'SELECT f()'",
        "SELECT 1; SELECT f()",
    ] {
        assert!(mention(&words, text).is_some(), "{text}");
    }
    for text in [
        "SELECT 'f', \"f\" -- f\n, ff, @f",
        "SELECT `f `",
        "SELECT stra, e",
        "SELECT /* f */ 1",
        "SELECT n\u{e4}ive2()",
    ] {
        assert_eq!(mention(&words, text), None, "{text}");
    }
}

#[test]
fn databases_are_found_where_they_can_stand() {
    let words = words(&["shop"]);
    let found = |text: &str| {
        let script = analyze(text.as_bytes(), MARIADB, true);
        script.database_mentioned(text.as_bytes(), &words).is_some()
    };
    for text in [
        "INSERT INTO shop.orders VALUES (1)",
        "INSERT INTO `Shop` . orders VALUES (1)",
        "UPDATE a, shop /* */ .b SET a.x = 1",
        "USE shop",
        "DROP DATABASE shop",
        "DROP SCHEMA IF EXISTS `shop`",
        "CREATE DATABASE IF NOT EXISTS shop",
        "ALTER DATABASE shop CHARACTER SET utf8",
        "CALL shop.p()",
        "EXECUTE IMMEDIATE 'DELETE FROM shop.orders'",
        "BEGIN NOT ATOMIC DELETE FROM shop.orders; END",
    ] {
        assert!(found(text), "{text}");
    }
    for text in [
        "INSERT INTO a.shop VALUES (1)",
        "SELECT shop FROM t",
        "SELECT 'shop.orders'",
    ] {
        assert!(!found(text), "{text}");
    }
}

#[test]
fn many_names_are_not_compared_without_end() {
    let mut many = RefusedWords::new();
    for n in 0..3000 {
        many.refuse(format!("\u{e4}{n}").as_bytes());
    }
    let text = "SELECT aaaaaaaa ".repeat(500);
    let script = analyze(text.as_bytes(), MARIADB, true);
    assert!(script.mentioned(text.as_bytes(), &many).is_some());
}

#[test]
fn names_of_prepared_statements_outside_ascii_are_unknown() {
    for text in ["PREPARE \u{fc} FROM 'SELECT 1'", "EXECUTE `\u{fc}`", "EXECUTE 5"] {
        assert_eq!(class(text), Class::Unknown(Unlexable::Name), "{text}");
    }
}
