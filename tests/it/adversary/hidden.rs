//! What a database can hide from a lexer (`tests/audit/hiding_places.sql`), and what only looks so (`harmless.sql`).
//!
//! The files set a database up; their comments say what is sent: `-- before:` ahead of the lull, `-- reach:` in it.

use crate::support::places::project;
use crate::support::{Lull, Observer, Postgres, Version, Wire};

struct Places {
    setup: String,
    before: Vec<String>,
    reaches: Vec<String>,
}

fn read(file: &str, version: Version) -> Places {
    let path = project("tests/audit").join(file);
    let setup = std::fs::read_to_string(&path).expect("the audit's own tests read it too");
    let (mut before, mut reaches) = (Vec::new(), Vec::new());
    for line in setup.lines() {
        let Some((what, sql)) = line.strip_prefix("-- ").and_then(|line| line.split_once(": ")) else {
            continue;
        };
        match what.strip_prefix("reach") {
            Some("") => reaches.push(sql.to_owned()),
            // The newest server is newer than any that is asked for.
            Some(from) if from.starts_with(" from ") && version == Version::Newest => {
                reaches.push(sql.to_owned());
            }
            _ if what == "before" => before.push(sql.to_owned()),
            _ => {}
        }
    }
    assert!(reaches.len() > 10, "{file} has {} reaches", reaches.len());
    Places {
        setup,
        before,
        reaches,
    }
}

/// In a block, and behind what could make the block read-write.
const BLOCKS: [&[&str]; 4] = [&[], &["BEGIN"], &["BEGIN READ WRITE"], &["BEGIN", "SAVEPOINT a"]];

#[test]
fn nothing_that_a_database_hides_is_reached_in_a_lull() {
    for version in Version::ALL {
        let mut places = read("hiding_places.sql", version);
        let server = Postgres::shared(version);
        let db = server.database();
        db.superuser().run(&places.setup);
        // Whoever looks at these writes: they have a test of their own.
        db.superuser()
            .run("DROP TABLE hide.planned, hide.planned_index CASCADE");
        places.reaches.retain(|reach| !reach.contains("hide.planned"));
        let lull = Lull::start(server);
        let session = || Wire::login(lull.address(), "postgres", &db.name);
        let mut client = session();
        places.before.iter().for_each(|sql| {
            client.run(sql);
        });
        for (number, reach) in places.reaches.iter().enumerate() {
            client.query(&format!("PREPARE reach_{number} AS {reach}"));
        }
        lull.fenced("all", &["--reason", "hidden"]);
        let mut observer = Observer::of(&db);
        let mut seen = observer.fingerprint();
        let mut through = Vec::new();
        for (number, reach) in places.reaches.iter().enumerate() {
            for block in BLOCKS {
                for text in [reach.clone(), format!("EXECUTE reach_{number}")] {
                    block.iter().for_each(|sql| {
                        client.query(sql);
                    });
                    client.query(&text);
                    client.query("COMMIT");
                    client.extended(&text, &[]);
                }
            }
            let now = observer.fingerprint();
            let changes = seen.changes(&now);
            if !changes.is_empty() {
                through.push(format!("{version:?}: {reach}\n    {}", changes.join("\n    ")));
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

#[test]
fn what_planning_alone_would_run_is_not_planned_in_a_lull() {
    for version in Version::ALL {
        let places = read("hiding_places.sql", version);
        let server = Postgres::shared(version);
        let db = server.database();
        db.superuser().run(&places.setup);
        let made = || db.value("SELECT count(*) FROM pg_largeobject_metadata");
        let lull = Lull::start(server);
        let mut client = Wire::login(lull.address(), "postgres", &db.name);
        lull.fenced("all", &["--reason", "planned"]);
        let before = made();
        let mut reaches = places.reaches;
        reaches.retain(|reach| reach.contains("hide.planned"));
        assert!(!reaches.is_empty());
        for reach in &reaches {
            for text in [
                reach.clone(),
                format!("EXPLAIN {reach}"),
                format!("PREPARE p AS {reach}"),
                "EXECUTE p".into(),
            ] {
                client.query(&text);
                client.extended(&text, &[]);
            }
            assert_eq!(made(), before, "{version:?}: {reach}");
        }
    }
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
        for reach in &places.reaches {
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
