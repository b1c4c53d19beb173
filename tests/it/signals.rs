//! Applications that ask MySQL or MariaDB whether to stop writing, and clients that need another error.

use crate::support::{
    Lull,
    mysql::{Flavor, Login, Reply, Server, Wire},
};

const QUESTIONS: &[&str] = &[
    "SELECT @@global.read_only",
    "SELECT @@read_only",
    "select  @@GLOBAL . `read_only`, 7 AS seven",
    "SELECT 1 + @@global.read_only",
    "SELECT @@innodb_read_only AS i",
    "SELECT IF(@@global.read_only, 'stop', 'go')",
];

fn columns(reply: &Reply) -> String {
    match reply {
        Reply::Rows { columns, .. } => format!("{columns:?}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn who_asks_whether_the_server_is_read_only_is_told_so_in_a_lull_and_only_there() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let server = Server::shared(flavor);
        let (shop, erp) = (server.database(), server.database());
        let lull = Lull::start(server);
        let mut inside = Wire::login(lull.address(), "app", &shop.name);
        let mut beside = Wire::login(lull.address(), "app", &erp.name);
        lull.fenced(&format!("main/{}", shop.name), &[]);
        for question in QUESTIONS {
            let (told, direct) = (inside.query(question), shop.owner().query(question));
            assert_ne!(told.value(), direct.value(), "{flavor:?}: {question}");
            assert_eq!(
                columns(&told.0[0]),
                columns(&direct.0[0]),
                "{flavor:?}: names and types of {question}"
            );
            assert_eq!(
                beside.query(question).value(),
                direct.value(),
                "{flavor:?}: {question} elsewhere"
            );
        }
        for show in [
            "SHOW VARIABLES LIKE '%read_only'",
            "SHOW GLOBAL VARIABLES WHERE Variable_name = 'read_only'",
        ] {
            for row in inside.query(show).rows() {
                assert_eq!(row[1], Some("ON"), "{flavor:?}: {show}: {row:?}");
            }
        }
        let all = inside.query("SHOW VARIABLES").rows().len();
        assert!(all > 100, "{all} variables");
        lull.lifted(&format!("main/{}", shop.name));
        for question in QUESTIONS {
            assert_eq!(
                inside.query(question).value(),
                shop.owner().query(question).value(),
                "{question}"
            );
        }
    }
}

#[test]
fn signals_can_be_switched_off_and_a_kind_of_client_be_given_another_error() {
    let server = Server::shared(Flavor::MySql);
    let db = server.database();
    db.run("CREATE TABLE t (n INT)");
    let rest = "signals = false\nerror_for_client = { \"Node-MySQL-2\" = 1036 }\n";
    let lull = Lull::with_config(server, |addresses| addresses.config(rest, ""));
    let mut node = Login::of("app")
        .database(&db.name)
        .attribute("_client_name", "Node-MySQL-2")
        .to(lull.address());
    let mut other = Wire::login(lull.address(), "app", &db.name);
    lull.fenced("all", &["--reason", "upgrade"]);
    assert_eq!(node.value("SELECT @@global.read_only").as_deref(), Some("0"));
    let refused = node.query("INSERT INTO t VALUES (1)");
    assert_eq!(
        (refused.error_code(), refused.error_state()),
        (Some(1036), Some("HY000"))
    );
    assert!(refused.error_message().unwrap_or_default().contains("upgrade"));
    // What lull refuses by itself, too.
    let refused = node.query("SELECT 1 INTO OUTFILE '/nowhere'");
    assert_eq!(refused.error_code(), Some(1036));
    assert_eq!(other.query("INSERT INTO t VALUES (1)").error_code(), Some(1792));
}
