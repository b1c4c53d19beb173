//! Where one statement ends and the next begins.

use super::*;

#[test]
fn spans_hold_the_statement_and_nothing_else() {
    let text = "  SELECT 1 /*a*/ ; -- b\n DELETE FROM t -- c";
    let spans: Vec<_> = all(text).into_iter().map(|s| &text[s.span]).collect();
    assert_eq!(spans, ["SELECT 1", "DELETE FROM t"]);
    assert!(all("").is_empty() && all(" ;; -- x").is_empty());
}

#[test]
fn a_rule_with_several_actions_is_one_statement() {
    let text = "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); VACUUM";
    assert_eq!(tags(text), ["CREATE RULE", "VACUUM"]);
}

#[test]
fn an_atomic_body_belongs_to_its_routine_and_hides_nothing() {
    for (text, expected) in [
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; VACUUM",
            &["CREATE FUNCTION", "VACUUM"][..],
        ),
        (
            "CREATE OR REPLACE PROCEDURE f() BEGIN ATOMIC END; VACUUM",
            &["CREATE PROCEDURE", "VACUUM"],
        ),
        (
            "CREATE FUNCTION f() RETURNS int begin /**/ atomic SELECT CASE WHEN a THEN b END; SELECT 1 end; END; VACUUM",
            &["CREATE FUNCTION", "VACUUM"],
        ),
        // A parameter and a type with these names are no body.
        (
            "CREATE FUNCTION f(begin atomic) RETURNS int AS 'x'; VACUUM",
            &["CREATE FUNCTION", "VACUUM"],
        ),
        (
            "CREATE FUNCTION \"begin\" () RETURNS \"begin\" ATOMIC; VACUUM",
            &["CREATE FUNCTION", "VACUUM"],
        ),
        (
            "CREATE TABLE t (a int) BEGIN ATOMIC; VACUUM",
            &["CREATE TABLE", "VACUUM"],
        ),
        ("SELECT begin atomic FROM t; VACUUM", &["SELECT", "VACUUM"]),
        (
            "SELECT create function begin atomic; VACUUM",
            &["SELECT", "VACUUM"],
        ),
        // The server rejects routines within routines; splitting early shows more, not less.
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; END; END; VACUUM",
            &["CREATE FUNCTION", "COMMIT", "VACUUM"],
        ),
    ] {
        assert_eq!(tags(text), expected, "{text}");
    }
}

#[test]
fn there_is_a_limit_to_statements() {
    let text = "SELECT 1;".repeat(STATEMENTS_MAX);
    assert_eq!(all(&text).len(), STATEMENTS_MAX);
    assert_eq!(
        statements((text + "SELECT 1").as_bytes(), &MODES),
        Err(Unlexable::TooManyStatements)
    );
}
