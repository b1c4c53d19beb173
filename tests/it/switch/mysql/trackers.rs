//! What the server reports of a session: lull has it report more, and each client sees what it asked for, in a lull as
//! before and after it.

use super::{Ground, on_both};
use crate::support::mysql::packets::capability;
use crate::support::mysql::{Flavor, Packet, Wire};

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
];

fn asked(ground: &Ground) -> impl Iterator<Item = &'static [&'static str]> {
    // Among all the variables of MySQL's is one that counts the statements of all sessions.
    let counts =
        |asked: &&[&str]| asked.iter().any(|sql| sql.contains('*')) && ground.flavor == Flavor::MySql;
    let asked = ASKED.iter().copied().filter(|asked| !counts(asked));
    asked.collect::<Vec<_>>().into_iter()
}

/// Changes of a session that are reported, and others.
fn changes(ground: &Ground) -> Vec<String> {
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
        "COMMIT",
        "SELECT nothing",
    ];
    // MySQL tells whoever hears of anything where transactions begin and end, which lull keeps to itself.
    let tells =
        |statement: &&&str| matches!(**statement, "BEGIN" | "COMMIT") && ground.flavor == Flavor::MySql;
    let fixed = fixed.iter().filter(|statement| !tells(statement));
    let mut all: Vec<String> = fixed.map(|&statement| statement.to_owned()).collect();
    all.push(format!("USE {name}"));
    all
}

fn heard(ground: &Ground, client: &mut Wire) -> Vec<(String, Packet)> {
    let mut heard = Vec::new();
    for statement in changes(ground) {
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
            for asked in asked(ground) {
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
                    &heard(ground, direct),
                    &heard(ground, through),
                    &format!("before: {what}"),
                );
                ground.lull.fenced("all", &[]);
                let guard = format!("SET SESSION {} = 1", ground.flavor.read_only_variable());
                direct.run(&guard);
                assert_same(
                    &heard(ground, direct),
                    &heard(ground, through),
                    "in the lull: {what}",
                );
                ground.lull.lifted("all");
                direct.run(&guard.replace("= 1", "= 0"));
                assert_same(
                    &heard(ground, direct),
                    &heard(ground, through),
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
                &heard(ground, direct),
                &heard(ground, through),
                &format!("in the lull: {what}"),
            );
            ground.lull.lifted("all");
            direct.run(&format!("SET SESSION {} = 0", ground.flavor.read_only_variable()));
            assert_same(
                &heard(ground, direct),
                &heard(ground, through),
                &format!("after: {what}"),
            );
        }
    });
}
