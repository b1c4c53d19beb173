//! Ways out that need a past before the lull, or exact frames.

use super::told::{Around, Told};
use crate::support::{Replies, Wire, frames};

/// One step of a story: bytes to send, after which one ReadyForQuery is awaited for each `readies`.
fn says(client: &mut Wire, bytes: &[u8], readies: usize) -> Vec<Replies> {
    client.send(bytes);
    (0..readies).map(|_| client.until_ready()).collect()
}

fn run_each(client: &mut Wire, texts: &[&str]) {
    for text in texts {
        client.query(text);
    }
}

const INSERT: &str = "INSERT INTO t SELECT max(id) + 1, 'way out' FROM t";
const SET_OFF: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE";

/// Parse, Bind, Execute of each text, without Sync.
fn pipeline(texts: &[&str]) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| frames::extended(text, &[]))
        .collect()
}

#[test]
fn a_default_that_was_lifted_inside_the_transaction_does_not_outlive_it_within_one_message() {
    let mut told = Told::default();
    for lift in [
        SET_OFF,
        "SET default_transaction_read_only = off",
        "SELECT set_config('default_transaction_read_only', 'off', false)",
        "RESET ALL",
    ] {
        for end in ["COMMIT", "ROLLBACK", "END", "ABORT"] {
            // With a ROLLBACK it is taken back.
            let around = match end {
                "COMMIT" | "END" => Around::ComesOut,
                _ => Around::Writes,
            };
            told.add(
                (lift, around),
                |_| {},
                move |client| {
                    run_each(client, &["BEGIN", lift, &format!("{end}; {INSERT}")]);
                },
            );
        }
    }
    told.nothing_changes();
}

#[test]
fn the_message_that_ends_a_transaction_from_before_the_lull_writes_nothing_behind_it() {
    let mut told = Told::default();
    for past in [
        &["BEGIN", "SELECT 1"][..],
        &["BEGIN"],
        &["BEGIN", "SELECT 1", "SAVEPOINT a"],
        &["BEGIN", "SELECT 1/0"],
    ] {
        for end in [
            "COMMIT",
            "ROLLBACK",
            "COMMIT AND CHAIN",
            "ROLLBACK AND CHAIN",
            "ROLLBACK; BEGIN",
            "COMMIT; BEGIN",
        ] {
            let message = format!("{end}; {INSERT}");
            let whole = message.clone();
            told.add(
                (&format!("{past:?} {message}"), Around::Writes),
                move |client| run_each(client, past),
                move |client| {
                    run_each(client, &[&whole, "COMMIT"]);
                },
            );
            told.add(
                (&format!("{past:?} {end} {INSERT}"), Around::Writes),
                move |client| run_each(client, past),
                move |client| {
                    run_each(client, &[end, INSERT, "COMMIT"]);
                },
            );
            told.add(
                (&format!("{past:?} pipelined {message}"), Around::Writes),
                move |client| run_each(client, past),
                move |client| {
                    let texts: Vec<&str> = message.split("; ").collect();
                    says(client, &[pipeline(&texts), frames::sync()].concat(), 1);
                    client.query("COMMIT");
                },
            );
        }
    }
    told.nothing_changes();
}

#[test]
fn a_failed_transaction_that_had_written_is_no_way_into_a_chained_one() {
    let mut told = Told::default();
    let past = ["BEGIN", "INSERT INTO t VALUES (600, 'before')", "SELECT 1/0"];
    for message in [
        "ROLLBACK AND CHAIN",
        "ROLLBACK AND CHAIN; INSERT INTO t VALUES (501, 'x')",
        "COMMIT AND CHAIN",
    ] {
        told.add(
            (message, Around::Writes),
            move |client| run_each(client, &past),
            move |client| {
                run_each(client, &[message, INSERT, "COMMIT"]);
            },
        );
    }
    told.nothing_changes();
}

