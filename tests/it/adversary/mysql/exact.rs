//! Ways out that need exact packets: long ones, odd ones, and commands of every number.

use super::ground::{self, WRITE};
use super::stories::{LIFT, Told, app, raw, says, writes_at_once};
use crate::support::Lull;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Flavor, Observer, Reply, Wire};

#[test]
fn a_text_is_read_to_its_end_however_long_it_is() {
    let mut told = Told::default();
    for length in [60_000, 1 << 20, 0xff_ffff - 3, 0xff_ffff, 17 << 20] {
        for (before, behind) in [
            ("/*".to_owned(), format!("*/ {LIFT}")),
            ("SELECT '".to_owned(), format!("'; {LIFT}")),
            (format!("{LIFT} /*"), "*/".to_owned()),
        ] {
            let name = format!("{length}: {before} {behind}");
            told.add(
                &name,
                &app(),
                |_, _| {},
                move |client, _| {
                    let text = [before.as_str(), &" ".repeat(length), &behind].concat();
                    says(client, &[&text, WRITE]);
                },
            );
        }
    }
    told.nothing_changes();
}

#[test]
fn attributes_of_a_query_do_not_hide_its_text() {
    let mut told = Told::default();
    let login = app().with(capability::QUERY_ATTRIBUTES);
    let lift = LIFT.as_bytes();
    let text = packets::text;
    let mut heads: Vec<Vec<u8>> = vec![
        vec![0, 1],
        vec![0, 0],
        vec![0, 2],
        vec![0, 0xfc, 1, 0],
        vec![0xfc, 0, 0, 1],
        vec![0xfd, 0, 0, 0, 1],
        vec![0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        vec![0xfb, 1],
        vec![1, 1, 0, 0],
        vec![1, 1, 1, 1, 6, 0, 0],
    ];
    for (kind, value) in [
        (0x01, vec![0x27]),
        (0x02, vec![0x27, 0]),
        (0x0d, vec![0x27, 0]),
        (0x03, vec![0x27, 0, 0, 0]),
        (0x04, vec![0x27, 0, 0, 0]),
        (0x05, vec![0x27, 0, 0, 0, 0, 0, 0, 0]),
        (0x08, vec![0x27, 0, 0, 0, 0, 0, 0, 0]),
        (0x06, vec![]),
        (0x07, vec![4, 0xe8, 7, 1, 1]),
        (0x0a, vec![4, 0xe8, 7, 1, 1]),
        (0x0b, vec![8, 0, 0, 0, 0, 0, 1, 1, 1]),
        (0x0c, vec![0]),
        (0x00, text("1")),
        (0xf6, text("1.5")),
        (0xf5, text("{}")),
        (0xfc, text("/*")),
        (0xfe, text("'")),
        (0x10, text("\u{1}")),
        (0xff, text("")),
        (0x63, text("x")),
    ] {
        heads.push([&[1, 1, 0, 1, kind, 0], &text("name")[..], &value].concat());
        heads.push([&[1, 1, 0, 1, kind, 0x80], &text("")[..], &value].concat());
        // No value where a NULL is told.
        heads.push([&[1, 1, 1, 1, kind, 0], &text("name")[..]].concat());
    }
    for head in heads {
        let payload = raw(&[&head, lift].concat());
        told.add(
            &format!("{head:?}"),
            &login,
            |_, _| {},
            move |client, _| {
                client.ask(&payload);
                client.query(WRITE);
            },
        );
    }
    // One who never said that there would be any.
    told.add(
        "unannounced",
        &app(),
        |_, _| {},
        move |client, _| {
            client.ask(&raw(&[&[0, 1], lift].concat()));
            client.query(WRITE);
        },
    );
    told.nothing_changes();
}

#[test]
fn rows_that_look_like_other_answers_do_not_lead_astray() {
    let mut told = Told::default();
    for text in [
        "SELECT NULL UNION ALL SELECT NULL",
        "SELECT NULL, NULL FROM t",
        "SELECT X'fb', X'ff'",
        "SELECT REPEAT('x', 70000)",
        "SELECT * FROM t WHERE false",
    ] {
        told.add(
            text,
            &app(),
            |_, _| {},
            move |client, _| {
                let payloads = [text, LIFT, WRITE].map(packets::query);
                writes_at_once(client, &payloads);
                for _ in 0..3 {
                    client.results();
                }
            },
        );
    }
    told.nothing_changes();
}

/// What a command's bytes can be, whatever the command.
fn bodies(victim: u32, database: &str) -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![0],
        victim.to_le_bytes().to_vec(),
        b"shop_made".to_vec(),
        database.as_bytes().to_vec(),
        b"t\0%".to_vec(),
        b"w_insert\0%".to_vec(),
        vec![0xff; 8],
        [&[0, 1][..], WRITE.as_bytes()].concat(),
        WRITE.as_bytes().to_vec(),
    ]
}

#[test]
fn no_command_acts_whatever_its_number() {
    // They end the session, begin a login or a stream, or have no answer.
    let apart = [
        packets::QUIT,
        packets::CHANGE_USER,
        packets::STMT_SEND_LONG_DATA,
        packets::STMT_CLOSE,
        0x12,
        0x1e,
    ];
    for flavor in Flavor::ALL {
        let server = ground::server(flavor);
        let db = server.database();
        ground::lay(&db);
        let lull = Lull::start(&server);
        let _idle = Wire::login(lull.address(), "root", &db.name);
        lull.fenced("all", &[]);
        let mut observer = Observer::of(&db);
        let mut seen = observer.fingerprint();
        for command in (0..=u8::MAX).filter(|command| !apart.contains(command)) {
            let bodies = bodies(observer.victim(), &db.name);
            let sessions: Vec<Wire> = bodies
                .into_iter()
                .map(|body| {
                    let mut client = Wire::login(lull.address(), "root", &db.name);
                    client.send(&packets::command(command, &body));
                    // What comes is not read: it depends on the command. The next answer stands behind it.
                    client.send(&[packets::PING]);
                    client.close_write();
                    client.until_closed();
                    client
                })
                .collect();
            if command % 16 == 15 || command < 0x30 {
                let now = observer.fingerprint();
                let changes = seen.changes(&now);
                assert!(changes.is_empty(), "{flavor:?}: {command:#04x}: {changes:#?}");
                seen = now;
            }
            drop(sessions);
        }
    }
}

/// What the server says is what the client gets: a reply of one kind is not taken for another.
#[test]
fn a_refusal_leaves_the_session_in_step() {
    for flavor in Flavor::ALL {
        let server = ground::server(flavor);
        let db = server.database();
        ground::lay(&db);
        let lull = Lull::start(&server);
        let mut client = app().database(&db.name).to(lull.address());
        lull.fenced("all", &[]);
        let payloads = [
            "SELECT 1",
            "FLUSH TABLES",
            "SELECT 2",
            LIFT,
            "SELECT 3",
            WRITE,
            "SELECT 4",
        ];
        writes_at_once(&mut client, &payloads.map(packets::query));
        let mut answers = Vec::new();
        for text in payloads {
            let answer = client.try_results();
            answers.push(answer.unwrap_or_else(|error| panic!("{flavor:?}: {text}: {error}, {answers:#?}")));
        }
        let values: Vec<_> = answers.iter().filter_map(|replies| replies.value()).collect();
        assert_eq!(values, ["1", "2", "3", "4"]);
        for refused in [1, 5] {
            assert_eq!(
                answers[refused].error_code(),
                Some(1792),
                "{:?}",
                answers[refused]
            );
        }
        assert!(matches!(answers[3].0[0], Reply::Ok(_)), "{:?}", answers[3]);
    }
}
