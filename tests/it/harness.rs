//! The ground under the other tests: servers start and end, the raw client speaks, the observer sees what it should see.

mod mysql;

use crate::support::postgres::Stop;
use crate::support::tls::{self, Negotiation};
use crate::support::{Lull, Message, Observer, Postgres, Settings, Version, Wire, eventually, frames, ports};

/// Runs a test's body on every version.
fn on_every_version(body: impl Fn(&'static Postgres)) {
    for version in Version::ALL {
        body(Postgres::shared(version));
    }
}

#[test]
fn a_server_of_each_version_serves_a_fresh_database_to_an_ordinary_owner() {
    on_every_version(|server| {
        let db = server.database();
        db.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
        let mut owner = db.owner();
        assert_eq!(owner.value("SELECT count(*) FROM t").as_deref(), Some("2"));
        assert_eq!(owner.value("SHOW is_superuser").as_deref(), Some("off"));
        let expected = if server.version == Version::Distribution {
            "1"
        } else {
            "18"
        };
        assert!(
            owner.parameters["server_version"].starts_with(expected),
            "{:?}",
            owner.parameters
        );
        assert!(db.extension("dblink"));
    });
}

#[test]
fn the_raw_client_sees_every_message_in_order() {
    on_every_version(|server| {
        let db = server.database();
        let mut client = db.owner();
        assert_eq!(client.query("SELECT 1; SELECT 2").tags(), "TDCTDCZ");
        assert_eq!(
            client.extended("SELECT $1::int + 1", &[Some("41")]).tags(),
            "12TDCZ"
        );
        let refused = client.query("SELECT nothing");
        assert_eq!(
            (refused.error_code(), refused.status()),
            (Some("42703"), Some('I'))
        );
        client.run("BEGIN");
        assert_eq!(client.query("SELECT 1/0").status(), Some('E'));
        client.run("ROLLBACK; CREATE TABLE t (n int)");
        client.send(&frames::query("COPY t FROM STDIN")).until(b'G');
        client.send(&[frames::copy_data(b"1\n2\n"), frames::copy_done()].concat());
        assert_eq!(client.until_ready().commands(), ["COPY 2"]);
        assert_eq!(
            client
                .function_call(1946, &[Some("abc"), Some("hex")])
                .error_code(),
            None
        );
        let pipeline = [frames::extended("SELECT 7", &[]), frames::flush()].concat();
        client.send(&pipeline).until(b'C');
        assert_eq!(client.send(&frames::sync()).until_ready().status(), Some('I'));
    });
}

#[test]
fn a_cancel_request_ends_the_running_query_only() {
    on_every_version(|server| {
        let db = server.database();
        let mut client = db.owner();
        client.send(&frames::query("SELECT pg_sleep(60)"));
        let pid = client.pid();
        eventually("the query runs", || {
            db.value(&format!(
                "SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND query ~ 'sleep' AND state = 'active'"
            ))
        });
        client.cancel_at(server.address);
        assert_eq!(client.until_ready().error_code(), Some("57014"));
        client.run("SELECT 1");
    });
}

#[test]
fn passwords_are_asked_for_where_the_settings_say_so() {
    let settings = Settings::of(Version::Newest)
        .hba("host all clear 127.0.0.1/32 password")
        .without_tls();
    let server = Postgres::start_with(settings);
    server
        .superuser("postgres")
        .run("CREATE ROLE clear LOGIN PASSWORD 'secret'");
    let mut client = Wire::connect(server.address).unwrap();
    client.send(&frames::ssl_request());
    assert_eq!(client.read_byte(), b'N');
    let who = [("user", "clear"), ("database", "postgres")];
    assert_eq!(
        client
            .startup(frames::PROTOCOL_3_0, &who, Some("secret"))
            .status(),
        Some('I')
    );
    let mut client = Wire::connect(server.address).unwrap();
    let refused = client.startup(frames::PROTOCOL_3_0, &who, Some("wrong"));
    assert_eq!(refused.error_code(), Some("28P01"));
}

#[test]
fn a_client_inside_tls_logs_in_however_it_came_there() {
    on_every_version(|server| {
        let direct = (server.version == Version::Newest).then_some(Negotiation::Direct);
        for negotiation in [Negotiation::Asked].into_iter().chain(direct) {
            let certificate = &server.certificate.as_ref().unwrap().cert;
            let mut client = tls::connect(server.address, certificate, negotiation).unwrap();
            let who = [("user", "app"), ("database", "postgres")];
            assert_eq!(
                client.startup(frames::PROTOCOL_3_0, &who, None).status(),
                Some('I')
            );
            let inside = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            assert_eq!(client.value(inside).as_deref(), Some("t"));
        }
    });
}

#[test]
fn a_killed_server_comes_back_with_its_data_on_the_same_port() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        let mut client = server.superuser("postgres");
        client.run("CREATE TABLE t AS SELECT 1 AS n; CHECKPOINT");
        server.kill9();
        client.until_closed();
        server.start_again();
        assert_eq!(server.value("postgres", "SELECT n FROM t").as_deref(), Some("1"));
        let mut client = server.superuser("postgres");
        server.stop(Stop::Fast);
        assert_eq!(
            client.until_closed().error().and_then(|error| error.field(b'C')),
            Some("57P01")
        );
    }
}

