//! What the server reports of a session: lull has it report more, and each client sees what it asked for, in a lull as
//! before and after it.

use super::{Ground, assert_refused, fates, on_both};
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::wire::framed;
use crate::support::mysql::{Flavor, Packet, Replies, Reply, Wire};

/// What a client may want to be told, by statement.
const ASKED: &[&[&str]] = &[
    &[],
    &["SET SESSION session_track_schema = OFF"],
    &["SET SESSION session_track_system_variables = '*'"],
    &["SET SESSION session_track_system_variables = 'sql_mode,sort_buffer_size'"],
    &[
        "SET SESSION session_track_system_variables = ''",
        "SET SESSION session_track_schema = OFF",
    ],
    &["SET SESSION session_track_state_change = ON"],
    &["SET SESSION session_track_transaction_info = 'STATE'"],
    &["SET SESSION session_track_transaction_info = 'CHARACTERISTICS'"],
    &[
        "SET SESSION session_track_transaction_info = 'CHARACTERISTICS'",
        "SET SESSION session_track_transaction_info = 'STATE'",
    ],
    &[
        "SET SESSION session_track_transaction_info = 'STATE'",
        "SET SESSION session_track_transaction_info = 'OFF'",
    ],
    &[
        "SET SESSION session_track_transaction_info = 'STATE'",
        "SET SESSION session_track_system_variables = 'time_zone'",
    ],
];

fn asked(ground: &Ground) -> impl Iterator<Item = &'static [&'static str]> {
    // Among all the variables of MySQL's is one that counts the statements of all sessions.
    let counts =
        |asked: &&[&str]| asked.iter().any(|sql| sql.contains('*')) && ground.flavor == Flavor::MySql;
    let asked = ASKED.iter().copied().filter(|asked| !counts(asked));
    asked.collect::<Vec<_>>().into_iter()
}

/// Changes of a session that are reported, and others.
fn changes(ground: &Ground, asked: &[&str]) -> Vec<String> {
    let name = &ground.db.name;
    let fixed = [
        "DO 0",
        "SELECT 1",
        "SET SESSION sort_buffer_size = 88888",
        "SET @mine = 1",
        "SET SESSION sql_mode = 'ANSI_QUOTES'",
        "SELECT 1",
        "SET SESSION sql_mode = DEFAULT",
        "SET NAMES latin1",
        "SET NAMES utf8mb4",
        "SET autocommit = 0",
        "SELECT count(*) FROM t",
        "COMMIT",
        "SET autocommit = 1",
        "SET time_zone = '+03:00'",
        "BEGIN",
        "SELECT count(*) FROM t",
        "SAVEPOINT a",
        "COMMIT",
        "START TRANSACTION READ ONLY",
        "BEGIN",
        "SELECT nothing",
        "ROLLBACK",
        "BEGIN",
        "BEGIN",
        "SELECT 1",
        "COMMIT AND CHAIN",
        "ROLLBACK",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "BEGIN",
        "COMMIT",
    ];
    // To who hears of anything at all, MySQL tells where transactions begin and end. Who has turned all of it off hears it
    // through lull too, which does not know of that.
    let hears_nothing = ground.flavor == Flavor::MySql && asked.concat().contains("= ''");
    let begins = fixed.iter().position(|&statement| statement == "BEGIN");
    let fixed = fixed.get(..begins.filter(|_| hears_nothing).unwrap_or(fixed.len()));
    let mut all: Vec<String> = fixed.unwrap_or_default().iter().map(|&s| s.to_owned()).collect();
    all.push(format!("USE {name}"));
    all
}

fn heard(ground: &Ground, asked: &[&str], client: &mut Wire) -> Vec<(String, Packet)> {
    let mut heard = Vec::new();
    for statement in changes(ground, asked) {
        client.record = Some(Vec::new());
        client.query(&statement);
        let mut packets = client.record.take().unwrap_or_default();
        packets.iter_mut().for_each(sort_changes);
        heard.extend(packets.into_iter().map(|packet| (statement.clone(), packet)));
    }
    heard
}

