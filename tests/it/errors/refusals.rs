//! What a client is told of a refusal, and where in the reply stream.

use crate::support::{Database, Lull, Postgres, Replies, Version, Wire, frames};

const GROUND: &str =
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'); CREATE SEQUENCE s";

/// Statements that the server itself refuses in a read-only transaction.
const WRITES: &[&str] = &[
    "INSERT INTO t VALUES (2)",
    "UPDATE t SET v = 'x'",
    "DELETE FROM t",
    "WITH gone AS (DELETE FROM t RETURNING id) SELECT count(*) FROM gone",
    "TRUNCATE t",
    "CREATE TABLE u (n int)",
    "CREATE TEMP TABLE u (n int)",
    "ALTER TABLE t ADD COLUMN n int",
    "DROP TABLE t",
    "SELECT nextval('s')",
    "SELECT * FROM t FOR UPDATE",
    "SELECT v INTO u FROM t",
    "CREATE INDEX ON t (v)",
    "GRANT SELECT ON t TO PUBLIC",
    "COMMENT ON TABLE t IS 'x'",
];

/// Statements that the server would carry out: lull refuses them, in the server's words.
const LEAKS: &[(&str, &str)] = &[
    ("VACUUM t", "VACUUM"),
    ("ANALYZE t", "ANALYZE"),
    ("REINDEX TABLE t", "REINDEX"),
    ("LOCK TABLE t IN ACCESS EXCLUSIVE MODE", "LOCK TABLE"),
    ("NOTIFY shop, 'x'", "NOTIFY"),
    ("SELECT lo_create(0)", "lo_create()"),
];

