//! Normal mode: the bytes are the bytes.

use crate::{
    gate::Stragglers,
    session::{Instruction, Session},
};

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
fn a_copy_that_the_client_does_not_know_of_ends_the_connection_as_it_would_without_lull() {
    let copies = [
        query("COPY t FROM STDIN"),
        extended("COPY t FROM STDIN"),
        [parse("", "COPY t FROM STDIN"), bind("", ""), execute("")].concat(),
    ];
    for (copy, began) in copies.iter().zip(["G", "1 2 G", "1 2 G"]) {
        for behind in [query("SELECT 1"), extended("SELECT 1")] {
            let mut pair = Pair::new();
            pair.to_client.clear();
            let heard = pair.says(&[copy.clone(), behind].concat());
            assert_eq!(heard, format!("{began} E:08P01 E:08P01"));
            assert!(pair.machine.upstream_closed().is_ok(), "the server has said why");
            pair.on_audited().unwrap();
            assert!(!pair.stands(), "nobody has said that it is over");
        }
    }
}

#[test]
fn a_query_in_an_open_batch_is_passed_over_where_the_batch_has_failed() {
    let broken = [parse("", "SELECT broken"), bind("", ""), execute("")].concat();
    let mut pair = Pair::new();
    pair.to_client.clear();
    assert_eq!(
        pair.says(&[broken.clone(), query("SELECT 1")].concat()),
        "1 2 E:22012"
    );
    assert_eq!(pair.says(&query("SELECT 2")), "");
    assert_eq!(pair.says(&sync()), "Z:I");
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands(), "nothing is owed");

    let mut pair = Pair::new();
    pair.says(&[broken, query("SELECT 1")].concat());
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(!pair.stands(), "the batch has no Sync yet");
    pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
    pair.to_client.clear();
    let rest = [query("SELECT 2"), sync(), query("SELECT 3")].concat();
    assert_eq!(pair.says(&rest), "Z:I T D C:SELECT_1 Z:I");
}

#[test]
fn a_query_in_an_open_batch_that_fails_itself_is_answered() {
    let open = [parse("", "SELECT 1"), bind("", ""), execute("")].concat();
    let mut pair = Pair::new();
    pair.to_client.clear();
    let said = [open.clone(), query("SELECT broken"), open, sync()].concat();
    assert_eq!(
        pair.says(&said),
        "1 2 D C:SELECT_1 E:22012 Z:I 1 2 D C:SELECT_1 Z:I"
    );
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
}

#[test]
fn a_session_that_falls_out_of_step_in_a_lull_that_has_ended_holds_nobody() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.send(&query("SELECT 1")).unwrap();
    pair.on().unwrap();
    pair.off().unwrap();
    pair.reply(&frame(b'Z', b"I")).unwrap();
    pair.settle().unwrap();
    pair.to_client.clear();
    assert_eq!(pair.says(&query("SELECT 2")), "T D C:SELECT_1 Z:I");
}