#[track_caller]
fn assert_same(direct: &[(String, Packet)], through: &[(String, Packet)], what: &str) {
    assert_eq!(direct.len(), through.len(), "{what}");
    for (expected, found) in direct.iter().zip(through) {
        assert_eq!(found, expected, "{what}");
    }
}

/// Several changes are reported in the order of a hash table of the server's.
fn sort_changes(packet: &mut Packet) {
    let is_ok = matches!(packet.payload.first(), Some(0x00 | 0xfe)) && packet.payload.len() > 7;
    if is_ok {
        packet.payload.sort_unstable();
    }
}

#[test]
fn a_client_sees_of_its_session_what_it_asked_for_and_nothing_else() {
    on_both(|ground| {
        let with = [
            0,
            capability::DEPRECATE_EOF,
            capability::SESSION_TRACK,
            capability::SESSION_TRACK | capability::DEPRECATE_EOF,
        ];
        for capabilities in with {
            // To a client that cannot hear them, MariaDB says in all later EOF packets that it has not heard them.
            let hears = capabilities & capability::SESSION_TRACK != 0;
            let fits = |asked: &&[&str]| hears || !asked.iter().any(|sql| sql.contains("transaction_info"));
            for asked in asked(ground).filter(fits) {
                let login = ground.login().with(capabilities);
                let mut clients = [
                    login.to(ground.db.server.address),
                    login.to(ground.lull.address()),
                ];
                for client in &mut clients {
                    asked.iter().for_each(|statement| drop(client.run(statement)));
                }
                let [direct, through] = &mut clients;
                let what = format!("{:?}, {capabilities:#x}, {asked:?}", ground.flavor);
                assert_same(
                    &heard(ground, asked, direct),
                    &heard(ground, asked, through),
                    &format!("before: {what}"),
                );
                ground.lull.fenced("all", &[]);
                let guard = format!("SET SESSION {} = 1", ground.flavor.read_only_variable());
                direct.run(&guard);
                assert_same(
                    &heard(ground, asked, direct),
                    &heard(ground, asked, through),
                    &format!("in the lull: {what}"),
                );
                ground.lull.lifted("all");
                direct.run(&guard.replace("= 1", "= 0"));
                assert_same(
                    &heard(ground, asked, direct),
                    &heard(ground, asked, through),
                    &format!("after: {what}"),
                );
            }
        }
    });
}

#[test]
fn what_a_client_asks_for_in_the_lull_it_is_told_from_then_on() {
    on_both(|ground| {
        let login = ground
            .login()
            .with(capability::SESSION_TRACK | capability::DEPRECATE_EOF);
        for asked in asked(ground).skip(1) {
            let mut clients = [
                login.to(ground.db.server.address),
                login.to(ground.lull.address()),
            ];
            ground.lull.fenced("all", &[]);
            clients[0].run(&format!("SET SESSION {} = 1", ground.flavor.read_only_variable()));
            for statement in asked {
                let answers = clients.each_mut().map(|client| client.run(statement));
                assert_eq!(answers[0], answers[1], "{statement}");
            }
            let [direct, through] = &mut clients;
            let what = format!("{:?}, {asked:?}", ground.flavor);
            assert_same(
                &heard(ground, asked, direct),
                &heard(ground, asked, through),
                &format!("in the lull: {what}"),
            );
            ground.lull.lifted("all");
            direct.run(&format!("SET SESSION {} = 0", ground.flavor.read_only_variable()));
            assert_same(
                &heard(ground, asked, direct),
                &heard(ground, asked, through),
                &format!("after: {what}"),
            );
        }
    });
}

