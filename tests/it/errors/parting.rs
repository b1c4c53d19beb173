//! The last word reaches a client that is still sending.

use super::said;
use crate::support::{Lull, Postgres, Version, Wire, eventually, fake, frames};
use std::io::Read;

#[test]
fn an_error_reaches_a_client_that_floods() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = Lull::start(db.server);
    for greeting in [b"GET / HTTP/1.1\r\n".to_vec(), vec![0xff; 8]] {
        let mut client = Wire::connect(lull.address()).unwrap();
        let flood = [greeting, vec![b'x'; 2 << 20]].concat();
        // It may be cut off in the middle; what it was told must be there all the same.
        let _ = client.try_send(&flood);
        assert_eq!(said(client.until_closed().error()).0, "FATAL");
    }
    let mut client = Wire::login(lull.address(), "app", &db.name);
    let _ = client.try_send(&[&[b'Q', 0, 0, 0, 3][..], &vec![b'x'; 2 << 20]].concat());
    assert_eq!(said(client.until_closed().error()).1, "08P01");
}

#[test]
fn what_the_server_said_before_it_closed_is_heard_by_a_client_that_pipelines_on() {
    // It reads a little, says why it goes, and closes with the rest unread: its client's writes fail.
    let upstream = fake::serve(|client| {
        client.log_in()?;
        client.0.read_exact(&mut [0; 64])?;
        client.send(&frames::message(b'E', b"SFATAL\0VFATAL\0C57P01\0Mgoing down\0\0"))
    });
    let lull = Lull::in_front_of(upstream);
    for _ in 0..20 {
        let mut client = Wire::login(lull.address(), "app", "postgres");
        let pipeline: Vec<u8> = (0..2000)
            .flat_map(|_| frames::extended("SELECT 1", &[]))
            .collect();
        let _ = client.try_send(&pipeline);
        let replies = client.until_closed();
        assert_eq!((said(replies.error()).1, replies.tags().as_str()), ("57P01", "E"));
    }
}

#[test]
fn when_lull_stops_every_idle_client_is_told() {
    let db = Postgres::shared(Version::Newest).database();
    let lull = Lull::start(db.server);
    let mut idle = Wire::login(lull.address(), "app", &db.name);
    let mut busy = Wire::login(lull.address(), "app", &db.name);
    busy.run("BEGIN");
    lull.signal("TERM");
    let replies = idle.until_closed();
    assert_eq!(
        (said(replies.error()).0, said(replies.error()).1),
        ("FATAL", "57P01")
    );
    // One in a transaction may end it.
    busy.run("SELECT 1");
    let replies = busy.send(&frames::query("COMMIT")).until_closed();
    assert_eq!(replies.commands(), ["COMMIT"]);
    assert_eq!(said(replies.error()).1, "57P01");
    assert_eq!(lull.wait(), Some(0));
    eventually("no session is left on the server", || {
        let count = db.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app'",
        );
        (count.as_deref() == Some("0")).then_some(())
    });
}
