//! The same race where half of the lulls send their sessions to a replica: they come and go under everything else.
//!
//! `LULL_RACE_ROUNDS` and `LULL_RACE_SECONDS` are divided by five for it.

use super::{ground, run};
use crate::support::{Lull, Postgres, Version};

#[test]
fn nobody_reads_back_in_time_and_nothing_is_lost_while_sessions_go_to_replicas_and_return() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        let db = ground(&server);
        let standby = server.standby();
        let lull = Lull::with_config(&server, |addresses| {
            let replicas = format!("replicas = [\"{}\"]", standby.address);
            addresses.config(&replicas, "[cluster.auth]\npeer = true\n")
        });
        run(&db, &lull, true, 5);
    }
}
