//! Cancel requests find their session, whatever the length of the key and however they come.

use super::encryption::Encrypted;
use super::{on_every_version, program};
use crate::support::tls::Negotiation;
use crate::support::{Database, Lull, Postgres, Settings, Version, Wire, eventually, frames};
use std::time::Duration;

/// Returns when the session runs its long query.
fn sleep(client: &mut Wire, db: &Database<'_>) {
    client.send(&frames::query("SELECT pg_sleep(60)"));
    let pid = client.pid();
    eventually("the query runs", || {
        db.value(&format!(
            "SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND query ~ 'sleep' AND state = 'active'"
        ))
    });
}

#[test]
fn a_cancel_request_through_lull_ends_the_running_query_and_nothing_else() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        let mut other = Wire::login(lull.address(), "app", &db.name);
        assert_eq!(
            client.value("SELECT pg_backend_pid()"),
            Some(client.pid().to_string())
        );
        sleep(&mut other, &db);
        sleep(&mut client, &db);
        client.cancel_at(lull.address());
        assert_eq!(client.until_ready().error_code(), Some("57014"));
        client.run("SELECT 1");
        // A wrong secret cancels nothing: the other's query is still there to be cancelled.
        let mut wrong = Wire::connect(lull.address()).unwrap();
        wrong
            .send(&frames::cancel_request(other.pid(), b"nope"))
            .until_closed();
        let pid = other.pid();
        let active = format!("SELECT state FROM pg_stat_activity WHERE pid = {pid}");
        assert_eq!(db.value(&active).as_deref(), Some("active"));
        other.cancel_at(lull.address());
        assert_eq!(other.until_ready().error_code(), Some("57014"));
    });
}

/// A client that has waited for that may send its next statement, which no late request will hit.
#[test]
fn a_cancel_request_is_closed_only_when_the_server_has_seen_to_it() {
    let server = Postgres::start(Version::Newest);
    let lull = Lull::start(&server);
    let db = server.database();
    let mut client = Wire::login(lull.address(), "app", &db.name);
    sleep(&mut client, &db);
    let (pid, key) = client.key.clone().unwrap();
    let mut other = Wire::connect(lull.address()).unwrap();
    server.signal_postmaster("STOP");
    other.send(&frames::cancel_request(pid, &key));
    let waits = other.silent_for(Duration::from_millis(500));
    server.signal_postmaster("CONT");
    assert!(waits, "closed before the server has read the request");
    other.until_closed();
    assert_eq!(client.until_ready().error_code(), Some("57014"));
    client.run("SELECT 1");
}

#[test]
fn a_key_of_256_bits_cancels_through_lull() {
    let server = Postgres::shared(Version::Newest);
    let lull = Lull::start(server);
    let db = server.database();
    let mut client = Wire::connect(lull.address()).unwrap();
    let who = [("user", "app"), ("database", db.name.as_str())];
    client
        .startup(frames::PROTOCOL_3_2, &who, None)
        .expect_success("login");
    assert_eq!(client.key.as_ref().unwrap().1.len(), 32);
    sleep(&mut client, &db);
    client.cancel_at(lull.address());
    assert_eq!(client.until_ready().error_code(), Some("57014"));
    client.run("SELECT 1");
}

#[test]
fn a_cancel_request_comes_through_tls_to_a_session_inside_tls() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let db = server.database();
        let tls = Encrypted::before(server, "mode = \"require\"", "require");
        let connect = || tls.connect(Negotiation::Asked).unwrap();
        let mut client = connect();
        let who = [("user", "app"), ("database", db.name.as_str())];
        client
            .startup(frames::PROTOCOL_3_0, &who, None)
            .expect_success("login");
        sleep(&mut client, &db);
        let (pid, key) = client.key.clone().unwrap();
        connect().send(&frames::cancel_request(pid, &key)).until_closed();
        assert_eq!(client.until_ready().error_code(), Some("57014"));
    }
}

#[test]
fn ctrl_c_in_psql_cancels_the_query_and_the_session_goes_on() {
    for version in Version::ALL {
        let server = Postgres::start_with(Settings::of(version));
        let lull = Lull::start(&server);
        for client in Version::ALL {
            let mut command = program::of(client, "psql");
            let dsn = format!(
                "{} application_name=interrupted",
                lull.connect_string("app", "postgres")
            );
            command.args(["-X", "-A", "-t", &dsn]).args([
                "-c",
                "SELECT pg_sleep(60)",
                "-c",
                "SELECT 'and on'",
            ]);
            let psql = program::Running::start(&mut command);
            eventually("psql waits", || {
                server.value(
                    "postgres",
                    "SELECT 1 FROM pg_stat_activity WHERE application_name = 'interrupted' AND wait_event = 'PgSleep'",
                )
            });
            psql.interrupt();
            let said = psql.finish();
            assert!(said.contains("canceling statement due to user request"), "{said}");
        }
    }
}
