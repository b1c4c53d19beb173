//! Sessions with a transaction open when a lull opens: who stands where they are, who may finish, and what the drain
//! policies do to those who do not.

use super::{Ground, assert_refused, assert_told_of_drain, fates, on_both};
use crate::support::eventually;
use crate::support::mysql::Wire;
use crate::support::mysql::packets::{self, status};

const WRITE: &str = "INSERT INTO t VALUES (2)";
const SHORT: &str = "300ms";

/// Transactions that have written nothing: they stand where they are, whatever the policy.
const HARMLESS: &[&str] = &[
    // First, for the locks of others would keep it waiting.
    "BEGIN; INSERT INTO t VALUES (7); ROLLBACK AND CHAIN",
    "BEGIN",
    "START TRANSACTION READ WRITE",
    "START TRANSACTION READ ONLY",
    "START TRANSACTION READ ONLY; SELECT count(*) FROM t",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    "BEGIN; SELECT count(*) FROM t",
    "BEGIN; SELECT count(*) FROM t LOCK IN SHARE MODE",
    "BEGIN; SAVEPOINT a; SELECT count(*) FROM t; SAVEPOINT b",
    "SET autocommit = 0",
    "SET autocommit = 0; SELECT count(*) FROM t",
    "SET autocommit = 0; SET @x = 1; SELECT count(*) FROM t; SELECT @x",
    "BEGIN; COMMIT AND CHAIN",
    "SET completion_type = 1; BEGIN; COMMIT",
];

/// Transactions that have written, or may have.
const WRITERS: &[&str] = &[
    "BEGIN; INSERT INTO t VALUES (1)",
    "BEGIN; SAVEPOINT a; INSERT INTO t VALUES (1)",
    "BEGIN; INSERT INTO t VALUES (1); SAVEPOINT a; SELECT count(*) FROM t",
    "START TRANSACTION READ WRITE; UPDATE t SET n = n + 1",
    "BEGIN; SELECT count(*) FROM t; DELETE FROM t",
    "SET autocommit = 0; INSERT INTO t VALUES (1)",
    "SET autocommit = 0; SELECT count(*) FROM t; INSERT INTO t VALUES (1)",
    "BEGIN; COMMIT AND CHAIN; INSERT INTO t VALUES (1)",
    "BEGIN; SELECT writes()",
    "BEGIN; CALL write_one()",
    "BEGIN; INSERT INTO t SELECT n + 1 FROM t",
    "SET completion_type = 1; BEGIN; COMMIT; INSERT INTO t VALUES (1)",
];

fn in_each(ground: &Ground, beginnings: &[&str]) -> Vec<Wire> {
    let begin = |beginning: &&str| {
        let mut client = ground.client();
        for statement in beginning.split("; ") {
            client.run(statement);
        }
        client
    };
    beginnings.iter().map(begin).collect()
}

/// One row, and routines that write another.
fn with_more(ground: &Ground) {
    let mut root = ground.db.superuser();
    root.run("INSERT INTO t VALUES (0)");
    root.run("SET SESSION sql_mode = ''");
    root.run("CREATE PROCEDURE write_one() MODIFIES SQL DATA INSERT INTO t VALUES (1)");
    root.run(
        "CREATE FUNCTION writes() RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
         BEGIN INSERT INTO t VALUES (1); RETURN 1; END",
    );
}

fn in_transaction(status: u16) -> bool {
    status & status::IN_TRANS != 0
}

