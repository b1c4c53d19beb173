//! Reads of every kind give in a lull what they give directly, byte for byte.

use super::{cases, ground, unannounced};
use crate::support::{Lull, Postgres, Version, Wire, frames};

/// A line that a session runs before the lull.
const BEFORE: &str = "before: ";

#[test]
fn reads_of_every_kind_give_in_a_lull_what_they_give_directly() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let db = server.database();
        db.run(&ground());
        let lull = Lull::start(server);
        let mut sessions = Vec::new();
        for case in cases("reads.sql") {
            let mut direct = db.owner();
            let mut client = Wire::login(lull.address(), "app", &db.name);
            for line in case.lines.iter().filter_map(|line| line.strip_prefix(BEFORE)) {
                direct.run(line);
                client.run(line);
            }
            sessions.push((case, direct, client));
        }
        lull.fenced("all", &["--reason", "reads"]);
        let mut different = Vec::new();
        for (case, mut direct, mut client) in sessions {
            let lines = case.lines.iter().filter(|line| !line.starts_with(BEFORE));
            for line in lines {
                let simple = (unannounced(client.query(line)), direct.query(line));
                // Temporary tables of two sessions have two numbers.
                let rows = (simple.0.rows(), simple.0.commands()) == (simple.1.rows(), simple.1.commands());
                let same = simple.0 == simple.1 || simple.0.error().is_none() && rows && case.lines.len() > 1;
                if !same {
                    different.push(format!(
                        "{version:?}: {}: {line}\n  {:?}\n  {:?}",
                        case.reason, simple.0, simple.1
                    ));
                }
            }
            if case.lines.len() == 1 {
                let line = &case.lines[0];
                let bytes = [
                    frames::parse("r", line),
                    frames::describe_statement("r"),
                    frames::bind("", "r", &[]),
                    frames::describe_portal(""),
                    frames::execute("", 0),
                    frames::sync(),
                ]
                .concat();
                let extended = (
                    unannounced(client.send(&bytes).until_ready()),
                    direct.send(&bytes).until_ready(),
                );
                if extended.0 != extended.1 {
                    different.push(format!(
                        "{version:?}: {}: extended {line}\n  {:?}\n  {:?}",
                        case.reason, extended.0, extended.1
                    ));
                }
            }
        }
        assert!(
            different.is_empty(),
            "{} differ:\n{}",
            different.len(),
            different.join("\n")
        );
    }
}
