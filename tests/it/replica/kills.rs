//! kill -9 of lull, of the replica and of the primary, at random moments of the way to the replica and back.
//!
//! What becomes of a session is not looked at here (see `moves` and `order`), only what no client may ever see: a wrong
//! answer, an acknowledged write that is lost, a read that is older than one of the same session before, a write behind a
//! fence. `LULL_KILL_ROUNDS` says how often each victim is killed at each stage (1), `LULL_KILL_SEED` how the dice fall.

use super::Ground;
use crate::support::{PATIENCE, Replies, Version, Wire, eventually, frames};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Lull,
    Replica,
    Primary,
}

/// When the victim dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    OnTheWay,
    There,
    OnTheWayBack,
}

const VICTIMS: [Victim; 3] = [Victim::Lull, Victim::Replica, Victim::Primary];
const STAGES: [Stage; 3] = [Stage::OnTheWay, Stage::There, Stage::OnTheWayBack];
/// How long `lull on` may take where a server died under it: it waits for drains, audits and replicas.
const COMMAND_WAIT: Duration = Duration::from_secs(60);

struct Scene<'a> {
    ground: &'a Ground,
    over: AtomicBool,
    rows: AtomicU64,
    reads: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
}

/// Ends the others when one has failed.
struct Whistle<'a>(&'a AtomicBool);

impl Drop for Whistle<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

fn from_environment(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(usual, |text| text.parse().expect("a number"))
}

impl Scene<'_> {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    fn acknowledged(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.acknowledged.lock().expect("nobody has panicked")
    }
}

/// The answer; None where the session has ended. That none comes is never right.
fn ask(client: &mut Wire, sql: &str) -> Option<Replies> {
    client.try_send(&frames::query(sql)).ok()?;
    let mut replies = Vec::new();
    loop {
        match client.try_read() {
            Ok(message) => {
                let ready = message.tag == b'Z';
                replies.push(message);
                if ready {
                    return Some(Replies(replies));
                }
            }
            Err(error) => {
                let hangs = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!hangs, "no answer to {sql:?} within {PATIENCE:?}: {replies:?}");
                return None;
            }
        }
    }
}

/// What a client may be told where a server has died: nothing, or something that it may try again.
fn may_be_tried_again(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08") || code == "40001"
}

