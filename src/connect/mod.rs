//! From a socket to a logged-in session: listeners, TLS, dialling, and the login, which is one straight async function
//! that ends in a typed outcome.
//!
//! Knows sockets, TLS and the messages of a login. It must not know what a lull is: a session takes its order when it
//! joins the roster.

mod broken;
mod deadline;
mod dial;
mod encrypt;
mod failure;
mod known;
mod listen;
mod lookup;
mod mysql;
mod pg;
mod probe;
mod replicas;
mod secrets;
mod serve;
mod tally;
mod throttle;
mod tls;
mod watch;

use std::{sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};

use crate::{clock::Clock, config::Cluster};

pub use listen::{Accepted, Listener, Passed, Socket, bind};
pub use mysql::{
    Opened as MyOpened, Row as MyRow, Watch as MyWatch, Who as MyWho, open_known as my_open_known,
};
pub use pg::{OpenedAs, Said, Who, open_as, open_known, open_service};
pub use probe::{Probed, probe, probe_service};
pub use replicas::{Replicas, Seen};
pub use secrets::{SecretsError, check_secrets};
pub use serve::serve;
use tally::Asked;
pub use tally::Tally;
pub use tls::TlsError;
pub use watch::Watch;

/// A cluster as its sessions need it. Made anew when the configuration is read again; sessions keep the one under
/// which they came.
pub struct Front {
    pub cluster: Arc<Cluster>,
    tls: tls::Tls,
    secrets: secrets::Secrets,
    declined: pg::Declined,
    lookup: lookup::Lookup,
    own_key: mysql::OwnKey,
    seen: mysql::Seen,
    clock: Clock,
    /// Outlives a reload.
    pub tally: Arc<Tally>,
}

/// A file that the configuration names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

impl Front {
    /// Called on the control's runtime, whose clock its clients' logins then go by.
    pub fn new(cluster: Arc<Cluster>, tally: Arc<Tally>) -> Result<Self, Unfit> {
        let tls = tls::Tls::load(&cluster)?;
        let secrets = secrets::Secrets::load(&cluster)?;
        let declined = pg::Declined::new();
        Ok(Self {
            cluster,
            tls,
            secrets,
            declined,
            lookup: lookup::Lookup::default(),
            own_key: mysql::OwnKey::default(),
            seen: mysql::Seen::default(),
            tally,
            clock: Clock::here(),
        })
    }

    /// A place among the sessions that the configuration allows.
    fn place(&self) -> Option<tally::Place> {
        self.tally.place(self.cluster.limits.connections_max)
    }

    /// What users are asked for, as far as it has shown.
    fn asked(&self) -> Asked {
        let seen = || *secrets::lock(&self.tally.asked);
        self.secrets.asked().or_else(seen).unwrap_or(Asked::Plain)
    }

    /// Another configuration has taken its place: what it keeps open for questions of its own is closed.
    pub fn retire(&self) {
        self.lookup.retire();
    }

    /// When the certificate that clients see expires.
    pub fn certificate_expires_unix_s(&self) -> Option<i64> {
        self.tls.expires_unix_s
    }
}

/// Small messages go out at once, and a peer that vanishes without a word is noticed. What a listening socket has, the
/// sockets that it accepts have too.
fn prepare(socket: &SockRef<'_>) {
    let _ = socket.set_tcp_nodelay(true);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15));
    let _ = socket.set_tcp_keepalive(&keepalive);
}
