//! Questions for a read-only server.

use super::*;

fn answered(text: &str) -> Option<String> {
    let [a, b] = BOTH.map(|dialect| {
        let script = analyze(text.as_bytes(), dialect, true);
        let new = script.answered(text.as_bytes(), dialect);
        assert_eq!(
            new.is_some(),
            !script.questions(text.as_bytes(), dialect).is_empty()
        );
        new.map(|new| String::from_utf8(new).unwrap())
    });
    assert_eq!(a, b, "{text}");
    a
}

#[test]
fn a_column_that_asks_is_answered_under_its_own_name() {
    for (text, new) in [
        ("SELECT @@read_only", "SELECT {} AS `@@read_only`"),
        ("SELECT @@GLOBAL.Read_Only;", "SELECT {} AS `@@GLOBAL.Read_Only`;"),
        (
            "SELECT @@global . /* */ read_only",
            "SELECT {} AS `@@global . /* */ read_only`",
        ),
        (
            "SELECT @@global.`read_only`",
            "SELECT {} AS `@@global.``read_only```",
        ),
        (
            "SELECT DISTINCT @@innodb_read_only, 1",
            "SELECT DISTINCT {} AS `@@innodb_read_only`, 1",
        ),
        (
            "SELECT 1, @@read_only LIMIT 1",
            "SELECT 1, {} AS `@@read_only` LIMIT 1",
        ),
        ("SELECT @@read_only AS x, @@read_only y", "SELECT {} AS x, {} y"),
        ("SELECT @@read_only `x`, @@read_only 'y'", "SELECT {} `x`, {} 'y'"),
        ("SELECT @@read_only + 1", "SELECT {} + 1 AS `@@read_only + 1`"),
        // An error, of which a blank behind the operators would make a comment.
        (
            "SELECT @@read_only --; DELETE FROM t",
            "SELECT {} --; DELETE FROM t",
        ),
        ("SELECT 1 + @@read_only", "SELECT 1 + {} AS `1 + @@read_only`"),
        (
            "SELECT NOT @@read_only, 2",
            "SELECT NOT {} AS `NOT @@read_only`, 2",
        ),
        (
            "SELECT IF(@@read_only, 'a', 'b')",
            "SELECT IF({}, 'a', 'b') AS `IF(@@read_only, 'a', 'b')`",
        ),
        ("SELECT IF(@@read_only, 1, 2) x", "SELECT IF({}, 1, 2) x"),
        (
            "SELECT @@read_only = a.b FROM a",
            "SELECT {} = a.b AS `@@read_only = a.b` FROM a",
        ),
        (
            "SELECT (SELECT @@read_only), 2",
            "SELECT (SELECT {} AS `@@read_only`) AS `(SELECT @@read_only)`, 2",
        ),
        (
            "SELECT * FROM (SELECT @@read_only) t WHERE @@read_only",
            "SELECT * FROM (SELECT {} AS `@@read_only`) t WHERE {}",
        ),
        (
            "SELECT @@read_only UNION SELECT 2",
            "SELECT {} AS `@@read_only` UNION SELECT 2",
        ),
        ("SELECT @@read_only INTO @a", "SELECT {} AS `@@read_only` INTO @a"),
        ("SET @a = @@read_only, @b = 1", "SET @a = {}, @b = 1"),
        ("DO @@read_only", "DO {}"),
        (
            "SELECT 1; SELECT @@read_only",
            "SELECT 1; SELECT {} AS `@@read_only`",
        ),
        (
            "SELECT /*!50000 @@read_only */",
            "SELECT /*!50000 {} AS `@@read_only` */",
        ),
    ] {
        let new = new.replace("{}", "@@global.large_files_support");
        assert_eq!(answered(text).as_deref(), Some(new.as_str()), "{text}");
    }
}

#[test]
fn what_is_no_such_question_stays_as_it_is() {
    for text in [
        // Half of a comment would go with it.
        "SELECT 1 /*!@@*/read_only, a",
        "SELECT @@/*!global.*/read_only",
        "SELECT 1",
        "SELECT @@session.read_only",
        "SELECT @@local.read_only",
        "SELECT @@hostname, read_only, @read_only FROM t",
        "SELECT '@@read_only' -- @@read_only",
        "SELECT @@transaction_read_only, @@tx_read_only",
        "SET @@global.read_only = 0",
        "SET @a = 1, @@read_only = 0",
    ] {
        assert_eq!(answered(text), None, "{text}");
    }
}

#[test]
fn a_variable_that_the_server_does_not_have_stays_its_error() {
    let text = b"SELECT @@super_read_only";
    let ask = |dialect| analyze(text, dialect, true).answered(text, dialect);
    assert!(ask(MYSQL).is_some());
    assert_eq!(ask(MARIADB), None);
}

#[test]
fn a_name_that_no_alias_can_hold_is_given_up() {
    let long = format!("SELECT @@read_only + {}1", "1 + ".repeat(100));
    assert!(!answered(&long).unwrap().contains(" AS "));
    let gbk = dialect(Flavor::MySql, Charset::Gbk);
    let text = b"SELECT CONCAT(@@read_only, '\x95\x60')";
    let new = analyze(text, gbk, true).answered(text, gbk).unwrap();
    assert!(!new.windows(4).any(|w| w == b" AS "));
    assert!(is_signal(b"Read_Only") && !is_signal(b"tx_read_only"));
}

#[test]
fn who_shows_variables_is_known() {
    for text in [
        "SHOW VARIABLES",
        "SHOW GLOBAL VARIABLES LIKE 'read%'",
        "show /* */ session variables where variable_name = 'read_only'",
    ] {
        assert!(one(text).shows_variables, "{text}");
    }
    let wrapped = one_in("SET STATEMENT max_statement_time = 9 FOR SHOW VARIABLES", MARIADB);
    assert!(wrapped.shows_variables);
    for text in ["SHOW STATUS", "SHOW TABLES LIKE 'variables'", "SELECT 1"] {
        assert!(!one(text).shows_variables, "{text}");
    }
}

#[test]
fn who_shows_what_the_session_reports_is_known() {
    for text in [
        "SELECT @@session_track_gtids",
        "SELECT 1, @@SESSION.`Session_Track_Schema`",
        "SET @mine = @@local.session_track_transaction_info",
        "SHOW VARIABLES LIKE 'session%'",
        "SELECT * FROM performance_schema.session_variables",
    ] {
        assert!(one(text).shows_trackers, "{text}");
    }
    for text in ["SELECT 'session_track_gtids'", "SHOW STATUS", "SELECT @@sql_mode"] {
        assert!(!one(text).shows_trackers, "{text}");
    }
}
