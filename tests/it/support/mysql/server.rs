//! Throw-away MariaDB and MySQL servers, and fresh databases on them.
//!
//! A server starts with a copy of a data directory that was initialised once, listens on loopback and on a Unix socket, and
//! ends with its value or with the test process. These users exist, with all rights on databases named `shop_...`:
//!
//! | user | password | method |
//! |---|---|---|
//! | `root` (may do everything) | none | the server's default |
//! | `app` | none | the server's default |
//! | `native` | `native-secret` | `mysql_native_password` (MariaDB) |
//! | `edward` | `ed-secret` | `ed25519` (MariaDB) |
//! | `sha2` | `sha2-secret` | `caching_sha2_password` (MySQL) |
//! | `sha256` | `sha256-secret` | `sha256_password` (MySQL) |
//! | `replica` | `replica-secret` | the server's default; may replicate, and nothing else |

use super::settings::{Flavor, Settings};
use super::{Login, Wire, packets};
use crate::support::places::{Account, Scratch};
use crate::support::tls::Certificate;
use crate::support::undertaker::run_as;
use crate::support::{PATIENCE, eventually, ports};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

#[derive(Debug)]
pub struct Server {
    pub flavor: Flavor,
    pub address: SocketAddr,
    /// The server's certificate, if it has TLS; clients may name it as their root.
    pub certificate: Option<Certificate>,
    /// Whether other tests use this server at the same time.
    pub shared: bool,
    options: Vec<String>,
    process: Mutex<Option<Child>>,
    scratch: Scratch,
}

