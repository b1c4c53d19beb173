//! The file as written: which keys there are, and of what kind. Unknown keys are refused; every complaint has a line
//! and a column. What the values mean together is `validate`'s business.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::{
    Address, AuthMode, ClientTlsMode, ConfigError, LogFormat, LogLevel, Protocol, SslMode, parse_duration,
    parse_size,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) workers: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) admin: Admin,
    #[serde(default)]
    pub(super) metrics: Metrics,
    #[serde(default)]
    pub(super) state: State,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) cluster: Vec<Spanned<Cluster>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) socket: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) listen: Option<SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    #[serde(default)]
    pub(super) format: LogFormat,
    #[serde(default)]
    pub(super) level: LogLevel,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    pub(super) name: Spanned<String>,
    pub(super) protocol: Protocol,
    pub(super) listen: Vec<Spanned<Address>>,
    #[serde(default)]
    pub(super) bypass_listen: Vec<Spanned<Address>>,
    #[serde(default)]
    pub(super) bypass_users: Vec<Spanned<String>>,
    pub(super) primary: Spanned<Address>,
    #[serde(default)]
    pub(super) replicas: Vec<Spanned<Address>>,
    pub(super) lag_max: Option<Spanned<Span>>,
    pub(super) primary_sslmode: Option<Spanned<SslMode>>,
    pub(super) primary_ca: Option<PathBuf>,
    pub(super) announce: Option<bool>,
    pub(super) signals: Option<bool>,
    #[serde(default)]
    pub(super) error_for_client: BTreeMap<Spanned<String>, Spanned<u16>>,
    #[serde(default)]
    pub(super) audit_allow: Vec<Spanned<String>>,
    pub(super) tls: Option<Spanned<Tls>>,
    pub(super) auth: Option<Spanned<Auth>>,
    pub(super) service: Option<Spanned<Service>>,

    pub(super) connections_max: Option<Spanned<usize>>,
    pub(super) login_timeout: Option<Spanned<Span>>,
    pub(super) connect_timeout: Option<Spanned<Span>>,
    pub(super) inspect_bytes_max: Option<Spanned<Size>>,
    pub(super) startup_bytes_max: Option<Spanned<Size>>,
    pub(super) prepared_statements_max: Option<Spanned<usize>>,
    pub(super) audit_timeout: Option<Spanned<Span>>,
    pub(super) straggler_grace: Option<Spanned<Span>>,
    pub(super) shutdown_timeout: Option<Spanned<Span>>,
    pub(super) login_failures_max: Option<Spanned<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) mode: Option<ClientTlsMode>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    #[serde(default)]
    pub(super) mode: AuthMode,
    #[serde(default)]
    pub(super) peer: bool,
    pub(super) users_file: Option<PathBuf>,
    pub(super) auth_query: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) user: Spanned<String>,
    pub(super) database: Option<Spanned<String>>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// `"30s"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parse_duration(&text).map(Self).map_err(de::Error::custom)
    }
}

/// `"16MiB"` or a number of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(pub(super) usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected bytes, or a text such as \"16MiB\"")]
        enum Written {
            Bytes(usize),
            Text(String),
        }
        match Written::deserialize(from)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => parse_size(&text).map(Self).map_err(de::Error::custom),
        }
    }
}

/// Finds the line and column of what is wrong.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Place<'_> {
    pub(super) fn wrong(&self, at: usize, wrong: impl Into<String>) -> ConfigError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ConfigError::Wrong {
            place: format!("{}:{line}:{column}", self.name),
            wrong: wrong.into(),
        }
    }
}

impl File {
    pub(super) fn parse(place: &Place<'_>) -> Result<Self, ConfigError> {
        toml::from_str(place.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            place.wrong(at, error.message())
        })
    }
}
