//! The drivers that applications use, and their tools.

use super::on_every_flavor;
use crate::support::Driver;
use crate::support::mysql::{Flavor, Server};
use crate::support::places::installed;
use crate::transparency::encryption::Encrypted;
use std::process::Command;

#[test]
fn every_driver_passes_its_checks_through_lull() {
    on_every_flavor(|server, lull| {
        for driver in Driver::MYSQL {
            let db = server.database();
            driver.check(&lull.connect_string("app", &db.name));
        }
    });
}

#[test]
fn drivers_log_in_with_passwords_on_every_combination_of_tls() {
    // A server of its own: its memory of passwords is at stake.
    let server = Server::start(Flavor::MySql);
    let db = server.database();
    for (tls, sslmode) in [
        (false, "disable"),
        (false, "require"),
        (true, "disable"),
        (true, "require"),
    ] {
        let legs = Encrypted::before(&server, "mode = \"allow\"", sslmode);
        // Where a password needs TLS or a key, each takes a way of its own.
        for driver in [Driver::PyMysql, Driver::NodeMysql2, Driver::PhpPdo] {
            server.superuser("").run("FLUSH PRIVILEGES"); // forgets the passwords that it has seen
            let mut dsn = legs.lull.connect_string("sha2", &db.name);
            dsn.push_str(" password=sha2-secret");
            if tls {
                dsn.push_str(&format!(" sslrootcert={}", legs.certificate.cert.display()));
            }
            driver.check(&dsn);
        }
    }
}

#[test]
fn sysbench_runs_through_lull_in_text_and_prepared() {
    on_every_flavor(|server, lull| {
        let db = server.database();
        let sysbench = |script: &str, verb: &str, more: &[&str]| {
            let mut command = Command::new("timeout");
            command.arg("100").arg(installed("LULL_SYSBENCH"));
            command.args(["--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-user=app"]);
            command.arg(format!("--mysql-port={}", lull.address().port()));
            command.arg(format!("--mysql-db={}", db.name));
            command.args([
                "--tables=2",
                "--table-size=1000",
                "--threads=4",
                "--events=400",
                "--time=0",
            ]);
            command.args(more).arg(script).arg(verb);
            command.env("LUA_PATH", format!("{}/?.lua", installed("LULL_SYSBENCH_LUA")));
            command.current_dir(installed("LULL_SYSBENCH_LUA"));
            let output = command.output().expect("sysbench is installed");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success(),
                "{script} {verb}: {said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
            said
        };
        sysbench("oltp_read_write", "prepare", &[]);
        for prepared in ["auto", "disable"] {
            let mode = format!("--db-ps-mode={prepared}");
            for script in ["oltp_point_select", "oltp_read_only", "oltp_read_write"] {
                let said = sysbench(script, "run", &[&mode]);
                assert!(
                    said.contains("total number of events:              400"),
                    "{said}"
                );
            }
        }
        let whole = "SELECT count(*), count(DISTINCT id) FROM sbtest1";
        assert_eq!(db.value(whole).as_deref(), Some("1000"));
    });
}

#[test]
fn the_servers_own_client_and_binlog_reader_work_through_lull() {
    on_every_flavor(|server, lull| {
        let db = server.database();
        let port = format!("--port={}", lull.address().port());
        let run = |program, arguments: &[&str]| {
            let mut command = Command::new("timeout");
            command
                .arg("60")
                .arg(program)
                .args(["--host=127.0.0.1", &port])
                .args(arguments);
            let output = command.output().expect("the program is installed");
            assert!(output.status.success(), "{command:?}: {output:?}");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let client = server.flavor.client_program();
        let script = "CREATE TABLE t (n INT); INSERT INTO t VALUES (41); SELECT n + 1 AS answer FROM t";
        let said = run(client.clone(), &["--user=app", &db.name, "--execute", script]);
        assert!(said.contains("answer\n42\n"), "{said}");
        let delimited = "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 7; END//\nDELIMITER ;\nCALL p();";
        let said = run(client, &["--user=app", &db.name, "--execute", delimited]);
        assert!(said.contains('7'), "{said}");
        let first = server.value("SHOW BINARY LOGS").expect("a binary log");
        let password = "--password=replica-secret";
        let mut reader = vec![
            "--user=replica",
            password,
            "--read-from-remote-server",
            first.as_str(),
        ];
        if server.flavor == Flavor::MySql {
            reader.push("--get-server-public-key");
        }
        let said = run(server.flavor.binlog_program(), &reader);
        assert!(said.contains("CREATE TABLE t (n INT)"), "{said}");
    });
}
