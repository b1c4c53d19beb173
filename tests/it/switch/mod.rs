//! The switch, as an operator and the clients live through it: whom `lull on` makes read-only and when, what each is told,
//! and what is left of it after `lull off`.
//!
//! Every test has a database of its own on the shared servers and a lull of its own; where the whole server matters
//! (prepared transactions, log positions), a server of its own too.

mod contract;
mod idle;
mod interrupts;
mod midst;
mod mysql;
mod prompt;
mod reload;
mod transactions;
mod wrapped;

use crate::support::{Database, Lull, Postgres, Replies, Version, Wire, eventually};
use serde_json::Value;
use std::io::Read;
use std::process::{Child, Output, Stdio};

/// A database with a table `t (n int)`, and lull in front of it.
pub struct Ground {
    pub lull: Lull,
    pub db: Database<'static>,
}

impl Ground {
    pub fn on(server: &'static Postgres) -> Self {
        let db = server.database();
        db.run("CREATE TABLE t (n int)");
        Self {
            lull: Lull::start(server),
            db,
        }
    }

    /// A client of the ordinary role, through lull.
    #[track_caller]
    pub fn client(&self) -> Wire {
        Wire::login(self.lull.address(), "app", &self.db.name)
    }

    /// The numbers in `t`, as the outside sees them: `"1,2"`.
    #[track_caller]
    pub fn rows(&self) -> String {
        self.db
            .value("SELECT coalesce(string_agg(n::text, ',' ORDER BY n), '') FROM t")
            .expect("one row")
    }

    /// Locks that a backend holds on `t`.
    #[track_caller]
    pub fn locks_of(&self, pid: u32) -> String {
        let count = format!("SELECT count(*) FROM pg_locks WHERE pid = {pid} AND relation = 't'::regclass");
        self.db.value(&count).expect("one row")
    }

    /// Waits until the server says that a backend is in this state (`active`, `idle in transaction` ...).
    #[track_caller]
    pub fn backend_is(&self, pid: u32, state: &str) {
        let question = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND state = '{state}'");
        let mut observer = self.db.superuser();
        eventually(&format!("backend {pid} is {state}"), || observer.value(&question));
    }

    /// Starts `lull on SCOPE --json` and returns when the lull is open, though perhaps not fenced.
    #[track_caller]
    pub fn opening(&self, arguments: &[&str]) -> Opening {
        Opening::of(&self.lull, arguments)
    }

    /// The scopes of the lulls that are open.
    #[track_caller]
    pub fn lulls(&self) -> Vec<String> {
        lulls(&self.lull)
    }

    /// How many sessions do not stand.
    #[track_caller]
    pub fn stragglers(&self) -> usize {
        stragglers(&self.lull)
    }
}

#[track_caller]
fn lulls(lull: &Lull) -> Vec<String> {
    let status = lull.status_json();
    let lulls = status["lulls"].as_array().expect("a list");
    lulls
        .iter()
        .map(|lull| lull["scope"].as_str().expect("a scope").to_owned())
        .collect()
}

#[track_caller]
fn stragglers(lull: &Lull) -> usize {
    lull.status_json()["stragglers"].as_array().expect("a list").len()
}

/// A `lull on` that has not ended yet.
pub struct Opening(pub Child);

impl Opening {
    /// Returns when the lull is open, though perhaps not fenced.
    #[track_caller]
    fn of(lull: &Lull, arguments: &[&str]) -> Self {
        let mut command = lull.command(&[&["on", "--json"], arguments].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let opening = Self(command.spawn().expect("lull runs"));
        eventually("the lull is open", || (!lulls(lull).is_empty()).then_some(()));
        opening
    }

    /// Its exit code, and the line of JSON that it printed.
    #[track_caller]
    pub fn outcome(mut self) -> (i32, Value) {
        eventually("lull on answers", || self.0.try_wait().expect("own child"));
        let mut output = Output {
            status: self.0.wait().expect("own child"),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        stdout
            .expect("piped")
            .read_to_end(&mut output.stdout)
            .expect("a pipe");
        stderr
            .expect("piped")
            .read_to_end(&mut output.stderr)
            .expect("a pipe");
        let code = output.status.code().expect("an exit code");
        let json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {output:?}"));
        (code, json)
    }

    /// It must reach its fence.
    #[track_caller]
    pub fn fenced(self) -> Value {
        let (code, json) = self.outcome();
        assert_eq!(code, 0, "{json}");
        json
    }

    pub fn is_waiting(&mut self) -> bool {
        self.0.try_wait().expect("own child").is_none()
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a test's body on every version, each on a fresh ground.
pub fn on_every_version(body: impl Fn(&Ground)) {
    for version in Version::ALL {
        body(&Ground::on(Postgres::shared(version)));
    }
}

/// What became of each straggler, in order.
pub fn fates(opened: &Value) -> Vec<&str> {
    let stragglers = opened["stragglers"].as_array().expect("a list");
    stragglers
        .iter()
        .map(|straggler| straggler["fate"].as_str().expect("a fate"))
        .collect()
}

/// A refusal as the issue wants it: 25006, severity ERROR, the lull named.
#[track_caller]
pub fn assert_refused(replies: &Replies, what: &str) {
    let error = replies
        .error()
        .unwrap_or_else(|| panic!("{what} was not refused: {replies:?}"));
    assert_eq!(error.field(b'C'), Some("25006"), "{what}: {replies:?}");
    assert_eq!(error.field(b'V'), Some("ERROR"), "{what}: {replies:?}");
    let detail = error.field(b'D').unwrap_or_default();
    assert!(detail.contains("A lull on "), "{what}: {replies:?}");
    assert!(error.field(b'H').is_some(), "{what}: {replies:?}");
}

/// The first word about a transaction that the drain policy has ended.
#[track_caller]
pub fn assert_told_of_drain(replies: &Replies, what: &str) {
    assert_refused(replies, what);
    let detail = replies
        .error()
        .and_then(|error| error.field(b'D'))
        .unwrap_or_default();
    assert!(detail.contains("has been rolled back"), "{what}: {replies:?}");
}
