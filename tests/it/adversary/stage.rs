//! Where cases are tried around lull: they may do their worst, and each finds the database as it was laid.

use super::ground::{self, NAIVE_GUARD};
use crate::support::{Database, Observer, Postgres, Wire};
use std::{
    fs,
    time::{Duration, Instant},
};

/// How long a change that must come is looked for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server where cases may do their worst, and a database there to make copies of.
pub(super) struct Stage<'a> {
    server: &'a Postgres,
    original: Database<'a>,
    /// What each case finds besides.
    pub(super) before: Option<fn(&Database<'_>)>,
    /// The copy in use, with who looks at it.
    copy: Option<(Database<'a>, Observer<'a>)>,
}

impl<'a> Stage<'a> {
    pub(super) fn on(server: &'a Postgres) -> Self {
        let original = server.database();
        ground::lay(&original);
        Self {
            server,
            original,
            before: None,
            copy: None,
        }
    }

    /// A copy that is as it was laid, but for rows too many, on a server that has forgotten what was done to it.
    fn copy(&mut self) -> (Database<'a>, Observer<'a>) {
        if let Some(copy) = self.copy.take() {
            return copy;
        }
        self.sweep();
        let db = self.server.copy_of(&self.original);
        ground::turn_home(&db);
        ground::add_slots(&db);
        let observer = Observer::of(&db);
        (db, observer)
    }

    fn sweep(&self) {
        let mut superuser = self.server.superuser("postgres");
        for sql in [
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
            "SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin",
            "DROP DATABASE IF EXISTS made",
            "DROP ROLE IF EXISTS made",
            "DROP TABLESPACE IF EXISTS made",
            // Something to be reset.
            "ALTER SYSTEM SET random_page_cost = 3.9",
            "ALTER SYSTEM RESET work_mem",
        ] {
            superuser.run(sql);
        }
        for entry in fs::read_dir(self.server.outside_directory()).expect("own directory") {
            let path = entry.expect("own directory").path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }

    /// Lets a session of `user`, directly on the server, do its worst. What it has changed, and what it returns. Where
    /// a change is `awaited` it is looked for again: a server reloads a moment after it has said that it will.
    pub(super) fn lets<R>(
        &mut self,
        user: &str,
        guarded: bool,
        act: impl FnOnce(&mut Wire, &Database<'_>) -> R,
        awaited: impl FnOnce(&R) -> bool,
    ) -> (Vec<String>, R) {
        let (db, mut observer) = self.copy();
        let mut client = Wire::login(self.server.address, user, &db.name);
        if guarded {
            client.run(NAIVE_GUARD);
        }
        if let Some(before) = self.before {
            before(&db);
        }
        let seen = observer.fingerprint();
        let outcome = act(&mut client, &db);
        let mut changes = seen.changes(&observer.fingerprint());
        if awaited(&outcome) {
            let until = Instant::now() + PATIENCE;
            while changes.is_empty() && Instant::now() < until {
                changes = seen.changes(&observer.fingerprint());
            }
        }
        drop(client);
        let mut superuser = db.superuser();
        for gid in superuser.run("SELECT gid FROM pg_prepared_xacts").rows() {
            superuser.run(&format!("ROLLBACK PREPARED '{}'", gid[0]));
        }
        if leaves_usable(&changes) && superuser.value(IS_USABLE).as_deref() == Some("t") {
            self.copy = Some((db, observer));
        } else {
            ground::drop_slots(&db);
        }
        (changes, outcome)
    }
}

const IS_USABLE: &str =
    "SELECT (SELECT count(*) >= 40 FROM t) AND EXISTS (SELECT FROM pg_largeobject_metadata WHERE oid = 4711)";

/// More rows, large objects and messages are in nobody's way.
fn leaves_usable(changes: &[String]) -> bool {
    let harmless = [
        "rows: t:",
        "row lock marks: t:",
        "sizes and statistics: t",
        "rows: child:",
        "row lock marks: child:",
        "sizes and statistics: child:",
        "prepared transactions:",
        "NOTIFY:",
        "large objects:",
    ];
    let catalogs = "catalogs: pg_largeobject";
    changes
        .iter()
        .all(|change| harmless.iter().any(|part| change.starts_with(part)) || change.starts_with(catalogs))
}
