//! The positive controls of the tables: sent around lull, each case changes what it must not change in a lull.
//!
//! A case that is broken (a misspelt name, a right that is missing) changes nothing in a lull either, and proves nothing.
//! So every case is sent to a database of its own, directly on a server, first by the owner and then by a superuser, and
//! the fingerprint must move on at least one version. A case of `escapes.sql` faces what a naive proxy does, a session
//! whose default is read-only, and must come out of it. What cannot be seen, or not be sent at all, says why in its table.

use super::ground::{self, filled_in};
use super::manners::{MANNERS, Manner, Sent, send};
use super::stage::Stage;
use super::{Case, Witness, cases};
use crate::support::{Database, Lull, Observer, Postgres, Version, Wire};

/// What is wrong with a case; None where it does what it must.
fn objection(stage: &mut Stage<'_>, case: &Case, guarded: bool, user: &str) -> Option<String> {
    let act = |client: &mut Wire, db: &Database<'_>| {
        let lines: Vec<String> = case.lines.iter().map(|line| filled_in(line, db)).collect();
        send(client, &lines, Manner::Simple)
    };
    let awaited = |sent: &Sent| matches!((case.witness, &sent.error), (Witness::Fingerprint, None));
    let (changes, sent) = stage.lets(user, guarded, act, awaited);
    match (case.witness, sent.error, changes.is_empty()) {
        (Witness::Fingerprint, error, true) => Some(format!("nothing changes ({error:?})")),
        (Witness::Success, Some(error), _) => Some(error),
        _ => None,
    }
}

/// Sends every case of a table around lull.
#[track_caller]
fn every_case_works(file: &str, guarded: bool, before: Option<fn(&Database<'_>)>) {
    let mut objections: Vec<(Case, Vec<String>)> = cases(file)
        .into_iter()
        .filter(|case| case.witness != Witness::None)
        .map(|case| (case, Vec::new()))
        .collect();
    for version in [Version::Newest, Version::Distribution] {
        let server = Postgres::start(version);
        let mut stage = Stage::on(&server);
        stage.before = before;
        for user in ["app", "postgres"] {
            objections.retain_mut(|(case, why)| {
                let objection = objection(&mut stage, case, guarded, user);
                why.extend(
                    objection
                        .iter()
                        .map(|why| format!("{version:?} as {user}: {why}")),
                );
                objection.is_some()
            });
        }
    }
    let text = |(case, why): &(Case, Vec<String>)| {
        format!("{} {:?}\n    {}", case.reason, case.lines, why.join("\n    "))
    };
    let broken: Vec<String> = objections.iter().map(text).collect();
    assert!(
        broken.is_empty(),
        "{} cases prove nothing:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn around_lull_every_write_writes() {
    every_case_works("writes.sql", false, None);
}

#[test]
fn around_lull_every_escape_comes_out_of_a_naive_guard() {
    every_case_works("escapes.sql", true, None);
}

#[test]
fn around_lull_a_superusers_cases_do_what_they_say() {
    every_case_works("superuser.sql", false, None);
}

#[test]
fn around_lull_every_prepared_transaction_can_be_ended_behind_a_naive_guard() {
    every_case_works("prepared.sql", true, Some(ground::prepare_transactions));
}

#[test]
fn every_manner_of_sending_writes_through_a_lull_that_is_not_open() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let db = server.database();
        ground::lay(&db);
        let lull = Lull::start(server);
        let mut observer = Observer::of(&db);
        for manner in MANNERS {
            let seen = observer.fingerprint();
            let mut client = Wire::login(lull.address(), "app", &db.name);
            let sent = send(&mut client, &[ground::WRITE.to_owned()], manner);
            let changes = seen.changes(&observer.fingerprint());
            assert!(!changes.is_empty(), "{version:?}: {manner:?}: {sent:?}");
        }
    }
}
