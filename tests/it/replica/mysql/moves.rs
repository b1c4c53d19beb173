//! What follows a session to a replica and back, and what makes it stay.

use super::{Ground, on_both};
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Login, Wire};
use crate::support::{Driver, eventually};

#[test]
fn an_idle_session_moves_to_the_replica_reads_there_and_comes_back() {
    on_both(|ground| {
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (7)");
        ground.assert_on_primary(&mut client);
        let moved = ground.moved(&["--reason", "upgrade"]);
        assert_eq!(moved["sessions"], 1, "{moved} {:?}", ground.sessions());
        ground.assert_on_replica(&mut client);
        assert_eq!(client.value("SELECT n FROM t").as_deref(), Some("7"));
        assert_eq!(client.value("SELECT DATABASE()").as_deref(), Some("shop_1"));
        let refused = client.query("INSERT INTO t VALUES (8)");
        assert_eq!(refused.error_code(), Some(1792), "{refused:?}");
        assert!(format!("{refused:?}").contains("upgrade"), "{refused:?}");
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        assert!(!ground.read_only(&mut client));
        client.run("INSERT INTO t VALUES (8)");
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("2"));
    });
}

#[test]
fn a_session_moves_with_its_settings_its_database_and_its_last_id_and_comes_back_with_them() {
    on_both(|ground| {
        ground
            .primary
            .superuser("shop_1")
            .run("CREATE TABLE ids (id INT AUTO_INCREMENT PRIMARY KEY)");
        ground.primary.superuser("").run("CREATE DATABASE shop_2");
        let mut client = ground.client_with(capability::MULTI_STATEMENTS);
        client.run("INSERT INTO ids VALUES (41)");
        client.run("INSERT INTO ids VALUES ()");
        client.run("SET SESSION sql_mode = 'ANSI_QUOTES', SESSION time_zone = '+05:00', NAMES latin1");
        client.run("SET SESSION group_concat_max_len = 12345, SESSION lock_wait_timeout = 7, autocommit = 0");
        client.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
        client.run("COMMIT");
        client.run("USE shop_2");
        client.ask(&packets::set_option(1));
        let asked = "SELECT CONCAT_WS(' ', @@sql_mode, @@time_zone, @@character_set_results, \
            @@group_concat_max_len, @@lock_wait_timeout, IF(@@autocommit, 1, 0), DATABASE(), LAST_INSERT_ID())";
        let expected = "ANSI_QUOTES +05:00 latin1 12345 7 0 shop_2 42";
        let isolation = ground
            .flavor
            .pick("SELECT @@tx_isolation", "SELECT @@transaction_isolation");
        let has_all = |client: &mut Wire| {
            assert_eq!(client.value(asked).as_deref(), Some(expected));
            assert_eq!(client.value(isolation).as_deref(), Some("READ-COMMITTED"));
            let two = client.query("SELECT 1; SELECT 2");
            assert_eq!(
                two.error_code(),
                Some(1064),
                "COM_SET_OPTION has turned it off: {two:?}"
            );
            client.run("COMMIT");
        };
        has_all(&mut client);
        let moved = ground.moved(&[]);
        assert_eq!(moved["sessions"], 1, "{moved} {:?}", ground.sessions());
        ground.assert_on_replica(&mut client);
        has_all(&mut client);
        client.run("SET SESSION time_zone = '+06:00', SESSION lock_wait_timeout = DEFAULT");
        client.run("USE shop_1");
        client.run("COMMIT");
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        let now = client.value("SELECT CONCAT_WS(' ', @@sql_mode, @@time_zone, DATABASE())");
        assert_eq!(now.as_deref(), Some("ANSI_QUOTES +06:00 shop_1"));
        client.run("INSERT INTO t VALUES (1)");
        client.run("COMMIT");
    });
}

