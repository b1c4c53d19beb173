//! The way into a lull, and life in it.

use super::{in_lull, pairs, wire::*};

#[test]
fn the_guard_waits_for_the_running_command_and_its_reply_is_swallowed() {
    for mut pair in pairs() {
        pair.says(&ping());
        pair.begins(&query("INSERT INTO t VALUES (1)"));
        pair.on_audited().unwrap();
        assert_eq!(
            pair.server.waiting().last().map(String::as_str),
            Some("INSERT INTO t VALUES (1)"),
            "the guard is not sent while a command runs"
        );
        assert!(!pair.stands());
        pair.settle().unwrap();
        assert_eq!(pair.heard(), "ok", "of the guard, the client hears nothing");
        assert!(pair.stands() && pair.server.settings.read_only);
        let wrote = pair.server.wrote.len();
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (2)")), "1792");
        assert_eq!(pair.server.wrote.len(), wrote);
    }
}

#[test]
fn nothing_is_assumed_from_having_sent_the_guard() {
    for mut pair in pairs() {
        pair.on_audited().unwrap();
        while !pair.server.settings.read_only {
            assert!(!pair.stands());
            let replies = pair.server.work();
            if !pair.server.settings.read_only {
                pair.reply(&replies).unwrap();
                continue;
            }
            assert!(!pair.stands(), "the server has not confirmed it");
            pair.reply(&replies).unwrap();
        }
        pair.settle().unwrap();
        assert!(pair.stands());
    }
}

#[test]
fn commands_behind_the_guard_are_held_and_answered_in_order() {
    for mut pair in pairs() {
        pair.on_audited().unwrap();
        pair.begins(
            &[
                query("SELECT 1"),
                query("INSERT INTO t VALUES (1)"),
                query("SELECT 2; SELECT 3"),
            ]
            .concat(),
        );
        assert!(!pair.server.waiting().contains(&"SELECT 1".to_owned()), "held");
        pair.settle().unwrap();
        assert_eq!(pair.heard(), "row 1792 row row");
        assert!(pair.server.wrote.is_empty());
    }
}

#[test]
fn what_could_call_a_routine_waits_for_the_audit() {
    for mut pair in pairs() {
        pair.on().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands(), "the server refuses writes all the same");
        assert_eq!(pair.says(&query("SELECT f() FROM t")), "");
        assert!(pair.effects.needs_audit);
        pair.audited().unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.heard(), "row");
    }
}

#[test]
fn a_lull_that_ends_before_its_audit_lets_go_of_what_it_held() {
    for mut pair in pairs() {
        pair.on().unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "");
        pair.off().unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.heard(), "ok");
        assert!(pair.stands() && !pair.server.settings.read_only);
    }
}

#[test]
fn a_transaction_that_has_only_read_is_frozen_and_reads_on() {
    for mut pair in pairs() {
        pair.says(&query("BEGIN"));
        pair.says(&query("SELECT 1 FROM t"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands());
        assert_eq!(pair.says(&query("SELECT 2 FROM t")), "row");
        for text in ["INSERT INTO t VALUES (1)", "CREATE TABLE u (a int)", "SELECT f()"] {
            let ran = pair.server.ran.len();
            assert_eq!(pair.says(&query(text)), "1792");
            assert_eq!(
                pair.server.ran.len(),
                ran,
                "the server would carry it out: {text}"
            );
        }
        assert_eq!(pair.says(&query("COMMIT")), "ok");
        assert!(pair.stands());
        assert_eq!(pair.says(&query("BEGIN")), "ok");
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "1792");
        assert!(pair.server.wrote.is_empty());
    }
}

