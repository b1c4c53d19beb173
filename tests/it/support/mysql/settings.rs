//! What a throw-away MariaDB or MySQL server may be asked to be.

use crate::support::places::installed;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// What the distribution ships (10.11 on Debian 12).
    MariaDb,
    /// The newest MySQL (9.7).
    MySql,
    /// The newest MariaDB (11.8), of which there are no replicas, no client for PHP, and no sysbench.
    MariaDbNewest,
}

impl Flavor {
    /// One of each family.
    pub const ALL: [Self; 2] = [Self::MariaDb, Self::MySql];
    pub const EVERY: [Self; 3] = [Self::MariaDb, Self::MySql, Self::MariaDbNewest];

    /// Where this flavor's programs are: `mariadbd`, `mariadb`, `mariadb-binlog`, or `mysqld`, `mysql`, `mysqlbinlog`.
    pub fn program(self, name: &str) -> PathBuf {
        let bin = installed(match self {
            Self::MariaDb => "LULL_MARIADB_BIN",
            Self::MySql => "LULL_MYSQL_BIN",
            Self::MariaDbNewest => "LULL_MARIADB_NEWEST_BIN",
        });
        PathBuf::from(bin).join(name)
    }

    pub(super) fn server_program(self) -> PathBuf {
        self.program(self.pick("mariadbd", "mysqld"))
    }

    /// The flavor's own client, for people and scripts.
    pub fn client_program(self) -> PathBuf {
        self.program(self.pick("mariadb", "mysql"))
    }

    pub fn binlog_program(self) -> PathBuf {
        self.program(self.pick("mariadb-binlog", "mysqlbinlog"))
    }

    /// An initialised data directory, to be copied.
    pub(super) fn template(self) -> PathBuf {
        PathBuf::from(installed(match self {
            Self::MariaDb => "LULL_MARIADB_DATA",
            Self::MySql => "LULL_MYSQL_DATA",
            Self::MariaDbNewest => "LULL_MARIADB_NEWEST_DATA",
        }))
    }

    pub fn is_mariadb(self) -> bool {
        self != Self::MySql
    }

    /// The first for MariaDB, the second for MySQL.
    pub fn pick<T>(self, mariadb: T, mysql: T) -> T {
        match self {
            Self::MariaDb | Self::MariaDbNewest => mariadb,
            Self::MySql => mysql,
        }
    }

    /// The session variable that says whether the next transaction is read-only.
    pub fn read_only_variable(self) -> &'static str {
        self.pick("tx_read_only", "transaction_read_only")
    }
}

/// Settings of a server. As they stand: TLS is on, nothing is forced to disk (a killed server still has it all), the binary log is on with GTIDs and rows, names
/// are not resolved, files may be written anywhere, LOCAL INFILE is allowed, room for 1,500 connections, no performance schema.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) flavor: Flavor,
    pub(super) options: Vec<String>,
    pub(super) tls: bool,
}

impl Settings {
    pub fn of(flavor: Flavor) -> Self {
        let both = [
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--max-connections=1500",
            "--max-allowed-packet=64M",
            "--performance-schema=OFF",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-buffer-pool-load-at-startup=OFF",
            "--innodb-buffer-pool-dump-at-shutdown=OFF",
            "--log-bin=bin",
            "--binlog-format=ROW",
            "--sync-binlog=0",
            "--secure-file-priv=",
            "--local-infile=ON",
            "--character-set-server=utf8mb4",
        ];
        let own: &[&str] = match flavor {
            Flavor::MariaDb | Flavor::MariaDbNewest => {
                &["--plugin-load-add=auth_ed25519", "--gtid-strict-mode=ON"]
            }
            Flavor::MySql => &[
                "--gtid-mode=ON",
                "--enforce-gtid-consistency=ON",
                "--innodb-redo-log-capacity=8M",
                "--mysqlx=OFF",
                "--auto-generate-certs=OFF",
                "--caching-sha2-password-auto-generate-rsa-keys=OFF",
                "--sha256-password-auto-generate-rsa-keys=OFF",
            ],
        };
        let options = both.iter().chain(own).map(|&option| option.to_owned());
        Self {
            flavor,
            options: options.collect(),
            tls: true,
        }
    }

    /// An option of the server, after all others: `option("--performance-schema=ON")`.
    #[must_use]
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// A server that does not offer TLS.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }
}
