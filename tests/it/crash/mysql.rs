//! The same in front of MariaDB and MySQL.

use super::{moment, start};
use crate::support::Lull;
use crate::support::mysql::{Database, Flavor, Server, Wire};

const WRITE: &str = "INSERT INTO t VALUES (1)";

/// A session that is born now: by what it says of itself, and by what happens.
fn is_read_only(lull: &Lull, db: &Database<'_>) -> bool {
    let mut born = Wire::login(lull.address(), "app", &db.name);
    let question = format!("SELECT @@session.{}", db.server.flavor.read_only_variable());
    let says = born.value(&question).as_deref() == Some("1");
    let refused = born.query(WRITE).error_code() == Some(1792);
    assert_eq!(says, refused, "what the session says is what holds");
    refused
}

#[test]
fn after_a_kill_at_any_moment_the_lull_is_on_if_on_had_answered_and_off_if_off_had() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(server);
        let mut answered = 0;
        for round in 0..20 {
            let verb = if round % 2 == 0 { "on" } else { "off" };
            let mut idle = Wire::login(lull.address(), "app", &db.name);
            let mut child = start(&lull, &[verb, "all"]);
            // From a moment inside the command to one right behind its answer.
            if round % 4 < 2 {
                std::thread::sleep(moment(round));
            } else {
                child.wait().expect("own child");
            }
            lull.kill9();
            let status = child.wait().expect("own child");
            assert!(idle.until_closed().is_empty(), "nothing is said by who is killed");
            // No session of the dead is left on the server to write.
            server.wait_for_end_of(idle.id());
            lull.launch();
            let now = is_read_only(&lull, &db);
            if status.success() {
                assert_eq!(now, verb == "on", "round {round}: {verb} had answered 0");
                answered += 1;
            } else {
                assert_eq!(is_read_only(&lull, &db), now, "round {round}");
                let mended = if verb == "on" {
                    lull.on("all", &[])
                } else {
                    lull.off("all")
                };
                assert!(mended.status.success(), "round {round}: {mended:?}");
            }
        }
        assert!(answered >= 10, "{flavor:?}: {answered}");
    }
}

#[test]
fn a_transaction_that_lull_dies_under_is_rolled_back_and_its_lull_comes_back_with_its_reason() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(server);
        let mut client = Wire::login(lull.address(), "app", &db.name);
        client.run("BEGIN");
        client.run(WRITE);
        let output = lull.on(
            "all",
            &[
                "--reason",
                "upgrade",
                "--drain",
                "100ms",
                "--stragglers",
                "report",
            ],
        );
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let id = client.id();
        lull.restart();
        client.until_closed();
        server.wait_for_end_of(id);
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("0"));
        let refused = Wire::login(lull.address(), "app", &db.name).query(WRITE);
        assert!(
            refused
                .error_message()
                .is_some_and(|said| said.contains("upgrade")),
            "{refused:?}"
        );
        lull.fenced("all", &[]);
        lull.lifted("all");
        lull.restart();
        assert!(!is_read_only(&lull, &db));
    }
}
