//! lull itself, as a process in front of a server, driven as an operator drives it.
//!
//! Knows the command line and the sockets, nothing else. A test that fails finds lull's log in its output.

use super::places::{Account, Scratch};
use super::{Postgres, eventually, http, mysql, ports};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The server behind lull, and what it speaks: an address alone is PostgreSQL's.
#[derive(Clone, Copy, Debug)]
pub struct Primary {
    /// As the flag of `lull serve`.
    flag: &'static str,
    /// As `protocol` in the configuration.
    protocol: &'static str,
    pub address: SocketAddr,
}

impl Primary {
    pub fn mysql(address: SocketAddr) -> Self {
        Self {
            flag: "--mysql",
            protocol: "mysql",
            address,
        }
    }
}

impl From<SocketAddr> for Primary {
    fn from(address: SocketAddr) -> Self {
        Self {
            flag: "--postgres",
            protocol: "postgresql",
            address,
        }
    }
}

impl From<&Postgres> for Primary {
    fn from(server: &Postgres) -> Self {
        server.address.into()
    }
}

impl From<&mysql::Server> for Primary {
    fn from(server: &mysql::Server) -> Self {
        Self::mysql(server.address)
    }
}

/// The addresses and paths of one lull: its own, on which nobody else listens.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub primary: Primary,
    pub listen: SocketAddr,
    pub bypass: SocketAddr,
    pub metrics: SocketAddr,
    pub admin: PathBuf,
    pub state: PathBuf,
    /// A directory of its own for configuration, certificates, sockets.
    pub directory: PathBuf,
}

impl Addresses {
    /// The flags of `lull serve` that say the same.
    pub fn flags(&self) -> Vec<String> {
        let pairs = [
            (self.primary.flag, self.primary.address.to_string()),
            ("--listen", self.listen.to_string()),
            ("--bypass", self.bypass.to_string()),
            ("--metrics", self.metrics.to_string()),
            ("--admin", self.admin.display().to_string()),
            ("--state", self.state.display().to_string()),
        ];
        pairs
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect()
    }

    /// A configuration that says the same; `cluster` is put into its `[[cluster]]` table, `rest` behind it.
    pub fn config(&self, cluster: &str, rest: &str) -> String {
        let Self {
            primary,
            listen,
            bypass,
            metrics,
            admin,
            state,
            ..
        } = self;
        let Primary {
            protocol, address, ..
        } = primary;
        format!(
            "[admin]\nsocket = \"{}\"\n[metrics]\nlisten = \"{metrics}\"\n[state]\ndir = \"{}\"\n\
             [[cluster]]\nname = \"main\"\nprotocol = \"{protocol}\"\nlisten = [\"{listen}\"]\n\
             bypass_listen = [\"{bypass}\"]\nprimary = \"{address}\"\n{cluster}\n{rest}\n",
            admin.display(),
            state.display()
        )
    }
}

#[derive(Debug)]
pub struct Lull {
    pub addresses: Addresses,
    arguments: Vec<String>,
    process: Mutex<Option<Child>>,
    scratch: Scratch,
    alarms_expected: AtomicBool,
}

