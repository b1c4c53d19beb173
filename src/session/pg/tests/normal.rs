//! Normal mode: the bytes are the bytes.

use super::{
    pair::{Pair, settings},
    server::{Server, frame},
    wire::*,
};

fn stream() -> Vec<u8> {
    [
        query("SELECT 1"),
        extended("INSERT INTO t VALUES (1)"),
        [parse("s1", "SELECT 2"), describe(b'S', "s1"), flush()].concat(),
        [bind("p", "s1"), execute("p"), close(b'P', "p"), sync()].concat(),
        query("COPY t FROM STDIN"),
        [frame(b'd', b"1\n"), frame(b'd', b""), frame(b'c', b"")].concat(),
        query("BEGIN; SELECT broken"),
        query("DISCARD ALL"),
        query("ROLLBACK"),
        // A type that nobody knows yet.
        frame(b'y', b"from the future"),
        query(""),
    ]
    .concat()
}

#[test]
fn without_a_lull_the_bytes_on_both_sides_are_the_bytes_that_were_sent_however_they_are_cut() {
    let said = stream();
    let mut direct = Server::default();
    direct.feed(&said);
    let mut answers = frame(b'Z', b"I");
    while direct.has_work() {
        answers.extend(direct.work());
    }
    for size in 1..=said.len().min(60) {
        let mut pair = Pair::with(settings(), Server::default(), Box::new(move |_| size)).unwrap();
        pair.send(&said).unwrap();
        pair.settle().unwrap();
        assert!(pair.to_server == said, "pieces of {size} bytes");
        assert!(pair.to_client == answers, "pieces of {size} bytes");
    }
}

#[test]
fn what_came_before_a_servers_fault_still_reaches_the_client() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.send(&query("SELECT 1")).unwrap();
    let replies = [frame(b'C', b"SELECT 1\0"), frame(b'Z', b"I"), frame(b'Z', b"?")].concat();
    assert!(pair.reply(&replies).is_err(), "no such transaction status");
    assert_eq!(pair.heard(), "C:SELECT_1 Z:I");
}

#[test]
fn a_session_that_falls_out_of_step_goes_on_and_never_stands_in_a_lull() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.reply(&frame(b'Z', b"I")).unwrap();
    assert_eq!(pair.heard(), "Z:I", "outside a lull nobody is cut off for it");
    assert_eq!(pair.says(&query("SELECT 1")), "T D C:SELECT_1 Z:I");
    pair.on().unwrap();
    pair.settle().unwrap();
    assert!(!pair.stands(), "what the ledger owes is not known");
    assert_eq!(pair.says(&query("SELECT 2")), "", "no batch may begin");
    pair.off().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "T D C:SELECT_1 Z:I");
    assert_eq!(pair.says(&query("SELECT 3")), "T D C:SELECT_1 Z:I");
}

#[test]
fn a_copy_in_the_middle_of_a_batch_is_no_reason_to_stand() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    let copy = [parse("", "COPY t FROM STDIN"), bind("", ""), execute("")].concat();
    pair.says(&[copy, extended("SELECT 1")].concat());
    pair.on().unwrap();
    pair.settle().unwrap();
    assert!(
        !pair.stands(),
        "what the server took for part of the COPY is not known"
    );
}

#[test]
fn a_copy_that_the_client_does_not_know_of_fails_and_the_session_goes_on() {
    // As it would without lull: the batch behind it, or the query, is what the server stumbles over.
    let mut pair = Pair::new();
    pair.to_client.clear();
    let copy = extended("COPY t FROM STDIN");
    assert_eq!(
        pair.says(&[copy, extended("SELECT 1")].concat()),
        "1 2 G E:08P01 Z:I"
    );
    assert_eq!(pair.says(&query("SELECT 2")), "T D C:SELECT_1 Z:I");
    let copy = query("COPY t FROM STDIN");
    assert_eq!(pair.says(&[copy, query("SELECT 1")].concat()), "G E:08P01 Z:I");
    assert_eq!(pair.says(&query("COPY t FROM STDIN")), "G");
    assert_eq!(pair.says(&query("SELECT 3")), "E:08P01 Z:I");
    assert_eq!(pair.says(&query("SELECT 4")), "T D C:SELECT_1 Z:I");
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
}
