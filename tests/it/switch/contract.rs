//! The operator's contract: exit codes, `--json`, scopes, prepared transactions, the position, and lulls that end by
//! themselves.

use super::{Ground, assert_refused, fates, on_every_version};
use crate::support::{Lull, Postgres, Settings, Version, Wire, eventually};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

const WRITE: &str = "INSERT INTO t VALUES (1)";

#[track_caller]
fn code(lull: &Lull, arguments: &[&str]) -> (i32, serde_json::Value) {
    let output = lull.cli(arguments);
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().expect("an exit code"), json)
}

#[test]
fn exit_codes_and_json_are_as_the_contract_says() {
    on_every_version(|ground| {
        let lull = &ground.lull;
        let mut client = ground.client();
        let (exit, json) = code(lull, &["on", "--json", "--reason", "upgrade", "--for", "2h"]);
        assert_eq!(exit, 0);
        for key in [
            "scope",
            "generation",
            "sessions",
            "fenced_ms",
            "position",
            "stragglers",
        ] {
            assert!(!json[key].is_null(), "{key}: {json}");
        }
        assert_eq!(
            (&json["scope"], &json["sessions"], &json["fenced"]),
            (&"all".into(), &1.into(), &true.into())
        );
        let (exit, again) = code(lull, &["on", "--json"]);
        assert_eq!(exit, 0);
        assert!(
            again["generation"].as_u64() > json["generation"].as_u64(),
            "{json} {again}"
        );
        let (exit, status) = code(lull, &["status", "--json"]);
        assert_eq!(
            (exit, status["lulls"].as_array().map(Vec::len)),
            (0, Some(1)),
            "{status}"
        );
        let (exit, sessions) = code(lull, &["sessions", "--json"]);
        assert_eq!(
            (exit, &sessions[0]["mode"], &sessions[0]["user"]),
            (0, &"read-only".into(), &"app".into()),
            "{sessions}"
        );
        assert_eq!(code(lull, &["off", "--json"]).1["existed"], true);
        assert_eq!(code(lull, &["off", "--json"]).1["existed"], false);
        assert_eq!(
            code(lull, &["on", "main/not_yet_there", "--json"]).0,
            0,
            "a database that does not exist yet"
        );
        assert_eq!(code(lull, &["off", "main/not_yet_there"]).0, 0);
        for arguments in [
            &["on", "nowhere"][..],
            &["off", "nowhere"],
            &["on", "main/"],
            &["status", "main@app"],
            &["on", "main/*"],
        ] {
            assert_eq!(code(lull, arguments).0, 5, "{arguments:?}");
        }
        for arguments in [
            &["on", "--drain", "soon"][..],
            &["on", "--stragglers", "shout"],
            &["of"],
            &["on", "a", "b"],
            &[],
        ] {
            assert_eq!(code(lull, arguments).0, 2, "{arguments:?}");
        }
        client.run(WRITE);
        client.run("BEGIN; DELETE FROM t");
        assert_eq!(
            code(lull, &["on", "--drain", "200ms", "--stragglers", "report"]).0,
            3
        );
        assert_eq!(code(lull, &["off"]).0, 0);
        assert_eq!(code(lull, &["shutdown", "--json"]).0, 0);
        client.run("ROLLBACK");
        assert_eq!(lull.wait(), Some(0));
        for verb in ["on", "off", "status", "sessions", "reload", "shutdown"] {
            assert_eq!(code(lull, &[verb]).0, 4, "{verb}");
        }
    });
}

