//! Real drivers and tools through lull.

use super::{on_every_version, program};
use crate::support::Driver;
use std::time::Duration;

#[test]
fn every_driver_passes_its_checks_through_lull() {
    on_every_version(|server, lull| {
        for driver in Driver::ALL {
            let db = server.database();
            driver.check(&lull.connect_string("app", &db.name));
        }
    });
}

#[test]
fn pgbench_runs_its_scripts_in_all_three_protocols_through_lull() {
    on_every_version(|server, lull| {
        let db = server.database();
        let port = lull.address().port().to_string();
        let pgbench = |arguments: &[&str]| {
            let mut command = program::newest("pgbench");
            command.args(["-h", "127.0.0.1", "-p", &port, "-U", "app"]);
            program::run(command.args(arguments).arg(&db.name))
        };
        pgbench(&["-i", "-q", "-s", "1"]);
        for protocol in ["simple", "extended", "prepared"] {
            for script in ["select-only", "tpcb-like"] {
                let said = pgbench(&[
                    "-n", "-b", script, "-M", protocol, "-c", "4", "-j", "2", "-t", "50",
                ]);
                let all = "number of transactions actually processed: 200/200";
                assert!(said.contains(all), "{script} {protocol}: {said}");
            }
        }
        let pipeline = lull.directory().join("pipeline.sql");
        let script = "\\startpipeline\nSELECT 1;\nSELECT 2;\n\\syncpipeline\nSELECT 3;\n\\endpipeline\n";
        std::fs::write(&pipeline, script).unwrap();
        let said = pgbench(&[
            "-n",
            "-f",
            pipeline.to_str().unwrap(),
            "-M",
            "extended",
            "-t",
            "50",
        ]);
        assert!(said.contains("actually processed: 50/50"), "{said}");
        // Each of these transfers moves one amount through three tables.
        let sums = "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history) \
                    AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)";
        assert_eq!(db.value(sums).as_deref(), Some("t"));
        assert_eq!(
            db.value("SELECT count(*) FROM pgbench_history").as_deref(),
            Some("600")
        );
    });
}

#[test]
fn tokio_postgres_prepares_pipelines_and_reads_page_by_page_through_lull() {
    on_every_version(|server, lull| {
        let db = server.database();
        let config = lull.connect_string("app", &db.name);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let story = runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(60), converse(&config)).await });
        story.expect("in time").expect("no error");
    });
}

async fn converse(config: &str) -> Result<(), tokio_postgres::Error> {
    let (mut client, connection) = tokio_postgres::connect(config, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    client
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        .await?;
    let insert = client.prepare("INSERT INTO t VALUES ($1, $2)").await?;
    for id in 0..10 {
        assert_eq!(client.execute(&insert, &[&id, &"value"]).await?, 1);
    }
    let again = client
        .execute(&insert, &[&1, &"once more"])
        .await
        .expect_err("a duplicate");
    assert_eq!(
        again.code(),
        Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION)
    );
    // Both are under way before either is answered.
    let (first, second) = tokio::join!(
        client.query_one("SELECT count(*) FROM t", &[]),
        client.query_one("SELECT max(id) FROM t", &[])
    );
    assert_eq!((first?.get::<_, i64>(0), second?.get::<_, i32>(0)), (10, 9));
    let transaction = client.transaction().await?;
    let portal = transaction.bind("SELECT id FROM t ORDER BY id", &[]).await?;
    let mut sizes = Vec::new();
    loop {
        let rows = transaction.query_portal(&portal, 4).await?;
        if rows.is_empty() {
            break;
        }
        sizes.push(rows.len());
    }
    assert_eq!(sizes, [4, 4, 2]);
    transaction.execute("DELETE FROM t", &[]).await?;
    transaction.rollback().await?;
    let simple = client
        .simple_query("SELECT count(*) FROM t; LISTEN probe")
        .await?;
    assert!(simple.iter().any(
        |message| matches!(message, tokio_postgres::SimpleQueryMessage::Row(row) if row.get(0) == Some("10"))
    ));
    drop(client);
    connection.await.expect("the connection's task")
}
