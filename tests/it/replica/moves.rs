//! What follows a session to a replica and back, and what makes it stay.

use super::on_every_version;
use crate::support::{Driver, Wire, eventually, frames};

#[test]
fn a_session_moves_with_its_settings_role_and_prepared_statements_and_comes_back_with_them() {
    on_every_version(|ground| {
        ground
            .primary
            .superuser("postgres")
            .run("CREATE ROLE reader; GRANT reader TO app");
        let mut client = ground.client();
        client.run("INSERT INTO t VALUES (7); GRANT SELECT ON t TO reader");
        client.run("SET work_mem = '5MB'; SET search_path = public, pg_temp; SET TimeZone = 'Asia/Tokyo'");
        client.run("PREPARE by_sql (int) AS SELECT n + $1 FROM t");
        client.run("SET app.tenant = '42'; SELECT set_config('app.user', 'eve', false)");
        client.run("SET ROLE reader");
        let parse = frames::parse("by_protocol", "SELECT n FROM t WHERE n = $1");
        let parsed = client.send(&[parse, frames::sync()].concat()).until_ready();
        parsed.expect_success("Parse");
        let has_all = |client: &mut Wire| {
            assert_eq!(client.value("SHOW work_mem").as_deref(), Some("5MB"));
            assert_eq!(
                client.value("SHOW search_path").as_deref(),
                Some("public, pg_temp")
            );
            assert_eq!(client.value("SHOW TimeZone").as_deref(), Some("Asia/Tokyo"));
            let custom = "SELECT current_setting('app.tenant') || current_setting('app.user')";
            assert_eq!(client.value(custom).as_deref(), Some("42eve"));
            assert_eq!(client.value("SELECT current_user").as_deref(), Some("reader"));
            assert_eq!(client.value("EXECUTE by_sql (10)").as_deref(), Some("17"));
            let execute = [
                frames::bind("", "by_protocol", &[Some("7")]),
                frames::execute("", 0),
                frames::sync(),
            ];
            let replies = client.send(&execute.concat()).until_ready();
            assert_eq!(replies.value().as_deref(), Some("7"), "{replies:?}");
        };
        has_all(&mut client);
        let moved = ground.moved(&["--reason", "upgrade"]);
        assert_eq!(moved["sessions"], 1, "{moved}");
        ground.assert_on_replica(&mut client);
        has_all(&mut client);
        let refused = client.query("CREATE TABLE u ()");
        assert_eq!(refused.error_code(), Some("25006"), "{refused:?}");
        // What it does meanwhile comes back with it too.
        client.run("SET work_mem = '6MB'; RESET TimeZone; DEALLOCATE by_sql; PREPARE new AS SELECT 'new'");
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        assert_eq!(client.value("SHOW work_mem").as_deref(), Some("6MB"));
        assert_eq!(
            client.value("SHOW default_transaction_read_only").as_deref(),
            Some("off")
        );
        assert_eq!(client.value("EXECUTE new").as_deref(), Some("new"));
        assert_eq!(client.query("EXECUTE by_sql (1)").error_code(), Some("26000"));
        client.run("RESET ROLE; INSERT INTO t VALUES (8)");
    });
}

#[test]
fn the_client_is_told_of_what_the_other_server_reports_differently() {
    on_every_version(|ground| {
        let mut client = ground.client();
        assert_eq!(client.parameters["in_hot_standby"], "off");
        ground.moved(&[]);
        client.run("SELECT 1");
        assert_eq!(client.parameters["in_hot_standby"], "on");
        ground.lull.lifted("all");
        client.run("SELECT 1");
        assert_eq!(client.parameters["in_hot_standby"], "off");
        assert_eq!(client.parameters["default_transaction_read_only"], "off");
    });
}

