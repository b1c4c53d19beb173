//! Whether an upstream can be used, as far as that shows without logging in.

use std::sync::Arc;

use super::Front;
use crate::config::Cluster;

/// Connects, with TLS where the configuration asks for it. What was found, or what would not work and why.
pub async fn probe(cluster: &Arc<Cluster>) -> Result<String, String> {
    let front = Front::new(Arc::clone(cluster), Arc::default()).map_err(|error| error.to_string())?;
    let stream = front.dial().await.map_err(|fault| fault.to_string())?;
    let how = if stream.is_tls() {
        "with TLS"
    } else {
        "without TLS"
    };
    Ok(format!("{} answers {how}", cluster.primary.address))
}
