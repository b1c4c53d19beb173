//! The same for MariaDB and MySQL: what the other tests stand on does what it says.

use crate::support::mysql::packets::{self, capability, status};
use crate::support::mysql::replies::binary_values;
use crate::support::mysql::{Flavor, Login, Reply, Server, Settings, Wire};
use crate::support::{Driver, eventually};

#[test]
fn each_flavor_is_the_server_that_it_says() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let version = server.value("SELECT version()").unwrap();
        assert_eq!(version.contains("MariaDB"), flavor.is_mariadb(), "{version}");
        assert_eq!(server.value("SELECT @@log_bin").as_deref(), Some("1"));
        assert_eq!(
            server
                .value("SHOW DATABASES LIKE 'performance_schema'")
                .as_deref(),
            Some("performance_schema")
        );
    }
}

#[test]
fn every_user_logs_in_by_the_method_that_the_table_names() {
    let by_password = [
        (Flavor::MariaDb, "native", "native-secret"),
        (Flavor::MariaDb, "replica", "replica-secret"),
        (Flavor::MySql, "sha2", "sha2-secret"),
        (Flavor::MySql, "sha256", "sha256-secret"),
        (Flavor::MySql, "replica", "replica-secret"),
    ];
    for (flavor, user, password) in by_password {
        let server = Server::shared(flavor);
        let certificate = &server.certificate.as_ref().unwrap().cert;
        let login = Login::of(user).password(password);
        for login in [login.clone(), login.tls(certificate)] {
            // Twice: the second time, the server may remember the password.
            for _ in 0..2 {
                let me = login.to(server.address).value("SELECT current_user()");
                assert_eq!(me, Some(format!("{user}@%")));
            }
            let wrong = login.clone().password("wrong").try_to(server.address);
            assert!(wrong.unwrap_err().to_string().contains("Access denied"));
        }
    }
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let me = |user| Wire::login(server.address, user, "").value("SELECT current_user()");
        assert_eq!(me("app").as_deref(), Some("app@%"));
        assert!(me("root").unwrap().starts_with("root@"));
        let tls = Login::of("app").tls(&server.certificate.as_ref().unwrap().cert);
        let mut inside = tls.to(server.address);
        let cipher = inside.run("SHOW STATUS LIKE 'Ssl_cipher'");
        assert!(cipher.rows()[0][1].is_some_and(|cipher| !cipher.is_empty()));
    }
}

#[test]
fn databases_are_for_app_and_do_not_outlive_their_value() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT PRIMARY KEY)");
        db.run("INSERT INTO t VALUES (1), (2)");
        assert_eq!(db.value("SELECT sum(n) FROM t").as_deref(), Some("3"));
        let refused = db.owner().query("CREATE DATABASE elsewhere");
        assert_eq!(refused.error_code(), Some(1044));
        let name = db.name.clone();
        drop(db);
        let left = format!("SELECT count(*) FROM information_schema.schemata WHERE schema_name = '{name}'");
        assert_eq!(server.value(&left).as_deref(), Some("0"));
    }
}

#[test]
fn the_raw_client_reads_every_kind_of_answer_with_and_without_eof_packets() {
    for flavor in Flavor::ALL {
        let db = Server::shared(flavor).database();
        db.run("CREATE TABLE t (n INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))");
        let more = capability::MULTI_STATEMENTS | capability::LOCAL_FILES;
        for eof in [
            0,
            capability::DEPRECATE_EOF,
            capability::DEPRECATE_EOF | capability::SESSION_TRACK,
        ] {
            let login = Login::of("app").database(&db.name).with(more | eof);
            let mut client = login.to(db.server.address);
            read_every_kind(&mut client);
        }
    }
}

