//! Takes leave of a server whose client has left before it said who it is.
//!
//! A server counts connections that end there, and after `max_connect_errors` of them in a row it blocks the host that
//! they came from: lull's, with all its clients. Probes of load balancers would do that in a night. A login that fails
//! is not counted so: lull says that it is nobody, and hears no.

use std::{future::Future, time::Duration};

use super::leg::{Beyond, Leg};
use crate::{
    clock::Clock,
    wire::mysql::{auth::Said, capability::Capabilities, greeting::Greeting, handshake_response},
};

/// How long the server may take.
const PARTING_WAIT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 4096;
/// The method that is proposed, the account's own, and what it still asks.
const ROUNDS_MAX: u32 = 4;

pub(super) fn part(
    clock: &Clock,
    upstream: Leg,
    greeting: &Greeting<'_>,
) -> impl Future<Output = ()> + use<> {
    let response = handshake_response::nobody(greeting.capabilities.both(KNOWN), greeting.plugin);
    let clock = clock.clone();
    async move {
        let _ = clock.timeout(PARTING_WAIT, hear_no(upstream, response)).await;
    }
}

const KNOWN: Capabilities = Capabilities::MYSQL
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH);

async fn hear_no(mut upstream: Leg, response: Vec<u8>) {
    let mut payload = response;
    for _ in 0..ROUNDS_MAX {
        if upstream.write(&payload).await.is_err() {
            return;
        }
        match upstream.read(ANSWER_BYTES_MAX, Beyond::Anything).await {
            Ok(answer) if !matches!(Said::read(&answer), Said::Ok | Said::Error) => payload.clear(),
            _ => return,
        }
    }
}
