//! What went wrong and who is to blame, and the only text that a client may see of it.

use thiserror::Error;

/// Ends a session. Its `Display` is for the log; a client sees `for_client` alone.
#[derive(Debug, Error)]
pub enum Fault {
    #[error("client: {0}")]
    Client(String),
    #[error("upstream: {0}")]
    Upstream(String),
    #[error("proxy: {0}")]
    Proxy(String),
    #[error("policy: {0}")]
    Policy(String),
}

impl Fault {
    pub fn client(what: impl ToString) -> Self {
        Self::Client(what.to_string())
    }

    pub fn upstream(what: impl ToString) -> Self {
        Self::Upstream(what.to_string())
    }

    pub fn proxy(what: impl ToString) -> Self {
        Self::Proxy(what.to_string())
    }

    pub fn policy(what: impl ToString) -> Self {
        Self::Policy(what.to_string())
    }

    /// The metric label.
    pub fn who(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Upstream(_) => "upstream",
            Self::Proxy(_) => "proxy",
            Self::Policy(_) => "policy",
        }
    }

    /// SQLSTATE and message for the client. Addresses and causes inside the house stay in the log.
    pub fn for_client(&self) -> (&'static str, String) {
        match self {
            Self::Client(what) => ("08P01", format!("protocol violation: {what}")),
            Self::Upstream(what) => ("08006", format!("the database server cannot be used: {what}")),
            Self::Proxy(_) => (
                "XX000",
                "the database proxy has an internal problem; its log says which".to_owned(),
            ),
            Self::Policy(what) => ("57P01", what.clone()),
        }
    }
}
