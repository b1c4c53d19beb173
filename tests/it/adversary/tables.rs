//! The tables of writes, leaks and lifts, each case in every manner of sending it.
//!
//! A case is a session of its own. After all cases of a manner the database must look as before; where it does not, the
//! manner is sent again case by case to name the one. `controls` shows that the cases are able to change something.

use super::Case;
use super::ground::{self, WRITE, table};
use super::manners::{MANNERS, Manner, send};
use crate::support::{Lull, Observer, Postgres, Version, Wire};

/// Transactions that are prepared in one database would keep the fences of others away: not for a shared server.
const PREPARED: &str = "prepared.sql";
/// There are slots, which are the whole server's.
const SUPERUSERS: &str = "superuser.sql";

/// Who sends, and to whom.
struct Place<'a> {
    lull: &'a Lull,
    user: &'a str,
    database: &'a str,
    deaf: std::cell::RefCell<Vec<String>>,
}

impl Place<'_> {
    /// Sends one case. Its session is left open: what is temporary would go with it.
    fn send(&self, case: &Case, manner: Manner) -> Wire {
        let mut client = Wire::login(self.lull.address(), self.user, self.database);
        if send(&mut client, &case.lines, manner).deaf {
            let deaf = format!("{manner:?}: {} {:?}", case.reason, case.lines);
            self.deaf.borrow_mut().push(deaf);
        }
        client
    }
}

/// Sends every case in every manner; the ways out that were found.
fn ways_out(place: &Place<'_>, observer: &mut Observer<'_>, table: &[Case]) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = observer.fingerprint();
    for manner in MANNERS {
        let sessions: Vec<Wire> = table.iter().map(|case| place.send(case, manner)).collect();
        let now = observer.fingerprint();
        drop(sessions);
        if !seen.changes(&now).is_empty() {
            found.push(format!("{manner:?}: {:?}", seen.changes(&now)));
            found.extend(named(place, observer, table, manner));
            seen = observer.fingerprint();
        }
        // Otherwise the old one stands: what shows late is seen behind the next manner.
    }
    let late = seen.changes(&observer.fingerprint());
    if !late.is_empty() {
        found.push(format!("afterwards: {late:?}"));
    }
    found
}

fn named(place: &Place<'_>, observer: &mut Observer<'_>, table: &[Case], manner: Manner) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = observer.fingerprint();
    for case in table {
        let session = place.send(case, manner);
        let now = observer.fingerprint();
        drop(session);
        let changes = seen.changes(&now);
        if !changes.is_empty() {
            found.push(format!(
                "{manner:?}: {} {:?}\n    {}",
                case.reason,
                case.lines,
                changes.join("\n    ")
            ));
        }
        seen = now;
    }
    found
}

/// Runs tables as `user` on a server, in a lull.
#[track_caller]
fn nothing_gets_out(server: &Postgres, user: &str, files: &[&str]) {
    let db = server.database();
    ground::lay(&db);
    if files.contains(&SUPERUSERS) {
        ground::add_slots(&db);
    }
    let prepared = files.contains(&PREPARED);
    if prepared {
        ground::prepare_transactions(&db);
    }
    let lull = Lull::start(server);
    let mut idle = Wire::login(lull.address(), user, &db.name);
    // Prepared transactions keep the fence away unless told otherwise: then they stay as they are.
    lull.fenced("all", &["--reason", "adversary", "--prepared", "ignore"]);
    let mut observer = Observer::of(&db);
    let deaf = std::cell::RefCell::default();
    let place = Place {
        lull: &lull,
        user,
        database: &db.name,
        deaf,
    };
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| ways_out(&place, &mut observer, &table(file, &db)))
        .collect();
    assert!(
        found.is_empty(),
        "{} ways out:\n{}",
        found.len(),
        found.join("\n")
    );
    assert_eq!(
        place.deaf.take(),
        Vec::<String>::new(),
        "these sessions were not answered"
    );
    idle.run("SELECT count(*) FROM t");
    lull.lifted("all");
    idle.run(WRITE);
    if prepared {
        let mut superuser = Wire::login(lull.address(), "postgres", &db.name);
        superuser.run("COMMIT PREPARED 'of app'");
        superuser.run("ROLLBACK PREPARED 'of postgres'");
    }
}

#[test]
fn an_owner_finds_no_way_out_on_the_distributions_server() {
    nothing_gets_out(
        Postgres::shared(Version::Distribution),
        "app",
        &["writes.sql", "escapes.sql"],
    );
}

#[test]
fn an_owner_finds_no_way_out_on_the_newest_server() {
    nothing_gets_out(
        Postgres::shared(Version::Newest),
        "app",
        &["writes.sql", "escapes.sql"],
    );
}

#[test]
fn a_superuser_finds_no_way_out_on_the_distributions_server() {
    superuser(Version::Distribution);
}

#[test]
fn a_superuser_finds_no_way_out_on_the_newest_server() {
    superuser(Version::Newest);
}

fn superuser(version: Version) {
    let server = Postgres::start(version);
    nothing_gets_out(&server, "postgres", &[SUPERUSERS, "writes.sql", "escapes.sql"]);
}

#[test]
fn no_prepared_transaction_is_ended_in_a_lull() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        nothing_gets_out(&server, "app", &[PREPARED]);
        nothing_gets_out(&server, "postgres", &[PREPARED]);
    }
}
