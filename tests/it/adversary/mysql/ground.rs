//! The server and the database that the cases are sent to, and how their lines are filled in.

use super::{Case, cases};
use crate::support::mysql::{Database, Flavor, Server, Settings, Wire};
use crate::support::places::project;
use std::fs;

/// What `{write}` stands for in the tables, and how it stands in a string.
pub(super) const WRITE: &str = "INSERT INTO t (v) VALUES ('way out')";
const WRITE_QUOTED: &str = "INSERT INTO t (v) VALUES (''way out'')";

/// A server of one's own, on which nothing moves by itself.
pub(super) fn server(flavor: Flavor) -> Server {
    let mut settings = Settings::of(flavor);
    for option in [
        "--log-bin-trust-function-creators=ON",
        "--innodb-stats-auto-recalc=OFF",
        "--performance-schema=ON",
    ] {
        settings = settings.option(option);
    }
    if flavor.is_mariadb() {
        settings = settings.option("--plugin-load-add=metadata_lock_info");
    }
    let server = Server::start_with(settings);
    fs::write(server.outside_directory().join("rows"), "70\tx\n").expect("own directory");
    furnish(&server);
    server
}

/// What there is besides the database: run again, it puts back what cases have taken.
pub(super) fn furnish(server: &Server) {
    let mut root = server.superuser("");
    let flavor = server.flavor;
    let both = [
        "DROP DATABASE IF EXISTS shop_made",
        "DROP USER IF EXISTS made",
        "DROP ROLE IF EXISTS made",
        "DROP TABLE IF EXISTS mysql.made",
        "DELETE FROM mysql.servers WHERE server_name = 'made'",
        "FLUSH PRIVILEGES",
        "DROP SERVER IF EXISTS made",
        "CREATE USER IF NOT EXISTS app",
        "ALTER USER app WITH MAX_QUERIES_PER_HOUR 0",
        "FLUSH USER_RESOURCES",
        "GRANT ALL PRIVILEGES ON `shop\\_%`.* TO app",
        "CREATE USER IF NOT EXISTS victim",
        "CREATE USER IF NOT EXISTS has_part",
        "CREATE ROLE IF NOT EXISTS part",
        "GRANT part TO has_part",
        "CREATE SERVER there FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', DATABASE 'x')",
        "DELETE FROM mysql.time_zone_name WHERE name = 'made'",
        "SET GLOBAL general_log = OFF",
        "SET GLOBAL read_only = OFF",
        "SET GLOBAL max_connections = 1500",
        "SET GLOBAL event_scheduler = ON",
        "SET GLOBAL TRANSACTION READ WRITE",
        "SET GLOBAL sql_mode = DEFAULT",
    ];
    let own: &[&str] = match flavor {
        Flavor::MariaDb | Flavor::MariaDbNewest => &[
            "SET PASSWORD FOR app = ''",
            "ALTER USER app ACCOUNT UNLOCK",
            "INSTALL SONAME 'ha_archive'",
            "UNINSTALL SONAME 'ha_blackhole'",
            "BACKUP STAGE END",
        ],
        Flavor::MySql => &[
            "ALTER USER app IDENTIFIED BY '' ACCOUNT UNLOCK",
            "INSTALL PLUGIN clone SONAME 'mysql_clone.so'",
            "UNINSTALL PLUGIN rpl_semi_sync_source",
            "INSTALL COMPONENT 'file://component_query_attributes'",
            "UNINSTALL COMPONENT 'file://component_log_sink_json'",
            "ALTER INSTANCE ENABLE INNODB REDO_LOG",
            "DROP RESOURCE GROUP made",
            "DROP SPATIAL REFERENCE SYSTEM 4120000",
            "ALTER UNDO TABLESPACE made SET INACTIVE",
            "DROP UNDO TABLESPACE made",
            "DROP TABLESPACE made",
            "SET DEFAULT ROLE NONE TO has_part",
            // Something to be reset.
            "SET PERSIST sort_buffer_size = 300000",
            "RESET PERSIST max_connections",
            "CHANGE REPLICATION FILTER REPLICATE_DO_DB = ()",
        ],
    };
    for sql in both.iter().chain(own) {
        // What is there already, or not there, is as it must be.
        root.query(sql);
    }
    for entry in fs::read_dir(server.outside_directory()).expect("own directory") {
        let path = entry.expect("own directory").path();
        if !path.ends_with("rows") {
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
}

/// What there is to be changed.
pub(super) fn lay(db: &Database<'_>) {
    lay_lines(db, "ground.sql");
}

/// Puts the rows back, where no more than rows have changed.
pub(super) fn refill(db: &Database<'_>) {
    let mut root = db.superuser();
    root.run("SET foreign_key_checks = 0");
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
                  AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')";
    for row in root.run(tables).rows() {
        root.run(&format!("DELETE FROM `{}`", row[0].unwrap_or_default()));
    }
    lay_some(db, "ground.sql", |line| {
        line.starts_with("INSERT") || line.starts_with("UPDATE")
    });
}

pub(super) fn lay_lines(db: &Database<'_>, file: &str) {
    lay_some(db, file, |_| true);
}

fn lay_some(db: &Database<'_>, file: &str, wanted: impl Fn(&str) -> bool) {
    let path = project("tests/adversary/mysql").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let own = db.server.flavor.pick("mariadb: ", "mysql: ");
    let other = db.server.flavor.pick("mysql: ", "mariadb: ");
    let (mut app, mut root) = (db.owner(), db.superuser());
    root.run("SET foreign_key_checks = 0");
    for line in text.lines().filter(|line| !line.starts_with(other)) {
        let line = filled_in(line.strip_prefix(own).unwrap_or(line), db, 0);
        let (wire, line) = match line.strip_prefix("root: ") {
            Some(line) => (&mut root, line),
            None => (&mut app, line.as_str()),
        };
        if wanted(line) {
            wire.run(line);
        }
    }
}

/// What `prepared.sql` is about: a branch of `app`, prepared for two-phase commit.
pub(super) fn prepare_branches(db: &Database<'_>) {
    let mut client = db.owner();
    for sql in [
        "XA START 'of app'",
        "INSERT INTO child VALUES (90, NULL)",
        "XA END 'of app'",
        "XA PREPARE 'of app'",
    ] {
        client.run(sql);
    }
    let id = client.id();
    drop(client);
    // Until then only the session itself may end the branch.
    db.server.wait_for_end_of(id);
}

/// Whatever is prepared is taken back: it would keep the database from being dropped.
pub(super) fn end_branches(server: &Server) {
    let mut root = server.superuser("");
    let branches = root.run("XA RECOVER");
    for row in branches.rows() {
        let branch = row.get(3).copied().flatten().unwrap_or_default();
        root.query(&format!("XA ROLLBACK '{branch}'"));
    }
}

/// The cases of a table for one database; `victim` is the session that some would end.
pub(super) fn table(file: &str, db: &Database<'_>, victim: u32) -> Vec<Case> {
    let mut table = cases(file, db.server.flavor);
    for line in table.iter_mut().flat_map(|case| &mut case.lines) {
        *line = filled_in(line, db, victim);
    }
    table
}

pub(super) fn filled_in(line: &str, db: &Database<'_>, victim: u32) -> String {
    let flavor = db.server.flavor;
    let outside = db.server.outside_directory().display().to_string();
    let read_only = flavor.read_only_variable();
    let words = [
        ("{write}", WRITE, WRITE),
        ("{write:quoted}", WRITE_QUOTED, WRITE_QUOTED),
        ("{read_only}", read_only, read_only),
        ("{READ_ONLY}", "TX_READ_ONLY", "TRANSACTION_READ_ONLY"),
        (
            "{reset_binary_logs}",
            "RESET MASTER",
            "RESET BINARY LOGS AND GTIDS",
        ),
        ("{reset_replica}", "RESET SLAVE ALL", "RESET REPLICA ALL"),
        (
            "{change_source}",
            "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1",
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1",
        ),
        ("{start_replica}", "START SLAVE", "START REPLICA"),
        ("{stop_replica}", "STOP SLAVE", "STOP REPLICA"),
        ("{password}", "PASSWORD('x')", "'x'"),
        (
            "{update_accounts}",
            "UPDATE mysql.global_priv SET priv = '{}' WHERE user = 'app'",
            "UPDATE mysql.user SET max_questions = 7 WHERE user = 'app'",
        ),
        (
            "{install_plugin}",
            "INSTALL SONAME 'ha_blackhole'",
            "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
        ),
        (
            "{uninstall_plugin}",
            "UNINSTALL SONAME 'ha_archive'",
            "UNINSTALL PLUGIN clone",
        ),
        ("{database}", &db.name, &db.name),
        ("{outside}", &outside, &outside),
    ];
    let mut line = line
        .replace("{victim}", &victim.to_string())
        .replace("{rows}", &format!("{outside}/rows"));
    for (word, mariadb, mysql) in words {
        line = line.replace(word, flavor.pick(mariadb, mysql));
    }
    if line.contains("{format_description}") {
        let event = format_description(db.server);
        line = line.replace("{format_description}", &format!("BINLOG '{event}'"));
    }
    line
}

/// The first event of the binary log.
fn format_description(server: &Server) -> String {
    let log = fs::read(server.data_directory().join("bin.000001")).unwrap_or_default();
    let event = match log.get(4..).unwrap_or_default() {
        event @ [_, _, _, _, _, _, _, _, _, a, b, c, d, ..] => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            event.get(..length).unwrap_or_default()
        }
        _ => &[],
    };
    let digits: String = event.iter().map(|byte| format!("{byte:02x}")).collect();
    let encoded = server.value(&format!("SELECT TO_BASE64(X'{digits}')"));
    encoded.unwrap_or_default().replace('\n', "")
}

/// The number of rows that `{write}` would raise.
pub(super) fn rows(wire: &mut Wire) -> Option<String> {
    wire.value("SELECT count(*) FROM t")
}
