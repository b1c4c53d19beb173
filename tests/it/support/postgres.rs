//! Throw-away PostgreSQL servers, and fresh databases on them.
//!
//! A server lives in a directory of its own, listens on loopback and on a Unix socket, and ends with its value or with
//! the test process. The roles `postgres` (superuser) and `app` (ordinary; owns every database made here) exist.

use super::places::{Account, Scratch};
use super::settings::{Settings, Version};
use super::tls::Certificate;
use super::undertaker::run_as;
use super::{Wire, eventually, ports};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

#[derive(Debug)]
pub struct Postgres {
    pub version: Version,
    pub address: SocketAddr,
    /// The server's certificate, if it has TLS; clients may name it as their root.
    pub certificate: Option<Certificate>,
    /// Whether other tests use this server at the same time.
    pub shared: bool,
    process: Mutex<Option<Child>>,
    scratch: Scratch,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Sessions are ended with 57P01, then a checkpoint.
    Fast,
    /// Sessions are ended with 57P02 or a reset; recovery follows.
    Immediate,
}

impl Postgres {
    /// The server that all tests of this process share; started when first asked for. For tests that stay in databases of
    /// their own and change nothing of the whole server.
    pub fn shared(version: Version) -> &'static Self {
        static SERVERS: [OnceLock<Postgres>; 2] = [OnceLock::new(), OnceLock::new()];
        SERVERS[version as usize].get_or_init(|| {
            let mut server = Self::start(version);
            server.shared = true;
            server
        })
    }

    /// A server of one's own, with the usual settings.
    pub fn start(version: Version) -> Self {
        Self::start_with(Settings::of(version))
    }

    pub fn start_with(settings: Settings) -> Self {
        let account = Account::of_servers();
        let scratch = Scratch::new("pg", account);
        let address = ports::free();
        let data = scratch.path.join("data");
        initdb(settings.version, &data, &scratch, account);
        let certificate = settings
            .tls
            .then(|| Certificate::make(&scratch, "server", account));
        let mut conf = format!(
            "port = {}\nunix_socket_directories = '{}'\n{}",
            address.port(),
            scratch.path.display(),
            settings.conf_text()
        );
        if let Some(Certificate { cert, key }) = &certificate {
            conf.push_str(&format!(
                "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
                cert.display(),
                key.display()
            ));
        }
        for (name, text) in [("postgresql.conf", conf), ("pg_hba.conf", settings.hba_text())] {
            let path = data.join(name);
            fs::write(&path, text).expect("initdb made the directory");
            account.own_path(&path);
        }
        let outside = scratch.path.join("outside");
        fs::create_dir(&outside).expect("scratch is writable");
        account.own_path(&outside);
        let server = Self {
            version: settings.version,
            address,
            certificate,
            shared: false,
            process: Mutex::new(None),
            scratch,
        };
        server.start_again();
        server.superuser("postgres").run("CREATE ROLE app LOGIN");
        server
    }

    /// A streaming standby of this server, with a copy of all that is there now.
    pub fn standby(&self) -> Self {
        let account = Account::of_servers();
        let scratch = Scratch::new("pg", account);
        let (address, data) = (ports::free(), scratch.path.join("data"));
        let mut command = Command::new(self.version.program("pg_basebackup"));
        if self.version == Version::Newest {
            command.env("LD_LIBRARY_PATH", self.version.program("../lib"));
        }
        let port = self.address.port().to_string();
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &port]);
        command.args(["-c", "fast", "-X", "stream", "--no-sync", "-R", "-D"]);
        command.arg(&data).current_dir("/").stdin(Stdio::null());
        run_as(&mut command, account);
        let output = command.output().expect("pg_basebackup runs");
        assert!(output.status.success(), "pg_basebackup: {output:?}");
        // The last word on a setting counts.
        let conf = data.join("postgresql.conf");
        let mut text = fs::read_to_string(&conf).expect("a copy of the primary's");
        text.push_str(&format!(
            "\nport = {}\nunix_socket_directories = '{}'\nwal_retrieve_retry_interval = '100ms'\n",
            address.port(),
            scratch.path.display()
        ));
        fs::write(&conf, text).expect("own file");
        let standby = Self {
            version: self.version,
            address,
            certificate: self.certificate.clone(),
            shared: false,
            process: Mutex::new(None),
            scratch,
        };
        standby.start_again();
        standby
    }

    /// Starts the server after [`stop`](Self::stop) or [`kill9`](Self::kill9), with the same data and port; returns when it
    /// accepts connections.
    pub fn start_again(&self) {
        eventually("PostgreSQL accepts connections", || {
            let mut process = self.process.lock().expect("not poisoned");
            let server = process.get_or_insert_with(|| self.spawn());
            if let Some(status) = server.try_wait().expect("own child") {
                // After a kill the old backends may hold the shared memory for a moment.
                assert!(
                    self.log().contains("still in use"),
                    "PostgreSQL: {status}\n{}",
                    self.log()
                );
                *process = None;
            }
            Wire::try_login(self.address, "postgres", "postgres").ok()
        });
    }

    fn spawn(&self) -> Child {
        let account = Account::of_servers();
        let log = self.scratch.path.join("log");
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("own file");
        let mut command = Command::new(self.version.program("postgres"));
        if self.version == Version::Newest {
            // Its dblink would otherwise load the distribution's libpq and miss symbols.
            command.env("LD_LIBRARY_PATH", self.version.program("../lib"));
        }
        command
            .arg("-D")
            .arg(self.data_directory())
            .current_dir("/")
            .process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        run_as(&mut command, account);
        let server = command.spawn().expect("postgres runs");
        self.scratch.watch(server.id(), "QUIT");
        server
    }

    /// Stops the server and waits for its end.
    pub fn stop(&self, how: Stop) {
        self.end_with(match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        });
    }

    /// Kills the postmaster without notice. Its sessions notice by themselves; waits until nobody listens.
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

    /// A process id of a backend gets a signal (`STOP` and `CONT` make a slow server).
    pub fn signal_backend(&self, pid: u32, signal: &str) {
        send_signal(pid, signal);
    }

    /// The postmaster gets a signal: while it is stopped, nobody new is let in and no session is cancelled.
    pub fn signal_postmaster(&self, signal: &str) {
        let process = self.process.lock().expect("not poisoned");
        send_signal(process.as_ref().expect("the server runs").id(), signal);
    }

    /// A connection as superuser, directly to the server.
    pub fn superuser(&self, database: &str) -> Wire {
        Wire::login(self.address, "postgres", database)
    }

    /// The value in the first row and column, asked for as superuser.
    pub fn value(&self, database: &str, sql: &str) -> Option<String> {
        self.superuser(database).value(sql)
    }

    /// A fresh database, owned by the ordinary role `app`; dropped, with force, on drop.
    pub fn database(&self) -> Database<'_> {
        self.database_like("template1")
    }

    /// A fresh database with everything that is in another one, to which nobody may be connected.
    pub fn copy_of(&self, original: &Database<'_>) -> Database<'_> {
        self.database_like(&original.name)
    }

    fn database_like(&self, template: &str) -> Database<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("shop_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.superuser("postgres")
            .run(&format!("CREATE DATABASE {name} OWNER app TEMPLATE {template}"));
        Database { name, server: self }
    }

    pub fn data_directory(&self) -> PathBuf {
        self.scratch.path.join("data")
    }

    /// The directory of the Unix socket `.s.PGSQL.PORT`.
    pub fn socket_directory(&self) -> &Path {
        &self.scratch.path
    }

    /// A directory, empty at first, that the server can write to: where COPY TO and its like would leave files.
    pub fn outside_directory(&self) -> PathBuf {
        self.scratch.path.join("outside")
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.path.join("log")).unwrap_or_default()
    }

    /// For libpq and its kin, directly to the server.
    pub fn connect_string(&self, user: &str, database: &str) -> String {
        format!(
            "host=127.0.0.1 port={} user={user} dbname={database}",
            self.address.port()
        )
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop(Stop::Immediate);
    }
}

