//! What a database can hide from a lexer (`tests/audit/hiding_places.sql`), and what only looks so (`harmless.sql`).
//!
//! The files set a database up; their comments say what is sent: `-- before:` ahead of the lull, `-- reach:` in it. Around
//! lull, each reach comes out of what a naive proxy does; where that cannot be seen, it says why.

use super::ground::NAIVE_GUARD;
use crate::support::places::project;
use crate::support::{Database, Lull, Observer, Postgres, Version, Wire};
use std::collections::BTreeSet;

struct Places {
    setup: String,
    before: Vec<String>,
    reaches: Vec<Reach>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reach {
    sql: String,
    /// Nobody can tell from outside that it does something.
    untold: bool,
}

impl Reach {
    /// None where this is no reach, or one of newer servers.
    fn of(what: &str, sql: &str, version: Version) -> Option<Self> {
        let rest = what.strip_prefix("reach")?;
        let (from, why) = rest.split_once(", untold").unwrap_or((rest, ""));
        let untold = !why.is_empty();
        // The newest server is newer than any that is asked for.
        let here = from.is_empty() || from.starts_with(" from ") && version == Version::Newest;
        here.then(|| Self {
            sql: sql.to_owned(),
            untold,
        })
    }

    fn plans(&self) -> bool {
        self.sql.contains("hide.planned")
    }
}

fn read(file: &str, version: Version) -> Places {
    let path = project("tests/audit").join(file);
    let setup = std::fs::read_to_string(&path).expect("the audit's own tests read it too");
    let (mut before, mut reaches) = (Vec::new(), Vec::new());
    for line in setup.lines() {
        let Some((what, sql)) = line.strip_prefix("-- ").and_then(|line| line.split_once(": ")) else {
            continue;
        };
        if what == "before" {
            before.push(sql.to_owned());
        }
        reaches.extend(Reach::of(what, sql, version));
    }
    assert!(reaches.len() > 10, "{file} has {} reaches", reaches.len());
    Places {
        setup,
        before,
        reaches,
    }
}

/// In a block, and behind what could make the block read-write.
const BLOCKS: [&[&str]; 4] = [&[], &["BEGIN"], &["BEGIN", "SAVEPOINT a"], &["BEGIN READ WRITE"]];
/// Those that do not lift by themselves what a naive proxy does.
const PLAIN_BLOCKS: usize = 3;
/// Gets through where something was lifted.
const WRITE: &str = "INSERT INTO hide.plain SELECT max(id) + 1, 'way out' FROM hide.plain";

/// Reaches for it by itself and by name, in each block.
fn reach_in(client: &mut Wire, blocks: &[&[&str]], number: usize, reach: &Reach) {
    for block in blocks {
        for text in [&reach.sql, &format!("EXECUTE reach_{number}")] {
            block.iter().for_each(|sql| {
                client.query(sql);
            });
            client.query(text);
            client.query(WRITE);
            client.query("COMMIT");
            client.extended(text, &[]);
            client.query(WRITE);
        }
    }
}

/// What the places notify on is listened to.
fn observer<'a>(db: &Database<'a>) -> Observer<'a> {
    Observer::listening(db, &["hidden"])
}

fn prepare(client: &mut Wire, places: &Places) {
    places.before.iter().for_each(|sql| {
        client.run(sql);
    });
    for (number, reach) in places.reaches.iter().enumerate() {
        client.query(&format!("PREPARE reach_{number} AS {}", reach.sql));
    }
}

/// A database that hides all of that, but what is planned: whoever looks at these tables writes, and they have a test of
/// their own.
fn hide(server: &Postgres) -> (Database<'_>, Places) {
    let mut places = read("hiding_places.sql", server.version);
    let db = server.database();
    let mut superuser = db.superuser();
    superuser.run(&places.setup);
    superuser.run("DROP TABLE hide.planned, hide.planned_index CASCADE");
    places.reaches.retain(|reach| !reach.plans());
    (db, places)
}

#[test]
fn nothing_that_a_database_hides_is_reached_in_a_lull() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let (db, places) = hide(server);
        let lull = Lull::start(server);
        let mut client = Wire::login(lull.address(), "postgres", &db.name);
        prepare(&mut client, &places);
        lull.fenced("all", &["--reason", "hidden"]);
        let mut observer = observer(&db);
        let mut seen = observer.fingerprint();
        let mut through = Vec::new();
        for (number, reach) in places.reaches.iter().enumerate() {
            reach_in(&mut client, &BLOCKS, number, reach);
            let now = observer.fingerprint();
            let changes = seen.changes(&now);
            if !changes.is_empty() {
                through.push(format!(
                    "{version:?}: {}\n    {}",
                    reach.sql,
                    changes.join("\n    ")
                ));
            }
            seen = now;
        }
        assert!(
            through.is_empty(),
            "{} ways out:\n{}",
            through.len(),
            through.join("\n")
        );
    }
}

