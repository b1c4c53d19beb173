//! What an operator can ask of a running lull.

use tokio::sync::{mpsc, oneshot};

use super::Answer;
use crate::{
    config::Address,
    gate::{Request, Scope},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    On(Request),
    Off { scope: Scope },
    Status { scope: Scope },
    Sessions,
    Upstreams,
    Repoint(Repoint),
    Reload,
    Shutdown,
}

/// Another server is a cluster's primary from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repoint {
    pub cluster: String,
    pub primary: Address,
    /// By the operator's word it may be of another system: what pg_upgrade has made, or what was filled from a dump.
    pub other_system: bool,
}

/// One question and where its answer goes. The caller has gone away when `reply` is closed.
#[derive(Debug)]
pub struct Call {
    pub command: Command,
    /// Lines for people, shown at once: the progress of a drain.
    pub notices: mpsc::UnboundedSender<String>,
    pub reply: oneshot::Sender<Result<Answer, Refused>>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// What was asked for is not allowed or names what is not there. Asking again does not help.
    #[error("{0}")]
    Policy(String),
    /// lull tried and could not.
    #[error("{0}")]
    Failed(String),
}
