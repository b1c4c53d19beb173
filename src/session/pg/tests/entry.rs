//! The way into a lull, and life in it.

use super::{
    pair::{Pair, settings},
    server::{Server, frame},
    wire::*,
};

/// A session that stands in a lull; what it has heard is forgotten.
pub(super) fn in_lull() -> Pair {
    let mut pair = Pair::new();
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
    pair.to_client.clear();
    pair
}

#[test]
fn the_guard_waits_for_the_running_query_and_its_reply_is_swallowed() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.send(&query("INSERT INTO t VALUES (1)")).unwrap();
    pair.on_audited().unwrap();
    assert_eq!(
        pair.server.waiting().len(),
        1,
        "the guard is not sent while a query runs"
    );
    assert!(!pair.stands());
    pair.work().unwrap();
    assert_eq!(pair.heard(), "C:INSERT_0_1 Z:I");
    assert!(!pair.stands(), "nothing is assumed from having sent something");
    pair.settle().unwrap();
    assert!(pair.stands());
    assert_eq!(
        pair.heard(),
        "S:ro=on",
        "of the guard, the client hears what the server reports"
    );
}

#[test]
fn a_client_that_insists_is_not_told_of_the_setting() {
    let mut quiet = settings();
    quiet.announce = false;
    let mut pair = Pair::with(quiet, Server::default(), Box::new(|bytes| bytes)).unwrap();
    pair.to_client.clear();
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    pair.off().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "");
    assert!(pair.stands() && !pair.server.read_only);
}

#[test]
fn queries_behind_the_guard_are_held_and_answered_in_order() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.on_audited().unwrap();
    pair.send(
        &[
            query("SELECT 1"),
            query("INSERT INTO t VALUES (1)"),
            query("SELECT 2"),
        ]
        .concat(),
    )
    .unwrap();
    assert!(!pair.server.waiting().iter().any(|(tag, _)| *tag == b'Q'), "held");
    pair.settle().unwrap();
    assert_eq!(
        pair.heard(),
        "S:ro=on T D C:SELECT_1 Z:I E:25006 Z:I T D C:SELECT_1 Z:I"
    );
    assert!(pair.server.wrote.is_empty());
}

#[test]
fn nothing_goes_up_before_the_audit_is_known() {
    let mut pair = Pair::new();
    pair.on().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands(), "the server refuses writes all the same");
    pair.to_client.clear();
    assert_eq!(pair.says(&query("SELECT 1")), "");
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "T D C:SELECT_1 Z:I");
}

#[test]
fn a_lull_that_ends_before_its_audit_lets_go_of_what_it_held() {
    let mut pair = Pair::new();
    pair.on().unwrap();
    pair.settle().unwrap();
    pair.to_client.clear();
    pair.send(&query("INSERT INTO t VALUES (1)")).unwrap();
    pair.off().unwrap();
    pair.settle().unwrap();
    assert_eq!(pair.heard(), "S:ro=off C:INSERT_0_1 Z:I");
}

#[test]
fn a_transaction_that_has_only_read_is_downgraded_on_the_spot() {
    let mut pair = Pair::new();
    pair.says(&query("BEGIN"));
    pair.says(&query("SELECT 1"));
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
    assert_eq!(pair.heard(), "");
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "E:25006 Z:E");
    assert_eq!(pair.says(&query("ROLLBACK")), "C:ROLLBACK Z:I S:ro=on");
}

#[test]
fn a_transaction_that_has_written_may_finish_and_then_stands() {
    let mut pair = Pair::new();
    pair.says(&query("BEGIN"));
    pair.says(&query("INSERT INTO t VALUES (1)"));
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(!pair.stands());
    assert_eq!(pair.report().wrote, Some(true));
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (2)")), "C:INSERT_0_1 Z:T");
    assert_eq!(pair.says(&query("COMMIT")), "C:COMMIT Z:I S:ro=on");
    assert!(pair.stands());
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (3)")), "E:25006 Z:I");
}

#[test]
fn a_savepoint_does_not_take_the_downgrade_back() {
    for undo in ["ROLLBACK TO a", "RELEASE a"] {
        let mut pair = Pair::new();
        pair.says(&query("BEGIN"));
        pair.says(&query("SAVEPOINT a"));
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands());
        pair.says(&query(undo));
        assert_eq!(
            pair.says(&query("INSERT INTO t VALUES (1)")),
            "E:25006 Z:E",
            "{undo}"
        );
        assert!(pair.server.wrote.is_empty());
    }
}

