//! Much at once: packets of 16 MiB and more, large results, long pipelines, and lull's memory meanwhile.

use super::on_every_flavor;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Flavor, Login, Reply, Server, Wire, wire};
use crate::support::{Lull, eventually};
use crate::transparency::volume::memory;

const MIB: u64 = 1 << 20;

#[test]
fn packets_of_every_length_around_16_mib_pass_in_both_directions() {
    on_every_flavor(|_, lull| {
        let full = wire::PACKET_MAX;
        for more in [0, capability::DEPRECATE_EOF] {
            let mut client = Login::of("app").with(more).to(lull.address());
            // Of a query, its command byte is part of the payload.
            let around = "SELECT length('')".len() + 1;
            for payload in [full - 1, full, full + 1, 2 * full, 2 * full + 1, 40 << 20] {
                let length = payload - around;
                let sql = format!("SELECT length('{}')", "x".repeat(length));
                assert_eq!(client.value(&sql), Some(length.to_string()), "{payload}");
            }
            // Of a row, the length of its only value is part of the payload.
            for payload in [full - 1, full, full + 1, 2 * full, 2 * full + 1] {
                let length = payload - if payload > 0x100_0002 { 9 } else { 4 };
                let found = client.value(&format!("SELECT repeat('x', {length})")).unwrap();
                assert_eq!(found.len(), length, "{payload}");
            }
            let statement = client.prepare("SELECT length(?), length(?)").unwrap();
            let large = "y".repeat(17 << 20);
            client.send(&packets::send_long_data(statement, 0, large.as_bytes()));
            client.send(&packets::send_long_data(statement, 0, large.as_bytes()));
            let replies = client.ask(&packets::execute(statement, 0, &[Some(""), Some(&large)]));
            assert!(
                matches!(&replies.0[0], Reply::Rows { rows, .. } if rows.len() == 1),
                "{replies:?}"
            );
        }
    });
}

#[test]
fn a_gigabyte_of_result_passes_in_constant_memory() {
    let server = Server::shared(Flavor::MariaDb);
    let db = server.database();
    let lull = Lull::start(server);
    for more in [0, capability::DEPRECATE_EOF] {
        let mut client = Login::of("app").database(&db.name).with(more).to(lull.address());
        client.run("SELECT 1");
        let before = memory(&lull, "VmHWM");
        client.send(&packets::query("SELECT repeat('x', 65000) FROM seq_1_to_16519"));
        let (mut bytes, mut packet) = (0, client.read());
        while packet.payload.len() > 100 || bytes == 0 || packet.payload[0] != 0xfe {
            bytes += packet.payload.len() as u64;
            packet = client.read();
            assert_ne!(packet.payload[0], 0xff, "{packet:?}");
            if more == 0 && bytes < MIB && packet.payload[0] == 0xfe {
                packet = client.read(); // the end of the columns
            }
        }
        assert!(bytes > 1 << 30, "{bytes}");
        let grown = memory(&lull, "VmHWM") - before;
        assert!(grown < 16 * MIB, "lull has grown by {grown} bytes");
    }
}

#[test]
fn a_client_that_does_not_read_stops_the_server_and_not_lulls_memory() {
    let server = Server::shared(Flavor::MariaDb);
    let db = server.database();
    let lull = Lull::start(server);
    let mut client = Wire::login(lull.address(), "app", &db.name);
    let before = memory(&lull, "VmHWM");
    client.send(&packets::query("SELECT repeat('x', 65000) FROM seq_1_to_1000000"));
    let id = client.id();
    let state = format!("SELECT state FROM information_schema.processlist WHERE id = {id}");
    eventually("the server waits for its client", || {
        (server.value(&state).as_deref() == Some("Writing to net")).then_some(())
    });
    let grown = memory(&lull, "VmHWM") - before;
    assert!(grown < 16 * MIB, "lull has grown by {grown} bytes");
    // The others are not disturbed, and this one can be ended.
    Wire::login(lull.address(), "app", "").run(&format!("SELECT {id}"));
    server.superuser("").run(&format!("KILL QUERY {id}"));
    let last = std::iter::from_fn(|| client.try_read().ok()).find(|packet| packet.payload[0] == 0xff);
    assert!(last.is_some());
}

#[test]
fn thousands_of_queries_may_be_sent_before_the_first_answer_is_read() {
    on_every_flavor(|_, lull| {
        let mut client = Wire::login(lull.address(), "app", "");
        let count = 5000;
        let bytes: Vec<u8> = (0..count)
            .flat_map(|number| wire::framed(&packets::query(&format!("SELECT {number}")), 0).0)
            .collect();
        client.try_send_raw(&bytes).unwrap();
        for number in 0..count {
            assert_eq!(client.results().value(), Some(number.to_string().as_str()));
        }
        let statement = client.prepare("SELECT ?").unwrap();
        let execute = wire::framed(&packets::execute(statement, 0, &[Some("v")]), 0).0;
        client.try_send_raw(&execute.repeat(count)).unwrap();
        for _ in 0..count {
            assert!(matches!(&client.results().0[0], Reply::Rows { rows, .. } if rows.len() == 1));
        }
    });
}
