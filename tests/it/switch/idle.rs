//! Sessions that sit idle in a pool when a lull opens and closes: what they were is what they are again.

use super::{Ground, assert_refused, on_every_version};
use crate::support::{Wire, frames};

const DEFAULT: &str = "SHOW default_transaction_read_only";
const WRITE: &str = "INSERT INTO t VALUES (1)";

#[test]
fn a_session_that_idled_long_before_is_read_only_when_on_returns_and_writes_after_off() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run(WRITE);
        let pid = client.value("SELECT pg_backend_pid()");
        ground.lull.fenced("all", &["--reason", "upgrade to 4.2"]);
        let refused = client.query(WRITE);
        assert_refused(&refused, WRITE);
        assert_eq!(
            refused.error_message(),
            Some("cannot execute INSERT in a read-only transaction")
        );
        assert!(format!("{refused:?}").contains("upgrade to 4.2"));
        assert_eq!(refused.status(), Some('I'));
        assert_refused(&client.extended("INSERT INTO t VALUES ($1)", &[Some("2")]), WRITE);
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (3)");
        assert_eq!(client.value("SELECT pg_backend_pid()"), pid);
        assert_eq!(client.value(DEFAULT).as_deref(), Some("off"));
        assert_eq!(ground.rows(), "1,3");
    });
}

#[test]
fn prepared_statements_settings_temporary_tables_listen_and_advisory_locks_outlive_a_lull() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run("CREATE TEMP TABLE own (n int); INSERT INTO own VALUES (1)");
        client.run("SET work_mem = '7777kB'; SET myapp.tenant = 'x'; LISTEN news");
        client.run("SELECT pg_advisory_lock(4711); PREPARE sql_write AS INSERT INTO t VALUES ($1)");
        let named = [
            frames::parse("reads", "SELECT count(*) FROM t"),
            frames::parse("writes", "INSERT INTO t VALUES (7)"),
            frames::sync(),
        ];
        client.send(&named.concat()).until_ready().expect_success("Parse");
        let run = |client: &mut Wire, name: &str| {
            let bind = [
                frames::bind("", name, &[]),
                frames::execute("", 0),
                frames::sync(),
            ];
            client.send(&bind.concat()).until_ready()
        };
        let kept = |client: &mut Wire| {
            assert_eq!(client.value("SHOW work_mem").as_deref(), Some("7777kB"));
            assert_eq!(client.value("SHOW myapp.tenant").as_deref(), Some("x"));
            assert_eq!(
                client.value("SELECT * FROM pg_listening_channels()").as_deref(),
                Some("news")
            );
            let locks =
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
            assert_eq!(client.value(locks).as_deref(), Some("1"));
        };
        ground.lull.fenced("all", &[]);
        kept(&mut client);
        client.run("INSERT INTO own VALUES (2)");
        run(&mut client, "reads").expect_success("a statement prepared before");
        assert_refused(&run(&mut client, "writes"), "a statement prepared before");
        assert_refused(&client.query("EXECUTE sql_write(1)"), "EXECUTE");
        Wire::login(ground.lull.bypass(), "app", &ground.db.name).run("NOTIFY news, 'in the lull'");
        let heard = client.until(b'A');
        assert!(format!("{heard:?}").contains("in the lull"), "{heard:?}");
        ground.lull.lifted("all");
        kept(&mut client);
        assert_eq!(client.value("SELECT sum(n) FROM own").as_deref(), Some("3"));
        run(&mut client, "writes").expect_success("a statement prepared before");
        client.run("EXECUTE sql_write(8)");
        assert_eq!(
            client.value("SELECT pg_advisory_unlock(4711)").as_deref(),
            Some("t")
        );
        assert_eq!(ground.rows(), "7,8");
    });
}

