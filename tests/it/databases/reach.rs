//! What reaches from one database into another that is in a lull, where one look does not show it: before the audit is known,
//! past what an account can see, and through a third database.

use super::READ_ONLY;
use crate::support::{
    Lull,
    mysql::{Database, Flavor, Server, Wire, packets},
};

/// On a server of its own: how many databases an account sees matters.
struct Ground<'a> {
    server: &'a Server,
    shop: Database<'a>,
    erp: Database<'a>,
    lull: Lull,
}

impl Ground<'_> {
    fn client(&self, database: &str) -> Wire {
        Wire::login(self.lull.address(), "app", database)
    }

    fn scope(&self) -> String {
        format!("main/{}", self.shop.name)
    }

    /// Rows that the lull must keep as they are.
    fn rows(&self) -> Option<String> {
        self.shop.value("SELECT COUNT(*) FROM t")
    }

    /// A view in a database whose reading runs a function that writes in the shop.
    fn lay_view(&self, database: &Database<'_>) {
        let shop = &self.shop.name;
        database.run(&format!(
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC BEGIN INSERT INTO {shop}.t VALUES (1); RETURN 1; END"
        ));
        database.run("CREATE VIEW v AS SELECT f() AS x");
    }
}

/// `others`: how many databases there are besides, which the account sees too.
fn on_both_with(others: usize, story: impl Fn(&Ground<'_>)) {
    for flavor in Flavor::ALL {
        let server = Server::start(flavor);
        server
            .superuser("")
            .run("SET GLOBAL log_bin_trust_function_creators = 1");
        let more: Vec<Database<'_>> = (0..others).map(|_| server.database()).collect();
        let ground = Ground {
            server: &server,
            shop: server.database(),
            erp: server.database(),
            lull: Lull::start(&server),
        };
        for database in [&ground.shop, &ground.erp] {
            database.run("CREATE TABLE t (n INT) ENGINE=InnoDB");
        }
        story(&ground);
        drop(more);
    }
}

#[test]
fn a_read_that_writes_by_a_view_does_not_get_through_before_the_audit_is_known() {
    on_both_with(0, |ground| {
        ground.lay_view(&ground.erp);
        // The transaction has no snapshot yet, so that nobody can be asked what is in its database: no audit is made before
        // the statement waits for it.
        let mut client = ground.client(&ground.erp.name);
        client.run("BEGIN");
        ground.lull.fenced(&ground.scope(), &[]);
        let answer = client.query("SELECT * FROM v");
        assert_eq!(answer.error_code(), READ_ONLY, "{answer:?}");
        client.run("COMMIT");
        assert_eq!(ground.rows().as_deref(), Some("0"));
        ground.lull.lifted(&ground.scope());
        client.run("SELECT * FROM v");
        assert_eq!(ground.rows().as_deref(), Some("1"));
    });
}

#[test]
fn reading_on_and_on_while_lulls_open_beside_it_writes_nothing_behind_a_fence() {
    on_both_with(0, |ground| {
        ground.lay_view(&ground.erp);
        ground.erp.run("CREATE TABLE log (n INT)");
        ground.erp.run(
            "CREATE FUNCTION g() RETURNS INT DETERMINISTIC BEGIN INSERT INTO log VALUES (1); RETURN 1; END",
        );
        ground.erp.run("CREATE VIEW w AS SELECT g() AS x");
        let mut client = ground.client(&ground.erp.name);
        let mut observer = ground.shop.superuser();
        let seen = |observer: &mut Wire| observer.value("SELECT COUNT(*) FROM t");
        for round in 0..15 {
            client.run("SELECT * FROM v");
            ground.lull.fenced(&ground.scope(), &[]);
            let before = seen(&mut observer);
            let answer = client.query("SELECT * FROM v");
            assert_eq!(answer.error_code(), READ_ONLY, "round {round}: {answer:?}");
            assert_eq!(client.query("SELECT COUNT(*) FROM t").error_code(), None);
            // A transaction that begins while nobody knows yet is not one that the guard has got hold of.
            client.run("BEGIN");
            client.run("INSERT INTO t VALUES (1)");
            client.run("COMMIT");
            client.run("SELECT * FROM w");
            assert_eq!(seen(&mut observer), before, "round {round}");
            ground.lull.lifted(&ground.scope());
        }
        let read_only = client.value("SELECT @@session.autocommit");
        assert_eq!(read_only.as_deref(), Some("1"));
    });
}

/// What runs before the audit is known rests on this, directly on the servers.
#[test]
fn a_function_that_lifts_the_guard_does_not_write_in_the_statement_that_runs_it() {
    on_both_with(0, |ground| {
        let setting = ground.server.flavor.pick("tx_read_only", "transaction_read_only");
        let lifts = format!("SET SESSION {setting} = 0");
        ground.erp.run(&format!(
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC BEGIN {lifts}; INSERT INTO t VALUES (1); RETURN 1; END"
        ));
        ground.erp.run("CREATE VIEW v AS SELECT f() AS x");
        let mut client = ground.erp.owner();
        client.run(&format!("SET SESSION {setting} = 1"));
        let answer = client.query("SELECT * FROM v");
        let rows = ground.erp.value("SELECT COUNT(*) FROM t");
        assert_eq!(rows.as_deref(), Some("0"), "{answer:?}");
    });
}

#[test]
fn a_foreign_key_whose_child_the_account_cannot_see_does_not_carry_a_write_into_the_lull() {
    on_both_with(0, |ground| {
        let (shop, erp) = (&ground.shop.name, &ground.erp.name);
        let mut root = ground.server.superuser("");
        let user = format!("of_{erp}");
        root.run(&format!("CREATE USER {user}@'%'"));
        root.run(&format!(
            "GRANT ALL PRIVILEGES ON `{}`.* TO {user}@'%'",
            erp.replace('_', "\\_")
        ));
        root.run(&format!(
            "CREATE TABLE {erp}.parts (id INT PRIMARY KEY) ENGINE=InnoDB"
        ));
        root.run(&format!(
            "CREATE TABLE {shop}.pieces (part INT, FOREIGN KEY (part) REFERENCES {erp}.parts (id) \
             ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB"
        ));
        root.run(&format!("INSERT INTO {erp}.parts VALUES (1), (2)"));
        root.run(&format!("INSERT INTO {shop}.pieces VALUES (1), (2)"));
        let mut client = Wire::login(ground.lull.address(), &user, erp);
        client.run("DELETE FROM parts WHERE id = 2");
        let _of_the_shop = ground.client(shop);
        ground.lull.fenced(&ground.scope(), &[]);
        for write in [
            "DELETE FROM parts WHERE id = 1",
            "UPDATE parts SET id = 3 WHERE id = 1",
            "DELETE FROM p USING parts AS p",
        ] {
            let answer = client.query(write);
            assert_eq!(answer.error_code(), READ_ONLY, "{write}: {answer:?}");
        }
        client.run("INSERT INTO t VALUES (1)");
        let pieces = || ground.shop.value("SELECT GROUP_CONCAT(part) FROM pieces");
        assert_eq!(pieces().as_deref(), Some("1"));
        ground.lull.lifted(&ground.scope());
        client.run("DELETE FROM parts WHERE id = 1");
        assert_eq!(pieces(), None);
        root.run(&format!("DROP TABLE {shop}.pieces"));
        root.run(&format!("DROP USER {user}@'%'"));
    });
}

#[test]
fn where_there_are_many_databases_those_that_a_statement_names_are_looked_at_when_it_does() {
    on_both_with(30, |ground| {
        let shop = &ground.shop.name;
        let crm = ground.server.database();
        crm.run("CREATE TABLE t (n INT) ENGINE=InnoDB");
        crm.run(&format!("CREATE VIEW o AS SELECT * FROM {shop}.t"));
        ground.lay_view(&crm);
        let crm_name = &crm.name;
        let harmless = [
            format!("INSERT INTO {crm_name}.t VALUES (1)"),
            format!("SELECT COUNT(*) FROM {crm_name}.t"),
            format!("UPDATE {crm_name}.t SET n = 2"),
        ];
        let reaching = [
            format!("INSERT INTO {crm_name}.o VALUES (1)"),
            format!("SELECT * FROM {crm_name}.v"),
            format!("SELECT {crm_name}.f()"),
        ];
        // With nobody in that database to ask, and with somebody.
        for present in [false, true] {
            let _of_crm = present.then(|| ground.client(crm_name));
            let mut client = ground.client(&ground.erp.name);
            let prepared = client.prepare(&harmless[0]).expect("prepared");
            ground.lull.fenced(&ground.scope(), &[]);
            let executed = client.ask(&packets::execute(prepared, 0, &[]));
            assert_eq!(executed.error_code(), None, "{executed:?}");
            for text in &harmless {
                client.run(text);
            }
            for text in &reaching {
                let answer = client.query(text);
                assert_eq!(answer.error_code(), READ_ONLY, "{text}: {answer:?}");
            }
            assert_eq!(ground.rows().as_deref(), Some("0"));
            ground.lull.lifted(&ground.scope());
        }
    });
}

#[test]
fn a_function_of_another_database_that_acts_behind_the_guard_is_refused_in_the_lull() {
    for others in [0, 30] {
        on_both_with(others, |ground| {
            let erp = &ground.erp.name;
            let setting = ground.server.flavor.pick("tx_read_only", "transaction_read_only");
            ground.erp.run(&format!(
                "CREATE FUNCTION lifts() RETURNS INT DETERMINISTIC BEGIN SET SESSION {setting} = 0; RETURN 1; END"
            ));
            ground.erp.run("CREATE VIEW sees AS SELECT lifts() AS x");
            ground
                .erp
                .run("CREATE FUNCTION fine() RETURNS INT DETERMINISTIC RETURN 1");
            let mut client = ground.client(&ground.shop.name);
            ground.lull.fenced(&ground.scope(), &[]);
            for text in [
                format!("SELECT {erp}.lifts()"),
                format!("SELECT * FROM {erp}.sees"),
                format!("SELECT * FROM `{erp}` . `SEES`").to_lowercase(),
                format!("PREPARE p FROM 'SELECT {erp}.lifts()'"),
            ] {
                let answer = client.query(&text);
                assert_eq!(answer.error_code(), READ_ONLY, "{text}: {answer:?}");
            }
            assert_eq!(
                client.value(&format!("SELECT {erp}.fine()")).as_deref(),
                Some("1")
            );
            let count = client.value(&format!("SELECT COUNT(*) FROM {erp}.t"));
            assert_eq!(count.as_deref(), Some("0"));
            ground.lull.lifted(&ground.scope());
        });
    }
}
