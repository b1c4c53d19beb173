//! Statement by statement: what the server does with it in a read-only session, and the class that it has.

use super::{dialect, stands};
use crate::support::mysql::packets::capability;
use crate::support::mysql::{Flavor, Login, Reply, Server, Wire};
use ::lull::sql::mysql::{Class, Opaque, Statement, analyze};
use Flavor::{MariaDb, MySql};

const BOTH: &[Flavor] = &Flavor::ALL;
const MARIADB: &[Flavor] = &[MariaDb];
const MYSQL: &[Flavor] = &[MySql];

/// What a read-only session makes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It runs, and nothing is changed: the statement must be of class Read.
    Reads,
    /// 1792: Guarded.
    Refused,
    /// It runs although it should not: Leak.
    Leaks,
    /// It runs, and the session is read-only no more: Lift, or opaque.
    Lifts,
    /// It runs, as a temporary table is the session's own, and is Guarded all the same.
    Owns,
    /// 1792 from inside a function: nothing but the call is visible.
    Calls,
    /// It runs and its text does not tell what it does.
    Hides,
    /// A leak in other forms, or where more is set up: refused here for another reason.
    Fails,
}

use Outcome::*;

#[rustfmt::skip]
const TABLE: &[(&[Flavor], Outcome, &str)] = &[
    (BOTH, Reads, "SELECT * FROM t"),
    (BOTH, Reads, "SELECT * FROM t LOCK IN SHARE MODE"),
    (MYSQL, Reads, "SELECT * FROM t FOR SHARE"),
    (BOTH, Refused, "SELECT * FROM t FOR UPDATE"),
    (BOTH, Refused, "SELECT * FROM t FOR UPDATE SKIP LOCKED"),
    (MYSQL, Refused, "SELECT * FROM t FOR UPDATE OF t"),
    (BOTH, Reads, "SELECT 1 INTO @a"),
    (BOTH, Leaks, "SELECT 1 INTO OUTFILE '{FILE}'"),
    (BOTH, Leaks, "SELECT 1 INTO DUMPFILE '{FILE}'"),
    (MYSQL, Reads, "TABLE t"),
    (MYSQL, Leaks, "TABLE t INTO OUTFILE '{FILE}'"),
    (MARIADB, Reads, "VALUES (1)"),
    (MYSQL, Reads, "VALUES ROW(1)"),
    (BOTH, Reads, "WITH a AS (SELECT 1) SELECT * FROM a"),
    (MYSQL, Refused, "WITH a AS (SELECT 1 x) DELETE FROM t WHERE n IN (SELECT x FROM a)"),
    (BOTH, Reads, "SHOW TABLES"),
    (BOTH, Reads, "SHOW CREATE TABLE t"),
    (BOTH, Reads, "SHOW VARIABLES LIKE 'read_only'"),
    (BOTH, Reads, "EXPLAIN SELECT * FROM t"),
    (BOTH, Refused, "EXPLAIN INSERT INTO t VALUES (9)"),
    (BOTH, Refused, "EXPLAIN DELETE FROM t"),
    (MYSQL, Reads, "EXPLAIN ANALYZE SELECT * FROM t"),
    (MARIADB, Reads, "ANALYZE SELECT * FROM t"),
    (MARIADB, Refused, "ANALYZE FORMAT=JSON UPDATE t SET n = 3"),
    (BOTH, Reads, "DESC t"),
    (BOTH, Reads, "HELP 'select'"),
    (BOTH, Reads, "DO 1"),
    (BOTH, Calls, "DO f_writes()"),
    (BOTH, Calls, "SELECT f_writes()"),
    (BOTH, Reads, "SELECT f_reads()"),
    (BOTH, Reads, "CHECKSUM TABLE t"),
    (BOTH, Reads, "CHECK TABLE t"),
    (MARIADB, Leaks, "CHECK TABLE t FOR UPGRADE"),
    (BOTH, Leaks, "ANALYZE TABLE t"),
    (BOTH, Leaks, "ANALYZE LOCAL TABLE t"),
    (BOTH, Refused, "OPTIMIZE TABLE t"),
    (BOTH, Refused, "REPAIR TABLE m"),
    (BOTH, Reads, "LOAD INDEX INTO CACHE m"),
    (BOTH, Leaks, "HANDLER t OPEN"),
    (BOTH, Refused, "INSERT INTO t VALUES (9)"),
    (BOTH, Refused, "INSERT INTO m VALUES (9)"),
    (BOTH, Refused, "INSERT INTO t SELECT 9 FROM t WHERE 0"),
    (BOTH, Refused, "REPLACE INTO t VALUES (1)"),
    (BOTH, Refused, "UPDATE t SET n = n WHERE 0"),
    (BOTH, Refused, "DELETE FROM t"),
    (BOTH, Refused, "TRUNCATE t"),
    (BOTH, Refused, "LOAD DATA INFILE '{INPUT}' INTO TABLE t"),
    (BOTH, Refused, "LOAD XML INFILE '{INPUT}' INTO TABLE t"),
    (BOTH, Owns, "INSERT INTO own VALUES (1)"),
    (BOTH, Owns, "DELETE FROM own"),
    (BOTH, Owns, "LOAD DATA INFILE '{INPUT}' INTO TABLE own"),
    (BOTH, Refused, "TRUNCATE own"),
    (BOTH, Refused, "DROP TABLE own"),
    (BOTH, Refused, "DROP TEMPORARY TABLE own"),
    (BOTH, Refused, "ALTER TABLE own ADD b INT"),
    (BOTH, Refused, "CREATE TEMPORARY TABLE x (a INT)"),
    (BOTH, Refused, "CREATE TABLE x (a INT)"),
    (BOTH, Refused, "CREATE TABLE IF NOT EXISTS t (a INT)"),
    (BOTH, Refused, "CREATE TABLE x AS SELECT 1"),
    (BOTH, Refused, "DROP TABLE IF EXISTS nothing"),
    (BOTH, Refused, "ALTER TABLE t ADD b INT"),
    (BOTH, Refused, "RENAME TABLE t TO x"),
    (BOTH, Refused, "CREATE INDEX i ON t (n)"),
    (BOTH, Refused, "DROP INDEX i ON t"),
    (BOTH, Refused, "CREATE VIEW x AS SELECT 1"),
    (BOTH, Refused, "ALTER VIEW v AS SELECT 2"),
    (BOTH, Refused, "DROP VIEW v"),
    (BOTH, Refused, "CREATE DATABASE x"),
    (BOTH, Refused, "DROP DATABASE IF EXISTS nothing"),
    (BOTH, Refused, "ALTER DATABASE shop_texts CHARACTER SET utf8mb4"),
    (BOTH, Refused, "CREATE PROCEDURE x() BEGIN SELECT 1; SELECT 2; END"),
    (BOTH, Refused, "CREATE FUNCTION x() RETURNS INT RETURN 1"),
    (BOTH, Refused, "DROP PROCEDURE p_reads"),
    (BOTH, Refused, "ALTER PROCEDURE p_reads COMMENT 'x'"),
    (BOTH, Refused, "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1"),
    (BOTH, Refused, "DROP TRIGGER IF EXISTS nothing"),
    (BOTH, Refused, "CREATE EVENT x ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 1; END"),
    (BOTH, Refused, "DROP EVENT IF EXISTS nothing"),
    (BOTH, Refused, "CREATE SERVER x FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')"),
    (BOTH, Refused, "CREATE USER x"),
    (BOTH, Refused, "ALTER USER app IDENTIFIED BY 'x'"),
    (BOTH, Refused, "DROP USER IF EXISTS nobody"),
    (BOTH, Refused, "CREATE ROLE x"),
    (BOTH, Refused, "GRANT SELECT ON shop_texts.* TO app"),
    (BOTH, Refused, "REVOKE SELECT ON shop_texts.* FROM app"),
    (BOTH, Refused, "SET PASSWORD = ''"),
    (BOTH, Refused, "INSTALL PLUGIN x SONAME 'nothing.so'"),
    (BOTH, Refused, "CREATE FUNCTION udf_none RETURNS INTEGER SONAME 'nothing.so'"),
    (MYSQL, Refused, "ALTER INSTANCE ROTATE INNODB MASTER KEY"),
    (MYSQL, Refused, "CREATE RESOURCE GROUP x TYPE = USER"),
    (MYSQL, Refused, "CREATE TABLESPACE x ADD DATAFILE 'x.ibd'"),
    (MYSQL, Refused, "CREATE LIBRARY x LANGUAGE JAVASCRIPT AS $$ export function f(n) {return n} $$"),
    (MYSQL, Leaks, "SET DEFAULT ROLE NONE TO app"),
    (BOTH, Reads, "SET ROLE NONE"),
    (MARIADB, Refused, "SELECT NEXTVAL(s)"),
    (MARIADB, Refused, "SELECT NEXT VALUE FOR s"),
    (MARIADB, Refused, "SELECT SETVAL(s, 10)"),
    (MARIADB, Refused, "SET @a = NEXTVAL(s)"),
    (MARIADB, Reads, "SELECT LASTVAL(s)"),
    (BOTH, Leaks, "LOCK TABLES t READ"),
    (BOTH, Refused, "LOCK TABLES t WRITE"),
    (BOTH, Reads, "UNLOCK TABLES"),
    (MYSQL, Leaks, "LOCK INSTANCE FOR BACKUP"),
    (MARIADB, Leaks, "BACKUP LOCK t"),
    (BOTH, Leaks, "FLUSH TABLES"),
    (BOTH, Leaks, "FLUSH STATUS"),
    (BOTH, Leaks, "FLUSH LOGS"),
    (BOTH, Leaks, "FLUSH TABLES WITH READ LOCK"),
    (MYSQL, Leaks, "RESET PERSIST"),
    (BOTH, Leaks, "PURGE BINARY LOGS BEFORE '2001-01-01'"),
    (BOTH, Leaks, "SET GLOBAL max_connections = 1500"),
    (BOTH, Leaks, "SET @@global.max_connections = 1500"),
    (BOTH, Leaks, "SET @a = 1, GLOBAL max_connections = 1500"),
    (MYSQL, Leaks, "SET PERSIST max_connections = 1500"),
    (MYSQL, Leaks, "SET @@persist_only.max_connections = 1500"),
    (BOTH, Leaks, "SET GLOBAL TRANSACTION READ WRITE"),
    (MYSQL, Leaks, "SET gtid_next = 'AUTOMATIC'"),
    (BOTH, Reads, "SET @a := (SELECT 1)"),
    (BOTH, Reads, "SET NAMES utf8mb4"),
    (BOTH, Reads, "SET sql_mode = ''"),
    (BOTH, Reads, "SET autocommit = 1"),
    (BOTH, Reads, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"),
    (BOTH, Lifts, "SET SESSION TRANSACTION READ WRITE"),
    (BOTH, Lifts, "SET LOCAL TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"),
    (BOTH, Lifts, "SET {V} = 0"),
    (BOTH, Lifts, "SET @@session.{V} = OFF"),
    (BOTH, Lifts, "SET @a = 1, `{V}` := DEFAULT"),
    (BOTH, Lifts, "SET NAMES utf8mb4, LOCAL {V} = 1 - 1"),
    (MYSQL, Lifts, "SET transaction_re\u{e4}d_only = 0"),
    (MARIADB, Leaks, "SET STATEMENT tx_read_only = 0 FOR INSERT INTO t VALUES (20)"),
    (MARIADB, Leaks, "SET STATEMENT max_statement_time = 1 FOR SET STATEMENT tx_read_only = 0 FOR SELECT 1"),
    (MARIADB, Reads, "SET STATEMENT max_statement_time = 1 FOR SELECT 1"),
    (MARIADB, Refused, "SET STATEMENT max_statement_time = 1 FOR INSERT INTO t VALUES (9)"),
    (BOTH, Reads, "START TRANSACTION READ ONLY"),
    (BOTH, Reads, "START TRANSACTION WITH CONSISTENT SNAPSHOT"),
    (BOTH, Reads, "BEGIN"),
    (BOTH, Reads, "COMMIT AND CHAIN"),
    (BOTH, Reads, "ROLLBACK"),
    (BOTH, Reads, "SAVEPOINT a"),
    (BOTH, Reads, "XA START 'x'"),
    (BOTH, Reads, "XA RECOVER"),
    (BOTH, Leaks, "XA COMMIT 'prepared'"),
    (BOTH, Leaks, "XA ROLLBACK 'prepared too'"),
    (BOTH, Fails, "XA PREPARE 'nothing'"),
    (BOTH, Hides, "CALL p_reads()"),
    (BOTH, Hides, "CALL p_lifts()"),
    (MARIADB, Hides, "EXECUTE IMMEDIATE CONCAT('SELECT ', 1)"),
    (MARIADB, Hides, "BEGIN NOT ATOMIC SELECT 1; END"),
    (MARIADB, Hides, "IF 1 THEN SELECT 1; END IF"),
    (MARIADB, Hides, "WHILE 0 DO SELECT 1; END WHILE"),
    (MARIADB, Hides, "FOR i IN 1..2 DO SELECT i; END FOR"),
    (MARIADB, Hides, "REPEAT SELECT 1; UNTIL 1 END REPEAT"),
    (MARIADB, Hides, "CASE 1 WHEN 1 THEN SELECT 1; END CASE"),
    (BOTH, Hides, "PREPARE p FROM 'SELECT 1'"),
    (BOTH, Reads, "GET DIAGNOSTICS @n = NUMBER"),
    (BOTH, Fails, "KILL 999999999"),
    (BOTH, Fails, "BINLOG 'AAAA'"),
    (MARIADB, Leaks, "CHANGE MASTER TO MASTER_HOST = 'x'"),
    (MYSQL, Leaks, "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'"),
    (BOTH, Leaks, "STOP REPLICA"),
    (BOTH, Leaks, "RESET REPLICA ALL"),
    (BOTH, Reads, "SELECT GET_LOCK('a', 0)"),
    (BOTH, Reads, "SELECT @a := 1"),
];

const SETUP: &[&str] = &[
    "DROP DATABASE IF EXISTS shop_texts",
    "CREATE DATABASE shop_texts",
    "USE shop_texts",
    "CREATE TABLE t (n INT PRIMARY KEY)",
    "INSERT INTO t VALUES (1), (2)",
    "CREATE TABLE m (n INT) ENGINE = MyISAM",
    "CREATE VIEW v AS SELECT 1",
    "CREATE FUNCTION f_reads() RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT MAX(n) FROM t)",
    "CREATE FUNCTION f_writes() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO t VALUES (99); RETURN 1; END",
    "CREATE PROCEDURE p_reads() SELECT 1",
    "CREATE PROCEDURE p_lifts() SET SESSION TRANSACTION READ WRITE",
    "CREATE TABLE branches (n INT)",
    "XA START 'prepared'",
    "INSERT INTO branches VALUES (1)",
    "XA END 'prepared'",
    "XA PREPARE 'prepared'",
];

fn class_fits(outcome: Outcome, statement: &Statement) -> bool {
    match outcome {
        Reads => statement.class == Class::Read,
        Calls => statement.class == Class::Read && statement.calls,
        Refused | Owns => statement.class == Class::Guarded,
        Leaks | Fails => matches!(statement.class, Class::Leak(_)),
        Lifts => statement.class == Class::Lift && statement.settings.guard.is_some(),
        Hides => matches!(
            statement.class,
            Class::Opaque(
                Opaque::Call { .. } | Opaque::Block | Opaque::Prepare { .. } | Opaque::Immediate { .. }
            )
        ),
    }
}

struct Ground {
    server: Server,
    files: usize,
}

impl Ground {
    fn new(flavor: Flavor) -> Self {
        let server = Server::start(flavor);
        let mut root = server.superuser("");
        SETUP.iter().for_each(|sql| drop(root.run(sql)));
        if flavor == MariaDb {
            server.superuser("").run("CREATE SEQUENCE shop_texts.s");
        }
        let mut other = server.superuser("shop_texts");
        for sql in [
            "XA START 'prepared too'",
            "INSERT INTO branches VALUES (2)",
            "XA END 'prepared too'",
            "XA PREPARE 'prepared too'",
        ] {
            other.run(sql);
        }
        std::fs::write(server.outside_directory().join("input"), "5\n").expect("own directory");
        Self { server, files: 0 }
    }

    fn text(&mut self, sql: &str) -> String {
        self.files += 1;
        let at = |name: &str| self.server.outside_directory().join(name).display().to_string();
        sql.replace("{FILE}", &at(&format!("out{}", self.files)))
            .replace("{INPUT}", &at("input"))
            .replace("{V}", self.server.flavor.read_only_variable())
    }

    /// A read-only session with a temporary table of its own.
    fn session(&self) -> Wire {
        let login = Login::of("root").database("shop_texts");
        let mut client = login.with(capability::MULTI_STATEMENTS).to(self.server.address);
        client.run("SET lock_wait_timeout = 3, innodb_lock_wait_timeout = 3");
        client.run("CREATE TEMPORARY TABLE own (a INT)");
        client.run("SET SESSION TRANSACTION READ ONLY");
        client
    }

    fn outcome_fits(&self, outcome: Outcome, client: &mut Wire, sql: &str) -> Result<(), String> {
        let replies = client.query(sql);
        let refused = replies.error_code() == Some(1792);
        let failed = matches!(replies.error(), Some(Reply::Error { .. }));
        let fits = match outcome {
            Refused | Calls => refused,
            Reads | Leaks | Lifts | Owns | Hides => !failed,
            Fails => failed && !refused,
        };
        let stands = stands(client, self.server.flavor);
        if fits && stands == (outcome != Lifts || sql.contains("p_lifts")) || outcome == Hides {
            return Ok(());
        }
        Err(format!("read-only after it: {stands}; {:?}", replies.error()))
    }
}

fn compare_classes(flavor: Flavor) {
    let mut ground = Ground::new(flavor);
    let dialect = dialect(&ground.server, "utf8mb4");
    let before = ground.server.value("SELECT COUNT(*) FROM shop_texts.t");
    let mut wrong = Vec::new();
    for (flavors, outcome, sql) in TABLE {
        if !flavors.contains(&flavor) {
            continue;
        }
        let text = ground.text(sql);
        let statements = analyze(text.as_bytes(), dialect, true).statements;
        if statements.len() != 1 || !class_fits(*outcome, &statements[0]) {
            wrong.push(format!("{sql}: {outcome:?}, but it is {statements:?}"));
        }
        let mut client = ground.session();
        if let Err(what) = ground.outcome_fits(*outcome, &mut client, &text) {
            wrong.push(format!("{sql}: {outcome:?}, but {what}"));
        }
        let id = client.id();
        drop(client);
        ground.server.wait_for_end_of(id);
    }
    assert!(wrong.is_empty(), "{flavor:?}\n{}", wrong.join("\n"));
    // A leak indeed, of the two that the table lets run: SET STATEMENT, which only MariaDB has, and XA COMMIT.
    let leaked = flavor.pick(1, 0);
    let after = ground.server.value("SELECT COUNT(*) FROM shop_texts.t");
    assert_eq!(
        count(after),
        count(before) + leaked,
        "rows were written by what is no leak"
    );
    let branches = ground.server.value("SELECT COUNT(*) FROM shop_texts.branches");
    assert_eq!(count(branches), 1);
}

fn count(value: Option<String>) -> usize {
    value.expect("a count").parse().expect("a number")
}

#[test]
fn every_statement_is_of_the_class_of_what_mariadb_does_with_it() {
    compare_classes(MariaDb);
}

#[test]
fn every_statement_is_of_the_class_of_what_mysql_does_with_it() {
    compare_classes(MySql);
}