/// One session after the other: each answer is that to its own question, and none is older than the one before.
fn reader(scene: &Scene<'_>) {
    let _whistle = Whistle(&scene.over);
    let mut number = 0_u64;
    while scene.goes_on() {
        let Ok(mut client) = Wire::try_login(scene.ground.lull.address(), "app", "shop") else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let prepared = ask(
            &mut client,
            "PREPARE echo (bigint) AS SELECT $1 || ' ' || count(*) FROM t",
        );
        if prepared.is_none_or(|replies| replies.error().is_some()) {
            continue;
        }
        let mut seen = 0;
        while scene.goes_on() {
            thread::sleep(Duration::from_millis(1));
            number += 1;
            let Some(replies) = ask(&mut client, &format!("EXECUTE echo ({number})")) else {
                break;
            };
            if let Some(code) = replies.error_code() {
                assert!(may_be_tried_again(code), "a read: {replies:?}");
                continue;
            }
            let value = replies.value().expect("one row");
            let (echo, rows) = value.split_once(' ').expect("two numbers");
            assert_eq!(echo, number.to_string(), "the answer to another question");
            let rows: u64 = rows.parse().expect("a number");
            assert!(rows >= seen, "back in time: {rows} rows behind {seen}");
            seen = rows;
            scene.reads.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// What has been acknowledged is there, from the same session's next read on.
fn writer(scene: &Scene<'_>) {
    let _whistle = Whistle(&scene.over);
    while scene.goes_on() {
        let Ok(mut client) = Wire::try_login(scene.ground.lull.address(), "app", "shop") else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let mut last = None;
        while scene.goes_on() {
            let n = scene.rows.fetch_add(1, Ordering::SeqCst);
            let Some(replies) = ask(&mut client, &format!("INSERT INTO t VALUES ({n})")) else {
                break;
            };
            match replies.error_code() {
                None => {
                    scene.acknowledged().insert(n);
                    last = Some(n);
                }
                Some(code) => assert!(code == "25006" || may_be_tried_again(code), "{replies:?}"),
            }
            thread::sleep(Duration::from_millis(2));
            let Some(written) = last else { continue };
            let sql = format!("SELECT count(*) FROM t WHERE n = {written}");
            let Some(replies) = ask(&mut client, &sql) else {
                break;
            };
            match replies.error_code() {
                None => assert_eq!(replies.value().as_deref(), Some("1"), "row {written}"),
                Some(code) => assert!(may_be_tried_again(code), "{replies:?}"),
            }
        }
    }
}

impl Victim {
    fn die(self, ground: &Ground) {
        match self {
            Self::Lull => ground.lull.kill9(),
            Self::Replica => ground.standby.kill9(),
            Self::Primary => ground.primary.kill9(),
        }
    }

    fn rise(self, ground: &Ground) {
        match self {
            Self::Lull => ground.lull.launch(),
            Self::Replica => ground.standby.start_again(),
            Self::Primary => ground.primary.start_again(),
        }
    }
}

fn command(scene: &Scene<'_>, arguments: &[&str]) -> Child {
    let mut command = scene.ground.lull.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("lull runs")
}

fn end_of(mut command: Child) -> ExitStatus {
    let until = Instant::now() + COMMAND_WAIT;
    loop {
        if let Some(status) = command.try_wait().expect("own child") {
            return status;
        }
        assert!(Instant::now() < until, "a command does not end");
        thread::sleep(Duration::from_millis(5));
    }
}

fn rows(scene: &Scene<'_>) -> BTreeSet<u64> {
    let found = scene.ground.primary.superuser("shop").run("SELECT n FROM t");
    found
        .rows()
        .iter()
        .map(|row| row[0].parse().expect("a number"))
        .collect()
}

const ON: [&str; 8] = [
    "on",
    "all",
    "--mode",
    "replica",
    "--drain",
    "2s",
    "--catch-up",
    "3s",
];

/// One death: there, back, and everything as it must be.
fn round(scene: &Scene<'_>, victim: Victim, stage: Stage, pause: Duration) {
    let ground = scene.ground;
    let on = command(scene, &ON);
    if stage == Stage::OnTheWay {
        thread::sleep(pause);
        victim.die(ground);
        victim.rise(ground);
    }
    let fenced = end_of(on).success();
    assert!(fenced || stage == Stage::OnTheWay, "{victim:?}: lull on failed");
    if fenced {
        let before = rows(scene);
        thread::sleep(pause / 2);
        if stage == Stage::There {
            victim.die(ground);
            thread::sleep(pause);
            victim.rise(ground);
        }
        assert_eq!(
            rows(scene),
            before,
            "{victim:?} {stage:?}: written behind the fence"
        );
    }
    if stage == Stage::OnTheWayBack {
        let off = command(scene, &["off", "all"]);
        thread::sleep(pause);
        victim.die(ground);
        victim.rise(ground);
        end_of(off);
    }
    eventually("the lull ends", || {
        ground.lull.off("all").status.success().then_some(())
    });
    // In this order: more is written meanwhile.
    let acknowledged = scene.acknowledged().clone();
    let lost: Vec<u64> = acknowledged.difference(&rows(scene)).copied().collect();
    assert!(lost.is_empty(), "{victim:?} {stage:?}: lost {lost:?}");
    let before = acknowledged.len();
    eventually("somebody writes again", || {
        (scene.acknowledged().len() > before).then_some(())
    });
}

fn deaths_on(version: Version) {
    let ground = Ground::on(version);
    let scene = Scene {
        ground: &ground,
        over: AtomicBool::new(false),
        rows: AtomicU64::new(0),
        reads: AtomicU64::new(0),
        acknowledged: Mutex::default(),
    };
    let seed = from_environment("LULL_KILL_SEED", std::process::id().into());
    let rounds = from_environment("LULL_KILL_ROUNDS", 1);
    thread::scope(|threads| {
        let _whistle = Whistle(&scene.over);
        for _ in 0..3 {
            threads.spawn(|| reader(&scene));
        }
        for _ in 0..2 {
            threads.spawn(|| writer(&scene));
        }
        let mut dice = seed;
        for _ in 0..rounds {
            for (victim, stage) in VICTIMS.iter().flat_map(|v| STAGES.map(|stage| (*v, stage))) {
                // A linear congruence is dice enough: the moments spread over 80 ms.
                dice = dice
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                round(
                    &scene,
                    victim,
                    stage,
                    Duration::from_micros((dice >> 33) % 80_000),
                );
            }
        }
        scene.over.store(true, Ordering::SeqCst);
    });
    let (reads, kept) = (scene.reads.load(Ordering::SeqCst), scene.acknowledged().len());
    eprintln!("{version:?}: seed {seed}: {reads} reads, {kept} rows kept");
    assert!(reads > 0 && kept > 0, "nothing took place");
}

#[test]
fn whoever_is_killed_on_the_way_nothing_is_lost_and_nobody_reads_back_in_time() {
    deaths_on(Version::Distribution);
}

#[test]
fn whoever_is_killed_on_the_way_nothing_is_lost_and_nobody_reads_back_in_time_on_the_newest() {
    deaths_on(Version::Newest);
}