#[test]
fn planning_and_reading_a_text_run_code_too() {
    let mut told = Told::default();
    for lift in ["SET TRANSACTION READ WRITE", "SET transaction_read_only = off"] {
        told.add(
            ("a constant folded at Bind", Around::ComesOut),
            |_| {},
            move |client| {
                let bytes = [
                    pipeline(&[lift]),
                    frames::parse("", "SELECT f_constant()"),
                    frames::bind("", "", &[]),
                    frames::sync(),
                ];
                says(client, &bytes.concat(), 1);
            },
        );
        told.add(
            ("a domain checked at Parse", Around::ComesOut),
            |_| {},
            move |client| {
                let bytes = [
                    pipeline(&[lift]),
                    frames::parse("", "SELECT '{1}'::checked[]"),
                    frames::sync(),
                ];
                says(client, &bytes.concat(), 1);
            },
        );
        told.add(
            ("bound after BEGIN READ WRITE", Around::ComesOut),
            |_| {},
            move |client| {
                let bytes = [
                    pipeline(&["BEGIN READ WRITE"]),
                    frames::parse("", "SELECT f_constant()"),
                    frames::bind("", "", &[]),
                    frames::sync(),
                ];
                says(client, &bytes.concat(), 1);
                client.query("COMMIT");
            },
        );
    }
    told.nothing_changes();
}

#[test]
fn names_that_stand_for_names_are_followed_to_their_end() {
    let mut told = Told::default();
    told.add(
        ("EXECUTE of EXECUTE", Around::ComesOut),
        |_| {},
        move |client| {
            let bytes = [
                frames::parse("c", "SET default_transaction_read_only = off"),
                frames::parse("b", "EXECUTE c"),
                frames::parse("a", "EXECUTE b"),
                frames::sync(),
            ];
            says(client, &bytes.concat(), 1);
            run_each(client, &[&format!("EXECUTE a; COMMIT; {INSERT}")]);
        },
    );
    told.add(
        ("a name that stands for itself", Around::Nothing),
        |_| {},
        move |client| {
            let bytes = [frames::parse("a", "EXECUTE a"), frames::sync()];
            says(client, &bytes.concat(), 1);
            run_each(client, &["EXECUTE a", "SELECT 1"]);
        },
    );
    told.nothing_changes();
}

#[test]
fn what_was_prepared_in_sql_before_the_lull_is_judged_by_what_it_runs() {
    let mut told = Told::default();
    for text in [
        "SELECT lo_create(77)",
        "SELECT set_config('default_transaction_read_only', 'off', false)",
        "SELECT pg_notify('probe', 'x')",
    ] {
        told.add(
            (text, Around::ComesOut),
            move |client| run_each(client, &[&format!("PREPARE p AS {text}")]),
            move |client| {
                run_each(client, &["EXECUTE p", &format!("EXECUTE p; COMMIT; {INSERT}")]);
                let bytes = [frames::bind("", "p", &[]), frames::execute("", 0), frames::sync()];
                says(client, &bytes.concat(), 1);
            },
        );
    }
    told.nothing_changes();
}

#[test]
fn what_was_prepared_under_other_rules_of_lexing_is_not_misread() {
    let mut told = Told::default();
    let text = r"SELECT '\', lo_create(78) --'";
    told.add(
        (text, Around::ComesOut),
        move |client| {
            run_each(client, &["SET standard_conforming_strings = on"]);
            says(client, &[frames::parse("p", text), frames::sync()].concat(), 1);
            run_each(client, &["SET standard_conforming_strings = off"]);
        },
        move |client| {
            let bytes = [frames::bind("", "p", &[]), frames::execute("", 0), frames::sync()];
            says(client, &bytes.concat(), 1);
        },
    );
    told.nothing_changes();
}

#[test]
fn lexing_rules_that_change_inside_a_pipeline_fool_nobody() {
    let mut told = Told::default();
    // In SJIS, 95 5C is one character; in UTF-8 the backslash escapes the quote.
    let sjis = b"SELECT E'\x95\\', lo_create(79) --'".to_vec();
    told.add(
        ("SJIS in the pipeline", Around::ComesOut),
        |_| {},
        move |client| {
            let body = [&b"\0"[..], &sjis, b"\0\0\0"].concat();
            let bytes = [
                pipeline(&["SET client_encoding = 'SJIS'"]),
                frames::message(b'P', &body),
                frames::bind("", "", &[]),
                frames::execute("", 0),
                frames::sync(),
            ];
            says(client, &bytes.concat(), 1);
        },
    );
    // In UTF-8, C3 81 is one character and the backslash escapes; in SJIS, 81 5C is one and the quote closes.
    let utf8 = b"SELECT E'\xc3\x81\\' /*', lo_create(80) --*/'";
    for end in ["ROLLBACK", "COMMIT"] {
        told.add(
            ("SJIS taken back in the pipeline", Around::ComesOut),
            |_| {},
            move |client| {
                run_each(client, &["BEGIN", "SET LOCAL client_encoding = 'SJIS'"]);
                let body = [&b"\0"[..], &utf8[..], b"\0\0\0"].concat();
                let bytes = [
                    pipeline(&[end]),
                    frames::message(b'P', &body),
                    frames::bind("", "", &[]),
                    frames::execute("", 0),
                    frames::sync(),
                ];
                says(client, &bytes.concat(), 1);
            },
        );
        told.add(
            (
                "standard_conforming_strings taken back in the pipeline",
                Around::ComesOut,
            ),
            |_| {},
            move |client| {
                run_each(client, &["BEGIN", "SET LOCAL standard_conforming_strings = off"]);
                let texts = [end, r"SELECT '\', lo_create(81) --'"];
                says(client, &[pipeline(&texts), frames::sync()].concat(), 1);
            },
        );
    }
    for (text, calls_with) in [
        (r"SELECT '\', lo_create(82) --'", "on"),
        (r"SELECT '\'' , lo_create(82) --'", "off"),
    ] {
        for value in ["on", "off"] {
            let around = match value == calls_with {
                true => Around::ComesOut,
                false => Around::Nothing,
            };
            told.add(
                ("standard_conforming_strings in the pipeline", around),
                |_| {},
                move |client| {
                    let set = format!("SET standard_conforming_strings = {value}");
                    says(client, &[pipeline(&[&set, text]), frames::sync()].concat(), 1);
                    run_each(client, &[&set, text]);
                },
            );
        }
    }
    told.nothing_changes();
}