impl Lull {
    /// In front of a server, with flags only. Returns when `/readyz` says so.
    pub fn start<'a, T>(server: &'a T) -> Self
    where
        &'a T: Into<Primary>,
    {
        Self::in_front_of(server)
    }

    /// The same for any address: a server that is down, or a fake one.
    pub fn in_front_of(primary: impl Into<Primary>) -> Self {
        let lull = Self::prepare(primary);
        lull.launch();
        lull
    }

    /// With a configuration file. `write` gets the addresses and returns the file's text; [`Addresses::config`] helps.
    pub fn with_config(primary: impl Into<Primary>, write: impl FnOnce(&Addresses) -> String) -> Self {
        let mut lull = Self::prepare(primary);
        let text = write(&lull.addresses);
        let path = lull.write_config(&text);
        lull.arguments = vec!["--config".to_owned(), path.display().to_string()];
        lull.launch();
        lull
    }

    /// Everything but the process: for starts that must fail, see [`try_launch`](Self::try_launch).
    pub fn prepare(primary: impl Into<Primary>) -> Self {
        let scratch = Scratch::new("it", Account::own());
        let directory = scratch.path.clone();
        let state = directory.join("state");
        fs::create_dir(&state).expect("scratch is writable");
        let addresses = Addresses {
            primary: primary.into(),
            listen: ports::free(),
            bypass: ports::free(),
            metrics: ports::free(),
            admin: directory.join("admin.sock"),
            state,
            directory,
        };
        Self {
            arguments: addresses.flags(),
            addresses,
            process: Mutex::new(None),
            scratch,
            alarms_expected: AtomicBool::new(false),
        }
    }

    /// Puts another configuration in the file's place (then `reload`, or SIGHUP). Returns its path.
    pub fn write_config(&self, text: &str) -> PathBuf {
        self.scratch.write("lull.toml", text, Account::own())
    }

    /// Adds arguments to those of `lull serve`, from the next start on.
    pub fn add_arguments(&mut self, arguments: &[&str]) {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
    }

    // ---- the process --------------------------------------------------------------------------------------------------

    /// Starts it; panics with its log if it does not become ready.
    #[track_caller]
    pub fn launch(&self) {
        if let Err(log) = self.try_launch() {
            panic!("lull has ended instead of serving:\n{log}");
        }
    }

    /// Starts it and waits until it is ready. The log, if it ends before.
    pub fn try_launch(&self) -> Result<(), String> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("scratch is writable");
        let mut command = Command::new(program());
        command
            .arg("serve")
            .args(&self.arguments)
            .current_dir(&self.scratch.path)
            .process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        let lull = command.spawn().expect("lull runs");
        self.scratch.watch(lull.id(), "KILL");
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(lull);
        eventually("lull is ready", || {
            if !self.is_running() {
                return Some(Err(self.log()));
            }
            let ready = http::get(self.addresses.metrics, "/readyz").is_ok_and(|(status, _)| status == 200);
            ready.then_some(Ok(()))
        })
    }

    pub fn is_running(&self) -> bool {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process
            .as_mut()
            .is_some_and(|lull| lull.try_wait().expect("own child").is_none())
    }

    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .expect("lull runs")
            .id()
    }

    /// SIGKILL, and waits for the end.
    pub fn kill9(&self) {
        if let Some(mut lull) = self.process.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = lull.kill();
            let _ = lull.wait();
            self.scratch.unwatch();
        }
    }

    /// Kills it and starts it again: same ports, same state.
    #[track_caller]
    pub fn restart(&self) {
        self.kill9();
        self.launch();
    }

    /// `HUP`, `TERM`, `STOP`, `CONT`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success(), "kill -s {name}: {status}");
    }

    /// Waits until it has ended by itself; the exit code.
    #[track_caller]
    pub fn wait(&self) -> Option<i32> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lull = process.take().expect("lull runs");
        let status = eventually("lull ends", || lull.try_wait().expect("own child"));
        self.scratch.unwatch();
        status.code()
    }

    /// What it has written to stdout and stderr, over all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.scratch.path.join("log")
    }

    // ---- the operator ---------------------------------------------------------------------------------------------------

    /// The command line with these arguments, `--admin` already given.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .arg("--admin")
            .arg(&self.addresses.admin)
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs the command line and waits for it.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("lull runs")
    }

    /// `lull on SCOPE [arguments] --json`; see [`fenced`](Self::fenced) where it must succeed.
    pub fn on(&self, scope: &str, arguments: &[&str]) -> Output {
        self.cli(&[&["on", scope, "--json"], arguments].concat())
    }

    pub fn off(&self, scope: &str) -> Output {
        self.cli(&["off", scope])
    }

    /// `lull on`, which must reach its fence; the line of JSON that it prints.
    #[track_caller]
    pub fn fenced(&self, scope: &str, arguments: &[&str]) -> serde_json::Value {
        let output = self.on(scope, arguments);
        assert!(
            output.status.success(),
            "lull on {scope} {arguments:?}: {output:?}"
        );
        parse(&output)
    }

    /// `lull off`, which must succeed.
    #[track_caller]
    pub fn lifted(&self, scope: &str) {
        let output = self.off(scope);
        assert!(output.status.success(), "lull off {scope}: {output:?}");
    }

    #[track_caller]
    pub fn status_json(&self) -> serde_json::Value {
        parse(&self.cli(&["status", "--json"]))
    }

    /// The text of `/metrics`.
    #[track_caller]
    pub fn metrics(&self) -> String {
        http::get(self.addresses.metrics, "/metrics")
            .expect("metrics are served")
            .1
    }

    /// The sum of a metric's series: `metric("name")` or `metric("name{label=\"value\"}")`. 0 for a series not yet seen.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        http::metric(&self.metrics(), name).unwrap_or(0.0)
    }

    // ---- the client's side ------------------------------------------------------------------------------------------------

    pub fn address(&self) -> SocketAddr {
        self.addresses.listen
    }

    pub fn bypass(&self) -> SocketAddr {
        self.addresses.bypass
    }

    pub fn directory(&self) -> &Path {
        &self.scratch.path
    }

    /// For libpq and its kin, through lull.
    pub fn connect_string(&self, user: &str, database: &str) -> String {
        format!(
            "host=127.0.0.1 port={} user={user} dbname={database}",
            self.address().port()
        )
    }
}

impl Lull {
    /// For a test that makes the guard fail: no other may.
    pub fn expect_alarms(&self) {
        self.alarms_expected.store(true, Ordering::Relaxed);
    }

    /// Every test with a lull proves this too: nothing was written behind the guard, and the guard was always there.
    fn assert_no_alarm(&self) {
        let Ok((200, text)) = http::get(self.addresses.metrics, "/metrics") else {
            return;
        };
        for name in ["lull_write_leaks_total", "lull_guard_alarms_total"] {
            let alarms = http::metric(&text, name);
            assert!(
                alarms.is_none_or(|count| count == 0.0),
                "{name} is {alarms:?}:\n{}",
                self.log()
            );
        }
    }
}

impl Drop for Lull {
    fn drop(&mut self) {
        let checks = !std::thread::panicking() && !self.alarms_expected.load(Ordering::Relaxed);
        if checks && self.is_running() {
            self.assert_no_alarm();
        }
        self.kill9();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(200)..].join("\n");
            eprintln!("---- the last lines of lull's log ----\n{tail}\n----");
        }
    }
}

/// Several checkouts that share a target directory overwrite each other's program there: then say which one is meant.
fn program() -> PathBuf {
    std::env::var_os("LULL_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_lull").into(), PathBuf::from)
}

#[track_caller]
fn parse(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {output:?}"))
}
