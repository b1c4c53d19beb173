//! The primary is replaced by another server, and its sessions go there.

use super::{Ground, on_every_version};
use crate::support::{Lull, Postgres, Version, Wire, eventually, postgres::Stop};
use serde_json::Value;

/// A ground with another standby of the primary, of which lull has not been told.
fn with_successor(version: Version, test: impl Fn(&Ground, &Postgres)) {
    let ground = Ground::on(version);
    let successor = ground.primary.standby();
    test(&ground, &successor);
}

fn repoint(lull: &Lull, to: &Postgres, more: &[&str]) -> (Option<i32>, String) {
    let address = to.address.to_string();
    let arguments = [&["repoint", "main", "--primary", &address, "--json"], more].concat();
    let output = lull.cli(&arguments);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), text.concat())
}

#[track_caller]
fn assert_refused(answer: (Option<i32>, String), why: &str) {
    assert_eq!(answer.0, Some(5), "{answer:?}");
    assert!(answer.1.contains(why), "expected {why:?}: {answer:?}");
}

fn promote(standby: &Postgres) {
    standby.superuser("postgres").run("SELECT pg_promote()");
    eventually("it is a primary", || {
        let recovers = standby.value("postgres", "SELECT pg_is_in_recovery()");
        (recovers.as_deref() == Some("f")).then_some(())
    });
}

/// The primary goes away, and the successor has all that it had.
fn hand_over(ground: &Ground, successor: &Postgres) {
    ground.primary.stop(Stop::Fast);
    promote(successor);
}

#[track_caller]
fn assert_on(server: &Postgres, client: &mut Wire) {
    let port = client.value("SELECT inet_server_port()");
    assert_eq!(port, Some(server.address.port().to_string()));
}

fn configured(ground: &Ground, primary: &Postgres) -> String {
    let replicas = format!("replicas = [\"{}\"]", ground.standby.address);
    let text = ground
        .lull
        .addresses
        .config(&replicas, "[cluster.auth]\npeer = true\n");
    let primary_is = |server: &Postgres| format!("primary = \"{}\"", server.address);
    text.replace(&primary_is(&ground.primary), &primary_is(primary))
}

#[test]
fn sessions_go_to_the_server_that_has_taken_the_primarys_place() {
    for version in Version::ALL {
        with_successor(version, |ground, successor| {
            let mut client = ground.client();
            client.run("INSERT INTO t VALUES (1); PREPARE p AS SELECT sum(n) FROM t; SET work_mem = '5MB'");
            assert_refused(repoint(&ground.lull, successor, &[]), "it is in recovery");
            ground.moved(&[]);
            let stranger = Postgres::start(version);
            stranger
                .superuser("postgres")
                .run("CREATE DATABASE shop OWNER app");
            assert_refused(repoint(&ground.lull, &stranger, &[]), "its system identifier is");
            hand_over(ground, successor);
            let mut superuser = successor.superuser("postgres");
            superuser.run("ALTER SYSTEM SET default_transaction_read_only = on");
            superuser.run("SELECT pg_reload_conf()");
            eventually("it lets nobody write", || {
                let answer = repoint(&ground.lull, successor, &[]);
                answer.1.contains("nobody can write there").then_some(())
            });
            // The same is found out at the end.
            superuser.run("ALTER SYSTEM RESET default_transaction_read_only");
            superuser.run("SELECT pg_reload_conf()");
            let answer = eventually("it is taken", || {
                let answer = repoint(&ground.lull, successor, &[]);
                (answer.0 == Some(0)).then_some(answer.1)
            });
            let answer: Value = serde_json::from_str(answer.trim()).expect("JSON");
            assert_eq!(answer["primary"], successor.address.to_string(), "{answer}");
            assert_eq!(answer["before"], ground.primary.address.to_string(), "{answer}");
            assert_eq!(answer["timeline"], 2, "{answer}");
            ground.assert_on_replica(&mut client);
            Wire::login(ground.lull.bypass(), "app", "shop").run("INSERT INTO t VALUES (2)");
            ground.lull.lifted("all");
            assert_on(successor, &mut client);
            assert_eq!(client.value("EXECUTE p").as_deref(), Some("3"));
            assert_eq!(client.value("SHOW work_mem").as_deref(), Some("5MB"));
            client.run("INSERT INTO t VALUES (4)");
            assert_on(successor, &mut ground.client());
        });
    }
}

#[test]
fn a_server_that_is_older_than_the_fence_takes_no_sessions_unless_the_operator_knows_better() {
    with_successor(Version::Newest, |ground, successor| {
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (1)");
        successor.stop(Stop::Fast);
        client.run("INSERT INTO t VALUES (2)");
        ground.moved(&[]);
        ground.primary.stop(Stop::Fast);
        successor.start_again();
        promote(successor);
        assert_refused(repoint(&ground.lull, successor, &[]), "older than the fence");
        let answer = repoint(&ground.lull, successor, &["--other-system"]);
        assert_eq!(answer.0, Some(0), "{answer:?}");
        ground.lull.lifted("all");
        assert_on(successor, &mut client);
        assert_eq!(client.value("SELECT sum(n) FROM t").as_deref(), Some("1"));
    });
}