#[test]
fn the_most_specific_lull_wins_all_are_shown_and_closing_one_leaves_the_others() {
    on_every_version(|ground| {
        let (lull, name) = (&ground.lull, &ground.db.name);
        let mut app = ground.client();
        let mut boss = Wire::login(lull.address(), "postgres", name);
        let mut elsewhere = Wire::login(lull.address(), "postgres", "postgres");
        let reason = |client: &mut Wire| {
            let refused = client.query("CREATE TABLE u ()");
            let detail = refused
                .error()
                .and_then(|error| error.field(b'D'))
                .unwrap_or_default();
            let named = [
                "everything",
                "one cluster",
                "one database",
                "one user",
                "one pair",
            ];
            let found = named.iter().find(|reason| detail.contains(**reason)).copied();
            if refused.error().is_none() {
                client.run("DROP TABLE u");
            }
            found
        };
        let pair = format!("main/{name}@app");
        let database = format!("main/{name}");
        let scopes = [
            (pair.as_str(), "one pair", (true, false, false)),
            (database.as_str(), "one database", (true, true, false)),
            ("main/*@app", "one user", (true, false, false)),
            ("main", "one cluster", (true, true, true)),
            ("all", "everything", (true, true, true)),
        ];
        ground.db.superuser().run("GRANT CREATE ON SCHEMA public TO app");
        for (scope, why, (covers_app, covers_boss, covers_elsewhere)) in scopes {
            lull.fenced(scope, &["--reason", why]);
            assert_eq!(reason(&mut app), covers_app.then_some(why), "{scope}");
            assert_eq!(reason(&mut boss), covers_boss.then_some(why), "{scope}");
            assert_eq!(reason(&mut elsewhere), covers_elsewhere.then_some(why), "{scope}");
            lull.lifted(scope);
        }
        for (scope, why, _) in scopes.iter().rev() {
            lull.fenced(scope, &["--reason", why]);
        }
        assert_eq!(ground.lulls().len(), 5);
        let (exit, status) = code(lull, &["status", &database, "--json"]);
        assert_eq!(
            (exit, status["lulls"].as_array().map(Vec::len)),
            (0, Some(5)),
            "{status}"
        );
        for (scope, why, _) in scopes {
            assert_eq!(reason(&mut app), Some(why), "{scope}");
            lull.lifted(scope);
        }
        assert_eq!(
            (reason(&mut app), reason(&mut boss), reason(&mut elsewhere)),
            (None, None, None)
        );
    });
}

#[test]
fn the_bypass_and_its_users_go_on_writing() {
    on_every_version(|ground| {
        let lull = Lull::with_config(ground.db.server.address, |addresses| {
            addresses.config("bypass_users = [\"postgres\"]", "")
        });
        let name = &ground.db.name;
        let mut client = Wire::login(lull.address(), "app", name);
        let mut bypass = Wire::login(lull.bypass(), "app", name);
        let mut migrator = Wire::login(lull.address(), "postgres", name);
        bypass.run("BEGIN; INSERT INTO t VALUES (1)");
        let opened = lull.fenced("all", &["--drain", "5s", "--stragglers", "report"]);
        assert_eq!(opened["sessions"], 1, "{opened}");
        assert_refused(&client.query(WRITE), "a client");
        bypass.run("COMMIT");
        migrator.run("INSERT INTO t VALUES (2)");
        Wire::login(lull.bypass(), "app", name)
            .run("ALTER TABLE t ADD COLUMN v text; INSERT INTO t VALUES (3)");
        assert_eq!(
            client.value("SELECT count(v) + count(*) FROM t").as_deref(),
            Some("3")
        );
        assert_eq!(ground.rows(), "1,2,3");
    });
}

#[test]
fn a_lull_with_a_time_limit_ends_by_itself() {
    on_every_version(|ground| {
        let mut client = ground.client();
        ground.lull.fenced("all", &["--for", "2s"]);
        assert_refused(&client.query(WRITE), "in it");
        eventually("the lull has ended", || ground.lulls().is_empty().then_some(()));
        eventually("the client writes", || {
            client.query(WRITE).error().is_none().then_some(())
        });
    });
}

