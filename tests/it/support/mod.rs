//! What the integration tests stand on: throw-away servers, lull in front of them, a raw client and an outside observer.
//!
//! Guarantees: everything listens on loopback only and on ports of its own; whatever a test starts ends with the test
//! process, even when that is killed; nothing is left in the temporary directory; nothing waits without a bound.
//! None of it knows how lull works inside: it sees the command line, the sockets and the server's own data.
//!
//! ```ignore
//! let server = Postgres::shared(Version::Newest);   // one per version and test run
//! let db = server.database();                       // fresh, owned by the ordinary role `app`
//! let lull = Lull::start(server);
//! let mut client = Wire::login(lull.address(), "app", &db.name);
//! let mut observer = Observer::of(&db);
//! let before = observer.fingerprint();
//! lull.fenced("all", &["--reason", "upgrade"]);
//! assert_eq!(client.query("DELETE FROM t").error_code(), Some("25006"));
//! before.assert_same(&observer.fingerprint(), "a refused DELETE");
//! ```

#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

pub mod door;
pub mod driver;
pub mod fake;
pub mod fingerprint;
pub mod frames;
pub mod http;
pub mod lull;
pub mod message;
pub mod mysql;
pub mod observer;
pub mod places;
pub mod ports;
pub mod postgres;
pub mod settings;
pub mod terminal;
pub mod tls;
pub mod undertaker;
pub mod wire;

pub use driver::Driver;
pub use fingerprint::Fingerprint;
pub use lull::{Lull, Primary};
pub use message::{Message, Replies};
pub use observer::Observer;
pub use postgres::{Database, Postgres};
pub use settings::{Settings, Version};
pub use wire::Wire;

use std::time::{Duration, Instant};

/// How long anything in a test may take before the test fails. Generous: a machine with two busy cores must make it.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks again and again until `question` has an answer; panics after [`PATIENCE`], naming what was awaited.
///
/// For states that have no event to wait for (a row in `pg_stat_activity`, a metric). Never use it to prove that something
/// does *not* happen.
pub fn eventually<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} in vain for: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
