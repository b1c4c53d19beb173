//! Looks at a server of MySQL or MariaDB from outside: `root` directly on it, around lull.
//!
//! Seen in every fingerprint: what each table of each database is and holds (accounts, grants and statistics of the
//! server's own included), sequences, views, routines, triggers and events, global and persisted variables, the GTID and
//! the place in the binary log, prepared XA branches, plugins, components, the state of replication, files (outside, and
//! which there are in the data directory), locks that would keep a migration waiting, and whether a session of somebody
//! else is still there. Looking changes nothing. For a server of one's own.

use super::{Database, Flavor, Login, Server, Wire};
use crate::support::fingerprint::Fingerprint;
use std::fs;
use std::hash::{DefaultHasher, Hasher};

pub struct Observer<'a> {
    server: &'a Server,
    database: String,
    wire: Wire,
    /// Somebody to be killed.
    victim: Wire,
}

/// What moves by itself, or by reading.
const VOLATILE_TABLES: &str = "'gtid_executed', 'gtid_slave_pos', 'slow_log'";

impl<'a> Observer<'a> {
    pub fn of(database: &Database<'a>) -> Self {
        let server = database.server;
        let mut wire = server.superuser("");
        wire.run("SET SESSION lock_wait_timeout = 1");
        let mut observer = Self {
            server,
            database: database.name.clone(),
            wire,
            victim: Login::of("victim").to(server.address),
        };
        observer.fingerprint(); // looking for the first time may move counters
        observer
    }

    /// The connection id of the session that nobody may end.
    pub fn victim(&self) -> u32 {
        self.victim.id()
    }

    /// What the server looks like now.
    #[track_caller]
    pub fn fingerprint(&mut self) -> Fingerprint {
        let mut seen = Fingerprint::default();
        self.add_tables(&mut seen);
        for (part, query) in self.queries() {
            self.add_rows(part, query, &mut seen);
        }
        self.add_locks(&mut seen);
        self.add_victim(&mut seen);
        self.add_files(&mut seen);
        seen
    }

    fn add_tables(&mut self, seen: &mut Fingerprint) {
        let alive = self.wire.try_ask(&super::packets::query("SELECT 1"));
        assert!(alive.is_ok(), "the observer was cut off: {}", self.server.log());
        let tables = self.wire.query(&format!(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_type <> 'VIEW' AND \
             table_schema NOT IN ('information_schema', 'performance_schema') AND table_type <> 'SYSTEM VIEW' AND \
             table_name NOT IN ({VOLATILE_TABLES}) ORDER BY 1, 2"
        ));
        let tables: Vec<[String; 3]> = tables
            .rows()
            .iter()
            .map(|row| [0, 1, 2].map(|at| row[at].unwrap_or_default().to_owned()))
            .collect();
        let sums = tables.iter().filter(|[_, _, kind]| kind != "SEQUENCE");
        let names: Vec<String> = sums
            .map(|[schema, name, _]| format!("`{schema}`.`{name}`"))
            .collect();
        self.add_rows(
            "contents",
            &format!("CHECKSUM TABLE {} EXTENDED", names.join(", ")),
            seen,
        );
        for [schema, name, kind] in tables.iter().filter(|[schema, ..]| schema != "mysql") {
            let full = format!("`{schema}`.`{name}`");
            self.add_definition(&full, seen);
            if kind == "SEQUENCE" {
                self.add_rows("sequences", &format!("SELECT '{full}', s.* FROM {full} s"), seen);
            }
        }
    }

    /// How a table is made; the next number that it gives is told apart.
    fn add_definition(&mut self, table: &str, seen: &mut Fingerprint) {
        let replies = self.wire.query(&format!("SHOW CREATE TABLE {table}"));
        let made = replies
            .rows()
            .first()
            .and_then(|row| row.get(1).copied().flatten());
        let made = made.or(replies.error_message()).unwrap_or_default();
        let Some((before, behind)) = made.split_once(" AUTO_INCREMENT=") else {
            return seen.add("tables", table, &shortened(made));
        };
        let rest = behind.trim_start_matches(|digit: char| digit.is_ascii_digit());
        seen.add("tables", table, &shortened(&format!("{before}{rest}")));
        seen.add("next numbers", table, &behind[..behind.len() - rest.len()]);
    }