#[test]
fn prepared_transactions_are_listed_and_keep_the_fence_away_unless_told_otherwise() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        let db = server.database();
        db.run("CREATE TABLE t (n int)");
        let lull = Lull::start(&server);
        let mut client = Wire::login(lull.address(), "app", &db.name);
        client.run("BEGIN; INSERT INTO t VALUES (1)");
        client.run("PREPARE TRANSACTION 'order-17'");
        let scope = format!("main/{}", db.name);
        let (exit, opened) = code(&lull, &["on", &scope, "--json", "--drain", "300ms"]);
        assert_eq!((exit, &opened["fenced"]), (3, &false.into()), "{opened}");
        let listed = &opened["prepared"][0];
        assert_eq!(
            (&listed["gid"], &listed["owner"]),
            (&"order-17".into(), &"app".into()),
            "{opened}"
        );
        assert_refused(&client.query("COMMIT PREPARED 'order-17'"), "COMMIT PREPARED");
        let (exit, opened) = code(
            &lull,
            &["on", &scope, "--json", "--drain", "300ms", "--prepared", "ignore"],
        );
        assert_eq!(
            (exit, &opened["prepared"][0]["gid"]),
            (0, &"order-17".into()),
            "{opened}"
        );
        let elsewhere = code(&lull, &["on", "main/postgres", "--json", "--drain", "300ms"]);
        assert_eq!(elsewhere.0, 0, "of another database");
        lull.lifted(&scope);
        client.run("COMMIT PREPARED 'order-17'");
        assert_eq!(code(&lull, &["on", &scope, "--drain", "300ms"]).0, 0);
    }
}

#[test]
fn every_write_that_was_acknowledged_before_the_fence_lies_at_or_before_its_position() {
    for version in Version::ALL {
        let server = Postgres::start_with(Settings::of(version).setting("track_commit_timestamp", "on"));
        let db = server.database();
        db.run("CREATE TABLE t (n int)");
        if !db.extension("pg_walinspect") {
            assert_eq!(version, Version::Newest, "the distribution has it");
            continue;
        }
        let lull = Lull::start(&server);
        let stop = AtomicBool::new(false);
        let mut written = Vec::new();
        let start = db.value("SELECT pg_current_wal_insert_lsn()").unwrap();
        let mut position = String::new();
        std::thread::scope(|threads| {
            let writers: Vec<_> = (0..4)
                .map(|_| {
                    threads.spawn(|| {
                        let mut client = Wire::login(lull.address(), "app", &db.name);
                        let mut ids = Vec::new();
                        while !stop.load(Ordering::Relaxed) {
                            let replies =
                                client.query("INSERT INTO t VALUES (1) RETURNING pg_current_xact_id()");
                            if replies.error().is_none() {
                                ids.push(replies.value().expect("one row"));
                            }
                        }
                        ids
                    })
                })
                .collect();
            // Not at the first: on a busy machine the others may not have logged in by then.
            eventually("they write", || {
                let enough = db.value("SELECT count(*) > 20 FROM t");
                (enough.as_deref() == Some("t")).then_some(())
            });
            let opened = lull.fenced("all", &[]);
            position = opened["position"].as_str().expect("a position").to_owned();
            stop.store(true, Ordering::Relaxed);
            writers
                .into_iter()
                .for_each(|writer| written.extend(writer.join().expect("no panic")));
        });
        assert!(written.len() > 20, "{}", written.len());
        let records = format!(
            "SELECT count(*) FILTER (WHERE end_lsn <= '{position}'), count(*) FROM pg_get_wal_records_info('{start}', pg_current_wal_flush_lsn()) \
             WHERE record_type LIKE 'COMMIT%' AND xid::text IN ('{}')",
            written.join("','")
        );
        let found = db.superuser().run(&records).rows().remove(0);
        assert_eq!(
            found,
            [written.len().to_string(), written.len().to_string()],
            "position {position}"
        );
        let behind = format!("SELECT '{position}'::pg_lsn <= pg_current_wal_insert_lsn()");
        assert_eq!(db.value(&behind).as_deref(), Some("t"));
    }
}

