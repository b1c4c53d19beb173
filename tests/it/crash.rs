//! What survives a crash of lull: an answer of `on` or `off` holds after a restart, and a state directory that cannot be
//! used never passes for "no lull".

mod mysql;

use crate::support::places::{Account, Scratch};
use crate::support::{Database, Lull, Postgres, Version, Wire, eventually};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const WRITE: &str = "INSERT INTO t VALUES (1)";

fn ground(server: &'static Postgres) -> (Database<'static>, Lull) {
    let db = server.database();
    db.run("CREATE TABLE t (n int)");
    (db, Lull::start(server))
}

fn is_read_only(lull: &Lull, db: &Database<'_>) -> bool {
    let mut born = Wire::login(lull.address(), "app", &db.name);
    let said = born.parameters["default_transaction_read_only"] == "on";
    let refused = born.query(WRITE).error_code() == Some("25006");
    assert_eq!(said, refused, "what is announced is what holds");
    refused
}

fn start(lull: &Lull, arguments: &[&str]) -> Child {
    let mut command = lull.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("lull runs")
}

/// Waits shorter and longer, differently in each round; the moments of the kill spread over the whole of the command.
fn moment(round: u32) -> Duration {
    Duration::from_micros(u64::from(round.wrapping_mul(7919) % 40) * 500)
}

#[test]
fn after_a_kill_at_any_moment_the_lull_is_on_if_on_had_answered_and_off_if_off_had() {
    for version in Version::ALL {
        let (db, lull) = ground(Postgres::shared(version));
        let (mut answered, mut unanswered) = (0, 0);
        for round in 0..36 {
            let verb = if round % 2 == 0 { "on" } else { "off" };
            let before = is_read_only(&lull, &db);
            let mut idle = Wire::login(lull.address(), "app", &db.name);
            let mut child = start(&lull, &[verb, "all"]);
            // From a moment inside the command to one right behind its answer.
            let done = if round % 4 < 2 {
                std::thread::sleep(moment(round));
                child.try_wait().expect("own child")
            } else {
                Some(child.wait().expect("own child"))
            };
            lull.kill9();
            let status = child.wait().expect("own child");
            idle.until_closed();
            lull.launch();
            let now = is_read_only(&lull, &db);
            let holds = done.is_some_and(|status| status.success()) || status.success();
            if holds {
                assert_eq!(now, verb == "on", "round {round}: {verb} had answered 0");
                answered += 1;
            } else {
                unanswered += 1;
                // Either is right; but it is one of the two, for everybody.
                assert_eq!(is_read_only(&lull, &db), now, "round {round}");
                // The next round begins where it should.
                let mended = if verb == "on" {
                    lull.on("all", &[])
                } else {
                    lull.off("all")
                };
                assert!(
                    mended.status.success(),
                    "round {round}: was read-only before: {before}: {mended:?}"
                );
            }
        }
        println!("{version:?}: {answered} answered, {unanswered} not");
        assert!(answered >= 18, "{answered}");
    }
}

#[test]
fn every_lull_comes_back_with_its_reason_its_scope_and_its_end() {
    let (db, lull) = ground(Postgres::shared(Version::Newest));
    lull.fenced(
        &format!("main/{}@app", db.name),
        &["--reason", "it \"broke\" \u{2603}", "--for", "2h"],
    );
    lull.fenced("main/elsewhere", &[]);
    let before = lull.status_json()["lulls"].clone();
    let generation = lull.status_json()["generation"].as_u64();
    lull.restart();
    assert_eq!(lull.status_json()["lulls"], before);
    assert_eq!(lull.status_json()["generation"].as_u64(), generation);
    assert!(is_read_only(&lull, &db));
    let refused = Wire::login(lull.address(), "app", &db.name).query(WRITE);
    assert!(format!("{refused:?}").contains("broke"), "{refused:?}");
    lull.lifted(&format!("main/{}@app", db.name));
    lull.restart();
    assert!(!is_read_only(&lull, &db));
    // One whose time is over while lull is down is over.
    lull.fenced("all", &["--for", "1s"]);
    lull.kill9();
    lull.launch();
    eventually("the lull has ended", || {
        lull.status_json()["lulls"]
            .as_array()
            .filter(|lulls| lulls.len() == 1)
            .map(|_| ())
    });
}

