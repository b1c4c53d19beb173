//! A Rust driver, `mysql_async`, with its pool.

use super::on_every_flavor;
use mysql_async::prelude::{Query, Queryable, WithParams};
use mysql_async::{Conn, Error, Opts, OptsBuilder, Pool, Row, TxOpts, params};
use std::time::Duration;

#[test]
fn mysql_async_prepares_streams_and_pools_through_lull() {
    on_every_flavor(|server, lull| {
        let db = server.database();
        let opts: Opts = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(lull.address().port())
            .user(Some("app"))
            .db_name(Some(&db.name))
            .prefer_socket(false)
            .into();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let story =
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), converse(opts)).await });
        story.expect("in time").expect("no error");
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("10"));
    });
}

async fn converse(opts: Opts) -> Result<(), Error> {
    let mut conn = Conn::new(opts.clone()).await?;
    conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
        .await?;
    let rows = (0..10).map(|id| params! { "id" => id, "v" => format!("row {id}") });
    conn.exec_batch("INSERT INTO t VALUES (:id, :v)", rows).await?;
    let again = conn.exec_drop("INSERT INTO t VALUES (?, ?)", (1, "once more"));
    match again.await {
        Err(Error::Server(error)) => assert_eq!((error.code, error.state.as_str()), (1062, "23000")),
        other => panic!("{other:?}"),
    }
    let found: Vec<(i32, String)> = conn
        .exec("SELECT id, v FROM t WHERE id < ? ORDER BY id", (3,))
        .await?;
    assert_eq!(found[2], (2, "row 2".to_owned()));
    let mut results = conn.query_iter("SELECT 1; SELECT 'two'; DO 1").await?;
    let (first, second): (Vec<i32>, Vec<String>) = (results.collect().await?, results.collect().await?);
    assert_eq!((first, second), (vec![1], vec!["two".to_owned()]));
    drop(results);

    let mut transaction = conn.start_transaction(TxOpts::default()).await?;
    transaction.query_drop("DELETE FROM t").await?;
    assert_eq!(transaction.affected_rows(), 10);
    transaction.rollback().await?;
    let large = "x".repeat(17 << 20);
    let length: Option<u64> = conn.exec_first("SELECT length(?)", (&large,)).await?;
    assert_eq!(length, Some(17 << 20));
    conn.ping().await?;
    conn.reset().await?;
    conn.disconnect().await?;

    let pool = Pool::new(opts);
    let ids = async || -> Result<u32, Error> {
        let row: Option<Row> = "SELECT CONNECTION_ID(), ?".with((1,)).first(&pool).await?;
        Ok(row.and_then(|row| row.get(0)).expect("a row"))
    };
    let (one, two) = tokio::join!(ids(), ids());
    assert_ne!(one?, two?);
    "SET @mine = 1".ignore(&pool).await?;
    pool.disconnect().await
}