impl Server {
    /// The server that all tests of this process share; started when first asked for. For tests that stay in databases of
    /// their own and change nothing of the whole server.
    pub fn shared(flavor: Flavor) -> &'static Self {
        static SERVERS: [OnceLock<Server>; 3] = [const { OnceLock::new() }; 3];
        SERVERS[flavor as usize].get_or_init(|| {
            let mut server = Self::start(flavor);
            server.shared = true;
            server
        })
    }

    /// A server of one's own, with the usual settings.
    pub fn start(flavor: Flavor) -> Self {
        Self::start_with(Settings::of(flavor))
    }

    pub fn start_with(settings: Settings) -> Self {
        let (flavor, account) = (settings.flavor, Account::of_servers());
        let scratch = Scratch::new(flavor.pick("mariadb", "mysql"), account);
        let address = ports::free();
        copy_template(flavor, &scratch, account);
        for directory in ["outside", "tmp"] {
            let path = scratch.path.join(directory);
            fs::create_dir(&path).expect("scratch is writable");
            account.own_path(&path);
        }
        let certificate = settings
            .tls
            .then(|| Certificate::make(&scratch, "server", account));
        let at = |name: &str| scratch.path.join(name).display().to_string();
        let mut options = vec![
            format!("--datadir={}", at("data")),
            format!("--port={}", address.port()),
            format!("--socket={}", at("mysql.sock")),
            format!("--pid-file={}", at("pid")),
            format!("--tmpdir={}", at("tmp")),
            format!(
                "--init-file={}",
                scratch.write("users.sql", users(flavor), account).display()
            ),
            // Every server of this process has its own, for replication wants that.
            format!("--server-id={}", address.port()),
        ];
        options.extend(settings.options);
        if let Some(Certificate { cert, key }) = &certificate {
            options.push(format!("--ssl-cert={}", cert.display()));
            options.push(format!("--ssl-key={}", key.display()));
        }
        if flavor == Flavor::MySql {
            make_rsa_keys(&scratch.path.join("data"), account);
        }
        let server = Self {
            flavor,
            address,
            certificate,
            shared: false,
            options,
            process: Mutex::new(None),
            scratch,
        };
        server.start_again();
        server
    }

    /// Starts the server after [`stop`](Self::stop) or [`kill9`](Self::kill9), with the same data and port; returns when it
    /// accepts connections.
    pub fn start_again(&self) {
        let deadline = Instant::now() + PATIENCE * 6;
        *self.process.lock().expect("not poisoned") = Some(self.spawn());
        while Wire::try_login(self.address, "root", "").is_err() {
            let ended = match self.process.lock().expect("not poisoned").as_mut() {
                Some(server) => server.try_wait().expect("own child"),
                None => None,
            };
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{:?} does not start: {ended:?}\n{}",
                self.flavor,
                self.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn spawn(&self) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.scratch.path.join("log"))
            .expect("own file");
        let mut command = Command::new(self.flavor.server_program());
        command.args(&self.options).current_dir("/").process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        run_as(&mut command, Account::of_servers());
        let server = command.spawn().expect("the server runs");
        self.scratch.watch(server.id(), "KILL");
        server
    }

    /// Stops the server in order and waits for its end.
    pub fn stop(&self) {
        self.end_with("TERM");
    }

    /// Kills it without notice.
    pub fn kill9(&self) {
        self.end_with("KILL");
    }

    fn end_with(&self, signal: &str) {
        if let Some(mut server) = self.process.lock().expect("not poisoned").take() {
            send_signal(server.id(), signal);
            let _ = server.wait();
            self.scratch.unwatch();
        }
    }

    /// The server gets a signal: `STOP` and `CONT` make a slow one.
    pub fn signal(&self, signal: &str) {
        let process = self.process.lock().expect("not poisoned");
        send_signal(process.as_ref().expect("it runs").id(), signal);
    }

    /// A connection as `root`, directly to the server; no database if the name is empty.
    pub fn superuser(&self, database: &str) -> Wire {
        Wire::login(self.address, "root", database)
    }

    /// The value in the first row and column, asked for as `root`.
    pub fn value(&self, sql: &str) -> Option<String> {
        self.superuser("").value(sql)
    }

    /// A fresh database for `app` and the other users; dropped on drop.
    pub fn database(&self) -> Database<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("shop_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.superuser("").run(&format!("CREATE DATABASE {name}"));
        Database { name, server: self }
    }

    /// A replica of this server, with the same settings, that has all of its data and follows it by GTID, taking the stream
    /// from `source`: the server itself, or lull in front of it.
    pub fn replica(&self, source: SocketAddr) -> Self {
        let replica = Self::start_with(Settings::of(self.flavor).option("--read-only=ON"));
        let (port, mut root) = (source.port(), replica.superuser(""));
        let (change, start) = match self.flavor {
            Flavor::MariaDb | Flavor::MariaDbNewest => (
                format!(
                    "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='replica', \
                     MASTER_PASSWORD='replica-secret', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, \
                     MASTER_SSL_VERIFY_SERVER_CERT=0"
                ),
                "START SLAVE",
            ),
            Flavor::MySql => (
                format!(
                    "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, \
                     SOURCE_USER='replica', SOURCE_PASSWORD='replica-secret', SOURCE_AUTO_POSITION=1, \
                     SOURCE_CONNECT_RETRY=1, SOURCE_SSL=0, GET_SOURCE_PUBLIC_KEY=1"
                ),
                "START REPLICA",
            ),
        };
        root.run(&change);
        root.run(start);
        replica
    }

    /// The position in the log that a replica must reach to have all that is here.
    pub fn position(&self) -> String {
        let variable = self
            .flavor
            .pick("@@GLOBAL.gtid_current_pos", "@@GLOBAL.gtid_executed");
        self.value(&format!("SELECT {variable}")).expect("a position")
    }

    /// Waits until this replica has applied everything up to a position.
    #[track_caller]
    pub fn catch_up(&self, position: &str) {
        let seconds = PATIENCE.as_secs() - 1;
        let question = self.flavor.pick(
            format!("SELECT MASTER_GTID_WAIT('{position}', {seconds})"),
            format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{position}', {seconds})"),
        );
        let answer = self.value(&question);
        assert_eq!(
            answer.as_deref(),
            Some("0"),
            "the replica does not reach {position}:\n{}",
            self.log()
        );
    }

    /// For the programs in `tests/drivers`, directly to the server.
    pub fn connect_string(&self, user: &str, database: &str) -> String {
        format!(
            "host=127.0.0.1 port={} user={user} dbname={database}",
            self.address.port()
        )
    }

    pub fn data_directory(&self) -> PathBuf {
        self.scratch.path.join("data")
    }

    pub fn socket(&self) -> PathBuf {
        self.scratch.path.join("mysql.sock")
    }

    /// A directory, empty at first, that the server can write to: where INTO OUTFILE and its like would leave files.
    pub fn outside_directory(&self) -> PathBuf {
        self.scratch.path.join("outside")
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.path.join("log")).unwrap_or_default()
    }

    /// Waits until no session but one's own is here: those of a client that has left.
    pub fn wait_for_end_of(&self, connection_id: u32) {
        let question =
            format!("SELECT count(*) FROM information_schema.processlist WHERE id = {connection_id}");
        eventually("the server's session has ended", || {
            (self.value(&question).as_deref() == Some("0")).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// A database that nobody else uses.
#[derive(Debug)]
pub struct Database<'a> {
    pub name: String,
    pub server: &'a Server,
}

impl Database<'_> {
    /// A connection as `root`, directly to the server.
    pub fn superuser(&self) -> Wire {
        self.server.superuser(&self.name)
    }

    /// A connection as the ordinary user `app`, directly to the server.
    pub fn owner(&self) -> Wire {
        Wire::login(self.server.address, "app", &self.name)
    }

    /// For the programs in `tests/drivers`, directly to the server, as the ordinary user.
    pub fn connect_string(&self) -> String {
        self.server.connect_string("app", &self.name)
    }

    /// Runs a statement as the ordinary user, directly on the server; panics if it fails.
    pub fn run(&self, sql: &str) {
        self.owner().run(sql);
    }

    /// The value in the first row and column, asked for as `root`, directly.
    pub fn value(&self, sql: &str) -> Option<String> {
        self.superuser().value(sql)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let login = Login::of("root");
        if let Ok(mut client) = login.try_to(self.server.address) {
            // A session that a failed test has left open may hold locks.
            let _ = client.try_ask(&packets::query("SET SESSION lock_wait_timeout = 2"));
            let drop = format!("DROP DATABASE IF EXISTS {}", self.name);
            let _ = client.try_ask(&packets::query(&drop));
        }
    }
}

/// Run by the server before it accepts connections; not in its binary log, for each server does so itself.
fn users(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::MariaDb | Flavor::MariaDbNewest => include_str!("users_mariadb.sql"),
        Flavor::MySql => include_str!("users_mysql.sql"),
    }
}