#[test]
fn a_transaction_that_has_only_read_stands_where_it_is_and_goes_on_reading() {
    on_both(|ground| {
        with_more(ground);
        for policy in ["report", "terminate", "abort"] {
            let mut clients = in_each(ground, HARMLESS);
            let opened = ground
                .lull
                .fenced("all", &["--stragglers", policy, "--drain", "5s"]);
            assert_eq!(fates(&opened), Vec::<&str>::new(), "{policy}: {opened}");
            for (client, beginning) in clients.iter_mut().zip(HARMLESS) {
                let what = format!("{beginning}, {policy}");
                client.run("SELECT count(*) FROM t");
                let now = client.run("DO 0").status();
                assert!(in_transaction(now), "{what}");
                for write in [
                    WRITE,
                    "SELECT n FROM t FOR UPDATE",
                    "CREATE TABLE u (n INT)",
                    "TRUNCATE t",
                    "CALL write_one()",
                ] {
                    assert_refused(&client.query(write), &format!("{what}: {write}"));
                }
                client.run("SELECT count(*) FROM t");
                // One that the server knows to be read-only is ended by DDL before that is refused.
                let ended = beginning.contains("READ ONLY");
                let now = client.run("DO 0").status();
                assert_eq!(in_transaction(now), !ended, "{what}: it is where it was");
                client.run("COMMIT");
                assert_refused(&client.query(WRITE), &what);
            }
            ground.lull.lifted("all");
            for (client, beginning) in clients.iter_mut().zip(HARMLESS) {
                client.run("ROLLBACK");
                let written = client.query(WRITE);
                assert!(written.error().is_none(), "{beginning}: {written:?}");
                client.run("ROLLBACK");
                client.run("DELETE FROM t WHERE n = 2");
                client.run("COMMIT");
            }
        }
        assert_eq!(ground.rows(), "0");
    });
}

