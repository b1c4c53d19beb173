//! Bodies: what must be found, and what must not.

use super::*;

fn kinds(language: Language, body: &str) -> Vec<FindingKind> {
    let mut words = RefusedWords::new();
    words.refuse(b"evil");
    inspect(body.as_bytes(), language, &MODES, &words)
        .into_iter()
        .map(|f| f.kind)
        .collect()
}

#[test]
fn harmless_bodies_have_no_findings() {
    for body in [
        "BEGIN RETURN 1; END",
        "DECLARE lock boolean := false; analyze int; BEGIN lock := true; analyze = 3; RETURN lock; END",
        "BEGIN UPDATE t SET a = 1 WHERE b = NEW.b; RETURN NEW; END",
        "BEGIN RAISE NOTICE 'VACUUM %; EXECUTE', a; PERFORM f(1); END",
        "BEGIN GRANT EXECUTE ON FUNCTION f() TO u; END",
        "BEGIN REVOKE GRANT OPTION FOR EXECUTE ON FUNCTION f() FROM u; END",
        "BEGIN CREATE TRIGGER t BEFORE INSERT ON u FOR EACH ROW EXECUTE FUNCTION f(); END",
        "BEGIN SELECT execute, analyze, lock INTO a FROM t; END",
        "BEGIN x := CASE WHEN a THEN lock ELSE copy END; END",
        "BEGIN FOR r IN SELECT * FROM t LOOP RETURN NEXT r; END LOOP; END",
        "BEGIN RETURN QUERY SELECT 1; COMMIT; ROLLBACK; END",
        "BEGIN SET LOCAL search_path TO a; PERFORM set_config('a.b', 'c', true); END",
        "BEGIN SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET TRANSACTION READ ONLY; END",
        "BEGIN IF current_setting('transaction_read_only') = 'on' THEN RETURN; END IF; END",
        "BEGIN EXECUTE 'SELECT 1'; EXECUTE 'SELECT a FROM t WHERE b = $1' INTO x USING y; END",
        "BEGIN EXPLAIN ANALYZE SELECT 1; COPY t FROM STDIN; END",
        "BEGIN CALL p(1); TRUNCATE t; ALTER TABLE t ADD a int; END",
        "<<outer>> DECLARE a int; BEGIN NULL; END",
        "#variable_conflict use_column\nDECLARE lock int; BEGIN NULL; END",
        "-- EXECUTE x;\n/* VACUUM; */ BEGIN NULL; END",
        "BEGIN a := b >> 2; a := regexp_replace(x, '\\d+', ''); END",
    ] {
        assert_eq!(kinds(Language::PlPgSql, body), [], "{body}");
    }
    for body in [
        "SELECT 1",
        "SELECT a FROM t WHERE lock = $1; UPDATE t SET a = 1",
        "INSERT INTO t VALUES ($1) RETURNING a;",
        "BEGIN ATOMIC\n SELECT 1;\n INSERT INTO t VALUES (1);\nEND",
        "RETURN $1 + 1",
        "SELECT 'evil'",
    ] {
        assert_eq!(kinds(Language::Sql, body), [], "{body}");
    }
}

#[test]
fn what_gets_past_the_guard_is_found() {
    use FindingKind::*;
    for (body, kind) in [
        ("BEGIN EXECUTE sql; END", DynamicSql),
        ("BEGIN IF a THEN EXECUTE sql; END IF; END", DynamicSql),
        ("BEGIN EXECUTE 'SELECT ' || x; END", DynamicSql),
        ("BEGIN EXECUTE format('SELECT %I', x); END", DynamicSql),
        (
            "BEGIN EXECUTE 'EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1'; END",
            DynamicSql,
        ),
        ("BEGIN EXECUTE $q$RESET ALL$q$; END", DynamicSql),
        ("BEGIN EXECUTE 'SELECT evil()'; END", DynamicSql),
        ("BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END", DynamicSql),
        ("BEGIN RETURN QUERY EXECUTE q; END", DynamicSql),
        ("BEGIN OPEN c FOR EXECUTE q; END", DynamicSql),
        ("BEGIN OPEN c NO SCROLL FOR EXECUTE q; END", DynamicSql),
        ("BEGIN LOOP EXECUTE q; END LOOP; END", DynamicSql),
        ("BEGIN <<l>> EXECUTE q; END", DynamicSql),
        ("BEGIN DO 'BEGIN NULL; END'; END", DynamicSql),
        ("BEGIN PERFORM query_to_xml(q, true, true, ''); END", DynamicSql),
        ("BEGIN SET default_transaction_read_only = off; END", Setting),
        ("BEGIN PERFORM f('Transaction_Read_Only'); END", Setting),
        (
            "BEGIN RAISE NOTICE 'x default_transaction_read_only'; END",
            Setting,
        ),
        ("BEGIN PERFORM set_config(a, b, true); END", Setting),
        ("BEGIN RESET ALL; END", Setting),
        ("BEGIN DISCARD ALL; END", Setting),
        ("BEGIN SET standard_conforming_strings TO off; END", Setting),
        ("BEGIN SET NAMES 'sjis'; END", Setting),
        ("BEGIN COMMIT; SET TRANSACTION READ WRITE; END", TransactionMode),
        ("BEGIN EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1; END", Leak),
        (
            "BEGIN FOR r IN EXPLAIN ANALYZE SELECT 1 INTO t LOOP NULL; END LOOP; EXPLAIN (ANALYZE) EXECUTE p; END",
            Leak,
        ),
        ("BEGIN ANALYZE; END", Leak),
        ("BEGIN ANALYZE t; END", Leak),
        ("BEGIN LOCK TABLE t; END", Leak),
        ("BEGIN IF a THEN REINDEX TABLE t; END IF; END", Leak),
        ("BEGIN NOTIFY a; END", Leak),
        ("BEGIN COPY t TO '/file'; END", Leak),
        ("BEGIN PERFORM lo_unlink(1); END", Leak),
        ("DECLARE a int := lo_create(0); BEGIN NULL; END", Leak),
        ("BEGIN PERFORM evil(); END", RefusedWord("evil".into())),
        ("BEGIN x := 'a; END", Unreadable),
    ] {
        assert!(
            kinds(Language::PlPgSql, body).contains(&kind),
            "{body}: {:?}",
            kinds(Language::PlPgSql, body)
        );
    }
    for (body, kind) in [
        ("VACUUM", Leak),
        ("SELECT lo_put(1, 2, 3)", Leak),
        ("EXPLAIN ANALYZE EXECUTE p", Leak),
        ("EXECUTE p", DynamicSql),
        ("SELECT set_config('transaction_read_only', NULL, true)", Setting),
        ("RESET transaction_read_only", Setting),
        ("SELECT evil()", RefusedWord("evil".into())),
        ("SELECT '", Unreadable),
        ("FROBNICATE", Unreadable),
    ] {
        assert!(kinds(Language::Sql, body).contains(&kind), "{body}");
    }
    assert_eq!(kinds(Language::Other, "return 1"), [Unreadable]);
}

