//! What a PostgreSQL upstream shows of itself before a login.

use super::dial::dial;
use crate::{
    connect::{Front, Probed},
    fault::Fault,
};

pub(in crate::connect) async fn probe(front: &Front) -> Result<Probed, Fault> {
    let stream = dial(front, &front.cluster.primary.address).await?;
    let how = if stream.is_tls() {
        "with TLS"
    } else {
        "without TLS"
    };
    Ok(Probed::Fit(format!(
        "{} answers {how}",
        front.cluster.primary.address
    )))
}
