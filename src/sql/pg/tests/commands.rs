//! Classes by command, and the leaks.

use super::*;

#[test]
fn what_the_server_refuses_by_itself_is_guarded() {
    for (text, tag) in [
        ("SELECT 1", "SELECT"),
        ("(((SELECT 1)))", "SELECT"),
        ("select into t from u", "SELECT"),
        ("VALUES (1)", "SELECT"),
        ("TABLE t", "SELECT"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "SELECT"),
        (
            "WITH a AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM a",
            "SELECT",
        ),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "INSERT"),
        (
            "WITH insert AS (SELECT 1), delete (a) AS (SELECT 2) UPDATE t SET a = 1",
            "UPDATE",
        ),
        (
            "WITH a AS (SELECT 1) MERGE INTO t USING a ON true WHEN MATCHED THEN DELETE",
            "MERGE",
        ),
        ("INSERT INTO t VALUES (1)", "INSERT"),
        ("CREATE TABLE t (a int)", "CREATE TABLE"),
        ("CREATE TEMP TABLE t AS EXECUTE p", "CREATE TABLE"),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE VIEW"),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX"),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT 1",
            "CREATE MATERIALIZED VIEW",
        ),
        ("CREATE USER u", "CREATE ROLE"),
        ("CREATE USER MAPPING FOR u SERVER s", "CREATE USER MAPPING"),
        (
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO u",
            "ALTER DEFAULT PRIVILEGES",
        ),
        (
            "ALTER DATABASE d SET default_transaction_read_only = off",
            "ALTER DATABASE",
        ),
        ("DROP OPERATOR CLASS c USING btree", "DROP OPERATOR CLASS"),
        ("CREATE SOMETHING new", "this statement"),
        ("TRUNCATE t", "TRUNCATE TABLE"),
        ("REFRESH MATERIALIZED VIEW v", "REFRESH MATERIALIZED VIEW"),
        ("SET CONSTRAINTS ALL IMMEDIATE", "SET"),
        ("COPY t FROM STDIN", "COPY FROM"),
        ("COPY t (a, b) TO STDOUT WITH (FORMAT csv)", "COPY TO"),
        ("COPY public.\"from\" FROM stdin", "COPY FROM"),
        ("COPY (SELECT 1 FROM t) TO STDOUT", "COPY TO"),
        ("COPY t FROM '/file'", "COPY FROM"),
        ("COPY BINARY t TO STDIN", "COPY TO"),
        ("LOCK TABLE t IN ACCESS SHARE MODE", "LOCK TABLE"),
        ("LOCK a, b IN ROW SHARE MODE NOWAIT", "LOCK TABLE"),
        ("EXPLAIN CREATE TABLE t AS SELECT 1", "EXPLAIN"),
    ] {
        let found = one(text);
        assert_eq!((found.class, &*found.tag), (Class::Guarded, tag), "{text}");
    }
}

#[test]
fn what_cannot_write_is_inert() {
    for text in [
        "SHOW ALL",
        "LISTEN a",
        "UNLISTEN *",
        "CLOSE ALL",
        "CLOSE c",
        "DISCARD PLANS",
        "DISCARD TEMP",
        "DISCARD SEQUENCES",
        "SET search_path TO a, b",
        "SET TIME ZONE 'UTC'",
        "RESET search_path",
        "SET ROLE r",
        "RESET SESSION AUTHORIZATION",
        "SET SESSION AUTHORIZATION DEFAULT",
        "SET LOCAL statement_timeout = 5",
    ] {
        assert_eq!(class(text), Class::Inert, "{text}");
    }
}

#[test]
fn commands_that_a_read_only_transaction_lets_act_are_leaks() {
    for text in [
        "VACUUM",
        "VACUUM (FULL) t",
        "ANALYZE",
        "analyse t",
        "REINDEX TABLE t",
        "CLUSTER",
        "REPACK t",
        "CHECKPOINT",
        "ALTER SYSTEM SET a = 1",
        "ALTER SYSTEM RESET ALL",
        "NOTIFY a, 'b'",
        "LOAD 'x'",
        "LOCK t",
        "LOCK TABLE t IN SHARE MODE",
        "LOCK t IN ROW EXCLUSIVE MODE",
        "LOCK t IN ACCESS EXCLUSIVE MODE",
        "LOCK t IN SHARE ROW EXCLUSIVE MODE",
        "LOCK t IN SHARE UPDATE EXCLUSIVE MODE",
        "PREPARE TRANSACTION 'x'",
        "COMMIT PREPARED 'x'",
        "ROLLBACK PREPARED 'x'",
        "COPY t TO '/file'",
        "COPY t TO PROGRAM 'x'",
        "COPY t FROM PROGRAM 'x'",
        "COPY (SELECT 1) TO PROGRAM 'x'",
        "COPY (SELECT 'TO STDOUT') TO '/file'",
        "COPY t TO E'/file'",
        "COPY t TO $$f$$",
    ] {
        assert!(leaks(text), "{text}");
    }
}

