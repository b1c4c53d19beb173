//! What happens to a session that does not stand when the drain is over.

use crate::{
    gate::Stragglers,
    session::{Instruction, Question},
};

use super::{pair::Pair, server::frame, wire::*};

/// A session with a transaction that has written, and a lull that waits for it.
pub(super) fn straggler() -> Pair {
    let mut pair = Pair::new();
    pair.says(&query("BEGIN"));
    pair.says(&query("INSERT INTO t VALUES (1)"));
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(!pair.stands());
    pair.to_client.clear();
    pair
}

fn straggle(pair: &mut Pair, policy: Stragglers) {
    pair.tell(Instruction::Straggle(policy)).unwrap();
    pair.settle().unwrap();
}

#[test]
fn abort_takes_the_transaction_and_keeps_the_connection() {
    let mut pair = straggler();
    straggle(&mut pair, Stragglers::Abort);
    assert!(pair.stands());
    assert_eq!(pair.heard(), "", "the client has asked nothing yet");
    assert!(pair.server.ran.contains(&"ROLLBACK".to_owned()));
    assert_eq!(
        pair.says(&query("SELECT 1")),
        "E:25006 Z:E",
        "the next statement is told why"
    );
    assert_eq!(pair.says(&query("SELECT 1")), "E:25006 Z:E");
    assert_eq!(pair.says(&query("ROLLBACK")), "C:ROLLBACK Z:I S:ro=on");
    assert_eq!(pair.says(&query("SELECT 1")), "T D C:SELECT_1 Z:I");
}

#[test]
fn a_commit_of_what_was_aborted_is_an_error_and_never_taken_for_done() {
    let mut pair = straggler();
    straggle(&mut pair, Stragglers::Abort);
    assert_eq!(pair.says(&query("COMMIT")), "E:25006 Z:I S:ro=on");
}

#[test]
fn a_commit_is_an_error_even_if_the_lull_has_ended_before_it() {
    let mut pair = straggler();
    straggle(&mut pair, Stragglers::Abort);
    pair.off().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
    assert_eq!(
        pair.says(&query("COMMIT")),
        "E:25006 Z:I",
        "acknowledged and lost otherwise"
    );
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (2)")), "C:INSERT_0_1 Z:I");
}

#[test]
fn no_savepoint_revives_what_was_aborted() {
    let mut pair = Pair::new();
    for text in ["BEGIN", "INSERT INTO t VALUES (1)", "SAVEPOINT a"] {
        pair.says(&query(text));
    }
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    straggle(&mut pair, Stragglers::Abort);
    pair.to_client.clear();
    let heard = pair.says(&query("ROLLBACK TO a"));
    assert!(heard.ends_with("Z:E"), "{heard}");
    let wrote = pair.server.wrote.len();
    pair.says(&query("INSERT INTO t VALUES (2)"));
    assert_eq!(pair.server.wrote.len(), wrote);
}

#[test]
fn abort_ends_what_is_running_too() {
    let mut pair = straggler();
    pair.send(&query("INSERT INTO t VALUES (2)")).unwrap();
    pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
    assert!(pair.effects.cancel);
    pair.settle().unwrap();
    assert!(pair.stands());
    let heard = pair.heard();
    assert!(heard.starts_with("E:25006 Z:E"), "{heard}");
}

#[test]
fn abort_ends_a_copy_and_a_batch_without_its_sync() {
    let mut pair = Pair::new();
    pair.says(&query("COPY t FROM STDIN"));
    pair.on_audited().unwrap();
    straggle(&mut pair, Stragglers::Abort);
    assert!(pair.stands());
    pair.to_client.clear();
    assert_eq!(
        pair.says(&[frame(b'd', b"1\n"), frame(b'c', b"")].concat()),
        "",
        "the rest of the data is ignored"
    );
    assert_eq!(pair.says(&query("SELECT 1")), "T D C:SELECT_1 Z:I");

    let mut pair = Pair::new();
    let open = [
        parse("", "INSERT INTO t VALUES (1)"),
        bind("", ""),
        execute(""),
        flush(),
    ]
    .concat();
    pair.says(&open);
    pair.on_audited().unwrap();
    straggle(&mut pair, Stragglers::Abort);
    assert!(pair.stands(), "without the client's Sync");
    let heard = pair.heard();
    assert!(heard.starts_with("E:25006"), "{heard}");
    let wrote = pair.server.wrote.len();
    let rest = [
        parse("", "INSERT INTO t VALUES (2)"),
        bind("", ""),
        execute(""),
        sync(),
    ]
    .concat();
    assert_eq!(pair.says(&rest), "Z:I", "the server would skip it too");
    assert_eq!(pair.server.wrote.len(), wrote);
}

