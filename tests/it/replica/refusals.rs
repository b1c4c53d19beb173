//! What a standby refuses because it is one.

use super::on_every_version;
use crate::support::{Replies, Wire, frames};

/// What a client must be able to write for, on any server: not to be had on a standby.
const REFUSED: [&str; 32] = [
    "INSERT INTO t VALUES (1)",
    "UPDATE t SET n = 1",
    "DELETE FROM t",
    "TRUNCATE t",
    "CREATE TABLE u ()",
    "CREATE TEMP TABLE mine ()",
    "SELECT 1 AS n INTO TEMP mine",
    "CREATE TEMP VIEW v AS SELECT 1",
    "DROP TABLE t",
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR KEY SHARE",
    "LISTEN news",
    "NOTIFY news",
    "SELECT pg_notify('news', '')",
    "SELECT lo_create(0)",
    "SELECT lo_unlink(16384)",
    "SELECT lo_from_bytea(0, 'x')",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
    "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
    "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET transaction_read_only = off",
    "LOCK TABLE t IN EXCLUSIVE MODE",
    "VACUUM t",
    "ANALYZE t",
    "REINDEX TABLE t",
    "COPY t FROM STDIN",
    "GRANT SELECT ON t TO PUBLIC",
    "COMMENT ON TABLE t IS 'mine'",
    "REFRESH MATERIALIZED VIEW m",
    "EXPLAIN ANALYZE DELETE FROM t",
];

fn assert_refused(sql: &str, replies: &Replies, whole: &(String, String)) {
    let error = replies.error().unwrap_or_else(|| panic!("{sql}: {replies:?}"));
    assert_eq!(error.field(b'C'), Some("25006"), "{sql}: {replies:?}");
    let detail = error.field(b'D').unwrap_or_default();
    assert!(detail.starts_with(&whole.0), "{sql}: {replies:?}");
    assert_eq!(error.field(b'H'), Some(whole.1.as_str()), "{sql}: {replies:?}");
}

#[test]
fn what_a_standby_refuses_because_it_is_one_is_refused_as_in_any_lull() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run("CREATE SEQUENCE s; CREATE MATERIALIZED VIEW m AS SELECT 1");
        ground.moved(&["--reason", "upgrade"]);
        ground.assert_on_replica(&mut client);
        let insert = client.query("INSERT INTO t VALUES (1)");
        let field = |code| {
            insert
                .error()
                .and_then(|error| error.field(code))
                .expect("a text")
                .to_owned()
        };
        let whole = (field(b'D'), field(b'H'));
        assert!(whole.0.contains("upgrade"), "{whole:?}");
        for sql in REFUSED {
            assert_refused(sql, &client.query(sql), &whole);
            client.query("ROLLBACK");
            if !sql.contains(';') {
                assert_refused(sql, &client.extended(sql, &[]), &whole);
                client.query("ROLLBACK");
            }
        }
        client.run("SET default_transaction_isolation = serializable");
        assert_refused("a default", &client.query("SELECT 1"), &whole);
        client.run("SET default_transaction_isolation = 'read committed'");
        ground.assert_on_replica(&mut client);
    });
}

#[test]
fn who_begins_read_write_to_read_reads() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (7)");
        ground.moved(&[]);
        let reads = |client: &mut Wire, sql: &str| {
            assert_eq!(client.value("SELECT n FROM t").as_deref(), Some("7"), "{sql}");
            let refused = client.query("INSERT INTO t VALUES (8)");
            assert_eq!(refused.error_code(), Some("25006"), "{sql}: {refused:?}");
            client.run("ROLLBACK");
        };
        for sql in [
            "BEGIN READ WRITE",
            "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE",
            "BEGIN; SET TRANSACTION READ WRITE",
        ] {
            client.run(sql);
            reads(&mut client, sql);
        }
        client.extended("BEGIN READ WRITE", &[]).expect_success("BEGIN");
        reads(&mut client, "in the extended protocol");
        let inside = client.query("BEGIN READ WRITE; SELECT n FROM t; COMMIT");
        assert_eq!(inside.value().as_deref(), Some("7"), "{inside:?}");
        client.run("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE");
        client.run("BEGIN");
        reads(&mut client, "by default");
        // Parsed now, bound when the lull is over: it is what it was.
        let parse = [frames::parse("", "BEGIN READ WRITE"), frames::sync()].concat();
        client.send(&parse).until_ready().expect_success("Parse");
        ground.lull.lifted("all");
        let begin = [frames::bind("", "", &[]), frames::execute("", 0), frames::sync()].concat();
        client.send(&begin).until_ready().expect_success("BEGIN");
        client.run("INSERT INTO t VALUES (9); COMMIT");
    });
}
