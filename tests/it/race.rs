//! Writers and readers on many connections, while lulls open and close at random.
//!
//! Looked at from outside, with the server's own data: nothing that was acknowledged is lost, nothing that was refused is
//! there, nothing is written between a fence and the end of its lull, no read fails, and no session is dropped but under
//! `terminate`. `LULL_RACE_ROUNDS` says how many lulls open (100); `LULL_RACE_SECONDS` how long it may take (60).

mod mysql;
mod replica;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Database, Lull, Message, Postgres, Replies, Version, Wire, frames};

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(usual, |text| text.parse().expect("a number"))
}

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pause(&mut self, most_ms: u64) {
        thread::sleep(Duration::from_millis(self.roll(most_ms + 1)));
    }
}

/// What everybody knows.
struct Race<'a> {
    db: &'a Database<'a>,
    lull: &'a Lull,
    /// Half of the lulls send their sessions to replicas.
    replicas: bool,
    over: AtomicBool,
    rows: AtomicU64,
    /// What writers were told, by row number.
    acknowledged: Mutex<BTreeSet<u64>>,
    refused: Mutex<BTreeSet<u64>>,
    reads: AtomicU64,
    fences: AtomicU64,
    /// Lulls with `terminate` that have been asked for and are not over.
    terminating: AtomicU64,
    /// How many of those there have been: a session may be lost if this moved.
    terminated: AtomicU64,
    /// Keys of the writers' sessions, for whoever cancels.
    keys: Mutex<Vec<(u32, Vec<u8>)>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("nobody has panicked")
}

/// Keeps a panic of one from leaving the others running for ever.
struct Whistle<'a>(&'a AtomicBool);

impl Drop for Whistle<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

impl Race<'_> {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    fn connect(&self, cancelled: bool) -> Client<'_> {
        let wire = Wire::login(self.lull.address(), "app", &self.db.name);
        if let Some(key) = wire.key.as_ref().filter(|_| cancelled) {
            lock(&self.keys).push(key.clone());
        }
        Client {
            race: self,
            since: self.terminated.load(Ordering::SeqCst),
            pid: wire.pid(),
            seen: 0,
            cancelled,
            wire,
        }
    }
}

/// One session through lull, that knows whether it may be lost.
struct Client<'a> {
    race: &'a Race<'a>,
    wire: Wire,
    pid: u32,
    /// Whether cancel requests are sent for it.
    cancelled: bool,
    /// How many terminating lulls there had been when it began.
    since: u64,
    /// How many rows it has seen at least.
    seen: u64,
}

impl Client<'_> {
    /// Sends, and reads up to so many ReadyForQuery. None where a terminating lull has ended the session: it is a new one
    /// then.
    fn exchange(&mut self, bytes: &[u8], readies: usize) -> Option<Vec<Replies>> {
        let mut all = Vec::new();
        let mut got: Vec<Message> = Vec::new();
        let mut lost = self.wire.try_send(bytes).is_err();
        while !lost && all.len() < readies {
            match self.wire.try_read() {
                Ok(message) => {
                    let ready = matches!(message.tag, b'Z' | b'G');
                    got.push(message);
                    if ready {
                        all.push(Replies(std::mem::take(&mut got)));
                    }
                }
                Err(_) => lost = true,
            }
        }
        if !lost {
            return Some(all);
        }
        let now = self.race.terminated.load(Ordering::SeqCst);
        let may = now > self.since || self.race.terminating.load(Ordering::SeqCst) > 0;
        assert!(
            may,
            "a session was dropped, and no policy says so: {got:?} after {all:?}"
        );
        *self = self.race.connect(self.cancelled);
        None
    }

    fn same_backend(&mut self) {
        if self.race.replicas {
            return;
        }
        if let Some(replies) = self.exchange(&frames::query("SELECT pg_backend_pid()"), 1) {
            assert!(allowed(&replies[0]), "{replies:?}");
            // None where it was cancelled.
            let pid = replies[0].value().unwrap_or_else(|| self.pid.to_string());
            assert_eq!(pid, self.pid.to_string(), "another backend serves the session");
        }
    }
}

