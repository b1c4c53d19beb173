//! The TLS handshake of either leg, when its protocol has come to it.

use std::sync::Arc;

use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Front, deadline::Deadline, failure::Failure};
use crate::{
    fault::Fault,
    relay::{Plain, Stream},
    telemetry::metrics::{LimitHit, LoginResult},
};

impl Front {
    pub(super) async fn encrypt_for_client(
        &self,
        stream: Stream,
        deadline: Deadline,
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

    /// Call where TLS towards the primary is configured, and the primary offers it.
    pub(super) async fn encrypt_for_upstream(&self, plain: Plain) -> Result<Stream, Fault> {
        let Some(config) = &self.tls.for_upstream else {
            return Err(Fault::proxy("TLS towards a primary for which none is configured"));
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let handshake = connector.connect(self.primary_name()?, plain);
        let tls = handshake.await.map_err(Fault::upstream)?;
        Ok(Stream::Tls(Box::new(tls.into())))
    }
}
