//! The operator's way in: what can be asked, what is answered, and the socket that carries both.
//!
//! Guarantees that one verb has one meaning, whether psql or `lull on` sends it, and that a caller who goes away in
//! the middle of `LULL ON` is noticed: its `reply` is closed. It must not know sessions or workers: it sends a `Call`
//! and waits.

mod answer;
mod call;
mod client;
mod command;
mod frame;
mod operator;
mod options;
mod reply;
mod serve;
mod session;
mod socket;
mod table;
mod verb;
mod wire;

pub use answer::{
    Answer, AuditFinding, Closed, FenceState, OnReplicas, Opened, PreparedTransaction, Repointed, Session,
    SessionCount, Status, Stayed, Straggler, UpstreamState,
};
pub use client::{Client, ClientError, Event};
pub use command::{Call, Command, Refused, Repoint};
pub use serve::serve;
pub use socket::{AdminSocket, SocketError};
pub(crate) use table::age;
pub use verb::quoted;

/// Where calls go.
pub type Calls = tokio::sync::mpsc::Sender<Call>;

#[cfg(test)]
mod tests;
