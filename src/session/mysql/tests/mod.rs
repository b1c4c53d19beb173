//! Stories of one session: a client's commands, the tiny server, orders, in any order. No sockets, no clock.
//!
//! `pair`, `replies`, `server` and `wire` are shared with the fuzz targets.

#![allow(dead_code, unreachable_pub, reason = "the fuzz targets use the rest")]

mod beside;
mod drain;
mod entry;
mod exit;
mod normal;
mod pair;
mod replies;
mod server;
mod wire;

use pair::Pair;
use server::{Server, Settings, Traits};

/// Both servers, as clients of today talk to them.
fn servers() -> [Server; 2] {
    [true, false].map(|mariadb| {
        let traits = Traits {
            mariadb,
            tracks: true,
            deprecates_eof: !mariadb,
            attributes: false,
        };
        Server::new(traits, Settings::default())
    })
}

/// A session of either server; what it has heard is forgotten.
fn pairs() -> [Pair; 2] {
    servers().map(|server| {
        let mut pair = Pair::new(server);
        assert_eq!(pair.heard(), "ok", "the login succeeds");
        pair
    })
}

/// Sessions that stand in a lull.
fn in_lull() -> [Pair; 2] {
    pairs().map(|mut pair| {
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(pair.stands() && pair.report().read_only);
        pair
    })
}
