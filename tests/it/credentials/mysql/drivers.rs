//! Real drivers log in to lull.

use super::logins::encrypted;
use super::{forget, server, users};
use crate::support::Driver;
use crate::support::mysql::Flavor;

/// Where only one side has TLS, who shows a password cannot change its user, as some of them do: both have it or none.
#[test]
fn every_driver_passes_its_checks_when_lull_lets_it_in() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let db = server.database();
        for (driver, with_tls) in [
            (Driver::PyMysql, false),
            (Driver::Mysqlclient, false),
            // It shows its password in TLS only.
            (Driver::MysqlConnector, true),
            (Driver::NodeMysql2, false),
            (Driver::NodeMysql2, true),
        ] {
            let sslmode = if with_tls { "require" } else { "disable" };
            // Nobody has shown this lull a password yet.
            let legs = encrypted(&server, sslmode);
            for (user, password) in users(flavor) {
                forget(&server);
                let dsn = legs.lull.connect_string(user, &db.name);
                let root = match with_tls {
                    true => format!(" sslrootcert={}", legs.certificate.cert.display()),
                    false => String::new(),
                };
                driver.check(&format!("{dsn} password={password}{root}"));
            }
        }
    }
}
