//! Never back in time, and a primary that goes away.

use super::{Ground, on_both};
use crate::support::eventually;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

impl Ground {
    fn pause_replica(&self) {
        let pause = self
            .flavor
            .pick("STOP SLAVE SQL_THREAD", "STOP REPLICA SQL_THREAD");
        self.replica.superuser("").run(pause);
    }

    fn resume_replica(&self) {
        let resume = self
            .flavor
            .pick("START SLAVE SQL_THREAD", "START REPLICA SQL_THREAD");
        self.replica.superuser("").run(resume);
    }
}

#[test]
fn nobody_goes_to_a_replica_that_has_not_replayed_the_fence() {
    on_both(|ground| {
        let mut client = ground.client();
        ground.pause_replica();
        client.run("INSERT INTO t VALUES (1)");
        let moved = ground.moved(&["--catch-up", "300ms"]);
        assert_eq!(moved["sessions"], 0, "{moved}");
        assert!(moved["unfit"].to_string().contains("behind"), "{moved}");
        ground.assert_on_primary(&mut client);
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
        let refused = client.query("INSERT INTO t VALUES (2)");
        assert_eq!(refused.error_code(), Some(1792), "{refused:?}");
        ground.lull.lifted("all");
        // The operator may want no lull then.
        let arguments = ["--mode", "replica", "--catch-up", "300ms", "--fallback", "error"];
        let refused = ground.lull.on("all", &arguments);
        assert!(!refused.status.success(), "{refused:?}");
        client.run("INSERT INTO t VALUES (2)");
        ground.resume_replica();
        ground.moved(&[]);
        ground.assert_on_replica(&mut client);
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("2"));
    });
}

#[test]
fn a_server_that_is_not_read_only_is_no_replica() {
    on_both(|ground| {
        let mut client = ground.client();
        ground.replica.superuser("").run("SET GLOBAL read_only = 0");
        let moved = ground.moved(&["--catch-up", "300ms"]);
        assert!(moved["unfit"].to_string().contains("no replica"), "{moved}");
        ground.assert_on_primary(&mut client);
    });
}

#[test]
fn the_primary_is_stopped_and_started_under_running_readers_and_no_read_fails() {
    on_both(|ground| {
        ground.client().run("INSERT INTO t VALUES (1)");
        let (stop, reads) = (AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|threads| {
            let readers: Vec<_> = (0..8)
                .map(|_| {
                    let mut client = ground.client();
                    let (stop, reads) = (&stop, &reads);
                    threads.spawn(move || {
                        let prepared = client.prepare("SELECT n FROM t").expect("a number");
                        let execution = crate::support::mysql::packets::execute(prepared, 0, &[]);
                        while !stop.load(Ordering::Relaxed) {
                            assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
                            let replies = client.ask(&execution);
                            assert!(replies.error().is_none(), "{replies:?}");
                            reads.fetch_add(1, Ordering::Relaxed);
                        }
                        client
                    })
                })
                .collect();
            let moved = ground.moved(&[]);
            assert_eq!(moved["sessions"], 8, "{moved}");
            ground.primary.stop();
            // It does not end while the primary is away.
            let refused = ground.lull.off("all");
            assert!(!refused.status.success(), "{refused:?}");
            let before = reads.load(Ordering::Relaxed);
            eventually("reads go on", || {
                (reads.load(Ordering::Relaxed) > before + 100).then_some(())
            });
            ground.primary.start_again();
            ground.login().to(ground.lull.bypass()).run("UPDATE t SET n = 2");
            ground.lull.lifted("all");
            stop.store(true, Ordering::Relaxed);
            for reader in readers {
                let mut client = reader.join().expect("no read fails");
                ground.assert_on_primary(&mut client);
                assert_eq!(client.value("SELECT n FROM t").as_deref(), Some("2"));
                client.run("INSERT INTO t VALUES (1)");
            }
        });
    });
}

#[test]
fn a_lull_that_waits_for_a_replica_moves_its_sessions_when_one_is_there() {
    on_both(|ground| {
        let mut client = ground.client();
        ground.pause_replica();
        client.run("INSERT INTO t VALUES (1)");
        let moved = ground.moved(&["--catch-up", "100ms", "--fallback", "wait"]);
        assert_eq!(moved["sessions"], 0, "{moved}");
        ground.assert_on_primary(&mut client);
        ground.resume_replica();
        let replica = ground.replica.address.port().to_string();
        eventually("the session moves", || {
            (client.value("SELECT @@global.port") == Some(replica.clone())).then_some(())
        });
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
    });
}

#[test]
fn what_cannot_move_is_ended_or_keeps_the_lull_away_where_the_operator_wants_that() {
    on_both(|ground| {
        let (mut bound, mut free) = (ground.client(), ground.client());
        bound.run("SELECT GET_LOCK('mine', 1)");
        let refused = ground
            .lull
            .on("all", &["--mode", "replica", "--unmovable", "refuse"]);
        assert!(!refused.status.success(), "{refused:?}");
        bound.run("INSERT INTO t VALUES (1)");
        free.run("INSERT INTO t VALUES (1)");
        ground.assert_on_primary(&mut free);
        let moved = ground.moved(&["--unmovable", "close"]);
        assert_eq!(moved["sessions"], 1, "{moved}");
        let last = bound.until_closed();
        assert!(format!("{last:?}").contains("lull"), "{last:?}");
        ground.assert_on_replica(&mut free);
    });
}

#[test]
fn lull_starts_again_in_the_middle_and_sends_its_clients_to_the_replica() {
    on_both(|ground| {
        ground.client().run("INSERT INTO t VALUES (1)");
        ground.moved(&[]);
        ground.lull.restart();
        // The first is a user to ask as.
        drop(ground.client());
        let replica = ground.replica.address.port().to_string();
        eventually("clients go to the replica", || {
            let mut client = ground.client();
            (client.value("SELECT @@global.port") == Some(replica.clone())).then_some(())
        });
        let mut client = ground.client();
        let refused = client.query("INSERT INTO t VALUES (1)");
        assert_eq!(refused.error_code(), Some(1792), "{refused:?}");
        ground.lull.lifted("all");
        client.run("INSERT INTO t VALUES (1)");
    });
}
