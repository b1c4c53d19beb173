//! Opens a connection to an upstream, with TLS where the configuration asks for it (manual: "SSL Session
//! Encryption").

use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Front, prepare};
use crate::{
    config::{Address, SslMode},
    fault::Fault,
    relay::{Plain, Stream},
    wire::pg::startup::SSL_REQUEST,
};

impl Front {
    /// A connection to the primary, before anything of PostgreSQL's startup is said.
    pub(super) async fn dial(&self) -> Result<Stream, Fault> {
        let limit = self.cluster.limits.connect_timeout;
        let connected = match timeout(limit, self.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(Fault::upstream(format!(
                "no connection within {limit:?} (connect_timeout)"
            ))),
        };
        self.tally.note_reached(connected.is_ok());
        connected
    }

    async fn connect(&self) -> Result<Stream, Fault> {
        let primary = &self.cluster.primary;
        match &primary.address {
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(refused)?;
                Ok(Stream::Plain(Plain::Unix(stream)))
            }
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port))
                    .await
                    .map_err(refused)?;
                prepare(&stream);
                match &self.tls.for_upstream {
                    None => Ok(Stream::Plain(Plain::Tcp(stream))),
                    Some(config) => encrypt(stream, host, primary.tls.mode, config).await,
                }
            }
        }
    }
}

async fn encrypt(
    mut stream: TcpStream,
    host: &str,
    mode: SslMode,
    config: &Arc<ClientConfig>,
) -> Result<Stream, Fault> {
    let mut request = [0; 8];
    request[3] = 8;
    request[4..].copy_from_slice(&SSL_REQUEST.to_be_bytes());
    stream.write_all(&request).await.map_err(refused)?;
    // One byte and no more: what an attacker might have put behind it in clear must meet the TLS layer and fail there.
    let mut answer = [0];
    stream.read_exact(&mut answer).await.map_err(refused)?;
    match (&answer, mode) {
        (b"S", _) => {
            let name = ServerName::try_from(host.to_owned()).map_err(Fault::upstream)?;
            let connector = TlsConnector::from(Arc::clone(config));
            let tls = connector
                .connect(name, Plain::Tcp(stream))
                .await
                .map_err(Fault::upstream)?;
            Ok(Stream::Tls(Box::new(tls.into())))
        }
        (b"N", SslMode::Prefer) => Ok(Stream::Plain(Plain::Tcp(stream))),
        (b"N", _) => Err(Fault::upstream(
            "it offers no TLS, which the configuration requires (primary sslmode)",
        )),
        _ => Err(Fault::upstream(
            "it does not answer an SSLRequest as PostgreSQL does",
        )),
    }
}

fn refused(error: std::io::Error) -> Fault {
    Fault::upstream(error)
}
