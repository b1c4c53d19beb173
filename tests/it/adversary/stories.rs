//! Ways out that need a past before the lull, or exact frames.

use crate::support::{Lull, Observer, Postgres, Replies, Version, Wire, frames};

/// One step of a story: bytes to send, after which one ReadyForQuery is awaited for each `readies`.
fn says(client: &mut Wire, bytes: &[u8], readies: usize) -> Vec<Replies> {
    client.send(bytes);
    (0..readies).map(|_| client.until_ready()).collect()
}

type Act = Box<dyn Fn(&mut Wire)>;

/// Stories that are told side by side, each by a session of its own, in one lull on each version.
#[derive(Default)]
struct Told {
    stories: Vec<(String, Act, Act)>,
}

impl Told {
    /// `before` is what the session did before the lull, `within` what it does in it.
    fn add(
        &mut self,
        name: &str,
        before: impl Fn(&mut Wire) + 'static,
        within: impl Fn(&mut Wire) + 'static,
    ) {
        self.stories
            .push((name.to_owned(), Box::new(before), Box::new(within)));
    }

    /// None of them changes anything. A session whose transaction has written is aborted when the lull opens.
    #[track_caller]
    fn nothing_changes(self) {
        let mut through = Vec::new();
        for version in Version::ALL {
            let server = Postgres::shared(version);
            let db = server.database();
            db.run(&super::ground());
            let lull = Lull::start(server);
            let mut clients = Vec::new();
            for (_, before, _) in &self.stories {
                let mut client = Wire::login(lull.address(), "app", &db.name);
                before(&mut client);
                clients.push(client);
            }
            // Somebody must be there for the audit to ask.
            let _idle = Wire::login(lull.address(), "app", &db.name);
            lull.fenced("all", &["--drain", "200ms", "--stragglers", "abort"]);
            let mut observer = Observer::of(&db);
            let mut seen = observer.fingerprint();
            for ((name, _, within), mut client) in self.stories.iter().zip(clients) {
                within(&mut client);
                let now = observer.fingerprint();
                let changes = seen.changes(&now);
                if !changes.is_empty() {
                    through.push(format!("{version:?}: {name}\n    {}", changes.join("\n    ")));
                }
                seen = now;
            }
        }
        assert!(
            through.is_empty(),
            "{} ways out:\n{}",
            through.len(),
            through.join("\n")
        );
    }
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
            told.add(
                lift,
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
                &format!("{past:?} {message}"),
                move |client| run_each(client, past),
                move |client| {
                    run_each(client, &[&whole, "COMMIT"]);
                },
            );
            told.add(
                &format!("{past:?} {end} {INSERT}"),
                move |client| run_each(client, past),
                move |client| {
                    run_each(client, &[end, INSERT, "COMMIT"]);
                },
            );
            told.add(
                &format!("{past:?} pipelined {message}"),
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
            message,
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
            "a constant folded at Bind",
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
            "a domain checked at Parse",
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
            "bound after BEGIN READ WRITE",
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
        "EXECUTE of EXECUTE",
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
        "a name that stands for itself",
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
            text,
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
        text,
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
        "SJIS in the pipeline",
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
            "SJIS taken back in the pipeline",
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
            "standard_conforming_strings taken back in the pipeline",
            |_| {},
            move |client| {
                run_each(client, &["BEGIN", "SET LOCAL standard_conforming_strings = off"]);
                let texts = [end, r"SELECT '\', lo_create(81) --'"];
                says(client, &[pipeline(&texts), frames::sync()].concat(), 1);
            },
        );
    }
    for text in [
        r"SELECT '\', lo_create(82) --'",
        r"SELECT '\'' , lo_create(82) --'",
    ] {
        for value in ["on", "off"] {
            told.add(
                "standard_conforming_strings in the pipeline",
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
    for opaque in ["CALL p_commit()", "DO 'BEGIN COMMIT; END'"] {
        told.add(
            opaque,
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
            "names behind a wrapped statement",
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
            lock,
            move |client| {
                run_each(
                    client,
                    &["BEGIN", &format!("DECLARE c CURSOR FOR SELECT * FROM t {lock}")],
                );
            },
            move |client| run_each(client, &["FETCH 5 FROM c", "COMMIT"]),
        );
        told.add(
            lock,
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
            text,
            |_| {},
            move |client| {
                run_each(client, &[text]);
                client.extended(text, &[]);
            },
        );
    }
    told.nothing_changes();
}
