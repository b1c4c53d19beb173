//! The lexer and classifier of MySQL and MariaDB texts against the servers themselves, without lull: what they say of a
//! text must be what the server does with it in a read-only session.

mod classes;
mod hidden;
mod signals;

use crate::support::mysql::{self, Server, Wire};
use ::lull::sql::mysql::{Charset, Dialect, Flavor, SqlModes};

/// How the server reads a client's text.
fn dialect(server: &Server, charset: &str) -> Dialect {
    let version = server.value("SELECT version()").expect("a version");
    let numbers: Vec<u32> = version
        .split(['.', '-'])
        .take(3)
        .map(|part| part.parse().expect("a number"))
        .collect();
    Dialect {
        flavor: match server.flavor {
            mysql::Flavor::MariaDb | mysql::Flavor::MariaDbNewest => Flavor::MariaDb,
            mysql::Flavor::MySql => Flavor::MySql,
        },
        version: numbers.iter().fold(0, |sum, number| sum * 100 + number),
        charset: Charset::from_name(charset.as_bytes()),
        modes: SqlModes::default(),
    }
}

/// Whether the session's own transactions are read-only.
fn stands(client: &mut Wire, flavor: mysql::Flavor) -> bool {
    let asks = format!("SELECT @@session.{}", flavor.read_only_variable());
    client.value(&asks).as_deref() == Some("1")
}