#[test]
fn an_opaque_statement_cannot_slip_into_a_pipeline_or_lose_count_of_names() {
    let mut told = Told::default();
    for (opaque, around) in [
        // It writes itself.
        ("CALL p_commit()", Around::Writes),
        ("DO 'BEGIN COMMIT; END'", Around::ComesOut),
    ] {
        told.add(
            (opaque, around),
            |_| {},
            move |client| {
                let bytes = [
                    frames::parse("a", "SELECT 1"),
                    frames::parse("b", opaque),
                    frames::bind("", "b", &[]),
                    frames::execute("", 0),
                    pipeline(&["SET TRANSACTION READ WRITE", INSERT]),
                    frames::sync(),
                ];
                says(client, &bytes.concat(), 1);
            },
        );
        told.add(
            ("names behind a wrapped statement", around),
            |_| {},
            move |client| {
                let bytes = [
                    frames::extended(opaque, &[]),
                    frames::parse("lift", "SET TRANSACTION READ WRITE"),
                    frames::parse("write", INSERT),
                    frames::sync(),
                ];
                says(client, &bytes.concat(), 1);
                let bytes = [
                    frames::bind("", "lift", &[]),
                    frames::execute("", 0),
                    frames::bind("", "write", &[]),
                    frames::execute("", 0),
                    frames::sync(),
                ];
                says(client, &bytes.concat(), 1);
            },
        );
    }
    told.nothing_changes();
}

#[test]
fn row_locks_of_a_cursor_from_before_the_lull_are_not_taken_in_it() {
    let mut told = Told::default();
    for lock in ["FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE"] {
        told.add(
            (lock, Around::Writes),
            move |client| {
                run_each(
                    client,
                    &["BEGIN", &format!("DECLARE c CURSOR FOR SELECT * FROM t {lock}")],
                );
            },
            move |client| run_each(client, &["FETCH 5 FROM c", "COMMIT"]),
        );
        told.add(
            (lock, Around::Writes),
            move |client| {
                let text = format!("SELECT * FROM t {lock}");
                let bytes = [
                    frames::parse("", &text),
                    frames::bind("c", "", &[]),
                    frames::sync(),
                ];
                run_each(client, &["BEGIN"]);
                says(client, &bytes.concat(), 1);
            },
            move |client| {
                says(client, &[frames::execute("c", 5), frames::sync()].concat(), 1);
                client.query("COMMIT");
            },
        );
    }
    told.nothing_changes();
}

#[test]
fn a_function_is_refused_however_it_is_called() {
    let mut told = Told::default();
    for text in [
        "SELECT (83::oid).lo_create",
        "SELECT x.lo_create FROM unnest(ARRAY[84::oid]) x",
        "SELECT (4711::oid).\"lo_unlink\"",
        "SELECT (4711::oid).U&\"lo\\005funlink\"",
        "SELECT (x).lo_create FROM (VALUES (85::oid)) v (x)",
        "SELECT lo_create /* c */ -- d\n (86)",
    ] {
        told.add(
            (text, Around::ComesOut),
            |_| {},
            move |client| {
                run_each(client, &[text]);
                client.extended(text, &[]);
            },
        );
    }
    told.nothing_changes();
}