fn read_every_kind(client: &mut Wire) {
    client.run("TRUNCATE t");
    let replies =
        client.run("INSERT INTO t (v) VALUES ('one'), (NULL); SELECT n, v FROM t; SELECT 1 WHERE 1 = 0");
    assert_eq!(replies.0.len(), 3, "{replies:?}");
    assert!(matches!(&replies.0[0], Reply::Ok(done) if done.affected == 2 && done.last_insert_id == 1));
    let Reply::Ok(done) = &replies.0[0] else {
        unreachable!()
    };
    assert_eq!(done.info, "Records: 2  Duplicates: 0  Warnings: 0");
    assert_eq!(replies.rows(), [[Some("1"), Some("one")], [Some("2"), None]]);
    assert_eq!(replies.status(), status::AUTOCOMMIT);
    let replies = client.query("SELECT 1; SELECT nothing");
    assert_eq!(replies.value(), Some("1"));
    assert_eq!(
        (replies.error_code(), replies.error_state()),
        (Some(1054), Some("42S22"))
    );

    let statement = client
        .prepare("SELECT n, v FROM t WHERE n < ? ORDER BY n")
        .unwrap();
    let replies = client.ask(&packets::execute(statement, 0, &[Some("9")]));
    let values = binary_rows(&replies, None);
    assert_eq!(
        values,
        [
            [Some("1".to_owned()), Some("one".to_owned())],
            [Some("2".to_owned()), None]
        ]
    );
    let opened = client.ask(&packets::execute(
        statement,
        packets::CURSOR_READ_ONLY,
        &[Some("9")],
    ));
    assert_ne!(opened.status() & status::CURSOR_EXISTS, 0, "{opened:?}");
    client.send(&packets::fetch(statement, 1));
    assert_eq!(binary_rows(&client.fetched(), Some(&opened)).len(), 1);
    client.send(&packets::fetch(statement, 5));
    let last = client.fetched();
    assert_eq!(binary_rows(&last, Some(&opened)).len(), 1);
    assert_ne!(last.status() & status::LAST_ROW_SENT, 0);
    client.send(&packets::close(statement));
    assert!(matches!(
        client.prepare("SELEC"),
        Err(Reply::Error { code: 1064, .. })
    ));

    let asked = client.query("LOAD DATA LOCAL INFILE 'name' INTO TABLE t (v)");
    assert_eq!(asked.0, [Reply::LocalInfile("name".to_owned())]);
    let done = client.send_file(&[b"three\nfo", b"ur\n"]);
    assert!(
        matches!(&done.0[0], Reply::Ok(done) if done.affected == 2),
        "{done:?}"
    );
    assert!(matches!(&client.ask(&[packets::PING]).0[0], Reply::Ok(_)));
    client.send(&[packets::STATISTICS]);
    assert!(client.read().payload.starts_with(b"Uptime"));
    let large = "x".repeat(17 << 20);
    let length = client.value(&format!("SELECT length('{large}')"));
    assert_eq!(length.as_deref(), Some("17825792"));
    assert_eq!(
        client
            .value(&format!("SELECT repeat('y', {})", 17 << 20))
            .unwrap()
            .len(),
        17 << 20
    );
}

fn binary_rows(
    replies: &crate::support::mysql::Replies,
    opened: Option<&crate::support::mysql::Replies>,
) -> Vec<Vec<Option<String>>> {
    let columns = match &opened.unwrap_or(replies).0[0] {
        Reply::Rows { columns, .. } => columns,
        other => panic!("{other:?}"),
    };
    match &replies.0[0] {
        Reply::Rows { rows, .. } => {
            let values = rows.iter().map(|row| binary_values(&row.payload, columns));
            values.map(|row| row.expect("a binary row")).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_changes_its_user_and_is_reset() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let mut client = Wire::login(server.address, "app", "");
        client.run("SET @mine = 1");
        assert!(matches!(
            client.ask(&[packets::RESET_CONNECTION]).0[0],
            Reply::Ok(_)
        ));
        assert_eq!(client.value("SELECT @mine"), None);
        let (user, password) = flavor.pick(("native", "native-secret"), ("sha2", "sha2-secret"));
        Login::of(user).password(password).change(&mut client).unwrap();
        assert_eq!(client.value("SELECT current_user()"), Some(format!("{user}@%")));
    }
}

#[test]
fn a_server_comes_back_with_its_data_after_it_was_stopped_and_after_it_was_killed() {
    for flavor in Flavor::ALL {
        let server = Server::start_with(Settings::of(flavor).without_tls());
        assert_eq!(
            Wire::connect(server.address).unwrap().greeting.capabilities & capability::SSL,
            0
        );
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        server.stop();
        server.start_again();
        db.run("INSERT INTO t VALUES (1)");
        server.kill9();
        server.start_again();
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("1"));
    }
}

#[test]
fn a_write_arrives_at_the_replica() {
    for flavor in Flavor::ALL {
        let server = Server::start(flavor);
        let replica = server.replica(server.address);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        db.run("INSERT INTO t VALUES (42)");
        replica.catch_up(&server.position());
        let found = replica.value(&format!("SELECT n FROM {}.t", db.name));
        assert_eq!(found.as_deref(), Some("42"));
        let refused = Wire::login(replica.address, "app", &db.name).query("INSERT INTO t VALUES (43)");
        assert_eq!(refused.error_code(), Some(1290));
    }
}

#[test]
fn a_session_ends_on_the_server_when_its_client_goes() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let client = Wire::login(server.address, "app", "");
        let id = client.id();
        let there = format!("SELECT count(*) FROM information_schema.processlist WHERE id = {id}");
        assert_eq!(server.value(&there).as_deref(), Some("1"));
        drop(client);
        server.wait_for_end_of(id);
        eventually("it stays so", || {
            (server.value(&there).as_deref() == Some("0")).then_some(())
        });
    }
}

#[test]
fn every_driver_passes_its_checks_directly_on_the_server() {
    for flavor in Flavor::ALL {
        for driver in Driver::MYSQL {
            let db = Server::shared(flavor).database();
            driver.check(&db.connect_string());
        }
    }
}

#[test]
fn every_driver_knows_a_read_only_session_when_it_sees_one() {
    for flavor in Flavor::ALL {
        for driver in Driver::MYSQL {
            let db = Server::shared(flavor).database();
            driver.check_read_only_server(&db.connect_string(), || (), || ());
        }
    }
}