#[test]
fn lifts_are_answered_as_the_server_answers_and_reasserted_before_anything_else() {
    for lift in [
        "SET default_transaction_read_only = off",
        "RESET default_transaction_read_only",
        "RESET ALL",
        "DISCARD ALL",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SELECT set_config('default_transaction_read_only', 'off', false)",
    ] {
        let mut pair = in_lull();
        let both = [query(lift), query("INSERT INTO t VALUES (1)")].concat();
        let heard = pair.says(&both);
        assert!(heard.ends_with("E:25006 Z:I"), "{lift}: {heard}");
        assert!(
            heard.starts_with("C:") || heard.starts_with("T D C:SELECT"),
            "{lift}: {heard}"
        );
        assert!(pair.server.wrote.is_empty() && pair.server.read_only, "{lift}");
    }
}

#[test]
fn a_read_write_transaction_is_made_read_only_behind_its_begin() {
    let mut pair = in_lull();
    let all = [
        query("BEGIN READ WRITE"),
        query("INSERT INTO t VALUES (1)"),
        query("ROLLBACK"),
    ]
    .concat();
    assert_eq!(pair.says(&all), "C:BEGIN Z:T E:25006 Z:E C:ROLLBACK Z:I");
    assert!(pair.server.wrote.is_empty());
}

#[test]
fn a_pipeline_that_lifts_and_writes_is_refused_in_the_writes_place() {
    let mut pair = in_lull();
    let batch = [
        [parse("", "SET TRANSACTION READ WRITE"), bind("", ""), execute("")].concat(),
        [
            parse("", "INSERT INTO t VALUES (1)"),
            bind("", ""),
            execute(""),
            sync(),
        ]
        .concat(),
    ];
    assert_eq!(pair.says(&batch.concat()), "1 2 C:SET E:25006 Z:I");
    assert_eq!(
        pair.says(&query("SET TRANSACTION READ WRITE; INSERT INTO t VALUES (1)")),
        "E:25006 Z:I"
    );
    assert!(pair.server.wrote.is_empty());
}

#[test]
fn what_hides_its_writes_runs_inside_a_read_only_transaction_of_lulls_own() {
    for wrapped in ["CALL p()", "DO $$begin null end$$"] {
        let mut pair = in_lull();
        let heard = pair.says(&query(wrapped));
        assert!(
            matches!(heard.as_str(), "E:2D000 Z:I" | "C:DO Z:I"),
            "{wrapped}: {heard}"
        );
        let ran = pair.server.ran.clone();
        assert!(ran.contains(&"BEGIN READ ONLY".to_owned()), "{ran:?}");
        assert!(pair.server.transaction.is_none(), "and it is closed again");
        assert!(pair.server.wrote.is_empty());
        assert_eq!(pair.says(&extended("SELECT 1")), "1 2 D C:SELECT_1 Z:I");
    }
}

#[test]
fn leaks_are_refused_with_the_transaction_failed_that_the_client_is_told_of() {
    let mut pair = in_lull();
    assert_eq!(pair.says(&query("VACUUM t")), "E:25006 Z:I");
    assert_eq!(pair.says(&extended("NOTIFY c")), "E:25006 Z:I");
    assert_eq!(pair.says(&query("BEGIN")), "C:BEGIN Z:T");
    assert_eq!(
        pair.says(&query("EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1")),
        "E:25006 Z:E"
    );
    assert_eq!(pair.says(&query("SELECT 1")), "E:25P02 Z:E");
    assert!(pair.server.wrote.is_empty());
    let by_number = frame(b'F', &[&957u32.to_be_bytes()[..], &[0; 6]].concat());
    pair.says(&query("ROLLBACK"));
    assert_eq!(pair.says(&by_number), "E:25006 Z:I");
}

#[test]
fn a_flushed_parse_without_its_sync_does_not_keep_a_session_from_standing() {
    // asyncpg prepares, flushes, and syncs when it uses what it has prepared.
    let mut pair = Pair::new();
    pair.to_client.clear();
    let heard = pair.says(&[parse("s1", "SELECT 1"), describe(b'S', "s1"), flush()].concat());
    assert_eq!(heard, "1 t T");
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
    assert_eq!(pair.heard(), "S:ro=on");
    assert_eq!(
        pair.says(&[bind("", "s1"), execute(""), sync()].concat()),
        "2 D C:SELECT_1 Z:I"
    );
}

