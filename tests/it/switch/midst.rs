//! Sessions in the middle of something when a lull opens: a query, a COPY, a pipeline without its Sync.

use super::{Ground, assert_refused, assert_told_of_drain, fates, on_every_version};
use crate::support::{Replies, eventually, frames};

const WRITE: &str = "INSERT INTO t VALUES (2)";
const SHORT: &str = "300ms";

#[test]
fn a_query_that_runs_is_waited_for_and_what_it_wrote_is_kept() {
    on_every_version(|ground| {
        let mut client = ground.client();
        let mut gate = ground.db.superuser();
        gate.run("SELECT pg_advisory_lock(1)");
        client.send(&frames::query(
            "INSERT INTO t SELECT 1 FROM (SELECT pg_advisory_lock_shared(1)) AS wait",
        ));
        ground.backend_is(client.pid(), "active");
        let mut opening = ground.opening(&["--drain", "30s"]);
        eventually("the writer waits", || (ground.stragglers() == 1).then_some(()));
        assert!(opening.is_waiting());
        gate.run("SELECT pg_advisory_unlock(1)");
        client.until_ready().expect_success("the write that ran");
        opening.fenced();
        assert_refused(&client.query(WRITE), "after the fence");
        assert_eq!(ground.rows(), "1");
    });
}

#[test]
fn a_query_that_outlasts_the_drain_is_cancelled_ended_or_reported() {
    on_every_version(|ground| {
        for (policy, code, fate) in [
            ("abort", 0, "aborted"),
            ("terminate", 0, "terminated"),
            ("report", 3, "reported"),
        ] {
            let mut client = ground.client();
            client.send(&frames::query(
                "INSERT INTO t SELECT 1 FROM (SELECT pg_sleep(5)) AS wait",
            ));
            ground.backend_is(client.pid(), "active");
            let (exit, opened) = ground
                .opening(&["--drain", SHORT, "--stragglers", policy])
                .outcome();
            assert_eq!((exit, fates(&opened)), (code, vec![fate]), "{policy}: {opened}");
            match policy {
                "abort" => {
                    assert_told_of_drain(&client.until_ready(), policy);
                    assert_refused(&client.query(WRITE), policy);
                }
                "terminate" => assert_eq!(client.until_closed().error_code(), Some("57P01")),
                _ => drop(client.until_ready().expect_success("a reported writer finishes")),
            }
            ground.lull.lifted("all");
        }
        assert_eq!(ground.rows(), "1");
    });
}

#[test]
fn a_copy_from_a_client_may_finish_or_is_aborted_with_its_connection_kept() {
    on_every_version(|ground| {
        for extended in [false, true] {
            let begin = || {
                let mut client = ground.client();
                let copy = if extended {
                    [frames::extended("COPY t FROM STDIN", &[]), frames::sync()].concat()
                } else {
                    frames::query("COPY t FROM STDIN")
                };
                client.send(&copy).until(b'G');
                client.send(&frames::copy_data(b"1\n"));
                client
            };
            let end = [
                frames::copy_done(),
                if extended { frames::sync() } else { Vec::new() },
            ]
            .concat();
            let mut client = begin();
            let opening = ground.opening(&["--drain", "30s"]);
            eventually("the writer waits", || (ground.stragglers() == 1).then_some(()));
            assert_eq!(ground.lull.status_json()["stragglers"][0]["transaction"], "copy");
            client.send(&[frames::copy_data(b"1\n"), end.clone()].concat());
            assert_eq!(client.until_ready().expect_success("COPY").commands(), ["COPY 2"]);
            opening.fenced();
            assert_refused(&client.query(WRITE), "after the fence");
            ground.lull.lifted("all");
            client.run("DELETE FROM t");
            let mut client = begin();
            let opened = ground.opening(&["--drain", SHORT]).fenced();
            assert_eq!(fates(&opened), ["aborted"], "extended: {extended}: {opened}");
            assert_eq!(ground.locks_of(client.pid()), "0");
            // It has not noticed, and goes on sending.
            client.send(&[frames::copy_data(b"3\n"), end].concat());
            assert_told_of_drain(&client.until_ready(), "the COPY");
            assert_refused(&client.query(WRITE), "after it");
            assert_eq!(client.run("SELECT 1").status(), Some('I'));
            ground.lull.lifted("all");
            assert_eq!(ground.rows(), "");
        }
    });
}

