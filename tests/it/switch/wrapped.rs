//! Pipelines around which lull opens a transaction of its own, because of a block or a procedure in them, and which come to
//! a COPY from the client: the server then reads data up to their end, and would take lull's COMMIT for a mistake.

use super::{assert_refused, on_every_version};
use crate::support::{Replies, Wire, frames};

const BLOCK: &str = "DO 'BEGIN PERFORM 1; END'";
const OWN: &str = "COPY own FROM STDIN";

fn run(name: &str) -> Vec<u8> {
    [frames::bind("", name, &[]), frames::execute("", 0)].concat()
}

/// A block that is only named, and a COPY that runs.
fn copy(text: &str) -> Vec<u8> {
    [
        frames::parse("block", BLOCK),
        frames::parse("copy", text),
        run("copy"),
    ]
    .concat()
}

/// What is sent, and the messages after which the next is sent.
type Steps = Vec<(Vec<u8>, u8)>;

fn pipelines() -> Vec<(&'static str, Steps)> {
    let data = || frames::copy_data(b"1\n2\n");
    let end = || [frames::copy_done(), frames::sync()].concat();
    let fails = || [frames::copy_fail("not today"), frames::sync()].concat();
    vec![
        (
            "without a block, all at once, with a Sync behind the Execute",
            vec![(
                [frames::extended(OWN, &[]), frames::sync(), data(), end()].concat(),
                b'Z',
            )],
        ),
        (
            "with a Sync behind the Execute, as libpq does",
            vec![
                ([copy(OWN), frames::sync()].concat(), b'G'),
                ([data(), end()].concat(), b'Z'),
            ],
        ),
        (
            "with a Flush",
            vec![
                ([copy(OWN), frames::flush()].concat(), b'G'),
                ([data(), end()].concat(), b'Z'),
            ],
        ),
        ("all at once", vec![([copy(OWN), data(), end()].concat(), b'Z')]),
        (
            "all at once, with a Sync behind the Execute",
            vec![([copy(OWN), frames::sync(), data(), end()].concat(), b'Z')],
        ),
        (
            "given up by the client",
            vec![
                ([copy(OWN), frames::sync()].concat(), b'G'),
                ([data(), fails()].concat(), b'Z'),
            ],
        ),
        (
            "with something behind the COPY",
            vec![
                ([copy(OWN), frames::flush()].concat(), b'G'),
                (
                    [data(), frames::copy_done(), run("block"), frames::sync()].concat(),
                    b'Z',
                ),
            ],
        ),
        (
            "where the COPY is only named",
            vec![(
                [
                    frames::parse("block", BLOCK),
                    frames::parse("copy", OWN),
                    run("block"),
                    frames::sync(),
                ]
                .concat(),
                b'Z',
            )],
        ),
    ]
}

/// What a client sees, apart from the announcement of the mode.
fn seen(replies: &Replies) -> (String, Vec<String>, Option<String>) {
    let tags = replies.tags().replace('S', "");
    (tags, replies.commands(), replies.error_code().map(str::to_owned))
}

fn go(client: &mut Wire, steps: &Steps) -> Vec<(String, Vec<String>, Option<String>)> {
    let step = |(bytes, tag): &(Vec<u8>, u8)| seen(&client.send(bytes).until(*tag));
    steps.iter().map(step).collect()
}

#[test]
fn a_wrapped_pipeline_that_copies_into_a_temporary_table_does_in_a_lull_what_it_does_directly() {
    on_every_version(|ground| {
        for (name, steps) in pipelines() {
            let (mut direct, mut client) = (ground.db.owner(), ground.client());
            for who in [&mut direct, &mut client] {
                who.run("CREATE TEMP TABLE own (n int)");
            }
            ground.lull.fenced("all", &[]);
            client.run("SELECT 1");
            assert_eq!(go(&mut client, &steps), go(&mut direct, &steps), "{name}");
            for who in [&mut direct, &mut client] {
                assert_eq!(who.run("SELECT 1").status(), Some('I'), "{name}");
            }
            let rows = "SELECT count(*) FROM own";
            assert_eq!(client.value(rows), direct.value(rows), "{name}");
            assert_refused(&client.query("INSERT INTO t VALUES (1)"), name);
            ground.lull.lifted("all");
            client.run("INSERT INTO own VALUES (1)");
        }
    });
}

#[test]
fn a_copy_behind_a_block_that_has_run_is_refused_in_its_place_and_the_session_goes_on() {
    on_every_version(|ground| {
        let ran = |text: &str| {
            [
                frames::extended(BLOCK, &[]),
                frames::parse("copy", text),
                run("copy"),
                frames::sync(),
            ]
            .concat()
        };
        let first_bound = [
            frames::parse("copy", OWN),
            frames::bind("copy", "copy", &[]),
            frames::extended(BLOCK, &[]),
            frames::execute("copy", 0),
            frames::sync(),
        ];
        for sent in [
            ran(OWN),
            first_bound.concat(),
            [copy("COPY t FROM STDIN"), frames::sync()].concat(),
        ] {
            let mut client = ground.client();
            client.run("CREATE TEMP TABLE own (n int)");
            ground.lull.fenced("all", &[]);
            client.run("SELECT 1");
            // A client that has not noticed goes on with its data.
            let more = [frames::copy_data(b"1\n"), frames::copy_done(), frames::sync()].concat();
            let replies = client.send(&sent).until_ready();
            assert_refused(&replies, "the COPY");
            assert_eq!(replies.status(), Some('I'), "{replies:?}");
            client.send(&more).until_ready();
            assert_eq!(client.value("SELECT count(*) FROM own").as_deref(), Some("0"));
            ground.lull.lifted("all");
            client.run("INSERT INTO own VALUES (1)");
        }
        assert_eq!(ground.rows(), "");
    });
}
