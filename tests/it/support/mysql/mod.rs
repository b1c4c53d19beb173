//! Throw-away MariaDB and MySQL servers, and a raw client of their protocol.
//!
//! As `support` says of all: loopback only, nothing is left, nothing waits without a bound, and none of it knows how lull works
//! inside. The client is written from the protocol's manual alone: it shares no code with lull and uses no driver.
//!
//! ```ignore
//! let server = mysql::Server::shared(Flavor::MariaDb);
//! let db = server.database();                       // fresh, for the ordinary user `app`
//! let mut client = mysql::Wire::login(server.address, "app", &db.name);
//! assert_eq!(client.query("SELECT 1").value(), Some("1"));
//! ```

pub mod login;
pub mod observer;
pub mod packets;
pub mod replies;
mod server;
mod settings;
pub mod wire;

pub use login::Login;
pub use observer::Observer;
pub use replies::{Replies, Reply};
pub use server::{Database, Server};
pub use settings::{Flavor, Settings};
pub use wire::{Packet, Wire};