#[test]
fn abort_ends_a_copy_whose_beginning_is_still_on_its_way_and_keeps_the_connection() {
    let copy = "COPY t FROM STDIN";
    let open = [parse("", copy), bind("", ""), execute(""), flush()].concat();
    for said in [query(copy), open] {
        let mut pair = Pair::new();
        pair.send(&said).unwrap();
        pair.on_audited().unwrap();
        // The server has begun to read data when the drain is over, and nobody has heard of it.
        let mut replies = Vec::new();
        while pair.server.has_work() {
            replies.extend(pair.server.work());
        }
        pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
        pair.reply(&replies).unwrap();
        pair.settle().unwrap();
        assert!(!pair.server.gone, "no Parse in the middle of a COPY");
        assert!(pair.stands(), "although the client has sent nothing");
        assert!(!pair.server.wrote.contains(&"COPY".to_owned()), "no data came in");
    }
}

#[test]
fn a_cancel_request_that_hits_a_step_of_the_abort_does_not_stop_it() {
    for steps in 0..3 {
        let mut pair = straggler();
        pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
        // Each statement of lull's own is seven messages.
        (0..steps * 7).for_each(|_| pair.work().unwrap());
        pair.server.cancel();
        pair.settle().unwrap();
        assert!(pair.stands(), "after {steps} steps");
        assert_eq!(
            pair.says(&query("COMMIT")),
            "E:25006 Z:I S:ro=on",
            "after {steps} steps"
        );
    }
}

/// The audit asks in the transaction of a session that waits, and the drain is over while it does.
#[test]
fn a_question_that_the_aborts_cancel_request_hits_is_asked_again_outside_of_the_failed_transaction() {
    let mut pair = straggler();
    let text = "SELECT 2".to_owned();
    pair.tell(Instruction::Ask(Question { id: 7, text })).unwrap();
    pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
    pair.settle().unwrap();
    let answers = std::mem::take(&mut pair.effects.answers);
    assert_eq!(answers.len(), 1);
    assert!(matches!(answers.as_slice(), [(7, Ok(_))]), "{answers:?}");
    assert!(pair.stands());
    assert_eq!(pair.heard(), "", "the client has asked nothing yet");
    assert_eq!(pair.says(&query("SELECT 1")), "E:25006 Z:E", "it is told why");
    assert_eq!(pair.says(&query("ROLLBACK")), "C:ROLLBACK Z:I S:ro=on");
}

#[test]
fn a_question_that_came_too_early_is_asked_when_a_statement_waits_for_its_answer() {
    let mut pair = Pair::new();
    pair.on().unwrap();
    pair.settle().unwrap();
    // Before its first statement a question would take the transaction's snapshot.
    assert_eq!(pair.says(&query("BEGIN")), "C:BEGIN Z:T");
    let text = "SELECT 2".to_owned();
    pair.tell(Instruction::Ask(Question { id: 7, text })).unwrap();
    pair.settle().unwrap();
    assert!(pair.effects.answers.is_empty());
    assert_eq!(pair.says(&query("SELECT 1")), "", "it waits for the audit");
    pair.settle().unwrap();
    assert!(matches!(pair.effects.answers.as_slice(), [(7, Ok(_))]));
}

#[test]
fn terminate_says_why_and_ends_the_session() {
    let mut pair = straggler();
    straggle(&mut pair, Stragglers::Terminate);
    assert_eq!(pair.heard(), "E:57P01");
    assert!(pair.hung_up);
    assert!(pair.to_server.ends_with(&frame(b'X', b"")));
}

#[test]
fn report_does_nothing() {
    let mut pair = straggler();
    straggle(&mut pair, Stragglers::Report);
    assert!(!pair.stands());
    assert_eq!(pair.says(&query("COMMIT")), "C:COMMIT Z:I S:ro=on");
    assert!(pair.stands());
}

#[test]
fn a_policy_that_comes_too_late_touches_nobody() {
    let mut pair = straggler();
    pair.says(&query("COMMIT"));
    pair.to_client.clear();
    for policy in [Stragglers::Abort, Stragglers::Terminate] {
        straggle(&mut pair, policy);
    }
    assert_eq!(pair.says(&query("SELECT 1")), "T D C:SELECT_1 Z:I");
    assert!(!pair.hung_up);
}