#[test]
fn who_has_the_reports_stopped_for_a_while_hides_no_write() {
    const OFF: &str = "SET SESSION session_track_transaction_info = 'OFF'";
    const STATE: &str = "SET SESSION session_track_transaction_info = 'STATE'";
    const BEGIN: [&str; 2] = ["BEGIN", "SET autocommit = 0"];
    let unlisted = "SET SESSION session_track_system_variables = ''";
    on_both(|ground| {
        for begin in BEGIN {
            for (before, hidden) in [
                ("DO 0", &[OFF, "INSERT INTO t VALUES (1)", STATE][..]),
                ("DO 0", &["INSERT INTO t VALUES (1)", OFF, STATE]),
                ("DO 0", &[unlisted, OFF, "INSERT INTO t VALUES (1)", STATE]),
                (OFF, &["INSERT INTO t VALUES (1)", STATE]),
            ] {
                let mut client = ground.client_with(capability::SESSION_TRACK);
                client.run("DO 0");
                client.run(before);
                let reads = "SELECT count(*) FROM t";
                for statement in [begin, reads].iter().chain(hidden).chain(&[reads]) {
                    client.run(statement);
                }
                let output = ground.lull.on("all", &["--drain", "300ms"]);
                let opened: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
                let what = format!("{:?}, {begin}, {hidden:?}: {opened}", ground.flavor);
                assert_eq!(fates(&opened), ["aborted"], "{what}");
                assert!(client.query("COMMIT").error().is_some(), "it is told: {what}");
                assert_eq!(ground.rows(), "", "{what}");
                ground.lull.lifted("all");
                client.run("SET autocommit = 1");
                client.run("DO 0");
            }
        }
    });
}

/// A reset takes the server's reports away, and the client does not wait for its answer.
#[test]
fn who_resets_and_writes_in_one_go_hides_no_write() {
    on_both(|ground| {
        let mut client = ground.client_with(capability::SESSION_TRACK);
        client.run("DO 0");
        let reset = [packets::RESET_CONNECTION].to_vec();
        let texts = ["BEGIN", "INSERT INTO t VALUES (1)"].map(packets::query);
        let batch: Vec<u8> = [&reset]
            .into_iter()
            .chain(&texts)
            .flat_map(|sent| framed(sent, 0).0)
            .collect();
        client.try_send_raw(&batch).unwrap();
        for _ in 0..3 {
            assert!(client.results().error().is_none());
        }
        let output = ground.lull.on("all", &["--drain", "300ms"]);
        let opened: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        assert_eq!(fates(&opened), ["aborted"], "{:?}: {opened}", ground.flavor);
        assert!(client.query("COMMIT").error().is_some(), "it is told");
        assert_eq!(ground.rows(), "");
        ground.lull.lifted("all");
    });
}

#[test]
fn a_client_that_shows_its_settings_in_a_lull_sees_its_own() {
    on_both(|ground| {
        let asked = [
            "session_track_schema = OFF",
            "session_track_transaction_info = 'STATE'",
        ];
        let info = "SELECT @@session_track_schema, @@session_track_transaction_info";
        let mut client = ground.client_with(capability::SESSION_TRACK | capability::DEPRECATE_EOF);
        for setting in asked {
            client.run(&format!("SET SESSION {setting}"));
        }
        let row = |replies: &Replies| match replies.0.as_slice() {
            [Reply::Rows { rows, .. }] => rows.first().expect("a row").payload.clone(),
            other => panic!("{other:?}"),
        };
        let before = row(&client.run(info));
        let prepared = client.prepare(info).unwrap();
        let first = row(&client.ask(&packets::execute(prepared, 0, &[])));
        ground.lull.fenced("all", &[]);
        for begin in ["DO 0", "BEGIN"] {
            client.run(begin);
            for _ in 0..2 {
                assert_eq!(row(&client.run(info)), before, "{begin}");
                let executed = client.ask(&packets::execute(prepared, 0, &[]));
                assert_eq!(row(&executed), first, "{begin}");
                assert_refused(&client.query("INSERT INTO t VALUES (1)"), "behind it");
            }
            let listed = client.run("SHOW VARIABLES LIKE 'session_track_schema'");
            let listed = listed.rows();
            assert_eq!(listed, [[Some("session_track_schema"), Some("OFF")]], "{begin}");
        }
        client.run("COMMIT");
        ground.lull.lifted("all");
        assert_eq!(row(&client.run(info)), before);
        client.run("INSERT INTO t VALUES (1)");
        assert_eq!(ground.rows(), "1");
    });
}
