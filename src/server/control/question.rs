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
    /// The session ended, or was busy for too long.
    Lost,
    /// The server's error message.
    Error(String),
}

impl Control {
    pub(super) async fn ask(&self, place: &Place, text: &str) -> Result<Rows, NoAnswer> {
        let mut outcome = NoAnswer::Nobody;
        for worker in &self.workers {
            let (reply, asked) = oneshot::channel();
            worker.send(ToWorker::Ask {
                place: place.clone(),
                text: text.to_owned(),
                reply,
            });
            let Ok(Some(answer)) = asked.await else { continue };
            match timeout(ANSWER_WAIT, answer).await {
                Ok(Ok(Ok(rows))) => return Ok(rows),
                Ok(Ok(Err(message))) => return Err(NoAnswer::Error(message)),
                Ok(Err(_)) | Err(_) => outcome = NoAnswer::Lost,
            }
        }
        Err(outcome)
    }
}
