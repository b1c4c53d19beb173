//! Who comes in, by which method, and what it hears who does not.

use super::{forget, login, lull, server, userlist, users};
use crate::support::Lull;
use crate::support::mysql::packets::capability;
use crate::support::mysql::{Flavor, Login, Server};
use crate::support::places::{Account, Scratch};
use crate::support::tls::Certificate;

/// A lull that clients can reach with TLS.
pub struct Encrypted {
    pub lull: Lull,
    pub certificate: Certificate,
    _scratch: Scratch,
}

pub fn encrypted(server: &Server, sslmode: &str) -> Encrypted {
    let scratch = Scratch::new("tls", Account::own());
    let certificate = Certificate::make(&scratch, "lull", Account::own());
    let tls = format!(
        "[cluster.tls]\ncert = \"{}\"\nkey = \"{}\"",
        certificate.cert.display(),
        certificate.key.display()
    );
    let cluster = format!("primary_sslmode = \"{sslmode}\"");
    Encrypted {
        lull: lull(server, &userlist(server), &cluster, &tls),
        certificate,
        _scratch: scratch,
    }
}

#[test]
fn who_has_the_password_comes_in_on_every_combination_of_tls() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let db = server.database();
        for sslmode in ["disable", "require"] {
            for with_tls in [false, true] {
                // Nobody has shown this lull a password yet.
                let legs = encrypted(&server, sslmode);
                forget(&server);
                for (user, password) in users(flavor) {
                    let login = login(user, password).database(&db.name);
                    let login = match with_tls {
                        true => login.tls(&legs.certificate.cert),
                        false => login,
                    };
                    for time in ["first", "second"] {
                        let mut client = login.to(legs.lull.address());
                        let who = client.value("SELECT CONCAT(CURRENT_USER(), ' ', DATABASE())");
                        let expected = format!("{user}@% {}", db.name);
                        assert_eq!(who.as_deref(), Some(expected.as_str()), "{time}");
                        let question = format!(
                            "SELECT count(*) FROM information_schema.processlist WHERE id = {}",
                            client.id()
                        );
                        assert_eq!(server.value(&question).as_deref(), Some("1"), "its own id");
                    }
                }
            }
        }
    }
}

#[test]
fn who_does_not_come_in_hears_what_the_server_says() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let lull = lull(&server, &userlist(&server), "primary_sslmode = \"disable\"", "");
        for (user, password) in users(flavor) {
            for wrong in [
                login(user, "wrong"),
                login(user, ""),
                login("nobody at all", "wrong"),
                login(user, password).database("no_such"),
            ] {
                let said = |address| {
                    forget(&server);
                    wrong.try_to(address).unwrap_err().to_string()
                };
                // What the packet says, whatever its number.
                let words = |said: &str| said.split_once(") ").unwrap().1.to_owned();
                let (through, directly) = (said(lull.address()), said(server.address));
                assert_eq!(words(&through), words(&directly));
            }
        }
        assert_eq!(lull.metric("lull_logins_total{result=\"ok\"}"), 0.0);
        assert_eq!(lull.metric("lull_logins_total{result=\"rejected\"}"), 8.0);
    }
}

#[test]
fn a_client_that_begins_with_another_method_is_led_to_the_right_one() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let lull = lull(&server, &userlist(&server), "", "");
        for (user, password) in users(flavor) {
            for method in [
                "mysql_native_password",
                "caching_sha2_password",
                "sha256_password",
            ] {
                let mut client = login(user, password).method(method).to(lull.address());
                let who = client.value("SELECT CURRENT_USER()");
                assert_eq!(who, Some(format!("{user}@%")), "{method}");
            }
        }
        let old = |user, password| {
            login(user, password)
                .without(capability::PLUGIN_AUTH | capability::LENENC_AUTH)
                .method("mysql_native_password")
        };
        let [(hashed, secret), (plain, password)] = users(flavor);
        old(plain, password).to(lull.address());
        match flavor {
            Flavor::MariaDb | Flavor::MariaDbNewest => drop(old(hashed, secret).to(lull.address())),
            Flavor::MySql => {
                let refused = old(hashed, secret).try_to(lull.address()).unwrap_err();
                let said = refused.to_string();
                assert!(said.contains("knows no methods of authentication"), "{said}");
            }
        }
    }
}

#[test]
fn a_session_that_comes_in_a_lull_is_born_read_only_and_one_that_was_there_becomes_so() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let db = server.database();
        db.superuser().run("CREATE TABLE t (v int)");
        let lull = lull(&server, &userlist(&server), "", "");
        let [(user, password), _] = users(flavor);
        let login = login(user, password).database(&db.name);
        let mut there = login.to(lull.address());
        there.run("INSERT INTO t VALUES (1)");
        lull.fenced("all", &[]);
        let mut born = login.to(lull.address());
        for client in [&mut there, &mut born] {
            assert_eq!(client.query("INSERT INTO t VALUES (2)").error_code(), Some(1792));
            assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        }
        lull.lifted("all");
        for client in [&mut there, &mut born] {
            client.run("INSERT INTO t VALUES (3)");
        }
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("3"));
    }
}

/// The client proves the password to lull by one method, and lull to the server by another.
#[test]
fn a_user_of_ed25519_comes_in_whose_password_is_in_the_file() {
    let server = server(Flavor::MariaDb);
    let lull = lull(&server, "\"edward\" \"ed-secret\"\n", "", "");
    let mut client = login("edward", "ed-secret").to(lull.address());
    assert_eq!(client.value("SELECT CURRENT_USER()").as_deref(), Some("edward@%"));
    let refused = login("edward", "wrong").try_to(lull.address()).unwrap_err();
    assert!(
        refused.to_string().contains("Access denied for user"),
        "{refused}"
    );
}

/// The server itself lets in who comes by COM_CHANGE_USER: the client's proofs are of the server's own scramble.
#[test]
fn a_session_changes_its_user() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let lull = lull(&server, &userlist(&server), "primary_sslmode = \"disable\"", "");
        let [first, second] = users(flavor);
        let mut client = login(second.0, second.1).to(lull.address());
        login(first.0, first.1)
            .change(&mut client)
            .expect("the right password");
        let who = client.value("SELECT CURRENT_USER()");
        assert_eq!(who, Some(format!("{}@%", first.0)));
        let refused = login(second.0, "wrong")
            .change(&mut client)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("Access denied for user"), "{refused}");
    }
}

#[test]
fn what_is_no_answer_lets_nobody_in() {
    let server = server(Flavor::MySql);
    let lull = lull(&server, &userlist(&server), "", "");
    for answer in [&b""[..], &[0], &[2], &[7; 256], b"sha2-secret\0", &[9; 20]] {
        let mut client = crate::support::mysql::Wire::connect(lull.address()).unwrap();
        let response = [
            &0x00ff_a28d_u32.to_le_bytes()[..],
            &[0, 0, 0, 1, 45],
            &[0; 23],
            b"sha2\0\x20",
            &[7; 32],
            b"\0caching_sha2_password\0",
        ]
        .concat();
        client.go_on(&response);
        let wanted = client.read();
        assert_eq!(wanted.payload, [1, 4], "the password is wanted");
        client.go_on(answer);
        let said = client.read();
        assert!(matches!(said.payload.first(), Some(0xff | 1)), "{said:?}");
        drop(client);
        Login::of("sha2").password("sha2-secret").to(lull.address());
    }
}