#[test]
fn the_snapshot_of_a_transaction_does_not_move_nor_is_one_taken_before_its_time() {
    on_both(|ground| {
        let mut has_read = in_each(ground, &["BEGIN; SELECT count(*) FROM t"]).remove(0);
        let mut began = in_each(ground, &["BEGIN"]).remove(0);
        ground.lull.fenced("all", &[]);
        ground.db.run("INSERT INTO t VALUES (1)");
        assert_eq!(has_read.value("SELECT count(*) FROM t").as_deref(), Some("0"));
        assert_eq!(began.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        ground.lull.lifted("all");
        ground.db.run("INSERT INTO t VALUES (2)");
        assert_eq!(has_read.value("SELECT count(*) FROM t").as_deref(), Some("0"));
        assert_eq!(began.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        for client in [&mut has_read, &mut began] {
            // It was never read-only to the server, and is as it was.
            client.run("INSERT INTO t VALUES (3)");
            client.run("COMMIT");
        }
        assert_eq!(ground.rows(), "1,2,3,3");
    });
}

#[test]
fn a_transaction_that_has_written_may_finish_before_the_drain_ends() {
    on_both(|ground| {
        with_more(ground);
        for end in ["COMMIT", "ROLLBACK"] {
            for beginning in WRITERS {
                let mut client = in_each(ground, &[beginning]).remove(0);
                let mut opening = ground.opening(&["--drain", "30s"]);
                let straggler = eventually("the writer waits", || {
                    let status = ground.lull.status_json();
                    let straggler = status["stragglers"][0].clone();
                    (straggler["transaction"] == "in transaction").then_some(straggler)
                });
                assert_eq!(
                    (&straggler["user"], &straggler["wrote"]),
                    (&"app".into(), &true.into()),
                    "{beginning}: {straggler}"
                );
                client.run("INSERT INTO t VALUES (2)");
                assert!(opening.is_waiting(), "{beginning}");
                client.run(end);
                let opened = opening.fenced();
                assert_eq!(fates(&opened), Vec::<&str>::new(), "{opened}");
                assert_refused(&client.query("INSERT INTO t VALUES (3)"), beginning);
                ground.lull.lifted("all");
                let kept = ground.rows().contains('2');
                assert_eq!(kept, end == "COMMIT", "{beginning}: {}", ground.rows());
                ground.db.run("DELETE FROM t");
                ground.db.run("INSERT INTO t VALUES (0)");
            }
        }
    });
}

/// What a client may say next in a transaction that the drain policy has ended.
const NEXT: &[&str] = &[
    "COMMIT",
    "INSERT INTO t VALUES (2)",
    "SELECT count(*) FROM t",
    "ROLLBACK TO a",
    "SAVEPOINT c",
    "COMMIT AND CHAIN",
    "SET @x = 1",
    "BEGIN",
];

#[test]
fn abort_rolls_a_writer_back_and_keeps_its_connection_and_its_next_command_is_told_why_once() {
    on_both(|ground| {
        with_more(ground);
        for (number, beginning) in WRITERS.iter().enumerate() {
            let next = NEXT[number % NEXT.len()];
            let context = format!("{beginning}, lull on, {next}");
            let mut client = in_each(ground, &[beginning]).remove(0);
            let opened = ground
                .opening(&["--drain", SHORT, "--stragglers", "abort"])
                .fenced();
            assert_eq!(fates(&opened), ["aborted"], "{context}");
            ground.migrate();
            // What a pool says to see that the connection lives is no word of the transaction.
            assert!(client.ask(&[packets::PING]).error().is_none(), "{context}");
            assert_told_of_drain(&client.query(next), &context);
            assert_eq!(
                client.value("SELECT connection_id()"),
                Some(client.id().to_string()),
                "{context}"
            );
            assert_refused(&client.query(WRITE), &context);
            ground.lull.lifted("all");
            assert_eq!(ground.rows(), "0", "{context}");
        }
    });
}

#[test]
fn an_abort_is_told_to_whatever_command_comes_next_in_the_binary_protocol_too() {
    on_both(|ground| {
        let mut client = ground.client();
        let statement = client.prepare("INSERT INTO t VALUES (?)").unwrap();
        let run = packets::execute(statement, 0, &[Some("1")]);
        for next in ["execute", "prepare"] {
            client.run("BEGIN");
            assert!(client.ask(&run).error().is_none());
            ground.opening(&["--drain", SHORT]).fenced();
            if next == "execute" {
                assert_told_of_drain(&client.ask(&run), next);
                assert_refused(&client.ask(&run), next);
            } else {
                client.send(&packets::prepare("SELECT 1"));
                assert_told_of_drain(&client.prepared(), next);
            }
            ground.lull.lifted("all");
        }
        assert!(client.ask(&run).error().is_none());
        assert_eq!(ground.rows(), "1");
    });
}

#[test]
fn a_rollback_of_what_was_aborted_is_simply_done() {
    on_both(|ground| {
        for end in ["ROLLBACK", "rollback work;"] {
            let mut client = in_each(ground, &["BEGIN; INSERT INTO t VALUES (1)"]).remove(0);
            ground.opening(&["--drain", SHORT]).fenced();
            client.run(end);
            client.run("BEGIN");
            client.run("SELECT count(*) FROM t");
            client.run("COMMIT");
            assert_refused(&client.query(WRITE), "after it");
            ground.lull.lifted("all");
        }
        assert_eq!(ground.rows(), "");
    });
}

#[test]
fn who_hears_of_the_abort_only_after_off_hears_it_all_the_same() {
    on_both(|ground| {
        let mut client = in_each(ground, &["BEGIN; INSERT INTO t VALUES (1)"]).remove(0);
        ground.opening(&["--drain", SHORT]).fenced();
        ground.lull.lifted("all");
        let told = client.query("COMMIT");
        assert_eq!(told.error_code(), Some(1792), "{told:?}");
        client.run(WRITE);
        assert_eq!(ground.rows(), "2");
    });
}

#[test]
fn terminate_ends_a_writer_with_a_word_and_its_locks_are_gone_when_on_returns() {
    on_both(|ground| {
        with_more(ground);
        for beginning in WRITERS {
            let mut client = in_each(ground, &[beginning]).remove(0);
            let mut idle = ground.client();
            let opened = ground
                .opening(&["--drain", SHORT, "--stragglers", "terminate"])
                .fenced();
            assert_eq!(fates(&opened), ["terminated"], "{beginning}: {opened}");
            ground.migrate();
            let told = client.until_closed();
            let last = told
                .last()
                .map(|packet| packet.payload.clone())
                .unwrap_or_default();
            assert_eq!(
                last.get(..9),
                Some(&b"\xff\x1d\x04#08S01"[..]),
                "{beginning}: {told:?}"
            );
            assert_refused(&idle.query(WRITE), "who idled is kept");
            ground.lull.lifted("all");
        }
        assert_eq!(ground.rows(), "0");
    });
}

#[test]
fn report_leaves_writers_alone_says_so_and_a_second_on_is_fenced_when_they_have_gone() {
    on_both(|ground| {
        with_more(ground);
        for beginning in WRITERS {
            let mut client = in_each(ground, &[beginning]).remove(0);
            let mut idle = ground.client();
            let (code, opened) = ground
                .opening(&["--drain", SHORT, "--stragglers", "report"])
                .outcome();
            assert_eq!(
                (code, &opened["fenced"]),
                (3, &false.into()),
                "{beginning}: {opened}"
            );
            assert!(opened["position"].is_null(), "{opened}");
            assert_eq!(fates(&opened), ["reported"], "{beginning}: {opened}");
            assert_refused(&idle.query(WRITE), "who stands is read-only");
            client.run("INSERT INTO t VALUES (5)");
            client.run("COMMIT");
            assert_refused(&client.query(WRITE), beginning);
            let opened = ground.lull.fenced("all", &[]);
            assert_eq!(fates(&opened), Vec::<&str>::new(), "{opened}");
            ground.lull.lifted("all");
        }
    });
}

#[test]
fn and_chain_does_not_carry_a_writer_past_the_fence() {
    on_both(|ground| {
        for (before, end) in [
            ("", "COMMIT AND CHAIN"),
            ("", "ROLLBACK AND CHAIN"),
            ("SET completion_type = CHAIN", "COMMIT"),
        ] {
            let mut client = ground.client();
            if !before.is_empty() {
                client.run(before);
            }
            client.run("BEGIN");
            client.run("INSERT INTO t VALUES (1)");
            let opening = ground.opening(&["--drain", "30s"]);
            client.run(end);
            opening.fenced();
            for _ in 0..2 {
                assert_refused(&client.query(WRITE), end);
                client.run(end);
            }
            client.run("ROLLBACK");
            assert_refused(&client.query(WRITE), end);
            ground.lull.lifted("all");
        }
        assert_eq!(ground.rows(), "1,1");
    });
}

#[test]
fn locked_tables_keep_the_fence_away_and_abort_frees_them_for_the_migration() {
    on_both(|ground| {
        for lock in [
            "LOCK TABLES t WRITE",
            "LOCK TABLES t READ",
            "SET autocommit = 0; LOCK TABLES t WRITE; INSERT INTO t VALUES (9)",
        ] {
            let mut client = in_each(ground, &[lock]).remove(0);
            let opening = ground.opening(&["--drain", "30s"]);
            eventually("the holder of the lock waits", || {
                (ground.stragglers() == 1).then_some(())
            });
            client.run("UNLOCK TABLES");
            client.run("ROLLBACK");
            opening.fenced();
            ground.lull.lifted("all");
            let mut client = in_each(ground, &[lock]).remove(0);
            let opened = ground.opening(&["--drain", SHORT]).fenced();
            assert_eq!(fates(&opened), ["aborted"], "{lock}: {opened}");
            ground.migrate();
            assert_told_of_drain(&client.query("SELECT count(*) FROM t"), lock);
            client.run("SELECT count(*) FROM t");
            assert_refused(&client.query(WRITE), lock);
            ground.lull.lifted("all");
            client.run("ROLLBACK");
            client.run(WRITE);
            client.run("COMMIT");
            ground.db.run("DELETE FROM t WHERE n = 2");
        }
    });
}
