//! The tables of writes, leaks and lifts, each case in every manner of sending it.
//!
//! A case is a session of its own. After all cases of a manner the server must look as before; where it does not, the
//! manner is sent again case by case to name the one. `controls` shows that the cases are able to change something.

use super::super::Case;
use super::ground;
use super::manners::{Manner, Sender};
use crate::support::Lull;
use crate::support::mysql::{Database, Flavor, Observer, Wire};

/// Of the manners that are not thorough, each sends one case in so many.
const SAMPLE: usize = 5;

/// Who sends, and to whom.
struct Place<'a> {
    lull: &'a Lull,
    user: &'a str,
    db: &'a Database<'a>,
    deaf: Vec<String>,
}

impl Place<'_> {
    /// Sends cases, each by a session of its own that begins before the lull. They are left open: what is temporary, and
    /// what a session locks, would go with them.
    fn send(&mut self, cases: &[Case], manner: Manner) -> Vec<Sender> {
        let says = |case: &Case, word: &str| case.lines.iter().any(|line| line.contains(word));
        let fits = |case: &&Case| {
            // A file would be asked for while the next command is on its way.
            !(manner.is_blind() && says(case, "INFILE"))
        };
        let login = manner.login(self.user, &self.db.name);
        let flavor = self.db.server.flavor;
        let mut sessions = Vec::new();
        for case in cases.iter().filter(fits) {
            let mut sender = Sender::new(login.clone(), self.lull.address(), flavor);
            sender.take(&manner.before(&case.lines));
            sessions.push((case, sender));
        }
        // Prepared branches keep the fence away unless told otherwise: then they stay as they are.
        self.lull
            .fenced("all", &["--reason", "adversary", "--prepared", "ignore"]);
        for (case, sender) in &mut sessions {
            sender.take(&manner.within(&case.lines));
            if !sender.is_answered() {
                let error = sender.error.clone().unwrap_or_default();
                self.deaf
                    .push(format!("{manner:?}: {} {:?}: {error}", case.reason, case.lines));
            }
        }
        sessions.into_iter().map(|(_, sender)| sender).collect()
    }
}

/// Sends every case in every manner; the ways out that were found.
fn ways_out(place: &mut Place<'_>, observer: &mut Observer<'_>, file: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = observer.fingerprint();
    for (turn, manner) in Manner::all(place.db.server.flavor).into_iter().enumerate() {
        let mut table = ground::table(file, place.db, observer.victim());
        if !manner.is_thorough() {
            let mut at = 0..;
            table.retain(|_| at.next().is_some_and(|at: usize| at % SAMPLE == turn % SAMPLE));
        }
        let sessions = place.send(&table, manner);
        let now = observer.fingerprint();
        drop(sessions);
        place.lull.lifted("all");
        let changes = seen.changes(&now);
        if !changes.is_empty() {
            found.push(format!("{manner:?}: {changes:#?}"));
            found.extend(named(place, observer, &table, manner));
            seen = observer.fingerprint();
        }
    }
    found
}

fn named(place: &mut Place<'_>, observer: &mut Observer<'_>, table: &[Case], manner: Manner) -> Vec<String> {
    let mut found = Vec::new();
    for case in table {
        let seen = observer.fingerprint();
        let sessions = place.send(std::slice::from_ref(case), manner);
        let now = observer.fingerprint();
        drop(sessions);
        place.lull.lifted("all");
        let changes = seen.changes(&now);
        if !changes.is_empty() {
            found.push(format!(
                "{manner:?}: {} {:?}\n    {}",
                case.reason,
                case.lines,
                changes.join("\n    ")
            ));
        }
    }
    found
}

/// Runs tables as `user` on a server of its own.
#[track_caller]
fn nothing_gets_out(flavor: Flavor, user: &str, files: &[&str], prepare: fn(&Database<'_>)) {
    let server = ground::server(flavor);
    let db = server.database();
    ground::lay(&db);
    prepare(&db);
    let lull = Lull::start(&server);
    let mut idle = Wire::login(lull.address(), user, &db.name);
    let mut observer = Observer::of(&db);
    let mut place = Place {
        lull: &lull,
        user,
        db: &db,
        deaf: Vec::new(),
    };
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| ways_out(&mut place, &mut observer, file))
        .collect();
    assert!(
        found.is_empty(),
        "{flavor:?}: {} ways out:\n{}",
        found.len(),
        found.join("\n")
    );
    assert_eq!(
        place.deaf,
        Vec::<String>::new(),
        "{flavor:?}: these sessions were not answered"
    );
    ground::end_branches(&server);
    let rows = ground::rows(&mut idle);
    idle.run("INSERT INTO t (v) VALUES ('afterwards')");
    assert_ne!(ground::rows(&mut idle), rows);
}

#[test]
fn an_owner_finds_no_way_out_of_mariadb() {
    nothing_gets_out(Flavor::MariaDb, "app", &["writes.sql", "escapes.sql"], |_| {});
}

#[test]
fn an_owner_finds_no_way_out_of_the_newest_mariadb() {
    nothing_gets_out(
        Flavor::MariaDbNewest,
        "app",
        &["writes.sql", "escapes.sql"],
        |_| {},
    );
}

#[test]
fn an_owner_finds_no_way_out_of_mysql() {
    nothing_gets_out(Flavor::MySql, "app", &["writes.sql", "escapes.sql"], |_| {});
}

#[test]
fn a_superuser_finds_no_way_out_of_mariadb() {
    nothing_gets_out(
        Flavor::MariaDb,
        "root",
        &["superuser.sql", "writes.sql", "escapes.sql"],
        |_| {},
    );
}

#[test]
fn a_superuser_finds_no_way_out_of_mysql() {
    nothing_gets_out(
        Flavor::MySql,
        "root",
        &["superuser.sql", "writes.sql", "escapes.sql"],
        |_| {},
    );
}

#[test]
fn no_prepared_branch_is_ended_in_a_lull() {
    for flavor in Flavor::ALL {
        for user in ["app", "root"] {
            nothing_gets_out(flavor, user, &["prepared.sql"], ground::prepare_branches);
        }
    }
}