    fn queries(&self) -> Vec<(&'static str, &'static str)> {
        let both = [
            (
                "databases",
                "SELECT * FROM information_schema.schemata ORDER BY schema_name",
            ),
            (
                "views",
                "SELECT CONCAT(table_schema, '.', table_name), v.* FROM information_schema.views v \
                 WHERE table_schema <> 'sys'",
            ),
            (
                "routines",
                "SELECT CONCAT(routine_schema, '.', routine_name, ' ', routine_type), r.* \
                 FROM information_schema.routines r WHERE routine_schema <> 'sys'",
            ),
            (
                "triggers",
                "SELECT CONCAT(trigger_schema, '.', trigger_name), t.* FROM information_schema.triggers t",
            ),
            (
                "events",
                "SELECT CONCAT(event_schema, '.', event_name), e.* FROM information_schema.events e",
            ),
            ("global variables", "SHOW GLOBAL VARIABLES"),
            (
                "counters",
                "SHOW GLOBAL STATUS WHERE variable_name IN ('Flush_commands', 'Com_shutdown')",
            ),
            ("branches", "XA RECOVER"),
            (
                "plugins",
                "SELECT plugin_name, plugin_status FROM information_schema.plugins",
            ),
            (
                "instruments",
                "SELECT name, p.* FROM performance_schema.setup_instruments p",
            ),
            (
                "consumers",
                "SELECT name, p.* FROM performance_schema.setup_consumers p",
            ),
            (
                "actors",
                "SELECT CONCAT(user, host), p.* FROM performance_schema.setup_actors p",
            ),
            (
                "objects",
                "SELECT CONCAT(object_type, object_schema, object_name), p.* FROM performance_schema.setup_objects p",
            ),
        ];
        let own: &[(&str, &str)] = match self.server.flavor {
            Flavor::MariaDb | Flavor::MariaDbNewest => &[
                ("binary log", "SHOW MASTER STATUS"),
                ("replication", "SHOW SLAVE STATUS"),
                (
                    "locks",
                    "SELECT lock_mode, count(*) FROM information_schema.metadata_lock_info \
                     WHERE lock_mode LIKE 'MDL_BACKUP%' GROUP BY 1",
                ),
            ],
            Flavor::MySql => &[
                ("binary log", "SHOW BINARY LOG STATUS"),
                ("replication", "SHOW REPLICA STATUS"),
                (
                    "replication filters",
                    "SELECT * FROM performance_schema.replication_applier_global_filters",
                ),
                (
                    "persisted",
                    "SELECT * FROM performance_schema.persisted_variables",
                ),
                ("components", "SELECT component_urn FROM mysql.component"),
                (
                    "redo",
                    "SHOW GLOBAL STATUS WHERE variable_name = 'Innodb_redo_log_enabled'",
                ),
                (
                    "locks",
                    "SELECT CONCAT(object_type, lock_type), count(*) FROM performance_schema.metadata_locks \
                     WHERE object_type IN ('GLOBAL', 'COMMIT', 'BACKUP LOCK') GROUP BY 1",
                ),
                ("groups", "SELECT * FROM information_schema.resource_groups"),
                (
                    "reference systems",
                    "SELECT count(*) FROM information_schema.st_spatial_reference_systems",
                ),
                (
                    "tablespaces",
                    "SELECT name, state FROM information_schema.innodb_tablespaces",
                ),
            ],
        };
        both.into_iter().chain(own.iter().copied()).collect()
    }

    /// One state per row, under the name in its first column.
    fn add_rows(&mut self, part: &str, query: &str, seen: &mut Fingerprint) {
        let replies = self.wire.query(query);
        if let Some(error) = replies.error_message() {
            seen.add(part, "error", error);
        }
        for row in replies.rows() {
            let name = row.first().copied().flatten().unwrap_or_default().to_owned();
            let rest: Vec<&str> = row.iter().skip(1).map(|value| value.unwrap_or("NULL")).collect();
            seen.add(part, &name, &shortened(&rest.join(" ")));
        }
    }

    /// Whether somebody could lock rows now: under a lock on the table, or on all, they cannot.
    fn add_locks(&mut self, seen: &mut Fingerprint) {
        let probe = format!("SELECT 1 FROM `{}`.t WHERE 1 = 0 FOR UPDATE", self.database);
        let state = self.wire.query(&probe).error_code().map(|code| code.to_string());
        seen.add("locks", "probe", state.as_deref().unwrap_or("free"));
    }

    fn add_victim(&mut self, seen: &mut Fingerprint) {
        let alive = self.victim.try_ask(&super::packets::query("SELECT 1")).is_ok();
        seen.add("sessions", "victim", if alive { "there" } else { "ended" });
        if !alive {
            // As far as it can be replaced.
            if let Ok(another) = Login::of("victim").try_to(self.server.address) {
                self.victim = another;
            }
        }
    }

    fn add_files(&self, seen: &mut Fingerprint) {
        let data = self.server.data_directory();
        let places = [
            ("files outside", self.server.outside_directory()),
            ("files", data.clone()),
            ("files of the database", data.join(&self.database)),
        ];
        for (part, place) in places {
            for entry in fs::read_dir(place).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let content = part == "files outside" || name == "mysqld-auto.cnf";
                let state = content.then(|| hash(&fs::read(entry.path()).unwrap_or_default()));
                seen.add(part, &name, state.as_deref().unwrap_or("present"));
            }
        }
    }
}

fn hash(bytes: &[u8]) -> String {
    let mut hash = DefaultHasher::new();
    hash.write(bytes);
    format!("{:x}", hash.finish())
}

/// What is long is told by its beginning and its hash.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(100) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}... {}", &text[..end], hash(text.as_bytes())),
    }
}
