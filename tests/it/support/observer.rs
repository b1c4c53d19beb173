//! Looks at a database from outside: a superuser directly on the server, around lull.
//!
//! Seen in every fingerprint: rows (content, place and writing transaction of each), marks of row locks, all catalogs,
//! sequences, large objects, relation files (VACUUM FULL, CLUSTER, REINDEX), sizes, statistics and freeze marks (VACUUM,
//! ANALYZE), temporary relations, prepared transactions, replication slots of the database, notifications on the channels
//! listened to, and the server's directory for files from outside. On a server of one's own also: shared catalogs (roles,
//! settings, subscriptions, origins), configuration files, the data directory's entries. Looking changes nothing.

use super::fingerprint::Fingerprint;
use super::{Database, Postgres, Wire};
use std::fs;
use std::hash::{DefaultHasher, Hasher};

pub struct Observer<'a> {
    server: &'a Postgres,
    wire: Wire,
    notifications: Vec<String>,
}

impl<'a> Observer<'a> {
    /// Listens on the channels `probe` and `lull_probe`.
    pub fn of(database: &Database<'a>) -> Self {
        Self::listening(database, &["probe", "lull_probe"])
    }

    pub fn listening(database: &Database<'a>, channels: &[&str]) -> Self {
        let mut wire = database.superuser();
        wire.run("SET application_name = 'observer'; SET search_path = pg_catalog; SET jit = off");
        for channel in channels {
            wire.run(&format!("LISTEN {channel}"));
        }
        let server = database.server;
        let mut fixed = vec![
            catalog_query(&mut wire, server.shared),
            RELATIONS.into(),
            DATABASE.into(),
        ];
        if !server.shared {
            fixed.push(WHOLE_SERVER.into());
        }
        wire.run(&format!("PREPARE seen AS {}", fixed.join("\nUNION ALL\n")));
        Self {
            server,
            wire,
            notifications: Vec::new(),
        }
    }

    /// What the database looks like now.
    #[track_caller]
    pub fn fingerprint(&mut self) -> Fingerprint {
        let mut seen = Fingerprint::default();
        self.ask("EXECUTE seen", &mut seen);
        if let Some(contents) = self.wire.value(CONTENTS) {
            self.ask(&contents, &mut seen);
        }
        for (number, notification) in self.notifications.iter().enumerate() {
            seen.add("NOTIFY", &number.to_string(), notification);
        }
        for entry in fs::read_dir(self.server.outside_directory()).expect("own directory") {
            let entry = entry.expect("own directory");
            let mut hash = DefaultHasher::new();
            hash.write(&fs::read(entry.path()).unwrap_or_default());
            seen.add(
                "files outside",
                &entry.file_name().to_string_lossy(),
                &format!("{:x}", hash.finish()),
            );
        }
        seen
    }

    /// The next transaction id that will be given out: a server of one's own gives none to readers.
    pub fn next_transaction(&mut self) -> u64 {
        let text = self
            .wire
            .value("SELECT pg_snapshot_xmax(pg_current_snapshot())")
            .expect("one row");
        text.parse().expect("a number")
    }

    #[track_caller]
    fn ask(&mut self, sql: &str, seen: &mut Fingerprint) {
        let replies = self.wire.run(sql);
        for row in replies.rows() {
            seen.add(&row[0], &row[1], &row[2]);
        }
        for message in replies.0.iter().filter(|message| message.tag == b'A') {
            self.notifications
                .push(message.body[4..].escape_ascii().to_string());
        }
    }
}

/// One row per catalog: the places and writing transactions of its rows. Any change to a row moves it, apart from the updates
/// in place that RELATIONS and DATABASE look at. What belongs to temporary relations is left out, and what only mirrors
/// other catalogs.
fn catalog_query(wire: &mut Wire, shared_server: bool) -> String {
    let names = "SELECT relname, relisshared FROM pg_class \
                 WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' \
                 AND relname NOT IN ('pg_depend', 'pg_shdepend') ORDER BY 1";
    let catalogs = wire
        .run(names)
        .rows()
        .into_iter()
        .filter(|row| !(shared_server && row[1] == "t"));
    let queries = catalogs.map(|row| {
        let name = &row[0];
        let lasting = match name.as_str() {
            "pg_class" => "relpersistence <> 't'",
            "pg_attribute" => "attrelid NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
            "pg_index" => "indexrelid NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
            "pg_attrdef" => "adrelid NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
            "pg_statistic" => "starelid NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
            "pg_type" => {
                "typnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_')"
            }
            "pg_constraint" => {
                "connamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_')"
            }
            "pg_namespace" => "nspname !~ '^pg_(toast_)?temp_'",
            _ => "true",
        };
        format!("SELECT 'catalogs', '{name}', {ROWS} FROM {name} c WHERE {lasting}")
    });
    queries.collect::<Vec<_>>().join("\nUNION ALL\n")
}

