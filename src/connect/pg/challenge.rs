//! Asks a client for a proof of its password: SCRAM-SHA-256, bound to lull's certificate where there is TLS, or md5 where
//! the verifier is md5's.

use tokio::io::AsyncWriteExt;

use super::{
    broken::{Broken, client_broken},
    inbox::Inbox,
    prove::random,
};
use crate::{
    auth::{
        Means, Secret, md5,
        scram::{self, Offer, Proven, Wrong},
    },
    fault::Fault,
    relay::Stream,
    telemetry::metrics::LoginResult,
    wire::pg::auth,
};

/// The client's end of a login.
pub(super) struct Doorway {
    pub(super) client: Stream,
    pub(super) inbox: Inbox,
    /// Whether it is the client that is waited for.
    pub(super) hears_client: bool,
}

/// What a client is asked by.
pub(super) enum Question {
    Scram(scram::Verifier),
    Md5(Secret),
}

/// The client knows the password.
pub(super) struct Known {
    /// What it has proven.
    pub(super) means: Means,
    /// lull's own proof, to be sent before the good news.
    pub(super) last: Option<String>,
}

/// Why it was not let in.
pub(super) enum Denied {
    WrongPassword,
    Broken(Broken),
}

const MESSAGE_BYTES_MAX: usize = 64 << 10;

impl Doorway {
    /// `may_guess` has the last word before a proof is looked at.
    pub(super) async fn ask(
        &mut self,
        question: Question,
        end_point: Option<&[u8]>,
        may_guess: impl FnOnce() -> Result<(), Broken>,
    ) -> Result<Known, Denied> {
        match question {
            Question::Scram(verifier) => {
                let end_point = end_point.filter(|_| self.client.is_tls()).map(<[u8]>::to_vec);
                self.ask_scram(Offer::new(verifier, end_point), may_guess).await
            }
            Question::Md5(stored) => self.ask_md5(stored, may_guess).await,
        }
    }

    async fn ask_scram(
        &mut self,
        offer: Offer,
        may_guess: impl FnOnce() -> Result<(), Broken>,
    ) -> Result<Known, Denied> {
        let nonce = random()?;
        let mut out = Vec::new();
        auth::write_sasl(&mut out, &offer.mechanisms());
        self.send(&out).await?;
        let answer = self.hear().await?;
        let Some((mechanism, first)) = auth::sasl_initial(&answer) else {
            return Err(malformed("malformed SASLInitialResponse").into());
        };
        let challenged = offer.hear_first(mechanism, first, nonce).map_err(denied)?;
        let mut out = Vec::new();
        auth::write_sasl_continue(&mut out, challenged.challenge());
        self.send(&out).await?;
        let answer = self.hear().await?;
        may_guess()?;
        let Proven { keys, last } = challenged.hear_last(&answer).map_err(denied)?;
        Ok(Known {
            means: Means::Scram(keys),
            last: Some(last),
        })
    }

    async fn ask_md5(
        &mut self,
        stored: Secret,
        may_guess: impl FnOnce() -> Result<(), Broken>,
    ) -> Result<Known, Denied> {
        let salt = random()?;
        let mut out = Vec::new();
        auth::write_md5(&mut out, salt);
        self.send(&out).await?;
        let answer = self.hear().await?;
        may_guess()?;
        if !md5::is_answer(&answer, &stored, salt) {
            return Err(Denied::WrongPassword);
        }
        Ok(Known {
            means: Means::Md5(stored),
            last: None,
        })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.hears_client = true;
        let gone = |error: std::io::Error| client_broken(error.into());
        self.client.write_all(bytes).await.map_err(gone)?;
        self.client.flush().await.map_err(gone)?;
        self.hears_client = false;
        Ok(())
    }

    /// The client's answer.
    async fn hear(&mut self) -> Result<Vec<u8>, Broken> {
        self.hears_client = true;
        let read = self.inbox.message(&mut self.client, MESSAGE_BYTES_MAX).await;
        let (header, message) = read.map_err(client_broken)?;
        self.hears_client = false;
        if header.tag != auth::ANSWER {
            return Err(malformed(&format!(
                "a message of type 0x{:02x} where a password was expected",
                header.tag
            )));
        }
        Ok(message.get(5..).unwrap_or_default().to_vec())
    }
}

impl From<Broken> for Denied {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Broken((LoginResult::NoSecret, fault, false))
    }
}

fn denied(wrong: Wrong) -> Denied {
    match wrong {
        Wrong::Proof => Denied::WrongPassword,
        Wrong::Binding => Denied::Broken((LoginResult::ChannelBinding, Fault::policy(wrong), false)),
        Wrong::Malformed(_) => Denied::Broken(malformed(&wrong.to_string())),
    }
}

fn malformed(what: &str) -> Broken {
    (LoginResult::ClientProtocol, Fault::client(what), false)
}
