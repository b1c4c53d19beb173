//! Sessions that sit idle in a pool when a lull opens and closes: what they were is what they are again.

use super::{assert_refused, on_both};
use crate::support::Lull;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Flavor, Server, Wire};

const WRITE: &str = "INSERT INTO t VALUES (1)";

#[test]
fn a_session_that_idled_long_before_is_read_only_when_on_returns_and_writes_after_off() {
    on_both(|ground| {
        let mut client = ground.client();
        client.run(WRITE);
        ground.lull.fenced("all", &["--reason", "upgrade to 4.2"]);
        let refused = client.query(WRITE);
        assert_refused(&refused, WRITE);
        assert!(format!("{refused:?}").contains("upgrade to 4.2"));
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (3)");
        assert_eq!(
            client.value("SELECT connection_id()"),
            Some(client.id().to_string())
        );
        assert_eq!(
            client.value(&format!("SELECT {}", ground.read_only())).as_deref(),
            Some("0")
        );
        assert_eq!(ground.rows(), "1,3");
    });
}

#[test]
fn a_session_that_has_never_said_anything_is_fenced_too() {
    on_both(|ground| {
        let mut client = ground.client();
        ground.lull.fenced("all", &[]);
        assert_refused(&client.query(WRITE), "its first word");
        ground.lull.lifted("all");
        client.run(WRITE);
        let mut silent = ground.client();
        ground.lull.fenced("all", &[]);
        ground.lull.lifted("all");
        silent.run(WRITE);
        assert_eq!(ground.rows(), "1,1");
    });
}

/// What a session can have that no other has: statement, and what then answers 1 as long as it is there.
const OWN: &[(&str, &str)] = &[
    (
        "SET @mine = 'kept', @number = 7",
        "SELECT @mine = 'kept' AND @number = 7",
    ),
    (
        "SET SESSION sort_buffer_size = 77777",
        "SELECT @@session.sort_buffer_size = 77777",
    ),
    (
        "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
        "SELECT 'a\\' = concat('a', char(92))",
    ),
    (
        "SET NAMES latin1",
        "SELECT @@session.character_set_client = 'latin1'",
    ),
    (
        "SET SESSION time_zone = '+05:00'",
        "SELECT @@session.time_zone = '+05:00'",
    ),
    (
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SELECT @@session.{isolation} = 'SERIALIZABLE'",
    ),
    (
        "CREATE TEMPORARY TABLE own (n INT)",
        "SELECT count(*) = 0 FROM own WHERE n = 99",
    ),
    (
        "SELECT GET_LOCK('{db}', 10)",
        "SELECT IS_USED_LOCK('{db}') = connection_id()",
    ),
    (
        "SET SESSION session_track_schema = OFF",
        "SELECT @@session.session_track_schema = 0",
    ),
    (
        "SET SESSION session_track_state_change = ON",
        "SELECT @@session.session_track_state_change = 1",
    ),
    (
        "SET SESSION session_track_system_variables = 'autocommit,time_zone'",
        "SELECT @@session.session_track_system_variables = 'autocommit,time_zone'",
    ),
    (
        "SET SESSION session_track_transaction_info = 'CHARACTERISTICS'",
        "SELECT @@session.session_track_transaction_info = 'CHARACTERISTICS'",
    ),
];

#[test]
fn variables_settings_temporary_tables_and_named_locks_outlive_a_lull() {
    on_both(|ground| {
        let mut client = ground.client();
        let text = |sql: &str| {
            let isolation = ground.flavor.pick("tx_isolation", "transaction_isolation");
            sql.replace("{db}", &ground.db.name)
                .replace("{isolation}", isolation)
        };
        let kept = |client: &mut Wire, in_lull: bool| {
            for (_, question) in OWN {
                let question = text(question);
                assert_eq!(
                    client.value(&question).as_deref(),
                    Some("1"),
                    "{question} in a lull: {in_lull}"
                );
            }
        };
        for (make, _) in OWN {
            client.run(&text(make));
        }
        client.run("INSERT INTO own VALUES (1)");
        kept(&mut client, false);
        for _ in 0..2 {
            ground.lull.fenced("all", &[]);
            kept(&mut client, true);
            client.run("INSERT INTO own VALUES (2)");
            assert_refused(&client.query(WRITE), WRITE);
            ground.lull.lifted("all");
            kept(&mut client, false);
        }
        assert_eq!(client.value("SELECT sum(n) FROM own").as_deref(), Some("5"));
        client.run(WRITE);
    });
}

