//! The tables of writes, leaks and lifts, each case in every manner of sending it.
//!
//! A case is a session of its own. After all cases of a manner the database must look as before; where it does not, the
//! manner is sent again case by case to name the one.

use super::{Case, cases};
use crate::support::{Database, Lull, Observer, Postgres, Version, Wire, frames};

/// What `{write}` stands for in the tables.
const WRITE: &str = "INSERT INTO t SELECT max(id) + 1, 'way out' FROM t";

/// Who sends, and to whom.
struct Place<'a> {
    lull: &'a Lull,
    user: &'a str,
    database: &'a str,
    deaf: std::cell::RefCell<Vec<String>>,
}

impl Place<'_> {
    fn session(&self) -> Wire {
        Wire::login(self.lull.address(), self.user, self.database)
    }
}

/// A manner of sending the lines of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Simple,
    Extended,
    Named,
    /// All before one Sync.
    Pipeline,
    /// Named statements made first, run before one Sync.
    NamedPipeline,
    /// Every message, each with its Sync, in one write.
    OneWrite,
    /// Every Query in one write.
    OneWriteSimple,
    OneMessage,
    InTransaction,
    BehindReadWrite,
    InSavepoint,
    BehindChain,
    /// SQL's PREPARE, where it takes the line; EXECUTE.
    Execute,
    /// In one message, behind a lift and a COMMIT.
    BehindLift,
    /// The same before one Sync.
    PipelinedBehindLift,
}

const MANNERS: [Manner; 15] = [
    Manner::Simple,
    Manner::Extended,
    Manner::Named,
    Manner::Pipeline,
    Manner::NamedPipeline,
    Manner::OneWrite,
    Manner::OneWriteSimple,
    Manner::OneMessage,
    Manner::InTransaction,
    Manner::BehindReadWrite,
    Manner::InSavepoint,
    Manner::BehindChain,
    Manner::Execute,
    Manner::BehindLift,
    Manner::PipelinedBehindLift,
];

fn pipeline(texts: &[&str]) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| frames::extended(text, &[]))
        .collect()
}

impl Manner {
    /// What is sent, and how many ReadyForQuery it earns, in writes.
    fn writes(self, lines: &[&str]) -> Vec<(Vec<u8>, usize)> {
        let sync = frames::sync();
        let queries = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (frames::query(text), 1))
                .collect::<Vec<_>>()
        };
        let around = |before: &[&str], after: &[&str]| queries(&[before, lines, after].concat());
        let run = |name: &str| [frames::bind("", name, &[]), frames::execute("", 0)].concat();
        match self {
            Self::Simple => queries(lines),
            Self::Extended => lines
                .iter()
                .map(|line| ([frames::extended(line, &[]), sync.clone()].concat(), 1))
                .collect(),
            Self::Named => {
                let each = |line: &&str| {
                    let name = format!("n{}", line.len());
                    [
                        (
                            [
                                frames::parse(&name, line),
                                frames::describe_statement(&name),
                                sync.clone(),
                            ]
                            .concat(),
                            1,
                        ),
                        ([run(&name), sync.clone()].concat(), 1),
                        ([frames::close_statement(&name), sync.clone()].concat(), 1),
                    ]
                };
                lines.iter().flat_map(each).collect()
            }
            Self::Pipeline => vec![([pipeline(lines), sync].concat(), 1)],
            Self::NamedPipeline => {
                let name = |number: usize| format!("n{number}");
                let mut writes: Vec<_> = (0..lines.len())
                    .map(|number| {
                        (
                            [frames::parse(&name(number), lines[number]), sync.clone()].concat(),
                            1,
                        )
                    })
                    .collect();
                let runs: Vec<u8> = (0..lines.len()).flat_map(|number| run(&name(number))).collect();
                writes.push(([runs, sync].concat(), 1));
                writes
            }
            Self::OneWrite => {
                let each = |line: &&str| [frames::extended(line, &[]), sync.clone()].concat();
                vec![(lines.iter().flat_map(each).collect(), lines.len())]
            }
            Self::OneWriteSimple => vec![(
                lines.iter().flat_map(|line| frames::query(line)).collect(),
                lines.len(),
            )],
            Self::OneMessage => queries(&[&lines.join("; ")]),
            Self::InTransaction => around(&["BEGIN"], &["COMMIT"]),
            Self::BehindReadWrite => around(&["BEGIN READ WRITE"], &["COMMIT"]),
            Self::InSavepoint => around(&["BEGIN READ WRITE", "SAVEPOINT s"], &["RELEASE s", "COMMIT"]),
            Self::BehindChain => around(
                &[
                    "BEGIN",
                    "SELECT 1",
                    "COMMIT AND CHAIN",
                    "SET TRANSACTION READ WRITE",
                ],
                &["COMMIT"],
            ),
            Self::Execute => {
                let prepared = |line: &&str| {
                    [
                        format!("PREPARE q AS {line}"),
                        "EXECUTE q".to_owned(),
                        "DEALLOCATE q".to_owned(),
                    ]
                };
                let texts: Vec<String> = lines.iter().flat_map(prepared).collect();
                queries(&texts.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Self::BehindLift => {
                let lift = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; COMMIT";
                queries(
                    &lines
                        .iter()
                        .map(|line| format!("{lift}; {line}"))
                        .collect::<Vec<_>>()
                        .iter()
                        .map(String::as_str)
                        .collect::<Vec<_>>(),
                )
            }
            Self::PipelinedBehindLift => {
                let lift = ["SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "COMMIT"];
                let each = |line: &&str| {
                    (
                        [pipeline(&lift), frames::extended(line, &[]), sync.clone()].concat(),
                        1,
                    )
                };
                lines.iter().map(each).collect()
            }
        }
    }
}

/// Sends one case; a session that is ended by the server is no way out.
fn send(place: &Place<'_>, case: &Case, manner: Manner) {
    let lines: Vec<&str> = case.lines.iter().map(String::as_str).collect();
    let mut client = place.session();
    for (bytes, readies) in manner.writes(&lines) {
        if client.try_send(&bytes).is_err() {
            return;
        }
        for _ in 0..readies {
            if !until_ready(&mut client) {
                place
                    .deaf
                    .borrow_mut()
                    .push(format!("{manner:?}: {} {:?}", case.reason, case.lines));
                return;
            }
        }
    }
}

/// Whether ReadyForQuery came. A COPY from the client is ended.
fn until_ready(client: &mut Wire) -> bool {
    loop {
        match client.try_read() {
            Err(_) => return false,
            Ok(message) if message.tag == b'Z' => return true,
            Ok(message) if message.tag == b'G' => {
                if client.try_send(&frames::copy_done()).is_err() {
                    return false;
                }
            }
            Ok(_) => {}
        }
    }
}

/// Sends every case in every manner; the ways out that were found.
fn ways_out(place: &Place<'_>, observer: &mut Observer<'_>, table: &[Case]) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = observer.fingerprint();
    for manner in MANNERS {
        table.iter().for_each(|case| send(place, case, manner));
        let now = observer.fingerprint();
        if !seen.changes(&now).is_empty() {
            found.extend(named(place, observer, table, manner));
            found.push(format!("{manner:?}: {:?}", seen.changes(&now)));
        }
        seen = observer.fingerprint();
    }
    found
}

