//! lull's own cancel requests, with which an abort ends what still runs. The server carries one out when it comes to it,
//! which may be late: it must not hit what the client sends next.

use super::{Ground, assert_refused, assert_told_of_drain, fates};
use crate::support::door::{Door, Waiting};
use crate::support::{Lull, Postgres, Version, Wire, frames};
use std::time::{Duration, Instant};

const SHORT: &[&str] = &["--drain", "300ms"];

/// A session whose statement outlasted the drain and then ended by itself, with the request that should have ended it still
/// at the server's door.
struct Late {
    ground: Ground,
    client: Wire,
    request: Waiting,
}

impl Late {
    /// `before` is what the session did before the statement.
    #[track_caller]
    fn with(version: Version, before: &str) -> Self {
        let server = Postgres::shared(version);
        let door = Door::before(server.address);
        let db = server.database();
        db.run("CREATE TABLE t (n int)");
        let lull = Lull::in_front_of(door.address);
        let ground = Ground { lull, db };
        let mut client = ground.client();
        client.run(before);
        let mut gate = ground.db.superuser();
        gate.run("SELECT pg_advisory_lock(1)");
        client.send(&frames::query(
            "INSERT INTO t SELECT 1 FROM (SELECT pg_advisory_lock_shared(1)) AS wait",
        ));
        ground.backend_is(client.pid(), "active");
        let opening = ground.opening(SHORT);
        let request = door.cancel_request();
        gate.run("SELECT pg_advisory_unlock(1)");
        let ended = client.until_ready();
        assert_eq!(
            ended.expect_success("it ends by itself").commands(),
            ["INSERT 0 1"]
        );
        assert_eq!(
            fates(&opening.fenced()).len(),
            1,
            "no fence waits for the request"
        );
        Self {
            ground,
            client,
            request,
        }
    }

    /// Sends a statement that takes its time, and lets the request in while it would run.
    fn send_and_let_in(self, text: &str) -> (Ground, Wire) {
        let Self {
            ground,
            mut client,
            request,
        } = self;
        client.send(&frames::query(text));
        // The mode is announced meanwhile, perhaps.
        while !client.silent_for(Duration::from_millis(300)) {
            let message = client.read();
            assert_eq!(message.tag, b'S', "{text} is answered before: {message:?}");
        }
        request.let_in();
        (ground, client)
    }
}

const SLOW: &str = "SELECT pg_sleep(1)";

#[test]
fn a_cancel_request_that_comes_late_does_not_hit_the_clients_next_statement() {
    for version in Version::ALL {
        let (ground, mut client) = Late::with(version, "SELECT 1").send_and_let_in(SLOW);
        client.until_ready().expect_success("nobody has cancelled it");
        assert_refused(&client.query("INSERT INTO t VALUES (2)"), "behind the fence");
        assert_eq!(ground.rows(), "1", "it had ended before the fence");
    }
}

#[test]
fn a_cancel_request_that_comes_late_does_not_hit_what_follows_a_transaction_that_was_aborted() {
    for version in Version::ALL {
        let (ground, mut client) = Late::with(version, "BEGIN").send_and_let_in(SLOW);
        assert_told_of_drain(&client.until_ready(), "the next statement");
        client.run("ROLLBACK");
        client.run("SELECT pg_sleep(0.1)");
        assert_eq!(ground.rows(), "");
    }
}

#[test]
fn a_cancel_request_that_comes_after_the_lull_does_not_hit_a_write_of_normal_mode() {
    for version in Version::ALL {
        let late = Late::with(version, "SELECT 1");
        late.ground.lull.lifted("all");
        let write = "INSERT INTO t SELECT 2 FROM (SELECT pg_sleep(1)) AS wait";
        let (ground, mut client) = late.send_and_let_in(write);
        client.until_ready().expect_success("nobody has cancelled it");
        assert_eq!(ground.rows(), "1,2");
        assert_eq!(client.run("SELECT 1").status(), Some('I'));
    }
}

#[test]
fn a_server_that_never_sees_to_a_cancel_request_does_not_hold_its_client_back_for_ever() {
    let mut late = Late::with(Version::Newest, "SELECT 1");
    let sent = Instant::now();
    late.client.run("SELECT 1");
    assert!(sent.elapsed() > Duration::from_secs(1), "it has waited");
}
