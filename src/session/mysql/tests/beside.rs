//! Sessions that are in another database than the lull, and those that go into it and out of it.

use super::{Pair, pairs, replies::Heard, wire::*};

fn beside() -> [Pair; 2] {
    pairs().map(|mut pair| {
        pair.on_database("crm").unwrap();
        pair.audited().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands() && !pair.report().read_only);
        pair
    })
}

#[test]
fn beside_a_lull_a_session_writes_on_but_not_into_it() {
    for mut pair in beside() {
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "ok");
        assert_eq!(pair.says(&query("INSERT INTO crm.t VALUES (2)")), "1792");
        assert!(pair.server.wrote.iter().all(|(database, _)| database == "shop"));
    }
}

#[test]
fn a_session_that_goes_into_the_lull_is_guarded_before_its_next_command_runs() {
    for goes in [query("USE crm"), init_db("crm")] {
        for mut pair in beside() {
            pair.begins(&[goes.clone(), query("INSERT INTO t VALUES (1)")].concat());
            while pair.moved.is_none() {
                pair.work().unwrap();
            }
            assert!(
                !pair.server.has_work(),
                "nothing goes up before the gate has answered"
            );
            pair.answer_move().unwrap();
            pair.audited().unwrap();
            pair.settle().unwrap();
            assert_eq!(pair.heard(), "ok 1792");
            assert!(pair.stands() && pair.report().read_only && pair.server.wrote.is_empty());
        }
    }
}

#[test]
fn a_session_that_leaves_the_lull_writes_again() {
    for mut pair in beside() {
        pair.says(&query("USE crm"));
        pair.audited().unwrap();
        assert_eq!(pair.says(&query("USE shop")), "ok");
        pair.audited().unwrap();
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "ok");
        assert!(pair.stands() && !pair.server.settings.read_only);
    }
}

#[test]
fn a_transaction_that_may_have_written_into_the_lull_is_waited_for() {
    for mut pair in pairs() {
        pair.says(&query("BEGIN"));
        pair.says(&query("INSERT INTO crm.t VALUES (1)"));
        pair.on_database("crm").unwrap();
        pair.audited().unwrap();
        pair.settle().unwrap();
        assert!(!pair.stands(), "its account may write there");
        assert_eq!(pair.says(&query("COMMIT")), "ok");
        assert!(pair.stands());
    }
}

/// The report of what is committed cannot be turned off in a transaction, and so goes on beside the lull.
#[test]
fn a_client_that_leaves_a_lull_with_a_transaction_open_is_not_told_what_it_commits() {
    for mut pair in pairs() {
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        pair.says(&query("BEGIN"));
        pair.off().unwrap();
        pair.on_database("crm").unwrap();
        pair.audited().unwrap();
        pair.settle().unwrap();
        pair.heard();
        pair.begins(&query("ANALYZE TABLE t"));
        pair.settle().unwrap();
        let told = pair.replies.heard.iter().any(|(_, heard)| match heard {
            Heard::Ok { state, .. } => state.as_deref().is_some_and(|state| state.starts_with(&[3])),
            _ => false,
        });
        assert!(!told, "{:?}", pair.replies.heard);
    }
}

#[test]
fn a_session_that_goes_into_the_lull_with_tables_locked_elsewhere_is_judged_there() {
    for mut pair in beside() {
        pair.says(&query("LOCK TABLES t WRITE"));
        pair.says(&init_db("crm"));
        pair.audited().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands());
        for text in ["SELECT 1 FROM t INTO OUTFILE 'x'", "INSERT INTO t VALUES (1)"] {
            assert_eq!(pair.says(&query(text)), "1792", "{text}");
        }
        assert!(pair.server.wrote.iter().all(|(database, _)| database == "shop"));
    }
}
