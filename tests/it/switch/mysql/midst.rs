//! Sessions in the middle of something when a lull opens: a query, a file, several statements, a cursor, a pipeline.

use super::{assert_refused, fates, on_both};
use crate::support::mysql::packets::{self, capability, status};
use crate::support::mysql::wire::framed;
use crate::support::mysql::{Reply, Wire};
use crate::support::{Lull, Primary, eventually};

const WRITE: &str = "INSERT INTO t VALUES (2)";
const SHORT: &str = "500ms";

#[test]
fn a_query_that_runs_is_waited_for_and_what_it_wrote_is_kept() {
    on_both(|ground| {
        let name = format!("gate_{}", ground.db.name);
        let wait = format!("SELECT 1 FROM (SELECT GET_LOCK('{name}', 30)) AS waiting");
        let alone = format!("INSERT INTO t {wait}");
        let several = format!("SELECT 1; INSERT INTO t {wait}; SELECT 3");
        for (text, replies) in [(&alone, 1), (&several, 3)] {
            let mut client = ground.client_with(capability::MULTI_STATEMENTS);
            let mut gate = ground.db.superuser();
            gate.run(&format!("SELECT GET_LOCK('{name}', 10)"));
            client.send(&packets::query(text));
            ground.runs(client.id(), "%INSERT%");
            let mut opening = ground.opening(&["--drain", "30s"]);
            eventually("the writer waits", || (ground.stragglers() == 1).then_some(()));
            assert!(opening.is_waiting());
            gate.run(&format!("SELECT RELEASE_LOCK('{name}')"));
            let answer = client.results();
            assert!(
                answer.error().is_none() && answer.0.len() == replies,
                "{answer:?}"
            );
            opening.fenced();
            assert_refused(&client.query(WRITE), "after the fence");
            ground.lull.lifted("all");
            client.run(&format!("SELECT RELEASE_LOCK('{name}')"));
        }
        assert_eq!(ground.rows(), "1,1");
    });
}

#[test]
fn a_file_that_a_client_sends_may_come_to_its_end() {
    on_both(|ground| {
        let begin = || {
            let mut client = ground.client_with(capability::LOCAL_FILES);
            let asked = client.query("LOAD DATA LOCAL INFILE 'numbers' INTO TABLE t");
            assert_eq!(asked.0, [Reply::LocalInfile("numbers".to_owned())]);
            client.go_on(b"1\n");
            client
        };
        let mut client = begin();
        let opening = ground.opening(&["--drain", "30s"]);
        eventually("the writer waits", || (ground.stragglers() == 1).then_some(()));
        assert_eq!(ground.lull.status_json()["stragglers"][0]["transaction"], "copy");
        let done = client.send_file(&[b"2\n3", b"\n"]);
        assert!(
            matches!(&done.0[0], Reply::Ok(done) if done.affected == 3),
            "{done:?}"
        );
        opening.fenced();
        assert_refused(
            &client.query("LOAD DATA LOCAL INFILE 'numbers' INTO TABLE t"),
            "another file",
        );
        assert_refused(&client.query(WRITE), "after the fence");
        ground.lull.lifted("all");
        assert_eq!(ground.rows(), "1,2,3");
        // And who only then begins.
        assert!(begin().send_file(&[]).error().is_none());
    });
}

#[test]
fn a_large_result_comes_whole() {
    on_both(|ground| {
        let mut client = ground.client();
        client.send(&packets::query("SELECT repeat('x', 20000000)"));
        let opening = ground.opening(&["--drain", "30s"]);
        assert_eq!(client.results().value().map(str::len), Some(20_000_000));
        opening.fenced();
        assert_refused(&client.query(WRITE), "after it");
    });
}

