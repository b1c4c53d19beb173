//! The same for MariaDB and MySQL: a refusal is an error of a statement, in the server's own words, which nobody
//! takes for a lost connection.

use crate::support::Lull;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Flavor, Login, Server, Wire};

#[test]
fn a_refusal_is_the_servers_own_word_for_word_and_then_says_which_lull_it_is_and_why() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(server);
        let mut direct = db.owner();
        direct.run("SET SESSION TRANSACTION READ ONLY");
        let own = direct.query("INSERT INTO t VALUES (1)");
        let own = own.error_message().expect("a refusal").to_owned();
        let with = capability::MULTI_STATEMENTS | capability::DEPRECATE_EOF | capability::SESSION_TRACK;
        for more in [0, with] {
            let mut client = Login::of("app").database(&db.name).with(more).to(lull.address());
            lull.fenced("all", &["--reason", "the upgrade to 4.2", "--for", "2h"]);
            // By the server, and by lull.
            for refused in ["INSERT INTO t VALUES (1)", "FLUSH TABLES", "LOCK TABLES t READ"] {
                let said = client.query(refused);
                assert_eq!(
                    (said.error_code(), said.error_state()),
                    (Some(1792), Some("25006")),
                    "{refused}"
                );
                let message = said.error_message().expect("one");
                let rest = message
                    .strip_prefix(own.trim_end_matches('.'))
                    .unwrap_or_default();
                assert!(
                    rest.starts_with(". A lull on all is open since "),
                    "{refused}: {message}"
                );
                for word in ["the upgrade to 4.2", "Write again when the lull has ended, at 20"] {
                    assert!(message.contains(word), "{refused}: {message}");
                }
                assert_eq!(
                    client.value("SELECT 1").as_deref(),
                    Some("1"),
                    "the session goes on"
                );
                assert!(client.ask(&[packets::PING]).error().is_none());
            }
            lull.lifted("all");
        }
    }
}

/// By these, in whatever case, frameworks know a connection that is lost.
pub const PHRASES_OF_LOSS: &[&str] = &[
    "server has gone away",
    "Lost connection",
    "is dead or not enabled",
    "went away",
    "server is shutting down",
    "Connection lost",
    "connection was killed",
    "Broken pipe",
    "running with the --read-only option",
    "no such file",
    "reset by peer",
    "failed to connect to",
    "Error while sending",
    "decryption failed or bad record mac",
    "server closed the connection unexpectedly",
    "SSL connection has been closed unexpectedly",
    "Error writing data to the connection",
    "Resource deadlock avoided",
    "Transaction() on null",
    "child connection forced to terminate",
    "connection timed out",
    "Packets out of order",
];

#[test]
fn no_reason_that_an_operator_gives_makes_a_refusal_look_like_a_lost_connection() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(server);
        let mut client = Wire::login(lull.address(), "app", &db.name);
        for phrase in PHRASES_OF_LOSS {
            for reason in [
                phrase.to_string(),
                format!("the old {}, so we upgrade", phrase.to_uppercase()),
            ] {
                lull.fenced("all", &["--reason", &reason]);
                for refused in ["INSERT INTO t VALUES (1)", "FLUSH TABLES"] {
                    let said = client.query(refused);
                    let message = said.error_message().expect("a refusal").to_lowercase();
                    let seen = PHRASES_OF_LOSS
                        .iter()
                        .find(|phrase| message.contains(&phrase.to_lowercase()));
                    assert_eq!(seen, None, "{refused}: {message}");
                    assert!(message.contains("a lull is open"), "{refused}: {message}");
                }
            }
        }
        assert_eq!(
            client.value("SELECT connection_id()"),
            Some(client.id().to_string())
        );
    }
}
