//! Replicas that go while sessions are on them.

use super::{Ground, on_every_version};
use crate::support::{Postgres, Version, Wire, eventually, frames, postgres::Stop};

/// One that has two replicas.
fn on_two(test: impl Fn(&Ground)) {
    Version::ALL
        .into_iter()
        .for_each(|version| test(&Ground::with_standbys(version, 2)));
}

/// The server on which a session is, and the others.
fn here<'a>(ground: &'a Ground, client: &mut Wire) -> &'a Postgres {
    let port = client.value("SELECT inet_server_port()").expect("a port");
    let all = [&ground.standby, &ground.primary]
        .into_iter()
        .chain(&ground.others);
    all.into_iter()
        .find(|server| server.address.port().to_string() == port)
        .expect("a known server")
}

#[test]
fn idle_sessions_of_a_replica_that_goes_are_on_the_other_with_all_that_they_have() {
    on_two(|ground| {
        let mut clients: Vec<Wire> = (0..4).map(|_| ground.client()).collect();
        clients[0].run("INSERT INTO t VALUES (7)");
        for (n, client) in clients.iter_mut().enumerate() {
            client.run(&format!("SET work_mem = '{}MB'; PREPARE p AS SELECT {n}", n + 5));
        }
        ground.moved(&[]);
        for client in &mut clients {
            // Done since, by text and by protocol.
            client.run("SET app.tenant = '42'");
            let parse = frames::parse("late", "SELECT n + $1 FROM t");
            client
                .send(&[parse, frames::sync()].concat())
                .until_ready()
                .expect_success("Parse");
        }
        // Who has logged in since has never moved.
        clients.push(ground.client());
        clients[4].run("SET work_mem = '9MB'; SET app.tenant = '42'; PREPARE p AS SELECT 4");
        let parse = frames::parse("late", "SELECT n + $1 FROM t");
        clients[4].send(&[parse, frames::sync()].concat()).until_ready();
        let first = here(ground, &mut clients[0]);
        assert!(
            clients
                .iter_mut()
                .any(|client| here(ground, client).address != first.address),
            "they are spread"
        );
        first.stop(Stop::Fast);
        for (n, client) in clients.iter_mut().enumerate() {
            assert_ne!(here(ground, client).address, first.address);
            ground.assert_on_replica(client);
            let work_mem = format!("{}MB", n + 5);
            assert_eq!(client.value("SHOW work_mem"), Some(work_mem));
            assert_eq!(client.value("SHOW app.tenant").as_deref(), Some("42"));
            assert_eq!(client.value("EXECUTE p"), Some(n.to_string()));
            let execute = [
                frames::bind("", "late", &[Some("1")]),
                frames::execute("", 0),
                frames::sync(),
            ];
            let replies = client.send(&execute.concat()).until_ready();
            assert_eq!(replies.value().as_deref(), Some("8"), "{replies:?}");
            let refused = client.query("INSERT INTO t VALUES (1)");
            assert_eq!(refused.error_code(), Some("25006"), "{refused:?}");
        }
        ground.lull.lifted("all");
        for client in &mut clients {
            ground.assert_on_primary(client);
            assert_eq!(client.value("SHOW app.tenant").as_deref(), Some("42"));
            client.run("INSERT INTO t VALUES (1)");
        }
    });
}

#[test]
fn a_statement_that_runs_as_its_replica_goes_fails_in_its_place_and_can_be_tried_again() {
    on_two(|ground| {
        let mut client = ground.client();
        ground.moved(&["--reason", "upgrade"]);
        let first = here(ground, &mut client);
        // Behind it in the same flight: another query, and a batch of the extended protocol.
        let batch = [
            frames::query("SELECT pg_sleep(60)"),
            frames::query("SELECT 'behind'"),
            frames::parse("", "SELECT 'batch'"),
            frames::bind("", "", &[]),
            frames::execute("", 0),
            frames::sync(),
        ];
        client.send(&batch.concat());
        wait_until_it_sleeps(first);
        first.stop(Stop::Immediate);
        let lost = client.until_ready();
        let error = lost.error().expect("the statement is lost");
        assert_eq!(error.field(b'C'), Some("57P01"), "{lost:?}");
        assert!(
            error.field(b'D').unwrap_or_default().contains("upgrade"),
            "{lost:?}"
        );
        assert!(error.field(b'H').is_some(), "{lost:?}");
        assert_eq!(client.until_ready().value().as_deref(), Some("behind"));
        assert_eq!(client.until_ready().value().as_deref(), Some("batch"));
        ground.assert_on_replica(&mut client);
        assert_ne!(here(ground, &mut client).address, first.address);
    });
}

