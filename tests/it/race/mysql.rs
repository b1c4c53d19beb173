//! The same in front of MariaDB and MySQL.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Dice, Whistle, from_environment, lock};
use crate::support::Lull;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::wire::framed;
use crate::support::mysql::{Database, Flavor, Login, Replies, Server, Wire};

/// What everybody knows.
struct Race<'a> {
    db: &'a Database<'a>,
    lull: &'a Lull,
    over: AtomicBool,
    rows: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    refused: Mutex<BTreeSet<u64>>,
    reads: AtomicU64,
    fences: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Text,
    Prepared,
    Transaction,
    Holding,
    WithoutAutocommit,
    Pipeline,
    File,
}

const STYLES: [Style; 7] = [
    Style::Text,
    Style::Prepared,
    Style::Transaction,
    Style::Holding,
    Style::WithoutAutocommit,
    Style::Pipeline,
    Style::File,
];

impl Race<'_> {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    fn connect(&self, dice: &mut Dice) -> Wire {
        let modern = capability::DEPRECATE_EOF | capability::SESSION_TRACK;
        let more = if dice.roll(2) == 0 { modern } else { 0 };
        let login = Login::of("app").database(&self.db.name);
        login.with(more | capability::LOCAL_FILES).to(self.lull.address())
    }

    fn note(&self, n: u64, written: bool) {
        let noted = if written {
            &self.acknowledged
        } else {
            &self.refused
        };
        lock(noted).insert(n);
    }
}

/// Whether it ran. A refusal of a lull's is the only error that there may be.
fn ran(replies: &Replies, what: &str) -> bool {
    let code = replies.error_code();
    assert!(matches!(code, None | Some(1792)), "{what}: {replies:?}");
    code.is_none()
}

fn writer(race: &Race<'_>, style: Style, seed: u64) {
    let _whistle = Whistle(&race.over);
    let mut dice = Dice(seed);
    let mut client = race.connect(&mut dice);
    let prepare = |client: &mut Wire| client.prepare("INSERT INTO numbers VALUES (?)").ok();
    let mut statement = None;
    while race.goes_on() {
        let n = race.rows.fetch_add(4, Ordering::SeqCst);
        let insert = |n: u64| format!("INSERT INTO numbers VALUES ({n})");
        match style {
            Style::Text => race.note(n, ran(&client.query(&insert(n)), "text")),
            Style::Prepared => {
                statement = statement.or_else(|| prepare(&mut client));
                if let Some(statement) = statement {
                    let execute = packets::execute(statement, 0, &[Some(&n.to_string())]);
                    race.note(n, ran(&client.ask(&execute), "prepared"));
                }
            }
            Style::Transaction | Style::Holding | Style::WithoutAutocommit => {
                let begin = match style {
                    Style::WithoutAutocommit => "SET autocommit = 0",
                    _ => "START TRANSACTION",
                };
                ran(&client.query(begin), begin);
                let inserted = ran(&client.query(&insert(n)), "in a transaction");
                if matches!(style, Style::Holding) {
                    dice.pause(700);
                }
                let committed = ran(&client.query("COMMIT"), "COMMIT");
                race.note(n, inserted && committed);
            }
            Style::Pipeline => {
                let commands = (n..n + 3).flat_map(|n| framed(&packets::query(&insert(n)), 0).0);
                client.try_send_raw(&commands.collect::<Vec<u8>>()).expect("open");
                for n in n..n + 3 {
                    race.note(n, ran(&client.results(), "pipelined"));
                }
            }
            Style::File => {
                let asked = client.query("LOAD DATA LOCAL INFILE 'it' INTO TABLE numbers");
                if ran(&asked, "LOAD DATA") {
                    let done = client.send_file(&[format!("{n}\n").as_bytes()]);
                    race.note(n, ran(&done, "the file"));
                }
            }
        }
        if dice.roll(60) == 0 {
            let id = client.value("SELECT connection_id()");
            assert_eq!(
                id,
                Some(client.id().to_string()),
                "another session serves the client"
            );
            client.send(&[packets::QUIT]);
            (client, statement) = (race.connect(&mut dice), None);
        }
        dice.pause(4);
    }
}

fn reader(race: &Race<'_>, seed: u64) {
    let _whistle = Whistle(&race.over);
    let mut dice = Dice(seed);
    let mut client = race.connect(&mut dice);
    while race.goes_on() {
        let within = dice.roll(2) == 0;
        if within {
            client.run("START TRANSACTION");
        }
        client.run("SELECT count(*) FROM numbers");
        if within {
            client.run("COMMIT");
        }
        race.reads.fetch_add(1, Ordering::SeqCst);
        dice.pause(5);
    }
}

