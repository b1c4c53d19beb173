//! What happens to a session that does not stand when the drain is over.

use crate::{gate::Stragglers, session::Instruction};

use super::{Pair, pairs, wire::*};

/// Sessions with a transaction that has written, and a lull that waits for it.
fn stragglers() -> [Pair; 2] {
    pairs().map(|mut pair| {
        pair.says(&query("BEGIN"));
        pair.says(&query("INSERT INTO t VALUES (1)"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(!pair.stands());
        pair
    })
}

fn straggle(pair: &mut Pair, policy: Stragglers) {
    pair.tell(Instruction::Straggle(policy)).unwrap();
    pair.settle().unwrap();
}

#[test]
fn abort_takes_the_transaction_and_keeps_the_connection() {
    for mut pair in stragglers() {
        straggle(&mut pair, Stragglers::Abort);
        assert!(pair.stands() && pair.server.transaction.is_none());
        assert_eq!(pair.heard(), "", "the client has asked nothing yet");
        assert_eq!(
            pair.says(&query("SELECT 1")),
            "1792",
            "the next command is told why"
        );
        assert_eq!(pair.says(&query("SELECT 1")), "row");
    }
}

#[test]
fn a_commit_of_what_was_aborted_is_an_error_even_if_the_lull_has_ended_before_it() {
    for ends in [false, true] {
        for mut pair in stragglers() {
            straggle(&mut pair, Stragglers::Abort);
            if ends {
                pair.off().unwrap();
                pair.settle().unwrap();
                assert!(pair.stands());
            }
            assert_eq!(pair.says(&query("COMMIT")), "1792");
            assert_eq!(pair.server.wrote.len(), 1, "and nothing of it is committed");
        }
    }
}

#[test]
fn a_rollback_of_what_was_aborted_is_what_the_client_wants_anyway() {
    for mut pair in stragglers() {
        straggle(&mut pair, Stragglers::Abort);
        assert_eq!(pair.says(&query("ROLLBACK")), "ok");
        assert_eq!(pair.says(&query("SELECT 1")), "row");
    }
}

#[test]
fn abort_interrupts_what_is_running() {
    for mut pair in stragglers() {
        pair.begins(&query("INSERT INTO t VALUES (2)"));
        pair.tell(Instruction::Straggle(Stragglers::Abort)).unwrap();
        assert_eq!(pair.effects.interrupt.as_deref(), Some("KILL QUERY 7"));
        pair.settle().unwrap();
        assert!(pair.stands());
        assert_eq!(pair.heard(), "1317");
    }
}

#[test]
fn abort_frees_locked_tables() {
    for mut pair in pairs() {
        pair.says(&query("LOCK TABLES t WRITE"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(!pair.stands());
        straggle(&mut pair, Stragglers::Abort);
        assert!(pair.stands() && !pair.server.locks_tables);
    }
}

/// It once said UNLOCK TABLES again and again, for the server did not report that it was done.
#[test]
fn abort_frees_locked_tables_of_a_client_that_has_turned_the_reports_off() {
    for mut pair in pairs() {
        pair.says(&query("LOCK TABLES t WRITE"));
        pair.says(&query("SET SESSION session_track_transaction_info = 'OFF'"));
        pair.on_audited().unwrap();
        straggle(&mut pair, Stragglers::Abort);
        assert!(pair.stands() && !pair.server.locks_tables);
    }
}

#[test]
fn terminate_says_why_and_tells_the_server() {
    for mut pair in stragglers() {
        straggle(&mut pair, Stragglers::Terminate);
        assert!(pair.hung_up && pair.server.gone);
        let told = pair.to_client.windows(6).any(|bytes| bytes == b"#08S01");
        assert!(told, "as a server says that goes");
        assert_eq!(pair.server.wrote.len(), 1);
    }
}

#[test]
fn an_interrupt_that_hits_a_statement_of_lulls_own_has_it_said_again() {
    for mut pair in pairs() {
        pair.on_audited().unwrap();
        for _ in 0..3 {
            pair.server.interrupt();
            pair.work().unwrap();
        }
        pair.settle().unwrap();
        assert!(pair.stands() && pair.server.settings.read_only);
        pair.off().unwrap();
        pair.server.interrupt();
        pair.settle().unwrap();
        assert!(pair.stands() && !pair.server.settings.read_only);
    }
}
