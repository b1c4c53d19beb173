//! The bytes that leave lull are the bytes that came, in both directions, from the first one of the login on.

use super::tap::Tap;
use crate::support::{Lull, Message, Postgres, Replies, Version, Wire, frames};

/// A conversation of every kind of message; all of what is sent, and all of what came.
fn converse(mut client: Wire, database: &str) -> (Vec<u8>, Vec<Message>) {
    let who = [
        ("user", "app"),
        ("database", database),
        ("application_name", "bytes"),
        ("options", "-c geqo=off"),
    ];
    let mut sent = frames::startup(frames::PROTOCOL_3_0, &who);
    client.send(&sent);
    let mut came = client.until_ready().0;
    for (frame, end) in script() {
        client.send(&frame);
        sent.extend(frame);
        let replies = match end {
            Some(tag) => client.until(tag),
            None => Replies(Vec::new()),
        };
        came.extend(replies.0);
    }
    client.send(&frames::terminate());
    sent.extend(frames::terminate());
    came.extend(client.until_closed().0);
    (sent, came)
}

/// Frames, and the tag of the message with which the answer ends.
fn script() -> Vec<(Vec<u8>, Option<u8>)> {
    let large = "x".repeat(300_000);
    let ready = Some(b'Z');
    vec![
        (
            frames::query("CREATE TEMP TABLE t (n int, v text); SELECT 1; SELECT $$caf\u{e9}$$"),
            ready,
        ),
        (frames::query("COPY t FROM STDIN"), Some(b'G')),
        (frames::copy_data(b"1\tone\n2\t"), None),
        (frames::copy_data(b"two\n"), None),
        (frames::copy_data(format!("3\t{large}\n").as_bytes()), None),
        (frames::copy_done(), ready),
        (frames::query("COPY t TO STDOUT"), ready),
        (frames::query("COPY t FROM STDIN"), Some(b'G')),
        (frames::copy_fail("no"), ready),
        (
            frames::extended("SELECT n, v FROM t WHERE n < $1", &[Some("9")]),
            None,
        ),
        (frames::flush(), Some(b'C')),
        (frames::sync(), ready),
        (frames::parse("named", &format!("SELECT '{large}'")), None),
        (frames::bind("", "named", &[]), None),
        (frames::execute("", 0), None),
        (frames::close_statement("named"), None),
        (frames::sync(), ready),
        (
            frames::extended("SELECT n FROM generate_series(1, 2000) n", &[]),
            None,
        ),
        (frames::sync(), ready),
        (frames::query("SELECT 1/0; SELECT 2"), ready),
        (frames::query("SELECT \u{ff}"), ready),
        (
            frames::query("DO $$ BEGIN RAISE WARNING 'careful'; END $$"),
            ready,
        ),
        (
            frames::query("SET application_name = 'other'; SET DateStyle = 'German'"),
            ready,
        ),
        (frames::function_call(1946, &[Some("abc"), Some("hex")]), ready),
        // What does not belong where it comes, and what does not exist.
        (frames::copy_done(), None),
        (frames::query("BEGIN; SAVEPOINT a; SELECT nothing"), ready),
        (frames::message(b'Q', b"ROLLBACK\0"), ready),
    ]
}

#[test]
fn every_byte_of_a_session_arrives_as_it_was_sent() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let db = server.database();
        let upstream = Tap::before(server.address);
        let lull = Lull::with_config(upstream.address, |addresses| {
            addresses.config("primary_sslmode = \"disable\"", "")
        });
        let downstream = Tap::before(lull.address());
        let (sent, _) = converse(Wire::connect(downstream.address).unwrap(), &db.name);
        let (above, below) = (upstream.last(), downstream.last());
        assert_same(
            &below.client_said(),
            &sent,
            "the tap before lull keeps what was sent",
        );
        assert_same(&above.client_said(), &sent, "from the client to the server");
        assert_same(
            &below.server_said(),
            &above.server_said(),
            "from the server to the client",
        );
    }
}

#[test]
fn a_session_through_lull_has_the_transcript_that_it_has_directly() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let db = server.database();
        let lull = Lull::start(server);
        let (_, directly) = converse(Wire::connect(server.address).unwrap(), &db.name);
        let (_, through) = converse(Wire::connect(lull.address()).unwrap(), &db.name);
        let (directly, through) = (without_chance(directly), without_chance(through));
        for (at, (expected, found)) in directly.iter().zip(&through).enumerate() {
            assert_eq!(found, expected, "message {at}");
        }
        assert_eq!(through.len(), directly.len());
    }
}

/// Without BackendKeyData, which no two sessions share.
fn without_chance(mut messages: Vec<Message>) -> Vec<Message> {
    let keys = messages.iter().filter(|message| message.tag == b'K').count();
    assert_eq!(keys, 1);
    messages.retain(|message| message.tag != b'K');
    for message in &mut messages {
        if message.tag == b'T' {
            forget_table(&mut message.body);
        }
    }
    messages
}

/// Takes the object id of a table out of a RowDescription: each run makes a table of its own.
fn forget_table(body: &mut [u8]) {
    let mut at = 2;
    while let Some(end) = body[at..].iter().position(|&byte| byte == 0) {
        body[at + end + 1..at + end + 5].fill(0);
        at += end + 19;
    }
}

#[track_caller]
fn assert_same(found: &[u8], expected: &[u8], what: &str) {
    let differ = found
        .iter()
        .zip(expected)
        .position(|(found, expected)| found != expected);
    assert!(
        differ.is_none() && found.len() == expected.len(),
        "{what}: {} bytes where {} are expected; the first difference is at {differ:?}",
        found.len(),
        expected.len()
    );
}