/// Number and hash of rows, whatever their order.
const ROWS: &str = "count(*) || ' rows ' || coalesce(sum(hashtextextended(c.ctid || ' ' || c.xmin, 0)), 0)";

/// What stands in `pg_class` by update in place, and which file a relation is in.
const RELATIONS: &str = "
SELECT 'relation files', oid::regclass::text, coalesce(pg_relation_filenode(oid)::text, '-')
FROM pg_class WHERE relpersistence <> 't' AND relkind IN ('r', 'i', 'S', 't', 'm')
UNION ALL
SELECT 'sizes and statistics', oid::regclass::text, concat_ws(' ', relpages, reltuples, relallvisible, relhasindex,
  relhasrules, relhastriggers, relhassubclass, relfrozenxid, relminmxid)
FROM pg_class WHERE relpersistence <> 't' AND relkind IN ('r', 'i', 'S', 't', 'm', 'p', 'I')
UNION ALL
SELECT 'vacuum and analyze runs', relid::regclass::text, vacuum_count || ' ' || analyze_count
FROM pg_stat_all_tables WHERE schemaname !~ '^pg_(toast_)?temp_'
UNION ALL
SELECT 'temporary relations', oid::text, relname FROM pg_class WHERE relpersistence = 't'";

/// What belongs to this database, in its own way.
const DATABASE: &str = "
SELECT 'prepared transactions', gid, owner || ' ' || transaction FROM pg_prepared_xacts WHERE database = current_database()
UNION ALL
SELECT 'replication slots', slot_name, concat_ws(' ', plugin, slot_type, temporary, restart_lsn, confirmed_flush_lsn)
FROM pg_replication_slots WHERE database = current_database()
UNION ALL
SELECT 'database', datname, concat_ws(' ', datdba, datallowconn, datconnlimit, datfrozenxid, datminmxid, dattablespace, datacl)
FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT 'statistics reset', datname, coalesce(stats_reset::text, 'never')
FROM pg_stat_database WHERE datname = current_database()";

/// What can be looked at only where no other test changes it.
const WHOLE_SERVER: &str = "
SELECT 'physical replication slots', slot_name, concat_ws(' ', temporary, restart_lsn)
FROM pg_replication_slots WHERE database IS NULL
UNION ALL
SELECT 'replication origins', external_id, remote_lsn::text FROM pg_replication_origin_status
UNION ALL
SELECT 'data directory', name, 'present' FROM pg_ls_dir('.') AS name
UNION ALL
SELECT 'configuration files', name, md5(pg_read_binary_file(name))
FROM unnest(ARRAY['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']) AS name
UNION ALL
SELECT 'configuration loaded', 'at', pg_conf_load_time()::text";

/// Writes the query for the contents of this database's tables, sequences and large objects: it depends on which there are.
const CONTENTS: &str = "
WITH relation AS (
  SELECT relkind, oid::regclass::text AS name FROM pg_class
  WHERE relispopulated AND relpersistence <> 't' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
    AND relnamespace <> 'information_schema'::regnamespace)
SELECT string_agg(query, ' UNION ALL ') FROM (
  SELECT format('SELECT ''rows'', %L, count(*) || '' rows '' || '
      'coalesce(sum(hashtextextended(concat_ws('' '', a_row.ctid, a_row.xmin, a_row::text), 0)), 0) FROM ONLY %s a_row', name, name)
  FROM relation WHERE relkind IN ('r', 'm')
  UNION ALL
  SELECT format('SELECT ''row lock marks'', %L, coalesce(sum(hashtextextended(concat_ws('' '', a_row.ctid, a_row.xmax), 0)), 0)::text '
      'FROM ONLY %s a_row', name, name)
  FROM relation WHERE relkind = 'r'
  UNION ALL
  SELECT format('SELECT ''sequences'', %L, last_value || '' '' || is_called FROM %s', name, name)
  FROM relation WHERE relkind = 'S'
  UNION ALL
  SELECT 'SELECT ''large objects'', oid::text, md5(lo_get(oid)) FROM pg_largeobject_metadata'
) AS queries (query)";
