//! Opens a connection to an upstream, with TLS where the configuration asks for it (manual: "SSL Session
//! Encryption").

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use socket2::SockRef;
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

/// Whether a server that TLS is only preferred for has said no to it a moment ago: then it is not asked with every
/// login. Where TLS is required, nothing is ever noted.
pub(super) struct Declined {
    began: Instant,
    /// Milliseconds since `began`, plus one; 0 is never.
    at: AtomicU64,
}

const DECLINED_FOR_MS: u64 = 60_000;

impl Declined {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            at: AtomicU64::new(0),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self) {
        self.at.store(self.now_ms().saturating_add(1), Ordering::Relaxed);
    }

    fn lately(&self) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at > 0 && self.now_ms() < at.saturating_add(DECLINED_FOR_MS)
    }
}

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
                prepare(&SockRef::from(&stream));
                match &self.tls.for_upstream {
                    Some(config) if !self.declined.lately() => {
                        encrypt(stream, host, primary.tls.mode, config, &self.declined).await
                    }
                    Some(_) | None => Ok(Stream::Plain(Plain::Tcp(stream))),
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
    declined: &Declined,
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
        (b"N", SslMode::Prefer) => {
            declined.note();
            Ok(Stream::Plain(Plain::Tcp(stream)))
        }
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
