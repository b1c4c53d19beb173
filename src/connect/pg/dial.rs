//! A connection to a PostgreSQL upstream, with TLS where the configuration asks for it (manual: "SSL Session
//! Encryption").

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    config::{Address, SslMode},
    connect::Front,
    fault::Fault,
    relay::{Plain, Stream},
    wire::pg::startup::SSL_REQUEST,
};

/// Whether a server that TLS is only preferred for has said no to it a moment ago: then it is not asked with every
/// login. Where TLS is required, nothing is ever noted.
pub(in crate::connect) struct Declined {
    began: Instant,
    /// Milliseconds since `began`, plus one; 0 is never.
    at: AtomicU64,
}

const DECLINED_FOR_MS: u64 = 60_000;

impl Declined {
    pub(in crate::connect) fn new() -> Self {
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

/// A connection to one of the cluster's servers, before anything of PostgreSQL's startup is said.
pub(super) async fn dial(front: &Front, to: &Address) -> Result<Stream, Fault> {
    dial_with(front, to, front.tls.for_upstream.as_ref()).await
}

/// The same with another certificate, or none.
pub(super) async fn dial_with(
    front: &Front,
    to: &Address,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Stream, Fault> {
    front
        .dial(to, async |plain| negotiate(front, plain, to, tls).await)
        .await
}

async fn negotiate(
    front: &Front,
    mut plain: Plain,
    to: &Address,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Stream, Fault> {
    // What the primary declines, a replica may offer.
    let is_primary = *to == front.cluster.primary.address;
    let tls = tls.filter(|_| matches!(plain, Plain::Tcp(_)) && !(is_primary && front.declined.lately()));
    let Some(tls) = tls else {
        return Ok(Stream::Plain(plain));
    };
    let mut request = [0; 8];
    request[3] = 8;
    request[4..].copy_from_slice(&SSL_REQUEST.to_be_bytes());
    plain.write_all(&request).await.map_err(Fault::upstream)?;
    // One byte and no more: what an attacker might have put behind it in clear must meet the TLS layer and fail there.
    let mut answer = [0];
    plain.read_exact(&mut answer).await.map_err(Fault::upstream)?;
    match (&answer, front.cluster.primary.tls.mode) {
        (b"S", _) => front.encrypt_with(tls, plain, to).await,
        (b"N", SslMode::Prefer) => {
            if is_primary {
                front.declined.note();
            }
            Ok(Stream::Plain(plain))
        }
        (b"N", _) => Err(Fault::upstream(
            "it offers no TLS, which the configuration requires (primary sslmode)",
        )),
        _ => Err(Fault::upstream(
            "it does not answer an SSLRequest as PostgreSQL does",
        )),
    }
}
