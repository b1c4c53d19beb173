//! A conversation of every kind of command, and all that came.

use crate::support::mysql::packets::{self, CURSOR_READ_ONLY, capability};
use crate::support::mysql::{Flavor, Packet, Reply, Wire};

/// What both sides can be asked to have, beyond the usual.
pub(super) const COMBINATIONS: [u64; 9] = [
    0,
    capability::DEPRECATE_EOF,
    capability::SESSION_TRACK,
    capability::SESSION_TRACK | capability::DEPRECATE_EOF,
    capability::MULTI_STATEMENTS | capability::LOCAL_FILES | capability::FOUND_ROWS,
    capability::MULTI_STATEMENTS | capability::LOCAL_FILES | capability::DEPRECATE_EOF,
    capability::MULTI_STATEMENTS
        | capability::LOCAL_FILES
        | capability::SESSION_TRACK
        | capability::DEPRECATE_EOF
        | capability::QUERY_ATTRIBUTES,
    capability::MULTI_STATEMENTS | capability::OPTIONAL_METADATA | capability::QUERY_ATTRIBUTES,
    capability::MULTI_STATEMENTS
        | capability::DEPRECATE_EOF
        | capability::MARIADB_BULK
        | capability::MARIADB_CACHE_METADATA
        | capability::MARIADB_PROGRESS,
];

/// Plays everything on a fresh session of a database whose tables are nobody else's; every packet that came.
/// Behind a reset of the session, lull has something of its own to say to the server.
pub(super) fn converse(client: &mut Wire, flavor: Flavor, resets: bool) -> Vec<Packet> {
    client.run("DROP TABLE IF EXISTS t");
    client.record = Some(Vec::new());
    text_protocol(client);
    transactions(client);
    procedures(client);
    prepared_statements(client, flavor);
    whole_session(client, resets);
    trackers(client, flavor);
    client.send(&[packets::STATISTICS]);
    let statistics = client.read();
    assert!(statistics.payload.starts_with(b"Uptime"), "{statistics:?}");
    let mut record = client.record.take().expect("it was made");
    record.pop(); // whose numbers are never the same
    client.send(&[packets::QUIT]);
    record.extend(client.until_closed());
    record.iter_mut().for_each(forget_statement);
    record
}

/// Takes numbers in brackets out of an error: MariaDB counts the statements of all sessions.
fn forget_statement(packet: &mut Packet) {
    if packet.payload.first() == Some(&0xff) {
        let mut inside = false;
        packet.payload.retain(|&byte| {
            inside = byte == b'(' || (inside && byte != b')');
            !(inside && byte.is_ascii_digit())
        });
    }
}

/// The payload of a query, in the form that the client's capabilities ask for.
fn query(client: &Wire, sql: &str) -> Vec<u8> {
    if client.has(capability::QUERY_ATTRIBUTES) {
        packets::query_with_attributes(sql, &[("trace", "abc"), ("span", "1")])
    } else {
        packets::query(sql)
    }
}

/// What opens a transaction, and what it reads.
fn transactions(client: &mut Wire) {
    for sql in [
        "BEGIN",
        "DELETE FROM t",
        "SELECT count(*) FROM t",
        "BEGIN",
        "INSERT INTO t (v) VALUES ('again')",
        "SAVEPOINT a",
        "ROLLBACK TO a",
        "ROLLBACK AND CHAIN",
        "COMMIT",
        "SET autocommit = 0",
        "SELECT count(*) FROM t",
        "COMMIT",
        "SET autocommit = 1",
        "START TRANSACTION READ ONLY",
        "DELETE FROM t",
        "COMMIT",
    ] {
        let payload = query(client, sql);
        client.ask(&payload);
    }
}