#[test]
fn a_copy_to_a_client_comes_whole() {
    on_every_version(|ground| {
        ground
            .db
            .run("INSERT INTO t SELECT n FROM generate_series(1, 1000000) n");
        let mut client = ground.client();
        client.send(&frames::query("COPY t TO STDOUT")).until(b'H');
        let opening = ground.opening(&["--drain", "30s"]);
        let rows = client.until_ready();
        assert_eq!(rows.commands(), ["COPY 1000000"]);
        assert_eq!(
            rows.0.iter().filter(|message| message.tag == b'd').count(),
            1_000_000
        );
        opening.fenced();
        assert_refused(&client.query(WRITE), "after it");
    });
}

/// asyncpg's prepare: no Sync until the statement is used.
#[test]
fn a_statement_that_was_prepared_and_flushed_without_a_sync_does_not_hold_up_the_fence() {
    on_every_version(|ground| {
        for (name, text) in [
            ("reads", "SELECT count(*) FROM t"),
            ("writes", WRITE),
            ("", "SELECT 1"),
            ("", WRITE),
        ] {
            let mut client = ground.client();
            let prepare = [
                frames::parse(name, text),
                frames::describe_statement(name),
                frames::flush(),
            ];
            let described = client.send(&prepare.concat());
            described.until(if text == WRITE { b'n' } else { b'T' });
            // It takes what it takes to be told; one that is held up is so until the drain is over.
            ground
                .lull
                .fenced("all", &["--drain", "30s", "--stragglers", "report"]);
            let used = [
                frames::bind("", name, &[]),
                frames::execute("", 0),
                frames::sync(),
            ];
            let replies = client.send(&used.concat()).until_ready();
            if text == WRITE {
                assert_refused(&replies, text);
            } else {
                assert_eq!(replies.expect_success(text).commands(), ["SELECT 1"]);
            }
            ground.lull.lifted("all");
            client.run("DELETE FROM t");
        }
    });
}

fn shape(replies: &Replies) -> String {
    replies.tags().replace('S', "")
}

#[test]
fn a_pipeline_that_wrote_and_has_not_synced_is_aborted_and_goes_on_after_its_sync() {
    on_every_version(|ground| {
        let mut client = ground.client();
        let write = [frames::extended("INSERT INTO t VALUES (1)", &[]), frames::flush()];
        client.send(&write.concat()).until(b'C');
        let opened = ground.opening(&["--drain", SHORT]).fenced();
        assert_eq!(fates(&opened), ["aborted"], "{opened}");
        assert_eq!(ground.locks_of(client.pid()), "0");
        let more = [frames::extended(WRITE, &[]), frames::sync()];
        let replies = client.send(&more.concat()).until_ready();
        assert_told_of_drain(&replies, "the rest of the pipeline");
        assert_eq!(
            (shape(&replies).as_str(), replies.status()),
            ("EZ", Some('I')),
            "{replies:?}"
        );
        assert_refused(&client.query(WRITE), "after it");
        client.run("SELECT 1");
        assert_eq!(ground.rows(), "");
    });
}

#[test]
fn a_pipeline_that_syncs_before_the_drain_ends_is_kept() {
    on_every_version(|ground| {
        let mut client = ground.client();
        let write = [frames::extended("INSERT INTO t VALUES (1)", &[]), frames::flush()];
        client.send(&write.concat()).until(b'C');
        let opening = ground.opening(&["--drain", "30s"]);
        let more = [frames::extended(WRITE, &[]), frames::sync()];
        let replies = client
            .send(&more.concat())
            .until_ready()
            .expect_success("the rest");
        assert_eq!(replies.commands(), ["INSERT 0 1"]);
        opening.fenced();
        assert_refused(&client.query(WRITE), "after it");
        assert_eq!(ground.rows(), "1,2");
    });
}

#[test]
fn cancel_requests_that_come_late_and_hit_lulls_own_statements_do_no_harm() {
    on_every_version(|ground: &Ground| {
        let mut client = ground.client();
        for round in 0..25 {
            let address = ground.lull.address();
            let (pid, key) = client.key.clone().expect("logged in");
            let cancels = std::thread::spawn(move || {
                for _ in 0..8 {
                    let mut other = crate::support::Wire::connect(address).expect("a connection");
                    other.send(&frames::cancel_request(pid, &key)).until_closed();
                }
            });
            ground.lull.fenced("all", &[]);
            ground.lull.lifted("all");
            cancels.join().expect("sent");
            // The last of them may be on its way still.
            eventually("the client's statement runs", || {
                client
                    .query(&format!("INSERT INTO t VALUES ({round})"))
                    .error()
                    .is_none()
                    .then_some(())
            });
        }
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("25"));
        assert_eq!(ground.lull.status_json()["guard_alarms"], 0);
    });
}
