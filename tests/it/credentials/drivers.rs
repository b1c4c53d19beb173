//! Real drivers log in to lull.

use super::{PASSWORD, lull, server, userlist};
use crate::support::{Driver, Version};

#[test]
fn every_driver_passes_its_checks_when_lull_lets_it_in() {
    for version in Version::ALL {
        let server = server(version);
        let lull = lull(&server, &userlist(&server), "", "");
        for (driver, user) in [
            (Driver::Psycopg3, "scram-sha-256"),
            (Driver::Psycopg2, "md5"),
            (Driver::Asyncpg, "scram-sha-256"),
            (Driver::Asyncpg, "md5"),
            (Driver::SqlAlchemy, "scram-sha-256"),
            (Driver::NodePg, "scram-sha-256"),
            (Driver::NodePg, "md5"),
        ] {
            let db = server.database();
            db.superuser().run(&format!(
                "ALTER DATABASE {} OWNER TO \"{user}\"; ALTER SCHEMA public OWNER TO \"{user}\"",
                db.name
            ));
            driver.check(&format!(
                "{} password={PASSWORD}",
                lull.connect_string(user, &db.name)
            ));
        }
    }
}
