//! Servers that are down, slow, not PostgreSQL, or die.

use super::{Bystander, counted, logged, said};
use crate::support::postgres::Stop;
use crate::support::{Lull, Postgres, Replies, Version, Wire, eventually, fake, frames, ports};
use std::net::SocketAddr;

fn in_front_of(upstream: SocketAddr, keys: &str) -> Lull {
    Lull::with_config(upstream, |addresses| addresses.config(keys, ""))
}

/// A login that fails.
fn turned_away(lull: &Lull) -> Replies {
    let mut client = Wire::connect(lull.address()).unwrap();
    client.send(&frames::startup(
        frames::PROTOCOL_3_0,
        &[("user", "app"), ("database", "postgres")],
    ));
    client.until_closed()
}

#[track_caller]
fn assert_blames_the_server(replies: &Replies, word: &str) {
    let (severity, sqlstate, sentence) = said(replies.error());
    assert_eq!((severity, sqlstate), ("FATAL", "08006"), "{sentence}");
    assert!(
        sentence.starts_with("the database server cannot be used") && sentence.contains(word),
        "{sentence}"
    );
    assert_eq!(replies.errors().len(), 1, "{replies:?}");
}

#[test]
fn a_server_that_is_down_is_reported_and_used_again_when_it_is_back() {
    let server = Postgres::start(Version::Newest);
    let lull = Lull::start(&server);
    server.stop(Stop::Fast);
    assert_blames_the_server(&turned_away(&lull), "refused");
    assert_eq!(lull.metric("lull_upstream_up"), 0.0);
    counted(&lull, "lull_upstream_errors_total{kind=\"refused\"}");
    counted(&lull, "lull_logins_total{result=\"upstream_unreachable\"}");
    logged(&lull, &["no login: upstream:", "refused"]);
    server.start_again();
    Wire::login(lull.address(), "app", "postgres").run("SELECT 1");
    assert_eq!(lull.metric("lull_upstream_up"), 1.0);
}

#[test]
fn a_server_that_accepts_and_says_nothing_costs_a_client_the_configured_time_and_no_more() {
    for (keys, limit) in [
        ("connect_timeout = \"300ms\"", "connect_timeout"),
        (
            "primary_sslmode = \"disable\"\nlogin_timeout = \"300ms\"",
            "login_timeout",
        ),
        ("login_timeout = \"300ms\"", "login_timeout"),
    ] {
        let lull = in_front_of(fake::silent(), keys);
        assert_blames_the_server(&turned_away(&lull), limit);
        counted(&lull, &format!("lull_limit_hits_total{{limit=\"{limit}\"}}"));
        counted(&lull, "lull_upstream_errors_total{kind=\"timeout\"}");
        logged(&lull, &[limit]);
    }
}