#[test]
fn a_copy_into_a_table_flips_at_its_end_and_the_next_is_refused() {
    let mut pair = Pair::new();
    pair.says(&query("COPY t FROM STDIN"));
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(!pair.stands(), "it writes");
    assert_eq!(
        pair.says(&[frame(b'd', b"1\n"), frame(b'c', b"")].concat()),
        "C:COPY_1 Z:I S:ro=on"
    );
    assert!(pair.stands());
    assert_eq!(pair.says(&query("COPY t FROM STDIN")), "E:25006 Z:I");
}

#[test]
fn a_sync_that_the_server_ignores_in_a_copy_does_not_let_the_guard_into_the_batch() {
    let mut pair = Pair::new();
    let copy = [parse("", "COPY t FROM STDIN"), bind("", ""), execute(""), flush()];
    pair.says(&copy.concat());
    pair.says(&sync());
    pair.on_audited().unwrap();
    assert_eq!(
        pair.says(&[frame(b'd', b"1\n"), frame(b'c', b"")].concat()),
        "C:COPY_1"
    );
    assert!(!pair.stands(), "its implicit transaction is open");
    assert_eq!(pair.says(&sync()), "Z:I S:ro=on");
    assert!(pair.stands());
}

#[test]
fn the_guard_waits_for_the_replies_to_an_open_batch_and_not_for_those_to_the_one_before() {
    let mut pair = Pair::new();
    pair.send(&extended("SELECT 1")).unwrap();
    // It fails, and the server skips what follows up to the client's Sync.
    pair.send(&describe(b'S', "nobody")).unwrap();
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(!pair.stands());
    pair.to_client.clear();
    assert_eq!(pair.says(&sync()), "Z:I S:ro=on");
    assert!(pair.stands());
}

#[test]
fn a_copy_whose_data_come_before_any_sync_is_followed_to_its_end() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    let begun = [parse("", "COPY t FROM STDIN"), bind("", ""), execute("")].concat();
    let data = [frame(b'd', b"1\n"), frame(b'c', b""), sync()].concat();
    assert_eq!(pair.says(&[begun, data].concat()), "1 2 G C:COPY_1 Z:I");
    pair.on_audited().unwrap();
    pair.settle().unwrap();
    assert!(pair.stands());
}

#[test]
fn a_cancel_request_that_hits_the_guard_behind_a_lift_opens_no_way_out_of_the_failed_transaction() {
    for (lift, out) in [
        ("BEGIN READ WRITE", "ROLLBACK AND CHAIN; INSERT INTO t VALUES (1)"),
        (
            "BEGIN READ WRITE; SAVEPOINT a",
            "ROLLBACK TO a; INSERT INTO t VALUES (1)",
        ),
    ] {
        let mut pair = in_lull();
        pair.send(&query(lift)).unwrap();
        pair.work().unwrap();
        pair.server.cancel();
        pair.settle().unwrap();
        assert!(pair.server.transaction.as_ref().is_some_and(|open| open.failed));
        pair.says(&query(out));
        assert!(pair.server.wrote.is_empty(), "{lift}, {out}");
    }
}

#[test]
fn a_cancel_request_that_hits_the_guard_does_not_leave_the_session_open() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.on_audited().unwrap();
    pair.server.cancel();
    pair.settle().unwrap();
    assert!(pair.stands() && pair.server.read_only);
    assert_eq!(pair.heard(), "S:ro=on");
}

#[test]
fn an_order_for_normal_while_the_guard_is_under_way_ends_in_normal() {
    let mut pair = Pair::new();
    pair.to_client.clear();
    pair.on_audited().unwrap();
    pair.off().unwrap();
    assert!(!pair.stands(), "the guard is on its way and will hold");
    pair.settle().unwrap();
    assert!(pair.stands() && !pair.server.read_only);
    assert_eq!(pair.heard(), "S:ro=on S:ro=off");
    assert_eq!(pair.says(&query("INSERT INTO t VALUES (1)")), "C:INSERT_0_1 Z:I");
}
