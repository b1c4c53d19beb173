//! Replication connections: physical with PostgreSQL's own tools, logical by hand, which is COPY in both directions.

use super::program::{self, Running};
use crate::support::{Lull, Postgres, Settings, Version, Wire, eventually, frames};
use std::path::Path;

/// Where the tools find lull, and who they are.
fn way(lull: &Lull) -> [String; 6] {
    let port = lull.address().port().to_string();
    ["-h", "127.0.0.1", "-p", &port, "-U", "postgres"].map(str::to_owned)
}

#[test]
fn pg_basebackup_takes_a_whole_backup_with_its_log_through_lull() {
    for version in Version::ALL {
        let server = Postgres::start_with(Settings::of(version));
        server
            .superuser("postgres")
            .run("CREATE TABLE t AS SELECT n FROM generate_series(1, 100000) n");
        let lull = Lull::start(&server);
        let backup = lull.directory().join("backup");
        let mut command = program::newest("pg_basebackup");
        command
            .args(way(&lull))
            .args(["-X", "stream", "-c", "fast", "-D"]);
        program::run(command.arg(&backup));
        // Compares every file with its checksum, and reads the log.
        let said = program::run(program::of(version, "pg_verifybackup").arg(&backup));
        assert!(said.contains("backup successfully verified"), "{said}");
    }
}

#[test]
fn pg_receivewal_follows_the_log_through_lull() {
    for version in Version::ALL {
        let server = Postgres::start_with(Settings::of(version));
        let lull = Lull::start(&server);
        let directory = lull.directory().join("log-received");
        std::fs::create_dir(&directory).unwrap();
        let mut command = program::newest("pg_receivewal");
        command.args(way(&lull)).args(["--no-loop", "-D"]).arg(&directory);
        let receiver = Running::start(&mut command);
        let streams = "SELECT sent_lsn FROM pg_stat_replication WHERE application_name = 'pg_receivewal'";
        eventually("the log is streamed", || server.value("postgres", streams));
        let mut writer = server.superuser("postgres");
        writer.run("CREATE TABLE t (n int)");
        let segment = writer
            .value("SELECT pg_walfile_name(pg_current_wal_lsn())")
            .unwrap();
        writer.run("SELECT pg_switch_wal()");
        let written = server.data_directory().join("pg_wal").join(&segment);
        eventually("the segment has arrived", || {
            let received = std::fs::read(directory.join(&segment)).ok()?;
            same(&received, &written).then_some(())
        });
        receiver.interrupt();
        let said = receiver.finish();
        assert!(!said.contains("error"), "{said}");
    }
}

fn same(received: &[u8], written: &Path) -> bool {
    std::fs::read(written).is_ok_and(|written| written == received)
}

#[test]
fn a_logical_replication_connection_runs_sql_and_streams_in_both_directions() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let lull = Lull::start(server);
        let db = server.database();
        db.run("CREATE TABLE t (n int)");
        let mut client = Wire::connect(lull.address()).unwrap();
        let who = [
            ("user", "postgres"),
            ("database", db.name.as_str()),
            ("replication", "database"),
        ];
        client
            .startup(frames::PROTOCOL_3_0, &who, None)
            .expect_success("login");
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("0"));
        assert_eq!(client.run("IDENTIFY_SYSTEM").tags(), "TDCZ");
        let slot = format!("slot_{}", db.name);
        client.run(&format!(
            "CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL test_decoding"
        ));
        client.send(&frames::query(&format!(
            "START_REPLICATION SLOT {slot} LOGICAL 0/0"
        )));
        client.until(b'W');
        db.run("INSERT INTO t VALUES (4711)");
        loop {
            let message = client.read();
            assert_eq!(message.tag, b'd', "{message:?}");
            if String::from_utf8_lossy(&message.body).contains("n[integer]:4711") {
                break;
            }
        }
        // A status update goes up while the stream comes down.
        let mut update = vec![b'r'];
        update.extend([0; 32]);
        update.push(1);
        client.send(&frames::copy_data(&update));
        loop {
            let message = client.read();
            if message.body.first() == Some(&b'k') {
                break;
            }
        }
        client.send(&frames::copy_done());
        client.until(b'c');
        assert_eq!(client.until_ready().status(), Some('I'));
        // The connection is one for SQL again.
        assert_eq!(client.value("SELECT count(*) FROM t").as_deref(), Some("1"));
    }
}
