//! A login that ends at lull: lull authenticates the client itself, and logs in upstream as that user with what the
//! client has proven.
//!
//! The server is not bothered before that: a stranger costs it nothing. A user who does not exist is asked as one who
//! does, and a wrong password gets the server's own words.

use std::time::Instant;

use super::{
    authenticate::Authenticated,
    broken::{Broken, failure, upstream_broken},
    challenge::{Denied, Doorway, Known, Question},
    dial,
    open::Startup,
    prove::{NotIn, Upstream},
};
use crate::{
    auth::{Means, Verifier, md5, scram},
    connect::{
        Asked, Front,
        broken::{no_secret, printable, unreachable},
        deadline::Deadline,
        failure::Failure,
        lookup,
    },
    fault::Fault,
    relay::{Ahead, Stream},
    session::pg::Parameters,
    telemetry::metrics::{LoginResult, WorkerMetrics},
    wire::pg::auth,
};

pub(super) async fn terminate(
    client: Stream,
    startup: &mut Startup,
    front: &Front,
    metrics: &WorkerMetrics,
    deadline: Deadline<'_>,
) -> Result<Authenticated, Failure> {
    let mut doorway = Doorway {
        client,
        inbox: std::mem::take(&mut startup.inbox),
        hears_client: false,
    };
    let outcome = deadline.keep(pass(&mut doorway, startup, front, metrics)).await;
    let outcome = outcome.unwrap_or_else(|| {
        let fault = if doorway.hears_client {
            deadline.missed_by_client()
        } else {
            deadline.missed_by_upstream()
        };
        Err((LoginResult::Timeout, fault, false))
    });
    match outcome {
        Err(broken) => Err(failure(broken, doorway.client, metrics)),
        Ok((upstream, known)) => Ok(authenticated(doorway, upstream, known)),
    }
}

async fn pass(
    doorway: &mut Doorway,
    startup: &Startup,
    front: &Front,
    metrics: &WorkerMetrics,
) -> Result<(Upstream, Known), Broken> {
    let (from, user) = (doorway.client.peer_ip(), startup.user.as_str());
    let may_guess = || front.may_guess(from, user);
    may_guess()?;
    let verifier = lookup::verifier(front, user).await.map_err(unreachable)?;
    let better = match &verifier {
        Some(Verifier::Plain(password)) => Some(Means::Password(password.clone())),
        _ => None,
    };
    let question = question(verifier, user, front).await.map_err(no_secret)?;
    let end_point = front.tls.end_point.as_deref();
    match doorway.ask(question, end_point, may_guess).await {
        Ok(proven) => {
            // The keys of a password that lull has salted itself are no server's.
            let means = better.unwrap_or(proven.means);
            let known = Known { means, ..proven };
            let upstream = enter(doorway, startup, front, metrics, &known.means).await?;
            Ok((upstream, known))
        }
        Err(Denied::Broken(broken)) => Err(broken),
        Err(Denied::WrongPassword) => {
            front.guessed_wrong(from, user).await;
            let words = format!("password authentication failed for user \"{}\"", printable(user));
            Err((LoginResult::Rejected, Fault::policy(words), false))
        }
    }
}

/// How this user is asked. One who does not exist is asked as others are who do.
async fn question(known: Option<Verifier>, user: &str, front: &Front) -> Result<Question, Fault> {
    let process_secret = front.tally.process_secret()?;
    Ok(match known {
        Some(Verifier::Scram(verifier)) => Question::Scram(verifier),
        Some(Verifier::Md5(stored)) => Question::Md5(stored),
        Some(Verifier::Plain(password)) => {
            Question::Scram(front.secrets.made_of(&password, user, process_secret).await?)
        }
        // Those of MySQL are read from no secret of PostgreSQL's.
        None | Some(Verifier::Native(_) | Verifier::Sha2(_)) => match front.asked() {
            Asked::Md5 => Question::Md5(md5::stored(process_secret.expose(), user.as_bytes())),
            Asked::Scram(iterations) => {
                Question::Scram(scram::Verifier::mock(user, iterations, process_secret))
            }
            Asked::Plain | Asked::Native | Asked::Sha2 => {
                let iterations = scram::ITERATIONS_DEFAULT;
                Question::Scram(scram::Verifier::mock(user, iterations, process_secret))
            }
        },
    })
}

/// Logs in upstream, with the client's own startup packet.
async fn enter(
    doorway: &mut Doorway,
    startup: &Startup,
    front: &Front,
    metrics: &WorkerMetrics,
    means: &Means,
) -> Result<Upstream, Broken> {
    let began = Instant::now();
    let stream = dial::dial(front, &startup.server).await.map_err(unreachable)?;
    metrics.upstream_connect.observe(began.elapsed());
    let mut upstream = Upstream::new(stream);
    let not_in = match upstream
        .log_in(&startup.packet, startup.user.as_bytes(), means)
        .await
    {
        Ok(()) => return Ok(upstream),
        Err(not_in) => not_in,
    };
    if not_in.is_by_secret() {
        front.has_grown_old(&startup.user).await;
    }
    match not_in {
        NotIn::Refused(message) => {
            doorway.send(&message).await?;
            let fault = NotIn::Refused(message).into_fault();
            Err((LoginResult::Rejected, fault, true))
        }
        NotIn::Missing(missing) => Err(upstream_broken(missing)),
        NotIn::Fault(fault @ Fault::Policy(_)) => Err(no_secret(fault)),
        NotIn::Fault(fault) => Err((LoginResult::UpstreamProtocol, fault, false)),
    }
}

fn authenticated(doorway: Doorway, upstream: Upstream, known: Known) -> Authenticated {
    let (upstream, said, ahead) = upstream.into_parts();
    let mut to_client = Vec::new();
    if let Some(last) = &known.last {
        auth::write_sasl_final(&mut to_client, last);
    }
    said.write_for_client(&mut to_client);
    let mut parameters = Parameters::default();
    for (name, value) in said.parameters() {
        parameters.report(name, value);
    }
    Authenticated {
        client: doorway.client,
        upstream,
        parameters,
        key: said.key().into(),
        to_client,
        ahead: Ahead {
            client: doorway.inbox.rest(),
            upstream: ahead,
        },
        means: Some(known.means),
    }
}
