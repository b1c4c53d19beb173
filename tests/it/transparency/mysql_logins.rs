//! Logins of MariaDB and MySQL: every method, on every combination of TLS on the two legs; and what is said to those who
//! do not get in.

use super::encryption::Encrypted;
use super::program;
use crate::support::mysql::packets::capability;
use crate::support::mysql::{Flavor, Login, Server, Settings, Wire};
use crate::support::places::{Account, Scratch};
use crate::support::tls::Certificate;
use crate::support::{Lull, PATIENCE, eventually};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

const SECRET: &str = "a secret that is longer than the scramble";
const SSLMODES: [&str; 2] = ["disable", "require"];

/// Methods, each with a user of its name.
fn methods(flavor: Flavor) -> &'static [&'static str] {
    match flavor {
        Flavor::MariaDb => &["mysql_native_password", "ed25519"],
        Flavor::MariaDbNewest => &["mysql_native_password", "ed25519", "parsec"],
        Flavor::MySql => &["caching_sha2_password", "sha256_password"],
    }
}

/// A server with a user for each method.
fn server(flavor: Flavor) -> Server {
    let mut settings = Settings::of(flavor);
    if flavor == Flavor::MariaDbNewest {
        settings = settings.option("--plugin-load-add=auth_parsec");
    }
    let server = Server::start_with(settings);
    let mut root = server.superuser("");
    root.run("CREATE DATABASE shop");
    for method in methods(flavor) {
        root.run(&match flavor {
            Flavor::MariaDb | Flavor::MariaDbNewest => {
                format!("CREATE USER {method} IDENTIFIED VIA {method} USING PASSWORD('{SECRET}')")
            }
            Flavor::MySql => format!("CREATE USER {method} IDENTIFIED WITH {method} BY '{SECRET}'"),
        });
        root.run(&format!("GRANT ALL ON shop.* TO {method}"));
    }
    server
}

/// The server forgets what passwords it has seen: the next login by caching_sha2_password is a full one.
fn forget(server: &Server) {
    server.superuser("").run("FLUSH PRIVILEGES");
}

fn login(user: &str, certificate: Option<&Path>) -> Login {
    let login = Login::of(user).password(SECRET).database("shop");
    match certificate {
        Some(certificate) => login.tls(certificate),
        None => login,
    }
}

