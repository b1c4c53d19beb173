//! The positive controls of the tables: sent around lull, each case changes what it must not change in a lull.
//!
//! As for PostgreSQL: each case is sent to a database as it was laid, directly on a server, first by the owner and then by
//! root, and the fingerprint must move on at least one flavor. A case of `escapes.sql` faces what a naive proxy does, a
//! session that is read-only, and must come out of it. What cannot be seen, or not be sent at all, says why in its table.

use super::super::{Case, Witness};
use super::cases;
use super::ground::{self, filled_in};
use super::manners::{Manner, Sender};
use crate::support::Lull;
use crate::support::mysql::{Database, Flavor, Observer, Server};

const NAIVE_GUARD: &str = "SET SESSION TRANSACTION READ ONLY";

/// A server where cases may do their worst, and a database there that is laid again when one has.
struct Stage<'a> {
    server: &'a Server,
    prepare: fn(&Database<'_>),
    place: Option<(Database<'a>, Observer<'a>)>,
}

impl<'a> Stage<'a> {
    fn place(&mut self) -> (Database<'a>, Observer<'a>) {
        if let Some(place) = self.place.take() {
            return place;
        }
        ground::furnish(self.server);
        let db = self.server.database();
        ground::lay(&db);
        (self.prepare)(&db);
        let observer = Observer::of(&db);
        (db, observer)
    }

    /// Leaves the place as it was laid, or none.
    fn clear(&mut self, db: Database<'a>, observer: Observer<'a>, changes: &[String]) {
        let parts = ["contents: ", "next numbers: ", "sequences: ", "binary log: "];
        let rows_only = |change: &String| {
            let own = !change.starts_with("contents: ") || change.contains(&db.name);
            own && parts.iter().any(|part| change.starts_with(part))
        };
        if changes.iter().all(rows_only) {
            if !changes.is_empty() {
                ground::refill(&db);
            }
            self.place = Some((db, observer));
            return;
        }
        ground::end_branches(self.server);
        if self.server.flavor == Flavor::MySql {
            let mut root = self.server.superuser("");
            root.query(&format!("ALTER SCHEMA {} READ ONLY = 0", db.name));
        }
    }

    /// What is wrong with a case; None where it does what it must.
    fn objection(&mut self, case: &Case, guarded: bool, user: &str) -> Option<String> {
        let (db, mut observer) = self.place();
        let flavor = self.server.flavor;
        let mut sender = Sender::new(Manner::Text.login(user, &db.name), self.server.address, flavor);
        if guarded {
            sender.wire.run(NAIVE_GUARD);
        }
        let seen = observer.fingerprint();
        let victim = observer.victim();
        let lines: Vec<String> = case
            .lines
            .iter()
            .map(|line| filled_in(line, &db, victim))
            .collect();
        sender.take(&Manner::Text.within(&lines));
        let changes = seen.changes(&observer.fingerprint());
        let id = sender.wire.id();
        let error = sender.error.clone();
        drop(sender);
        self.server.wait_for_end_of(id);
        self.clear(db, observer, &changes);
        match (case.witness, error, changes.is_empty()) {
            (Witness::Fingerprint, error, true) => Some(format!("nothing changes ({error:?})")),
            (Witness::Success, Some(error), _) => Some(error),
            _ => None,
        }
    }
}

/// Sends every case of a table around lull.
#[track_caller]
fn every_case_works(file: &str, guarded: bool, prepare: fn(&Database<'_>)) {
    let mut broken = Vec::new();
    for flavor in Flavor::ALL {
        let server = ground::server(flavor);
        let mut stage = Stage {
            server: &server,
            prepare,
            place: None,
        };
        for case in cases(file, flavor) {
            if case.witness == Witness::None {
                continue;
            }
            let why: Vec<String> = ["app", "root"]
                .iter()
                .map_while(|user| {
                    stage
                        .objection(&case, guarded, user)
                        .map(|why| format!("as {user}: {why}"))
                })
                .collect();
            if why.len() == 2 {
                broken.push(format!(
                    "{flavor:?}: {} {:?}\n    {}",
                    case.reason,
                    case.lines,
                    why.join("\n    ")
                ));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "{} cases prove nothing:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn around_lull_every_write_writes_to_mysql_and_mariadb() {
    every_case_works("writes.sql", false, |_| {});
}

#[test]
fn around_lull_every_escape_comes_out_of_a_naive_guard_of_mysql_and_mariadb() {
    every_case_works("escapes.sql", true, |_| {});
}

#[test]
fn around_lull_a_superusers_cases_do_what_they_say_to_mysql_and_mariadb() {
    every_case_works("superuser.sql", false, |_| {});
}

#[test]
fn around_lull_every_prepared_branch_can_be_ended_behind_a_naive_guard() {
    every_case_works("prepared.sql", true, ground::prepare_branches);
}

#[test]
fn every_manner_of_sending_writes_to_mysql_and_mariadb_through_a_lull_that_is_not_open() {
    for flavor in Flavor::ALL {
        let server = ground::server(flavor);
        let db = server.database();
        ground::lay(&db);
        let lull = Lull::start(&server);
        let mut observer = Observer::of(&db);
        for manner in Manner::all(flavor) {
            let seen = observer.fingerprint();
            let lines = [filled_in("{write}", &db, 0)];
            let login = manner.login("app", &db.name);
            let mut sender = Sender::new(login, lull.address(), flavor);
            sender.take(&manner.before(&lines));
            sender.take(&manner.within(&lines));
            let writes = !seen.changes(&observer.fingerprint()).is_empty();
            let must = !matches!(manner, Manner::Between(["START TRANSACTION READ ONLY"], _));
            assert_eq!(writes, must, "{flavor:?}: {manner:?}: {:?}", sender.error);
        }
    }
}
