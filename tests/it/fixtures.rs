//! The dialogues of `protocol-fixtures/pg`, each played against the real server, through lull, and in a lull.
//!
//! One file, three runs. The server itself is the oracle: what a file expects without a lull must be what PostgreSQL says.
//! Through lull in normal mode the transcript must be the same, to the letter; in a lull it must be the same but for what the
//! file says with `lull<`. The form of a dialogue is described in `protocol-fixtures/pg/README.md`.

mod dialogue;
mod mysql;
mod play;
mod render;

use crate::support::places::project;
use crate::support::{Lull, Postgres, Version, Wire};
use dialogue::Dialogue;
use play::{Mode, Stage};
use std::path::PathBuf;
use std::sync::OnceLock;

#[test]
fn every_dialogue_is_what_the_real_server_says() {
    play_all(|stage| {
        let client = Wire::try_login(stage.database.server.address, stage.user, &stage.database.name);
        stage.play(client.expect("login"), Mode::Normal)
    });
}

#[test]
fn every_dialogue_is_the_same_through_lull_while_no_lull_is_open() {
    play_all(|stage| {
        let client = Wire::login(lull(stage).address(), stage.user, &stage.database.name);
        stage.play(client, Mode::Normal)
    });
}

#[test]
fn in_a_lull_every_dialogue_of_a_session_that_was_open_before_differs_only_where_the_file_says_so() {
    play_all(|stage| {
        let lull = lull(stage);
        let mut client = Wire::login(lull.address(), stage.user, &stage.database.name);
        let scope = format!("main/{}", stage.database.name);
        lull.fenced(&scope, &["--reason", "a fixture"]);
        client.until(b'S'); // the announcement of the mode
        let result = stage.play(client, Mode::Lull);
        lull.lifted(&scope);
        result
    });
}

#[test]
fn in_a_lull_every_dialogue_of_a_session_that_was_born_in_it_differs_only_where_the_file_says_so() {
    play_all(|stage| {
        let lull = lull(stage);
        let scope = format!("main/{}", stage.database.name);
        lull.fenced(&scope, &["--reason", "a fixture"]);
        let client = Wire::login(lull.address(), stage.user, &stage.database.name);
        let result = stage.play(client, Mode::Lull);
        lull.lifted(&scope);
        result
    });
}

/// Plays every file on both versions, and tells of all that fail.
#[track_caller]
fn play_all(play: impl Fn(&Stage<'_>) -> Result<(), String>) {
    let mut played = Played::default();
    for dialogue in dialogues() {
        for version in Version::ALL {
            let database = Postgres::shared(version).database();
            let stage = Stage::set(dialogue, &database);
            played.count(&format!("{} on {version:?}", dialogue.name), play(&stage));
        }
    }
    played.assert_all_passed(30);
}

/// What has come of the dialogues so far.
#[derive(Default)]
struct Played {
    total: usize,
    failures: Vec<String>,
}

impl Played {
    fn count(&mut self, what: &str, result: Result<(), String>) {
        self.total += 1;
        self.failures
            .extend(result.err().map(|why| format!("---- {what}\n{why}")));
    }

    #[track_caller]
    fn assert_all_passed(&self, least: usize) {
        let Self { total, failures } = self;
        let failed = failures.len();
        assert!(failed == 0, "{failed} of {total} failed\n{}", failures.join("\n"));
        assert!(*total >= least, "only {total} were found");
    }
}

/// The files of dialogues in a folder, in the order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(project(folder)).expect("the fixtures are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
}

fn dialogues() -> &'static [Dialogue] {
    static READ: OnceLock<Vec<Dialogue>> = OnceLock::new();
    READ.get_or_init(|| {
        let files = files("protocol-fixtures/pg");
        files.iter().map(|path| Dialogue::read(path)).collect()
    })
}

/// One lull per version serves all dialogues: each has a database of its own, and lulls are opened on that alone.
fn lull(stage: &Stage<'_>) -> &'static Lull {
    static LULLS: [OnceLock<Lull>; 2] = [OnceLock::new(), OnceLock::new()];
    let version = stage.database.server.version;
    LULLS[version as usize].get_or_init(|| Lull::start(Postgres::shared(version)))
}