#[test]
fn variables_of_the_users_own_keep_their_values_and_types() {
    on_both(|ground| {
        let mut client = ground.client();
        client.run("SET @n = 7, @Text = _latin1 X'e4' COLLATE latin1_bin, @d = 1.50, @f = 2e0, @b = X'00ff', @gone = NULL");
        let asked = "SELECT CONCAT_WS(' ', @n + 1, HEX(@text), COLLATION(@text), @d, @f / 3, HEX(@b), COLLATION(@b), \
            ISNULL(@gone), @n < 10)";
        let expected = client.value(asked).expect("a value");
        // One without texts among them has been one that no question could be put for.
        let mut plain = ground.client();
        plain.run("SET @n = 7");
        let moved = ground.moved(&[]);
        assert_eq!(moved["sessions"], 2, "{moved} {:?}", ground.sessions());
        assert_eq!(plain.value("SELECT @n").as_deref(), Some("7"));
        ground.assert_on_replica(&mut client);
        assert_eq!(client.value(asked).as_deref(), Some(expected.as_str()));
        client.run("SET @n = 8");
        client.run("SELECT 9 INTO @new");
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        assert_eq!(client.value("SELECT @n + @new").as_deref(), Some("17"));
        assert_eq!(
            client.value("SELECT COLLATION(@text)").as_deref(),
            Some("latin1_bin")
        );
    });
}

#[test]
fn what_a_session_could_not_take_home_is_refused_on_the_replica() {
    on_both(|ground| {
        let mut client = ground.client();
        ground.moved(&[]);
        ground.assert_on_replica(&mut client);
        for sql in ["SELECT GET_LOCK('mine', 1)", "PREPARE mine FROM 'SELECT 1'"] {
            let refused = client.query(sql);
            assert_eq!(refused.error_code(), Some(1792), "{sql}: {refused:?}");
        }
        assert_eq!(client.value("SELECT 'get_lock'").as_deref(), Some("get_lock"));
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        client.run("INSERT INTO t VALUES (1)");
    });
}

/// An execution with the types of its parameters, or as they were told before.
fn execute(statement: u32, value: &str, tells: bool) -> Vec<u8> {
    let mut execution = packets::execute(statement, 0, &[Some(value)]);
    if !tells {
        // Behind the bitmap: the mark, and the type.
        execution.splice(11..14, [0]);
    }
    execution
}

#[test]
fn the_numbers_of_prepared_statements_that_a_client_holds_stay_its_own() {
    on_both(|ground| {
        let mut client = ground.client();
        let closed = client.prepare("SELECT 'closed'").expect("a number");
        let read = client.prepare("SELECT n FROM t WHERE n = ?").expect("a number");
        let write = client.prepare("INSERT INTO t VALUES (?)").expect("a number");
        client.send(&packets::close(closed));
        assert!(client.ask(&execute(write, "7", true)).error().is_none());
        let value = |client: &mut Wire, tells: bool| {
            let replies = client.ask(&execute(read, "7", tells));
            format!("{replies:?}")
        };
        let expected = value(&mut client, true);
        assert!(!expected.contains("Error"), "{expected}");
        let moved = ground.moved(&[]);
        assert_eq!(moved["sessions"], 1, "{moved} {:?}", ground.sessions());
        ground.assert_on_replica(&mut client);
        // The first execution there does not tell the types.
        assert_eq!(value(&mut client, false), expected);
        let refused = client.ask(&execute(write, "8", false));
        assert_eq!(refused.error_code(), Some(1792), "{refused:?}");
        let new = client.prepare("SELECT 'new'").expect("a number");
        assert!(new != read && new != write);
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        assert_eq!(value(&mut client, false), expected);
        assert_eq!(value(&mut client, true), expected);
        assert!(client.ask(&packets::execute(new, 0, &[])).error().is_none());
        assert!(client.ask(&execute(write, "8", false)).error().is_none());
        let gone = client.ask(&packets::execute(closed, 0, &[]));
        assert_eq!(gone.error_code(), Some(1243), "{gone:?}");
        client.send(&packets::close(write));
        let gone = client.ask(&execute(write, "9", false));
        assert_eq!(gone.error_code(), Some(1243), "{gone:?}");
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("2"));
    });
}