/// A database that nobody else uses.
#[derive(Debug)]
pub struct Database<'a> {
    pub name: String,
    pub server: &'a Postgres,
}

impl Database<'_> {
    /// A connection as superuser, directly to the server.
    pub fn superuser(&self) -> Wire {
        self.server.superuser(&self.name)
    }

    /// A connection as the owner `app`, directly to the server.
    pub fn owner(&self) -> Wire {
        Wire::login(self.server.address, "app", &self.name)
    }

    /// Runs statements as the owner, directly on the server; panics if one fails.
    pub fn run(&self, sql: &str) {
        self.owner().run(sql);
    }

    /// The value in the first row and column, asked for as superuser, directly.
    pub fn value(&self, sql: &str) -> Option<String> {
        self.superuser().value(sql)
    }

    /// Creates an extension if the server has it; says whether it has.
    pub fn extension(&self, name: &str) -> bool {
        let create = format!("CREATE EXTENSION IF NOT EXISTS \"{name}\" CASCADE");
        let replies = self.superuser().query(&create);
        // 0A000: not available, 58P01: a library is missing.
        let missing = matches!(replies.error_code(), Some("0A000" | "58P01"));
        assert!(missing || replies.error().is_none(), "{create}: {replies:?}");
        !missing
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        if let Ok(mut client) = Wire::try_login(self.server.address, "postgres", "postgres") {
            client.query(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

fn initdb(version: Version, data: &Path, scratch: &Scratch, account: Account) {
    let mut command = Command::new(version.program("initdb"));
    command.args([
        "--username=postgres",
        "--no-locale",
        "--encoding=UTF8",
        "--auth=trust",
    ]);
    command
        .args(["--no-sync", "--no-instructions", "-D"])
        .arg(data)
        .current_dir("/")
        .stdin(Stdio::null());
    run_as(&mut command, account);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let initdb = command.spawn().expect("initdb runs");
    scratch.watch(initdb.id(), "KILL");
    let output = initdb.wait_with_output().expect("own child");
    assert!(
        output.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn send_signal(pid: u32, signal: &str) {
    let status = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success(), "kill -s {signal} {pid}: {status}");
}
