//! Questions to the servers, asked on a session that stands: lull has no account of its own.

use std::time::Duration;

use tokio::{sync::oneshot, time::timeout};

use super::Control;
use crate::{relay::Place, server::worker::ToWorker, session::Rows};

/// A session that was asked may be in the middle of something; another is asked then.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) enum NoAnswer {
    /// No session of the place is there.
    Nobody,
    /// The session was busy for too long.
    Lost,
    /// The session ended, or could not be asked after all.
    GivenBack,
    /// The server's error message.
    Error(String),
}

/// How many sessions are asked one after another: what one cannot answer, perhaps because its client cancels whatever it
/// runs, the next one may.
const TRIES_MAX: u32 = 5;

impl Control {
    pub(super) async fn ask(&self, place: &Place, text: &str) -> Result<Rows, NoAnswer> {
        let may_differ = |why: &NoAnswer| matches!(why, NoAnswer::Error(_) | NoAnswer::GivenBack);
        self.ask_again(place, None, text, may_differ).await
    }

    /// On a session of this user's: what the server will not tell one, it tells none of them.
    pub(super) async fn ask_as(&self, place: &Place, user: &str, text: &str) -> Result<Rows, NoAnswer> {
        let may_differ = |why: &NoAnswer| matches!(why, NoAnswer::GivenBack);
        self.ask_again(place, Some(user), text, may_differ).await
    }

    async fn ask_again(
        &self,
        place: &Place,
        user: Option<&str>,
        text: &str,
        may_differ: impl Fn(&NoAnswer) -> bool,
    ) -> Result<Rows, NoAnswer> {
        for _ in 1..TRIES_MAX {
            match self.ask_somebody(place, user, text).await {
                Err(why) if may_differ(&why) => {}
                answer => return answer,
            }
        }
        self.ask_somebody(place, user, text).await
    }

    async fn ask_somebody(&self, place: &Place, user: Option<&str>, text: &str) -> Result<Rows, NoAnswer> {
        let mut outcome = NoAnswer::Nobody;
        for worker in &self.workers {
            let (reply, asked) = oneshot::channel();
            worker.send(ToWorker::Ask {
                place: place.clone(),
                user: user.map(str::to_owned),
                text: text.to_owned(),
                reply,
            });
            let Ok(Some(answer)) = asked.await else { continue };
            match timeout(ANSWER_WAIT, answer).await {
                Ok(Ok(Ok(rows))) => return Ok(rows),
                Ok(Ok(Err(message))) => outcome = NoAnswer::Error(message),
                Ok(Err(_)) => outcome = NoAnswer::GivenBack,
                Err(_) => outcome = NoAnswer::Lost,
            }
        }
        Err(outcome)
    }
}