#[test]
fn what_cannot_move_stays_on_the_primary_and_is_listed_with_the_reason() {
    on_both(|ground| {
        let tables = ground.flavor.pick(
            "it has made temporary tables",
            "it has made tables, maybe temporary ones",
        );
        let cases = [
            ("CREATE TEMPORARY TABLE mine (n INT)", tables),
            ("SELECT GET_LOCK('mine', 1)", "it has used GET_LOCK"),
            ("SET @`is mine` = 7", "it has variables of odd names, or too many"),
            ("PREPARE mine FROM 'SELECT 1'", "it has used PREPARE"),
            ("HANDLER t OPEN", "it has used HANDLER"),
        ];
        let mut clients: Vec<Wire> = cases.iter().map(|_| ground.client()).collect();
        for (client, (sql, _)) in clients.iter_mut().zip(cases) {
            client.run(sql);
        }
        let mut free = ground.client();
        let moved = ground.moved(&[]);
        assert_eq!(moved["sessions"], 1, "{moved}");
        let stayed = moved["stayed"].to_string();
        for (client, (sql, why)) in clients.iter_mut().zip(cases) {
            assert!(stayed.contains(why), "{sql}: {stayed}");
            ground.assert_on_primary(client);
            let refused = client.query("INSERT INTO t VALUES (1)");
            assert_eq!(refused.error_code(), Some(1792), "{sql}: {refused:?}");
            let listed = ("read-only".to_owned(), Some(why.to_owned()));
            assert!(ground.sessions().contains(&listed), "{:?}", ground.sessions());
        }
        assert_eq!(clients[2].value("SELECT @`is mine`").as_deref(), Some("7"));
        ground.assert_on_replica(&mut free);
        ground.lull.lifted("all");
        for client in &mut clients {
            ground.assert_on_primary(client);
            client.run("INSERT INTO t VALUES (1)");
        }
    });
}

#[test]
fn an_open_cursor_keeps_its_session_until_it_is_closed() {
    on_both(|ground| {
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (1), (2)");
        let statement = client.prepare("SELECT n FROM t").expect("a number");
        client.ask(&packets::execute(statement, packets::CURSOR_READ_ONLY, &[]));
        let moved = ground.moved(&[]);
        assert!(moved["stayed"].to_string().contains("an open cursor"), "{moved}");
        client.send(&packets::fetch(statement, 5));
        assert!(client.fetched().error().is_none());
        ground.lull.lifted("all");
        client.ask(&packets::reset(statement));
        let moved = ground.moved(&[]);
        assert_eq!(moved["sessions"], 1, "{moved}");
        ground.assert_on_replica(&mut client);
    });
}

#[test]
fn who_is_in_a_transaction_moves_at_its_end() {
    on_both(|ground| {
        let mut client = ground.client();
        let mut implicit = ground.client();
        client.run("BEGIN");
        client.run("SELECT count(*) FROM t");
        implicit.run("SET autocommit = 0");
        implicit.run("SELECT count(*) FROM t");
        let moved = ground.moved(&[]);
        assert_eq!(
            (&moved["sessions"], &moved["to_follow"]),
            (&0.into(), &2.into()),
            "{moved}"
        );
        ground.assert_on_primary(&mut client);
        ground.assert_on_primary(&mut implicit);
        for client in [&mut client, &mut implicit] {
            client.run("COMMIT");
            ground.assert_on_replica(client);
            client.run("BEGIN");
            client.run("SELECT count(*) FROM t");
        }
        ground.lull.lifted("all");
        for client in [&mut client, &mut implicit] {
            ground.assert_on_replica(client);
            let refused = client.query("INSERT INTO t VALUES (1)");
            assert_eq!(refused.error_code(), Some(1792), "{refused:?}");
            client.run("COMMIT");
            ground.assert_on_primary(client);
            client.run("INSERT INTO t VALUES (1)");
            client.run("COMMIT");
        }
    });
}

#[test]
fn who_logs_in_during_the_lull_goes_to_the_replica_and_back() {
    on_both(|ground| {
        let _first = ground.client();
        ground.moved(&[]);
        let mut client = ground.client();
        ground.assert_on_replica(&mut client);
        let statement = client.prepare("SELECT 'kept'").expect("a number");
        let refused = client.query("INSERT INTO t VALUES (1)");
        assert_eq!(refused.error_code(), Some(1792), "{refused:?}");
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        let kept = client.ask(&packets::execute(statement, 0, &[]));
        assert!(kept.error().is_none(), "{kept:?}");
        client.run("INSERT INTO t VALUES (1)");
    });
}

