//! Cancel requests that hit, or nearly hit, what they were not meant for: lull's own statements, and the client's behind
//! those of an abort.

use crate::{
    fault::Fault,
    gate::Stragglers,
    session::{Instruction, Question},
};

use super::{drain::straggler, entry::in_lull, pair::Pair, wire::*};

/// A statement of lull's own is so many messages.
const OWN_MESSAGES: u32 = 7;

#[test]
fn an_aborts_cancel_request_that_comes_late_hits_no_statement_that_the_client_sends_behind_it() {
    for before in ["BEGIN", "SELECT 1"] {
        let mut pair = Pair::new();
        pair.says(&query(before));
        pair.send(&query("INSERT INTO t VALUES (1)")).unwrap();
        pair.on_audited().unwrap();
        pair.holds_cancels = true;
        pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
        assert!(pair.effects.cancel);
        // What runs ends before the request has come.
        pair.settle().unwrap();
        assert!(pair.stands(), "the fence does not wait for the request");
        assert!(pair.heard().contains("C:INSERT_0_1"));
        for text in ["ROLLBACK", "SELECT 2"] {
            assert_eq!(pair.says(&query(text)), "", "{before}: {text} waits");
        }
        pair.deliver_cancels().unwrap();
        pair.settle().unwrap();
        let heard = pair.heard().replace(" S:ro=on", "");
        assert_eq!(heard, "C:ROLLBACK Z:I T D C:SELECT_1 Z:I", "{before}");
    }
}

#[test]
fn an_aborts_cancel_request_holds_the_client_back_beyond_the_end_of_its_lull() {
    let mut pair = straggler();
    pair.send(&query("INSERT INTO t VALUES (2)")).unwrap();
    pair.holds_cancels = true;
    pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
    pair.settle().unwrap();
    pair.off().unwrap();
    assert_eq!(pair.heard(), "C:INSERT_0_1 Z:T");
    for text in ["ROLLBACK", "SELECT 2"] {
        assert_eq!(pair.says(&query(text)), "");
    }
    pair.deliver_cancels().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "C:ROLLBACK Z:I T D C:SELECT_1 Z:I");
}

#[test]
fn each_of_several_statements_that_were_sent_ahead_may_be_the_one_that_an_abort_hits() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    let ahead = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"];
    pair.send(&ahead.map(query).concat()).unwrap();
    pair.on_audited().unwrap();
    pair.holds_cancels = true;
    pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
    pair.work().unwrap();
    pair.deliver_cancels().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "C:INSERT_0_1 Z:I E:25006 Z:I S:ro=on", "told why");
    assert!(pair.stands());
}

/// The statement of lull's own that is under way is hit, `times` in a row.
fn hit(pair: &mut Pair, times: u32) -> Result<(), Fault> {
    for _ in 0..times {
        pair.server.cancel();
        for _ in 0..OWN_MESSAGES {
            pair.work()?;
        }
    }
    Ok(())
}

#[test]
fn a_session_that_is_hit_now_and_then_outlives_a_long_lull() {
    let mut pair = in_lull();
    for round in 0..150 {
        pair.send(&query("BEGIN READ WRITE")).unwrap();
        pair.work().unwrap();
        hit(&mut pair, 1).unwrap();
        pair.settle().unwrap();
        pair.says(&query("ROLLBACK"));
        assert_eq!(pair.says(&query("BEGIN READ WRITE")), "C:BEGIN Z:T", "{round}");
        assert_eq!(pair.says(&query("ROLLBACK")), "C:ROLLBACK Z:I", "{round}");
    }
}

#[test]
fn a_guard_that_is_hit_every_time_is_given_up_and_not_tried_without_end() {
    let mut pair = Pair::new();
    pair.on_audited().unwrap();
    hit(&mut pair, 99).unwrap();
    assert!(!pair.stands());
    let fault = hit(&mut pair, 1).expect_err("a hundred in a row");
    assert!(fault.to_string().contains("refused the guard"), "{fault}");
}

#[test]
fn a_question_that_is_hit_every_time_is_answered_by_that_and_its_session_goes_on() {
    let mut pair = in_lull();
    for id in 0..3 {
        let text = "SELECT 2".to_owned();
        pair.tell(Instruction::Ask(Question { id, text })).unwrap();
        hit(&mut pair, 3).unwrap();
        let answers = std::mem::take(&mut pair.effects.answers);
        assert!(
            matches!(answers.as_slice(), [(answered, Err(_))] if *answered == id),
            "{answers:?}"
        );
    }
    pair.send(&query("BEGIN READ WRITE")).unwrap();
    pair.work().unwrap();
    hit(&mut pair, 1).unwrap();
    pair.settle().unwrap();
    assert!(pair.says(&query("ROLLBACK")).starts_with("C:ROLLBACK Z:I"));
    assert_eq!(pair.says(&query("SELECT 1")), "T D C:SELECT_1 Z:I");
}

/// Found by the crowd of the adversary: nobody was answered for ten seconds.
#[test]
fn a_question_is_asked_where_the_statement_that_waits_for_it_came_while_lull_itself_spoke() {
    let mut pair = Pair::new();
    pair.on().unwrap();
    pair.settle().unwrap();
    pair.send(&query("BEGIN READ WRITE")).unwrap();
    let text = "SELECT 2".to_owned();
    pair.tell(Instruction::Ask(Question { id: 7, text })).unwrap();
    pair.work().unwrap();
    // The guard is on its way.
    pair.send(&query("SELECT 1")).unwrap();
    pair.settle().unwrap();
    assert!(matches!(pair.effects.answers.as_slice(), [(7, Ok(_))]));
}

#[test]
fn a_question_to_a_session_whose_transaction_has_failed_meanwhile_is_given_back() {
    let mut pair = in_lull();
    pair.says(&query("BEGIN"));
    pair.send(&query("SELECT broken")).unwrap();
    let text = "SELECT 2".to_owned();
    pair.tell(Instruction::Ask(Question { id: 7, text })).unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.effects.unanswered, [7]);
    assert!(pair.says(&query("ROLLBACK")).starts_with("C:ROLLBACK Z:I"));
}

#[test]
fn a_transaction_around_a_statement_that_never_begins_is_not_tried_without_end() {
    let mut pair = in_lull();
    pair.send(&query("CALL p()")).unwrap();
    // The BEGIN is hit, and what takes the snapshot succeeds without it.
    let mut given_up = false;
    for _ in 0..200 {
        pair.server.cancel();
        given_up |= (0..2 * OWN_MESSAGES).any(|_| pair.work().is_err());
    }
    assert!(given_up);
    assert!(pair.server.wrote.is_empty());
}
