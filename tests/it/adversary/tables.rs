//! The tables of writes, leaks and lifts, each case in every manner of sending it.
//!
//! A case is a session of its own. After all cases of a manner the database must look as before; where it does not, the
//! manner is sent again case by case to name the one. `controls` shows that the cases are able to change something.

use super::Case;
use super::eyes::Eyes;
use super::ground::{self, NAIVE_GUARD, WRITE, table};
use super::manners::{MANNERS, Manner, send};
use crate::support::{Database, Lull, Postgres, Version, Wire};

/// Transactions that are prepared in one database would keep the fences of others away: not for a shared server.
const PREPARED: &str = "prepared.sql";
/// There are slots, which are the whole server's.
const SUPERUSERS: &str = "superuser.sql";
/// What a superuser can do to a server that is a standby.
const STANDBYS: &str = "standby.sql";

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
fn ways_out(place: &Place<'_>, eyes: &mut Eyes<'_>, table: &[Case]) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = eyes.look();
    for manner in MANNERS {
        let sessions: Vec<Wire> = table.iter().map(|case| place.send(case, manner)).collect();
        let now = eyes.look();
        drop(sessions);
        if !seen.changes(&now).is_empty() {
            found.push(format!("{manner:?}: {:?}", seen.changes(&now)));
            found.extend(named(place, eyes, table, manner));
            seen = eyes.look();
        }
        // Otherwise the old one stands: what shows late is seen behind the next manner.
    }
    let late = seen.changes(&eyes.look());
    if !late.is_empty() {
        found.push(format!("afterwards: {late:?}"));
    }
    found
}

fn named(place: &Place<'_>, eyes: &mut Eyes<'_>, table: &[Case], manner: Manner) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = eyes.look();
    for case in table {
        let session = place.send(case, manner);
        let now = eyes.look();
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
    let db = lay(server, files);
    let lull = Lull::start(server);
    let mut idle = Wire::login(lull.address(), user, &db.name);
    // Prepared transactions keep the fence away unless told otherwise: then they stay as they are.
    lull.fenced("all", &["--reason", "adversary", "--prepared", "ignore"]);
    send_all(&lull, &mut Eyes::on(&db), user, (&db, files));
    idle.run("SELECT count(*) FROM t");
    lull.lifted("all");
    idle.run(WRITE);
    if files.contains(&PREPARED) {
        let mut superuser = Wire::login(lull.address(), "postgres", &db.name);
        superuser.run("COMMIT PREPARED 'of app'");
        superuser.run("ROLLBACK PREPARED 'of postgres'");
    }
}

fn lay<'a>(server: &'a Postgres, files: &[&str]) -> Database<'a> {
    let db = server.database();
    ground::lay(&db);
    if files.contains(&SUPERUSERS) {
        ground::add_slots(&db);
    }
    if files.contains(&PREPARED) {
        ground::prepare_transactions(&db);
    }
    db
}

#[track_caller]
fn send_all(lull: &Lull, eyes: &mut Eyes<'_>, user: &str, (db, files): (&Database<'_>, &[&str])) {
    let place = Place {
        lull,
        user,
        database: &db.name,
        deaf: std::cell::RefCell::default(),
    };
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| ways_out(&place, eyes, &table(file, db)))
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
}

/// The same with every session on a standby, at which somebody looks too.
#[track_caller]
fn nothing_gets_out_of_a_standby(version: Version, user: &str, files: &[&str]) {
    let server = Postgres::start(version);
    let db = lay(&server, files);
    let standby = server.standby();
    let lull = Lull::with_config(&server, |addresses| {
        let replicas = format!("replicas = [\"{}\"]", standby.address);
        addresses.config(&replicas, "[cluster.auth]\npeer = true\n")
    });
    let mut idle = Wire::login(lull.address(), user, &db.name);
    lull.fenced("all", &["--reason", "adversary", "--mode", "replica"]);
    let on_standby = |client: &mut Wire| {
        let there = client.value("SELECT pg_is_in_recovery()");
        assert_eq!(there.as_deref(), Some("t"));
    };
    on_standby(&mut Wire::login(lull.address(), user, &db.name));
    send_all(&lull, &mut Eyes::on_both(&db, &standby), user, (&db, files));
    on_standby(&mut Wire::login(lull.address(), user, &db.name));
    on_standby(&mut idle);
    lull.lifted("all");
    idle.run(WRITE);
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

// A run takes its time: each role on another version.
#[test]
fn an_owner_finds_no_way_out_of_a_standby() {
    nothing_gets_out_of_a_standby(Version::Distribution, "app", &["writes.sql", "escapes.sql"]);
}

#[test]
fn a_superuser_finds_no_way_out_of_a_standby() {
    let files = [STANDBYS, SUPERUSERS, "writes.sql", "escapes.sql"];
    nothing_gets_out_of_a_standby(Version::Newest, "postgres", &files);
}

#[test]
fn around_lull_every_case_of_a_standby_changes_one() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        let db = lay(&server, &[]);
        let standby = server.standby();
        let mut eyes = Eyes::on_both(&db, &standby);
        let mut client = standby.superuser(&db.name);
        client.run(NAIVE_GUARD);
        for case in table(STANDBYS, &db) {
            let before = eyes.look();
            let sent = send(&mut client, &case.lines, Manner::Simple);
            let changes = before.changes(&eyes.look());
            assert!(!changes.is_empty(), "{version:?}: {case:?}: {sent:?}");
        }
    }
}
