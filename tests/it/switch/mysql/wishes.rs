//! What clients want their sessions to be, before a lull and in it; and sessions that are made new or another user's.

use super::{Ground, assert_refused, on_both};
use crate::support::mysql::packets::{self, capability, status};
use crate::support::mysql::{Login, Wire};

const WRITE: &str = "INSERT INTO t VALUES (1)";

fn read_only(ground: &Ground, client: &mut Wire) -> bool {
    let question = format!("SELECT {}", ground.read_only());
    client.value(&question).as_deref() == Some("1")
}

#[test]
fn a_wish_from_before_the_lull_holds_after_it() {
    on_both(|ground| {
        for (wish, expected) in [("ONLY", true), ("WRITE", false)] {
            let mut client = ground.client();
            client.run(&format!("SET SESSION TRANSACTION READ {wish}"));
            for _ in 0..2 {
                ground.lull.fenced("all", &[]);
                assert!(read_only(ground, &mut client));
                client.query(WRITE).error().expect("a refusal");
                ground.lull.lifted("all");
                assert_eq!(read_only(ground, &mut client), expected, "{wish}");
            }
            assert_eq!(client.query(WRITE).error().is_some(), expected, "{wish}");
        }
        assert_eq!(ground.rows(), "1");
    });
}

/// What a client can say of its session in a lull, and whether it is read-only after it. `{ro}` is the setting's name.
const WISHES: &[(&str, bool)] = &[
    ("SET SESSION TRANSACTION READ ONLY", true),
    ("SET SESSION TRANSACTION READ WRITE", false),
    (
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
        false,
    ),
    (
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
        true,
    ),
    ("SET LOCAL TRANSACTION READ ONLY", true),
    ("SET SESSION {ro} = 1", true),
    ("SET {ro} = ON", true),
    ("SET @@session.{ro} = 0", false),
    ("SET @@SESSION.`{ro}` := 'OFF', @a = 1", false),
    ("SET @a = 1, SESSION {ro} = 0", false),
    ("/*!50001 SET SESSION TRANSACTION READ WRITE */", false),
    // For the next transaction only.
    ("SET TRANSACTION READ WRITE", false),
    ("SET TRANSACTION READ ONLY", false),
];

#[test]
fn a_wish_in_the_lull_is_answered_as_the_server_does_lifts_nothing_and_holds_after_it() {
    on_both(|ground| {
        for (wish, expected) in WISHES {
            let mut client = ground.client();
            ground.lull.fenced("all", &[]);
            let wish = wish.replace("{ro}", ground.flavor.read_only_variable());
            let said = client.query(&wish);
            assert!(said.error().is_none(), "{wish}: {said:?}");
            assert_refused(&client.query(WRITE), &wish);
            client.run("BEGIN");
            assert_refused(&client.query(WRITE), &wish);
            client.run("COMMIT");
            ground.lull.lifted("all");
            assert_eq!(read_only(ground, &mut client), *expected, "{wish}");
        }
        assert_eq!(ground.rows(), "");
    });
}

#[test]
fn the_last_wish_counts() {
    on_both(|ground| {
        let mut client = ground.client();
        ground.lull.fenced("all", &[]);
        client.run("SET SESSION TRANSACTION READ ONLY");
        client.run("SET SESSION TRANSACTION READ WRITE");
        ground.lull.lifted("all");
        assert!(!read_only(ground, &mut client));
        ground.lull.fenced("all", &[]);
        client.run("SET SESSION TRANSACTION READ WRITE");
        client.run("SET SESSION TRANSACTION READ ONLY");
        ground.lull.lifted("all");
        assert!(read_only(ground, &mut client));
        assert_eq!(client.query(WRITE).error_code(), Some(1792));
    });
}

#[test]
fn a_transaction_that_asks_to_write_is_read_only_in_a_lull() {
    on_both(|ground| {
        let mut client = ground.client_with(capability::MULTI_STATEMENTS);
        ground.lull.fenced("all", &[]);
        for begin in [
            "START TRANSACTION READ WRITE",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE",
            "start /* so */ transaction read\nwrite",
        ] {
            let begun = client.run(begin);
            assert_ne!(
                begun.status() & status::IN_TRANS_READONLY,
                0,
                "{begin}: {begun:?}"
            );
            assert_refused(&client.query(WRITE), begin);
            client.run("SELECT count(*) FROM t");
            client.run("COMMIT");
            let together = format!("{begin}; {WRITE}; COMMIT");
            assert_refused(&client.query(&together), &together);
            client.run("ROLLBACK");
        }
        ground.lull.lifted("all");
        client.run(&format!("START TRANSACTION READ WRITE; {WRITE}; COMMIT"));
        assert_eq!(ground.rows(), "1");
    });
}

#[test]
fn a_session_that_is_reset_in_a_lull_is_guarded_before_anything_else_runs_and_as_new_after_it() {
    on_both(|ground| {
        for before in [None, Some("SET SESSION TRANSACTION READ ONLY")] {
            let mut client = ground.client();
            client.run("SET @mine = 1");
            before.into_iter().for_each(|wish| drop(client.run(wish)));
            ground.lull.fenced("all", &[]);
            for _ in 0..3 {
                assert!(client.ask(&[packets::RESET_CONNECTION]).error().is_none());
                assert_refused(&client.query(WRITE), "behind COM_RESET_CONNECTION");
                assert!(read_only(ground, &mut client));
            }
            assert_eq!(client.value("SELECT @mine"), None);
            ground.lull.lifted("all");
            assert!(
                !read_only(ground, &mut client),
                "the reset has undone the wish too"
            );
            client.run(WRITE);
        }
        assert_eq!(ground.rows(), "1,1");
    });
}

#[test]
fn a_session_that_becomes_another_users_is_in_the_lull_of_that_user() {
    on_both(|ground| {
        let other = Login::of("root").database(&ground.db.name);
        let mut client = ground.client();
        ground.lull.fenced("all", &[]);
        other.change(&mut client).unwrap();
        assert_refused(&client.query(WRITE), "as another user");
        ground.lull.lifted("all");
        client.run(WRITE);
        ground.login().change(&mut client).unwrap();
        ground.lull.fenced("main/*@app", &[]);
        assert_refused(&client.query(WRITE), "as app");
        other.change(&mut client).unwrap();
        client.run(WRITE);
        ground.login().change(&mut client).unwrap();
        assert_refused(&client.query(WRITE), "as app again");
        ground.lull.lifted("main/*@app");
        client.run(WRITE);
        assert_eq!(ground.rows(), "1,1,1");
    });
}
