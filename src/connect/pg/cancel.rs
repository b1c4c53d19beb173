//! Cancel requests (manual: "Canceling Requests in Progress"): each is a connection of its own. Keys are the server's,
//! so a client's request is forwarded as it came.

use std::{sync::Arc, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial;
use crate::{
    config::Address, connect::Front, fault::Fault, relay::Cancel, wire::pg::startup::CANCEL_REQUEST,
};

/// Process id and secret key, as BackendKeyData carries them: 8 bytes in protocol 3.0, up to 260 in 3.2.
pub(super) type Key = Box<[u8]>;

/// Behind the length and the code.
const KEY_AT: usize = 8;

/// The server closes when it has signalled the session: what the session is sent from then on is safe from the request.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// A client's request goes to where its session now is.
pub(super) async fn route(front: &Front, packet: &[u8]) {
    let key = packet.get(KEY_AT..).unwrap_or_default();
    match front.tally.replicas.route(key) {
        Some((server, key)) => forward(front, &server, &self::packet(&key)).await,
        None => forward(front, &front.cluster.primary.address, packet).await,
    }
}

async fn forward(front: &Front, server: &Address, packet: &[u8]) {
    if let Err(fault) = send(front, server, packet).await {
        tracing::warn!(
            cluster = front.cluster.name,
            "a cancel request was not delivered: {fault}"
        );
    }
}

async fn send(front: &Front, server: &Address, packet: &[u8]) -> Result<(), Fault> {
    let mut upstream = dial::dial(front, server).await?;
    upstream.write_all(packet).await.map_err(Fault::upstream)?;
    // Closing before the server has read could lose the request.
    let _ = front.clock.timeout(CLOSE_WAIT, upstream.read(&mut [0; 64])).await;
    Ok(())
}

/// lull's own way to cancel what a session runs.
pub(super) fn sender(front: Arc<Front>, server: Arc<Address>, key: &[u8]) -> Cancel {
    let packet: Box<[u8]> = packet(key).into();
    Box::new(move |seen_to| {
        let (front, server, packet) = (Arc::clone(&front), Arc::clone(&server), packet.clone());
        tokio::task::spawn_local(async move {
            forward(&front, &server, &packet).await;
            seen_to();
        });
    })
}

fn packet(key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + key.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), &CANCEL_REQUEST.to_be_bytes(), key].concat()
}