/// A lull, its fence, a look, and the end.
fn round(race: &Race<'_>, observer: &mut Wire, bypass: &mut Wire, scope: &str, dice: &mut Dice) {
    let (policy, drain) = [("abort", "500ms"), ("abort", "2s"), ("report", "200ms")]
        [usize::try_from(dice.roll(3)).expect("small")];
    let output = race.lull.on(scope, &["--drain", drain, "--stragglers", policy]);
    match output.status.code() {
        Some(0) => {
            race.fences.fetch_add(1, Ordering::SeqCst);
            let seen = |observer: &mut Wire| observer.value("SELECT count(*) FROM numbers WHERE n > 0");
            let before = seen(observer);
            bypass.run("INSERT INTO numbers VALUES (0)");
            dice.pause(120);
            assert_eq!(
                before,
                seen(observer),
                "behind the fence of {scope} ({policy}, {drain})"
            );
        }
        code => assert_eq!((code, policy), (Some(3), "report"), "{output:?}"),
    }
    race.lull.lifted(scope);
    dice.pause(150);
}

fn numbers(db: &Database<'_>) -> BTreeSet<u64> {
    let found = db.superuser().run("SELECT n FROM numbers WHERE n > 0");
    let rows = found.rows();
    let number = |row: &Vec<Option<&str>>| row[0].and_then(|n| n.parse().ok());
    rows.iter().map(|row| number(row).expect("a number")).collect()
}

fn race_on(flavor: Flavor) {
    let server = Server::start(flavor);
    let db = server.database();
    db.run("CREATE TABLE numbers (n BIGINT, KEY (n))");
    let lull = Lull::start(&server);
    let race = Race {
        db: &db,
        lull: &lull,
        over: AtomicBool::new(false),
        rows: AtomicU64::new(1),
        acknowledged: Mutex::default(),
        refused: Mutex::default(),
        reads: AtomicU64::new(0),
        fences: AtomicU64::new(0),
    };
    let seed = from_environment("LULL_RACE_SEED", std::process::id().into());
    let rounds = from_environment("LULL_RACE_ROUNDS", 100) / 4;
    let until = Instant::now() + Duration::from_secs(from_environment("LULL_RACE_SECONDS", 60) / 3);
    let scopes = [
        format!("main/{}", db.name),
        "main/*@app".to_owned(),
        "all".to_owned(),
    ];
    thread::scope(|threads| {
        for (at, style) in (seed..).zip(STYLES) {
            let race = &race;
            threads.spawn(move || writer(race, style, at * 31));
        }
        for at in 0..2 {
            let race = &race;
            threads.spawn(move || reader(race, seed + 100 + at));
        }
        let _whistle = Whistle(&race.over);
        let mut dice = Dice(seed + 300);
        let (mut observer, mut bypass) = (db.superuser(), Wire::login(lull.bypass(), "app", &db.name));
        let mut done = 0;
        while done < rounds && Instant::now() < until && race.goes_on() {
            let scope = &scopes[usize::try_from(dice.roll(3)).expect("small")];
            round(&race, &mut observer, &mut bypass, scope, &mut dice);
            done += 1;
        }
        race.over.store(true, Ordering::SeqCst);
    });
    let present = numbers(&db);
    let (acknowledged, refused) = (lock(&race.acknowledged), lock(&race.refused));
    let lost: Vec<_> = acknowledged.difference(&present).collect();
    assert!(
        lost.is_empty(),
        "{flavor:?}: acknowledged and lost: {lost:?} (seed {seed})"
    );
    let there: Vec<_> = refused.intersection(&present).collect();
    assert!(
        there.is_empty(),
        "{flavor:?}: refused and there: {there:?} (seed {seed})"
    );
    let fences = race.fences.load(Ordering::SeqCst);
    let (kept, refused) = (acknowledged.len(), refused.len());
    eprintln!("{flavor:?}, seed {seed}: {fences} fences, {kept} rows kept, {refused} refused");
    assert!(fences > 0 && race.reads.load(Ordering::SeqCst) > 0 && kept > 0 && refused > 0);
    let ended = lull.metric("lull_sessions_ended_total{who=\"upstream\",why=\"lost\"}");
    assert_eq!(ended, 0.0, "no session was dropped");
}

/// `write_leaks_total` and guard alarms are 0: every lull of a test proves that when it ends.
#[test]
fn writers_lose_nothing_and_write_nothing_behind_a_fence_while_lulls_come_and_go() {
    for flavor in Flavor::ALL {
        race_on(flavor);
    }
}
