//! What a client of MariaDB and MySQL sees of a connection before its login, what it can rely on afterwards, and what is
//! said to one that is no client at all.

use super::encryption::Encrypted;
use crate::support::fake::{self, Client};
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Flavor, Login, Server, Settings, Wire};
use crate::support::{Lull, Primary, eventually, ports};
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Which lull takes out of what the server offers.
const NOT_PASSED_ON: u64 = capability::COMPRESS | capability::ZSTD;

#[test]
fn a_greeting_is_the_servers_own_but_for_compression_and_tls() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let plain = Lull::start(server);
        let tls = Encrypted::before(server, "", "disable");
        let direct = Wire::connect(server.address).unwrap().greeting;
        let without_tls = direct.capabilities & !NOT_PASSED_ON & !capability::SSL;
        for (lull, expected) in [(&plain, without_tls), (&tls.lull, without_tls | capability::SSL)] {
            let through = Wire::connect(lull.address()).unwrap().greeting;
            assert_eq!(through.capabilities, expected, "{flavor:?}");
            assert_eq!(
                (
                    &through.version,
                    through.collation,
                    through.status,
                    &through.plugin
                ),
                (&direct.version, direct.collation, direct.status, &direct.plugin)
            );
        }
    }
}

#[test]
fn a_connection_has_the_servers_id_and_kill_finds_it() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let lull = Lull::start(server);
        let mut victim = Wire::login(lull.address(), "app", "");
        let mut other = Wire::login(lull.address(), "app", "");
        let id = victim.value("SELECT CONNECTION_ID()").unwrap();
        assert_eq!(id, victim.id().to_string());
        victim.send(&packets::query("SELECT SLEEP(60)"));
        eventually("the query runs", || {
            let running = format!(
                "SELECT 1 FROM information_schema.processlist WHERE id = {id} AND info LIKE 'SELECT SL%'"
            );
            other.value(&running)
        });
        other.run(&format!("KILL QUERY {id}"));
        let replies = victim.results();
        assert!(
            replies.error_code() == Some(1317) || replies.value() == Some("1"),
            "interrupted: {replies:?}"
        );
        other.run(&format!("KILL {id}"));
        server.wait_for_end_of(victim.id());
        // What the server still says, if anything, and then the end.
        victim.until_closed();
        assert!(victim.try_ask(&packets::query("SELECT 1")).is_err());
    }
}

#[test]
fn what_a_client_and_its_server_can_do_is_agreed_on_without_a_loss() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let lull = Lull::start(server);
        let everything = capability::SESSION_TRACK
            | capability::DEPRECATE_EOF
            | capability::QUERY_ATTRIBUTES
            | capability::MULTI_STATEMENTS
            | capability::LOCAL_FILES
            | capability::FOUND_ROWS
            | capability::MARIADB_CACHE_METADATA
            | capability::MARIADB_BULK
            | capability::COMPRESS
            | capability::ZSTD;
        let login = Login::of("app")
            .with(everything & !NOT_PASSED_ON)
            .attribute("_client_name", "libtest")
            .attribute("program_name", &"long ".repeat(2000));
        let (mut through, mut direct) = (login.to(lull.address()), login.to(server.address));
        assert_eq!(through.capabilities, direct.capabilities);
        assert_eq!(through.login_packets, direct.login_packets);
        let asked = "SELECT @@character_set_client, @@collation_connection, 'x'; SELECT 2";
        assert_eq!(through.query(asked), direct.query(asked), "{flavor:?}");
        // A client that insists on what nobody offered is not believed.
        let mut insists = Wire::connect(lull.address()).unwrap();
        insists.greeting.capabilities |= capability::COMPRESS;
        Login::of("app")
            .with(capability::COMPRESS)
            .on(&mut insists)
            .unwrap();
        assert_eq!(insists.value("SELECT 1").as_deref(), Some("1"));
        // Nor are trackers sent to one that does not ask, though lull does.
        let mut plain = Wire::login(lull.address(), "app", "");
        assert_eq!(
            plain.run("SET NAMES utf8mb4"),
            Wire::login(server.address, "app", "").run("SET NAMES utf8mb4")
        );
    }
}