#[test]
fn every_loop_over_explain_analyze_is_seen() {
    let body = "BEGIN FOR r IN EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1 LOOP NULL; END LOOP; END";
    assert!(kinds(Language::PlPgSql, body).contains(&FindingKind::Leak));
    let body = "BEGIN RETURN QUERY EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1; END";
    assert!(kinds(Language::PlPgSql, body).contains(&FindingKind::Leak));
    let body = "BEGIN OPEN c FOR EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1; END";
    assert!(kinds(Language::PlPgSql, body).contains(&FindingKind::Leak));
}

#[test]
fn a_body_is_read_both_ways_while_the_setting_is_unknown() {
    let body = b"BEGIN x := 'a\\'; EXECUTE q; y := 'b'; END";
    let none = RefusedWords::new();
    let unknown = modes(Conforming::Unknown, Encoding::Safe);
    let found = inspect(body, Language::PlPgSql, &unknown, &none);
    assert!(
        found.iter().any(|f| f.kind == FindingKind::DynamicSql),
        "{found:?}"
    );
    assert!(
        found.iter().any(|f| f.kind == FindingKind::Unreadable),
        "{found:?}"
    );
    assert_eq!(
        inspect(b"BEGIN x := '\\d+'; END", Language::PlPgSql, &unknown, &none),
        []
    );
}

fn block(text: &str) -> DoBlock {
    match class(text) {
        Class::Opaque(Opaque::Do(block)) => *block,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_do_block_is_inspected_in_its_language() {
    for text in [
        "DO $$BEGIN NULL; END$$",
        "DO LANGUAGE plpgsql 'BEGIN NULL; END'",
        "DO E'BEGIN NULL;\\x20END' LANGUAGE 'plpgsql'",
        "DO 'BEGIN '\n'NULL; END' LANGUAGE \"plpgsql\"",
    ] {
        let block = block(text);
        assert_eq!(block.body.as_deref(), Some(&b"BEGIN NULL; END"[..]), "{text}");
        assert!(block.findings.is_empty(), "{text}: {:?}", block.findings);
    }
    for text in [
        "DO $$BEGIN EXECUTE q; END$$",
        "DO E'BEGIN PERFORM lo\\x5funlink(1); END'",
        "DO LANGUAGE plpython3u 'x'",
        "DO 'x' LANGUAGE PLperl",
        "DO $$BEGIN DO 'BEGIN NULL; END'; END$$",
        "DO",
    ] {
        assert!(!block(text).findings.is_empty(), "{text}");
    }
}

#[test]
fn a_constant_text_that_reads_is_no_finding_where_no_name_is_refused() {
    let found = |body: &str| inspect(body.as_bytes(), Language::Sql, &MODES, &RefusedWords::new());
    for body in [
        "SELECT * FROM crosstab('SELECT a, b, c FROM t') AS x (a int, b int)",
        "SELECT * FROM crosstab('SELECT a, b, c FROM t'::text, 'VALUES (1)'::text) x (a int, b int);",
        "BEGIN ATOMIC\n SELECT word FROM ts_stat('SELECT body FROM docs'::text) s (word, ndoc, nentry);\nEND",
        "SELECT query_to_xml('SELECT 1', true, false, '')",
    ] {
        assert_eq!(found(body), [], "{body}");
    }
    for body in [
        "SELECT * FROM crosstab($1) AS x (a int)",
        "SELECT * FROM crosstab('SELECT lo_create(1)') AS x (a int)",
        "SELECT * FROM crosstab('SELECT query_to_xml(''SELECT 1'', true, true, '''')') AS x (a int)",
        "SELECT * FROM crosstab('SELECT 1' || a) AS x (a int)",
        "SELECT * FROM crosstab('SELECT 1'::text || a) AS x (a int)",
        "SELECT * FROM crosstab('SELECT 1'::mine) AS x (a int)",
        "DO 'BEGIN NULL; END'",
    ] {
        assert_ne!(found(body), [], "{body}");
    }
}
