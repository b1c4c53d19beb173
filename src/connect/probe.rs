//! Whether an upstream can be used, as far as that shows without logging in.

use std::sync::Arc;

use super::{Front, lookup, mysql, pg};
use crate::config::{Cluster, Protocol};

/// What an upstream has shown of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    Fit(String),
    /// It may work, but somebody should know.
    Doubtful(String),
}

/// Whether lull's own account can log in, and may ask what it is to ask. None where there is none.
pub async fn probe_service(cluster: &Arc<Cluster>) -> Option<Result<String, String>> {
    cluster.service.as_ref()?;
    let front = match Front::new(Arc::clone(cluster), Arc::default()) {
        Ok(front) => front,
        Err(error) => return Some(Err(error.to_string())),
    };
    let limit = cluster.limits.login_timeout;
    let rehearsed = front.clock.timeout(limit, lookup::rehearse(&front)).await;
    let late = || Some(Err(format!("no answer within {limit:?} (login_timeout)")));
    rehearsed.map_or_else(late, |rehearsed| {
        rehearsed.map(|done| done.map_err(|fault| fault.to_string()))
    })
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
