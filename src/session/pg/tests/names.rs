//! Names of statements: the book never takes a name for another text than the server does.

use std::sync::Arc;

use crate::session::{Audited, Instruction};

use super::{entry::in_lull, pair::Pair, wire::*};

#[test]
fn what_was_prepared_before_the_lull_is_asked_for_and_judged() {
    let mut pair = Pair::new();
    pair.says(&[parse("leak", "VACUUM t"), parse("read", "SELECT 1"), sync()].concat());
    pair.says(&query("PREPARE q AS SELECT 2"));
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    pair.to_client.clear();
    assert_eq!(
        pair.says(&[bind("", "leak"), execute(""), sync()].concat()),
        "E:25006 Z:I"
    );
    assert_eq!(
        pair.says(&[bind("", "read"), execute(""), sync()].concat()),
        "2 D C:SELECT_1 Z:I"
    );
    assert_eq!(pair.says(&query("EXECUTE q")), "T D C:SELECT_1 Z:I");
    assert!(pair.server.wrote.is_empty());
}

#[test]
fn a_parse_that_fails_leaves_the_name_with_its_old_text() {
    let mut pair = Pair::new();
    pair.says(&[parse("s", "VACUUM t"), sync()].concat());
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    pair.to_client.clear();
    assert_eq!(
        pair.says(&[parse("s", "SELECT 1"), sync()].concat()),
        "E:42P05 Z:I"
    );
    assert_eq!(
        pair.says(&[bind("", "s"), execute(""), sync()].concat()),
        "E:25006 Z:I"
    );
    assert!(pair.server.wrote.is_empty());
}

#[test]
fn a_name_that_was_closed_is_free_for_another_text() {
    let mut pair = in_lull();
    pair.says(&[parse("s", "INSERT INTO t VALUES (1)"), sync()].concat());
    let again = [
        close(b'S', "s"),
        parse("s", "SELECT 1"),
        bind("", "s"),
        execute(""),
        sync(),
    ]
    .concat();
    assert_eq!(pair.says(&again), "3 1 2 D C:SELECT_1 Z:I");
    pair.says(&query("DEALLOCATE s"));
    pair.says(&query("PREPARE s AS SELECT 2"));
    assert_eq!(pair.says(&query("EXECUTE s")), "T D C:SELECT_1 Z:I");
    pair.says(&query("DEALLOCATE ALL"));
    assert_eq!(
        pair.says(&[bind("", "s"), sync()].concat()),
        "E:26000 Z:I",
        "the server says so itself"
    );
}

#[test]
fn names_are_cut_where_the_server_cuts_them() {
    let long = "n".repeat(63);
    let mut pair = Pair::new();
    pair.says(&[parse(&format!("{long}-one"), "VACUUM t"), sync()].concat());
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    pair.to_client.clear();
    let other = format!("{long}-two");
    assert_eq!(
        pair.says(&[bind("", &other), execute(""), sync()].concat()),
        "E:25006 Z:I"
    );
    assert!(pair.server.wrote.is_empty());
}

#[test]
fn the_unnamed_statement_of_before_the_lull_is_known() {
    let mut pair = Pair::new();
    pair.says(&[parse("", "VACUUM t"), flush()].concat());
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    pair.to_client.clear();
    assert_eq!(
        pair.says(&[bind("", ""), execute(""), sync()].concat()),
        "E:25006 Z:I"
    );
    assert!(pair.server.wrote.is_empty());
}

#[test]
fn a_cancel_request_that_hits_the_question_for_texts_refuses_and_the_next_try_runs() {
    let mut pair = Pair::new();
    pair.says(&[parse("read", "SELECT 1"), sync()].concat());
    pair.on_audited().unwrap();
    // The guard, and then the question.
    (0..7).for_each(|_| pair.work().unwrap());
    pair.server.cancel();
    pair.settle().unwrap();
    pair.to_client.clear();
    let run = [bind("", "read"), execute(""), sync()].concat();
    let heard = pair.says(&run);
    assert!(
        matches!(heard.as_str(), "E:25006 Z:I" | "2 D C:SELECT_1 Z:I"),
        "{heard}"
    );
    assert_eq!(pair.says(&run), "2 D C:SELECT_1 Z:I");
}

#[test]
fn what_was_named_behind_deallocate_all_before_the_lull_is_asked_for_too() {
    for name in [
        [parse("q", "NOTIFY c"), sync()].concat(),
        query("PREPARE q AS NOTIFY c"),
    ] {
        let mut pair = Pair::new();
        pair.send(&[query("DEALLOCATE ALL"), name].concat()).unwrap();
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        pair.to_client.clear();
        assert_eq!(pair.says(&query("EXECUTE q")), "E:25006 Z:I");
        assert!(pair.server.wrote.is_empty());
    }
}

#[test]
fn a_name_from_before_the_lull_that_is_used_before_the_audit_is_known_waits_and_runs() {
    for named in [
        [parse("q", "SELECT 1"), sync()].concat(),
        query("PREPARE q AS SELECT 1"),
    ] {
        let mut pair = Pair::new();
        pair.says(&named);
        pair.on().unwrap();
        pair.settle().unwrap();
        pair.to_client.clear();
        assert_eq!(pair.says(&query("EXECUTE q")), "", "nobody can judge it yet");
        pair.tell(Instruction::Audited(Audited::PostgreSql(Arc::default())))
            .unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.heard(), "T D C:SELECT_1 Z:I");
    }
}

#[test]
fn a_text_that_came_in_two_pieces_before_the_lull_is_known_in_it() {
    let said = parse("", "SELECT 1");
    for cut in 1..said.len() {
        let mut pair = Pair::new();
        pair.send(&said[..cut]).unwrap();
        pair.send(&said[cut..]).unwrap();
        pair.send(&flush()).unwrap();
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        pair.to_client.clear();
        let run = [bind("", ""), execute(""), sync()].concat();
        assert_eq!(pair.says(&run), "2 D C:SELECT_1 Z:I", "cut at {cut}");
    }
}
