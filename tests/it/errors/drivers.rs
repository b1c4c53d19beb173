//! Drivers and their pools: a refusal is an error of a statement, never a lost connection.

use crate::support::mysql::{Flavor, Server};
use crate::support::{Driver, Lull, Postgres, Version};

#[test]
fn the_pools_of_psycopg_asyncpg_and_sqlalchemy_keep_their_connections_through_a_lull() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        for driver in [Driver::Psycopg3, Driver::Asyncpg, Driver::SqlAlchemy] {
            let lull = Lull::start(server);
            let db = server.database();
            keeps_its_connections(driver, &lull, &db.name);
        }
    }
}

#[test]
fn the_drivers_of_mysql_and_mariadb_keep_their_connections_through_a_lull() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        for driver in Driver::MYSQL {
            let lull = Lull::start(server);
            let db = server.database();
            keeps_its_connections(driver, &lull, &db.name);
        }
    }
}

#[track_caller]
fn keeps_its_connections(driver: Driver, lull: &Lull, database: &str) {
    driver.check_lull(
        &lull.connect_string("app", database),
        || {
            lull.fenced("all", &["--reason", "pools"]);
        },
        || lull.lifted("all"),
    );
    for ended in [
        "{who=\"policy\"}",
        "{who=\"upstream\",why=\"lost\"}",
        "{why=\"protocol\"}",
    ] {
        let ended = lull.metric(&format!("lull_sessions_ended_total{ended}"));
        assert_eq!(ended, 0.0, "{driver:?}");
    }
}
