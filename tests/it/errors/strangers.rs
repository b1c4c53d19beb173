//! Clients that do not speak the protocol, or break it off.

use super::{Bystander, counted, logged, said};
use crate::support::{Lull, Postgres, Settings, Version, Wire, eventually, frames};

/// First bytes of clients that are none, and whether they deserve an answer: who has spoken of a whole packet.
fn first_words() -> Vec<(&'static str, Vec<u8>)> {
    let no_user = frames::startup(frames::PROTOCOL_3_0, &[("database", "shop")]);
    vec![
        ("HTTP", b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n".to_vec()),
        (
            "a TLS ClientHello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage".to_vec(),
        ),
        ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("a length of 0", vec![0; 8]),
        ("a length of 4", vec![0, 0, 0, 4, 0, 3, 0, 0]),
        ("a length of 7", vec![0, 0, 0, 7, 0, 3, 0]),
        (
            "a gigabyte",
            [&0x4000_0000_u32.to_be_bytes()[..], &[0, 3, 0, 0], &[b'x'; 5000]].concat(),
        ),
        ("a negative length", vec![0xff; 4096]),
        ("protocol 2", frames::startup(2 << 16, &[("user", "app")])),
        ("protocol 9", frames::startup(9 << 16, &[("user", "app")])),
        ("nobody", no_user),
        (
            "parameters without an end",
            frames::untagged(frames::PROTOCOL_3_0, b"user\0app\0database"),
        ),
        ("a query before the login", frames::query("SELECT 1")),
    ]
}

#[test]
fn whoever_does_not_speak_the_protocol_gets_one_error_and_disturbs_nobody() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = Lull::start(db.server);
    let mut bystander = Bystander::at(&lull, &db.name);
    let words = first_words();
    for (what, bytes) in &words {
        let mut stranger = Wire::connect(lull.address()).unwrap();
        stranger.send(bytes).close_write();
        let replies = stranger.until_closed();
        let (severity, sqlstate, _) = said(replies.error());
        assert_eq!(
            (severity, sqlstate, replies.tags().as_str()),
            ("FATAL", "08P01", "E"),
            "{what}"
        );
        bystander.goes_on();
    }
    let failed = lull.metric("lull_logins_total{result=\"client_protocol\"}");
    assert!(failed >= words.len() as f64, "{failed}");
    logged(&lull, &["no login: client:"]);
}

#[test]
fn asking_for_encryption_again_and_again_is_no_login() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = Lull::start(db.server);
    let mut stranger = Wire::connect(lull.address()).unwrap();
    for _ in 0..3 {
        stranger.send(&frames::ssl_request());
        assert_eq!(stranger.read_byte(), b'N');
    }
    assert_eq!(said(stranger.until_closed().error()).1, "08P01");
}

#[test]
fn whoever_leaves_in_the_middle_of_a_login_leaves_nothing_behind() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = Lull::start(db.server);
    let mut bystander = Bystander::at(&lull, &db.name);
    let startup = frames::startup(frames::PROTOCOL_3_0, &[("user", "app"), ("database", &db.name)]);
    for cut in 0..startup.len() {
        let mut client = Wire::connect(lull.address()).unwrap();
        client.send(&startup[..cut]);
    }
    bystander.goes_on();
    counted(&lull, "lull_logins_total{result=\"client_gone\"}");
    eventually("nobody but the bystander is there", || {
        let count = db.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app'",
        );
        (count.as_deref() == Some("1") && lull.metric("lull_client_sessions") == 1.0).then_some(())
    });
}

#[test]
fn a_password_that_never_comes_ends_the_login_and_tells_the_client() {
    let settings = Settings::of(Version::Newest).hba("host all clear 127.0.0.1/32 password");
    let server = Postgres::start_with(settings);
    server
        .superuser("postgres")
        .run("CREATE ROLE clear LOGIN PASSWORD 'secret'");
    let lull = Lull::with_config(server.address, |addresses| {
        addresses.config("login_timeout = \"500ms\"", "")
    });
    let mut client = Wire::connect(lull.address()).unwrap();
    client.send(&frames::startup(
        frames::PROTOCOL_3_0,
        &[("user", "clear"), ("database", "postgres")],
    ));
    let replies = client.until_closed();
    assert_eq!(replies.tags(), "RE");
    assert_eq!(said(replies.error()).1, "57014");
    // What is no password is no password.
    let mut client = Wire::connect(lull.address()).unwrap();
    client.send(&frames::startup(
        frames::PROTOCOL_3_0,
        &[("user", "clear"), ("database", "postgres")],
    ));
    client.send(&frames::query("SELECT 1"));
    assert_eq!(said(client.until_closed().error()).1, "08P01");
    counted(&lull, "lull_limit_hits_total{limit=\"login_timeout\"}");
}

/// What breaks the protocol after the login.
fn violations() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a length of 3", vec![b'Q', 0, 0, 0, 3]),
        ("a length of 0", vec![b'Q', 0, 0, 0, 0]),
        ("a negative length", vec![b'P', 0xff, 0xff, 0xff, 0xff]),
        ("an unknown type", frames::message(b'!', b"what is this")),
        ("a type of zero", vec![0; 64]),
        ("a Query without an end", frames::message(b'Q', b"SELECT 1")),
        ("a Bind that is cut short", frames::message(b'B', b"\0x")),
    ]
}

#[test]
fn whoever_breaks_the_protocol_of_a_session_ends_that_session_alone() {
    for open in [false, true] {
        let db = Postgres::shared(Version::Newest).database();
        let lull = Lull::start(db.server);
        let mut bystander = Bystander::at(&lull, &db.name);
        if open {
            lull.fenced("all", &[]);
        }
        for (what, bytes) in violations() {
            let mut client = Wire::login(lull.address(), "app", &db.name);
            client.run("SELECT 1");
            client.send(&[bytes, frames::sync()].concat()).close_write();
            let replies = client.until_closed();
            let (_, sqlstate, _) = said(replies.error());
            assert_eq!(sqlstate, "08P01", "{what}, lull open: {open}: {replies:?}");
            bystander.goes_on();
        }
        eventually("the server has nobody but the bystander", || {
            let count = db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app'");
            (count.as_deref() == Some("1")).then_some(())
        });
        counted(
            &lull,
            "lull_sessions_ended_total{who=\"client\",why=\"protocol\"}",
        );
        logged(&lull, &["session ended: client:"]);
    }
}

#[test]
fn a_message_that_is_announced_and_never_comes_holds_up_nobody() {
    for open in [false, true] {
        let db = Postgres::shared(Version::Newest).database();
        let lull = Lull::start(db.server);
        let mut bystander = Bystander::at(&lull, &db.name);
        let mut client = Wire::login(lull.address(), "app", &db.name);
        if open {
            lull.fenced("all", &[]);
        }
        let before = lull.metric("process_resident_memory_bytes");
        // A gigabyte, of which the beginning comes.
        let beginning = [&b"Q"[..], &0x3fff_fff0_u32.to_be_bytes(), &[b' '; 100_000]].concat();
        client.send(&beginning);
        bystander.goes_on();
        let grown = lull.metric("process_resident_memory_bytes") - before;
        assert!(grown < 50e6, "{grown} bytes more for a message that has not come");
        drop(client);
        eventually("its server process has gone", || {
            let count = db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app'");
            (count.as_deref() == Some("1")).then_some(())
        });
        bystander.goes_on();
    }
}
