//! What a routine hides from those who read the texts that clients send.

use super::super::Case;
use super::ground;
use super::stories::says;
use crate::support::Lull;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Flavor, Login, Observer, Wire};

/// The table of what routines hide, in the manners that matter to it.
#[test]
fn what_a_routine_hides_does_not_get_out() {
    let mut through = Vec::new();
    for flavor in Flavor::ALL {
        for user in ["app", "root"] {
            let server = ground::server(flavor);
            let db = server.database();
            ground::lay(&db);
            ground::lay_lines(&db, "routines-ground.sql");
            let lull = Lull::start(&server);
            let mut observer = Observer::of(&db);
            let table: Vec<Case> = ground::table("routines.sql", &db, 0);
            let login = Login::of(user)
                .with(capability::MULTI_STATEMENTS)
                .database(&db.name);
            let prepared: Vec<Wire> = table
                .iter()
                .map(|case| {
                    let mut client = login.to(lull.address());
                    let _ = client.prepare(&case.lines[0]);
                    client
                })
                .collect();
            lull.fenced("all", &[]);
            let mut seen = observer.fingerprint();
            for (case, mut before) in table.iter().zip(prepared) {
                let lines: Vec<&str> = case.lines.iter().map(String::as_str).collect();
                let mut client = login.to(lull.address());
                says(&mut client, &lines);
                before.ask(&packets::execute(1, 0, &[]));
                says(&mut before, &lines[1..]);
                let mut client = login.to(lull.address());
                if let Ok(statement) = client.prepare(lines[0]) {
                    client.ask(&packets::execute(statement, 0, &[]));
                    says(&mut client, &lines[1..]);
                }
                let now = observer.fingerprint();
                let changes = seen.changes(&now);
                if !changes.is_empty() {
                    through.push(format!(
                        "{flavor:?}: {} {:?}\n    {}",
                        case.reason,
                        case.lines,
                        changes.join("\n    ")
                    ));
                }
                seen = now;
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
