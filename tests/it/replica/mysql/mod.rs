//! The same for MariaDB and MySQL. Each test runs on both.

mod moves;
mod order;

use crate::support::Lull;
use crate::support::mysql::{Flavor, Login, Server, Wire};
use serde_json::Value;

/// A primary with a replica that follows it by GTID, the database `shop_1` with a table `t (n int)`, and lull in front of
/// both.
pub struct Ground {
    // Ends first: its sessions are on both.
    pub lull: Lull,
    pub replica: Server,
    pub primary: Server,
    pub flavor: Flavor,
}

impl Ground {
    pub fn on(flavor: Flavor) -> Self {
        let primary = Server::start(flavor);
        let mut root = primary.superuser("");
        root.run("CREATE DATABASE shop_1");
        root.run("CREATE TABLE shop_1.t (n INT)");
        let replica = primary.replica(primary.address);
        replica.catch_up(&primary.position());
        let lull = Lull::with_config(&primary, |addresses| {
            let replicas = format!("replicas = [\"{}\"]", replica.address);
            addresses.config(&replicas, "[cluster.auth]\npeer = true\n")
        });
        Self {
            lull,
            replica,
            primary,
            flavor,
        }
    }

    pub fn login(&self) -> Login {
        Login::of("app").database("shop_1")
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

    /// `lull on --mode replica`, which must reach its fence; what it says of replicas.
    #[track_caller]
    pub fn moved(&self, arguments: &[&str]) -> Value {
        super::moved(&self.lull, arguments)
    }

    /// What `lull sessions` says of each session: its mode, and why it stays.
    pub fn sessions(&self) -> Vec<(String, Option<String>)> {
        super::sessions_of(&self.lull)
    }

    #[track_caller]
    pub fn assert_on_replica(&self, client: &mut Wire) {
        self.assert_at(self.replica.address.port(), client);
    }

    #[track_caller]
    pub fn assert_on_primary(&self, client: &mut Wire) {
        self.assert_at(self.primary.address.port(), client);
    }

    #[track_caller]
    fn assert_at(&self, port: u16, client: &mut Wire) {
        let here = client.value("SELECT @@global.port");
        assert_eq!(here, Some(port.to_string()), "{:?}", self.sessions());
    }

    /// The session's own default for transactions, as a client sees it.
    pub fn read_only(&self, client: &mut Wire) -> bool {
        let variable = self
            .flavor
            .pick("@@session.tx_read_only", "@@session.transaction_read_only");
        client.value(&format!("SELECT {variable}")).as_deref() == Some("1")
    }
}

fn on_both(test: impl Fn(&Ground)) {
    Flavor::ALL
        .into_iter()
        .for_each(|flavor| test(&Ground::on(flavor)));
}