/// What a client did before the lull, in it, and what its default must be after it.
const WISHES: &[(&[&str], &[&str], &str)] = &[
    (&["SET default_transaction_read_only = on"], &[], "on"),
    (
        &["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"],
        &[],
        "on",
    ),
    (
        &[
            "SET default_transaction_read_only = on",
            "RESET default_transaction_read_only",
        ],
        &[],
        "off",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &["SET default_transaction_read_only = off"],
        "off",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &["RESET default_transaction_read_only"],
        "off",
    ),
    (&["SET default_transaction_read_only = on"], &["RESET ALL"], "off"),
    (
        &["SET default_transaction_read_only = on"],
        &["DISCARD ALL"],
        "off",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &["SET default_transaction_read_only TO DEFAULT"],
        "off",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &["SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"],
        "off",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &["SELECT set_config('default_transaction_read_only', 'off', false)"],
        "off",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &["BEGIN", "SET default_transaction_read_only = off", "ROLLBACK"],
        "on",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &["BEGIN", "SET LOCAL default_transaction_read_only = off", "COMMIT"],
        "on",
    ),
    (
        &["SET default_transaction_read_only = on"],
        &[
            "BEGIN",
            "SAVEPOINT a",
            "SET default_transaction_read_only = off",
            "ROLLBACK TO a",
            "COMMIT",
        ],
        "on",
    ),
    (&[], &["SET default_transaction_read_only = on"], "on"),
    (
        &[],
        &["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"],
        "on",
    ),
    (
        &[],
        &["BEGIN", "SET default_transaction_read_only = on", "COMMIT"],
        "on",
    ),
    (
        &[],
        &["BEGIN", "SET default_transaction_read_only = on", "ROLLBACK"],
        "off",
    ),
    (
        &[],
        &[
            "BEGIN",
            "SET default_transaction_read_only = on",
            "SELECT 1/0",
            "COMMIT",
        ],
        "off",
    ),
    (
        &[],
        &["SET default_transaction_read_only = on; SELECT 1/0"],
        "off",
    ),
    (
        &[],
        &[
            "SET default_transaction_read_only = on",
            "SET default_transaction_read_only = off",
        ],
        "off",
    ),
    (
        &[],
        &["SET default_transaction_read_only = on", "DISCARD ALL"],
        "off",
    ),
    (&[], &["SET default_transaction_read_only = off"], "off"),
    (&[], &["BEGIN READ WRITE", "COMMIT"], "off"),
    (&[], &["DISCARD ALL"], "off"),
    (
        &["BEGIN", "SET default_transaction_read_only = on", "ROLLBACK"],
        &[],
        "off",
    ),
    (
        &["BEGIN", "SET LOCAL default_transaction_read_only = on", "COMMIT"],
        &[],
        "off",
    ),
];

#[test]
fn after_a_lull_a_session_has_the_default_it_would_have_without_the_lull() {
    on_every_version(|ground| {
        let mut sessions: Vec<Wire> = WISHES.iter().map(|_| ground.client()).collect();
        for (client, (before, ..)) in sessions.iter_mut().zip(WISHES) {
            before.iter().for_each(|statement| drop(client.query(statement)));
        }
        ground.lull.fenced("all", &[]);
        for (client, (_, during, _)) in sessions.iter_mut().zip(WISHES) {
            for statement in *during {
                let replies = client.query(statement);
                let fails = statement.contains("1/0") || replies.status() == Some('E');
                assert!(
                    fails || replies.error().is_none(),
                    "{statement} in {during:?}: {replies:?}"
                );
                if replies.status() == Some('I') {
                    assert_refused(&client.query(WRITE), statement);
                }
            }
            assert_refused(&client.extended(WRITE, &[]), &format!("{during:?}"));
        }
        ground.lull.lifted("all");
        for (client, (before, during, after)) in sessions.iter_mut().zip(WISHES) {
            let context = format!("{before:?}, lull on, {during:?}, lull off");
            assert_eq!(client.value(DEFAULT).as_deref(), Some(*after), "{context}");
            assert_eq!(client.query(WRITE).error().is_some(), *after == "on", "{context}");
            // The reset value is the server's, as it was.
            client.run("RESET default_transaction_read_only");
            client.run(WRITE).expect_success(&context);
        }
    });
}

#[test]
fn a_wish_made_in_a_transaction_that_outlives_the_lull_holds_as_it_ends() {
    on_every_version(|ground| {
        let wishes = ["on", "off"];
        for (wish, end) in wishes
            .iter()
            .flat_map(|wish| ["COMMIT", "ROLLBACK"].map(|end| (wish, end)))
        {
            let mut client = ground.client();
            ground.lull.fenced("all", &[]);
            client.run("BEGIN; SELECT 1");
            client.run(&format!("SET default_transaction_read_only = {wish}"));
            ground.lull.lifted("all");
            client.run(end);
            let expected = if (*wish, end) == ("on", "COMMIT") {
                "on"
            } else {
                "off"
            };
            assert_eq!(client.value(DEFAULT).as_deref(), Some(expected), "{wish} {end}");
        }
    });
}