fn named(place: &Place<'_>, observer: &mut Observer<'_>, table: &[Case], manner: Manner) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = observer.fingerprint();
    for case in table {
        send(place, case, manner);
        let now = observer.fingerprint();
        let changes = seen.changes(&now);
        if !changes.is_empty() {
            found.push(format!(
                "{manner:?}: {} {:?}\n    {}",
                case.reason,
                case.lines,
                changes.join("\n    ")
            ));
        }
        seen = now;
    }
    found
}

/// The cases of a table for one database.
fn table(file: &str, db: &Database<'_>) -> Vec<Case> {
    let mut table = cases(file);
    let outside = db.server.outside_directory().display().to_string();
    for case in &mut table {
        for line in &mut case.lines {
            *line = line
                .replace("{write}", WRITE)
                .replace("{outside}", &outside)
                .replace("{database}", &db.name);
        }
    }
    table
}

/// Runs tables as `user` on a server, in a lull.
#[track_caller]
fn nothing_gets_out(server: &Postgres, user: &str, files: &[&str]) {
    let db = server.database();
    for extension in [
        "dblink",
        "postgres_fdw",
        "pg_visibility",
        "pg_surgery",
        "adminpack",
    ] {
        if extension != "adminpack" || server.version == Version::Distribution {
            db.extension(extension);
        }
    }
    db.run(&super::ground());
    db.superuser()
        .run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app");
    let lull = Lull::start(server);
    let mut idle = Wire::login(lull.address(), user, &db.name);
    lull.fenced("all", &["--reason", "adversary"]);
    let mut observer = Observer::of(&db);
    let deaf = std::cell::RefCell::default();
    let place = Place {
        lull: &lull,
        user,
        database: &db.name,
        deaf,
    };
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| ways_out(&place, &mut observer, &table(file, &db)))
        .collect();
    assert!(
        found.is_empty(),
        "{} ways out:\n{}",
        found.len(),
        found.join("\n")
    );
    assert_eq!(
        place.deaf.take(),
        Vec::<String>::new(),
        "these sessions were not answered"
    );
    idle.run("SELECT count(*) FROM t");
    lull.lifted("all");
    idle.run(WRITE);
}

#[test]
fn an_owner_finds_no_way_out_on_the_distributions_server() {
    nothing_gets_out(
        Postgres::shared(Version::Distribution),
        "app",
        &["writes.sql", "escapes.sql"],
    );
}

#[test]
fn an_owner_finds_no_way_out_on_the_newest_server() {
    nothing_gets_out(
        Postgres::shared(Version::Newest),
        "app",
        &["writes.sql", "escapes.sql"],
    );
}

#[test]
fn a_superuser_finds_no_way_out_on_the_distributions_server() {
    superuser(Version::Distribution);
}

#[test]
fn a_superuser_finds_no_way_out_on_the_newest_server() {
    superuser(Version::Newest);
}

fn superuser(version: Version) {
    let server = Postgres::start(version);
    server
        .superuser("postgres")
        .run("SELECT pg_create_physical_replication_slot('there', true)");
    nothing_gets_out(
        &server,
        "postgres",
        &["superuser.sql", "writes.sql", "escapes.sql"],
    );
}
