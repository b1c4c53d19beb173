//! lull (work in progress)
pub mod admin;
pub mod cli;
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