/// The first packet that is no greeting: its number, its error, its SQLSTATE (which errors before the greeting have not) and its text.
fn refused(stream: &mut impl Read) -> (u8, u16, String, String) {
    let mut header = [0; 4];
    stream.read_exact(&mut header).expect("a last word");
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).expect("a whole packet");
    assert_eq!(payload[0], 0xff, "{}", payload.escape_ascii());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (state, message) = match &payload[3..] {
        [b'#', rest @ ..] => rest.split_at(5),
        message => (&[][..], message),
    };
    (
        header[3],
        u16::from_le_bytes([payload[1], payload[2]]),
        text(state),
        text(message),
    )
}

fn connect(lull: &Lull) -> TcpStream {
    let stream = TcpStream::connect(lull.address()).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    stream
}

fn skip_greeting(stream: &mut TcpStream) {
    let mut header = [0; 4];
    stream.read_exact(&mut header).unwrap();
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
    io::copy(&mut stream.take(length as u64), &mut io::sink()).unwrap();
}

#[test]
fn an_error_before_the_greeting_says_what_it_is_in_packet_number_0() {
    let server = Server::shared(Flavor::MariaDb);
    let lull = Lull::with_config(server, |addresses| addresses.config("connections_max = 1", ""));
    let first = Wire::login(lull.address(), "app", "");
    let (number, code, state, text) = refused(&mut connect(&lull));
    assert_eq!((number, code, state.as_str()), (0, 1040, ""));
    assert!(
        text.contains("too many clients already (connections_max is 1)"),
        "{text}"
    );
    drop(first);
    eventually("the place is free", || {
        Wire::try_login(lull.address(), "app", "").ok()
    });
    let nobody = Lull::in_front_of(Primary::mysql(ports::free()));
    let (number, code, state, text) = refused(&mut connect(&nobody));
    assert_eq!((number, code, state.as_str()), (0, 1429, ""));
    assert!(
        text.contains("the database server cannot be used: Connection refused"),
        "{text}"
    );
    for (address, expected) in [
        (
            fake::serve(|client| client.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
            "no greeting",
        ),
        (
            fake::serve(|client| client.send(b"\x05\0\0\0\x09old\0")),
            "does not greet as MySQL",
        ),
        (fake::serve(|_| Ok(())), "no greeting: the connection was closed"),
    ] {
        let lull = Lull::in_front_of(Primary::mysql(address));
        let (number, _, _, text) = refused(&mut connect(&lull));
        assert_eq!(number, 0);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_server_that_takes_no_more_says_so_itself() {
    for flavor in Flavor::ALL {
        let server = Server::start_with(Settings::of(flavor).option("--max-connections=2"));
        let lull = Lull::start(&server);
        let held: Vec<Wire> =
            std::iter::from_fn(|| Wire::try_login(server.address, "app", "").ok()).collect();
        assert!(!held.is_empty());
        for address in [server.address, lull.address()] {
            let said = Wire::try_login(address, "app", "").unwrap_err().to_string();
            assert!(
                said.contains("\\x10\\x04") && said.contains("Too many connections"),
                "{said}"
            );
        }
    }
}

#[test]
fn who_answers_the_greeting_with_something_else_is_told_and_nobody_suffers() {
    let server = Server::shared(Flavor::MySql);
    let lull = Lull::with_config(server, |addresses| addresses.config("login_timeout = \"2s\"", ""));
    let mut witness = Wire::login(lull.address(), "app", "");
    let head = |flags: [u8; 4]| [&flags[..], &[0, 0, 0, 1, 45], &[0; 23]].concat();
    let packet = |payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        [&length[..3], &[1], payload].concat()
    };
    let usual = [0x85, 0xa6, 0x3f, 0x00];
    for (bytes, expected) in [
        (packet(b""), "cut short"),
        (packet(b"GET / HTTP/1.1\r\n\r\n"), "before version 4.1"),
        (packet(&head(usual)), "cut short"),
        (
            packet(&[&head(usual)[..], b"app\0\xfd\xff\xff\xff"].concat()),
            "a length in it is wrong",
        ),
        (packet(b"\x85\x24\0\0\0root\0"), "before version 4.1"),
        (
            packet(&head([0x85, 0xae, 0x3f, 0x00])),
            "one where none is offered",
        ),
        (vec![0xff, 0xff, 0xff, 1, 0], "16777215 bytes during the login"),
    ] {
        let mut stream = connect(&lull);
        skip_greeting(&mut stream);
        stream.write_all(&bytes).unwrap();
        let (number, code, state, text) = refused(&mut stream);
        assert_eq!((number, code, state.as_str()), (2, 1043, "08S01"), "{text}");
        assert!(text.contains(expected), "{text}");
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "and the connection ends");
    }
    let mut silent = connect(&lull);
    skip_greeting(&mut silent);
    let (number, code, _, text) = refused(&mut silent);
    assert_eq!((number, code), (1, 1159));
    assert!(text.contains("login_timeout"), "{text}");
    assert_eq!(witness.value("SELECT 1").as_deref(), Some("1"));
    assert_eq!(lull.metric("lull_logins_total{result=\"client_protocol\"}"), 7.0);
    assert_eq!(lull.metric("lull_logins_total{result=\"timeout\"}"), 1.0);
}

#[test]
fn a_client_without_tls_is_told_where_it_is_required() {
    let server = Server::shared(Flavor::MySql);
    let tls = Encrypted::before(server, "mode = \"require\"", "disable");
    let said = Login::of("app")
        .try_to(tls.lull.address())
        .unwrap_err()
        .to_string();
    assert!(said.contains("must use TLS") && said.contains("HY000"), "{said}");
    Login::of("app").tls(&tls.certificate.cert).to(tls.lull.address());
}

#[test]
fn a_server_without_tls_where_it_is_required_gets_no_login() {
    let server = Server::start_with(Settings::of(Flavor::MariaDb).without_tls());
    let lull = Lull::with_config(&server, |addresses| {
        addresses.config("primary_sslmode = \"require\"", "")
    });
    let said = Login::of("app").try_to(lull.address()).unwrap_err().to_string();
    assert!(
        said.contains("it offers no TLS, which the configuration requires (primary_sslmode)"),
        "{said}"
    );
    let lull = Lull::with_config(&server, |addresses| {
        addresses.config("primary_sslmode = \"prefer\"", "")
    });
    Login::of("app").to(lull.address());
}

#[test]
fn check_says_which_server_answers_and_whether_lull_is_made_for_it() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let lull = Lull::start(server);
        let said = check(&lull, "");
        let name = flavor.pick("MariaDB 10.11", "MySQL 9.");
        assert!(
            said.contains(&format!("answers: {name}")) && said.contains("lull uses TLS"),
            "{said}"
        );
        let said = check(&lull, "primary_sslmode = \"disable\"");
        assert!(said.contains("lull uses no TLS, which it offers"), "{said}");
    }
    let old = |client: &mut Client| say(client, 0, &[b"\x0a5.7.44\0", &greeting()[7..]].concat()).map(|_| ());
    let lull = Lull::in_front_of(Primary::mysql(fake::serve(old)));
    let said = check(&lull, "");
    assert!(
        said.contains("warn  main: primary") && said.contains("made for MySQL 8.4 and newer"),
        "{said}"
    );
}

