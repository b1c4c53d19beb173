//! Much at once: large rows, large results, long pipelines, and lull's memory meanwhile.

use super::on_every_version;
use crate::support::{Lull, Postgres, Version, Wire, eventually, frames};
use std::io::Write;
use std::net::TcpStream;
use std::thread;

const MIB: u64 = 1 << 20;

/// A line of lull's `/proc/PID/status`, in bytes: `VmRSS` now, `VmHWM` at its highest.
pub(super) fn memory(lull: &Lull, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", lull.pid())).unwrap();
    let value = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))
        .expect("the line is there");
    let kilobytes: u64 = value.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes << 10
}

#[test]
fn rows_and_parameters_of_tens_of_megabytes_pass() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        let before = memory(lull, "VmHWM");
        let large = client.value("SELECT repeat('abcdefgh', 4000000)").unwrap();
        assert_eq!(large.len(), 32_000_000);
        let replies = client.extended("SELECT length($1), md5($1)", &[Some(&large)]);
        assert_eq!(replies.rows()[0][0], "32000000");
        assert_eq!(
            Some(replies.rows()[0][1].clone()),
            client.value("SELECT md5(repeat('abcdefgh', 4000000))")
        );
        client.run("CREATE TEMP TABLE t (v text)");
        client.send(&frames::query("COPY t FROM STDIN")).until(b'G');
        client.send(&frames::copy_data(large.as_bytes()));
        client.send(&[frames::copy_data(b"\n"), frames::copy_done()].concat());
        assert_eq!(client.until_ready().commands(), ["COPY 1"]);
        assert_eq!(
            client.value("SELECT length(v) FROM t").as_deref(),
            Some("32000000")
        );
        let grown = memory(lull, "VmHWM") - before;
        assert!(grown < 24 * MIB, "lull has grown by {grown} bytes");
    });
}

#[test]
fn a_gigabyte_of_result_passes_in_constant_memory() {
    let server = Postgres::shared(Version::Newest);
    let lull = Lull::start(server);
    let mut client = Wire::login(lull.address(), "app", "postgres");
    client.run("SELECT 1");
    let before = memory(&lull, "VmHWM");
    client.send(&frames::query(
        "SELECT repeat('x', 65000) FROM generate_series(1, 16519)",
    ));
    let mut bytes = 0;
    loop {
        let message = client.read();
        assert_ne!(message.tag, b'E', "{message:?}");
        bytes += message.body.len() as u64;
        if message.tag == b'Z' {
            break;
        }
    }
    assert!(bytes > 1 << 30, "{bytes}");
    let grown = memory(&lull, "VmHWM") - before;
    assert!(grown < 16 * MIB, "lull has grown by {grown} bytes");
}

/// lull lets the kernel gather the bytes of long streams. One that pauses must not keep back what came before the pause.
#[test]
fn a_long_stream_that_pauses_keeps_nothing_back() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut gatekeeper = Wire::login(server.address, "app", &db.name);
        gatekeeper.run("SELECT pg_advisory_lock(7)");
        let mut client = Wire::login(lull.address(), "app", &db.name);
        let (rows, width) = (5000, 8000);
        client.send(&frames::query(&format!(
            "SELECT repeat('x', {width}) FROM generate_series(1, {rows}) \
             UNION ALL SELECT 'over' FROM pg_advisory_lock(7)"
        )));
        // The server's own buffer holds 8 KB; everything before that is on its way.
        let mut seen = 0;
        while seen < rows - 2 {
            seen += u32::from(client.read().tag == b'D');
        }
        gatekeeper.run("SELECT pg_advisory_unlock(7)");
        assert_eq!(client.until_ready().commands(), [format!("SELECT {}", rows + 1)]);
    });
}

#[test]
fn a_long_copy_from_a_client_that_pauses_keeps_nothing_back() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        client.run("CREATE TABLE t (v text)");
        client.send(&frames::query("COPY t FROM STDIN")).until(b'G');
        let (lines, width) = (20_000, 1_000);
        let line = frames::copy_data(format!("{}\n", "x".repeat(width - 1)).as_bytes());
        client.send(&line.repeat(lines));
        eventually("the server has all of it", || {
            let bytes = lines * width;
            db.value(&format!(
                "SELECT 1 FROM pg_stat_progress_copy WHERE bytes_processed = {bytes}"
            ))
        });
        client.send(&frames::copy_done());
        assert_eq!(client.until_ready().commands(), [format!("COPY {lines}")]);
    });
}

#[test]
fn a_client_that_does_not_read_stops_the_server_and_not_lulls_memory() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        let before = memory(lull, "VmHWM");
        client.send(&frames::query(
            "SELECT repeat('x', 65000) FROM generate_series(1, 1000000)",
        ));
        let pid = client.pid();
        eventually("the server waits for its client", || {
            db.value(&format!(
                "SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'ClientWrite'"
            ))
        });
        let grown = memory(lull, "VmHWM") - before;
        assert!(grown < 16 * MIB, "lull has grown by {grown} bytes");
        // The others are not disturbed, and this one can be cancelled.
        Wire::login(lull.address(), "app", &db.name).run("SELECT 1");
        client.cancel_at(lull.address());
        assert_eq!(client.until_ready().error_code(), Some("57014"));
    });
}

#[test]
fn thousands_of_queries_may_be_sent_before_the_first_answer_is_read() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        let count = 5000;
        let queries: Vec<u8> = (0..count)
            .flat_map(|number| frames::query(&format!("SELECT {number}")))
            .collect();
        client.send(&queries);
        for number in 0..count {
            assert_eq!(client.until_ready().value(), Some(number.to_string()));
        }
        let batches: Vec<u8> = (0..count)
            .flat_map(|number| {
                let number = number.to_string();
                [
                    frames::extended("SELECT $1::int", &[Some(&number)]),
                    frames::sync(),
                ]
                .concat()
            })
            .collect();
        client.send(&batches);
        for number in 0..count {
            assert_eq!(client.until_ready().value(), Some(number.to_string()));
        }
    });
}

/// Both sides are full: the server cannot write its answers, the client goes on writing. A relay that waits for one of its
/// writes before it reads on would never move again.
#[test]
fn a_client_that_writes_and_reads_at_once_is_never_locked_up_by_full_buffers() {
    on_every_version(|server, lull| {
        let db = server.database();
        let tcp = TcpStream::connect(lull.address()).unwrap();
        tcp.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        let mut writer = tcp.try_clone().unwrap();
        let mut client = Wire::over(tcp);
        let who = [("user", "app"), ("database", db.name.as_str())];
        client
            .startup(frames::PROTOCOL_3_0, &who, None)
            .expect_success("login");
        let text = "x".repeat(100_000);
        let count = 600;
        let query = frames::query(&format!("SELECT '{text}'"));
        let writing = thread::spawn(move || (0..count).try_for_each(|_| writer.write_all(&query)));
        let pid = client.key.as_ref().unwrap().0;
        eventually("everything is full", || {
            db.value(&format!(
                "SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'ClientWrite'"
            ))
        });
        for _ in 0..count {
            assert_eq!(
                client.until_ready().value().map(|value| value.len()),
                Some(text.len())
            );
        }
        writing.join().unwrap().unwrap();
    });
}
