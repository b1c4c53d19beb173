//! FunctionCall: what libpq's large-object calls use, and what can call any function by its number.
//!
//! Each case is sent in several surroundings, by an owner and by a superuser, between two fingerprints; and, as a
//! control, around lull, where it must change something on at least one version.

use super::ground::{self, WRITE, filled_in};
use super::stage::Stage;
use crate::support::{Database, Lull, Observer, Postgres, Replies, Version, Wire, frames};

/// One step: a function by its signature, with its arguments, or a text.
#[derive(Clone, Copy, Debug)]
enum Step {
    Call(&'static str, &'static [Option<&'static str>]),
    Text(&'static str),
}

use Step::{Call, Text};

const OFF: Step = Call(
    "set_config(text,text,bool)",
    &[Some("default_transaction_read_only"), Some("off"), Some("f")],
);

const CASES: [&[Step]; 23] = [
    &[Call("lo_creat(int)", &[Some("-1")])],
    &[Call("lo_create(oid)", &[Some("0")])],
    &[Call("lo_from_bytea(oid,bytea)", &[Some("0"), Some("x")])],
    &[Call(
        "lo_put(oid,bigint,bytea)",
        &[Some("4711"), Some("0"), Some("x")],
    )],
    &[Call("lo_unlink(oid)", &[Some("4711")])],
    &[Call("lo_import(text)", &[Some("PG_VERSION")])],
    &[Call(
        "lo_export(oid,text)",
        &[Some("4711"), Some("{outside}/exported")],
    )],
    &[
        Text("BEGIN"),
        Call("lo_open(oid,int)", &[Some("4711"), Some("131072")]),
        Call("lowrite(int,bytea)", &[Some("0"), Some("by number")]),
        Text("COMMIT"),
    ],
    &[
        Text("BEGIN"),
        Call(
            "lo_put(oid,bigint,bytea)",
            &[Some("4711"), Some("0"), Some("more")],
        ),
        Call("lo_open(oid,int)", &[Some("4711"), Some("393216")]),
        Call("lo_truncate(int,int)", &[Some("0"), Some("1")]),
        Call("lo_truncate64(int,bigint)", &[Some("0"), Some("2")]),
        Text("COMMIT"),
    ],
    &[Call("nextval(regclass)", &[Some("s")])],
    &[Call("setval(regclass,bigint)", &[Some("s"), Some("77")])],
    &[Call("pg_notify(text,text)", &[Some("probe"), Some("by number")])],
    &[Call("f_insert()", &[])],
    &[Call("f_next()", &[])],
    &[Call("f_definer()", &[])],
    &[Call(
        "query_to_xml(text,bool,bool,text)",
        &[Some("SELECT lo_create(0)"), Some("t"), Some("f"), Some("")],
    )],
    &[Call(
        "dblink_exec(text,text)",
        &[Some("{dsn}"), Some("INSERT INTO t VALUES (807, 'dblink')")],
    )],
    &[Call("pg_drop_replication_slot(name)", &[Some("there")])],
    &[Call("pg_stat_reset()", &[])],
    &[OFF, Text(WRITE)],
    &[Text("BEGIN"), OFF, Text("COMMIT"), Text(WRITE)],
    &[OFF, Call("f_insert()", &[])],
    // Up to 15, this resets what the transaction is.
    &[
        Text("BEGIN"),
        Call(
            "set_config(text,text,bool)",
            &[Some("transaction_read_only"), None, Some("t")],
        ),
        Text(WRITE),
        Text("COMMIT"),
    ],
];

/// What the steps stand in.
#[derive(Clone, Copy, Debug)]
enum Surroundings {
    Nothing,
    /// All steps in one write.
    OneWrite,
    Transaction,
    ReadWrite,
    /// Behind a lift that is executed and not synced.
    OpenBatch,
    /// In a transaction that has failed, which a savepoint may revive.
    Failed,
}

const SURROUNDINGS: [Surroundings; 6] = [
    Surroundings::Nothing,
    Surroundings::OneWrite,
    Surroundings::Transaction,
    Surroundings::ReadWrite,
    Surroundings::OpenBatch,
    Surroundings::Failed,
];

impl Surroundings {
    fn around(self) -> (&'static [Step], &'static [Step]) {
        match self {
            Self::Nothing | Self::OneWrite | Self::OpenBatch => (&[], &[]),
            Self::Transaction => (&[Text("BEGIN")], &[Text("COMMIT")]),
            Self::ReadWrite => (&[Text("BEGIN READ WRITE")], &[Text("COMMIT")]),
            Self::Failed => (
                &[Text("BEGIN READ WRITE"), Text("SAVEPOINT a"), Text("SELECT 1/0")],
                &[Text("ROLLBACK TO a"), Text("COMMIT")],
            ),
        }
    }
}

/// The steps as they stand on the wire; None where this server has no such function.
fn writes(steps: &[Step], db: &Database<'_>) -> Option<Vec<Vec<u8>>> {
    let mut superuser = db.superuser();
    let mut frame = |step: &Step| match *step {
        Text(text) => Some(frames::query(text)),
        Call(signature, arguments) => {
            let oid = superuser.value(&format!("SELECT to_regprocedure('{signature}')::oid::bigint"))?;
            let filled: Vec<Option<String>> = arguments
                .iter()
                .map(|argument| argument.map(|text| filled_in(text, db)))
                .collect();
            let filled: Vec<Option<&str>> = filled.iter().map(Option::as_deref).collect();
            Some(frames::function_call(oid.parse().expect("a number"), &filled))
        }
    };
    steps.iter().map(&mut frame).collect()
}

/// Sends one case; the first error.
fn send(client: &mut Wire, steps: &[Step], surroundings: Surroundings, db: &Database<'_>) -> Option<String> {
    let (before, after) = surroundings.around();
    let Some(mut writes) = writes(&[before, steps, after].concat(), db) else {
        return Some("there is no such function".to_owned());
    };
    let mut readies = writes.len();
    match surroundings {
        Surroundings::OneWrite => writes = vec![writes.concat()],
        Surroundings::OpenBatch => {
            let lift = frames::extended("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", &[]);
            writes = vec![[lift, writes.concat(), frames::sync()].concat()];
            readies += 1;
        }
        _ => {}
    }
    let mut error = None;
    let in_one_write = writes.len() < readies;
    for bytes in writes {
        if client.try_send(&bytes).is_err() {
            return error;
        }
        for _ in 0..if in_one_write { readies } else { 1 } {
            let replies: Replies = client.until_closed_or_ready();
            let code = replies.error().and_then(|error| error.field(b'M'));
            error = error.or_else(|| code.map(str::to_owned));
        }
    }
    error
}

#[test]
fn around_lull_every_function_that_is_called_by_number_changes_something() {
    let mut broken: Vec<(&[Step], Vec<String>)> = CASES.iter().map(|case| (*case, Vec::new())).collect();
    for version in Version::ALL {
        let server = Postgres::start(version);
        let mut stage = Stage::on(&server);
        for (user, guarded) in [("app", true), ("app", false), ("postgres", false)] {
            broken.retain_mut(|(case, why)| {
                let act =
                    |client: &mut Wire, db: &Database<'_>| send(client, case, Surroundings::Nothing, db);
                let (changes, error) = stage.lets(user, guarded, act, |_| false);
                why.push(format!("{version:?} as {user}: {error:?}"));
                changes.is_empty()
            });
        }
    }
    assert!(broken.is_empty(), "these cases prove nothing: {broken:#?}");
}

#[test]
fn no_function_that_is_called_by_number_writes_in_a_lull() {
    let mut through = Vec::new();
    for version in Version::ALL {
        let server = Postgres::start(version);
        let db = server.database();
        ground::lay(&db);
        ground::add_slots(&db);
        let lull = Lull::start(&server);
        lull.fenced("all", &["--reason", "functions"]);
        let mut observer = Observer::of(&db);
        let mut seen = observer.fingerprint();
        let sends = |user: &str, surroundings: Surroundings, cases: &[&[Step]]| {
            for case in cases {
                let mut client = Wire::login(lull.address(), user, &db.name);
                send(&mut client, case, surroundings, &db);
            }
        };
        for user in ["app", "postgres"] {
            for surroundings in SURROUNDINGS {
                sends(user, surroundings, &CASES);
                let now = observer.fingerprint();
                if seen.changes(&now).is_empty() {
                    continue;
                }
                seen = now;
                // Once more, to name them.
                for case in CASES {
                    sends(user, surroundings, &[case]);
                    let now = observer.fingerprint();
                    let changes = seen.changes(&now);
                    through.push(format!(
                        "{version:?} as {user}, {surroundings:?}: {case:?}: {changes:?}"
                    ));
                    seen = now;
                }
            }
        }
    }
    assert!(
        through.is_empty(),
        "{} ways out:\n{}",
        through.len(),
        through.join("\n")
    );
}

/// Opened before the lull, for writing, in a transaction that has written nothing and so is kept.
#[test]
fn a_large_object_that_was_opened_for_writing_before_the_lull_is_not_written_in_it() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let db = server.database();
        db.run(&super::ground());
        let lull = Lull::start(server);
        let number = |signature: &str| -> u32 {
            let oid = db.value(&format!("SELECT '{signature}'::regprocedure::oid::bigint"));
            oid.expect("one row").parse().expect("a number")
        };
        let (open, write) = (number("lo_open(oid,int)"), number("lowrite(int,bytea)"));
        let opened = || {
            let mut client = Wire::login(lull.address(), "app", &db.name);
            client.run("BEGIN");
            client
                .function_call(open, &[Some("4711"), Some("131072")])
                .expect_success("lo_open");
            client
        };
        let mut observer = Observer::of(&db);
        let seen = observer.fingerprint();
        let mut client = opened();
        client
            .function_call(write, &[Some("0"), Some("before")])
            .expect_success("lowrite");
        client.run("COMMIT");
        assert!(
            !seen.changes(&observer.fingerprint()).is_empty(),
            "with no lull it is written"
        );

        let mut client = opened();
        let mut idle = Wire::login(lull.address(), "app", &db.name);
        lull.fenced("all", &["--reason", "functions"]);
        let seen = observer.fingerprint();
        let refused = client.function_call(write, &[Some("0"), Some("within")]);
        assert_eq!(refused.error_code(), Some("25006"), "{version:?}: {refused:?}");
        client.query("COMMIT");
        seen.assert_same(&observer.fingerprint(), "a call by number");
        idle.run("SELECT 1");
    }
}
