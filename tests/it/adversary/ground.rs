//! The database that the cases of the tables are sent to, and how their lines are filled in.
//!
//! With a procedure that lifts, which the audit finds; on every server that has them, with the extensions that can write behind a guard, and with foreign tables that lead
//! back into the same database by a connection around lull.

use super::{Case, cases};
use crate::support::{Database, Version};

/// What `{write}` stands for in the tables.
pub(super) const WRITE: &str = "INSERT INTO t SELECT max(id) + 1, 'way out' FROM t";

/// What a naive proxy does to a session.
pub(super) const NAIVE_GUARD: &str = "SET default_transaction_read_only = on";

const EXTENSIONS: [&str; 4] = ["dblink", "postgres_fdw", "pg_visibility", "pg_surgery"];

/// What there is to be changed.
pub(super) fn lay(db: &Database<'_>) {
    for extension in EXTENSIONS {
        db.extension(extension);
    }
    if db.server.version == Version::Distribution {
        db.extension("adminpack");
    }
    db.run(&super::ground());
    let address = db.server.address;
    let mut superuser = db.superuser();
    superuser.run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app");
    superuser.run(&format!(
        "CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw
           OPTIONS (host '{}', port '{}', dbname '{}', keep_connections 'off');
         CREATE USER MAPPING FOR postgres SERVER loopback OPTIONS (user 'postgres');
         CREATE USER MAPPING FOR app SERVER loopback OPTIONS (user 'app', password_required 'false');
         GRANT USAGE ON FOREIGN SERVER loopback TO app;
         SET ROLE app;
         CREATE PROCEDURE p_lift() LANGUAGE plpgsql
           AS 'BEGIN COMMIT; SET TRANSACTION READ WRITE; INSERT INTO t VALUES (1005, ''p''); COMMIT; END';
         CREATE SCHEMA far;
         CREATE FOREIGN TABLE remote (id int, v text) SERVER loopback OPTIONS (table_name 't');
         CREATE FOREIGN TABLE remote_insert (f_insert int) SERVER loopback OPTIONS (table_name 'w_insert')",
        address.ip(),
        address.port(),
        db.name
    ));
}

/// A copy of a database that was laid leads to itself, not to what it is a copy of.
pub(super) fn turn_home(copy: &Database<'_>) {
    copy.superuser().run(&format!(
        "ALTER SERVER loopback OPTIONS (SET dbname '{}')",
        copy.name
    ));
}

/// Slots for a superuser's cases: one of the whole server, one of the database.
pub(super) fn add_slots(db: &Database<'_>) {
    let mut superuser = db.superuser();
    superuser.run("SELECT pg_create_physical_replication_slot('there', true)");
    superuser.run("SELECT pg_create_logical_replication_slot('changes', 'test_decoding')");
    // Something to be read from it.
    superuser.run("INSERT INTO parent VALUES (1)");
}

/// A database with a slot cannot be dropped.
pub(super) fn drop_slots(db: &Database<'_>) {
    db.superuser()
        .run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()");
}

/// What `prepared.sql` is about: a transaction of each role, prepared for two-phase commit.
pub(super) fn prepare_transactions(db: &Database<'_>) {
    for (mut client, gid) in [(db.owner(), "of app"), (db.superuser(), "of postgres")] {
        client.run("BEGIN; INSERT INTO child VALUES (NULL)");
        client.run(&format!("PREPARE TRANSACTION '{gid}'"));
    }
}

/// The cases of a table for one database.
pub(super) fn table(file: &str, db: &Database<'_>) -> Vec<Case> {
    let mut table = cases(file);
    for line in table.iter_mut().flat_map(|case| &mut case.lines) {
        *line = filled_in(line, db);
    }
    table
}

pub(super) fn filled_in(line: &str, db: &Database<'_>) -> String {
    line.replace("{write}", WRITE)
        .replace("{outside}", &db.server.outside_directory().display().to_string())
        .replace("{dsn}", &db.server.connect_string("postgres", &db.name))
        .replace("{database}", &db.name)
}
