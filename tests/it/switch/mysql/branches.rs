//! XA: branches that are open when a lull opens, and those that are prepared.

use super::{assert_refused, assert_told_of_drain, fates};
use crate::support::mysql::{Database, Flavor, Server, Wire};
use crate::support::{Lull, eventually};

const WRITE: &str = "INSERT INTO t VALUES (2)";
const SHORT: &str = "300ms";

/// On a server of its own: branches belong to no database. The client may XA RECOVER.
fn on_both_alone(body: impl Fn(&Lull, &Database<'_>, &mut Wire)) {
    for flavor in Flavor::ALL {
        let server = Server::start(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(&server);
        let mut client = Wire::login(lull.address(), "root", &db.name);
        body(&lull, &db, &mut client);
    }
}

fn rows(db: &Database<'_>) -> Option<String> {
    db.value("SELECT coalesce(group_concat(n ORDER BY n), '') FROM t")
}

fn branches(db: &Database<'_>) -> usize {
    db.superuser().run("XA RECOVER").rows().len()
}

fn on(lull: &Lull, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    let output = lull.on("all", arguments);
    (
        output.status.code(),
        serde_json::from_slice(&output.stdout).unwrap_or_default(),
    )
}

#[test]
fn a_branch_that_is_open_may_finish_or_is_rolled_back_with_its_connection_kept() {
    on_both_alone(|lull, db, client| {
        for end in [&[][..], &["XA END 'a,b','c',7"]] {
            client.run("XA START 'a,b','c',7");
            client.run("INSERT INTO t VALUES (1)");
            for statement in end {
                client.run(statement);
            }
            let (code, opened) = on(lull, &["--drain", SHORT, "--stragglers", "report"]);
            assert_eq!(
                (code, fates(&opened)),
                (Some(3), vec!["reported"]),
                "{end:?}: {opened}"
            );
            let (code, opened) = on(lull, &["--drain", SHORT]);
            assert_eq!(
                (code, fates(&opened)),
                (Some(0), vec!["aborted"]),
                "{end:?}: {opened}"
            );
            assert_eq!(branches(db), 0);
            let mut migration = db.superuser();
            migration.run("SET lock_wait_timeout = 5");
            migration.run("ALTER TABLE t ADD COLUMN m INT");
            migration.run("ALTER TABLE t DROP COLUMN m");
            assert_told_of_drain(&client.query("XA END 'a,b','c',7"), "its next word");
            assert_refused(&client.query(WRITE), "behind it");
            assert_eq!(
                client.value("SELECT connection_id()"),
                Some(client.id().to_string())
            );
            lull.lifted("all");
            assert_eq!(rows(db).as_deref(), Some(""));
        }
        client.run("XA START 'a'");
        client.run("INSERT INTO t VALUES (1)");
        client.run("XA END 'a'");
        client.run("XA COMMIT 'a' ONE PHASE");
        lull.fenced("all", &[]);
        assert_refused(&client.query(WRITE), "the branch is over");
        lull.lifted("all");
        assert_eq!(rows(db).as_deref(), Some("1"));
    });
}

#[test]
fn a_branch_of_ones_own_that_has_only_read_ends_as_its_client_says() {
    on_both_alone(|lull, db, client| {
        let ends: [&[&str]; 3] = [
            &["XA END 'mine'", "XA ROLLBACK 'mine'"],
            &["XA END 'mine'", "XA COMMIT 'mine' ONE PHASE"],
            &["XA END 'mine'", "xa /* */ rollback X'6d696e65'"],
        ];
        for end in ends {
            for begun_before in [true, false] {
                if begun_before {
                    client.run("XA START 'mine'");
                    client.value("SELECT count(*) FROM t");
                }
                lull.fenced("all", &[]);
                if !begun_before {
                    client.run("XA START 'mine'");
                    assert_refused(&client.query(WRITE), "in the branch");
                }
                client.value("SELECT count(*) FROM t");
                for statement in end {
                    client.run(statement);
                }
                assert_refused(&client.query(WRITE), "behind it");
                assert_eq!(client.value("SELECT 1").as_deref(), Some("1"));
                lull.lifted("all");
            }
        }
        assert_eq!((rows(db).as_deref(), branches(db)), (Some(""), 0));
    });
}

#[test]
fn nobody_decides_over_another_branch_by_the_end_of_ones_own() {
    on_both_alone(|lull, db, client| {
        let mut other = Wire::login(lull.address(), "root", &db.name);
        for statement in [
            "XA START 'theirs'",
            WRITE,
            "XA END 'theirs'",
            "XA PREPARE 'theirs'",
        ] {
            other.run(statement);
        }
        let id = other.id();
        drop(other);
        db.server.wait_for_end_of(id);
        let (code, opened) = on(lull, &["--drain", SHORT, "--prepared", "ignore"]);
        assert_eq!(code, Some(0), "{opened}");
        let ends = [
            "XA ROLLBACK 'theirs'",
            "XA COMMIT 'theirs'",
            "XA COMMIT 'theirs' ONE PHASE",
        ];
        for begin in [
            &["DO 0"][..],
            &["BEGIN"],
            &["XA START 'mine'"],
            &["XA START 'mine'", "XA END 'mine'"],
        ] {
            for statement in begin {
                client.run(statement);
            }
            for end in ends {
                assert!(client.query(end).error().is_some(), "{begin:?}, {end}");
            }
            assert_eq!(branches(db), 1, "{begin:?}");
            client.query("XA END 'mine'");
            client.query("XA ROLLBACK 'mine'");
            client.query("ROLLBACK");
        }
        lull.lifted("all");
        assert_eq!(rows(db).as_deref(), Some(""), "nothing of it is decided");
        db.superuser().run("XA ROLLBACK 'theirs'");
    });
}

#[test]
fn a_prepared_branch_is_named_and_keeps_the_fence_away_unless_told_otherwise() {
    on_both_alone(|lull, db, client| {
        client.run("XA START 'order-17'");
        client.run("INSERT INTO t VALUES (1)");
        client.run("XA END 'order-17'");
        client.run("XA PREPARE 'order-17'");
        // Whoever prepared it has left.
        let id = client.id();
        *client = Wire::login(lull.address(), "root", &db.name);
        db.server.wait_for_end_of(id);
        assert_eq!(branches(db), 1);
        let (code, opened) = on(lull, &["--drain", SHORT]);
        assert_eq!((code, &opened["fenced"]), (Some(3), &false.into()), "{opened}");
        let named = format!("{}", opened["prepared"]);
        assert!(named.contains("order-17"), "{opened}");
        for end in ["XA COMMIT 'order-17'", "XA ROLLBACK 'order-17'"] {
            assert_refused(&client.query(end), end);
        }
        let (code, opened) = on(lull, &["--drain", SHORT, "--prepared", "ignore"]);
        assert_eq!(code, Some(0), "{opened}");
        lull.lifted("all");
        client.run("XA COMMIT 'order-17'");
        assert_eq!(rows(db).as_deref(), Some("1"));
        lull.fenced("all", &[]);
    });
}

#[test]
fn a_session_that_holds_a_prepared_branch_keeps_it_through_a_lull() {
    on_both_alone(|lull, db, client| {
        client.run("XA START 'order-18'");
        client.run("INSERT INTO t VALUES (1)");
        client.run("XA END 'order-18'");
        client.run("XA PREPARE 'order-18'");
        let (code, opened) = on(lull, &["--drain", SHORT, "--prepared", "ignore"]);
        assert_eq!(code, Some(0), "{opened}");
        for end in ["XA COMMIT 'order-18'", "XA ROLLBACK 'order-18'"] {
            assert_refused(&client.query(end), end);
        }
        assert_eq!(branches(db), 1);
        assert_eq!(client.value("SELECT 1").as_deref(), Some("1"));
        lull.lifted("all");
        eventually("it may commit", || {
            client
                .query("XA COMMIT 'order-18'")
                .error()
                .is_none()
                .then_some(())
        });
        assert_eq!(rows(db).as_deref(), Some("1"));
    });
}

#[test]
fn where_nobody_may_look_for_prepared_branches_the_operator_is_told_by_which_right_lull_could() {
    for flavor in Flavor::ALL {
        let server = Server::start(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(&server);
        let mut around = db.superuser();
        for sql in [
            "XA START 'order-19'",
            "INSERT INTO t VALUES (1)",
            "XA END 'order-19'",
            "XA PREPARE 'order-19'",
        ] {
            around.run(sql);
        }
        let id = around.id();
        drop(around);
        server.wait_for_end_of(id);
        let mut client = Wire::login(lull.address(), "app", &db.name);
        let (code, opened) = on(&lull, &["--drain", SHORT]);
        if flavor == Flavor::MySql {
            assert_eq!((code, &opened["fenced"]), (Some(0), &true.into()), "{opened}");
            let warnings = format!("{}", opened["warnings"]);
            for word in ["app", "GRANT XA_RECOVER_ADMIN", "main"] {
                assert!(warnings.contains(word), "{opened}");
            }
            let status = lull.status_json();
            assert_eq!(status["fences"][0]["warnings"], opened["warnings"], "{status}");
            for text in [lull.cli(&["status"]), lull.cli(&["on", "all", "--drain", SHORT])] {
                let shown = String::from_utf8_lossy(&text.stdout).into_owned();
                assert!(shown.contains("GRANT XA_RECOVER_ADMIN"), "{shown}");
            }
        } else {
            // MariaDB tells everybody.
            assert_eq!(code, Some(3), "{opened}");
            assert_eq!(opened["warnings"], serde_json::json!([]), "{opened}");
        }
        assert_refused(&client.query(WRITE), WRITE);
        lull.lifted("all");
        // One that may is asked, wherever its session is.
        let _admin = Wire::login(lull.address(), "root", "");
        let output = lull.on(&format!("main/{}", db.name), &["--drain", SHORT]);
        let opened: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{opened}");
        assert!(format!("{}", opened["prepared"]).contains("order-19"), "{opened}");
        db.superuser().run("XA ROLLBACK 'order-19'");
    }
}
