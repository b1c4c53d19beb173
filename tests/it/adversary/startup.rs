//! What a client can say while it logs in does not open a lull.

use crate::support::{Database, Lull, Observer, Postgres, Version, Wire, frames};

const INSERT: &str = "INSERT INTO t SELECT max(id) + 1, 'way out' FROM t";

#[test]
fn no_startup_parameter_makes_a_session_read_write() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let db = server.database();
        let other = server.database();
        db.run(&super::ground());
        let lull = Lull::start(server);
        lull.fenced(&format!("main/{}", db.name), &["--reason", "startup"]);
        let mut observer = Observer::of(&db);
        let seen = observer.fingerprint();
        let name = db.name.as_str();
        let tricks: &[&[(&str, &str)]] = &[
            &[("options", "-c default_transaction_read_only=off")],
            &[("options", "--default-transaction-read-only=off")],
            &[(
                "options",
                "-cdefault_transaction_read_only=of\\f -c transaction_read_only=off",
            )],
            &[("default_transaction_read_only", "off")],
            &[
                ("DEFAULT_TRANSACTION_READ_ONLY", "off"),
                ("transaction_read_only", "off"),
            ],
            &[
                ("default_transaction_read_only", "on"),
                ("default_transaction_read_only", "off"),
            ],
            &[
                ("standard_conforming_strings", "off"),
                ("client_encoding", "SJIS"),
            ],
            &[("client_encoding", "GBK")],
            &[("client_encoding", "BIG5")],
            &[("replication", "database")],
            &[("session_preload_libraries", "x")],
            // The server takes the last one.
            &[("database", &other.name), ("database", name)],
            &[("user", "postgres"), ("user", "app")],
        ];
        for trick in tricks {
            let mut parameters = vec![("user", "app"), ("database", name)];
            parameters.extend_from_slice(trick);
            let mut client = Wire::connect(lull.address()).unwrap();
            if client
                .startup(frames::PROTOCOL_3_0, &parameters, None)
                .error()
                .is_some()
            {
                continue;
            }
            for text in [
                INSERT,
                "SELECT lo_create(0)",
                "RESET ALL",
                INSERT,
                "SET default_transaction_read_only TO DEFAULT",
                INSERT,
            ] {
                client.query(text);
            }
            // A backslash, a half character, and what would follow in another encoding.
            for first in [0x81, 0x95, 0xc3, 0xa1, 0xe0, 0xfc] {
                for text in [
                    &b"SELECT E'X\\', lo_create(0) --'"[..],
                    b"SELECT 'X\\', lo_create(0) --'",
                    b"SELECT 'X\\' /*', lo_create(0) --*/'",
                    b"SELECT \"X\\\", lo_create(0) --\"",
                ] {
                    let body: Vec<u8> = text
                        .iter()
                        .map(|&byte| if byte == b'X' { first } else { byte })
                        .chain([0])
                        .collect();
                    client.send(&frames::message(b'Q', &body)).until_ready();
                }
            }
            seen.assert_same(&observer.fingerprint(), &format!("{trick:?} on {version:?}"));
        }
    }
}

#[test]
fn a_name_that_the_server_cuts_is_covered_like_the_name_it_means() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let name = format!("long_{}", "x".repeat(58));
        server
            .superuser("postgres")
            .run(&format!("CREATE DATABASE {name} OWNER app"));
        let db = Database { name, server };
        db.run("CREATE TABLE t (id int)");
        let lull = Lull::start(server);
        lull.fenced(&format!("main/{}", db.name), &["--reason", "names"]);
        let longer = format!("{}_and_more", db.name);
        // Newer servers refuse such a name.
        if let Ok(mut client) = Wire::try_login(lull.address(), "app", &longer) {
            assert_eq!(
                client.query("INSERT INTO t VALUES (1)").error_code(),
                Some("25006")
            );
        }
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("0"));
    }
}