#[test]
fn a_transaction_that_has_written_may_finish_and_then_stands() {
    for mut pair in pairs() {
        pair.says(&query("BEGIN"));
        pair.says(&query("INSERT INTO t VALUES (1)"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(!pair.stands());
        assert_eq!(pair.report().wrote, Some(true));
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (2)")), "ok");
        assert_eq!(pair.says(&query("COMMIT")), "ok");
        assert!(pair.stands());
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (3)")), "1792");
    }
}

/// A client turns the server's reports off, writes, and turns them on again: it must not be taken for one that has read.
#[test]
fn a_transaction_that_the_server_has_lost_sight_of_is_waited_for() {
    let info = |value: &str| query(&format!("SET SESSION session_track_transaction_info = '{value}'"));
    let write = query("INSERT INTO t VALUES (1)");
    let begin = query("BEGIN");
    let implicit = query("SET autocommit = 0");
    for story in [
        vec![begin.clone(), info("OFF"), write.clone(), info("STATE")],
        vec![begin.clone(), info("OFF"), write.clone(), info("CHARACTERISTICS")],
        vec![ping(), info("OFF"), begin.clone(), write.clone(), info("STATE")],
        vec![
            begin.clone(),
            query("SELECT 1 FROM t"),
            info("OFF"),
            write.clone(),
            info("STATE"),
        ],
        vec![
            implicit.clone(),
            info("OFF"),
            write.clone(),
            info("STATE"),
            query("SELECT 1 FROM t"),
            query("DO 0"),
        ],
        // All in one go: it begins before lull could ask to be told.
        vec![[query("DO 0"), reset_connection(), begin, write].concat()],
    ] {
        for mut pair in pairs() {
            for said in &story {
                pair.says(said);
            }
            pair.on_audited().unwrap();
            pair.settle().unwrap();
            assert!(!pair.stands(), "{:?}", pair.server.ran);
            pair.says(&query("COMMIT"));
            assert!(pair.stands(), "{:?}", pair.server.ran);
        }
    }
}

#[test]
fn a_transaction_that_follows_an_empty_one_is_frozen_once_the_server_has_said_that_it_is_empty_too() {
    for mut pair in pairs() {
        pair.says(&query("BEGIN"));
        pair.says(&query("COMMIT AND CHAIN"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands());
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "1792");
        pair.off().unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.server.settings.track_transactions, "STATE");
    }
}

#[test]
fn behind_what_lifts_the_guard_nothing_goes_up_before_it_is_set_again() {
    for lift in [
        "SET SESSION TRANSACTION READ WRITE",
        "SET TRANSACTION READ WRITE",
        "START TRANSACTION READ WRITE",
    ] {
        for mut pair in in_lull() {
            pair.begins(&[query(lift), query("INSERT INTO t VALUES (1)")].concat());
            pair.settle().unwrap();
            assert_eq!(pair.heard(), "ok 1792", "{lift}");
            assert!(pair.server.wrote.is_empty() && pair.stands());
        }
    }
}

#[test]
fn a_session_that_is_reset_is_guarded_before_anything_else_of_it_runs() {
    for anew in [reset_connection(), change_user("app", "shop")] {
        for mut pair in in_lull() {
            assert_eq!(pair.says(&anew), "ok");
            assert!(pair.server.settings.read_only && pair.stands());
            assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "1792");
            assert!(pair.server.wrote.is_empty());
        }
    }
}

#[test]
fn what_no_read_only_state_stops_never_reaches_the_server() {
    for text in [
        "FLUSH TABLES",
        "KILL 3",
        "SET GLOBAL x = 1",
        "SELECT 1 FROM t INTO OUTFILE 'x'",
        "CALL p()",
    ] {
        for mut pair in in_lull() {
            assert_eq!(pair.says(&query(text)), "1792", "{text}");
            assert!(pair.server.wrote.is_empty());
        }
    }
}

#[test]
fn what_was_prepared_before_the_lull_is_read_when_it_is_executed() {
    for mut pair in pairs() {
        pair.says(&prepare("CALL p()"));
        pair.says(&prepare("SELECT 1"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.says(&[execute(1), execute(2)].concat()), "1792 row");
        assert!(pair.server.wrote.is_empty());
    }
}

/// As measured on MariaDB 10.11 and MySQL 9.7: the transaction behind it could write, which nothing tells.
#[test]
fn a_straggler_that_ends_its_transaction_and_lifts_the_guard_once_does_not_write_behind_the_fence() {
    for mut pair in pairs() {
        pair.says(&[query("BEGIN"), query("INSERT INTO t VALUES (1)")].concat());
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(!pair.stands());
        assert_eq!(pair.says(&query("COMMIT; SET TRANSACTION READ WRITE")), "ok ok");
        let wrote = pair.server.wrote.len();
        assert_eq!(pair.says(&query("INSERT INTO t VALUES (2)")), "1792");
        assert!(pair.stands() && pair.server.wrote.len() == wrote);
    }
}