#[test]
fn a_state_file_that_cannot_be_read_refuses_the_start_and_says_what_to_do() {
    let (db, lull) = ground(Postgres::shared(Version::Newest));
    lull.fenced("all", &["--reason", "upgrade"]);
    lull.kill9();
    let path = lull.addresses.state.join("lulls.json");
    let good = fs::read_to_string(&path).expect("it is there");
    let half = &good[..good.len() / 2];
    for (text, why) in [
        ("", "empty"),
        (half, "cut short"),
        ("{}", "nothing in it"),
        ("nonsense", "no JSON"),
        (
            &good.replace("\"version\": 1", "\"version\": 2"),
            "another version",
        ),
        (&good.replace("\"all\"", "\"a b\""), "a scope that is none"),
        (
            &good.replace("\"version\"", "\"unknown\": 1, \"version\""),
            "a key that is not known",
        ),
        (&format!("{good}x"), "more behind it"),
    ] {
        fs::write(&path, text).expect("own file");
        let log = lull.try_launch().expect_err(why);
        let last = log.lines().last().unwrap_or_default();
        assert!(
            last.contains("lulls.json") && last.contains("restore the file, or delete it"),
            "{why}: {last}"
        );
        assert_eq!(
            fs::read_to_string(&path).expect("own file"),
            text,
            "{why}: it is left as it was"
        );
    }
    fs::write(&path, good).expect("own file");
    lull.launch();
    assert!(is_read_only(&lull, &db));
    lull.kill9();
    // What a crash in the middle of a write leaves beside it is not the state.
    fs::write(lull.addresses.state.join("lulls.json.new"), "half").expect("own file");
    lull.launch();
    assert!(is_read_only(&lull, &db));
}

#[test]
fn two_lulls_do_not_share_a_state_directory() {
    let server = Postgres::shared(Version::Newest);
    let first = Lull::start(server);
    let mut second = Lull::prepare(server.address);
    let state = first.addresses.state.display().to_string();
    second.add_arguments(&["--state", &state]);
    let log = second.try_launch().expect_err("the directory is taken");
    assert!(
        log.contains("--state") || log.contains("another lull uses"),
        "{log}"
    );
}

/// Runs `lull serve` as an ordinary user; root may write everywhere.
struct Ordinary {
    place: Scratch,
    server: &'static Postgres,
}

impl Ordinary {
    fn command(&self, arguments: &[&str]) -> Command {
        let account = Account::of_servers();
        // The build may lie where an ordinary user cannot read.
        let program = self.place.path.join("lull");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_lull"), &program).expect("scratch is writable");
        }
        let mut command = Command::new("setpriv");
        if account == Account::own() {
            command = Command::new("env");
        } else {
            let (uid, gid) = (account.uid.to_string(), account.gid.to_string());
            command.args(["--reuid", &uid, "--regid", &gid, "--clear-groups"]);
        }
        command
            .arg(program)
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> String {
        self.place.path.join(name).display().to_string()
    }

    fn serve(&self, listen: &str) -> Command {
        let (admin, state, postgres) = (
            self.path("admin.sock"),
            self.path("state"),
            self.server.address.to_string(),
        );
        self.command(&[
            "serve",
            "--postgres",
            &postgres,
            "--listen",
            listen,
            "--admin",
            &admin,
            "--state",
            &state,
        ])
    }

    fn set_mode(&self, mode: &str) {
        let status = Command::new("chmod")
            .args([mode, &self.path("state")])
            .status()
            .expect("chmod runs");
        assert!(status.success());
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_refuses_to_start_or_to_open_a_lull() {
    let account = Account::of_servers();
    let server = Postgres::shared(Version::Newest);
    let db = server.database();
    db.run("CREATE TABLE t (n int)");
    let ground = Ordinary {
        place: Scratch::new("crash", account),
        server,
    };
    let state = ground.place.path.join("state");
    fs::create_dir(&state).expect("own directory");
    account.own_path(&state);
    let listen = crate::support::ports::free();
    ground.set_mode("0500");
    let refused = ground.serve(&listen.to_string()).output().expect("it ends");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(
        text.contains("cannot be used") && text.contains("writable"),
        "{text}"
    );
    ground.set_mode("0700");
    let mut serving = ground.serve(&listen.to_string());
    let mut serving = serving
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    ground.place.watch(serving.id(), "KILL");
    let mut client = eventually("it serves", || Wire::try_login(listen, "app", &db.name).ok());
    ground.set_mode("0500");
    let admin = ground.path("admin.sock");
    let on = ground
        .command(&["on", "--admin", &admin])
        .output()
        .expect("it ends");
    let text = String::from_utf8_lossy(&on.stderr).into_owned();
    assert_eq!(on.status.code(), Some(5), "{text}");
    assert!(
        text.contains("state directory") && text.contains("writable"),
        "{text}"
    );
    client.run(WRITE);
    ground.set_mode("0700");
    let on = ground
        .command(&["on", "--admin", &admin])
        .output()
        .expect("it ends");
    assert!(on.status.success(), "{on:?}");
    ground.set_mode("0500");
    // And it does not close one either: after a crash it would be on again.
    let off = ground
        .command(&["off", "--admin", &admin])
        .output()
        .expect("it ends");
    assert_eq!(off.status.code(), Some(5), "{off:?}");
    assert_eq!(client.query(WRITE).error_code(), Some("25006"));
    ground.set_mode("0700");
    let off = ground
        .command(&["off", "--admin", &admin])
        .output()
        .expect("it ends");
    assert!(off.status.success(), "{off:?}");
    client.run(WRITE);
    let _ = serving.kill();
    let _ = serving.wait();
    ground.place.unwatch();
}
