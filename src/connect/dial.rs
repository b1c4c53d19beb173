//! Opens a connection to an upstream.

use rustls_pki_types::ServerName;
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};

use super::{Front, prepare};
use crate::{config::Address, fault::Fault, relay::Plain};

impl Front {
    /// A connection to one of the cluster's servers, on which `open` has said what the protocol wants said first, within
    /// the time that is configured for both.
    pub(super) async fn dial<T>(
        &self,
        to: &Address,
        open: impl AsyncFnOnce(Plain) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let limit = self.cluster.limits.connect_timeout;
        let dialled = async { open(connect(to).await?).await };
        let connected = self.clock.timeout(limit, dialled).await;
        let connected = connected.unwrap_or_else(|| {
            Err(Fault::upstream(format!(
                "no connection within {limit:?} (connect_timeout)"
            )))
        });
        if *to == self.cluster.primary.address {
            self.tally.note_reached(connected.is_ok());
        }
        connected
    }
}

async fn connect(to: &Address) -> Result<Plain, Fault> {
    match to {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(Fault::upstream)?;
            Ok(Plain::Unix(stream))
        }
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port))
                .await
                .map_err(Fault::upstream)?;
            prepare(&SockRef::from(&stream));
            Ok(Plain::Tcp(stream))
        }
    }
}

/// The name that a server's certificate must have.
pub(super) fn name_of(server: &Address) -> Result<ServerName<'static>, Fault> {
    match server {
        Address::Tcp { host, .. } => ServerName::try_from(host.to_owned()).map_err(Fault::upstream),
        Address::Unix(_) => Err(Fault::upstream("a Unix socket has no name for TLS")),
    }
}
