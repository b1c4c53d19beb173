//! A connection to a MySQL or MariaDB upstream, up to its greeting; and its TLS, which begins when the client has
//! answered that (manual: "Protocol::SSLRequest").

use std::sync::Arc;

use rustls::ClientConfig;

use super::leg::{Beyond, Leg};
use crate::{
    config::{Address, SslMode},
    connect::Front,
    fault::Fault,
    relay::Stream,
    wire::mysql::capability::Capabilities,
};

/// A greeting, or the error in its place.
const GREETING_BYTES_MAX: usize = 4096;

/// The connection, and the payload of the first packet.
pub(super) async fn dial(front: &Front, to: &Address) -> Result<(Leg, Vec<u8>), Fault> {
    let open = async |plain| {
        let mut leg = Leg::new(Stream::Plain(plain));
        // The server says no more before it is answered: what came ahead of TLS is refused there.
        match leg.read(GREETING_BYTES_MAX, Beyond::Anything).await {
            Ok(greeting) => Ok((leg, greeting.to_vec())),
            Err(missing) => Err(Fault::upstream(format!("no greeting: {missing}"))),
        }
    };
    front.dial(to, open).await
}

/// Whether the connection is to be encrypted.
pub(super) fn wants_tls(front: &Front, leg: &Leg, offered: Capabilities) -> Result<bool, Fault> {
    if front.tls.for_upstream.is_none() || !leg.stream.is_tcp() {
        return Ok(false);
    }
    match (offered.has(Capabilities::SSL), front.cluster.primary.tls.mode) {
        (true, _) => Ok(true),
        (false, SslMode::Prefer) => Ok(false),
        (false, _) => Err(Fault::upstream(
            "it offers no TLS, which the configuration requires (primary_sslmode)",
        )),
    }
}

/// Asks for TLS, and goes on inside.
pub(super) async fn encrypt(
    front: &Front,
    mut leg: Leg,
    to: &Address,
    request: &[u8],
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Leg, Fault> {
    let Some(config) = tls else {
        return Err(Fault::proxy("TLS towards a server for which none is configured"));
    };
    leg.write(request).await.map_err(Fault::upstream)?;
    let Some((Stream::Plain(plain), sequence)) = leg.into_stream() else {
        return Err(Fault::upstream("it sends bytes in the clear where TLS begins"));
    };
    let stream = front.encrypt_with(config, plain, to).await?;
    Ok(Leg::resumed(stream, sequence))
}