fn text_protocol(client: &mut Wire) {
    let large = "x".repeat(300_000);
    let statements = [
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT, d DECIMAL(10, 2), w VARBINARY(10))",
        "INSERT INTO t (v, d) VALUES ('one', 1.5), ('caf\u{e9}', NULL)",
        "INSERT INTO t (v) VALUES ('three')",
        "UPDATE t SET v = 'one' WHERE id = 1",
        "UPDATE t SET w = repeat('z', 9) WHERE id > 0",
        "SELECT * FROM t ORDER BY id",
        "SELECT 1 WHERE 1 = 0",
        "SELECT 1, NULL, 'text', 2.5, 1e10, NOW() > '2000-01-01', x'00ff'",
        &format!("SELECT '{large}' AS large"),
        "SELECT repeat('y', 70000), seq.n FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) AS seq",
        "SELEC",
        "SELECT nothing FROM t",
        "SELECT * FROM nowhere",
        "INSERT INTO t (id) VALUES (1)",
        "SELECT 1/0, CAST('no number' AS SIGNED)",
        "SHOW WARNINGS",
        "DO sleep(0)",
        "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'",
        "SET SESSION sql_mode = DEFAULT",
        "EXPLAIN SELECT * FROM t WHERE id = 1",
        "CHECKSUM TABLE t",
        "SELECT @@session.transaction_isolation, DATABASE()",
        "SELECT 1; SELECT 2",
        "SELECT 1; SELECT nothing; SELECT 3",
        "INSERT INTO t (v) VALUES ('a'); SELECT id FROM t WHERE id = 1; UPDATE t SET d = 3; SELECT 1 WHERE 1 = 0",
        "",
        "/* nothing but a comment */",
        "LOAD DATA LOCAL INFILE 'missing' INTO TABLE nowhere",
    ];
    for sql in statements {
        let payload = query(client, sql);
        client.ask(&payload);
    }
    client.ask(&packets::query("SELECT \u{ff}\u{fe}"));
    client.ask(&[packets::QUERY, b'S', b'E', b'L', 0xff, 0x00, 0x80]);
    for pieces in [
        &[][..],
        &[&b"x\n"[..]],
        &[&b"two\nth"[..], b"ree\n", &[b'z'; 100_000], b"\n"],
    ] {
        let payload = query(client, "LOAD DATA LOCAL INFILE 'name' INTO TABLE t (v)");
        let asked = client.ask(&payload);
        if asked.0 == [Reply::LocalInfile("name".to_owned())] {
            client.send_file(pieces);
        }
    }
}

/// More results than one, in text and prepared.
fn procedures(client: &mut Wire) {
    for sql in [
        "CREATE PROCEDURE several() BEGIN SELECT 1; SELECT 2 FROM t; UPDATE t SET d = 2; END",
        "CALL several()",
    ] {
        let payload = query(client, sql);
        client.ask(&payload);
    }
    let call = prepare(client, "CALL several()").unwrap();
    let flags = u8::from(client.has(capability::QUERY_ATTRIBUTES)) * packets::PARAMETER_COUNT_AVAILABLE;
    client.ask(&packets::execute(call, flags, &[]));
    let payload = query(client, "DROP PROCEDURE several");
    client.ask(&payload);
}

/// The statement's number is left out of the record, see [`forget_statement`].
fn prepare(client: &mut Wire, sql: &str) -> Result<u32, Reply> {
    let at = client.record.as_ref().map_or(0, Vec::len);
    let prepared = client.prepare(sql);
    if let (Some(record), Ok(_)) = (&mut client.record, &prepared) {
        record[at].payload[1..5].fill(0);
    }
    prepared
}

fn prepared_statements(client: &mut Wire, flavor: Flavor) {
    let attributes = client.has(capability::QUERY_ATTRIBUTES);
    let flags = if attributes {
        packets::PARAMETER_COUNT_AVAILABLE
    } else {
        0
    };
    let select = prepare(client, "SELECT id, v, d FROM t WHERE id < ? ORDER BY id").unwrap();
    let insert = prepare(client, "INSERT INTO t (v, d) VALUES (?, ?)").unwrap();
    let nothing = prepare(client, "DO 1").unwrap();
    let call = prepare(client, "SELECT ?, ?").unwrap();
    for sql in ["SELEC", "SELECT * FROM nowhere WHERE id = ?", ""] {
        assert!(prepare(client, sql).is_err());
    }
    for _ in 0..3 {
        client.ask(&packets::execute(select, flags, &[Some("4")]));
        client.ask(&packets::execute(insert, flags, &[Some("bound"), None]));
        client.ask(&packets::execute(nothing, flags, &[]));
    }
    let (long, longer) = ("l".repeat(100_000), "m".repeat(100_000));
    client.send(&packets::send_long_data(call, 0, long.as_bytes()));
    client.send(&packets::send_long_data(call, 0, longer.as_bytes()));
    client.ask(&packets::execute(call, flags, &[Some(""), Some(&long)]));
    client.ask(&packets::reset(call));
    client.ask(&packets::execute(call, flags, &[Some("1"), None]));
    // A cursor, rows by rows, and what ends it.
    client.ask(&packets::execute(
        select,
        flags | CURSOR_READ_ONLY,
        &[Some("100")],
    ));
    for rows in [1, 2, 100] {
        client.send(&packets::fetch(select, rows)).fetched();
    }
    client.send(&packets::fetch(select, 1)).fetched();
    client.ask(&packets::execute(
        select,
        flags | CURSOR_READ_ONLY,
        &[Some("100")],
    ));
    client.ask(&packets::reset(select));
    client.send(&packets::fetch(select, 1)).fetched();
    if flavor.is_mariadb() && client.has(capability::MARIADB_BULK) {
        client.ask(&packets::bulk_execute(
            insert,
            &[&[Some("bulk"), Some("1")], &[Some("more"), None]],
        ));
        // Prepared and executed in one flight: the statement that was prepared last.
        client.send(&packets::prepare("SELECT v FROM t WHERE id = ?"));
        client.send(&packets::execute(u32::MAX, 0, &[Some("1")]));
        let at = client.record.as_ref().map_or(0, Vec::len);
        client.prepared();
        client
            .record
            .iter_mut()
            .for_each(|record| record[at].payload[1..5].fill(0));
        client.results();
    }
    client.send(&packets::close(insert));
    client.ask(&packets::execute(insert, flags, &[Some("closed"), None]));
    // Names of a statement in SQL, and the same in text.
    for sql in [
        "PREPARE p FROM 'SELECT ? + 1'",
        "SET @a = 4",
        "EXECUTE p USING @a",
        "DEALLOCATE PREPARE p",
    ] {
        let payload = query(client, sql);
        client.ask(&payload);
    }
}