#[test]
fn a_transaction_that_is_open_as_its_replica_goes_has_failed_until_its_client_ends_it() {
    on_two(|ground| {
        for busy in [false, true] {
            let mut client = ground.client();
            ground.moved(&[]);
            let first = here(ground, &mut client);
            client.run("BEGIN; SAVEPOINT a; SELECT 1");
            if busy {
                client.send(&frames::query("SELECT pg_sleep(60)"));
                wait_until_it_sleeps(first);
            }
            first.stop(Stop::Fast);
            let lost = if busy {
                client.until_ready()
            } else {
                client.query("SELECT 2")
            };
            assert_eq!(lost.error_code(), Some("57P01"), "{lost:?}");
            assert_eq!(lost.status(), Some('E'), "{lost:?}");
            assert_eq!(client.query("SELECT 3").error_code(), Some("25P02"));
            assert_eq!(client.query("ROLLBACK TO a").error_code(), Some("3B001"));
            client.run("ROLLBACK");
            ground.assert_on_replica(&mut client);
            ground.lull.lifted("all");
            client.run("INSERT INTO t VALUES (1)");
            first.start_again();
        }
    });
}

#[test]
fn where_no_other_replica_is_the_operator_says_what_becomes_of_its_sessions() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (7)");
        client.run("SET work_mem = '5MB'");
        // They go to the primary, and are read-only there.
        ground.moved(&["--fallback", "primary"]);
        ground.standby.stop(Stop::Fast);
        ground.assert_on_primary(&mut client);
        assert_eq!(client.value("SHOW work_mem").as_deref(), Some("5MB"));
        assert_eq!(
            client.query("INSERT INTO t VALUES (1)").error_code(),
            Some("25006")
        );
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (1)");
        ground.standby.start_again();
        // They wait for a replica.
        ground.moved(&["--fallback", "wait"]);
        ground.assert_on_replica(&mut client);
        ground.standby.stop(Stop::Immediate);
        client.send(&frames::query("SHOW work_mem"));
        ground.standby.start_again();
        assert_eq!(client.until_ready().value().as_deref(), Some("5MB"));
        ground.assert_on_replica(&mut client);
        ground.lull.lifted("all");
        // They hear of it, statement by statement, and go on when one is there.
        ground.moved(&["--fallback", "error"]);
        client.run("BEGIN; SELECT 1");
        ground.standby.stop(Stop::Immediate);
        let lost = client.query("SELECT 2");
        assert_eq!(
            (lost.error_code(), lost.status()),
            (Some("57P01"), Some('I')),
            "{lost:?}"
        );
        let batch = [
            frames::parse("", "SELECT 1"),
            frames::bind("", "", &[]),
            frames::execute("", 0),
            frames::sync(),
        ];
        let lost = client.send(&batch.concat()).until_ready();
        assert_eq!(lost.error_code(), Some("57P01"), "{lost:?}");
        ground.standby.start_again();
        eventually("it goes on", || {
            let replies = client.query("SHOW work_mem");
            assert!(
                matches!(replies.error_code(), None | Some("57P01")),
                "{replies:?}"
            );
            replies.value().map(|value| assert_eq!(value, "5MB"))
        });
        ground.assert_on_replica(&mut client);
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (1)");
    });
}

#[test]
fn a_session_that_has_what_no_other_server_can_be_given_ends_with_its_replica() {
    on_two(|ground| {
        let mut client = ground.client();
        ground.moved(&[]);
        let first = here(ground, &mut client);
        client.run("SELECT pg_advisory_lock(1)");
        first.stop(Stop::Fast);
        // The server's own word.
        assert_eq!(client.until_closed().error_code(), Some("57P01"));
        first.start_again();
    });
}

fn wait_until_it_sleeps(server: &Postgres) {
    let running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%sleep(60)'";
    let mut observer = server.superuser("postgres");
    eventually("the statement runs", || observer.value(running));
}
