//! Stories of one session: a client's bytes, the tiny server, orders, in any order. No sockets, no clock.
//!
//! `pair`, `server` and `wire` are shared with the fuzz targets.

#![allow(dead_code, unreachable_pub, reason = "the fuzz targets use the rest")]

mod cancelled;
mod drain;
mod entry;
mod exit;
mod names;
mod normal;
mod pair;
mod server;
mod wire;
