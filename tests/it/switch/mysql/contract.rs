//! What an operator is told, and who goes on writing.

use super::{Ground, assert_refused, on_both};
use crate::support::Lull;
use crate::support::Primary;
use crate::support::mysql::{Flavor, Server, Wire};

const WRITE: &str = "INSERT INTO t VALUES (1)";

#[test]
fn the_position_of_the_fence_is_the_servers_own() {
    for flavor in Flavor::EVERY {
        let server = Server::start(flavor);
        let db = server.database();
        db.run("CREATE TABLE t (n INT)");
        let lull = Lull::start(&server);
        let plain = |position: &str| position.replace(['\n', ' '], "");
        let mut client = Wire::login(lull.address(), "app", &db.name);
        for _ in 0..3 {
            client.run(WRITE);
            let opened = lull.fenced("all", &[]);
            let position = opened["position"].as_str().expect("a position").to_owned();
            assert!(!position.is_empty());
            assert_eq!(
                plain(&position),
                plain(&server.position()),
                "{flavor:?}: {opened}"
            );
            lull.lifted("all");
        }
    }
}

#[test]
fn the_bypass_and_its_users_go_on_writing() {
    on_both(|ground: &Ground| {
        let primary = Primary::mysql(ground.db.server.address);
        let lull = Lull::with_config(primary, |addresses| {
            addresses.config("bypass_users = [\"root\"]", "")
        });
        let name = &ground.db.name;
        let mut client = Wire::login(lull.address(), "app", name);
        let mut bypass = Wire::login(lull.bypass(), "app", name);
        let mut migrator = Wire::login(lull.address(), "root", name);
        bypass.run("BEGIN");
        bypass.run(WRITE);
        let opened = lull.fenced("all", &["--drain", "5s", "--stragglers", "report"]);
        assert_eq!(opened["sessions"], 1, "{opened}");
        assert_refused(&client.query(WRITE), "a client");
        bypass.run("COMMIT");
        migrator.run("INSERT INTO t VALUES (2)");
        let mut late = Wire::login(lull.bypass(), "app", name);
        late.run("ALTER TABLE t ADD COLUMN v INT");
        late.run("INSERT INTO t (n) VALUES (3)");
        assert_eq!(
            client.value("SELECT count(*) FROM t WHERE v IS NULL").as_deref(),
            Some("3")
        );
        assert_eq!(ground.rows(), "1,2,3");
    });
}