/// What a client may be told that is no fault of lull's.
fn allowed(replies: &Replies) -> bool {
    // Read-only; cancelled; the transaction that one of these has failed; the statement whose Parse was cancelled.
    matches!(
        replies.error_code(),
        None | Some("25006" | "57014" | "25P02" | "26000")
    )
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Simple,
    Extended,
    Prepared,
    Transaction,
    Holding,
    Pipeline,
    Copy,
}

const STYLES: [Style; 7] = [
    Style::Simple,
    Style::Extended,
    Style::Prepared,
    Style::Transaction,
    Style::Holding,
    Style::Pipeline,
    Style::Copy,
];

fn writer(race: &Race<'_>, style: Style, seed: u64) {
    let _whistle = Whistle(&race.over);
    let mut dice = Dice(seed);
    let mut client = race.connect(true);
    while race.goes_on() {
        write(race, &mut client, style, &mut dice);
        if dice.roll(40) == 0 {
            client.same_backend();
        }
        if dice.roll(60) == 0 {
            client.wire.send(&frames::terminate());
            client = race.connect(true);
        }
        dice.pause(4);
    }
}

fn write(race: &Race<'_>, client: &mut Client<'_>, style: Style, dice: &mut Dice) {
    let n = race.rows.fetch_add(4, Ordering::SeqCst);
    let insert = |n: u64| format!("INSERT INTO rows VALUES ({n})");
    match style {
        Style::Simple => one(race, client, n, &frames::query(&insert(n))),
        Style::Extended => one(
            race,
            client,
            n,
            &[frames::extended(&insert(n), &[]), frames::sync()].concat(),
        ),
        Style::Prepared => {
            let text = n.to_string();
            let parse = [
                frames::parse("w", "INSERT INTO rows VALUES ($1::bigint)"),
                frames::sync(),
            ]
            .concat();
            let run = [
                frames::bind("", "w", &[Some(&text)]),
                frames::execute("", 0),
                frames::sync(),
            ]
            .concat();
            // A new session has no such statement, an old one has it already: then the answer to the Parse is an error.
            if client.exchange(&parse, 1).is_some() {
                one(race, client, n, &run);
            }
        }
        Style::Transaction | Style::Holding => {
            let begun = client.exchange(&frames::query("BEGIN"), 1);
            let inserted = begun.and_then(|_| client.exchange(&frames::query(&insert(n)), 1));
            if matches!(style, Style::Holding) {
                dice.pause(700);
            }
            let Some(inserted) = inserted else { return };
            assert!(allowed(&inserted[0]), "{inserted:?}");
            let committed = client.exchange(&frames::query("COMMIT"), 1);
            // Where BEGIN was cancelled, there was no transaction, and COMMIT says nothing about the row.
            if let Some(committed) = committed.filter(|_| inserted[0].status() == Some('T')) {
                note(race, n, &committed[0], "COMMIT");
            }
        }
        Style::Pipeline => {
            let batch = |n| [frames::extended(&insert(n), &[]), frames::sync()].concat();
            let bytes = (n..n + 3).flat_map(batch).collect::<Vec<u8>>();
            if let Some(replies) = client.exchange(&bytes, 3) {
                for (n, replies) in (n..).zip(&replies) {
                    note(race, n, replies, "INSERT 0 1");
                }
            }
        }
        Style::Copy => {
            let begun = client.exchange(&frames::query("COPY rows FROM STDIN"), 1);
            if begun.is_some_and(|replies| replies[0].first(b'G').is_some()) {
                let data = [
                    frames::copy_data(format!("{n}\n").as_bytes()),
                    frames::copy_done(),
                ]
                .concat();
                one_of(race, client, n, &data, "COPY 1");
            }
        }
    }
}

fn one(race: &Race<'_>, client: &mut Client<'_>, n: u64, bytes: &[u8]) {
    one_of(race, client, n, bytes, "INSERT 0 1");
}

fn one_of(race: &Race<'_>, client: &mut Client<'_>, n: u64, bytes: &[u8], tag: &str) {
    if let Some(replies) = client.exchange(bytes, 1) {
        note(race, n, &replies[0], tag);
    }
}

