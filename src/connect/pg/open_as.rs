//! A connection that lull opens by itself, as a user whose secret it knows: to a replica, or for its own account.

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;

use super::{
    dial::dial_with,
    prove::{NotIn, Upstream},
    said::Said,
};
use crate::{
    auth::Means,
    config::Address,
    connect::{Front, known, lookup},
    fault::Fault,
    relay::Stream,
    wire::pg::startup,
};

/// Where a connection is to go, and as whom: `packet` names the same user.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    pub address: &'a Address,
    pub user: &'a str,
    /// The startup message, length included: a client's own, or one of lull's.
    pub packet: &'a [u8],
}

/// A connection on which the server is ready for a query.
#[derive(Debug)]
pub struct Opened {
    pub stream: Stream,
    pub said: Said,
    /// What came behind the ReadyForQuery, most likely nothing.
    pub ahead: Vec<u8>,
}

/// Opens a connection with what lull has to show. Ends within the times that the configuration gives to connect and to
/// log in.
pub async fn open_as(front: &Front, who: Who<'_>, means: &Means) -> Result<Opened, Fault> {
    let tls = front.tls.for_upstream.as_ref();
    open(front, who, means, tls).await.map_err(NotIn::into_fault)
}

/// The same with what the user has proven to lull, or else with the secret that lull knows. One that the server does not
/// take any more is looked up again, once.
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

/// What lull can show without the user's help: a SCRAM verifier is not enough.
pub(super) async fn known(front: &Front, user: &str) -> Result<Means, Fault> {
    if let Some(means) = front.secrets.means(user) {
        return Ok(means);
    }
    let verifier = lookup::verifier(front, user).await?;
    verifier.and_then(|verifier| verifier.means()).ok_or_else(|| {
        Fault::policy(format!(
            "lull knows no way to log in as {user:?}: give users_file a password, or an md5 hash, of this \
             user, or say peer = true where the servers trust lull's address"
        ))
    })
}

/// For questions whose text is the operator's: they change nothing.
pub(super) const READ_ONLY: &[(&str, &str)] = &[("default_transaction_read_only", "on")];

/// A connection as lull's own account, for questions that no client influences: nobody who may create objects decides
/// what they mean. With settings of its own besides.
pub async fn open_service(
    front: &Front,
    address: &Address,
    settings: &[(&str, &str)],
) -> Result<Opened, Fault> {
    let (service, means) = known::service(front)?;
    let own: &[(&str, &str)] = &[
        ("user", &service.user),
        ("database", &service.database),
        ("application_name", "lull"),
        ("client_encoding", "UTF8"),
        ("search_path", "pg_catalog"),
    ];
    let packet = startup::packet(&[own, settings].concat());
    let who = Who {
        address,
        user: &service.user,
        packet: &packet,
    };
    let opened = open(front, who, &means, front.tls.for_service.as_ref()).await;
    opened.map_err(|not_in| match not_in {
        NotIn::Missing(missing) => Fault::upstream(missing),
        NotIn::Fault(fault @ Fault::Upstream(_)) => fault,
        own => known::service_refused(service, &own.into_fault()),
    })
}

pub(super) async fn open(
    front: &Front,
    who: Who<'_>,
    means: &Means,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Opened, NotIn> {
    let stream = dial_with(front, who.address, tls).await.map_err(NotIn::Fault)?;
    let mut upstream = Upstream::new(stream);
    let limit: Duration = front.cluster.limits.login_timeout;
    let log_in = upstream.log_in(who.packet, who.user.as_bytes(), means);
    let logged_in = front.clock.timeout(limit, log_in).await;
    logged_in.unwrap_or_else(|| {
        let late = format!("it did not end the login within {limit:?} (login_timeout)");
        Err(NotIn::Fault(Fault::upstream(late)))
    })?;
    let (stream, said, ahead) = upstream.into_parts();
    Ok(Opened { stream, said, ahead })
}
