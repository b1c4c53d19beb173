//! What the operator wants, validated: every value here can be used as it is.
//!
//! Two stages: `raw` is the file as written, this is what it means. It guarantees that addresses differ, that names are
//! fit for scopes, that a certificate has its key and that every limit is above zero. It looks at no file but the
//! configuration itself: what would not work on this machine is `lull check`'s business.

mod accounts;
mod address;
mod paths;
mod raw;
mod repoints;
mod units;
mod validate;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;

pub use address::{Address, MalformedAddress};
pub use paths::{admin_candidates, default_admin_socket, default_state_dir};
pub use repoints::Repoints;
pub use units::{parse_duration, parse_size};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub admin_socket: PathBuf,
    pub metrics_listen: Option<SocketAddr>,
    pub state_dir: PathBuf,
    pub workers: usize,
    pub log: Log,
    pub clusters: Vec<Arc<Cluster>>,
    /// The file it was read from. None when it came from flags.
    pub source: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// A primary and what lull does in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub name: String,
    pub protocol: Protocol,
    pub listen: Vec<Address>,
    /// A lull does not touch sessions that come in here.
    pub bypass_listen: Vec<Address>,
    /// A lull does not touch sessions of these users, wherever they come in.
    pub bypass_users: BTreeSet<String>,
    pub primary: Upstream,
    /// Where reads can go while a lull is open on the primary. TLS as towards that.
    pub replicas: Vec<Address>,
    /// A replica that is further behind is shown as not fit.
    pub lag_max: Duration,
    pub client_tls: ClientTls,
    pub auth: Auth,
    /// lull's own account.
    pub service: Option<Service>,
    pub limits: Limits,
    /// Whether clients see the messages that tell them the mode: PostgreSQL's ParameterStatus.
    pub announce: bool,
    /// Whether applications that ask MySQL's or MariaDB's `@@global.read_only` and the like are told 1 in a lull.
    pub signals: bool,
    /// The number of the error with which MySQL's clients of some kinds are refused, by their `_client_name`.
    pub error_for_client: BTreeMap<String, u16>,
    /// Routines that may run in a lull although the audit cannot clear them.
    pub audit_allow: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    #[serde(rename = "postgresql")]
    PostgreSql,
    /// MySQL's and MariaDB's.
    #[serde(rename = "mysql")]
    MySql,
}

impl Protocol {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::MySql => "mysql",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub address: Address,
    pub tls: UpstreamTls,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    pub mode: SslMode,
    pub ca: Option<PathBuf>,
}

/// As in libpq.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    pub mode: ClientTlsMode,
    /// Both or none of `cert` and `key` are there; both unless the mode is `Disable`.
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Clients must show a certificate that this CA has signed.
    pub client_ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientTlsMode {
    #[default]
    Disable,
    /// The client chooses.
    Allow,
    Require,
}

/// Who authenticates clients, and where lull learns how it can log in as a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    pub mode: AuthMode,
    /// The servers trust lull's address.
    pub peer: bool,
    pub users_file: Option<PathBuf>,
    /// Asks for the verifier of the user `$1`. There is a service account then.
    pub auth_query: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// The server, through lull.
    #[default]
    Relay,
    /// lull itself.
    Terminate,
}

/// How lull logs in for questions of its own. Without password and certificate, as one whom the servers trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub user: String,
    /// Empty for none.
    pub database: String,
    pub password_file: Option<PathBuf>,
    /// Both or none of `cert` and `key` are there.
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// Everything that could grow or last for ever, and how far it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Client sessions of the cluster, logins in progress included.
    pub connections_max: usize,
    /// For both sides of a login together.
    pub login_timeout: Duration,
    /// To reach the upstream, TLS included.
    pub connect_timeout: Duration,
    /// The size of one message while lull must hold it, in a lull.
    pub inspect_bytes_max: usize,
    pub startup_bytes_max: usize,
    /// Remembered per session in a lull.
    pub prepared_statements_max: usize,
    pub audit_timeout: Duration,
    /// After the drain policy acted, before a session is ended.
    pub straggler_grace: Duration,
    /// For sessions to reach their next idle moment when lull stops.
    pub shutdown_timeout: Duration,
    /// Failed logins of one user from one address within a minute, where lull itself authenticates.
    pub login_failures_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Protocol::PostgreSql)
    }
}

impl Limits {
    /// Where nothing is configured.
    pub fn of(protocol: Protocol) -> Self {
        Self {
            connections_max: 10_000,
            login_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            inspect_bytes_max: 16 << 20,
            startup_bytes_max: match protocol {
                Protocol::PostgreSql => 10_000,
                // A client's attributes alone may have 64 KiB.
                Protocol::MySql => 128 << 10,
            },
            prepared_statements_max: 10_000,
            audit_timeout: Duration::from_secs(30),
            straggler_grace: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
            login_failures_max: 20,
        }
    }
}

/// What `lull serve --postgres ...` or `lull serve --mysql ...` says in place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    pub protocol: Protocol,
    pub primary: Address,
    pub replicas: Vec<Address>,
    pub listen: Vec<Address>,
    pub bypass: Vec<Address>,
    pub admin: Option<PathBuf>,
    pub metrics: Option<SocketAddr>,
    pub state: Option<PathBuf>,
}

/// What is wrong with a configuration, where, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// `lull.toml:12:3: unknown key ...`
    #[error("{place}: {wrong}")]
    Wrong { place: String, wrong: String },
}

impl Config {
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let mut config = Self::parse(&text, &path.display().to_string())?;
        config.source = Some(path.to_owned());
        Ok(config)
    }

    /// `name` is how error messages call the text.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let place = raw::Place { name, text };
        let raw = raw::File::parse(&place)?;
        validate::file(raw, &place)
    }

    /// One cluster, named `main`.
    pub fn from_flags(flags: Flags) -> Result<Self, ConfigError> {
        validate::flags(flags)
    }

    /// What differs from `new` and takes effect only after a restart.
    pub fn restart_needed_for(&self, new: &Self) -> Vec<&'static str> {
        let names = |config: &Self| config.clusters.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        [
            ("admin.socket", self.admin_socket != new.admin_socket),
            ("metrics.listen", self.metrics_listen != new.metrics_listen),
            ("state.dir", self.state_dir != new.state_dir),
            ("workers", self.workers != new.workers),
            ("log", self.log != new.log),
            ("the names of the clusters", names(self) != names(new)),
        ]
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
    }
}

#[cfg(test)]
mod tests;
