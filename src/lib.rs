//! lull: a database proxy with a read-only switch that holds.
//!
//! # The map, from the top
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | arguments, exit codes, output for people |
//! | [`server`] | wires everything together; the control, where lulls open and close |
//! | [`admin`] | the operator's socket: verbs, answers, and the client that `lull on` is |
//! | [`telemetry`] | metrics, health, logs |
//! | [`connect`] | from a socket to a logged-in session: listeners, TLS, dialling, login |
//! | [`relay`] | the one loop that moves bytes; the roster of a worker's sessions |
//! | [`session`] | *pure*: the state machine of a logged-in session |
//! | [`gate`] | *pure*: scopes, lulls, orders, generations, the fence |
//! | [`sql`] | *pure*: what a text could do |
//! | [`wire`] | *pure*: frames and messages |
//! | [`auth`] | *pure*: how a password is proven |
//! | [`config`] | the file as written, and the settings that it means |
//! | [`fault`] | errors by who is to blame, and the only text that a client may see |
//!
//! Each may know those below it. *Pure* means: no socket, clock, log, global or task; bytes and events in, bytes and
//! decisions out.
//!
//! # What always holds
//!
//! - In normal mode the bytes forwarded are the bytes received, and nobody looks at SQL text.
//! - A session stands when its server has confirmed it, never because something was sent.
//! - All that a client receives leaves through one ordered outlet.
//! - A read never waits for a write.
//! - A text that is not understood never opens the gate.
//! - A lull is on disk before `on` answers, and loaded before the first listener opens.

pub mod admin;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connect;
pub mod fault;
pub mod gate;
pub mod relay;
pub mod server;
pub mod session;
pub mod sql;
pub mod telemetry;
pub mod wire;

// What the fuzz targets share with the tests here names the crate as they do.
#[cfg(test)]
extern crate self as lull;
