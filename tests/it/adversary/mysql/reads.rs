//! What clients may go on doing in a lull: every kind of read gives what the server gives directly, byte by byte.

use super::cases;
use super::ground::{self, filled_in};
use crate::support::Lull;
use crate::support::mysql::packets::{self, status};
use crate::support::mysql::{Flavor, Login, Replies, Reply, Wire};

/// Run before the lull.
const BEFORE: &str = "BEFORE ";
/// In the reason of a case whose rows two sessions cannot have in common.
const VARIES: &str = "; varies";

/// Without what says that a transaction is read-only, which in a lull it is.
fn unmarked(mut replies: Replies, varies: bool) -> Replies {
    for reply in &mut replies.0 {
        match reply {
            Reply::Ok(done) => done.status &= !status::IN_TRANS_READONLY,
            Reply::Rows { end, rows, .. } => {
                end.status &= !status::IN_TRANS_READONLY;
                if varies {
                    rows.clear();
                }
            }
            _ => {}
        }
    }
    replies
}

/// The same statement prepared and executed, on both sides.
fn prepared(client: &mut Wire, line: &str) -> (Replies, Option<Replies>) {
    client.send(&packets::prepare(line));
    let made = client.prepared();
    let Some(&Reply::Prepared { statement, .. }) = made.0.first() else {
        return (made, None);
    };
    let ran = client.ask(&packets::execute(statement, 0, &[]));
    client.send(&packets::close(statement));
    (made, Some(ran))
}

#[track_caller]
fn reads_are_the_servers_own(user: &str) {
    for flavor in Flavor::ALL {
        let server = ground::server(flavor);
        let db = server.database();
        ground::lay(&db);
        let lull = Lull::start(&server);
        let login = Login::of(user).database(&db.name);
        let mut sessions = Vec::new();
        for case in cases("reads.sql", flavor) {
            let (mut direct, mut client) = (login.to(server.address), login.to(lull.address()));
            let lines: Vec<String> = case.lines.iter().map(|line| filled_in(line, &db, 0)).collect();
            for line in lines.iter().filter_map(|line| line.strip_prefix(BEFORE)) {
                direct.run(line);
                client.run(line);
            }
            sessions.push((case, lines, direct, client));
        }
        lull.fenced("all", &["--reason", "reads"]);
        let mut different = Vec::new();
        let mut leaks = 0.0;
        for (case, lines, mut direct, mut client) in sessions {
            let varies = case.reason.contains(VARIES);
            for line in lines.iter().filter(|line| !line.starts_with(BEFORE)) {
                let text = (client.query(line), direct.query(line));
                let (client_says, direct_says) = (unmarked(text.0, varies), unmarked(text.1, varies));
                if client_says != direct_says {
                    different.push(format!(
                        "{flavor:?}: {}: {line}\n  {client_says:?}\n  {direct_says:?}",
                        case.reason
                    ));
                }
            }
            let now = lull.metric("lull_write_leaks_total");
            if now != leaks {
                different.push(format!("{flavor:?}: {}: {lines:?} counts as a leak", case.reason));
                leaks = now;
            }
            if lines.len() == 1 && !varies {
                let both = (prepared(&mut client, &lines[0]), prepared(&mut direct, &lines[0]));
                let clean =
                    |(made, ran): (Replies, Option<Replies>)| (made, ran.map(|ran| unmarked(ran, false)));
                let (client_says, direct_says) = (clean(both.0), clean(both.1));
                if client_says != direct_says {
                    different.push(format!(
                        "{flavor:?}: {}: prepared {}\n  {client_says:?}\n  {direct_says:?}",
                        case.reason, lines[0]
                    ));
                }
            }
        }
        assert!(
            different.is_empty(),
            "{} differ:\n{}",
            different.len(),
            different.join("\n")
        );
    }
}

#[test]
fn reads_of_mysql_and_mariadb_are_the_servers_own_in_a_lull() {
    reads_are_the_servers_own("app");
}
