//! The greeting as a client sees it, and the client's answer, with TLS or without (manual: "Connection Phase").

use zeroize::Zeroizing;

use super::leg::{Beyond, Leg, Missing};
use crate::{
    config::ClientTlsMode,
    connect::{Front, deadline::Deadline, failure::Failure},
    fault::Fault,
    telemetry::metrics::{LimitHit, LoginResult},
    wire::mysql::{
        capability::Capabilities,
        greeting::Greeting,
        handshake_response::{self, Opening},
    },
};

/// What the client is offered: what the server can, less what lull cannot pass on, and TLS by lull's own certificate.
pub(super) fn offered(upstream: Capabilities, front: &Front) -> Capabilities {
    upstream
        .without(Capabilities::COMPRESS)
        .without(Capabilities::ZSTD_COMPRESSION)
        .set(Capabilities::SSL, front.tls.for_clients.is_some())
}

/// The payload of the client's HandshakeResponse41.
pub(super) async fn open(
    mut client: Leg,
    greeting: &Greeting<'_>,
    front: &Front,
    deadline: Deadline<'_>,
) -> Result<(Leg, Zeroizing<Vec<u8>>), Failure> {
    let offered = offered(greeting.capabilities, front);
    let greeted = client.write(&greeting.with(offered)).await;
    greeted.map_err(Failure::client_gone)?;
    loop {
        let limit = front.cluster.limits.startup_bytes_max;
        let beyond = match offered.has(Capabilities::SSL) && !client.stream.is_tls() {
            true => Beyond::Nothing,
            false => Beyond::Anything,
        };
        let payload = match deadline.keep(client.read(limit, beyond)).await {
            Some(Ok(payload)) => payload,
            Some(Err(missing)) => return Err(unreadable(missing, client)),
            None => {
                let sequence = client.sequence;
                return Err(Failure::client_too_slow(client.stream, deadline).numbered(sequence));
            }
        };
        match handshake_response::opening(&payload, offered) {
            Ok(Opening::SslRequest) if !client.stream.is_tls() && offered.has(Capabilities::SSL) => {
                client = encrypt(client, front, deadline).await?;
            }
            Ok(Opening::SslRequest) => {
                let fault = Fault::client("a second request for TLS, or one where none is offered");
                return Err(failed(LoginResult::ClientProtocol, fault, client));
            }
            Ok(Opening::Response(_)) => return permitted(client, payload, front),
            Err(bad) => return Err(failed(LoginResult::ClientProtocol, Fault::client(bad), client)),
        }
    }
}

async fn encrypt(client: Leg, front: &Front, deadline: Deadline<'_>) -> Result<Leg, Failure> {
    let Some((stream, sequence)) = client.into_stream() else {
        let fault = Fault::client("bytes in the clear where TLS begins");
        return Err(Failure::silent(LoginResult::ClientTls, fault));
    };
    let stream = front.encrypt_for_client(stream, deadline).await?;
    Ok(Leg::resumed(stream, sequence))
}

fn permitted(
    client: Leg,
    response: Zeroizing<Vec<u8>>,
    front: &Front,
) -> Result<(Leg, Zeroizing<Vec<u8>>), Failure> {
    let required = front.cluster.client_tls.mode == ClientTlsMode::Require;
    if required && !client.stream.is_private() {
        let fault = Fault::policy("this connection must use TLS (ssl-mode=REQUIRED, or --ssl)");
        return Err(failed(LoginResult::ClientTls, fault, client));
    }
    Ok((client, response))
}

pub(super) fn failed(result: LoginResult, fault: Fault, client: Leg) -> Failure {
    let sequence = client.sequence;
    Failure::new(result, fault, client.stream).numbered(sequence)
}

fn unreadable(missing: Missing, client: Leg) -> Failure {
    let fault = Fault::client(&missing);
    match missing {
        Missing::Closed | Missing::Io(_) => Failure::silent(LoginResult::ClientGone, fault),
        Missing::TooLong { .. } => {
            failed(LoginResult::ClientProtocol, fault, client).because_of(LimitHit::StartupBytes)
        }
    }
}