#[test]
fn lull_in_front_of_each_version_carries_queries_opens_and_closes_and_survives_a_kill() {
    on_every_version(|server| {
        let db = server.database();
        db.run("CREATE TABLE t (n int)");
        let lull = Lull::start(server);
        let mut client = Wire::login(lull.address(), "app", &db.name);
        client.run("INSERT INTO t VALUES (1)");
        lull.fenced("all", &["--reason", "harness"]);
        assert_eq!(
            client.query("INSERT INTO t VALUES (2)").error_code(),
            Some("25006")
        );
        Wire::login(lull.bypass(), "app", &db.name).run("INSERT INTO t VALUES (3)");
        lull.restart();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        assert_eq!(
            client.query("INSERT INTO t VALUES (4)").error_code(),
            Some("25006")
        );
        lull.lifted("all");
        client.run("INSERT INTO t VALUES (5)");
        assert_eq!(
            db.value("SELECT string_agg(n::text, ',') FROM t").as_deref(),
            Some("1,3,5")
        );
        assert!(lull.status_json().is_object());
        assert!(lull.metrics().contains("lull_"));
    });
}

#[test]
fn no_two_tests_get_the_same_port() {
    let mut ports: Vec<_> = (0..200).map(|_| ports::free().port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 200);
}

#[test]
fn fields_of_an_error_are_found_by_their_code() {
    let body = b"SERROR\0VERROR\0C25006\0Mcannot execute INSERT in a read-only transaction\0Dthe detail\0\0"
        .to_vec();
    let error = Message { tag: b'E', body };
    assert_eq!(error.field(b'C'), Some("25006"));
    assert_eq!(error.field(b'D'), Some("the detail"));
    assert_eq!(error.field(b'H'), None);
}

/// A database in which every kind of thing exists that the table below changes.
const GROUND: &str = "
    CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'v' FROM generate_series(1, 200) n;
    CREATE MATERIALIZED VIEW empty AS SELECT 1 WITH NO DATA; CREATE SCHEMA \"Odd\";
    CREATE TABLE \"Odd\".\"Name\" (c text, a_row text);
    CREATE SEQUENCE s; CREATE VIEW w AS SELECT * FROM t; SELECT lo_create(4711);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; DELETE FROM t WHERE id > 100;";

