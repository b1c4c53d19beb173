//! A login that ends at lull: lull authenticates the client itself, and logs in upstream as that user with what the
//! client has proven.
//!
//! The server has greeted already, for its greeting is what the client sees, and hears no more before the client is let
//! in. A user who does not exist is asked as one who does, and a wrong password gets the server's own words.

use std::time::Instant;

use super::{
    challenge::{Denied, Doorway, Question},
    exchange::{Authenticated, upstream_broken},
    leg::Leg,
    part::part,
    prove::{Door, NotIn},
};
use crate::{
    auth::Means,
    connect::{
        Front,
        broken::{Broken, failure, no_secret, printable, unreachable},
        deadline::Deadline,
        failure::Failure,
        lookup,
    },
    fault::Fault,
    telemetry::metrics::{LoginResult, WorkerMetrics},
    wire::mysql::{capability::Capabilities, greeting::Greeting, handshake_response::HandshakeResponse},
};

/// What the two logins have come to.
struct Entered {
    upstream: Leg,
    ok: Vec<u8>,
    agreed: Capabilities,
    means: Means,
}

pub(super) async fn terminate(
    client: Leg,
    upstream: Leg,
    greeting: &Greeting<'_>,
    response: &HandshakeResponse<'_>,
    front: &Front,
    metrics: &WorkerMetrics,
    deadline: Deadline<'_>,
) -> Result<Authenticated, Failure> {
    let user = String::from_utf8_lossy(response.user);
    let mut doorway = Doorway {
        client,
        user: &user,
        own_key: &front.own_key,
        seen: &front.seen,
        hears_client: false,
        has_guessed: false,
    };
    let mut upstream = Some(upstream);
    let passing = pass(&mut doorway, &mut upstream, greeting, response, front);
    let outcome = deadline.keep(passing).await;
    if let Some(upstream) = upstream {
        // Nobody waits for it.
        tokio::task::spawn_local(part(&front.clock, upstream, greeting));
    }
    let outcome = outcome.unwrap_or_else(|| {
        let fault = if doorway.hears_client {
            deadline.missed_by_client()
        } else {
            deadline.missed_by_upstream()
        };
        Err((LoginResult::Timeout, fault, false))
    });
    if outcome.is_err() && doorway.has_guessed {
        // Whoever leaves in the middle has guessed too.
        let from = doorway.client.stream.peer_ip();
        front.tally.throttle.note_failure(from, &user, Instant::now());
    }
    match outcome {
        Err(broken) => {
            let sequence = doorway.client.sequence;
            Err(failure(broken, doorway.client.stream, metrics).numbered(sequence))
        }
        Ok(Entered {
            upstream,
            ok,
            agreed,
            means,
        }) => Ok(Authenticated {
            client: doorway.client,
            upstream,
            ok,
            agreed,
            means: Some(means),
        }),
    }
}

/// `upstream` stays where it is until it is needed.
async fn pass(
    doorway: &mut Doorway<'_>,
    upstream: &mut Option<Leg>,
    greeting: &Greeting<'_>,
    response: &HandshakeResponse<'_>,
    front: &Front,
) -> Result<Entered, Broken> {
    let (from, user) = (doorway.client.stream.peer_ip(), doorway.user);
    let may_guess = || front.may_guess(from, user);
    may_guess()?;
    let verifier = lookup::verifier(front, user).await.map_err(unreachable)?;
    let question = Question::of(verifier, front.asked());
    match doorway.ask(question, greeting, response, may_guess).await {
        Ok(means) => enter(doorway, upstream, greeting, response, front, means).await,
        Err(Denied::Broken(broken)) => Err(broken),
        Err(Denied::WrongPassword(shown)) => {
            doorway.has_guessed = false;
            front.guessed_wrong(from, user).await;
            Err((LoginResult::Rejected, Fault::policy(words(doorway, shown)), false))
        }
    }
}

/// Logs in upstream, with the client's own response.
async fn enter(
    doorway: &mut Doorway<'_>,
    upstream: &mut Option<Leg>,
    greeting: &Greeting<'_>,
    response: &HandshakeResponse<'_>,
    front: &Front,
    means: Means,
) -> Result<Entered, Broken> {
    let Some(leg) = upstream.take() else {
        return Err(no_secret(Fault::proxy("the connection to the server is gone")));
    };
    let door = Door {
        front,
        address: &front.cluster.primary.address,
        tls: front.tls.for_upstream.as_ref(),
    };
    let not_in = match door.enter(leg, greeting, response, &means).await {
        Ok((upstream, ok, agreed)) => {
            return Ok(Entered {
                upstream,
                ok,
                agreed,
                means,
            });
        }
        Err(not_in) => not_in,
    };
    if not_in.is_by_secret() {
        front.has_grown_old(doorway.user).await;
    }
    match not_in {
        NotIn::Refused(payload) => {
            doorway.send(&payload).await?;
            let fault = NotIn::Refused(payload).into_fault();
            Err((LoginResult::Rejected, fault, true))
        }
        NotIn::Missing(missing) => Err(upstream_broken(missing)),
        NotIn::Fault(fault @ Fault::Policy(_)) => Err(no_secret(fault)),
        NotIn::Fault(fault) => Err((LoginResult::UpstreamProtocol, fault, false)),
    }
}

/// The server's own (ER_ACCESS_DENIED_ERROR).
fn words(doorway: &Doorway<'_>, shown: bool) -> String {
    let from = doorway.client.stream.peer_ip();
    let from = from.map_or_else(|| "localhost".to_owned(), |ip| ip.to_canonical().to_string());
    let (user, shown) = (printable(doorway.user), if shown { "YES" } else { "NO" });
    format!("Access denied for user '{user}'@'{from}' (using password: {shown})")
}
