//! The way out: the settings that the session would have had without the lull, and nothing that the client hears.

use crate::session::{Instruction, Question};

use super::{Pair, in_lull, pairs, wire::*};

fn leave(pair: &mut Pair) {
    pair.off().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands() && !pair.report().read_only);
}

#[test]
fn after_a_lull_the_session_is_as_it_was() {
    for mut pair in pairs() {
        pair.says(&query("SELECT 1"));
        let before = pair.server.settings.clone();
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert_ne!(pair.server.settings, before);
        leave(&mut pair);
        assert_eq!(pair.server.settings, before);
        assert_eq!(pair.heard(), "");
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "ok");
    }
}

#[test]
fn a_wish_from_before_the_lull_is_kept() {
    for mut pair in pairs() {
        pair.says(&query("SET SESSION TRANSACTION READ ONLY"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        leave(&mut pair);
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "1792");
    }
}

#[test]
fn a_wish_in_the_lull_is_fulfilled_at_its_end() {
    for (text, read_only) in [
        ("SET SESSION TRANSACTION READ ONLY", true),
        ("SET SESSION TRANSACTION READ WRITE", false),
    ] {
        for mut pair in in_lull() {
            assert_eq!(pair.says(&query(text)), "ok");
            assert!(pair.server.settings.read_only);
            leave(&mut pair);
            assert_eq!(pair.server.settings.read_only, read_only, "{text}");
        }
    }
}

#[test]
fn reports_that_the_client_asks_for_in_a_lull_are_its_own_afterwards() {
    for mut pair in in_lull() {
        let text = "SET SESSION session_track_system_variables = 'sql_mode'";
        assert_eq!(pair.says(&query(text)), "ok");
        assert!(pair.stands() && pair.server.settings.read_only);
        leave(&mut pair);
        assert_eq!(pair.server.settings.track_variables, "sql_mode");
        assert!(!pair.server.settings.read_only);
    }
}

/// Somebody's KILL QUERY may hit any statement of lull's own.
#[test]
fn whichever_statement_of_lulls_own_is_interrupted_the_session_is_as_it_was() {
    for (turn, hit) in (0..6).flat_map(|turn| (0..6).map(move |hit| (turn, hit))) {
        for mut pair in pairs() {
            pair.says(&query("SELECT 1"));
            let before = pair.server.settings.clone();
            let interrupted = |pair: &mut Pair, after: usize| {
                for _ in 0..after {
                    pair.work().unwrap();
                }
                pair.server.interrupt();
                pair.settle().unwrap();
                assert!(pair.stands(), "{turn}, {hit}: {:?}", pair.server.ran);
            };
            pair.on_audited().unwrap();
            interrupted(&mut pair, turn);
            pair.off().unwrap();
            interrupted(&mut pair, hit);
            assert_eq!(pair.server.settings, before, "{turn}, {hit}");
        }
    }
}

#[test]
fn a_question_that_is_interrupted_leaves_no_transaction_behind() {
    for hit in 0..5 {
        for mut pair in pairs() {
            pair.says(&query("SET autocommit = 0"));
            let text = "SELECT 42 FROM t".to_owned();
            pair.tell(Instruction::Ask(Question { id: 1, text })).unwrap();
            for _ in 0..hit {
                pair.work().unwrap();
            }
            pair.server.interrupt();
            pair.settle().unwrap();
            assert!(pair.server.transaction.is_none(), "{hit}");
            // What is hit, another session may answer.
            let (answers, unanswered) = (&pair.effects.answers, &pair.effects.unanswered);
            assert_eq!(answers.len() + unanswered.len(), 1);
        }
    }
}

#[test]
fn a_question_that_would_have_to_wait_for_the_end_of_a_transaction_is_given_to_another_session() {
    for mut pair in pairs() {
        pair.says(&query("SET autocommit = 0"));
        pair.says(&query("SELECT 1 FROM t"));
        let text = "SELECT 42 FROM t".to_owned();
        pair.tell(Instruction::Ask(Question { id: 1, text })).unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.effects.unanswered, [1]);
        pair.says(&query("ROLLBACK"));
        assert!(pair.effects.answers.is_empty());
        assert!(pair.server.transaction.is_none());
    }
}

#[test]
fn an_open_transaction_outlives_a_lull() {
    for mut pair in pairs() {
        pair.says(&query("BEGIN"));
        pair.says(&query("SELECT 1 FROM t"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "1792");
        leave(&mut pair);
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "ok");
        assert_eq!(pair.says(&query("COMMIT")), "ok");
        assert_eq!(pair.server.wrote.len(), 2, "written and committed");
    }
}