fn is_encrypted(client: &mut Wire) -> bool {
    let status = client.run("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    let rows = status.rows();
    rows[0][1].is_some_and(|cipher| !cipher.is_empty())
}

#[test]
fn every_method_lets_in_who_has_the_password_on_every_combination_of_tls() {
    // The command line knows the others.
    let raw = |method: &&&str| !matches!(**method, "ed25519" | "parsec");
    for flavor in Flavor::EVERY {
        let server = server(flavor);
        for sslmode in SSLMODES {
            let tls = Encrypted::before(&server, "mode = \"allow\"", sslmode);
            let certificate = tls.certificate.cert.as_path();
            for method in methods(flavor).iter().filter(raw) {
                for shown in [None, Some(certificate)] {
                    forget(&server);
                    // The second time the server may know the password already.
                    for time in ["first", "second"] {
                        let mut client = login(method, shown).to(tls.lull.address());
                        let who = client.value("SELECT CONCAT(CURRENT_USER(), ' ', DATABASE())");
                        assert_eq!(
                            who.as_deref(),
                            Some(format!("{method}@% shop").as_str()),
                            "{time}"
                        );
                        assert_eq!(is_encrypted(&mut client), sslmode == "require", "{method}");
                        let large = client.value("SELECT REPEAT('x', 3000000)").unwrap();
                        assert_eq!(large.len(), 3_000_000);
                    }
                }
            }
        }
    }
}

#[test]
fn a_client_that_begins_with_the_method_that_shows_its_password_gives_it_to_nobody_else() {
    let server = server(Flavor::MySql);
    for sslmode in SSLMODES {
        let tls = Encrypted::before(&server, "mode = \"allow\"", sslmode);
        let certificate = tls.certificate.cert.as_path();
        for user in methods(Flavor::MySql) {
            for shown in [None, Some(certificate)] {
                forget(&server);
                let login = login(user, shown).method("sha256_password");
                let mut client = login.to(tls.lull.address());
                assert_eq!(client.value("SELECT 1").as_deref(), Some("1"), "{user} {sslmode}");
            }
        }
    }
}

/// Where the flavor's own command line connects.
enum Place<'a> {
    Tcp(SocketAddr, Option<&'a Path>),
    Socket(&'a Path),
}

fn command_line(flavor: Flavor, user: &str, place: &Place<'_>) -> Command {
    let mut command = Command::new(flavor.client_program());
    command
        .args(["-N", "-e", "SELECT CURRENT_USER()"])
        .arg(format!("-u{user}"))
        .env("MYSQL_PWD", SECRET)
        .arg("shop");
    let certificate = match place {
        Place::Socket(path) => {
            command.arg(format!("--socket={}", path.display()));
            None
        }
        Place::Tcp(address, certificate) => {
            command.arg("-h127.0.0.1").arg(format!("-P{}", address.port()));
            *certificate
        }
    };
    match (flavor, certificate) {
        (Flavor::MySql, Some(certificate)) => {
            command.args([
                "--ssl-mode=VERIFY_CA",
                &format!("--ssl-ca={}", certificate.display()),
            ]);
        }
        (Flavor::MySql, None) => {
            command.args(["--ssl-mode=DISABLED", "--get-server-public-key"]);
        }
        (_, Some(certificate)) => {
            command.args([
                "--ssl-verify-server-cert",
                &format!("--ssl-ca={}", certificate.display()),
            ]);
        }
        (_, None) => {
            command.arg("--skip-ssl");
        }
    }
    if flavor.is_mariadb() {
        // The library looks for its methods in the system's own directory.
        let root = flavor.client_program().ancestors().nth(2).unwrap().to_owned();
        let plugins = root.join(format!(
            "usr/lib/{}-linux-gnu/libmariadb3/plugin",
            std::env::consts::ARCH
        ));
        command.arg(format!("--plugin-dir={}", plugins.display()));
    }
    command
}

#[test]
fn the_command_lines_come_in_by_every_method_on_every_combination_of_tls() {
    for flavor in Flavor::EVERY {
        let server = server(flavor);
        for sslmode in SSLMODES {
            let tls = Encrypted::before(&server, "mode = \"allow\"", sslmode);
            for method in methods(flavor) {
                for shown in [None, Some(tls.certificate.cert.as_path())] {
                    forget(&server);
                    let said = program::run(&mut command_line(
                        flavor,
                        method,
                        &Place::Tcp(tls.lull.address(), shown),
                    ));
                    assert_eq!(said.trim(), format!("{method}@%"), "{sslmode} {shown:?}");
                }
            }
        }
    }
}

#[test]
fn who_does_not_get_in_hears_it_in_the_servers_own_words() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        // No TLS on the server's side either, so that it has the same to say of the connection.
        let lull = Lull::with_config(&server, |addresses| {
            addresses.config("primary_sslmode = \"disable\"", "")
        });
        let [first, second] = methods(flavor) else {
            unreachable!()
        };
        let mut refused = vec![
            Login::of(first).password("wrong"),
            Login::of(first),
            Login::of("nobody at all").password("wrong"),
            Login::of(first).password(SECRET).database("no_such"),
            Login::of(first).password(SECRET).database("mysql"),
        ];
        if *second != "ed25519" {
            refused.push(Login::of(second).password("wrong"));
        }
        for login in refused {
            let said = |address| {
                forget(&server);
                login.try_to(address).unwrap_err().to_string()
            };
            assert_eq!(said(lull.address()), said(server.address));
        }
        assert_eq!(lull.metric("lull_logins_total{result=\"ok\"}"), 0.0);
        assert!(lull.metric("lull_logins_total{result=\"rejected\"}") >= 5.0);
        forget(&server);
        let directly = login(first, None).to(server.address).login_packets;
        forget(&server);
        let through = login(first, None).to(lull.address()).login_packets;
        assert_eq!(through.last(), directly.last(), "the OK");
    }
}

#[test]
fn unix_sockets_serve_on_both_legs() {
    for flavor in Flavor::EVERY {
        let server = server(flavor);
        let mut path = None;
        let lull = Lull::with_config(&server, |addresses| {
            let listen = addresses.directory.join("mysql.sock");
            let text = addresses
                .config("", "")
                .replace(
                    &format!("listen = [\"{}\"]", addresses.listen),
                    &format!("listen = [\"{}\", \"{}\"]", addresses.listen, listen.display()),
                )
                .replace(
                    &format!("primary = \"{}\"", addresses.primary.address),
                    &format!("primary = \"{}\"", server.socket().display()),
                );
            path = Some(listen);
            text
        });
        let path = path.unwrap();
        for method in methods(flavor) {
            for place in [Place::Tcp(lull.address(), None), Place::Socket(&path)] {
                forget(&server);
                let said = program::run(&mut command_line(flavor, method, &place));
                assert_eq!(said.trim(), format!("{method}@%"));
            }
        }
        let mut client = Wire::connect_unix(&path).unwrap();
        Login::of("app").on(&mut client).unwrap();
        assert_eq!(client.value("SELECT USER()").as_deref(), Some("app@localhost"));
    }
}

