//! Whether an upstream can be used, as far as that shows without logging in.

use std::sync::Arc;

use super::{Front, mysql, pg};
use crate::config::{Cluster, Protocol};

/// What an upstream has shown of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    Fit(String),
    /// It may work, but somebody should know.
    Doubtful(String),
}

/// Connects, with TLS where the configuration asks for it. What was found, or what would not work and why.
pub async fn probe(cluster: &Arc<Cluster>) -> Result<Probed, String> {
    let front = Front::new(Arc::clone(cluster), Arc::default()).map_err(|error| error.to_string())?;
    let probed = match cluster.protocol {
        Protocol::PostgreSql => pg::probe(&front).await,
        Protocol::MySql => mysql::probe(&front).await,
    };
    probed.map_err(|fault| fault.to_string())
}
