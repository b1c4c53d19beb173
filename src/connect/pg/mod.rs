//! A PostgreSQL connection from its first byte to a session that the relay drives.

mod authenticate;
mod binding;
mod broken;
mod cancel;
mod challenge;
mod dial;
mod enter;
mod inbox;
mod lookup;
mod open;
mod open_as;
mod probe;
mod prove;
mod said;
mod terminate;
mod travel;
mod watch;

use std::sync::Arc;

use super::{Front, Socket, deadline::Deadline, failure::Failure, serve::Arrival};
use crate::{
    config::AuthMode,
    fault::Fault,
    session::{
        Session, Site,
        pg::{Kind, Login, PgSession, Settings},
    },
    telemetry::metrics::{LoginResult, WorkerMetrics},
    wire::pg::error::Report,
};
use authenticate::{Authenticated, authenticate};
use cancel::Key;
pub(super) use dial::Declined;
pub(super) use lookup::Asking;
use open::{Opened, Startup, open};
pub use open_as::{Opened as OpenedAs, Who, open_as, open_known, open_service};
pub(super) use probe::probe;
pub use said::Said;
use terminate::terminate;
pub(super) use watch::Watch;

/// None for a connection that only carried a cancel request.
pub(super) async fn log_in(
    socket: Socket,
    front: &Arc<Front>,
    metrics: &Arc<WorkerMetrics>,
    deadline: Deadline<'_>,
    site_of: impl FnOnce(&str, &str) -> Site,
) -> Result<Option<Arrival>, Failure> {
    let (client, mut startup) = match open(socket, front, deadline).await? {
        Opened::Cancel(client, packet) => {
            metrics.cancels.increment();
            cancel::route(front, &packet).await;
            drop(client);
            return Ok(None);
        }
        Opened::Startup(client, startup) => (client, startup),
    };
    let replicas = &front.tally.replicas;
    let site = site_of(&startup.user, &startup.database);
    let seat = match site {
        Site::Replica if can_log_in_again(front, &startup).await => replicas.seat(),
        Site::Replica | Site::Primary => None,
    };
    if let Some(seat) = &seat {
        startup.server = Arc::clone(&seat.address);
    }
    let authenticated = match front.cluster.auth.mode {
        AuthMode::Relay => authenticate(client, &mut startup, front, metrics, deadline).await,
        AuthMode::Terminate => terminate(client, &mut startup, front, metrics, deadline).await,
    };
    let Authenticated {
        client,
        upstream,
        parameters,
        key,
        to_client,
        ahead,
        means,
    } = authenticated?;
    let mut settings = settings(front);
    settings.travels &= startup.kind == Kind::Sql;
    let travels = settings.travels;
    let site = seat.as_ref().map_or(Site::Primary, |_| Site::Replica);
    let login = Login {
        kind: startup.kind,
        parameters,
        settings,
        site,
    };
    let depart = travels.then(|| {
        replicas.note_login(&startup.user, &startup.database);
        travel::depart(Arc::clone(front), &startup, means, &key, seat)
    });
    Ok(Some(Arrival {
        client,
        upstream,
        ahead,
        user: startup.user,
        database: startup.database,
        application_name: startup.application_name,
        cancel: cancel::sender(Arc::clone(front), startup.server, &key),
        depart,
        born: Box::new(|order, out| {
            *out.to_client.buffer(&[]) = to_client;
            PgSession::born(login, order, out).map(|session| Box::new(session) as Box<dyn Session>)
        }),
        sequence: 0,
    }))
}

/// Who is logged in by a replica must be able to go to the primary later.
async fn can_log_in_again(front: &Front, startup: &Startup) -> bool {
    let knows = match front.cluster.auth.mode {
        AuthMode::Terminate => true,
        AuthMode::Relay => open_as::known(front, &startup.user).await.is_ok(),
    };
    startup.kind == Kind::Sql && knows
}

fn settings(front: &Front) -> Settings {
    let limits = &front.cluster.limits;
    Settings {
        inspect_bytes_max: limits.inspect_bytes_max,
        prepared_statements_max: limits.prepared_statements_max,
        announce: front.cluster.announce,
        travels: !front.cluster.replicas.is_empty(),
    }
}

/// The last word to a client that did not get in.
pub(super) fn last_words(failure: &Failure) -> Vec<u8> {
    let (sqlstate, message) = match failure.result {
        LoginResult::Limit => ("53300", failure.fault.for_client().1),
        // As the server's own "canceling authentication due to timeout".
        LoginResult::Timeout if matches!(failure.fault, Fault::Policy(_)) => {
            ("57014", failure.fault.for_client().1)
        }
        // As the server's own.
        LoginResult::Rejected => ("28P01", failure.fault.for_client().1),
        LoginResult::NoSecret if matches!(failure.fault, Fault::Policy(_)) => {
            ("28000", failure.fault.for_client().1)
        }
        LoginResult::ChannelBinding | LoginResult::ClientTls | LoginResult::Throttled => {
            ("28000", failure.fault.for_client().1)
        }
        _ => failure.fault.for_client(),
    };
    let mut bytes = Vec::new();
    Report {
        severity: "FATAL",
        sqlstate,
        message: &message,
        detail: None,
        hint: None,
    }
    .write(&mut bytes);
    bytes
}