#[test]
fn explain_analyze_passes_only_what_the_server_checks_when_it_runs() {
    for text in [
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN ANALYZE VERBOSE VALUES (1)",
        "EXPLAIN (ANALYZE, BUFFERS) TABLE t",
        "EXPLAIN (COSTS off, ANALYZE true) (SELECT 1)",
        "EXPLAIN ANALYZE INSERT INTO t SELECT 1",
        "EXPLAIN ANALYZE WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
        "EXPLAIN ANALYZE WITH a AS (INSERT INTO t VALUES (1) RETURNING 1) SELECT * FROM a",
        "EXPLAIN ANALYZE MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN ANALYZE SELECT \"into\" FROM t",
        "EXPLAIN (SELECT 1)",
        "EXPLAIN (VALUES (1))",
        "EXPLAIN (ANALYZE false) CREATE TABLE t AS SELECT 1",
        "EXPLAIN (ANALYZE off) EXECUTE p",
        "EXPLAIN (ANALYZE 0, VERBOSE) EXECUTE p",
        "EXPLAIN (ANALYZE 'OFF') EXECUTE p",
        "EXPLAIN VERBOSE EXECUTE p",
        "EXPLAIN (VERBOSE) SELECT INTO t",
    ] {
        assert_eq!(class(text), Class::Guarded, "{text}");
    }
    for text in [
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "EXPLAIN ANALYSE VERBOSE CREATE TABLE t AS SELECT 1",
        "EXPLAIN (ANALYZE) CREATE TABLE t AS SELECT 1 WITH NO DATA",
        "EXPLAIN (\"analyze\" 1) CREATE TABLE t AS SELECT 1",
        "EXPLAIN (U&\"analyz\\0065\") CREATE TABLE t AS SELECT 1",
        "EXPLAIN (analyse) CREATE TABLE t AS SELECT 1",
        "EXPLAIN (VERBOSE, FORMAT json, ANALYZE on) CREATE MATERIALIZED VIEW t AS SELECT 1",
        "EXPLAIN (ANALYZE off, ANALYZE) CREATE TABLE t AS SELECT 1",
        "EXPLAIN (ANALYZE 1) EXECUTE p",
        "EXPLAIN ANALYZE EXECUTE p",
        "EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1",
        "EXPLAIN ANALYZE SELECT 1 INTO t",
        "EXPLAIN ANALYZE SELECT INTO t",
        "EXPLAIN ANALYZE (SELECT 1 INTO t)",
        "EXPLAIN ANALYZE SELECT insert INTO t FROM u",
        "EXPLAIN ANALYZE SELECT f() insert INTO t FROM u",
        "EXPLAIN ANALYZE SELECT a, insert INTO t FROM u",
        "EXPLAIN ANALYZE WITH insert AS (SELECT 1) SELECT f() insert INTO t FROM u",
        "EXPLAIN ANALYZE WITH a AS (SELECT 1) SELECT merge INTO t FROM u",
        "EXPLAIN ANALYZE WITH a AS (SELECT 1) (SELECT merge INTO t FROM u)",
    ] {
        assert!(leaks(text), "{text}");
    }
}