fn note(race: &Race<'_>, n: u64, replies: &Replies, tag: &str) {
    assert!(allowed(replies), "row {n}: {replies:?}");
    if replies.commands().iter().any(|command| command == tag) {
        lock(&race.acknowledged).insert(n);
    } else {
        lock(&race.refused).insert(n);
    }
}

fn reader(race: &Race<'_>, seed: u64) {
    let _whistle = Whistle(&race.over);
    let mut dice = Dice(seed);
    let mut client = race.connect(false);
    while race.goes_on() {
        let read = "SELECT count(*) FROM rows WHERE n >= 0";
        let (bytes, readies) = match dice.roll(3) {
            0 => (frames::query(read), 1),
            1 => ([frames::extended(read, &[]), frames::sync()].concat(), 1),
            _ => (
                [
                    frames::query("BEGIN"),
                    frames::query(read),
                    frames::query("COMMIT"),
                ]
                .concat(),
                3,
            ),
        };
        if let Some(replies) = client.exchange(&bytes, readies) {
            assert!(
                replies.iter().all(|r| r.error().is_none()),
                "a read failed: {replies:?}"
            );
            let read = replies.iter().find_map(Replies::value).expect("a number");
            let rows = read.parse().expect("a number");
            assert!(rows >= client.seen, "back in time: {rows} behind {}", client.seen);
            client.seen = rows;
            race.reads.fetch_add(1, Ordering::SeqCst);
        }
        if dice.roll(50) == 0 {
            client.wire.send(&frames::terminate());
            client = race.connect(false);
        }
        dice.pause(5);
    }
    client.same_backend();
}

/// Cancel requests for writers, at random moments, and reloads.
fn disturber(race: &Race<'_>, seed: u64) {
    let _whistle = Whistle(&race.over);
    let mut dice = Dice(seed);
    while race.goes_on() {
        let key = {
            let keys = lock(&race.keys);
            let at = usize::try_from(dice.roll(keys.len().max(1) as u64)).expect("small");
            keys.get(at).cloned()
        };
        if let Some((pid, key)) = key {
            let mut other = Wire::connect(race.lull.address()).expect("a connection for the cancel request");
            other.send(&frames::cancel_request(pid, &key)).until_closed();
        }
        if dice.roll(20) == 0 {
            race.lull.signal("HUP");
        }
        dice.pause(60);
    }
}

/// One round: a lull, its fence, a look, and the end. True where it was fenced.
fn round(race: &Race<'_>, observer: &mut Wire, bypass: &mut Wire, scope: &str, dice: &mut Dice) {
    let (policy, drain) = *[
        ("abort", "500ms"),
        ("abort", "2s"),
        ("report", "200ms"),
        ("terminate", "500ms"),
    ]
    .get(usize::try_from(dice.roll(4)).expect("small"))
    .expect("four of them");
    let terminates = policy == "terminate";
    if terminates {
        race.terminating.fetch_add(1, Ordering::SeqCst);
        race.terminated.fetch_add(1, Ordering::SeqCst);
    }
    let mut arguments = vec!["--reason", "race", "--drain", drain, "--stragglers", policy];
    if race.replicas && dice.roll(2) == 0 {
        arguments.extend(["--mode", "replica"]);
    }
    let output = race.lull.on(scope, &arguments);
    let fenced = match output.status.code() {
        Some(0) => true,
        // Not reached; or the operator next door has changed the same lull.
        Some(3) => false,
        _ => panic!("lull on {scope} {policy}: {output:?}"),
    };
    if fenced {
        race.fences.fetch_add(1, Ordering::SeqCst);
        let seen = |observer: &mut Wire| observer.value("SELECT count(*) FROM rows WHERE n >= 0");
        let before = seen(observer);
        bypass.run("INSERT INTO rows VALUES (-1 - nextval('witness'))");
        dice.pause(120);
        let after = seen(observer);
        assert_eq!(
            before, after,
            "written behind the fence of {scope} ({policy}, {drain}): {output:?}"
        );
    } else {
        assert_eq!(policy, "report", "no fence: {output:?}");
    }
    race.lull.lifted(scope);
    if terminates {
        race.terminating.fetch_sub(1, Ordering::SeqCst);
    }
    dice.pause(150);
}