#[test]
fn a_first_interrupt_without_a_terminal_takes_the_lull_back_and_so_does_a_caller_who_vanishes() {
    on_every_version(|ground| {
        for signal in ["INT", "TERM", "KILL"] {
            let mut client = ground.client();
            client.run("BEGIN; INSERT INTO t VALUES (1)");
            let mut opening = ground.opening(&["--drain", "30s"]);
            let status = Command::new("kill")
                .args(["-s", signal, &opening.0.id().to_string()])
                .status()
                .expect("kill runs");
            assert!(status.success());
            let exit = eventually("lull on ends", || opening.0.try_wait().expect("own child"));
            assert_eq!(exit.code(), (signal != "KILL").then_some(3), "{signal}");
            eventually("the lull was taken back", || {
                ground.lulls().is_empty().then_some(())
            });
            client.run("INSERT INTO t VALUES (2)");
            client.run("COMMIT");
            client.run(WRITE);
        }
    });
}

#[test]
fn psql_on_the_admin_socket_knows_every_verb_and_shows_the_drain_as_notices() {
    let ground = Ground::on(Postgres::shared(Version::Newest));
    let psql = |commands: &[&str]| {
        let mut psql = Command::new(Version::Newest.program("psql"));
        psql.arg("-h")
            .arg(ground.lull.directory())
            .args(["-X", "-d", "lull", "-v", "ON_ERROR_STOP=1"]);
        for command in commands {
            psql.args(["-c", command]);
        }
        let output = psql.stdin(Stdio::null()).output().expect("psql runs");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), text.concat())
    };
    let mut client = ground.client();
    client.run("BEGIN; INSERT INTO t VALUES (1)");
    let (exit, text) = psql(&["LULL ON main (REASON 'it''s time', DRAIN '2500ms', STRAGGLERS report)"]);
    assert_eq!(exit, Some(0), "{text}");
    assert!(
        text.contains("NOTICE:  0 of 1 sessions stand; 1 wait, 1 have written"),
        "{text}"
    );
    assert!(text.contains("WARNING:  the fence was not reached"), "{text}");
    client.run("COMMIT");
    eventually("the session stands, now that its transaction is over", || {
        psql(&["SHOW SESSIONS"]).1.contains("read-only").then_some(())
    });
    for (verb, word) in [
        ("SHOW LULLS", "it's time"),
        ("SHOW FENCE", "main"),
        ("SHOW SESSIONS", "read-only"),
        ("SHOW UPSTREAMS", "primary"),
        ("SHOW STATUS", "sessions main"),
        ("SHOW HELP", "LULL ON"),
        ("RELOAD", ""),
        ("LULL ON main;", "main"),
        ("LULL OFF main;", "main"),
        ("lull off main", "no lull was open"),
    ] {
        let (exit, text) = psql(&[verb]);
        assert!(exit == Some(0) && text.contains(word), "{verb}: {exit:?} {text}");
    }
    for (verb, word) in [
        ("LULL ON nowhere", "nowhere"),
        ("DROP TABLE t", "verbs are"),
        ("LULL ON (DRAIN 'soon')", "soon"),
    ] {
        let (exit, text) = psql(&[verb]);
        assert!(exit == Some(1) && text.contains(word), "{verb}: {exit:?} {text}");
    }
    assert_eq!(fates(&ground.lull.fenced("all", &[])), Vec::<&str>::new());
    drop(client);
    assert_eq!(psql(&["SHUTDOWN"]).0, Some(0));
    assert_eq!(ground.lull.wait(), Some(0));
}

#[test]
fn when_lull_stops_sessions_end_at_their_next_idle_moment_with_a_word() {
    on_every_version(|ground| {
        let mut idle = ground.client();
        let mut busy = ground.client();
        busy.run("BEGIN; INSERT INTO t VALUES (1)");
        ground.lull.signal("TERM");
        assert_eq!(idle.until_closed().error_code(), Some("57P01"));
        assert!(Wire::try_login(ground.lull.address(), "app", &ground.db.name).is_err());
        busy.run("INSERT INTO t VALUES (2)");
        assert_eq!(busy.query("COMMIT").commands(), ["COMMIT"]);
        assert_eq!(busy.until_closed().error_code(), Some("57P01"));
        assert_eq!(ground.lull.wait(), Some(0));
        assert_eq!(ground.rows(), "1,2");
    });
}
