//! The login by every method is the server's own, relayed; so is its refusal.

use super::encryption::Encrypted;
use super::program;
use crate::support::{Lull, Postgres, Settings, Version, Wire, frames};
use std::process::Command;

const METHODS: [&str; 4] = ["trust", "password", "md5", "scram-sha-256"];

/// A server with a role for each method, named as the method; the password is `secret`.
fn server(version: Version) -> Postgres {
    let settings = METHODS.iter().fold(Settings::of(version), |settings, method| {
        settings
            .hba(&format!("host all \"{method}\" 127.0.0.1/32 {method}"))
            .hba(&format!("local all \"{method}\" {method}"))
    });
    let server = Postgres::start_with(settings.hba("host all rejected 127.0.0.1/32 reject"));
    for method in METHODS {
        let encryption = if method == "md5" { "md5" } else { "scram-sha-256" };
        let mut admin = server.superuser("postgres");
        admin.run(&format!("SET password_encryption = '{encryption}'"));
        admin.run(&format!("CREATE ROLE \"{method}\" LOGIN PASSWORD 'secret'"));
    }
    server.superuser("postgres").run("CREATE ROLE rejected LOGIN");
    server
}

fn psql(version: Version, dsn: &str, password: &str) -> Command {
    let mut command = program::of(version, "psql");
    command
        .args(["-XAtwc", "SELECT current_user", dsn])
        .env("PGPASSWORD", password);
    command
}

#[test]
fn every_method_lets_in_who_has_the_password_and_nobody_else() {
    for version in Version::ALL {
        let server = server(version);
        let lull = Lull::start(&server);
        let plain = |place: &Lull, user: &str| place.connect_string(user, "postgres");
        for method in METHODS {
            for client in Version::ALL {
                let said = program::run(&mut psql(client, &plain(&lull, method), "secret"));
                assert_eq!(said.trim(), method);
            }
        }
        for (user, password) in [
            ("password", "wrong"),
            ("md5", "wrong"),
            ("scram-sha-256", "wrong"),
            ("rejected", "secret"),
            ("nobody at all", "secret"),
        ] {
            let user_word = format!("'{user}'");
            let directly = server.connect_string(&user_word, "postgres sslmode=disable");
            let directly = program::fail(&mut psql(Version::Newest, &directly, password));
            // The server's side without TLS, so that it has the same to say of the connection.
            let lull = Lull::with_config(server.address, |addresses| {
                addresses.config("primary_sslmode = \"disable\"", "")
            });
            let through = program::fail(&mut psql(Version::Newest, &plain(&lull, &user_word), password));
            let port = |place: std::net::SocketAddr| format!("port {}", place.port());
            let through = through.replace(&port(lull.address()), &port(server.address));
            assert_eq!(through, directly, "{user} with {password}");
        }
        let missing = psql(Version::Newest, &lull.connect_string("trust", "no_such"), "").output();
        let missing = String::from_utf8_lossy(&missing.unwrap().stderr).into_owned();
        assert!(
            missing.contains("database \"no_such\" does not exist"),
            "{missing}"
        );
    }
}

#[test]
fn scram_with_channel_binding_works_but_where_both_legs_have_tls_and_then_the_error_says_what_to_do() {
    for version in Version::ALL {
        let server = server(version);
        let login = |tls: &Encrypted, words: &str| {
            let dsn = format!("{} {words}", tls.lull.connect_string("scram-sha-256", "postgres"));
            psql(Version::Newest, &dsn, "secret")
        };
        let both = Encrypted::before(&server, "mode = \"allow\"", "require");
        for binding in ["prefer", "require"] {
            let words = format!("sslmode=require channel_binding={binding}");
            let said = program::fail(&mut login(&both, &words));
            for word in [
                "SCRAM with channel binding cannot pass",
                "channel_binding=disable",
                "sslmode = \"disable\"",
            ] {
                assert!(said.contains(word), "{binding}: {said}");
            }
        }
        assert_eq!(
            both.lull.metric("lull_logins_total{result=\"channel_binding\"}"),
            2.0
        );
        program::run(&mut login(&both, "sslmode=require channel_binding=disable"));
        program::run(&mut login(&both, "sslmode=disable channel_binding=prefer"));
        let below = Encrypted::before(&server, "mode = \"require\"", "disable");
        program::run(&mut login(&below, "sslmode=require channel_binding=prefer"));
        let above = Lull::with_config(server.address, |addresses| {
            addresses.config("primary_sslmode = \"require\"", "")
        });
        let dsn = above.connect_string("scram-sha-256", "postgres");
        program::run(&mut psql(Version::Newest, &dsn, "secret"));
    }
}

#[test]
fn unix_sockets_serve_on_both_legs() {
    for version in Version::ALL {
        let server = server(version);
        let upstream = server
            .socket_directory()
            .join(format!(".s.PGSQL.{}", server.address.port()));
        let mut path = None;
        let lull = Lull::with_config(server.address, |addresses| {
            let listen = addresses.directory.join(".s.PGSQL.6432");
            let text = addresses
                .config("", "")
                .replace(
                    &format!("listen = [\"{}\"]", addresses.listen),
                    &format!("listen = [\"{}\", \"{}\"]", addresses.listen, listen.display()),
                )
                .replace(
                    &format!("primary = \"{}\"", addresses.primary.address),
                    &format!("primary = \"{}\"", upstream.display()),
                );
            path = Some(listen);
            text
        });
        let path = path.unwrap();
        let directory = path.parent().unwrap().display();
        let mut client = Wire::connect_unix(&path).unwrap();
        // As the server does, it has no TLS on a Unix socket.
        client.send(&frames::ssl_request());
        assert_eq!(client.read_byte(), b'N');
        let who = [("user", "app"), ("database", "postgres")];
        client
            .startup(frames::PROTOCOL_3_0, &who, None)
            .expect_success("login");
        let local = "SELECT client_addr IS NULL FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        assert_eq!(client.value(local).as_deref(), Some("t"));
        for method in METHODS {
            let by_socket = format!("host={directory} port=6432 user={method} dbname=postgres");
            let by_tcp = lull.connect_string(method, "postgres");
            for dsn in [by_socket, by_tcp] {
                assert_eq!(program::run(&mut psql(version, &dsn, "secret")).trim(), method);
            }
        }
        client.send(&frames::query("SELECT pg_sleep(0.1), repeat('x', 1000000)"));
        assert_eq!(client.until_ready().commands(), ["SELECT 1"]);
    }
}

#[test]
fn an_empty_database_name_and_none_mean_the_users_own() {
    let server = server(Version::Newest);
    server
        .superuser("postgres")
        .run("CREATE DATABASE trust OWNER trust");
    let lull = Lull::start(&server);
    for who in [&[("user", "trust")][..], &[("user", "trust"), ("database", "")]] {
        let mut client = Wire::connect(lull.address()).unwrap();
        client
            .startup(frames::PROTOCOL_3_0, who, None)
            .expect_success("login");
        assert_eq!(
            client.value("SELECT current_database()").as_deref(),
            Some("trust")
        );
        lull.fenced("main/trust", &[]);
        let refused = client.query("CREATE TABLE t ()");
        assert_eq!(refused.error_code(), Some("25006"));
        lull.lifted("main/trust");
    }
}
