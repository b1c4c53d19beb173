//! The way out of a lull: as clean as the way in.

use crate::session::Instruction;

use super::{entry::in_lull, pair::Pair, server::Server, wire::*};

fn leave(pair: &mut Pair) {
    pair.off().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
    pair.to_client.clear();
}

#[test]
fn a_session_that_wished_nothing_gets_what_its_server_is_configured_for() {
    let mut pair = in_lull();
    leave(&mut pair);
    assert!(!pair.server.read_only);
    assert_eq!(
        pair.server.ran.last().map(String::as_str),
        Some("RESET default_transaction_read_only")
    );
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "C:INSERT_0_1 Z:I");
}

#[test]
fn a_wish_from_before_the_lull_holds_after_it() {
    let mut pair = Pair::new();
    pair.says(&query("SET default_transaction_read_only = on"));
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    leave(&mut pair);
    assert!(pair.server.read_only, "it asked for READ ONLY itself");
}

#[test]
fn the_last_wish_in_the_lull_holds_after_it() {
    for (wish, read_only) in [
        ("SET default_transaction_read_only = on", true),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", false),
        ("SET default_transaction_read_only = off", false),
        ("RESET ALL", false),
        ("BEGIN; SET default_transaction_read_only = on; ROLLBACK", false),
    ] {
        let mut pair = in_lull();
        pair.says(&query("SET default_transaction_read_only = off"));
        pair.says(&query(wish));
        leave(&mut pair);
        assert_eq!(pair.server.read_only, read_only, "{wish}");
    }
}

#[test]
fn a_session_whose_server_is_configured_read_only_stays_so() {
    let server = Server::whose_default_is(true);
    let mut pair = Pair::with(super::pair::settings(), server, Box::new(|bytes| bytes)).unwrap();
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    leave(&mut pair);
    assert!(pair.server.read_only);
}

#[test]
fn a_query_that_was_held_for_a_lull_which_has_gone_is_not_forgotten() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.send(&query("SELECT 1")).unwrap();
    pair.on_audited().unwrap();
    pair.send(&query("SELECT 2")).unwrap();
    pair.off().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "T D C:SELECT_1 Z:I T D C:SELECT_1 Z:I");
}

#[test]
fn a_message_that_arrives_in_two_halves_around_the_end_of_a_lull_is_one_message() {
    let both = [query("SELECT 1"), query("SELECT 2")].concat();
    for cut in 1..both.len() {
        let mut pair = in_lull();
        pair.send(&both[..cut]).unwrap();
        pair.settle().unwrap();
        pair.off().unwrap();
        pair.settle().unwrap();
        pair.send(&both[cut..]).unwrap();
        pair.settle().unwrap();
        let heard = pair.heard().replace("S:ro=off ", "");
        assert_eq!(heard, "T D C:SELECT_1 Z:I T D C:SELECT_1 Z:I", "cut at {cut}");
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands(), "cut at {cut}");
    }
}

#[test]
fn a_lull_that_ends_while_a_statement_is_being_wrapped_closes_the_wrap() {
    let mut pair = in_lull();
    pair.send(&query("CALL p()")).unwrap();
    pair.off().unwrap();
    pair.settle().unwrap();
    assert!(
        pair.server.transaction.is_none(),
        "no transaction of lull's own is left open"
    );
    assert!(pair.stands());
    pair.to_client.clear();
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "C:INSERT_0_1 Z:I");
}

#[test]
fn a_refusal_that_is_under_way_when_the_lull_ends_is_still_explained() {
    let mut pair = Pair::new();
    pair.says(&query("BEGIN"));
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    pair.to_client.clear();
    pair.send(&query("VACUUM t")).unwrap();
    pair.off().unwrap();
    pair.settle().unwrap();
    assert_eq!(
        pair.heard(),
        "E:25006 Z:E",
        "and not the syntax error that stands for it"
    );
}

#[test]
fn a_lull_that_follows_on_another_does_not_stand_on_what_went_up_between_them() {
    let mut pair = in_lull();
    pair.says(&query("BEGIN"));
    pair.off().unwrap();
    // No lull is open, and nobody inspects this.
    pair.send(&query("EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1"))
        .unwrap();
    pair.on_audited().unwrap();
    assert!(!pair.stands(), "a leak is under way");
    pair.settle().unwrap();
    assert!(pair.stands());
    pair.to_client.clear();
    assert_eq!(
        pair.says(&query("EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1")),
        "E:25006 Z:E"
    );
}

#[test]
fn when_lull_stops_a_session_ends_at_its_next_idle_moment_and_is_told() {
    let mut pair = Pair::new();
    pair.says(&query("BEGIN"));
    pair.tell(Instruction::Close).unwrap();
    assert!(!pair.hung_up);
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "C:INSERT_0_1 Z:T");
    assert_eq!(pair.says(&query("COMMIT")), "C:COMMIT Z:I E:57P01");
    assert!(pair.hung_up);
}

#[test]
fn a_statement_that_is_being_wrapped_while_a_lull_follows_on_another_goes_up_whole() {
    let mut pair = in_lull();
    pair.send(&query("CALL p()")).unwrap();
    pair.off().unwrap();
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "E:2D000 Z:I");
    assert!(pair.stands() && pair.server.transaction.is_none());
}