#[test]
fn a_standby_with_sessions_becomes_the_primary_and_has_them_again_as_that() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (1); PREPARE p AS SELECT sum(n) FROM t");
        ground.moved(&[]);
        ground.primary.stop(Stop::Fast);
        promote(&ground.standby);
        // Whether it is there or elsewhere by now, it cannot write.
        let refused = client.query("INSERT INTO t VALUES (2)");
        assert!(refused.error().is_some(), "{refused:?}");
        let answer = repoint(&ground.lull, &ground.standby, &[]);
        assert_eq!(answer.0, Some(0), "{answer:?}");
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (2)");
        assert_eq!(client.value("EXECUTE p").as_deref(), Some("3"));
        assert_on(&ground.standby, &mut client);
    });
}

#[test]
fn a_reload_with_another_primary_in_the_file_does_the_same() {
    on_every_version(|ground| {
        let successor = ground.primary.standby();
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (1)");
        ground.moved(&[]);
        hand_over(ground, &successor);
        ground.lull.write_config(&configured(ground, &successor));
        let reloaded = ground.lull.cli(&["reload"]);
        assert!(reloaded.status.success(), "{reloaded:?}");
        ground.assert_on_replica(&mut client);
        ground.lull.lifted("all");
        assert_on(&successor, &mut client);
        client.run("INSERT INTO t VALUES (2)");
    });
}

#[test]
fn a_lull_does_not_end_while_the_primary_is_not_what_it_was() {
    with_successor(Version::Newest, |ground, successor| {
        let mut client = ground.client();
        ground.moved(&[]);
        let reload = |primary: &Postgres| {
            ground.lull.write_config(&configured(ground, primary));
            assert!(ground.lull.cli(&["reload"]).status.success());
        };
        reload(successor);
        let refused = ground.lull.off("all");
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(5), "{text}");
        assert!(
            text.contains("stays open") && text.contains("it is in recovery"),
            "{text}"
        );
        ground.assert_on_replica(&mut client);
        reload(&ground.primary);
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (1)");
    });
}

#[test]
fn who_would_be_left_on_the_old_primary_keeps_it_the_primary() {
    with_successor(Version::Newest, |ground, successor| {
        let (mut bound, mut free) = (ground.client(), ground.client());
        bound.run("SELECT pg_advisory_lock(1)");
        let why = "1 sessions of main are on the primary that it has";
        ground.moved(&[]);
        eventually("the successor has come to the fence", || {
            let there = "SELECT pg_last_wal_replay_lsn()";
            (successor.value("shop", there) == ground.standby.value("shop", there)).then_some(())
        });
        promote(successor);
        assert_refused(repoint(&ground.lull, successor, &[]), why);
        ground.lull.write_config(&configured(ground, successor));
        let refused = ground.lull.cli(&["reload"]);
        assert_eq!(refused.status.code(), Some(5), "{refused:?}");
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains(why),
            "{refused:?}"
        );
        ground.lull.lifted("all");
        bound.run("INSERT INTO t VALUES (1)");
        ground.assert_on_primary(&mut free);
        assert_on(&ground.primary, &mut free);
    });
}

#[test]
fn a_repoint_outlives_lull_until_the_file_names_another_primary_than_it_did() {
    with_successor(Version::Newest, |ground, successor| {
        drop(ground.client());
        ground.moved(&[]);
        hand_over(ground, successor);
        let answer = repoint(&ground.lull, successor, &[]);
        assert!(answer.1.contains("change it there too"), "{answer:?}");
        ground.lull.restart();
        drop(ground.client());
        ground.lull.lifted("all");
        let mut client = ground.client();
        assert_on(successor, &mut client);
        client.run("INSERT INTO t VALUES (1)");
        // The file says what it said then.
        assert!(ground.lull.cli(&["reload"]).status.success());
        assert_on(successor, &mut ground.client());
        // It says what holds, and later what held before: that is the last word.
        for primary in [successor, &ground.primary] {
            ground.lull.write_config(&configured(ground, primary));
            assert!(ground.lull.cli(&["reload"]).status.success());
        }
        assert!(Wire::try_login(ground.lull.address(), "app", "shop").is_err());
        ground.primary.start_again();
        assert_on(&ground.primary, &mut ground.client());
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let ground = Ground::on(Version::Newest);
    let listen = ground.lull.addresses.listen.to_string();
    for (cluster, to, why) in [
        ("nowhere", "127.0.0.1:1", "there is no cluster"),
        ("main/shop", "127.0.0.1:1", "takes a cluster"),
        ("main", listen.as_str(), "is lull itself"),
        ("main", "127.0.0.1:1", "cannot be the primary"),
    ] {
        let output = ground.lull.cli(&["repoint", cluster, "--primary", to]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{text}");
        assert!(text.contains(why), "{text}");
    }
    // To where it is already: nothing changes.
    let _client = ground.client();
    let answer = repoint(&ground.lull, &ground.primary, &[]);
    assert_eq!(answer.0, Some(0), "{answer:?}");
}
