//! The TLS handshake of either leg, when its protocol has come to it.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Front, deadline::Deadline, dial::name_of, failure::Failure};
use crate::{
    config::Address,
    fault::Fault,
    relay::{Plain, Stream},
    telemetry::metrics::{LimitHit, LoginResult},
};

impl Front {
    pub(super) async fn encrypt_for_client(
        &self,
        stream: Stream,
        deadline: Deadline<'_>,
    ) -> Result<Stream, Failure> {
        let refused = |fault| Failure::silent(LoginResult::ClientTls, fault);
        let (Stream::Plain(plain), Some(config)) = (stream, &self.tls.for_clients) else {
            return Err(refused(Fault::client("TLS where none is configured")));
        };
        let handshake = TlsAcceptor::from(Arc::clone(config)).accept(plain);
        let Some(accepted) = deadline.keep(handshake).await else {
            let late = Failure::silent(LoginResult::Timeout, deadline.missed_by_client());
            return Err(late.because_of(LimitHit::Login));
        };
        let tls = accepted.map_err(|error| refused(Fault::client(format!("TLS: {error}"))))?;
        Ok(Stream::Tls(Box::new(tls.into())))
    }

    /// Towards a server, with what this side shows of itself.
    pub(super) async fn encrypt_with(
        &self,
        config: &Arc<ClientConfig>,
        plain: Plain,
        to: &Address,
    ) -> Result<Stream, Fault> {
        let connector = TlsConnector::from(Arc::clone(config));
        let handshake = connector.connect(name_of(to)?, plain);
        let tls = handshake.await.map_err(Fault::upstream)?;
        Ok(Stream::Tls(Box::new(tls.into())))
    }
}
