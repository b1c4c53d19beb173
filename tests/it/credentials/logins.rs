//! Who has the password comes in, by whatever the server asks lull for; who has not hears the server's own words.

use super::{METHODS, PASSWORD, lull, psql, server, userlist};
use crate::support::{Version, Wire, frames};
use crate::transparency::program;

#[test]
fn who_has_the_password_comes_in_and_nobody_else() {
    for version in Version::ALL {
        let server = server(version);
        let lull = lull(&server, &userlist(&server), "", "");
        for method in METHODS {
            let dsn = lull.connect_string(method, "postgres");
            for client in Version::ALL {
                assert_eq!(program::run(&mut psql(client, &dsn, PASSWORD)).trim(), method);
            }
        }
        for (user, password) in [
            ("scram-sha-256", "wrong"),
            ("md5", "wrong"),
            ("password", "wrong"),
            ("scram-sha-256", ""),
        ] {
            let told = |place: String| {
                let said = program::fail(&mut psql(Version::Newest, &place, password));
                said.split_once("failed: ")
                    .map(|(_, what)| what.to_owned())
                    .unwrap()
            };
            let directly = told(server.connect_string(user, "postgres sslmode=disable"));
            let through = told(lull.connect_string(user, "postgres"));
            assert_eq!(through, directly, "{user} with {password:?}");
        }
        let nowhere = program::fail(&mut psql(
            version,
            &lull.connect_string("md5", "no_such"),
            PASSWORD,
        ));
        assert!(
            nowhere.contains("database \"no_such\" does not exist"),
            "{nowhere}"
        );
    }
}

#[test]
fn a_session_that_comes_in_a_lull_is_born_read_only() {
    let server = server(Version::Newest);
    server
        .superuser("postgres")
        .run("CREATE TABLE t (v int); GRANT ALL ON t TO \"md5\"");
    let lull = lull(&server, &userlist(&server), "", "");
    lull.fenced("all", &[]);
    let dsn = lull.connect_string("md5", "postgres");
    let mut client = psql(Version::Newest, &dsn, PASSWORD);
    let said = program::fail(client.args([
        "-c",
        "SHOW transaction_read_only",
        "-c",
        "INSERT INTO t VALUES (1)",
    ]));
    assert!(
        said.contains("md5\non\n") && said.contains("read-only transaction"),
        "{said}"
    );
    lull.lifted("all");
    program::run(psql(Version::Newest, &dsn, PASSWORD).args(["-c", "INSERT INTO t VALUES (1)"]));
    assert_eq!(
        server.value("postgres", "SELECT count(*) FROM t").as_deref(),
        Some("1")
    );
}

/// The server negotiates after lull has let the client in: the client must still take it.
#[test]
fn protocol_3_2_and_its_negotiation_survive() {
    for version in Version::ALL {
        let server = server(version);
        let lull = lull(&server, &userlist(&server), "", "");
        for method in METHODS {
            let dsn = format!(
                "{} max_protocol_version=3.2",
                lull.connect_string(method, "postgres")
            );
            assert_eq!(
                program::run(&mut psql(Version::Newest, &dsn, PASSWORD)).trim(),
                method
            );
        }
    }
}

/// As a driver that speaks another protocol, or a port scanner, would have it.
#[test]
fn what_is_no_answer_is_a_protocol_violation() {
    let server = server(Version::Newest);
    let lull = lull(&server, &userlist(&server), "", "");
    let sasl = |message: &[u8]| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        frames::message(b'p', &[&b"SCRAM-SHA-256\0"[..], &length, message].concat())
    };
    for answer in [
        frames::query("SELECT 1"),
        frames::password(PASSWORD),
        frames::message(b'p', b""),
        frames::message(b'p', b"SCRAM-SHA-1\0\0\0\0\x03n,,"),
        sasl(b"n,,"),
        sasl(b"p=tls-server-end-point,,n=,r=x"),
        frames::message(b'p', b"SCRAM-SHA-256\0\xff\xff\xff\xffn,,n=,r=x"),
    ] {
        let mut client = Wire::connect(lull.address()).unwrap();
        let who = [("user", "scram-sha-256"), ("database", "postgres")];
        client.send(&frames::startup(frames::PROTOCOL_3_0, &who));
        assert_eq!(client.read().tag, b'R');
        let said = client.send(&answer).until_closed();
        assert_eq!(said.error_code(), Some("08P01"), "{answer:?}: {said:?}");
    }
    assert_eq!(lull.metric("lull_logins_total{result=\"client_protocol\"}"), 7.0);
}
