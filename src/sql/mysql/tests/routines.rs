//! Bodies of stored programs.

use super::*;

fn body(text: &str) -> Body {
    let [a, b] = BOTH.map(|dialect| inspect(text.as_bytes(), dialect, &RefusedWords::new()));
    assert_eq!(a, b, "{text}");
    a
}

fn kinds(text: &str) -> Vec<FindingKind> {
    body(text).findings.into_iter().map(|f| f.kind).collect()
}

#[test]
fn a_body_that_works_on_tables_has_no_findings() {
    for text in [
        "SELECT 1",
        "BEGIN DECLARE a INT DEFAULT 0; SELECT COUNT(*) INTO a FROM t; SET a = a + 1; SELECT a; END",
        "BEGIN IF a > 1 THEN INSERT INTO t VALUES (1); ELSE DELETE FROM t; END IF; END",
        "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SELECT 'x'; END; UPDATE t SET a = 1; END",
        "lbl: LOOP SET x = x + 1; IF x > 5 THEN LEAVE lbl; END IF; END LOOP lbl",
        "RETURN CASE WHEN a THEN replace(b, 'x', 'y') WHEN c THEN start ELSE commit END",
        "BEGIN DECLARE c CURSOR FOR SELECT a FROM t; OPEN c; FETCH c INTO x; CLOSE c; END",
        "BEGIN SET NEW.a = 1, @b = 2; END",
        "BEGIN SAVEPOINT a; ROLLBACK TO a; END",
        "BEGIN PREPARE p FROM 'SELECT 1'; DEALLOCATE PREPARE p; END",
        "BEGIN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'commit'; END",
    ] {
        assert_eq!(kinds(text), [], "{text}: {:?}", body(text).findings);
    }
}

#[test]
fn what_gets_past_the_guard_is_found_wherever_a_statement_starts() {
    use FindingKind::*;
    for (text, kind) in [
        ("COMMIT", TransactionControl),
        ("BEGIN SELECT 1; COMMIT; END", TransactionControl),
        ("BEGIN START TRANSACTION; END", TransactionControl),
        ("BEGIN START TRANSACTION READ WRITE; END", TransactionControl),
        ("BEGIN IF a THEN ROLLBACK; END IF; END", TransactionControl),
        (
            "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION ROLLBACK; END",
            TransactionControl,
        ),
        (
            "BEGIN DECLARE CONTINUE HANDLER FOR SQLSTATE '1', 1062 COMMIT; END",
            TransactionControl,
        ),
        ("BEGIN SET autocommit = 1; END", TransactionControl),
        ("BEGIN XA START 'x'; END", TransactionControl),
        ("BEGIN SET SESSION TRANSACTION READ WRITE; END", Setting),
        ("BEGIN SET TRANSACTION READ WRITE; END", Setting),
        ("BEGIN SET @a = 1, `tx_read_only` = 0; END", Setting),
        ("WHILE 1 DO SET transaction_read_only = 0; END WHILE", Setting),
        ("REPEAT SET sql_mode = ''; UNTIL 1 END REPEAT", Setting),
        ("x: BEGIN SET NAMES gbk; END", Setting),
        ("BEGIN SET session_track_schema = 0; END", Setting),
        ("BEGIN EXECUTE p; END", DynamicSql),
        ("BEGIN PREPARE p FROM @a; END", DynamicSql),
        ("BEGIN PREPARE p FROM 'COMMIT'; END", DynamicSql),
        ("BEGIN PREPARE p FROM 'SET tx_read_only = 0'; END", DynamicSql),
        ("BEGIN EXECUTE IMMEDIATE CONCAT('a', 'b'); END", DynamicSql),
        ("BEGIN SELECT 1 INTO OUTFILE 'x'; END", Leak),
        ("BEGIN FLUSH TABLES; END", Leak),
        ("BEGIN KILL 5; END", Leak),
        ("BEGIN ANALYZE TABLE t; END", Leak),
        ("RETURN sys_exec('x')", Leak),
        ("BEGIN SELECT '", Unreadable),
        ("BEGIN SET 5 = 1; END", Unreadable),
    ] {
        assert!(kinds(text).contains(&kind), "{text}: {:?}", kinds(text));
    }
    assert!(kinds("BEGIN /*!50000 COMMIT */; END").contains(&TransactionControl));
}

#[test]
fn a_body_tells_what_it_calls_and_which_names_it_has() {
    let found = body(
        "BEGIN CALL p(1); CALL `d`.q; SELECT f(1), e.g(2), COUNT(*) FROM shop.orders o WHERE o.a = NEW.b; END",
    );
    let name = |database: &str, name: &str| QualifiedName {
        database: database.into(),
        name: name.into(),
    };
    let calls = [name("", "p"), name("d", "q"), name("", "f"), name("e", "g")];
    for call in &calls {
        assert!(found.calls.contains(call), "{call:?}: {:?}", found.calls);
    }
    assert!(!found.calls.iter().any(|c| c.name == b"COUNT"));
    for qualified in [name("shop", "orders"), name("o", "a"), name("NEW", "b")] {
        assert!(found.names.contains(&qualified), "{qualified:?}");
    }
    let found = body("BEGIN PREPARE p FROM 'SELECT h() FROM shop.orders'; END");
    assert!(found.calls.contains(&name("", "h")) && found.names.contains(&name("shop", "orders")));
}

#[test]
fn a_body_that_writes_says_so() {
    for text in [
        "BEGIN INSERT INTO t VALUES (1); END",
        "UPDATE t SET a = 1",
        "BEGIN DECLARE c CURSOR FOR SELECT a FROM t FOR UPDATE; END",
        "BEGIN PREPARE p FROM 'DELETE FROM t'; END",
        "RETURN NEXTVAL(s)",
        "BEGIN TRUNCATE t; END",
    ] {
        assert!(body(text).writes, "{text}");
    }
    assert!(!body("BEGIN SELECT REPLACE(a, 'b', 'c') FROM t; END").writes);
}

#[test]
fn refused_words_are_found_in_bodies() {
    let mut words = RefusedWords::new();
    words.refuse(b"evil");
    let found = inspect(b"BEGIN CALL Evil(); END", MARIADB, &words).findings;
    assert_eq!(
        found,
        [Finding {
            kind: FindingKind::RefusedWord,
            detail: "evil".into()
        }]
    );
}
