//! Where something listens: `127.0.0.1:6432`, `[::1]:6432`, `db.example:5432`, or the path of a Unix socket.
//!
//! Guarantees that `Display` and `FromStr` are inverse. Does not look names up.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{typed:?} is no address: {wrong}; expected HOST:PORT, [IPV6]:PORT or the absolute path of a Unix socket"
)]
pub struct MalformedAddress {
    typed: String,
    wrong: &'static str,
}

impl FromStr for Address {
    type Err = MalformedAddress;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        parse(typed).map_err(|wrong| MalformedAddress {
            typed: typed.to_owned(),
            wrong,
        })
    }
}

/// Linux' `sun_path`, less the closing zero.
const UNIX_PATH_BYTES_MAX: usize = 107;

fn parse(typed: &str) -> Result<Address, &'static str> {
    if typed.starts_with('/') {
        return match typed.len() {
            ..=UNIX_PATH_BYTES_MAX => Ok(Address::Unix(PathBuf::from(typed))),
            _ => Err("the path of a Unix socket can have 107 bytes"),
        };
    }
    let (host, port) = typed.rsplit_once(':').ok_or("the port is missing")?;
    let port = match port.parse() {
        Ok(0) | Err(_) => return Err("the port must be a number from 1 to 65535"),
        Ok(port) => port,
    };
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').ok_or("a bracket is not closed")?,
        None if host.contains(':') => return Err("an IPv6 address goes in brackets"),
        None => host,
    };
    let fit = |c: char| c.is_ascii_alphanumeric() || "-._:%".contains(c);
    match host {
        "" => Err("the host is missing"),
        host if host.chars().all(fit) => Ok(Address::Tcp {
            host: host.to_owned(),
            port,
        }),
        _ => Err("the host holds a character that no host name has"),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = MalformedAddress;

    fn try_from(typed: String) -> Result<Self, Self::Error> {
        typed.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_reads_back_as_it_is_written() {
        for text in [
            "127.0.0.1:6432",
            "[::1]:6432",
            "db.example:5432",
            "/run/x/.s.PGSQL.6432",
            "[fe80::1%eth0]:1",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let long = format!("/{}", "x".repeat(107));
        for text in [
            "",
            "db",
            ":5432",
            "db:",
            "db:0",
            "db:65536",
            "::1:5432",
            "[::1:5432",
            "d b:1",
            "run/x",
            &long,
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