#[test]
fn refused_functions_are_seen_in_any_spelling_but_only_when_called() {
    for text in [
        "SELECT lo_unlink(1)",
        "SELECT pg_catalog.lo_put (1, 0, '')",
        "SELECT Lo_Create/* */\n(0)",
        "SELECT \"lo_create\"(0)",
        "SELECT U&\"lo\\005fcreate\"(0)",
        "SELECT U&\"lo!005fcreate\" UESCAPE '!' (0)",
        "SELECT * FROM dblink('x', 'y') AS t(a int)",
        "SELECT dblink_exec('')",
        "COPY (SELECT lo_create(0)) TO STDOUT",
        "EXPLAIN SELECT pg_notify('a', 'b')",
        "SELECT pg_stat_reset()",
        "EXECUTE p(lo_creat(1))",
        "DECLARE c CURSOR FOR SELECT lo_create(0)",
        "SELECT pg_create_logical_replication_slot('a', 'b')",
        "INSERT INTO t SELECT pg_terminate_backend(1)",
    ] {
        assert!(leaks(text), "{text}");
    }
    for text in [
        "SELECT lo_put, lo_create FROM t",
        "SELECT \"LO_CREATE\"(0)",
        "SELECT 'lo_create(0)'",
        "SELECT lo_creates(0), xlo_create(1), lo_get(1)",
        "SELECT lo_create.a (0)",
        "SELECT txid_current(), pg_advisory_lock(1), pg_cancel_backend(1)",
    ] {
        assert_eq!(class(text), Class::Guarded, "{text}");
    }
    assert_eq!(one("SELECT Lo_Unlink(1)").tag, "lo_unlink()");
}

#[test]
fn functions_that_run_text_pass_if_the_text_is_there_and_reads() {
    for text in [
        "SELECT query_to_xml('SELECT 1', true, false, '')",
        "SELECT query_to_xml($$SELECT count(*) FROM t$$, true, false, '')",
        "SELECT * FROM ts_stat('SELECT v FROM t')",
        "SELECT * FROM crosstab('SELECT a, b, c FROM t') AS x(a text)",
        "SELECT * FROM crosstab3('SELECT a, b, c FROM t', 2)",
        "SELECT * FROM crosstab('SELECT 1', 'VALUES (1)') AS x(a text)",
        "SELECT ts_rewrite('a'::tsquery, 'b'::tsquery, 'c'::tsquery)",
        "SELECT ts_rewrite(to_tsquery('a', 'b'), 'SELECT t, s FROM a')",
        "SELECT query_to_xml, crosstab FROM t",
    ] {
        assert_eq!(class(text), Class::Guarded, "{text}");
    }
    for text in [
        "SELECT query_to_xml(q, true, false, '')",
        "SELECT query_to_xml('SELECT ' || 'lo_create(0)', true, false, '')",
        "SELECT query_to_xml('SELECT lo_create(0)', true, false, '')",
        "SELECT query_to_xml('SELECT set_config(a, b, c)', true, false, '')",
        "SELECT query_to_xml('SELECT query_to_xml(''SELECT 1'', true, false, '''')', true, false, '')",
        "SELECT query_to_xml('SELECT 1; SELECT 2', true, false, '')",
        "SELECT query_to_xml('VACUUM', true, false, '')",
        "SELECT query_to_xml(query => 'SELECT 1')",
        "SELECT * FROM crosstab('SELECT 1', 'SELECT lo_create(1)')",
        "SELECT * FROM crosstab('SELECT 1', q)",
        "SELECT ts_rewrite(a, q)",
        "SELECT ts_rewrite(a, 'SELECT lo_create(0)')",
        "SELECT xpath_table('a', 'b', 'c', 'd', 'e')",
    ] {
        assert!(leaks(text), "{text}");
    }
}

#[test]
fn what_the_text_does_not_tell_is_opaque() {
    assert_eq!(class("CALL p(1)"), Class::Opaque(Opaque::Call));
    assert_eq!(
        class("FROBNICATE x"),
        Class::Opaque(Opaque::Unknown("frobnicate".into()))
    );
    assert_eq!(class("( VACUUM )"), Class::Opaque(Opaque::Unknown(String::new())));
    assert_eq!(
        class("\"select\" 1"),
        Class::Opaque(Opaque::Unknown(String::new()))
    );
    assert_eq!(class("1"), Class::Opaque(Opaque::Unknown(String::new())));
}

#[test]
fn calls_are_told_from_keywords_before_parentheses() {
    for text in [
        "SELECT 1",
        "SELECT * FROM t WHERE a IN (1, 2) AND (b OR c)",
        "SELECT (1)",
        "VALUES (1)",
    ] {
        assert!(!one(text).calls, "{text}");
    }
    for text in [
        "SELECT f(1)",
        "SELECT \"in\"(1)",
        "SELECT a.f (1)",
        "SELECT a.values(1)",
        "SELECT 1 OPERATOR(pg_catalog.+) 1",
    ] {
        assert!(one(text).calls, "{text}");
    }
}