#[test]
fn what_cannot_move_stays_on_the_primary_and_is_listed_with_the_reason() {
    on_every_version(|ground| {
        let cases = [
            (
                "CREATE TEMP TABLE mine AS SELECT 1 AS n",
                "it has temporary tables",
            ),
            ("SELECT pg_advisory_lock(1)", "it holds advisory locks"),
            ("LISTEN news", "it listens"),
            (
                "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
                "it has cursors WITH HOLD",
            ),
            (
                "SET default_transaction_isolation = serializable",
                "its transactions are serializable",
            ),
            (
                "SELECT set_config('app.' || 'tenant', '7', false)",
                "it has custom settings of unknown names",
            ),
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
            assert_eq!(refused.error_code(), Some("25006"), "{sql}: {refused:?}");
            let listed = ("read-only".to_owned(), Some(why.to_owned()));
            assert!(ground.sessions().contains(&listed), "{:?}", ground.sessions());
        }
        let counted = "lull_sessions_unmoved{cluster=\"main\",reason=\"advisory_locks\"}";
        assert_eq!(ground.lull.metric(counted), 1.0);
        assert_eq!(clients[0].value("SELECT n FROM mine").as_deref(), Some("1"));
        ground.assert_on_replica(&mut free);
        ground.lull.lifted("all");
        for client in &mut clients {
            ground.assert_on_primary(client);
            client.run("INSERT INTO t VALUES (1)");
        }
    });
}

#[test]
fn who_is_in_a_transaction_moves_at_its_end() {
    on_every_version(|ground| {
        let mut client = ground.client();
        client.run("BEGIN; SELECT count(*) FROM t");
        let moved = ground.moved(&[]);
        assert_eq!(
            (&moved["sessions"], &moved["to_follow"]),
            (&0.into(), &1.into()),
            "{moved}"
        );
        ground.assert_on_primary(&mut client);
        client.run("COMMIT");
        ground.assert_on_replica(&mut client);
        client.run("BEGIN; SELECT count(*) FROM t");
        ground.lull.lifted("all");
        ground.assert_on_replica(&mut client);
        client.run("COMMIT; SELECT 1");
        ground.assert_on_primary(&mut client);
    });
}

#[test]
fn who_logs_in_during_the_lull_is_on_the_replica_and_goes_to_the_primary_behind_it() {
    on_every_version(|ground| {
        let _first = ground.client();
        ground.moved(&[]);
        let mut client = ground.client();
        ground.assert_on_replica(&mut client);
        client.run("PREPARE p AS SELECT 'kept'");
        assert_eq!(
            client.query("INSERT INTO t VALUES (1)").error_code(),
            Some("25006")
        );
        ground.lull.lifted("all");
        ground.assert_on_primary(&mut client);
        assert_eq!(client.value("EXECUTE p").as_deref(), Some("kept"));
        client.run("INSERT INTO t VALUES (1)");
    });
}

#[test]
fn real_drivers_live_through_a_lull_on_replicas() {
    on_every_version(|ground| {
        // Others ask the server for its process id, which is another there.
        for driver in [Driver::Psycopg3, Driver::Psycopg2, Driver::Asyncpg] {
            driver.check_lull(
                &ground.lull.connect_string("app", "shop"),
                || drop(ground.moved(&["--reason", "drivers"])),
                || ground.lull.lifted("all"),
            );
        }
    });
}

#[test]
fn a_cancel_request_reaches_the_session_where_it_now_is() {
    on_every_version(|ground| {
        let mut client = ground.client();
        ground.moved(&[]);
        ground.assert_on_replica(&mut client);
        for lifted in [false, true] {
            if lifted {
                ground.lull.lifted("all");
                ground.assert_on_primary(&mut client);
            }
            client.send(&frames::query("SELECT pg_sleep(60)"));
            let server = if lifted { &ground.primary } else { &ground.standby };
            let running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%sleep(60)'";
            let mut observer = server.superuser("postgres");
            eventually("the statement runs", || observer.value(running));
            client.cancel_at(ground.lull.address());
            assert_eq!(client.until_ready().error_code(), Some("57014"));
        }
    });
}