#[test]
fn sessions_born_in_a_lull_are_read_only_at_their_first_word_and_normal_after_it() {
    on_every_version(|ground| {
        ground.lull.fenced("all", &[]);
        let mut client = ground.client();
        assert_eq!(client.parameters["default_transaction_read_only"], "on");
        assert_refused(&client.query(WRITE), "the first statement");
        let mut forced = Wire::connect(ground.lull.address()).unwrap();
        let who = [
            ("default_transaction_read_only", "off"),
            ("user", "app"),
            ("database", ground.db.name.as_str()),
            (
                "options",
                "-c default_transaction_read_only=off -cwork_mem=5MB --default-transaction-read-only=off",
            ),
        ];
        forced
            .startup(frames::PROTOCOL_3_0, &who, None)
            .expect_success("login");
        assert_refused(&forced.query(WRITE), "a client that asked for read-write");
        forced.run("RESET ALL");
        assert_refused(&forced.query(WRITE), "behind RESET ALL");
        ground.lull.lifted("all");
        for client in [&mut client, &mut forced] {
            client.run(WRITE);
            assert_eq!(client.value(DEFAULT).as_deref(), Some("off"));
        }
        assert_eq!(forced.value("SHOW work_mem").as_deref(), Some("5MB"));
        // Whoever asked for read-only at the login has it after the lull too.
        ground.lull.fenced("all", &[]);
        let mut modest = Wire::connect(ground.lull.address()).unwrap();
        let who = [
            ("user", "app"),
            ("database", ground.db.name.as_str()),
            ("options", "-c default_transaction_read_only=on"),
        ];
        modest
            .startup(frames::PROTOCOL_3_0, &who, None)
            .expect_success("login");
        ground.lull.lifted("all");
        assert_eq!(modest.value(DEFAULT).as_deref(), Some("on"));
    });
}

#[test]
fn what_a_role_or_database_has_set_is_the_default_again() {
    on_every_version(|ground| {
        let name = &ground.db.name;
        ground.db.superuser().run(&format!(
            "ALTER DATABASE {name} SET default_transaction_read_only = on"
        ));
        let mut before = ground.client();
        ground.lull.fenced("all", &[]);
        let mut born = ground.client();
        ground.lull.lifted("all");
        for client in [&mut before, &mut born] {
            assert_eq!(client.value(DEFAULT).as_deref(), Some("on"));
            client.run("SET default_transaction_read_only = off");
            client.run(WRITE);
        }
    });
}

#[test]
fn on_and_off_again_and_again_leave_the_same_session() {
    on_every_version(|ground| {
        let mut client = ground.client();
        for round in 0..20 {
            ground.lull.fenced("all", &[]);
            assert_refused(&client.query(WRITE), "a write");
            ground.lull.lifted("all");
            client.run(&format!("INSERT INTO t VALUES ({round})"));
        }
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("20"));
    });
}

#[test]
fn clients_are_told_of_the_mode_without_asking_unless_the_configuration_says_no() {
    on_every_version(|ground| {
        let mut client = ground.client();
        ground.lull.fenced("all", &[]);
        let told = client.read().parameter();
        assert_eq!(told, Some(("default_transaction_read_only".into(), "on".into())));
        ground.lull.lifted("all");
        let told = client.read().parameter();
        assert_eq!(told, Some(("default_transaction_read_only".into(), "off".into())));
        let quiet = crate::support::Lull::with_config(ground.db.server.address, |addresses| {
            addresses.config("announce = false", "")
        });
        let mut client = Wire::login(quiet.address(), "app", &ground.db.name);
        quiet.fenced("all", &[]);
        let mut born = Wire::login(quiet.address(), "app", &ground.db.name);
        for client in [&mut client, &mut born] {
            let replies = client.run("RESET ALL; SELECT 1");
            assert!(
                replies
                    .parameters()
                    .iter()
                    .all(|(name, _)| name != "default_transaction_read_only"),
                "{replies:?}"
            );
            assert_refused(&client.query(WRITE), "a write");
        }
        quiet.lifted("all");
        for client in [&mut client, &mut born] {
            assert_eq!(client.run(WRITE).tags(), "CZ");
            assert_eq!(
                client
                    .parameters
                    .get("default_transaction_read_only")
                    .map(String::as_str),
                Some("off")
            );
        }
    });
}

#[test]
fn a_thousand_idle_sessions_are_fenced_together() {
    let ground = Ground::on(crate::support::Postgres::shared(crate::support::Version::Newest));
    let mut sessions: Vec<Wire> = (0..1000).map(|_| ground.client()).collect();
    let opened = ground.lull.fenced("all", &[]);
    assert_eq!(opened["sessions"], 1000, "{opened}");
    println!("1,000 idle sessions: fenced_ms {}", opened["fenced_ms"]);
    for client in &mut sessions {
        assert_refused(&client.query(WRITE), "a write");
    }
    ground.lull.lifted("all");
    for client in &mut sessions {
        client.run(WRITE);
    }
}