#[test]
fn prepared_statements_outlive_a_lull_which_refuses_those_that_write() {
    on_both(|ground| {
        let mut client = ground.client();
        let reads = client.prepare("SELECT count(*) FROM t WHERE n < ?").unwrap();
        let writes = client.prepare("INSERT INTO t VALUES (?)").unwrap();
        let lifts = client.prepare("SET SESSION TRANSACTION READ WRITE").unwrap();
        let leaks = client.prepare("FLUSH TABLES").unwrap();
        client.run("PREPARE named FROM 'INSERT INTO t VALUES (8)'");
        client.run("PREPARE reading FROM 'SELECT 1'");
        let execute = |client: &mut Wire, statement, value: &[Option<&str>]| {
            client.ask(&packets::execute(statement, 0, value))
        };
        for round in 1..=2u64 {
            assert!(execute(&mut client, writes, &[Some("5")]).error().is_none());
            ground.lull.fenced("all", &[]);
            assert_refused(&execute(&mut client, writes, &[Some("6")]), "executed");
            // A lift runs as the server runs it, and the guard stands again before the next command.
            assert!(execute(&mut client, lifts, &[]).error().is_none());
            assert_refused(&client.query(WRITE), "behind a lift that was prepared");
            assert_refused(&execute(&mut client, leaks, &[]), "a leak that was prepared");
            assert_refused(&client.query("EXECUTE named"), "prepared as text");
            assert_refused(&client.query("EXECUTE reading"), "nobody knows what it is");
            assert!(execute(&mut client, reads, &[Some("9")]).error().is_none());
            client.send(&packets::prepare("INSERT INTO t VALUES (7)"));
            assert_refused(&client.prepared(), "prepared in the lull");
            let born = client.prepare("SELECT n FROM t WHERE n = ?").unwrap();
            assert!(execute(&mut client, born, &[Some("5")]).error().is_none());
            client.run("PREPARE inside FROM 'SELECT count(*) FROM t'");
            assert_eq!(client.value("EXECUTE inside"), Some(round.to_string()));
            ground.lull.lifted("all");
            assert!(execute(&mut client, born, &[Some("5")]).error().is_none());
        }
        assert!(execute(&mut client, writes, &[Some("6")]).error().is_none());
        assert!(execute(&mut client, lifts, &[]).error().is_none());
        client.run("EXECUTE named");
        assert_eq!(client.value("EXECUTE reading").as_deref(), Some("1"));
        assert_eq!(ground.rows(), "5,5,6,8");
    });
}

#[test]
fn sessions_born_in_a_lull_are_read_only_at_their_first_word_and_normal_after_it() {
    on_both(|ground| {
        ground.lull.fenced("all", &[]);
        let mut plain = ground.client();
        let mut modern = ground.client_with(capability::SESSION_TRACK | capability::DEPRECATE_EOF);
        let mut elsewhere = ground.login().database("").to(ground.lull.address());
        for client in [&mut plain, &mut modern] {
            assert_refused(&client.query(WRITE), "the first statement");
            assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("0"));
        }
        let far = format!("INSERT INTO {}.t VALUES (1)", ground.db.name);
        assert_refused(&elsewhere.query(&far), "without a database");
        ground.lull.lifted("all");
        for client in [&mut plain, &mut modern] {
            client.run(WRITE);
            assert_eq!(
                client.value(&format!("SELECT {}", ground.read_only())).as_deref(),
                Some("0")
            );
        }
        elsewhere.run(&far);
        assert_eq!(ground.rows(), "1,1,1");
    });
}

#[test]
fn on_and_off_again_and_again_leave_the_same_session() {
    on_both(|ground| {
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
fn a_thousand_idle_sessions_are_fenced_together() {
    for flavor in Flavor::ALL {
        let server = Server::start(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(&server);
        let mut sessions: Vec<Wire> = (0..1000)
            .map(|_| Wire::login(lull.address(), "app", &db.name))
            .collect();
        let opened = lull.fenced("all", &["--drain", "1s", "--stragglers", "report"]);
        assert_eq!(opened["sessions"], 1000, "{opened}");
        println!(
            "1,000 idle sessions on {flavor:?}: fenced_ms {}",
            opened["fenced_ms"]
        );
        for client in &mut sessions {
            assert_refused(&client.query(WRITE), "a write");
        }
        lull.lifted("all");
        for client in &mut sessions {
            client.run(WRITE);
        }
    }
}
