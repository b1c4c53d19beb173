//! With no lull open, nobody can tell lull from a MariaDB or MySQL server.
//!
//! As for PostgreSQL: each topic plays its part directly on the server and through lull, or states what the server is known
//! to do.

mod bytes;
mod drivers;
mod ends;
mod replication;
mod rust;
mod script;
mod sessions;
mod volume;

use crate::support::Lull;
use crate::support::mysql::{Flavor, Server};

/// Runs a test's body on every flavor, with a lull in front.
fn on_every_flavor(mut body: impl FnMut(&'static Server, &Lull)) {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let lull = Lull::start(server);
        body(server, &lull);
    }
}
