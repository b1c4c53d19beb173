//! Reads on replicas: sessions move there and back on the connections that their clients have open.

mod kills;
mod lost;
mod moves;
mod mysql;
mod order;
mod refusals;
mod repoint;

use crate::support::{Lull, Postgres, Settings, Version, Wire};
use serde_json::Value;

/// A primary with a streaming standby, the database `shop` with a table `t (n int)`, and lull in front of both.
pub struct Ground {
    // Ends first: its sessions are on both.
    pub lull: Lull,
    pub standby: Postgres,
    pub others: Vec<Postgres>,
    pub primary: Postgres,
}

impl Ground {
    pub fn on(version: Version) -> Self {
        Self::with_standbys(version, 1)
    }

    pub fn with_standbys(version: Version, count: usize) -> Self {
        let primary = Postgres::start_with(Settings::of(version));
        primary
            .superuser("postgres")
            .run("CREATE DATABASE shop OWNER app");
        Wire::login(primary.address, "app", "shop").run("CREATE TABLE t (n int)");
        let standby = primary.standby();
        let others: Vec<Postgres> = (1..count).map(|_| primary.standby()).collect();
        let lull = Lull::with_config(&primary, |addresses| {
            let all = std::iter::once(&standby).chain(&others);
            let all: Vec<String> = all.map(|standby| format!("\"{}\"", standby.address)).collect();
            let replicas = format!("replicas = [{}]", all.join(", "));
            addresses.config(&replicas, "[cluster.auth]\npeer = true\n")
        });
        Self {
            lull,
            standby,
            others,
            primary,
        }
    }

    /// A client of the ordinary role, through lull.
    #[track_caller]
    pub fn client(&self) -> Wire {
        Wire::login(self.lull.address(), "app", "shop")
    }

    /// `lull on --mode replica`, which must reach its fence; what it says of replicas.
    #[track_caller]
    pub fn moved(&self, arguments: &[&str]) -> Value {
        moved(&self.lull, arguments)
    }

    /// What `lull sessions` says of each session: its mode, and why it stays.
    pub fn sessions(&self) -> Vec<(String, Option<String>)> {
        sessions_of(&self.lull)
    }

    #[track_caller]
    pub fn assert_on_replica(&self, client: &mut Wire) {
        let here = client.value("SELECT pg_is_in_recovery()");
        assert_eq!(here.as_deref(), Some("t"), "{:?}", self.sessions());
    }

    #[track_caller]
    pub fn assert_on_primary(&self, client: &mut Wire) {
        let here = client.value("SELECT pg_is_in_recovery()");
        assert_eq!(here.as_deref(), Some("f"), "{:?}", self.sessions());
    }
}

fn on_every_version(test: impl Fn(&Ground)) {
    Version::ALL
        .into_iter()
        .for_each(|version| test(&Ground::on(version)));
}

/// `lull on --mode replica`, which must reach its fence; what it says of replicas.
#[track_caller]
fn moved(lull: &Lull, arguments: &[&str]) -> Value {
    let arguments = [&["--mode", "replica"], arguments].concat();
    lull.fenced("all", &arguments)["replicas"].clone()
}

/// What `lull sessions` says of each session: its mode, and why it stays.
fn sessions_of(lull: &Lull) -> Vec<(String, Option<String>)> {
    let output = lull.cli(&["sessions", "--json"]);
    let sessions: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a list");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    sessions
        .iter()
        .map(|session| (text(&session["mode"]).expect("a mode"), text(&session["stays"])))
        .collect()
}