/// A place that is misspelt, or that a read-only transaction guards by itself, would hide nothing in a lull either. Some do
/// only on the older server.
#[test]
fn around_lull_every_hiding_place_hides_a_way_out_of_a_naive_guard() {
    let (mut all, mut told) = (BTreeSet::new(), BTreeSet::new());
    for version in Version::ALL {
        let (db, places) = hide(Postgres::shared(version));
        let mut observer = observer(&db);
        let mut client = db.superuser();
        prepare(&mut client, &places);
        for (number, reach) in places.reaches.iter().enumerate() {
            client.query("ROLLBACK");
            client.run(NAIVE_GUARD);
            let seen = observer.fingerprint();
            reach_in(&mut client, &BLOCKS[..PLAIN_BLOCKS], number, reach);
            if !seen.changes(&observer.fingerprint()).is_empty() {
                told.insert(reach.clone());
            }
        }
        all.extend(places.reaches);
    }
    let wrong = |reach: &&Reach| told.contains(reach) == reach.untold;
    let wrong: Vec<&Reach> = all.iter().filter(wrong).collect();
    assert!(
        wrong.is_empty(),
        "they hide nothing, or more than they say: {wrong:#?}"
    );
}

/// Otherwise the planner does not look at checks.
const EXCLUSION: &str = "SET constraint_exclusion = on";

#[test]
fn what_planning_alone_would_run_is_not_planned_in_a_lull() {
    let mut proven = BTreeSet::new();
    for version in Version::ALL {
        let places = read("hiding_places.sql", version);
        let server = Postgres::shared(version);
        let db = server.database();
        db.superuser().run(&places.setup);
        let made = || db.value("SELECT count(*) FROM pg_largeobject_metadata");
        let lull = Lull::start(server);
        let mut client = Wire::login(lull.address(), "postgres", &db.name);
        client.run(EXCLUSION);
        lull.fenced("all", &["--reason", "planned"]);
        let before = made();
        let mut reaches = places.reaches;
        reaches.retain(Reach::plans);
        assert!(!reaches.is_empty());
        for Reach { sql, .. } in &reaches {
            for text in [
                sql.clone(),
                format!("EXPLAIN {sql}"),
                format!("PREPARE p AS {sql}"),
                "EXECUTE p".into(),
            ] {
                client.query(&text);
                client.extended(&text, &[]);
            }
            assert_eq!(made(), before, "{version:?}: {sql}");
        }
        let mut around = db.superuser();
        around.run(&format!("{EXCLUSION}; {NAIVE_GUARD}"));
        for Reach { sql, .. } in &reaches {
            let before = made();
            around.query(sql);
            if made() != before {
                proven.insert(sql.clone());
            }
        }
    }
    assert_eq!(proven.len(), 2, "around lull, only these do it: {proven:?}");
}

#[test]
fn harmless_routines_and_views_give_in_a_lull_what_they_give_directly() {
    for version in Version::ALL {
        let places = read("harmless.sql", version);
        let server = Postgres::shared(version);
        let db = server.database();
        db.superuser().run(&places.setup);
        let lull = Lull::start(server);
        let mut direct = db.superuser();
        let mut client = Wire::login(lull.address(), "postgres", &db.name);
        for sql in &places.before {
            direct.run(sql);
            client.run(sql);
        }
        lull.fenced("all", &["--reason", "harmless"]);
        // What asks for the mode may see it.
        direct.run("SET default_transaction_read_only = on");
        for Reach { sql: reach, .. } in &places.reaches {
            for simple in [true, false] {
                let ask = |who: &mut Wire| {
                    if simple {
                        who.query(reach)
                    } else {
                        who.extended(reach, &[])
                    }
                };
                let (through, directly) = (ask(&mut client).expect_success(reach), ask(&mut direct));
                // Not the descriptions: temporary tables of two sessions have two numbers.
                assert_eq!(
                    (through.rows(), through.commands()),
                    (directly.rows(), directly.commands()),
                    "{version:?}: {reach}"
                );
            }
        }
    }
}