#[test]
fn a_client_of_before_the_authentication_plugins_comes_in() {
    let server = server(Flavor::MariaDb);
    for sslmode in SSLMODES {
        let tls = Encrypted::before(&server, "mode = \"allow\"", sslmode);
        let old = login("mysql_native_password", None)
            .without(capability::PLUGIN_AUTH | capability::LENENC_AUTH)
            .method("mysql_native_password");
        let mut client = old.to(tls.lull.address());
        assert_eq!(client.value("SELECT 1").as_deref(), Some("1"));
    }
}

#[test]
fn a_session_changes_its_user_where_a_proof_is_enough_and_is_told_where_it_is_not() {
    let server = server(Flavor::MySql);
    let tls = Encrypted::before(&server, "mode = \"allow\"", "disable");
    let sha2 = |certificate| login("caching_sha2_password", certificate);
    forget(&server);
    sha2(None).to(server.address);
    let certificate = Some(tls.certificate.cert.as_path());
    let mut client = Login::of("app").tls(&tls.certificate.cert).to(tls.lull.address());
    sha2(certificate)
        .change(&mut client)
        .expect("the server knows the password");
    let who = client.value("SELECT CURRENT_USER()");
    assert_eq!(who.as_deref(), Some("caching_sha2_password@%"));
    forget(&server);
    let mut client = Login::of("app").tls(&tls.certificate.cert).to(tls.lull.address());
    let said = sha2(certificate).change(&mut client).unwrap_err().to_string();
    assert!(
        said.contains("28000Access denied: no proof of the password was enough"),
        "{said}"
    );
    // Without TLS on either side all passes as it comes.
    forget(&server);
    let mut client = Login::of("app").to(tls.lull.address());
    sha2(None).change(&mut client).expect("RSA, end to end");
}

#[test]
fn the_servers_certificate_is_verified_as_configured() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let scratch = Scratch::new("tls", Account::own());
        let other = Certificate::make(&scratch, "other", Account::own());
        let right = &server.certificate.as_ref().unwrap().cert;
        for (ca, accepted) in [(right, true), (&other.cert, false)] {
            // The server's key is its own, its certificate everybody's.
            let ca = scratch.write("ca.crt", &std::fs::read_to_string(ca).unwrap(), Account::own());
            let lull = Lull::with_config(server, |addresses| {
                let verified = format!(
                    "primary_sslmode = \"verify-full\"\nprimary_ca = \"{}\"",
                    ca.display()
                );
                addresses.config(&verified, "")
            });
            match Login::of("app").try_to(lull.address()) {
                Ok(mut client) => assert!(accepted && is_encrypted(&mut client)),
                Err(refused) => {
                    let said = refused.to_string();
                    assert!(!accepted && said.contains("invalid peer certificate"), "{said}");
                }
            }
        }
    }
}

/// The handshake of a client that knows nothing of the bytes that somebody has put before it must fail on them.
#[test]
fn what_is_stuffed_in_clear_behind_a_request_for_tls_is_not_taken_for_encrypted() {
    let tls = Encrypted::before(Server::shared(Flavor::MariaDb), "", "disable");
    let mut stream = TcpStream::connect(tls.lull.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = [&0x00ff_ae8d_u32.to_le_bytes()[..], &[0, 0, 0, 1, 45], &[0; 23]].concat();
    let response = [&head[..], b"app\0\0mysql_native_password\0\0"].concat();
    let packet = |number: u8, payload: &[u8]| {
        [&[u8::try_from(payload.len()).unwrap(), 0, 0, number][..], payload].concat()
    };
    stream
        .write_all(&[packet(1, &head), packet(2, &response)].concat())
        .unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    let greeting = usize::from(said[0]) + 4;
    assert!(
        !said[greeting..].windows(2).any(|bytes| bytes == b"app"),
        "{}",
        said.escape_ascii()
    );
    eventually("it is counted", || {
        (tls.lull.metric("lull_logins_total{result=\"client_tls\"}") == 1.0).then_some(())
    });
    assert_eq!(tls.lull.metric("lull_logins_total{result=\"ok\"}"), 0.0);
}

#[test]
fn a_password_that_lull_sees_for_a_moment_is_in_no_log_and_no_metric() {
    let server = server(Flavor::MySql);
    for sslmode in SSLMODES {
        let tls = Encrypted::before(&server, "mode = \"allow\"\n[log]\nlevel = \"trace\"", sslmode);
        for user in methods(Flavor::MySql) {
            for shown in [None, Some(tls.certificate.cert.as_path())] {
                forget(&server);
                login(user, shown).to(tls.lull.address());
                let wrong = login(user, shown).password(&format!("{SECRET}, and more"));
                wrong.try_to(tls.lull.address()).unwrap_err();
            }
        }
        let (log, metrics) = (tls.lull.log(), tls.lull.metrics());
        assert!(log.contains("it refused the login (error 1045)"), "{log}");
        assert!(!log.contains(SECRET) && !metrics.contains(SECRET), "{log}");
    }
}