#[test]
fn a_server_that_hangs_up_or_is_none_is_reported_as_what_it_is() {
    let hangs_up = fake::serve(|_| Ok(()));
    let is_none = fake::serve(|client| client.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let lies = fake::serve(|client| client.send(&[b'R', 0, 0, 0, 1, 0, 0, 0, 0]));
    let plain = "primary_sslmode = \"disable\"";
    for (upstream, keys, kind) in [
        (hangs_up, plain, "lost"),
        (hangs_up, "", "lost"),
        (is_none, "", "protocol"),
        (lies, plain, "protocol"),
    ] {
        let lull = in_front_of(upstream, keys);
        assert_blames_the_server(&turned_away(&lull), "");
        let errors = lull.metrics();
        counted(&lull, &format!("lull_upstream_errors_total{{kind=\"{kind}\"}}"));
        assert!(errors.contains("lull_upstream_errors_total"));
    }
    let nowhere = in_front_of(ports::free(), "");
    assert_blames_the_server(&turned_away(&nowhere), "refused");
}

/// A server that says `last` in answer to the first query, and then is gone.
fn dies_after(last: Vec<u8>) -> SocketAddr {
    fake::serve(move |client| {
        client.log_in()?;
        let message = client.read()?;
        assert_eq!(message.tag, b'Q');
        client.send(&last)
    })
}

#[test]
fn a_server_that_dies_between_two_rows_is_reported_behind_the_rows_that_came() {
    let upstream = dies_after([fake::one_column(), fake::row("one"), fake::row("two")].concat());
    let lull = in_front_of(upstream, "");
    let mut client = Wire::login(lull.address(), "app", "postgres");
    let mut bystander = Wire::login(lull.address(), "app", "postgres");
    let replies = client.send(&frames::query("SELECT v FROM t")).until_closed();
    assert_eq!(replies.tags(), "TDDE");
    assert_blames_the_server(&replies, "closed the connection unexpectedly");
    counted(&lull, "lull_sessions_ended_total{who=\"upstream\",why=\"lost\"}");
    counted(&lull, "lull_upstream_errors_total{kind=\"lost\"}");
    logged(&lull, &["session ended: upstream:"]);
    assert_eq!(
        bystander.send(&frames::query("SELECT 1")).until_closed().tags(),
        "TDDE"
    );
}

#[test]
fn a_server_that_dies_in_the_middle_of_a_message_leaves_no_bytes_that_could_be_taken_for_its_rest() {
    let row = fake::row(&"x".repeat(1000));
    let sent = [fake::one_column(), row[..500].to_vec()].concat();
    let lull = in_front_of(dies_after(sent.clone()), "");
    let mut client = Wire::login(lull.address(), "app", "postgres");
    client.send(&frames::query("SELECT v FROM t"));
    let mut heard = vec![client.read()];
    assert_eq!(heard.remove(0).tag, b'T');
    let error = client.try_read().unwrap_err();
    assert_eq!(
        error.kind(),
        std::io::ErrorKind::UnexpectedEof,
        "the message is cut where it was cut"
    );
    counted(&lull, "lull_upstream_errors_total{kind=\"lost\"}");
}

#[test]
fn a_server_process_that_is_killed_in_mid_query_is_reported_to_its_own_client() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        let lull = Lull::start(&server);
        let mut client = Wire::login(lull.address(), "app", "postgres");
        client.send(&frames::query("SELECT 1; SELECT pg_sleep(60)"));
        let pid = client.pid();
        eventually("the query runs", || {
            server.value(
                "postgres",
                &format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep'"),
            )
        });
        server.signal_backend(pid, "KILL");
        let replies = client.until_closed();
        assert_blames_the_server(&replies, "closed the connection unexpectedly");
        counted(&lull, "lull_upstream_errors_total{kind=\"lost\"}");
        eventually("the server has recovered", || {
            Wire::try_login(lull.address(), "app", "postgres").ok()
        });
    }
}

#[test]
fn a_server_that_is_restarted_says_so_itself_and_a_lull_holds_over_it() {
    let server = Postgres::start(Version::Newest);
    server
        .superuser("postgres")
        .run("CREATE TABLE t (n int); ALTER TABLE t OWNER TO app; CHECKPOINT");
    let lull = Lull::start(&server);
    let mut idle = Wire::login(lull.address(), "app", "postgres");
    lull.fenced("all", &[]);
    let mut in_lull = Wire::login(lull.address(), "app", "postgres");
    assert_eq!(in_lull.query("DELETE FROM t").error_code(), Some("25006"));
    server.stop(Stop::Fast);
    for client in [&mut idle, &mut in_lull] {
        let replies = client.until_closed();
        assert_eq!(
            (said(replies.error()).0, said(replies.error()).1),
            ("FATAL", "57P01")
        );
        assert_eq!(replies.errors().len(), 1, "one last word is enough: {replies:?}");
    }
    counted(
        &lull,
        "lull_sessions_ended_total{who=\"upstream\",why=\"closed\"}",
    );
    assert_eq!(
        lull.metric("lull_upstream_errors_total"),
        0.0,
        "it took leave properly"
    );
    server.start_again();
    let mut client = Wire::login(lull.address(), "app", "postgres");
    assert_eq!(client.query("DELETE FROM t").error_code(), Some("25006"));
    lull.lifted("all");
    client.run("DELETE FROM t");
}

#[test]
fn one_cluster_that_is_down_does_not_touch_the_sessions_of_another() {
    let db = Postgres::shared(Version::Newest).database();
    let (second, down) = (ports::free(), ports::free());
    let other = format!(
        "[[cluster]]\nname = \"other\"\nprotocol = \"postgresql\"\nlisten = [\"{second}\"]\nprimary = \"{down}\"\n"
    );
    let lull = Lull::with_config(db.server.address, |addresses| addresses.config("", &other));
    let mut bystander = Bystander::at(&lull, &db.name);
    let mut client = Wire::connect(second).unwrap();
    client.send(&frames::startup(frames::PROTOCOL_3_0, &[("user", "app")]));
    assert_blames_the_server(&client.until_closed(), "refused");
    bystander.goes_on();
    assert_eq!(lull.metric("lull_upstream_up{cluster=\"other\"}"), 0.0);
    assert_eq!(lull.metric("lull_upstream_up{cluster=\"main\"}"), 1.0);
}
