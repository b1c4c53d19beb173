//! What is fuzzed. Each target is a function of bytes that panics where something does not hold.
//!
//! Included by the fuzz programs and, for a short run and for the findings of longer ones, by lull's own tests.

mod auth;
mod frames;
mod garbage;
mod lexer;
mod mysql_garbage;
mod mysql_login;
mod mysql_packets;
mod mysql_texts;
mod session;
mod source;
mod wire;

#[path = "../../../src/session/pg/tests/pair.rs"]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]
mod pair;
#[path = "../../../src/session/pg/tests/wire.rs"]
#[allow(dead_code, unreachable_pub)]
mod said;
#[path = "../../../src/session/pg/tests/server/mod.rs"]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]
mod server;

pub type Target = fn(&[u8]);

pub const TARGETS: [(&str, Target); 10] = [
    ("auth", auth::run),
    ("frames", frames::run),
    ("wire", wire::run),
    ("mysql_login", mysql_login::run),
    ("mysql_texts", mysql_texts::run),
    ("mysql_packets", mysql_packets::run),
    ("mysql_garbage", mysql_garbage::run),
    ("lexer", lexer::run),
    ("garbage", garbage::run),
    ("session", session::run),
];
