//! Many sessions that do their worst while lulls open and close: between a fence and the end of its lull, nothing changes.
//!
//! Each round takes as long as it takes every session to have had its turns in the lull and outside of it.

use super::ground::{self, WRITE, table};
use super::manners::{Manner, send};
use crate::support::{Database, Lull, Observer, Postgres, Replies, Version, Wire, eventually, frames};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

const ROUNDS: usize = 12;

struct Crowd<'a> {
    db: &'a Database<'a>,
    lull: &'a Lull,
    over: AtomicBool,
    /// How many turns each session has had.
    turns: Vec<AtomicU64>,
}

/// A panic of one ends the turns of all.
struct Whistle<'a>(&'a AtomicBool);

impl Drop for Whistle<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<'a> Crowd<'a> {
    fn of(size: usize, db: &'a Database<'a>, lull: &'a Lull) -> Self {
        Self {
            db,
            lull,
            over: AtomicBool::new(false),
            turns: (0..size).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    fn login(&self) -> Wire {
        Wire::login(self.lull.address(), "app", &self.db.name)
    }

    /// One session's turns until all is over.
    fn takes_turns(&self, at: usize, mut turn: impl FnMut(u64)) {
        let _whistle = self.whistle_on_panic();
        while self.goes_on() {
            turn(self.turns[at].fetch_add(1, Ordering::SeqCst));
        }
    }

    fn whistle_on_panic(&self) -> Whistle<'_> {
        Whistle(&self.over)
    }

    /// Waits until everybody has begun two turns more: one was begun and ended meanwhile.
    fn everybody_has_a_turn(&self) {
        let turns = || self.turns.iter().map(|turns| turns.load(Ordering::SeqCst));
        let then: Vec<u64> = turns().collect();
        eventually("everybody has had a turn", || {
            let had = turns().zip(&then).all(|(now, then)| now > then + 1);
            (had || !self.goes_on()).then_some(())
        });
    }

    /// Opens and closes lulls; what has changed in them.
    fn lulls(&self) -> Vec<String> {
        let _whistle = self.whistle_on_panic();
        let mut observer = Observer::of(self.db);
        let mut found = Vec::new();
        let rows = || self.db.value("SELECT count(*) FROM t");
        for round in 0..ROUNDS {
            let before = rows();
            eventually("somebody writes while no lull is open", || {
                (rows() != before || !self.goes_on()).then_some(())
            });
            self.lull.fenced(
                "all",
                &["--reason", "crowd", "--drain", "500ms", "--stragglers", "abort"],
            );
            let seen = observer.fingerprint();
            self.everybody_has_a_turn();
            let changes = seen.changes(&observer.fingerprint());
            if !changes.is_empty() {
                found.push(format!("round {round}: {changes:?}"));
            }
            self.lull.lifted("all");
            if !self.goes_on() {
                break;
            }
        }
        found
    }
}

/// What a round of threads says when it is over.
#[track_caller]
fn nothing_changes(version: Version, size: usize, session: impl Fn(&Crowd<'_>, usize) + Sync) {
    let server = Postgres::start(version);
    let db = server.database();
    ground::lay(&db);
    let lull = Lull::start(&server);
    let crowd = Crowd::of(size, &db, &lull);
    let found = thread::scope(|threads| {
        for at in 0..size {
            let (crowd, session) = (&crowd, &session);
            threads.spawn(move || session(crowd, at));
        }
        crowd.lulls()
    });
    assert!(found.is_empty(), "{version:?}: {}", found.join("\n"));
    assert_eq!(lull.status_json()["guard_alarms"], 0);
    // A lift may have been made for good.
    let mut client = crowd.login();
    client.run("SET default_transaction_read_only = off");
    client.run(WRITE);
}

#[test]
fn no_lift_that_races_with_a_lull_that_opens_outlives_its_fence() {
    const MANNERS: [Manner; 5] = [
        Manner::Simple,
        Manner::OneWriteSimple,
        Manner::OneWrite,
        Manner::Pipeline,
        Manner::OneMessage,
    ];
    for version in Version::ALL {
        nothing_changes(version, 10, |crowd, at| {
            let lifts = table("escapes.sql", crowd.db);
            let mut client = crowd.login();
            crowd.takes_turns(at, |turn| {
                let turn = usize::try_from(turn).expect("few turns");
                // Each begins elsewhere in the table; the manner changes from one round through it to the next.
                let case = &lifts[(turn + at * 7) % lifts.len()];
                let manner = MANNERS[(turn / lifts.len() + turn + at) % MANNERS.len()];
                if send(&mut client, &case.lines, manner).deaf {
                    client = crowd.login();
                }
                // Whatever the case has left open.
                client.query("ROLLBACK");
            });
        });
    }
}

/// What a client may be told in the crowd: that a lull is open, or has ended its transaction; a target, that it was
/// cancelled, or that its transaction has failed.
fn allowed(replies: &Replies, target: bool) -> bool {
    match replies.error_code() {
        None | Some("25006") => true,
        Some("57014" | "25P02" | "26000" | "34000") => target,
        Some(_) => false,
    }
}

#[test]
fn cancel_requests_sprayed_while_lulls_open_hit_nobody_but_their_targets() {
    const TARGETS: usize = 3;
    const BYSTANDERS: usize = 3;
    const SPRAYERS: usize = 3;
    for version in Version::ALL {
        let keys = std::sync::Mutex::new(Vec::new());
        nothing_changes(version, TARGETS + BYSTANDERS + SPRAYERS, |crowd, at| {
            if at >= TARGETS + BYSTANDERS {
                return spray(crowd, at, &keys);
            }
            let target = at < TARGETS;
            let mut client = crowd.login();
            let (pid, key) = client.key.clone().expect("logged in");
            // With another's key, a request is for nobody.
            let key = if target {
                key
            } else {
                key.iter().map(|byte| !byte).collect()
            };
            keys.lock().expect("no panic").push((pid, key));
            crowd.takes_turns(at, |turn| {
                let messages = match turn % 4 {
                    0 => vec![frames::query(WRITE_APART)],
                    1 => vec![[frames::extended(WRITE_APART, &[]), frames::sync()].concat()],
                    2 => [
                        "BEGIN READ WRITE",
                        "SELECT count(*) FROM t",
                        WRITE_APART,
                        "COMMIT",
                    ]
                    .map(frames::query)
                    .to_vec(),
                    _ => vec![frames::query("SELECT pg_sleep(0.002)")],
                };
                for message in messages {
                    let replies = client.send(&message).until_ready();
                    assert!(allowed(&replies, target), "a target: {target}: {replies:?}");
                }
                client.query("ROLLBACK");
            });
            assert_eq!(client.pid(), pid, "it is the same session still");
        });
    }
}

/// By everybody at once.
const WRITE_APART: &str = "INSERT INTO t SELECT nextval('s') + 100000, 'crowd'";

fn spray(crowd: &Crowd<'_>, at: usize, keys: &std::sync::Mutex<Vec<(u32, Vec<u8>)>>) {
    crowd.takes_turns(at, |turn| {
        let key = {
            let keys = keys.lock().expect("no panic");
            let turn = usize::try_from(turn).expect("few turns");
            keys.get(turn % keys.len().max(1)).cloned()
        };
        if let Some((pid, key)) = key {
            let mut other = Wire::connect(crowd.lull.address()).expect("a connection for the cancel request");
            other.send(&frames::cancel_request(pid, &key)).until_closed();
        }
    });
}
