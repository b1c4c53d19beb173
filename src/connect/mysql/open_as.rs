//! A connection that lull opens by itself, as a user whose secret it knows: to a replica, or for its own account.
//!
//! To open one that is like a client's own, keep the payload of the client's HandshakeResponse41 and give it as
//! `Who::response`: user, character set, database, attributes and capabilities are then the client's, and only the method
//! and its answer are lull's. `open_known` finds the secret; `Opened::agreed` must be compared (`Capabilities::beyond_login`)
//! with what the session has agreed on with its old server, for the new one may know less.

use std::sync::Arc;

use rustls::ClientConfig;

use super::{
    dial,
    entered::{Entered, Unanswered},
    prove::{Door, NotIn},
};
use crate::{
    auth::Means,
    config::Address,
    connect::{Front, known, lookup},
    fault::Fault,
    relay::Stream,
    session::mysql::Server,
    wire::mysql::{
        capability::Capabilities,
        error,
        greeting::Greeting,
        handshake_response::{self, Opening},
    },
};

/// Where a connection is to go, and as whom: `response` names the same user.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    pub address: &'a Address,
    pub user: &'a str,
    /// The payload of a HandshakeResponse41, a client's own or one of lull's (`handshake_response::service`).
    pub response: &'a [u8],
}

/// A connection on which the server waits for a command.
#[derive(Debug)]
pub struct Opened {
    pub stream: Stream,
    /// What came behind the OK, most likely nothing.
    pub ahead: Vec<u8>,
    /// The payload of the server's OK.
    pub ok: Vec<u8>,
    pub server: Server,
    /// What `KILL` takes.
    pub connection_id: u32,
    /// As in the session's `Login::upstream`.
    pub agreed: Capabilities,
}

/// Opens a connection with what the user has proven to lull (`proven`), or else with the secret that lull knows: from
/// users_file or auth_query, or none where `peer` says that the account has none. A secret that the server does not take
/// any more is looked up again, once. Ends within the times that the configuration gives to connect and to log in.
pub async fn open_known(front: &Front, who: Who<'_>, proven: Option<&Means>) -> Result<Opened, Fault> {
    let tls = front.tls.for_upstream.as_ref();
    let known = async || known(front, who.user).await;
    let open = async |means: &Means| {
        let opened = open(front, who, means, tls).await;
        opened.map_err(|not_in| known::NotIn {
            by_secret: not_in.is_by_secret(),
            fault: not_in.into_fault(),
        })
    };
    known::open_known(front, who.user, proven, known, open).await
}

/// What lull can show without the user's help.
async fn known(front: &Front, user: &str) -> Result<Means, Fault> {
    if let Some(means) = front.secrets.means(user) {
        return Ok(means);
    }
    let verifier = lookup::verifier(front, user).await?;
    verifier.and_then(|verifier| verifier.means()).ok_or_else(|| {
        Fault::policy(format!(
            "lull knows no way to log in as {user:?}: give users_file the password of this user, or say \
             peer = true where accounts have none"
        ))
    })
}

/// A connection as lull's own account, for questions that no client influences, and that change nothing.
pub(super) async fn open_service(front: &Front, address: &Address) -> Result<Entered, Fault> {
    let (service, means) = known::service(front)?;
    let response = handshake_response::service(&service.user, &service.database);
    let who = Who {
        address,
        user: &service.user,
        response: &response,
    };
    let opened = open(front, who, &means, front.tls.for_service.as_ref()).await;
    let opened = opened.map_err(|not_in| match not_in {
        NotIn::Missing(missing) => Fault::upstream(missing),
        NotIn::Fault(fault @ Fault::Upstream(_)) => fault,
        own => known::service_refused(service, &own.into_fault()),
    })?;
    let mut entered = Entered::of(opened);
    let guarded = entered.ask("SET SESSION TRANSACTION READ ONLY").await;
    guarded.map_err(Unanswered::into_fault)?;
    Ok(entered)
}

async fn open(
    front: &Front,
    who: Who<'_>,
    means: &Means,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Opened, NotIn> {
    let (leg, first) = dial::dial(front, who.address).await.map_err(NotIn::Fault)?;
    if first.first() == Some(&error::MARK) {
        return Err(NotIn::Refused(first));
    }
    let greeting = Greeting::read(&first).map_err(|why| NotIn::Fault(Fault::upstream(why)))?;
    let opening = handshake_response::opening(who.response, greeting.capabilities);
    let Ok(Opening::Response(response)) = opening else {
        return Err(NotIn::Fault(Fault::proxy(
            "no answer to a greeting to begin a login with",
        )));
    };
    let limit = front.cluster.limits.login_timeout;
    let door = Door {
        front,
        address: who.address,
        tls,
    };
    let entering = door.enter(leg, &greeting, &response, means);
    let logged_in = front.clock.timeout(limit, entering).await;
    let (leg, ok, agreed) = logged_in.unwrap_or_else(|| {
        let late = format!("it did not end the login within {limit:?} (login_timeout)");
        Err(NotIn::Fault(Fault::upstream(late)))
    })?;
    let (stream, ahead) = leg.parts();
    Ok(Opened {
        stream,
        ahead,
        ok,
        server: Server::of(&String::from_utf8_lossy(greeting.server_version)),
        connection_id: greeting.connection_id,
        agreed,
    })
}
