//! A MySQL or MariaDB connection from its first byte to a session that the relay drives.
//!
//! The server speaks first: lull dials it before its client has said anything, and hands on the greeting. The scramble
//! and the connection id are the server's own, so that the password is proved to the server and KILL finds the session.

mod challenge;
mod dial;
mod entered;
mod exchange;
mod keys;
mod leg;
mod lookup;
mod open;
mod open_as;
mod part;
mod probe;
mod prove;
mod secret;
mod seen;
mod terminate;
mod travel;
mod watch;

use std::{sync::Arc, time::Instant};

use super::{Front, Socket, deadline::Deadline, failure::Failure, serve::Arrival};
use crate::{
    auth::Means,
    config::AuthMode,
    fault::Fault,
    relay::{Ahead, Depart},
    session::{
        Session,
        mysql::{Login, MySession, Server, Settings},
    },
    telemetry::metrics::{LoginResult, WorkerMetrics},
    wire::mysql::{
        capability::Capabilities,
        error::{self, Error},
        greeting::Greeting,
        handshake_response::{self, HandshakeResponse, Opening},
    },
};
use exchange::{Authenticated, Exchange};
pub(super) use keys::OwnKey;
use leg::Leg;
pub(super) use lookup::Asking;
use open::{failed, offered, open};
pub use open_as::{Opened, Who, open_known};
use part::part;
pub(super) use probe::probe;
pub(super) use seen::Seen;
use terminate::terminate;
pub use watch::{Row, Watch};

pub(super) async fn log_in(
    socket: Socket,
    front: &Arc<Front>,
    metrics: &Arc<WorkerMetrics>,
    deadline: Deadline<'_>,
) -> Result<Arrival, Failure> {
    let client = Leg::new(socket.into_stream());
    let (client, upstream, first) = reach(client, front, metrics, deadline).await?;
    let greeting = match Greeting::read(&first) {
        Ok(greeting) => greeting,
        Err(ungreeted) => {
            let fault = Fault::upstream(ungreeted);
            metrics.upstream_failed(&fault);
            return Err(failed(LoginResult::UpstreamProtocol, fault, client));
        }
    };
    let (client, said) = match open(client, &greeting, front, deadline).await {
        Ok(opened) => opened,
        Err(failure) => {
            // Nobody waits for it.
            tokio::task::spawn_local(part(&front.clock, upstream, &greeting));
            return Err(failure);
        }
    };
    let opening = handshake_response::opening(&said, offered(greeting.capabilities, front));
    let Ok(Opening::Response(response)) = opening else {
        let fault = Fault::client("no answer to the greeting");
        return Err(failed(LoginResult::ClientProtocol, fault, client));
    };
    let authenticated = match front.cluster.auth.mode {
        AuthMode::Relay => {
            let (client, upstream) =
                secure(client, upstream, &greeting, &response, front, metrics, deadline).await?;
            let exchange = Exchange::new(client, upstream, &greeting, &response, front);
            exchange
                .authenticate(&greeting, &response, metrics, deadline)
                .await?
        }
        AuthMode::Terminate => {
            terminate(client, upstream, &greeting, &response, front, metrics, deadline).await?
        }
    };
    let settings = settings(front, response.attribute(b"_client_name").unwrap_or_default());
    let travels = settings.travels;
    let login = Login {
        client: response.capabilities.both(offered(greeting.capabilities, front)),
        upstream: authenticated.agreed,
        server: Server::of(&text(greeting.server_version)),
        connection_id: greeting.connection_id,
        collation: response.collation,
        user: text(response.user).into(),
        database: text(response.database).into(),
        client_name: text(response.attribute(b"_client_name").unwrap_or_default()).into(),
        sequence: authenticated.client.sequence,
        unlike: authenticated.client.stream.is_private() != authenticated.upstream.stream.is_private(),
        ok: authenticated.ok.clone(),
        settings,
    };
    Ok(Arrival {
        depart: travels.then(|| way(front, &response, authenticated.means.clone())),
        ..arrival(authenticated, login, &response)
    })
}

/// The session's way to other servers.
fn way(front: &Arc<Front>, response: &HandshakeResponse<'_>, means: Option<Means>) -> Depart {
    let user = text(response.user);
    let database = text(response.database);
    front.tally.replicas.note_login(&user, &database);
    // Without the answer, which may be a password.
    let kept = response.anew(response.capabilities, response.plugin, &[]);
    travel::depart(Arc::clone(front), &kept, &user, means)
}

fn settings(front: &Front, client_name: &[u8]) -> Settings {
    let limits = &front.cluster.limits;
    Settings {
        inspect_bytes_max: limits.inspect_bytes_max,
        prepared_statements_max: limits.prepared_statements_max,
        signals: front.cluster.signals,
        refusal_code: front
            .cluster
            .error_for_client
            .get(&text(client_name))
            .copied()
            .unwrap_or(error::READ_ONLY_TRANSACTION),
        travels: !front.cluster.replicas.is_empty(),
    }
}

