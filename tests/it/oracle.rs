//! The driver programs directly on the servers, without lull: what they check must be true of PostgreSQL itself.
//!
//! The server's own `default_transaction_read_only`, changed for all open sessions by a reload, plays the lull here.

use crate::support::{Driver, Postgres, Version, eventually};

#[test]
fn every_driver_passes_its_checks_directly_on_the_server() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        for driver in Driver::ALL {
            let db = server.database();
            driver.check(&server.connect_string("app", &db.name));
        }
    }
}

#[test]
fn what_drivers_expect_of_a_lull_is_what_a_read_only_server_does() {
    for version in Version::ALL {
        let server = Postgres::start(version);
        for driver in Driver::ALL {
            let db = server.database();
            let dsn = server.connect_string("app", &db.name);
            driver.check_read_only_server(&dsn, || read_only(&server, "on"), || read_only(&server, "off"));
        }
    }
}

/// Returns when every session that is idle now will have the setting before its next statement: the postmaster, from which
/// new sessions get it, passes the signal on before it takes a new connection.
fn read_only(server: &Postgres, value: &str) {
    let mut client = server.superuser("postgres");
    client.run("SET default_transaction_read_only = off");
    client.run(&format!(
        "ALTER SYSTEM SET default_transaction_read_only = {value}"
    ));
    client.run("SELECT pg_reload_conf()");
    eventually("new sessions have the setting", || {
        let now = server.value("postgres", "SHOW default_transaction_read_only");
        (now.as_deref() == Some(value)).then_some(())
    });
}
