//! The integration tests: lull in front of real servers, seen from outside.
//!
//! One program for all of them, so that they share servers: run it with `cargo test` (threads). Under a runner that gives each
//! test a process of its own everything works too, but each test then starts its own servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    unreachable_pub,
    reason = "these are tests"
)]

mod adversary;
mod crash;
mod credentials;
mod databases;
mod errors;
mod fixtures;
mod fuzz;
mod harness;
mod oracle;
mod race;
mod replica;
mod signals;
mod support;
mod switch;
mod texts;
mod tidy;
mod transparency;