#[test]
fn a_cursor_is_fetched_on_before_in_and_after_a_lull() {
    on_both(|ground| {
        let values: Vec<String> = (0..100).map(|n| format!("({n})")).collect();
        ground
            .db
            .run(&format!("INSERT INTO t VALUES {}", values.join(",")));
        for modern in [0, capability::DEPRECATE_EOF | capability::SESSION_TRACK] {
            let mut client = ground.client_with(modern);
            let statement = client.prepare("SELECT n FROM t ORDER BY n").unwrap();
            let opened = client.ask(&packets::execute(statement, packets::CURSOR_READ_ONLY, &[]));
            assert_ne!(opened.status() & status::CURSOR_EXISTS, 0, "{opened:?}");
            let fetch = |client: &mut Wire, count| {
                client.send(&packets::fetch(statement, count));
                let fetched = client.fetched();
                match &fetched.0[0] {
                    Reply::Rows { rows, .. } => rows.len(),
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(fetch(&mut client, 10), 10);
            ground
                .lull
                .fenced("all", &["--drain", SHORT, "--stragglers", "report"]);
            assert_eq!(fetch(&mut client, 30), 30);
            assert_refused(&client.query(WRITE), "with a cursor open");
            assert_eq!(fetch(&mut client, 30), 30);
            ground.lull.lifted("all");
            assert_eq!(fetch(&mut client, 50), 30);
        }
    });
}

fn together(commands: &[Vec<u8>]) -> Vec<u8> {
    commands.iter().flat_map(|command| framed(command, 0).0).collect()
}

#[test]
fn pipelined_commands_are_answered_one_by_one_and_in_order() {
    on_both(|ground| {
        let mut client = ground.client();
        let statement = client.prepare("INSERT INTO t VALUES (?)").unwrap();
        ground.lull.fenced("all", &[]);
        let commands = [
            packets::query("SELECT 'one'"),
            packets::query(WRITE),
            packets::query("FLUSH TABLES"),
            vec![packets::PING],
            packets::execute(statement, 0, &[Some("5")]),
            packets::query("SET SESSION TRANSACTION READ WRITE"),
            packets::query(WRITE),
            packets::query("START TRANSACTION READ WRITE"),
            packets::query(WRITE),
            packets::query("COMMIT"),
            vec![packets::RESET_CONNECTION],
            packets::query(WRITE),
            packets::query("SELECT 'last'"),
        ];
        client.try_send_raw(&together(&commands)).unwrap();
        assert_eq!(client.results().value(), Some("one"));
        for (number, command) in commands.iter().enumerate().skip(1).take(11) {
            let answer = client.results();
            let refused = matches!(number, 1 | 2 | 4 | 6 | 8 | 11);
            let what = format!("command {number}: {}", command.escape_ascii());
            if refused {
                assert_refused(&answer, &what);
            } else {
                assert!(answer.error().is_none(), "{what}: {answer:?}");
            }
        }
        assert_eq!(client.results().value(), Some("last"));
        ground.lull.lifted("all");
        client.run("SELECT 1");
        ground.lull.fenced("all", &[]);
        // RESET_CONNECTION has closed it.
        let gone = client.ask(&packets::execute(statement, 0, &[Some("5")]));
        assert!(gone.error().is_some(), "{gone:?}");
        assert_eq!(ground.rows(), "");
    });
}

#[test]
fn a_pipeline_that_a_lull_opens_into_is_written_up_to_a_point_and_refused_from_there_on() {
    on_both(|ground| {
        let mut client = ground.client();
        let count = 300;
        let commands: Vec<Vec<u8>> = (0..count)
            .map(|n| packets::query(&format!("INSERT INTO t VALUES ({n})")))
            .collect();
        client.try_send_raw(&together(&commands)).unwrap();
        let opening = ground.opening(&["--drain", "30s"]);
        let answers: Vec<bool> = (0..count)
            .map(|n| {
                let answer = client.results();
                if answer.error().is_some() {
                    assert_refused(&answer, &format!("row {n}"));
                }
                answer.error().is_none()
            })
            .collect();
        opening.fenced();
        let written = answers.iter().take_while(|written| **written).count();
        assert!(
            answers.iter().skip(written).all(|written| !written),
            "{answers:?}"
        );
        let rows = ground.db.value("SELECT count(*) FROM t");
        assert_eq!(rows, Some(written.to_string()));
    });
}

#[test]
fn what_still_runs_when_the_drain_is_over_is_interrupted_by_another_session_of_the_user() {
    on_both(|ground| {
        for (policy, fate) in [("abort", "aborted"), ("terminate", "terminated")] {
            let name = format!("gate_{}", ground.db.name);
            let mut gate = ground.db.superuser();
            gate.run(&format!("SELECT GET_LOCK('{name}', 10)"));
            let mut bystander = ground.client();
            let mut client = ground.client();
            client.run("BEGIN");
            client.run("INSERT INTO t VALUES (7)");
            client.send(&packets::query(&format!(
                "INSERT INTO t SELECT 8 FROM (SELECT GET_LOCK('{name}', 600)) AS waiting"
            )));
            ground.runs(client.id(), "%INSERT%");
            let opened = ground
                .lull
                .fenced("all", &["--drain", "300ms", "--stragglers", policy]);
            assert_eq!(opened["stragglers"][0]["fate"], fate, "{opened}");
            if policy == "abort" {
                // ER_QUERY_INTERRUPTED, and then the reason.
                assert_eq!(client.results().error_code(), Some(1317));
                assert_refused(&client.query("SELECT 1"), "the transaction is gone");
                client.run("SELECT 1");
            }
            assert_eq!(bystander.value("SELECT 1").as_deref(), Some("1"));
            gate.run(&format!("SELECT RELEASE_LOCK('{name}')"));
            ground.lull.lifted("all");
            assert_eq!(ground.rows(), "");
        }
    });
}

#[test]
fn what_nobody_can_interrupt_is_named_and_waited_for_no_longer_than_the_drain_and_its_grace() {
    on_both(|ground| {
        let primary = Primary::mysql(ground.db.server.address);
        let lull = Lull::with_config(primary, |addresses| {
            addresses.config("straggler_grace = \"300ms\"", "")
        });
        for policy in ["abort", "terminate"] {
            let name = format!("gate_{}", ground.db.name);
            let mut gate = ground.db.superuser();
            gate.run(&format!("SELECT GET_LOCK('{name}', 10)"));
            let mut client = ground.login().to(lull.address());
            client.run("BEGIN");
            client.run("INSERT INTO t VALUES (7)");
            client.send(&packets::query(&format!(
                "INSERT INTO t SELECT 8 FROM (SELECT GET_LOCK('{name}', 600)) AS waiting"
            )));
            ground.runs(client.id(), "%INSERT%");
            // It answers although the statement does not end.
            let output = lull.on("all", &["--drain", "300ms", "--stragglers", policy]);
            let opened: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(3), "{opened}");
            assert_eq!(fates(&opened), ["waiting"], "{opened}");
            let why = format!("{}", opened["stragglers"][0]["why"]);
            assert!(why.contains("KILL QUERY") && why.contains("of app"), "{opened}");
            let told = client.results();
            assert_eq!(told.error_code(), Some(1053), "{told:?}");
            gate.run(&format!("SELECT RELEASE_LOCK('{name}')"));
            ground.db.server.wait_for_end_of(client.id());
            lull.fenced("all", &[]);
            lull.lifted("all");
            assert_eq!(ground.rows(), "", "{policy}");
        }
    });
}