fn copy_template(flavor: Flavor, scratch: &Scratch, account: Account) {
    let data = scratch.path.join("data");
    let mut command = Command::new("cp");
    command
        .args(["--recursive", "--reflink=auto"])
        .arg(flavor.template())
        .arg(&data);
    run_as(&mut command, account);
    let status = command.current_dir("/").status().expect("cp runs");
    assert!(
        status.success(),
        "the template of {flavor:?} cannot be copied: {status}"
    );
}

/// For passwords that a client sends encrypted where it has no TLS.
fn make_rsa_keys(data: &Path, account: Account) {
    let key = data.join("private_key.pem");
    let openssl = |arguments: &[&str], output: &Path| {
        let mut command = Command::new("openssl");
        let (what, options) = arguments.split_first().expect("a subcommand");
        command.arg(what).arg("-out").arg(output).args(options);
        run_as(&mut command, account);
        let output = command.output().expect("openssl runs");
        assert!(output.status.success(), "openssl {arguments:?}: {output:?}");
    };
    openssl(&["genrsa", "-traditional", "2048"], &key);
    let private = key.display().to_string();
    openssl(&["rsa", "-pubout", "-in", &private], &data.join("public_key.pem"));
}

fn send_signal(pid: u32, signal: &str) {
    let status = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success(), "kill -s {signal} {pid}: {status}");
}
