//! Sessions with a transaction open when a lull opens: who stands where they are, who may finish, and what the drain
//! policies do to those who do not.

use super::{Ground, assert_refused, assert_told_of_drain, fates, on_every_version};
use crate::support::{Wire, eventually, frames};

const WRITE: &str = "INSERT INTO t VALUES (2)";
const SHORT: &str = "300ms";

/// Transactions that have written nothing: they stand where they are, whatever the policy.
const HARMLESS: &[&str] = &[
    "BEGIN",
    "BEGIN READ WRITE",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
    "BEGIN; SET LOCAL work_mem = '5MB'; SHOW work_mem",
    "BEGIN; SELECT count(*) FROM t",
    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t",
    "BEGIN; SAVEPOINT a",
    "BEGIN; SELECT count(*) FROM t; SAVEPOINT a; SAVEPOINT b",
    "BEGIN; DELETE FROM t WHERE n = 99",
    "BEGIN; DECLARE c CURSOR FOR SELECT * FROM t",
    "BEGIN; COMMIT AND CHAIN",
    "BEGIN; SELECT 1; ROLLBACK AND CHAIN",
];

/// Transactions that could still bring a write about.
const WRITERS: &[&str] = &[
    "BEGIN; INSERT INTO t VALUES (1)",
    "BEGIN; INSERT INTO t VALUES (1); SAVEPOINT a",
    "BEGIN; SAVEPOINT a; INSERT INTO t VALUES (1)",
    "BEGIN; SAVEPOINT a; INSERT INTO t VALUES (1); RELEASE a",
    "BEGIN; SELECT nextval('s'); INSERT INTO t VALUES (1)",
    "BEGIN; SELECT n FROM t WHERE n = 0 FOR UPDATE",
    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; INSERT INTO t VALUES (1)",
    "BEGIN; CREATE TABLE u (n int)",
    "BEGIN; NOTIFY news",
    "BEGIN; COMMIT AND CHAIN; INSERT INTO t VALUES (1)",
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

fn with_more(ground: &Ground) {
    ground.db.run("CREATE SEQUENCE s; INSERT INTO t VALUES (0)");
}

#[test]
fn a_transaction_that_has_written_nothing_stands_where_it_is_and_goes_on_reading() {
    on_every_version(|ground| {
        with_more(ground);
        for policy in ["report", "terminate", "abort"] {
            let mut clients = in_each(ground, HARMLESS);
            let opened = ground
                .lull
                .fenced("all", &["--stragglers", policy, "--drain", "30s"]);
            assert_eq!(fates(&opened), Vec::<&str>::new(), "{policy}");
            for (client, beginning) in clients.iter_mut().zip(HARMLESS) {
                assert_eq!(
                    client.run("SELECT count(*) FROM t").status(),
                    Some('T'),
                    "{beginning}"
                );
                let refused = client.query(WRITE);
                assert_refused(&refused, beginning);
                assert_eq!(refused.status(), Some('E'), "{beginning}");
                assert_eq!(client.query("COMMIT").commands(), ["ROLLBACK"], "{beginning}");
                assert_refused(&client.query(WRITE), beginning);
            }
            ground.lull.lifted("all");
            clients
                .iter_mut()
                .for_each(|client| drop(client.run("DELETE FROM t WHERE n = 2")));
        }
        assert_eq!(ground.rows(), "0");
    });
}

#[test]
fn the_snapshot_of_a_repeatable_read_does_not_move_nor_is_one_taken_before_its_time() {
    on_every_version(|ground| {
        let mut has_read = ground.client();
        has_read.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
        assert_eq!(has_read.value("SELECT count(*) FROM t").as_deref(), Some("0"));
        let mut began = ground.client();
        began.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
        let mut undecided = ground.client();
        undecided.run("BEGIN");
        ground.lull.fenced("all", &[]);
        ground.db.run("INSERT INTO t VALUES (1)");
        assert_eq!(has_read.value("SELECT count(*) FROM t").as_deref(), Some("0"));
        assert_eq!(began.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        undecided.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
        ground.lull.lifted("all");
        ground.db.run("INSERT INTO t VALUES (2)");
        assert_eq!(began.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        assert_eq!(undecided.value("SELECT count(*) FROM t").as_deref(), Some("2"));
        for client in [&mut has_read, &mut began, &mut undecided] {
            assert_eq!(client.run("COMMIT").commands(), ["COMMIT"]);
            client.run("INSERT INTO t VALUES (3)");
        }
    });
}

#[test]
fn release_and_rollback_to_do_not_lift_what_was_laid_on_inside_a_savepoint() {
    on_every_version(|ground| {
        for end in [
            "RELEASE a",
            "ROLLBACK TO a",
            "ROLLBACK TO a; RELEASE a",
            "RELEASE b",
            "ROLLBACK TO b",
        ] {
            let mut client = ground.client();
            client.run("BEGIN; SAVEPOINT a; SAVEPOINT b");
            ground.lull.fenced("all", &[]);
            for statement in end.split("; ") {
                client.run(statement);
            }
            assert_refused(&client.query(WRITE), end);
            if !end.contains("RELEASE a") {
                client.run("ROLLBACK TO a");
                assert_refused(&client.query(WRITE), end);
            }
            client.query("ROLLBACK");
            let together = format!("BEGIN; SAVEPOINT a; {}; {WRITE}", end.replace('b', "a"));
            assert_refused(&client.query(&together), &together);
            client.query("ROLLBACK");
            ground.lull.lifted("all");
        }
        assert_eq!(ground.rows(), "");
    });
}

#[test]
fn a_transaction_that_has_written_may_finish_before_the_drain_ends() {
    on_every_version(|ground| {
        for end in ["COMMIT", "ROLLBACK"] {
            let mut client = ground.client();
            client.run("BEGIN; INSERT INTO t VALUES (1)");
            let mut opening = ground.opening(&["--drain", "30s"]);
            // lull's own questions to it make it active for moments.
            let status = eventually("the writer waits", || {
                let status = ground.lull.status_json();
                (status["stragglers"][0]["transaction"] == "in transaction").then_some(status)
            });
            let straggler = &status["stragglers"][0];
            assert_eq!(straggler["user"], "app", "{status}");
            assert_eq!(straggler["application_name"], "wire", "{status}");
            assert_eq!(straggler["wrote"], true, "{status}");
            assert!(straggler["transaction_ms"].is_u64(), "{status}");
            client.run("INSERT INTO t VALUES (2)");
            assert!(opening.is_waiting());
            assert_eq!(client.run(end).commands(), [end]);
            let opened = opening.fenced();
            assert_eq!(fates(&opened), Vec::<&str>::new(), "{opened}");
            assert_refused(&client.query("INSERT INTO t VALUES (3)"), "after the fence");
            ground.lull.lifted("all");
        }
        assert_eq!(ground.rows(), "1,2");
    });
}

#[test]
fn and_chain_does_not_carry_a_writer_past_the_fence() {
    on_every_version(|ground| {
        for end in ["COMMIT AND CHAIN", "ROLLBACK AND CHAIN"] {
            let mut client = ground.client();
            client.run("BEGIN; INSERT INTO t VALUES (1)");
            let opening = ground.opening(&["--drain", "30s"]);
            client.run(end);
            opening.fenced();
            assert_refused(&client.query(WRITE), end);
            client.run("ROLLBACK AND CHAIN");
            assert_refused(&client.query(WRITE), end);
            client.run("ROLLBACK");
            ground.lull.lifted("all");
        }
        assert_eq!(ground.rows(), "1");
    });
}

/// What a client may send next in a transaction that the drain policy has ended, by the simple or the extended protocol.
const NEXT: &[&str] = &[
    "COMMIT",
    "END",
    "INSERT INTO t VALUES (2)",
    "SELECT count(*) FROM t",
    "ROLLBACK TO a",
    "RELEASE a",
    "SAVEPOINT c",
    "COMMIT AND CHAIN",
    "PREPARE TRANSACTION 'x'",
    "INSERT INTO t VALUES (2); COMMIT",
    "SELECT 1; COMMIT",
];

#[test]
fn abort_rolls_a_writer_back_and_keeps_its_connection_and_its_next_statement_is_told_why() {
    on_every_version(|ground| {
        with_more(ground);
        for extended in [false, true] {
            for (number, next) in NEXT.iter().enumerate() {
                if extended && next.contains(';') {
                    continue;
                }
                let beginning = WRITERS[number % WRITERS.len()];
                let context = format!("{beginning}, lull on, {next} (extended: {extended})");
                let mut client = in_each(ground, &[beginning]).remove(0);
                let pid = client.pid();
                let opened = ground
                    .opening(&["--drain", SHORT, "--stragglers", "abort"])
                    .fenced();
                assert_eq!(fates(&opened), ["aborted"], "{context}");
                assert_eq!(ground.locks_of(pid), "0", "{context}");
                let replies = if extended {
                    client.extended(next, &[])
                } else {
                    client.query(next)
                };
                assert_told_of_drain(&replies, &context);
                assert_eq!(replies.errors().len(), 1, "{context}: {replies:?}");
                assert!(replies.commands().is_empty(), "{context}: {replies:?}");
                client.query("ROLLBACK TO a");
                if client.query("SELECT 1").status() != Some('I') {
                    client.run("ROLLBACK");
                }
                assert_refused(&client.query(WRITE), &context);
                assert_eq!(
                    client.value("SELECT pg_backend_pid()"),
                    Some(pid.to_string()),
                    "{context}"
                );
                ground.lull.lifted("all");
                client.run("DELETE FROM t WHERE n > 0");
            }
        }
        assert_eq!(ground.rows(), "0");
    });
}

#[test]
fn each_kind_of_writer_is_aborted_and_told_and_nothing_of_it_is_kept() {
    on_every_version(|ground| {
        with_more(ground);
        let mut clients = in_each(ground, WRITERS);
        let opened = ground.opening(&["--drain", SHORT]).fenced();
        assert_eq!(fates(&opened).len(), WRITERS.len(), "{opened}");
        assert!(fates(&opened).iter().all(|fate| *fate == "aborted"), "{opened}");
        for (client, beginning) in clients.iter_mut().zip(WRITERS) {
            assert_eq!(ground.locks_of(client.pid()), "0", "{beginning}");
            let told = client.query("COMMIT");
            assert_told_of_drain(&told, beginning);
            assert_eq!(told.status(), Some('I'), "{beginning}: {told:?}");
            assert_refused(&client.query(WRITE), beginning);
        }
        assert_eq!(ground.rows(), "0");
        ground.lull.lifted("all");
    });
}

#[test]
fn a_rollback_of_what_was_aborted_is_simply_done() {
    on_every_version(|ground| {
        for extended in [false, true] {
            let mut client = in_each(ground, &["BEGIN; INSERT INTO t VALUES (1)"]).remove(0);
            ground.opening(&["--drain", SHORT]).fenced();
            let replies = if extended {
                client.extended("ROLLBACK", &[])
            } else {
                client.query("ROLLBACK")
            };
            assert_eq!(replies.expect_success("ROLLBACK").commands(), ["ROLLBACK"]);
            client.run("BEGIN; SELECT 1; COMMIT");
            assert_refused(&client.query(WRITE), "after it");
            ground.lull.lifted("all");
        }
    });
}

#[test]
fn who_hears_of_the_abort_only_after_off_hears_it_all_the_same() {
    on_every_version(|ground| {
        let mut client = in_each(ground, &["BEGIN; INSERT INTO t VALUES (1)"]).remove(0);
        ground.opening(&["--drain", SHORT]).fenced();
        ground.lull.lifted("all");
        let told = client.query("COMMIT");
        assert_eq!(told.error_code(), Some("25006"), "{told:?}");
        assert_eq!(told.status(), Some('I'));
        client.run(WRITE);
        assert_eq!(ground.rows(), "2");
    });
}

#[test]
fn terminate_ends_a_writer_with_a_word_and_its_locks_are_gone_when_on_returns() {
    on_every_version(|ground| {
        with_more(ground);
        let mut clients = in_each(ground, WRITERS);
        let mut idle = ground.client();
        let pids: Vec<u32> = clients.iter().map(Wire::pid).collect();
        let opened = ground
            .opening(&["--drain", SHORT, "--stragglers", "terminate"])
            .fenced();
        assert_eq!(fates(&opened).len(), WRITERS.len(), "{opened}");
        assert!(
            fates(&opened).iter().all(|fate| *fate == "terminated"),
            "{opened}"
        );
        for ((client, beginning), pid) in clients.iter_mut().zip(WRITERS).zip(pids) {
            assert_eq!(ground.locks_of(pid), "0", "{beginning}");
            let told = client.until_closed();
            let error = told.error().unwrap_or_else(|| panic!("{beginning}: {told:?}"));
            assert_eq!(
                (error.field(b'C'), error.field(b'V')),
                (Some("57P01"), Some("FATAL")),
                "{beginning}"
            );
        }
        assert_refused(&idle.query(WRITE), "who idled is kept");
        assert_eq!(ground.rows(), "0");
    });
}

#[test]
fn report_leaves_writers_alone_says_so_and_a_second_on_is_fenced_when_they_have_gone() {
    on_every_version(|ground| {
        with_more(ground);
        let mut clients = in_each(ground, WRITERS);
        let mut idle = ground.client();
        let (code, opened) = ground
            .opening(&["--drain", SHORT, "--stragglers", "report"])
            .outcome();
        assert_eq!((code, &opened["fenced"]), (3, &false.into()), "{opened}");
        assert!(opened["position"].is_null(), "{opened}");
        assert_eq!(fates(&opened).len(), WRITERS.len(), "{opened}");
        assert!(fates(&opened).iter().all(|fate| *fate == "reported"), "{opened}");
        assert_refused(&idle.query(WRITE), "who stands is read-only");
        for (client, beginning) in clients.iter_mut().zip(WRITERS) {
            client.run("INSERT INTO t VALUES (5)").expect_success(beginning);
            assert_eq!(client.run("COMMIT").commands(), ["COMMIT"], "{beginning}");
            assert_refused(&client.query(WRITE), beginning);
        }
        let opened = ground.lull.fenced("all", &[]);
        assert_eq!(fates(&opened), Vec::<&str>::new(), "{opened}");
        ground.lull.lifted("all");
    });
}

/// How a transaction failed, and whether it stands at once: a savepoint could revive what it has written.
const FAILED: &[(&str, bool)] = &[
    ("BEGIN; SELECT 1/0", true),
    ("BEGIN; INSERT INTO t VALUES (1); SELECT 1/0", true),
    ("BEGIN; SAVEPOINT a; INSERT INTO t VALUES (1); SELECT 1/0", false),
    ("BEGIN; INSERT INTO t VALUES (1); SAVEPOINT a; SELECT 1/0", false),
];

#[test]
fn a_failed_transaction_stands_unless_a_savepoint_can_revive_it_and_abort_sees_to_that() {
    on_every_version(|ground| {
        for (beginning, stands) in FAILED {
            let mut client = ground.client();
            for statement in beginning.split("; ") {
                client.query(statement);
            }
            let opened = ground.opening(&["--drain", SHORT]).fenced();
            let expected: &[&str] = if *stands { &[] } else { &["aborted"] };
            assert_eq!(fates(&opened), expected, "{beginning}");
            assert_eq!(ground.locks_of(client.pid()), "0", "{beginning}");
            client.query("ROLLBACK TO a");
            client.query(WRITE);
            client.query("COMMIT");
            assert_refused(&client.query(WRITE), beginning);
            ground.lull.lifted("all");
            client.run("DELETE FROM t");
        }
        assert_eq!(ground.rows(), "");
    });
}

#[test]
fn a_failed_writer_that_revives_itself_before_the_drain_ends_may_finish() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run("BEGIN; INSERT INTO t VALUES (1); SAVEPOINT a");
        client.query("SELECT 1/0");
        let opening = ground.opening(&["--drain", "30s"]);
        client.run("ROLLBACK TO a");
        client.run("INSERT INTO t VALUES (2)");
        assert_eq!(client.run("COMMIT").commands(), ["COMMIT"]);
        opening.fenced();
        ground.lull.lifted("all");
        assert_eq!(ground.rows(), "1,2");
    });
}

#[test]
fn a_writer_that_goes_on_in_batches_is_followed_to_its_end() {
    on_every_version(|ground| {
        let mut client = ground.client();
        let batch = [
            frames::extended("BEGIN", &[]),
            frames::extended("INSERT INTO t VALUES (1)", &[]),
            frames::sync(),
        ];
        client
            .send(&batch.concat())
            .until_ready()
            .expect_success("a batch");
        let opening = ground.opening(&["--drain", "30s"]);
        let batch = [
            frames::extended("INSERT INTO t VALUES (2)", &[]),
            frames::extended("COMMIT", &[]),
            frames::sync(),
        ];
        let replies = client
            .send(&batch.concat())
            .until_ready()
            .expect_success("a batch");
        assert_eq!(replies.commands(), ["INSERT 0 1", "COMMIT"]);
        opening.fenced();
        assert_refused(&client.extended(WRITE, &[]), "after it");
        ground.lull.lifted("all");
        assert_eq!(ground.rows(), "1,2");
    });
}
