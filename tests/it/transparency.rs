//! With no lull open, nobody can tell lull from the server.
//!
//! Each topic plays its part directly on the server and through lull, or states what the server is known to do. How whole
//! conversations look is in `protocol-fixtures/`; here stands what such a dialogue cannot say: drivers and tools, volume, time,
//! encryption, logins, replication, and the bytes themselves.

mod bytes;
mod cancel;
mod drivers;
mod encryption;
mod logins;
mod mysql;
mod mysql_connections;
mod mysql_logins;
mod negotiation;
pub mod program;
mod replication;
mod sessions;
mod tap;
mod volume;

use crate::support::{Lull, Postgres, Version};

/// Runs a test's body on every version, with a lull in front.
fn on_every_version(body: impl Fn(&'static Postgres, &Lull)) {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let lull = Lull::start(server);
        body(server, &lull);
    }
}
