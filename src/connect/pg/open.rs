//! The first packets of a client: TLS or not, and then a startup message or a cancel request (manual: "Start-up",
//! "SSL Session Encryption", "Canceling Requests in Progress").

use std::sync::Arc;

use tokio::io::AsyncWriteExt;

use super::inbox::{Inbox, Missing};
use crate::{
    config::{Address, ClientTlsMode},
    connect::{Front, Socket, deadline::Deadline, failure::Failure, tls::ALPN},
    fault::Fault,
    relay::Stream,
    session::pg::Kind,
    telemetry::metrics::{LimitHit, LoginResult},
    wire::pg::startup::{self, Opening},
};

pub(super) enum Opened {
    Startup(Stream, Startup),
    /// The packet, to be forwarded as it is. The client's end stays open until that is done: by its closing, a client knows
    /// that what it sends next will not be hit.
    Cancel(Stream, Vec<u8>),
}

/// Who comes, and the packet in which it said so.
pub(super) struct Startup {
    pub(super) packet: Vec<u8>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) application_name: String,
    pub(super) kind: Kind,
    /// Where it is to be logged in.
    pub(super) server: Arc<Address>,
    /// What the client has sent behind it.
    pub(super) inbox: Inbox,
}

/// The first byte of a TLS handshake: no length of a startup packet begins so.
const TLS_HANDSHAKE: u8 = 0x16;
/// SSLRequest and GSSENCRequest, each once, and then the startup message.
const PACKETS_MAX: u32 = 3;
/// Names of users, databases and applications (`NAMEDATALEN`).
const NAME_BYTES_MAX: usize = 63;

pub(super) async fn open(socket: Socket, front: &Front, deadline: Deadline<'_>) -> Result<Opened, Failure> {
    let mut stream = socket.into_stream();
    if front.tls.for_clients.is_some() {
        match deadline.keep(stream.begins_with(TLS_HANDSHAKE)).await {
            Some(true) => stream = encrypt(stream, front, true, deadline).await?,
            Some(false) => {}
            None => return Err(Failure::client_too_slow(stream, deadline)),
        }
    }
    let mut inbox = Inbox::default();
    for _ in 0..PACKETS_MAX {
        let limit = front.cluster.limits.startup_bytes_max;
        // Bytes behind an SSLRequest belong to TLS: what came in clear must not be taken for what came encrypted.
        let exact = !stream.is_tls() && front.tls.for_clients.is_some();
        let packet = match deadline.keep(inbox.packet(&mut stream, limit, exact)).await {
            Some(Ok(packet)) => packet.to_vec(),
            Some(Err(missing)) => return Err(unreadable(missing, stream)),
            None => return Err(Failure::client_too_slow(stream, deadline)),
        };
        let answer: &[u8] = match startup::opening(packet.get(4..).unwrap_or_default()) {
            Ok(Opening::SslRequest)
                if front.tls.for_clients.is_some() && !stream.is_tls() && stream.is_tcp() =>
            {
                write(&mut stream, b"S").await?;
                stream = encrypt(stream, front, false, deadline).await?;
                continue;
            }
            Ok(Opening::SslRequest | Opening::GssencRequest) => b"N",
            Ok(Opening::Cancel) => return Ok(Opened::Cancel(stream, packet)),
            Ok(Opening::Startup(said)) => {
                let startup = who(&said, &packet, inbox, front);
                return permitted(stream, startup, front);
            }
            Err(bad) => {
                return Err(Failure::new(
                    LoginResult::ClientProtocol,
                    Fault::client(bad),
                    stream,
                ));
            }
        };
        write(&mut stream, answer).await?;
    }
    let fault = Fault::client("too many requests for encryption before a startup message");
    Err(Failure::new(LoginResult::ClientProtocol, fault, stream))
}

fn who(said: &startup::Startup<'_>, packet: &[u8], inbox: Inbox, front: &Front) -> Startup {
    // The server cuts longer names, and a lull on the name that is left must cover the session.
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..NAME_BYTES_MAX).unwrap_or(bytes)).into_owned();
    // The server takes the user's name where no database is given, or an empty one.
    let database = said
        .database
        .filter(|database| !database.is_empty())
        .unwrap_or(said.user);
    Startup {
        packet: packet.to_vec(),
        user: text(said.user),
        database: text(database),
        application_name: text(said.application_name),
        kind: Kind::of(said.replication),
        server: Arc::new(front.cluster.primary.address.clone()),
        inbox,
    }
}

fn permitted(stream: Stream, startup: Startup, front: &Front) -> Result<Opened, Failure> {
    let required = front.cluster.client_tls.mode == ClientTlsMode::Require;
    if required && stream.is_tcp() && !stream.is_tls() {
        let fault = Fault::policy("this connection must use TLS (set sslmode=require)");
        return Err(Failure::new(LoginResult::ClientTls, fault, stream));
    }
    Ok(Opened::Startup(stream, startup))
}

async fn encrypt(
    stream: Stream,
    front: &Front,
    direct: bool,
    deadline: Deadline<'_>,
) -> Result<Stream, Failure> {
    let stream = front.encrypt_for_client(stream, deadline).await?;
    // Without it, another protocol's client could be led here (manual: "SSL Session Encryption").
    if direct && stream.alpn() != Some(ALPN) {
        let fault = Fault::client("direct TLS without the ALPN protocol postgresql");
        return Err(Failure::silent(LoginResult::ClientTls, fault));
    }
    Ok(stream)
}

async fn write(stream: &mut Stream, bytes: &[u8]) -> Result<(), Failure> {
    stream.write_all(bytes).await.map_err(Failure::client_gone)
}

fn unreadable(missing: Missing, stream: Stream) -> Failure {
    match missing {
        Missing::Closed | Missing::Io(_) => Failure::silent(LoginResult::ClientGone, Fault::client(missing)),
        Missing::TooLong { .. } => {
            let failure = Failure::new(LoginResult::ClientProtocol, Fault::client(missing), stream);
            failure.because_of(LimitHit::StartupBytes)
        }
        Missing::Malformed(_) => Failure::new(LoginResult::ClientProtocol, Fault::client(missing), stream),
    }
}