fn operator(race: &Race<'_>, scopes: &[&str], rounds: u64, until: Instant, seed: u64) -> u64 {
    let _whistle = Whistle(&race.over);
    let mut dice = Dice(seed);
    let mut observer = race.db.superuser();
    let mut bypass = Wire::login(race.lull.bypass(), "app", &race.db.name);
    let mut done = 0;
    while done < rounds && Instant::now() < until && race.goes_on() {
        let scope = scopes[usize::try_from(dice.roll(scopes.len() as u64)).expect("small")];
        round(race, &mut observer, &mut bypass, scope, &mut dice);
        done += 1;
    }
    done
}

fn numbers(db: &Database<'_>) -> BTreeSet<u64> {
    let rows = db.superuser().run("SELECT n FROM rows WHERE n >= 0").rows();
    rows.iter().map(|row| row[0].parse().expect("a number")).collect()
}

fn race_on(version: Version, share: u64) {
    let server = Postgres::start(version);
    let db = ground(&server);
    run(&db, &Lull::start(&server), false, share);
}

fn ground(server: &Postgres) -> Database<'_> {
    let db = server.database();
    db.run("CREATE TABLE rows (n bigint PRIMARY KEY); CREATE SEQUENCE witness");
    db
}

fn run(db: &Database<'_>, lull: &Lull, replicas: bool, share: u64) {
    let race = Race {
        db,
        lull,
        replicas,
        over: AtomicBool::new(false),
        rows: AtomicU64::new(0),
        acknowledged: Mutex::default(),
        refused: Mutex::default(),
        reads: AtomicU64::new(0),
        fences: AtomicU64::new(0),
        terminating: AtomicU64::new(0),
        terminated: AtomicU64::new(0),
        keys: Mutex::default(),
    };
    let seed = from_environment("LULL_RACE_SEED", std::process::id().into());
    let rounds = (from_environment("LULL_RACE_ROUNDS", 100) / share).max(2) / 2;
    let until = Instant::now() + Duration::from_secs(from_environment("LULL_RACE_SECONDS", 60) / share);
    let narrow = [format!("main/{}", db.name), "main".to_owned()];
    let by_user = [
        format!("main/{}@app", db.name),
        "main/*@app".to_owned(),
        "all".to_owned(),
    ];
    let done = thread::scope(|threads| {
        for (at, style) in (seed..).zip(STYLES) {
            let race = &race;
            threads.spawn(move || writer(race, style, at * 31));
        }
        for at in 0..3 {
            let race = &race;
            threads.spawn(move || reader(race, seed + 100 + at));
        }
        let one = threads.spawn(|| disturber(&race, seed + 200));
        let wide = threads.spawn(|| {
            let scopes: Vec<&str> = narrow.iter().map(String::as_str).collect();
            operator(&race, &scopes, rounds, until, seed + 300)
        });
        let scopes: Vec<&str> = by_user.iter().map(String::as_str).collect();
        let done = operator(&race, &scopes, rounds, until, seed + 400) + wide.join().unwrap_or(0);
        race.over.store(true, Ordering::SeqCst);
        drop(one);
        done
    });
    let present = numbers(db);
    let (acknowledged, refused) = (lock(&race.acknowledged), lock(&race.refused));
    let lost: Vec<_> = acknowledged.difference(&present).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let there: Vec<_> = refused.intersection(&present).collect();
    assert!(there.is_empty(), "refused and there all the same: {there:?}");
    let (fences, reads) = (
        race.fences.load(Ordering::SeqCst),
        race.reads.load(Ordering::SeqCst),
    );
    let (kept, refused) = (acknowledged.len(), refused.len());
    eprintln!(
        "{done} rounds (seed {seed}), {fences} fences, {reads} reads, {kept} rows kept, {refused} refused"
    );
    assert!(
        fences > 0 && reads > 0 && kept > 0 && refused > 0,
        "the race did not take place"
    );
    let mut client = Wire::login(lull.address(), "app", &db.name);
    client.run("INSERT INTO rows VALUES (9999999999)");
}

#[test]
fn writers_lose_nothing_and_write_nothing_behind_a_fence_while_lulls_come_and_go() {
    for version in Version::ALL {
        race_on(version, Version::ALL.len() as u64);
    }
}