/// What a superuser does, and the part of the fingerprint that must tell.
const DEEDS: &[(&str, &str)] = &[
    ("UPDATE t SET v = v WHERE id = 1", "rows"),
    ("DELETE FROM t WHERE id = 2", "rows"),
    ("INSERT INTO \"Odd\".\"Name\" VALUES ('x')", "rows"),
    (
        "BEGIN; SELECT * FROM t WHERE id = 3 FOR UPDATE; COMMIT",
        "row lock marks",
    ),
    ("SELECT nextval('s')", "sequences"),
    ("CREATE TABLE u ()", "catalogs"),
    ("CREATE TABLE u2 AS SELECT * FROM t", "rows"),
    (
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "catalogs",
    ),
    (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "catalogs",
    ),
    ("ALTER ROLE app IN DATABASE {db} SET work_mem = '1MB'", "catalogs"),
    ("ALTER ROLE app CONNECTION LIMIT 77", "catalogs"),
    ("CREATE PUBLICATION p FOR TABLE t", "catalogs"),
    ("CREATE STATISTICS stat ON id, v FROM t", "catalogs"),
    ("COMMENT ON TABLE t IS 'x'", "catalogs"),
    ("GRANT SELECT ON t TO PUBLIC", "catalogs"),
    ("EXPLAIN ANALYZE CREATE TABLE u3 AS SELECT 1", "catalogs"),
    ("ANALYZE t", "sizes and statistics"),
    ("VACUUM t", "vacuum and analyze runs"),
    ("VACUUM FULL t", "relation files"),
    ("CLUSTER t USING t_pkey", "relation files"),
    ("REINDEX TABLE t", "relation files"),
    ("SELECT lo_create(4712)", "large objects"),
    ("SELECT lo_put(4711, 0, 'x')", "large objects"),
    ("SELECT lo_unlink(4711)", "large objects"),
    ("NOTIFY probe, 'hello'", "NOTIFY"),
    (
        "BEGIN; INSERT INTO t VALUES (1000); PREPARE TRANSACTION 'x'",
        "prepared transactions",
    ),
    (
        "SELECT pg_create_logical_replication_slot('{db}', 'test_decoding')",
        "replication slots",
    ),
    (
        "SELECT pg_create_physical_replication_slot('phys')",
        "physical replication slots",
    ),
    ("SELECT pg_replication_origin_create('origin')", "catalogs"),
    (
        "SELECT pg_replication_origin_advance('origin', '0/1')",
        "replication origins",
    ),
    ("ALTER SYSTEM SET work_mem = '2MB'", "configuration files"),
    ("SELECT pg_reload_conf()", "configuration loaded"),
    ("COPY t TO '{outside}/file'", "files outside"),
    ("COPY t TO PROGRAM 'cat > {data}/left-behind'", "data directory"),
    ("CREATE TEMP TABLE temporary ()", "temporary relations"),
    ("SELECT pg_stat_reset()", "statistics reset"),
];

#[test]
fn the_observer_names_what_has_changed_and_is_quiet_where_nothing_has() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        let ground = server.database();
        ground.superuser().run(GROUND);
        for (deed, part) in DEEDS {
            let deed = deed
                .replace("{outside}", &server.outside_directory().display().to_string())
                .replace("{db}", &ground.name)
                .replace("{data}", &server.data_directory().display().to_string());
            let mut client = ground.superuser();
            let mut observer = Observer::of(&ground);
            let before = observer.fingerprint();
            client.run("SELECT count(*) FROM t; SELECT * FROM w; SELECT f()");
            before.assert_same(&observer.fingerprint(), "reading");
            let statements: Vec<&str> = deed.split("; ").collect();
            for statement in statements {
                client.run(statement);
            }
            // Only "configuration loaded" comes late: every backend reads the files when it is idle next.
            eventually(&format!("{part} tell of {deed}"), || {
                (before.part(part) != observer.fingerprint().part(part)).then_some(())
            });
            client.query("ROLLBACK PREPARED 'x'");
        }
    }
}

#[test]
fn on_a_shared_server_the_observer_does_not_see_other_databases() {
    on_every_version(|server| {
        let (mine, other) = (server.database(), server.database());
        let mut observer = Observer::of(&mine);
        let before = observer.fingerprint();
        other
            .superuser()
            .run("CREATE TABLE t AS SELECT 1; NOTIFY probe; COMMENT ON ROLE app IS 'x'");
        before.assert_same(&observer.fingerprint(), "another test");
    });
}