#[test]
fn a_session_that_leaves_the_database_of_the_lull_leaves_the_replica() {
    on_both(|ground: &Ground| {
        ground.primary.superuser("").run("CREATE DATABASE shop_2");
        ground.primary.superuser("shop_2").run("CREATE TABLE u (n INT)");
        let mut client = ground.client();
        let scope = "main/shop_1";
        ground.lull.fenced(scope, &["--mode", "replica"]);
        ground.assert_on_replica(&mut client);
        client.run("USE shop_2");
        ground.assert_on_primary(&mut client);
        client.run("INSERT INTO u VALUES (1)");
        client.run("USE shop_1");
        ground.assert_on_replica(&mut client);
        // What it has written before is there.
        assert_eq!(client.value("SELECT n FROM shop_2.u").as_deref(), Some("1"));
        ground.lull.lifted(scope);
        ground.assert_on_primary(&mut client);
    });
}

#[test]
fn what_a_replica_refuses_because_it_is_one_is_refused_as_in_any_lull() {
    on_both(|ground| {
        let mut client = ground.client();
        ground.moved(&["--reason", "upgrade"]);
        ground.assert_on_replica(&mut client);
        for sql in [
            "INSERT INTO t VALUES (1)",
            "CREATE TABLE u (n INT)",
            "CREATE TEMPORARY TABLE mine (n INT)",
            "SELECT * FROM t FOR UPDATE",
            "DROP TABLE t",
            "TRUNCATE t",
        ] {
            let replies = client.query(sql);
            assert_eq!(replies.error_code(), Some(1792), "{sql}: {replies:?}");
            assert_eq!(replies.error_state(), Some("25006"), "{sql}: {replies:?}");
            let message = replies.error_message().unwrap_or_default();
            assert!(
                message.contains("READ ONLY") && message.contains("upgrade"),
                "{sql}: {message}"
            );
        }
        client.run("START TRANSACTION READ WRITE");
        let refused = client.query("INSERT INTO t VALUES (1)");
        assert_eq!(refused.error_code(), Some(1792), "{refused:?}");
        client.run("ROLLBACK");
        ground.assert_on_replica(&mut client);
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("0"));
    });
}

#[test]
fn a_session_that_is_reset_away_from_home_comes_back_as_new() {
    on_both(|ground| {
        let mut client = ground.client();
        client.run("SET SESSION time_zone = '+05:00'");
        client.prepare("SELECT 1").expect("a number");
        ground.moved(&[]);
        ground.assert_on_replica(&mut client);
        client.ask(&[packets::RESET_CONNECTION]);
        ground.assert_on_replica(&mut client);
        assert_eq!(client.value("SELECT @@time_zone").as_deref(), Some("SYSTEM"));
        assert_eq!(client.query("INSERT INTO t VALUES (1)").error_code(), Some(1792));
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        assert_eq!(client.value("SELECT @@time_zone").as_deref(), Some("SYSTEM"));
        client.run("INSERT INTO t VALUES (1)");
    });
}

#[test]
fn real_drivers_live_through_a_lull_on_replicas() {
    on_both(|ground| {
        // The others know their connections by CONNECTION_ID(), which is another there.
        let knows = |driver: &Driver| matches!(driver, Driver::SqlAlchemyMysql | Driver::PhpPdo);
        for driver in Driver::MYSQL.into_iter().filter(|driver| !knows(driver)) {
            driver.check_lull(
                &ground.lull.connect_string("app", "shop_1"),
                || drop(ground.moved(&["--reason", "drivers"])),
                || ground.lull.lifted("all"),
            );
        }
    });
}

#[test]
fn a_superuser_cannot_write_on_the_replica_either() {
    on_both(|ground| {
        let login = Login::of("root").database("shop_1");
        let mut root = login.to(ground.lull.address());
        ground.moved(&[]);
        ground.assert_on_replica(&mut root);
        root.run("BEGIN");
        root.run("SELECT count(*) FROM t");
        ground.lull.lifted("all");
        for sql in ["SET SESSION TRANSACTION READ WRITE", "CREATE TABLE u (n INT)"] {
            let _ = root.query(sql);
        }
        let there = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'u'";
        assert_eq!(
            ground.replica.value(there).as_deref(),
            Some("0"),
            "an errant write"
        );
        let _ = root.query("COMMIT");
        eventually("it comes back", || {
            (root.value("SELECT @@global.port") == Some(ground.primary.address.port().to_string()))
                .then_some(())
        });
    });
}