fn whole_session(client: &mut Wire, resets: bool) {
    let database = client.value("SELECT DATABASE()").expect("a database");
    client.ask(&[packets::PING]);
    client.ask(&packets::init_db("information_schema"));
    client.value("SELECT DATABASE()");
    client.ask(&packets::init_db("nowhere"));
    client.ask(&packets::init_db(&database));
    client.send(&packets::set_option(0));
    client.results();
    let payload = query(client, "SELECT 1; SELECT 2");
    client.ask(&payload);
    client.ask(&packets::set_option(1));
    client.run("SET @mine = 1");
    if resets {
        client.ask(&[packets::RESET_CONNECTION]);
    }
    client.value("SELECT @mine");
    client.ask(&[0x63]); // a command that nobody knows
    client.ask(&[0x05]); // and one that is long gone
    // Two at once: neither waits for the other's answer.
    client.send(&[packets::PING]);
    let payload = query(client, "SELECT 'pipelined'");
    client.send(&payload);
    client.results();
    client.results();
}

/// What becomes of transactions, for clients that ask to be told, in each way that there is.
fn transaction_reports(client: &mut Wire) {
    for value in [
        "STATE",
        "CHARACTERISTICS",
        "STATE",
        "OFF",
        "CHARACTERISTICS",
        "OFF",
    ] {
        let set = format!("SET SESSION session_track_transaction_info = '{value}'");
        let payload = query(client, &set);
        client.ask(&payload);
        let payload = query(client, "SELECT @@session_track_transaction_info");
        client.ask(&payload);
        transactions(client);
    }
}

/// What the client asks to be told it is told, in the server's words.
fn trackers(client: &mut Wire, flavor: Flavor) {
    // To a client that cannot hear them, MariaDB says in all later EOF packets that it has not heard them.
    if client.has(capability::SESSION_TRACK) || flavor == Flavor::MySql {
        transaction_reports(client);
    }
    let database = client.value("SELECT DATABASE()").expect("a database");
    client.run("SET SESSION session_track_schema = ON, session_track_state_change = ON");
    let read_only = flavor.read_only_variable();
    client.run(&format!(
        "SET SESSION session_track_system_variables = 'sort_buffer_size,character_set_client,{read_only}'"
    ));
    for sql in [
        "SELECT @@session_track_system_variables",
        "USE information_schema",
        &format!("USE {database}"),
        "SET NAMES utf8mb4",
        "SET SESSION TRANSACTION READ ONLY",
        "SET SESSION TRANSACTION READ WRITE",
        "SET @mine = 1",
        "SET SESSION sort_buffer_size = 55555",
        flavor.pick("SET tx_read_only = 0", "SET transaction_read_only = 0"),
    ] {
        let payload = query(client, sql);
        client.ask(&payload);
    }
    client.ask(&packets::init_db("information_schema"));
    client.ask(&packets::init_db(&database));
    client.run("SET SESSION session_track_system_variables = ''");
    client.run("SET SESSION sort_buffer_size = 66666");
}
