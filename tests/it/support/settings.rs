//! What a throw-away PostgreSQL server may be asked to be.

use super::places::installed;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// What the distribution ships (15 on Debian 12).
    Distribution,
    /// The newest major version that the package registries offer (18).
    Newest,
}

impl Version {
    pub const ALL: [Self; 2] = [Self::Distribution, Self::Newest];

    /// Where this version's programs are: `version.program("pg_basebackup")`.
    pub fn program(self, name: &str) -> PathBuf {
        let bin = installed(match self {
            Self::Distribution => "LULL_PG_DISTRIBUTION_BIN",
            Self::Newest => "LULL_PG_NEWEST_BIN",
        });
        PathBuf::from(bin).join(name)
    }
}

/// Settings of a server. As they stand: everybody on loopback is trusted, TLS is on, nothing is forced to disk, autovacuum
/// is off (it would look like a change), logical WAL, room for 1,200 connections and 20 prepared transactions.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) version: Version,
    pub(super) hba: Vec<String>,
    pub(super) conf: Vec<(String, String)>,
    pub(super) tls: bool,
}

impl Settings {
    pub fn of(version: Version) -> Self {
        let conf = [
            ("listen_addresses", "127.0.0.1"),
            ("max_connections", "1200"),
            ("max_prepared_transactions", "20"),
            ("max_wal_senders", "20"),
            ("max_replication_slots", "20"),
            ("wal_level", "logical"),
            ("autovacuum", "off"),
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("shared_buffers", "64MB"),
            ("unix_socket_permissions", "0777"),
            ("log_line_prefix", "%m [%p] %q%u@%d %a "),
        ];
        let conf = conf
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            version,
            hba: Vec::new(),
            conf,
            tls: true,
        }
    }

    /// A line for `pg_hba.conf`, before those that trust everybody. Lines keep the order in which they were given.
    ///
    /// `hba("host all reader 127.0.0.1/32 scram-sha-256")`; likewise `md5`, `password`, or `hostssl` and `reject`.
    #[must_use]
    pub fn hba(mut self, line: &str) -> Self {
        self.hba.push(line.to_owned());
        self
    }

    /// A line for `postgresql.conf`, after all others: `setting("fsync", "on")`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.conf.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A server without TLS: it answers `N` to SSLRequest.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }

    pub(super) fn hba_text(&self) -> String {
        let mut text = self.hba.join("\n");
        text.push_str("\nlocal all,replication all trust\nhost all,replication all 127.0.0.1/32 trust\n");
        text
    }

    pub(super) fn conf_text(&self) -> String {
        self.conf
            .iter()
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect()
    }
}
