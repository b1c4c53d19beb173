//! The switch in front of MariaDB and MySQL. As the parent says of PostgreSQL; each test runs on both.

mod branches;
mod contract;
mod idle;
mod midst;
mod trackers;
mod transactions;
mod wishes;

use super::{Opening, fates};
use crate::support::mysql::{Database, Flavor, Login, Replies, Server, Wire};
use crate::support::{Lull, eventually};

/// A database with a table `t (n INT)`, and lull in front of it.
pub struct Ground {
    pub lull: Lull,
    pub db: Database<'static>,
    pub flavor: Flavor,
}

impl Ground {
    pub fn on(server: &'static Server) -> Self {
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        Self {
            lull: Lull::start(server),
            db,
            flavor: server.flavor,
        }
    }

    /// A client of the ordinary user, through lull.
    #[track_caller]
    pub fn client(&self) -> Wire {
        self.login().to(self.lull.address())
    }

    /// The same with more capabilities.
    #[track_caller]
    pub fn client_with(&self, capabilities: u64) -> Wire {
        self.login().with(capabilities).to(self.lull.address())
    }

    pub fn login(&self) -> Login {
        Login::of("app").database(&self.db.name)
    }

    /// The numbers in `t`, as the outside sees them: `"1,2"`.
    #[track_caller]
    pub fn rows(&self) -> String {
        let question = "SELECT coalesce(group_concat(n ORDER BY n), '') FROM t";
        self.db.value(question).expect("one row")
    }

    /// The session's own default for transactions, as a client sees it.
    pub fn read_only(&self) -> &'static str {
        self.flavor
            .pick("@@session.tx_read_only", "@@session.transaction_read_only")
    }

    /// Waits until the server says that a session runs a statement that is like this.
    #[track_caller]
    pub fn runs(&self, id: u32, like: &str) {
        let question =
            format!("SELECT 1 FROM information_schema.processlist WHERE id = {id} AND info LIKE '{like}'");
        let mut observer = self.db.superuser();
        eventually(&format!("session {id} runs {like}"), || observer.value(&question));
    }

    /// The migration, through the bypass: it must not find the table locked.
    #[track_caller]
    pub fn migrate(&self) {
        let mut migration = self.login().to(self.lull.bypass());
        migration.run("SET SESSION lock_wait_timeout = 5, SESSION innodb_lock_wait_timeout = 5");
        migration.run("ALTER TABLE t ADD COLUMN m INT");
        migration.run("DELETE FROM t WHERE n = 4711");
        migration.run("ALTER TABLE t DROP COLUMN m");
    }

    #[track_caller]
    pub fn opening(&self, arguments: &[&str]) -> Opening {
        Opening::of(&self.lull, arguments)
    }

    #[track_caller]
    pub fn stragglers(&self) -> usize {
        super::stragglers(&self.lull)
    }
}

/// Runs a test's body on both, each on a fresh ground.
pub fn on_both(body: impl Fn(&Ground)) {
    for flavor in Flavor::ALL {
        body(&Ground::on(Server::shared(flavor)));
    }
}

/// A refusal as the issue wants it: 1792, SQLSTATE 25006, the server's own sentence first, and the lull named.
#[track_caller]
pub fn assert_refused(replies: &Replies, what: &str) {
    assert!(replies.error().is_some(), "{what} was not refused: {replies:?}");
    let found = (replies.error_code(), replies.error_state());
    assert_eq!(found, (Some(1792), Some("25006")), "{what}: {replies:?}");
    let message = replies.error_message().unwrap_or_default();
    let sentence = "Cannot execute statement in a READ ONLY transaction. A lull on ";
    assert!(message.starts_with(sentence), "{what}: {replies:?}");
    assert!(message.contains("Write again when"), "{what}: {replies:?}");
}

/// The first word about a transaction that the drain policy has ended.
#[track_caller]
pub fn assert_told_of_drain(replies: &Replies, what: &str) {
    assert_refused(replies, what);
    let message = replies.error_message().unwrap_or_default();
    assert!(message.contains("has been rolled back"), "{what}: {replies:?}");
}
