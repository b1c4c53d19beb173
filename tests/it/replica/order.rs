//! Never back in time, and a primary that goes away.

use super::on_every_version;
use crate::support::{Wire, eventually, postgres::Stop};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[test]
fn nobody_goes_to_a_replica_that_has_not_replayed_the_fence() {
    on_every_version(|ground| {
        let mut client = ground.client();
        ground
            .standby
            .superuser("postgres")
            .run("SELECT pg_wal_replay_pause()");
        client.run("INSERT INTO t VALUES (1)");
        let moved = ground.moved(&["--catch-up", "300ms"]);
        assert_eq!(moved["sessions"], 0, "{moved}");
        assert!(moved["unfit"].to_string().contains("behind"), "{moved}");
        ground.assert_on_primary(&mut client);
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        assert_eq!(
            client.query("INSERT INTO t VALUES (2)").error_code(),
            Some("25006")
        );
        ground.lull.lifted("all");
        // The operator may want no lull then.
        let arguments = ["--mode", "replica", "--catch-up", "300ms", "--fallback", "error"];
        let refused = ground.lull.on("all", &arguments);
        assert!(!refused.status.success(), "{refused:?}");
        client.run("INSERT INTO t VALUES (2)");
        ground
            .standby
            .superuser("postgres")
            .run("SELECT pg_wal_replay_resume()");
        ground.moved(&[]);
        ground.assert_on_replica(&mut client);
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("2"));
    });
}

#[test]
fn a_server_that_is_not_in_recovery_is_no_replica() {
    on_every_version(|ground| {
        let mut client = ground.client();
        ground.standby.superuser("postgres").run("SELECT pg_promote()");
        let moved = ground.moved(&["--catch-up", "300ms"]);
        assert!(moved["unfit"].to_string().contains("no replica"), "{moved}");
        ground.assert_on_primary(&mut client);
    });
}

#[test]
fn the_primary_is_stopped_and_started_under_running_readers_and_no_read_fails() {
    on_every_version(|ground| {
        ground.client().run("INSERT INTO t VALUES (1)");
        let (stop, reads) = (AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|threads| {
            let readers: Vec<_> = (0..8)
                .map(|_| {
                    let mut client = ground.client();
                    let (stop, reads) = (&stop, &reads);
                    threads.spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            assert_eq!(client.value("SELECT n FROM t LIMIT 1").as_deref(), Some("1"));
                            reads.fetch_add(1, Ordering::Relaxed);
                        }
                        client
                    })
                })
                .collect();
            let moved = ground.moved(&[]);
            assert_eq!(moved["to_follow"], 0, "{moved}");
            ground.primary.stop(Stop::Fast);
            // It cannot end while the primary is away.
            let refused = ground.lull.off("all");
            assert!(!refused.status.success(), "{refused:?}");
            let before = reads.load(Ordering::Relaxed);
            eventually("reads go on", || {
                (reads.load(Ordering::Relaxed) > before + 100).then_some(())
            });
            // Who comes now is let in, by the replica.
            ground.assert_on_replica(&mut ground.client());
            ground.primary.start_again();
            Wire::login(ground.lull.bypass(), "app", "shop").run("INSERT INTO t VALUES (1)");
            ground.lull.lifted("all");
            stop.store(true, Ordering::Relaxed);
            for reader in readers {
                let mut client = reader.join().expect("no read fails");
                ground.assert_on_primary(&mut client);
                client.run("INSERT INTO t VALUES (1)");
            }
        });
    });
}

#[test]
fn a_lull_that_waits_for_a_replica_moves_its_sessions_when_one_is_there() {
    on_every_version(|ground| {
        let mut client = ground.client();
        ground
            .standby
            .superuser("postgres")
            .run("SELECT pg_wal_replay_pause()");
        client.run("INSERT INTO t VALUES (1)");
        let moved = ground.moved(&["--catch-up", "100ms", "--fallback", "wait"]);
        assert_eq!(moved["sessions"], 0, "{moved}");
        ground.assert_on_primary(&mut client);
        ground
            .standby
            .superuser("postgres")
            .run("SELECT pg_wal_replay_resume()");
        eventually("the session moves", || {
            (client.value("SELECT pg_is_in_recovery()").as_deref() == Some("t")).then_some(())
        });
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
    });
}

#[test]
fn what_cannot_move_is_ended_or_keeps_the_lull_away_where_the_operator_wants_that() {
    on_every_version(|ground| {
        let (mut bound, mut free) = (ground.client(), ground.client());
        bound.run("SELECT pg_advisory_lock(1)");
        let refused = ground
            .lull
            .on("all", &["--mode", "replica", "--unmovable", "refuse"]);
        assert!(!refused.status.success(), "{refused:?}");
        bound.run("INSERT INTO t VALUES (1)");
        free.run("INSERT INTO t VALUES (1)");
        ground.assert_on_primary(&mut free);
        let moved = ground.moved(&["--unmovable", "close"]);
        assert_eq!(moved["sessions"], 1, "{moved}");
        assert_eq!(bound.until_closed().error_code(), Some("57P01"));
        ground.assert_on_replica(&mut free);
    });
}

#[test]
fn lull_starts_again_in_the_middle_and_sends_its_clients_to_the_replica() {
    on_every_version(|ground| {
        ground.client().run("INSERT INTO t VALUES (1)");
        ground.moved(&[]);
        ground.lull.restart();
        // The first is a user to ask as.
        drop(ground.client());
        eventually("clients are logged in by the replica", || {
            let mut client = ground.client();
            (client.value("SELECT pg_is_in_recovery()").as_deref() == Some("t")).then_some(())
        });
        let mut client = ground.client();
        assert_eq!(
            client.query("INSERT INTO t VALUES (1)").error_code(),
            Some("25006")
        );
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (1)");
    });
}
