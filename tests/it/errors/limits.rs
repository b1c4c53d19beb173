//! Limits that are reached: an error with the limit's name, a metric, a line in the log, and everybody else goes on.

use super::{Bystander, counted, logged, said};
use crate::support::{Lull, Postgres, Version, Wire, eventually, frames};

fn with_limits(server: &Postgres, limits: &str) -> Lull {
    Lull::with_config(server.address, |addresses| addresses.config(limits, ""))
}

#[test]
fn one_client_too_many_is_told_so_and_gets_in_when_another_has_left() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = with_limits(db.server, "connections_max = 2");
    let mut bystander = Bystander::at(&lull, &db.name);
    let second = Wire::login(lull.address(), "app", &db.name);
    let mut third = Wire::connect(lull.address()).unwrap();
    let replies = third.until_closed();
    let (severity, sqlstate, sentence) = said(replies.error());
    assert_eq!((severity, sqlstate), ("FATAL", "53300"));
    assert!(
        sentence.contains("too many clients") && sentence.contains("connections_max"),
        "{sentence}"
    );
    counted(&lull, "lull_limit_hits_total{limit=\"connections_max\"}");
    counted(&lull, "lull_logins_total{result=\"limit\"}");
    logged(&lull, &["too many clients"]);
    bystander.goes_on();
    drop(second);
    eventually("the place of one who left is free", || {
        Wire::try_login(lull.address(), "app", &db.name).ok()
    });
    bystander.goes_on();
}

#[test]
fn a_statement_too_large_to_be_inspected_is_refused_in_a_lull_only() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = with_limits(db.server, "inspect_bytes_max = \"64KiB\"");
    let mut bystander = Bystander::at(&lull, &db.name);
    let mut client = Wire::login(lull.address(), "app", &db.name);
    let large = format!("SELECT length('{}')", "x".repeat(300_000));
    assert_eq!(client.value(&large).as_deref(), Some("300000"));
    lull.fenced("all", &[]);
    for replies in [client.query(&large), client.extended(&large, &[])] {
        let error = replies.error().unwrap();
        assert_eq!(said(Some(error)).0, "ERROR");
        assert_eq!((error.field(b'C'), replies.status()), (Some("25006"), Some('I')));
        assert!(
            error.field(b'D').unwrap().contains("inspect_bytes_max"),
            "{error:?}"
        );
    }
    let argument = "x".repeat(300_000);
    let replies = client.extended("SELECT length($1)", &[Some(&argument)]);
    assert!(
        replies
            .error()
            .unwrap()
            .field(b'D')
            .unwrap()
            .contains("inspect_bytes_max")
    );
    assert_eq!(client.value("SELECT 1").as_deref(), Some("1"));
    bystander.goes_on();
    assert!(lull.metric("lull_limit_hits_total{limit=\"inspect_bytes_max\"}") >= 3.0);
    logged(&lull, &["inspect_bytes_max"]);
    lull.lifted("all");
    assert_eq!(client.value(&large).as_deref(), Some("300000"));
}

#[test]
fn one_prepared_statement_too_many_is_refused_in_a_lull_and_the_others_stay() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = with_limits(db.server, "prepared_statements_max = 3");
    let mut bystander = Bystander::at(&lull, &db.name);
    let mut client = Wire::login(lull.address(), "app", &db.name);
    lull.fenced("all", &[]);
    let prepare = |name: &str| [frames::parse(name, "SELECT 7"), frames::sync()].concat();
    let run = |name: &str| {
        [
            frames::bind("", name, &[]),
            frames::execute("", 0),
            frames::sync(),
        ]
        .concat()
    };
    for name in ["a", "b", "c"] {
        client.send(&prepare(name)).until_ready().expect_success(name);
    }
    let replies = client.send(&prepare("d")).until_ready();
    let error = replies.error().unwrap();
    assert_eq!((said(Some(error)).1, replies.tags().as_str()), ("25006", "EZ"));
    assert!(
        error.field(b'D').unwrap().contains("prepared_statements_max"),
        "{error:?}"
    );
    assert_eq!(client.send(&run("a")).until_ready().value().as_deref(), Some("7"));
    client
        .send(&[frames::close_statement("b"), frames::sync()].concat())
        .until_ready();
    client
        .send(&prepare("d"))
        .until_ready()
        .expect_success("in the place of one that was closed");
    assert_eq!(client.send(&run("d")).until_ready().value().as_deref(), Some("7"));
    bystander.goes_on();
    counted(&lull, "lull_limit_hits_total{limit=\"prepared_statements_max\"}");
    logged(&lull, &["prepared_statements_max"]);
}

#[test]
fn a_startup_packet_beyond_its_limit_is_an_error_of_the_client() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = with_limits(db.server, "startup_bytes_max = 2000");
    let mut bystander = Bystander::at(&lull, &db.name);
    let long = "x".repeat(3000);
    let mut client = Wire::connect(lull.address()).unwrap();
    client.send(&frames::startup(
        frames::PROTOCOL_3_0,
        &[("user", "app"), ("application_name", &long)],
    ));
    let replies = client.until_closed();
    let (severity, sqlstate, sentence) = said(replies.error());
    assert_eq!((severity, sqlstate), ("FATAL", "08P01"));
    assert!(sentence.contains("2000"), "{sentence}");
    counted(&lull, "lull_limit_hits_total{limit=\"startup_bytes_max\"}");
    bystander.goes_on();
}

#[test]
fn who_dawdles_at_the_login_is_told_when_the_time_is_over() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = with_limits(db.server, "login_timeout = \"1s\"");
    let mut bystander = Bystander::at(&lull, &db.name);
    let startup = frames::startup(frames::PROTOCOL_3_0, &[("user", "app"), ("database", &db.name)]);
    // Nothing at all; half a packet; a packet's bytes one by one, each well in time.
    let mut silent = Wire::connect(lull.address()).unwrap();
    let mut half = Wire::connect(lull.address()).unwrap();
    half.send(&startup[..startup.len() / 2]);
    let mut slow = Wire::connect(lull.address()).unwrap();
    for byte in &startup[..startup.len() - 1] {
        if slow.try_send(&[*byte]).is_err() || !slow.silent_for(std::time::Duration::from_millis(60)) {
            break;
        }
    }
    for client in [&mut silent, &mut half, &mut slow] {
        let replies = client.until_closed();
        let (severity, sqlstate, sentence) = said(replies.error());
        assert_eq!((severity, sqlstate), ("FATAL", "57014"));
        assert!(sentence.contains("login_timeout"), "{sentence}");
    }
    assert!(lull.metric("lull_limit_hits_total{limit=\"login_timeout\"}") >= 3.0);
    assert!(lull.metric("lull_logins_total{result=\"timeout\"}") >= 3.0);
    logged(&lull, &["login_timeout"]);
    bystander.goes_on();
}