fn check(lull: &Lull, cluster: &str) -> String {
    let path = lull.write_config(&lull.addresses.config(cluster, ""));
    let output = lull.cli(&["check", "--config", path.to_str().unwrap()]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

// ---- servers that a real one would not play -----------------------------------------------------------------------------

fn greeting() -> Vec<u8> {
    let capabilities: u32 = 0x00ff_f7df;
    let [a, b, c, d] = capabilities.to_le_bytes();
    [
        &b"\x0a9.9.9\0\x07\0\0\0abcdefgh\0"[..],
        &[a, b, 45, 2, 0, c, d, 21],
        &[0; 10],
        b"ijklmnopqrst\0caching_sha2_password\0",
    ]
    .concat()
}

/// A server that says these payloads, and hears an answer after those that are marked.
fn scripted(script: &'static [(&'static [u8], bool)]) -> Lull {
    let address = fake::serve(move |client| {
        let mut number = say(client, 0, &greeting())?;
        number = hear(client, number)?.0;
        for (payload, answered) in script {
            number = say(client, number, payload)?;
            if *answered {
                number = hear(client, number)?.0;
            }
        }
        client.wait_for_end()
    });
    Lull::with_config(Primary::mysql(address), |addresses| {
        addresses.config("primary_sslmode = \"disable\"", "")
    })
}

fn say(client: &mut Client, number: u8, payload: &[u8]) -> io::Result<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    client.send(&[&length[..3], &[number], payload].concat())?;
    Ok(number + 1)
}

/// The next packet must have the number that is due.
fn hear(client: &mut Client, number: u8) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 4];
    client.0.read_exact(&mut header)?;
    assert_eq!(header[3], number);
    let mut payload = vec![0; u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize];
    client.0.read_exact(&mut payload)?;
    Ok((number + 1, payload))
}

