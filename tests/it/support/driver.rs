//! Runs the programs in `tests/drivers/`: real drivers, a fixed set of checks each, one line per check.
//!
//! With `--lull` a program stops twice, for the test to open and to close a lull while its connections stay open.

use super::places::{installed, project};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    Psycopg3,
    Psycopg2,
    Asyncpg,
    SqlAlchemy,
    NodePg,
    PyMysql,
    Mysqlclient,
    MysqlConnector,
    SqlAlchemyMysql,
    NodeMysql2,
    NodeMariadb,
    PhpPdo,
}

impl Driver {
    /// Those for PostgreSQL.
    pub const ALL: [Self; 5] = [
        Self::Psycopg3,
        Self::Psycopg2,
        Self::Asyncpg,
        Self::SqlAlchemy,
        Self::NodePg,
    ];

    /// Those for MariaDB and MySQL.
    pub const MYSQL: [Self; 7] = [
        Self::PyMysql,
        Self::Mysqlclient,
        Self::MysqlConnector,
        Self::SqlAlchemyMysql,
        Self::NodeMysql2,
        Self::NodeMariadb,
        Self::PhpPdo,
    ];

    /// The program against `dsn` (as `key=value` words, see `connect_string`), not yet started.
    pub fn command(self, dsn: &str, arguments: &[&str]) -> Command {
        let (interpreter, program) = match self {
            Self::Psycopg3 => ("LULL_PYTHON", "psycopg3.py"),
            Self::Psycopg2 => ("LULL_PYTHON", "psycopg2_.py"),
            Self::Asyncpg => ("LULL_PYTHON", "asyncpg_.py"),
            Self::SqlAlchemy => ("LULL_PYTHON", "sqlalchemy_.py"),
            Self::NodePg => ("LULL_NODE", "node_pg.js"),
            Self::PyMysql | Self::Mysqlclient | Self::MysqlConnector => ("LULL_PYTHON", "mysql_dbapi.py"),
            Self::SqlAlchemyMysql => ("LULL_PYTHON", "sqlalchemy_mysql.py"),
            Self::NodeMysql2 | Self::NodeMariadb => ("LULL_NODE", "node_mysql.js"),
            Self::PhpPdo => ("LULL_PHP", "php_pdo.php"),
        };
        // A program that knows several drivers is told which is meant.
        let which = match self {
            Self::PyMysql => Some("pymysql"),
            Self::Mysqlclient => Some("mysqlclient"),
            Self::MysqlConnector => Some("connector"),
            Self::NodeMysql2 => Some("mysql2"),
            Self::NodeMariadb => Some("mariadb"),
            _ => None,
        };
        let mut command = Command::new("timeout");
        command
            .args(["120", &installed(interpreter)])
            .arg(project("tests/drivers").join(program))
            .args(which)
            .arg(dsn)
            .args(arguments);
        command
            .env("NODE_PATH", installed("LULL_NODE_MODULES"))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::null());
        command
    }

    /// Runs every check of normal mode; panics with the program's output if one fails.
    #[track_caller]
    pub fn check(self, dsn: &str) {
        let output = self
            .command(dsn, &[])
            .output()
            .expect("the interpreter is installed");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.lines().any(|line| line.starts_with("ok ")),
            "{self:?} against {dsn}: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Opens the program's connections, calls `on`, checks reads and refusals, calls `off`, checks that all is as before.
    #[track_caller]
    pub fn check_lull(self, dsn: &str, on: impl FnOnce(), off: impl FnOnce()) {
        self.converse(self.command(dsn, &["--lull"]), on, off);
    }

    /// The same for a server whose own setting plays the lull: what that does not do is not asked for.
    #[track_caller]
    pub fn check_read_only_server(self, dsn: &str, on: impl FnOnce(), off: impl FnOnce()) {
        self.converse(self.command(dsn, &["--lull=server"]), on, off);
    }

    #[track_caller]
    fn converse(self, mut command: Command, on: impl FnOnce(), off: impl FnOnce()) {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut program = Dialogue::start(command);
        program.until("ready");
        on();
        program.say("lull on");
        program.until("done");
        off();
        program.say("lull off");
        let text = program.finish();
        assert!(text.is_ok(), "{self:?}:\n{}", text.unwrap_or_else(|text| text));
    }
}

/// A program that waits for us at agreed places.
struct Dialogue {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    heard: String,
}

impl Dialogue {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the interpreter is installed");
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            child,
            stdin,
            stdout,
            heard: String::new(),
        }
    }

    #[track_caller]
    fn until(&mut self, word: &str) {
        loop {
            let start = self.heard.len();
            let read = self.stdout.read_line(&mut self.heard).expect("text");
            assert!(
                read > 0,
                "the program ended before it said {word}:\n{}",
                self.heard
            );
            if self.heard[start..].trim_end() == word {
                return;
            }
        }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("the program listens");
    }

    /// All that it said; `Err` if it failed.
    fn finish(mut self) -> Result<String, String> {
        while self.stdout.read_line(&mut self.heard).expect("text") > 0 {}
        let status = self.child.wait().expect("own child");
        if status.success() {
            Ok(self.heard)
        } else {
            Err(format!("{}{status}", self.heard))
        }
    }
}
