//! Drivers and their pools: a refusal is an error of a statement, never a lost connection.

use crate::support::{Driver, Lull, Postgres, Version};

#[test]
fn the_pools_of_psycopg_asyncpg_and_sqlalchemy_keep_their_connections_through_a_lull() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        for driver in [Driver::Psycopg3, Driver::Asyncpg, Driver::SqlAlchemy] {
            let db = server.database();
            let lull = Lull::start(server);
            let dsn = lull.connect_string("app", &db.name);
            driver.check_lull(
                &dsn,
                || {
                    lull.fenced("all", &["--reason", "pools"]);
                },
                || lull.lifted("all"),
            );
            assert_eq!(
                lull.metric("lull_sessions_ended_total{who=\"policy\"}"),
                0.0,
                "{driver:?}"
            );
            assert_eq!(
                lull.metric("lull_sessions_ended_total{who=\"upstream\",why=\"lost\"}"),
                0.0,
                "{driver:?}"
            );
            assert_eq!(
                lull.metric("lull_sessions_ended_total{why=\"protocol\"}"),
                0.0,
                "{driver:?}"
            );
        }
    }
}