/// Runs a test's body on every version, with a lull open: the client's session is older than the lull.
fn in_a_lull(body: impl Fn(&Database<'_>, &Lull, &mut Wire)) {
    for version in Version::ALL {
        let db = Postgres::shared(version).database();
        db.run(GROUND);
        let lull = Lull::start(db.server);
        let mut client = Wire::login(lull.address(), "app", &db.name);
        lull.fenced("all", &["--reason", "upgrade to 4.2", "--for", "2h"]);
        // It has been told of the mode; that is no part of any reply.
        client.run("SELECT 1");
        body(&db, &lull, &mut client);
    }
}

#[track_caller]
fn assert_explained(replies: &Replies, sql: &str) {
    let error = replies
        .error()
        .unwrap_or_else(|| panic!("{sql} was not refused: {replies:?}"));
    let field = |code| error.field(code).unwrap_or_else(|| panic!("{sql}: {error:?}"));
    assert_eq!(
        (field(b'S'), field(b'V'), field(b'C')),
        ("ERROR", "ERROR", "25006"),
        "{sql}: {error:?}"
    );
    let (detail, hint) = (field(b'D'), field(b'H'));
    assert!(
        detail.starts_with("A lull on all is open since 20"),
        "{sql}: {detail}"
    );
    assert!(detail.contains("upgrade to 4.2"), "{sql}: {detail}");
    assert!(hint.contains("when the lull has ended, at 20"), "{sql}: {hint}");
    assert_eq!(replies.errors().len(), 1, "{sql}: {replies:?}");
}

#[test]
fn a_write_is_refused_in_the_servers_words_with_which_lull_why_since_when_and_until_when() {
    in_a_lull(|db, _, client| {
        let mut direct = db.owner();
        direct.run("SET default_transaction_read_only = on");
        for sql in WRITES {
            for (refused, own) in [
                (client.query(sql), direct.query(sql)),
                (client.extended(sql, &[]), direct.extended(sql, &[])),
            ] {
                assert_explained(&refused, sql);
                assert_eq!(refused.error_message(), own.error_message(), "{sql}");
                assert_eq!(
                    (refused.tags(), refused.status()),
                    (own.tags(), own.status()),
                    "{sql}"
                );
            }
        }
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
    });
}

#[test]
fn a_leak_is_refused_in_the_same_words_and_the_session_goes_on() {
    in_a_lull(|_, _, client| {
        for (sql, command) in LEAKS {
            for replies in [client.query(sql), client.extended(sql, &[])] {
                assert_explained(&replies, sql);
                let sentence = format!("cannot execute {command} in a read-only transaction");
                assert_eq!(replies.error_message(), Some(sentence.as_str()), "{sql}");
                assert_eq!(
                    (replies.tags().as_str(), replies.status()),
                    ("EZ", Some('I')),
                    "{sql}"
                );
            }
            assert_eq!(client.value("SELECT 1").as_deref(), Some("1"));
        }
    });
}

#[test]
fn after_a_refusal_a_transaction_is_where_the_server_says_it_is() {
    in_a_lull(|db, _, client| {
        let mut direct = db.owner();
        direct.run("SET default_transaction_read_only = on");
        let leaks = LEAKS.iter().map(|(sql, _)| *sql);
        for sql in WRITES.iter().copied().chain(leaks) {
            let story = [
                "BEGIN",
                "SELECT 1",
                "SAVEPOINT s",
                sql,
                "SELECT 2",
                "ROLLBACK TO s",
                "SELECT 3",
                "COMMIT",
            ];
            for statement in story {
                let replies = client.query(statement);
                // Directly, a statement that fails stands for a leak.
                let own = if WRITES.contains(&sql) || statement != sql {
                    statement
                } else {
                    "SELECT 1/0"
                };
                let own = direct.query(own);
                assert_eq!(replies.status(), own.status(), "{statement} after {sql}");
                let codes = (replies.error_code(), own.error_code());
                match codes {
                    (Some("25006"), Some("25006" | "22012")) => assert_explained(&replies, sql),
                    (through, direct) => assert_eq!(through, direct, "{statement} after {sql}"),
                }
            }
        }
    });
}

#[test]
fn in_a_pipeline_a_refusal_stands_in_its_statements_place_and_skips_to_the_sync() {
    in_a_lull(|db, _, client| {
        let mut direct = db.owner();
        direct.run("SET default_transaction_read_only = on");
        let leaks = LEAKS.iter().map(|(sql, _)| *sql);
        for sql in WRITES.iter().copied().chain(leaks) {
            let own = if WRITES.contains(&sql) {
                sql
            } else {
                "SELECT no_such_function()"
            };
            let pipeline = |sql: &str| {
                let parts = ["SELECT 1", sql, "SELECT 2"].map(|sql| frames::extended(sql, &[]));
                [
                    parts.concat(),
                    frames::sync(),
                    frames::extended("SELECT 3", &[]),
                    frames::sync(),
                ]
                .concat()
            };
            client.send(&pipeline(sql));
            direct.send(&pipeline(own));
            for _ in 0..2 {
                let (replies, own) = (client.until_ready(), direct.until_ready());
                assert_eq!(replies.tags(), own.tags(), "{sql}: {replies:?}");
                assert_eq!(replies.status(), own.status(), "{sql}");
                if own.error().is_some() {
                    assert_explained(&replies, sql);
                }
            }
        }
    });
}

#[test]
fn in_a_message_of_many_statements_the_rows_before_a_refusal_arrive_and_nothing_behind_it_runs() {
    in_a_lull(|db, _, client| {
        let mut direct = db.owner();
        direct.run("SET default_transaction_read_only = on");
        for sql in WRITES {
            let text = format!("SELECT 'before'; {sql}; SELECT 'behind'");
            let (replies, own) = (client.query(&text), direct.query(&text));
            assert_explained(&replies, sql);
            assert_eq!(
                (replies.tags(), replies.status()),
                (own.tags(), own.status()),
                "{sql}"
            );
            assert_eq!(replies.rows(), own.rows(), "{sql}");
        }
    });
}

#[test]
fn other_errors_are_the_servers_own_to_the_last_byte() {
    in_a_lull(|db, _, client| {
        let mut direct = db.owner();
        direct.run("SET default_transaction_read_only = on");
        for sql in [
            "SELEC",
            "SELECT 1/0",
            "SELECT * FROM nowhere",
            "SELECT 'x'::int",
            "EXECUTE nothing",
        ] {
            assert_eq!(client.query(sql).errors(), direct.query(sql).errors(), "{sql}");
            assert_eq!(
                client.extended(sql, &[]).errors(),
                direct.extended(sql, &[]).errors(),
                "{sql}"
            );
        }
    });
}

#[test]
fn a_lull_without_a_reason_or_a_deadline_says_so_in_a_whole_sentence() {
    let db = Postgres::shared(Version::Newest).database();
    db.run(GROUND);
    let lull = Lull::start(db.server);
    lull.fenced(&format!("main/{}", db.name), &[]);
    let mut client = Wire::login(lull.address(), "app", &db.name);
    let replies = client.query("DELETE FROM t");
    let error = replies.error().unwrap();
    let (detail, hint) = (error.field(b'D').unwrap(), error.field(b'H').unwrap());
    assert!(
        detail.starts_with(&format!("A lull on main/{} is open since 20", db.name)),
        "{detail}"
    );
    assert!(detail.ends_with(": the database can only be read."), "{detail}");
    assert_eq!(hint, "Reads go on. Write again when the lull has ended.");
}

#[test]
fn a_malformed_message_is_answered_as_the_server_answers_it_and_the_session_goes_on() {
    in_a_lull(|db, _, client| {
        let mut direct = db.owner();
        let unended = &b"no end"[..];
        let cases = [
            ([frames::message(b'B', unended), frames::sync()].concat(), 1),
            (
                [frames::message(b'P', b"name\0SELECT 1"), frames::sync()].concat(),
                1,
            ),
            ([frames::message(b'E', unended), frames::sync()].concat(), 1),
            ([frames::message(b'D', b"Xname\0"), frames::sync()].concat(), 1),
            ([frames::message(b'C', b""), frames::sync()].concat(), 1),
            (
                [
                    frames::extended("SELECT 1", &[]),
                    frames::message(b'B', unended),
                    frames::sync(),
                ]
                .concat(),
                1,
            ),
            (frames::message(b'Q', b"INSERT INTO t VALUES (3)"), 1),
            (frames::message(b'Q', b"SELECT 1\0DELETE FROM t\0"), 1),
            (frames::message(b'F', b"\0\0"), 1),
            (
                [
                    frames::query("BEGIN"),
                    frames::message(b'Q', unended),
                    frames::query("ROLLBACK"),
                ]
                .concat(),
                3,
            ),
        ];
        for (bytes, readies) in cases {
            let answers = |who: &mut Wire| -> Vec<(String, Option<String>)> {
                who.send(&bytes);
                let replies = (0..readies).map(|_| who.until_ready());
                let shape = |replies: Replies| {
                    let code = replies.error_code().map(str::to_owned);
                    (replies.tags().replace(['S', 'N'], ""), code)
                };
                replies.map(shape).collect()
            };
            let (through, directly) = (answers(client), answers(&mut direct));
            assert_eq!(through, directly, "{}", bytes.escape_ascii());
            client.run("SELECT 1");
        }
    });
}
