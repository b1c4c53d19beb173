//! The wait for an answer: notices go out at once, and a caller who leaves or cancels takes the call with them.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::{futures::Notified, mpsc, oneshot};

use super::{
    Answer, Call, Command, Refused,
    reply::{Problem, Reply, notice},
    session::Session,
    verb::{self, Ask, On, Verb},
    wire::Broken,
};
use crate::gate::{Request, Scope};

type Answered = Result<Result<Answer, Refused>, oneshot::error::RecvError>;

/// What ended the wait.
#[allow(clippy::large_enum_variant)] // One at a time, and soon taken apart.
enum End {
    Answered(Answered),
    Cancelled,
    /// `LULL KEEP` came: the drain goes on without the caller.
    Kept,
}

impl Session {
    pub(super) async fn call(&mut self, ask: &Ask) -> Result<Result<Reply, Problem>, Broken> {
        let Some(command) = command(&ask.verb, &self.by) else {
            return Ok(Ok(Reply::tag("LULL KEEP")));
        };
        let wish = Arc::clone(&self.key.wish);
        // Counts from here on, also while this task is busy with something else.
        let cancelled = pin!(wish.notified());
        let (notices, mut progress) = mpsc::unbounded_channel();
        let (reply, mut answer) = oneshot::channel();
        if self
            .shared
            .calls
            .send(Call {
                command,
                notices,
                reply,
            })
            .await
            .is_err()
        {
            return Ok(Err(stopping()));
        }
        // Whatever way this function is left, `answer` is dropped: the other side then knows that nobody waits.
        match self
            .wait(
                matches!(ask.verb, Verb::On(_)),
                cancelled,
                &mut progress,
                &mut answer,
            )
            .await?
        {
            End::Answered(Ok(Ok(answer))) => Ok(Ok(Reply::new(ask, &answer))),
            End::Answered(Ok(Err(refused))) => Ok(Err(refused.into())),
            End::Answered(Err(_)) => Ok(Err(stopping())),
            End::Cancelled => Ok(Err(Problem::new(
                "57014",
                "cancelled: the lull is being taken back",
            ))),
            End::Kept => {
                tokio::spawn(keep(progress, answer));
                let kept = "the lull stays open and its drain goes on; SHOW FENCE says how far it is";
                Ok(Ok(Reply {
                    notices: vec![("NOTICE", kept.to_owned())],
                    ..Reply::tag("LULL ON")
                }))
            }
        }
    }

    async fn wait(
        &mut self,
        can_be_kept: bool,
        mut cancelled: Pin<&mut Notified<'_>>,
        progress: &mut mpsc::UnboundedReceiver<String>,
        answer: &mut oneshot::Receiver<Result<Answer, Refused>>,
    ) -> Result<End, Broken> {
        loop {
            // All arms are cancel-safe. Progress first, so that no line comes after the answer.
            tokio::select! {
                biased;
                Some(line) = progress.recv() => {
                    self.wire.say(&notice("NOTICE", &line))?;
                    self.wire.flush().await?;
                }
                answered = &mut *answer => return Ok(End::Answered(answered)),
                () = &mut cancelled => return Ok(End::Cancelled),
                more = self.wire.more() => more?,
            }
            match self.heard_meanwhile() {
                Meanwhile::Keep if can_be_kept => return Ok(End::Kept),
                Meanwhile::Goodbye => return Err(Broken::Gone),
                Meanwhile::Keep | Meanwhile::Nothing => {}
            }
        }
    }

    /// What a caller who still waits has sent besides.
    fn heard_meanwhile(&self) -> Meanwhile {
        for frame in self.wire.waiting() {
            match frame {
                [b'X', ..] => return Meanwhile::Goodbye,
                [b'Q', _, _, _, _, text @ .., 0] if is_keep(text) => return Meanwhile::Keep,
                _ => {}
            }
        }
        Meanwhile::Nothing
    }
}

enum Meanwhile {
    Nothing,
    Keep,
    Goodbye,
}

fn is_keep(text: &[u8]) -> bool {
    let ask = std::str::from_utf8(text)
        .ok()
        .and_then(|text| verb::parse(text).ok())
        .flatten();
    ask.is_some_and(|ask| ask.verb == Verb::Keep)
}

/// Holds the ends that tell the other side that somebody waits.
async fn keep(
    mut progress: mpsc::UnboundedReceiver<String>,
    answer: oneshot::Receiver<Result<Answer, Refused>>,
) {
    let lines = async {
        while let Some(line) = progress.recv().await {
            tracing::info!("{line}");
        }
    };
    let (answered, ()) = tokio::join!(answer, lines);
    match answered {
        Ok(Ok(Answer::Opened(opened))) => {
            tracing::info!(scope = %opened.scope, fenced = opened.fenced, "the drain of a kept lull is over");
        }
        Ok(Err(refused)) => tracing::warn!("a kept lull failed: {refused}"),
        Ok(Ok(_)) | Err(_) => {}
    }
}

fn stopping() -> Problem {
    Problem::new("57P01", "lull is stopping")
}

fn command(verb: &Verb, by: &str) -> Option<Command> {
    let command = match verb {
        Verb::On(on) => Command::On(request(on, by)),
        Verb::Off { scope } => Command::Off { scope: scope.clone() },
        Verb::Status { scope } => Command::Status { scope: scope.clone() },
        Verb::Lulls | Verb::Fence => Command::Status { scope: Scope::all() },
        Verb::Sessions => Command::Sessions,
        Verb::Upstreams => Command::Upstreams,
        Verb::Repoint(repoint) => Command::Repoint(repoint.clone()),
        Verb::Reload => Command::Reload,
        Verb::Shutdown => Command::Shutdown,
        Verb::Help | Verb::Keep | Verb::Nothing(_) => return None,
    };
    Some(command)
}

fn request(on: &On, by: &str) -> Request {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Request {
        scope: on.scope.clone(),
        reason: on.reason.clone(),
        by: by.to_owned(),
        drain_ms: milliseconds(on.drain),
        stragglers: on.stragglers,
        prepared: on.prepared,
        until_unix_ms: on.lasts.map(|lasts| milliseconds(now.saturating_add(lasts))),
        replicas: on.replicas,
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
