//! Replicas take their stream through lull.

use crate::support::Lull;
use crate::support::mysql::{Flavor, Server};

#[test]
fn a_replica_replicates_through_lull() {
    for flavor in Flavor::ALL {
        let server = Server::start(flavor);
        let lull = Lull::start(&server);
        let before = server.database();
        before.run("CREATE TABLE t (n INT)");
        let replica = server.replica(lull.address());
        before.run("INSERT INTO t VALUES (1)");
        replica.catch_up(&server.position());
        // It is behind lull, and goes on when lull has been away.
        lull.restart();
        before.run("INSERT INTO t VALUES (2)");
        replica.catch_up(&server.position());
        let count = replica.value(&format!("SELECT count(*) FROM {}.t", before.name));
        assert_eq!(count.as_deref(), Some("2"));
        let dumps = "SELECT count(*) FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
        assert_eq!(server.value(dumps).as_deref(), Some("1"));
    }
}