fn arrival(authenticated: Authenticated, login: Login, response: &HandshakeResponse<'_>) -> Arrival {
    let sequence = login.sequence;
    let (client, from_client) = authenticated.client.parts();
    let (upstream, from_upstream) = authenticated.upstream.parts();
    let program = response.attribute(b"program_name");
    Arrival {
        client,
        upstream,
        ahead: Ahead {
            client: from_client,
            upstream: from_upstream,
        },
        user: login.user.to_string(),
        database: login.database.to_string(),
        application_name: text(
            program
                .or(response.attribute(b"_client_name"))
                .unwrap_or_default(),
        ),
        // A statement is cancelled by KILL QUERY on another connection, which lull could only open with a password.
        cancel: Box::new(|seen_to| seen_to()),
        depart: None,
        born: Box::new(|order, out| {
            MySession::born(login, order, out).map(|session| Box::new(session) as Box<dyn Session>)
        }),
        sequence,
    }
}

/// The server and its first packet. What it says in place of a greeting, the client hears.
async fn reach(
    mut client: Leg,
    front: &Front,
    metrics: &WorkerMetrics,
    deadline: Deadline<'_>,
) -> Result<(Leg, Leg, Vec<u8>), Failure> {
    let began = Instant::now();
    let (upstream, first) = match deadline
        .keep(dial::dial(front, &front.cluster.primary.address))
        .await
    {
        Some(Ok(dialled)) => dialled,
        Some(Err(fault)) => {
            metrics.upstream_failed(&fault);
            return Err(Failure::unreachable(fault, client.stream));
        }
        None => {
            let failure = Failure::upstream_too_slow(client.stream, deadline);
            metrics.upstream_failed(&failure.fault);
            return Err(failure);
        }
    };
    metrics.upstream_connect.observe(began.elapsed());
    if first.first() == Some(&error::MARK) {
        let code = Error::read(&first).map_or(0, |error| error.code);
        let _ = client.write(&first).await;
        let fault = Fault::upstream(format!("it refused the connection (error {code})"));
        return Err(Failure::silent(LoginResult::Rejected, fault));
    }
    Ok((client, upstream, first))
}

/// TLS towards the server, where it is configured and to be had.
async fn secure(
    client: Leg,
    upstream: Leg,
    greeting: &Greeting<'_>,
    response: &HandshakeResponse<'_>,
    front: &Front,
    metrics: &WorkerMetrics,
    deadline: Deadline<'_>,
) -> Result<(Leg, Leg), Failure> {
    let encrypted = match dial::wants_tls(front, &upstream, greeting.capabilities) {
        Ok(false) => return Ok((client, upstream)),
        Ok(true) => {
            let request = response.ssl_request(agreed_upstream(response, greeting, true));
            let tls = front.tls.for_upstream.as_ref();
            let encrypted = dial::encrypt(front, upstream, &front.cluster.primary.address, &request, tls);
            deadline.keep(encrypted).await
        }
        Err(fault) => Some(Err(fault)),
    };
    let sequence = client.sequence;
    match encrypted {
        Some(Ok(upstream)) => Ok((client, upstream)),
        Some(Err(fault)) => {
            metrics.upstream_failed(&fault);
            Err(Failure::unreachable(fault, client.stream).numbered(sequence))
        }
        None => Err(Failure::upstream_too_slow(client.stream, deadline).numbered(sequence)),
    }
}

/// What lull says for its client. Trackers tell lull what a session does, whether its client wants them or not.
fn agreed_upstream(response: &HandshakeResponse<'_>, greeting: &Greeting<'_>, tls: bool) -> Capabilities {
    let tracks = greeting.capabilities.has(Capabilities::SESSION_TRACK);
    response
        .capabilities
        .set(Capabilities::SESSION_TRACK, tracks)
        .without(Capabilities::COMPRESS)
        .without(Capabilities::ZSTD_COMPRESSION)
        .set(Capabilities::SSL, tls)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last word to a client that did not get in.
pub(super) fn last_words(failure: &Failure) -> Vec<u8> {
    let (code, sqlstate): (u16, &[u8]) = match (failure.result, &failure.fault) {
        // ER_ACCESS_DENIED_ERROR
        (LoginResult::Rejected | LoginResult::Throttled, Fault::Policy(_))
        | (LoginResult::NoSecret, Fault::Policy(_)) => (1045, b"28000"),
        // ER_CON_COUNT_ERROR
        (LoginResult::Limit, _) => (1040, b"08004"),
        // ER_SECURE_TRANSPORT_REQUIRED
        (LoginResult::ClientTls, _) => (3159, b"HY000"),
        // ER_HANDSHAKE_ERROR
        (LoginResult::ClientProtocol, _) => (1043, b"08S01"),
        // ER_NET_READ_INTERRUPTED
        (LoginResult::Timeout, Fault::Policy(_)) => (1159, b"08S01"),
        // ER_CONNECT_TO_FOREIGN_DATA_SOURCE. Not 2003 and its kin: those are what clients say of lull itself.
        (_, Fault::Upstream(_)) => (1429, b"HY000"),
        _ => (1105, b"HY000"),
    };
    let message = failure.fault.for_client().1;
    let error = Error {
        code,
        // As servers do: before the greeting nobody knows whether the other end can read one.
        sqlstate: (failure.sequence > 0).then_some(sqlstate),
        message: message.as_bytes(),
    };
    let mut bytes = Vec::new();
    error.write(&mut bytes, failure.sequence);
    bytes
}