const OK: &[u8] = b"\0\0\0\x02\0\0\0";

/// What the client hears of such a server, if it answers `yes` where it must.
fn heard(lull: &Lull, answers: &[bool]) -> Vec<Vec<u8>> {
    let mut client = Wire::connect(lull.address()).unwrap();
    let response = [
        &0x00ff_a68d_u32.to_le_bytes()[..],
        &[0, 0, 0, 1, 45],
        &[0; 23],
        b"app\0\0caching_sha2_password\0\0",
    ]
    .concat();
    client.go_on(&response);
    let mut heard = Vec::new();
    for answered in answers {
        heard.push(client.read().payload);
        if *answered {
            client.go_on(b"yes");
        }
    }
    heard
}

#[test]
fn methods_of_many_rounds_pass_as_they_come() {
    // As MariaDB's PAM asks; as a token of Kerberos is followed by OK at once; as factors follow one another.
    const SCRIPTS: [&[(&[u8], bool)]; 4] = [
        &[
            (b"\xfedialog\0\x04Password: ", true),
            (b"\x02Another one: ", true),
            (OK, false),
        ],
        &[
            (b"\xfeauth_gssapi_client\0mysql/host", true),
            (b"\x01token", false),
            (OK, false),
        ],
        &[
            (b"\xfeparsec\0salt", true),
            (b"\x01more salt", true),
            (b"\x02authentication_webauthn\0challenge", true),
            (OK, false),
        ],
        &[(b"\x01\x03", false), (OK, false)],
    ];
    for script in SCRIPTS {
        let answers: Vec<bool> = script.iter().map(|(_, answered)| *answered).collect();
        let said: Vec<Vec<u8>> = script.iter().map(|(payload, _)| payload.to_vec()).collect();
        assert_eq!(heard(&scripted(script), &answers), said);
    }
}

#[test]
fn a_password_in_the_clear_is_not_asked_of_a_client_without_tls() {
    let lull = scripted(&[(b"\xfemysql_clear_password\0", true), (OK, false)]);
    let said = heard(&lull, &[false]);
    let text = String::from_utf8_lossy(&said[0]);
    assert!(
        text.contains("mysql_clear_password") && text.contains("use TLS"),
        "{text}"
    );
}

/// A server counts connections that end without an answer, and blocks the host from which too many came: lull's.
#[test]
fn a_server_whose_client_leaves_without_a_word_hears_an_answer_nonetheless() {
    let (heard_in, heard) = std::sync::mpsc::channel();
    let address = fake::serve(move |client| {
        let number = say(client, 0, &greeting())?;
        let (number, answer) = hear(client, number)?;
        say(client, number, b"\xff\x15\x04#28000Access denied for user ''")?;
        heard_in.send(answer).map_err(io::Error::other)?;
        client.wait_for_end()
    });
    let lull = Lull::with_config(Primary::mysql(address), |addresses| {
        addresses.config("primary_sslmode = \"disable\"", "")
    });
    skip_greeting(&mut connect(&lull));
    let answer = heard.recv_timeout(crate::support::PATIENCE).expect("an answer");
    assert_eq!(
        &answer[32..],
        b"\0\0caching_sha2_password\0",
        "nobody, without a password"
    );
    eventually("it is counted", || {
        (lull.metric("lull_logins_total{result=\"client_gone\"}") == 1.0).then_some(())
    });
}

#[test]
fn a_server_that_keeps_silent_after_its_greeting_is_the_one_that_is_blamed() {
    let address = fake::serve(|client| {
        say(client, 0, &greeting())?;
        client.wait_for_end()
    });
    let lull = Lull::with_config(Primary::mysql(address), |addresses| {
        addresses.config("primary_sslmode = \"disable\"\nlogin_timeout = \"300ms\"", "")
    });
    let said = heard(&lull, &[false]);
    let text = String::from_utf8_lossy(&said[0]);
    assert!(
        text.contains("it did not end the login within 300ms (login_timeout)"),
        "{text}"
    );
    let lull = Lull::with_config(Primary::mysql(fake::silent()), |addresses| {
        addresses.config("connect_timeout = \"300ms\"", "")
    });
    let (number, _, _, text) = refused(&mut connect(&lull));
    assert_eq!(number, 0);
    assert!(
        text.contains("no connection within 300ms (connect_timeout)"),
        "{text}"
    );
}
