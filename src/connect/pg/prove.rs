//! Logs in to a server: answers what it asks with what lull can show (manual: "Start-up").
//!
//! Guarantees that a server which asked for SCRAM has itself proven that it knows the user, and that a password goes out
//! in the clear only where nobody can listen.

use tokio::io::AsyncWriteExt;
use zeroize::Zeroizing;

use super::{
    inbox::{Inbox, Missing},
    said::Said,
};
use crate::{
    auth::{
        Means, Secret, binding, md5,
        scram::{self, Binding, Challenge, Client, Keys, MECHANISM, MECHANISM_PLUS},
    },
    fault::Fault,
    relay::Stream,
    wire::pg::{
        auth::{self, Asked, Mechanisms},
        backend,
        error::Fields,
    },
};

/// Why a server did not let lull in.
#[derive(Debug)]
pub(in crate::connect) enum NotIn {
    /// Its ErrorResponse, header included.
    Refused(Box<[u8]>),
    /// The connection ended, or carries something else.
    Missing(Missing),
    Fault(Fault),
}

const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// All that a server may say before it is ready.
const SAID_BYTES_MAX: usize = 1 << 20;

pub(super) struct Upstream {
    pub(super) stream: Stream,
    inbox: Inbox,
    said: Said,
}

impl Upstream {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            inbox: Inbox::default(),
            said: Said::default(),
        }
    }

    /// Sends a startup packet and sees the login through. `user` is the packet's.
    pub(super) async fn log_in(&mut self, packet: &[u8], user: &[u8], means: &Means) -> Result<(), NotIn> {
        self.send(packet).await?;
        loop {
            let (tag, body) = self.hear().await?;
            match tag {
                backend::AUTHENTICATION => match auth::asked(&body) {
                    Some(Asked::Ok) => {}
                    Some(Asked::ClearText) => self.show_password(means).await?,
                    Some(Asked::Md5(salt)) => self.show_md5(means, user, salt).await?,
                    Some(Asked::Sasl(offered)) => self.show_proof(means, offered).await?,
                    other => return Err(unknown(other)),
                },
                backend::READY_FOR_QUERY => return Ok(()),
                _ => {}
            }
        }
    }

    /// What the server said, and what came behind it.
    pub(super) fn into_parts(self) -> (Stream, Said, Vec<u8>) {
        (self.stream, self.said, self.inbox.rest())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), NotIn> {
        let gone = |error: std::io::Error| NotIn::Missing(error.into());
        self.stream.write_all(bytes).await.map_err(gone)?;
        self.stream.flush().await.map_err(gone)
    }

    /// The next message. What the client of this login may want to know is kept.
    async fn hear(&mut self) -> Result<(u8, Zeroizing<Vec<u8>>), NotIn> {
        let read = self.inbox.message(&mut self.stream, MESSAGE_BYTES_MAX).await;
        let (header, message) = read.map_err(NotIn::Missing)?;
        match header.tag {
            backend::ERROR => return Err(NotIn::Refused(message.into())),
            backend::AUTHENTICATION | backend::READY_FOR_QUERY => {}
            _ if self.said.0.len() + message.len() > SAID_BYTES_MAX => {
                return Err(broken("protocol: it says too much before it is ready"));
            }
            _ => self.said.0.extend_from_slice(message),
        }
        let body = message.get(5..).unwrap_or_default();
        Ok((header.tag, Zeroizing::new(body.to_vec())))
    }

    async fn show_password(&mut self, means: &Means) -> Result<(), NotIn> {
        let Means::Password(password) = means else {
            return Err(missing("the password in the clear", means));
        };
        if !self.stream.is_private() {
            return Err(NotIn::Fault(Fault::policy(
                "the server asks for a password in the clear on a connection without TLS; lull gives none \
                 away there: set primary_sslmode",
            )));
        }
        let mut out = Zeroizing::new(Vec::new());
        auth::write_password(&mut out, password.expose());
        self.send(&out).await
    }

    async fn show_md5(&mut self, means: &Means, user: &[u8], salt: [u8; 4]) -> Result<(), NotIn> {
        let stored = match means {
            Means::Password(password) => md5::stored(password.expose(), user),
            Means::Md5(stored) => stored.clone(),
            Means::Trust | Means::Scram(_) | Means::Native(_) => {
                return Err(missing("a password by md5", means));
            }
        };
        let mut out = Zeroizing::new(Vec::new());
        auth::write_password(&mut out, md5::answer(&stored, salt).expose());
        self.send(&out).await
    }

    async fn show_proof(&mut self, means: &Means, offered: Mechanisms<'_>) -> Result<(), NotIn> {
        if !matches!(means, Means::Password(_) | Means::Scram(_)) {
            return Err(missing("a password by SCRAM", means));
        }
        let end_point = self.stream.peer_certificate().and_then(binding::end_point);
        let (mechanism, binding) = match end_point {
            Some(hash) if offered.offer(MECHANISM_PLUS) => (MECHANISM_PLUS, Binding::EndPoint(hash)),
            Some(_) => (MECHANISM, Binding::NotOffered),
            None => (MECHANISM, Binding::Impossible),
        };
        if !offered.offer(mechanism) {
            return Err(broken("protocol: it offers no mechanism of SASL that lull knows"));
        }
        let client = Client::new(&binding, random().map_err(NotIn::Fault)?);
        let mut out = Vec::new();
        auth::write_sasl_initial(&mut out, mechanism, &client.first());
        self.send(&out).await?;
        let (_, body) = self.hear_authentication().await?;
        let Some(Asked::SaslContinue(message)) = auth::asked(&body) else {
            return Err(broken("protocol: no SCRAM challenge where one was expected"));
        };
        let challenge = client.hear_challenge(message).map_err(broken)?;
        let keys = keys(means, &challenge).await?;
        let mut out = Vec::new();
        auth::write_sasl_response(&mut out, &challenge.answer(&keys));
        self.send(&out).await?;
        let (_, body) = self.hear_authentication().await?;
        match auth::asked(&body) {
            Some(Asked::SaslFinal(message)) => challenge.hear_last(message, &keys).map_err(broken),
            _ => Err(broken("it does not prove that it knows the user's verifier")),
        }
    }

    /// The next message that is no notice.
    async fn hear_authentication(&mut self) -> Result<(u8, Zeroizing<Vec<u8>>), NotIn> {
        loop {
            let heard = self.hear().await?;
            if heard.0 == backend::AUTHENTICATION || heard.0 == backend::READY_FOR_QUERY {
                return Ok(heard);
            }
        }
    }
}

/// The keys that the challenge wants proven.
async fn keys(means: &Means, challenge: &Challenge) -> Result<Keys, NotIn> {
    let password = match means {
        Means::Scram(keys) => return Ok(keys.clone()),
        Means::Password(password) => password.clone(),
        Means::Trust | Means::Md5(_) | Means::Native(_) => Secret::new(""),
    };
    let (salt, iterations) = (challenge.salt.clone(), challenge.iterations);
    // It takes a millisecond or more, in which the worker has other sessions to serve.
    let made =
        tokio::task::spawn_blocking(move || Keys::of_password(password.expose(), &salt, iterations)).await;
    let made = made.map_err(|ended| NotIn::Fault(Fault::proxy(ended)))?;
    made.ok_or_else(|| {
        broken(format!(
            "protocol: it wants {iterations} iterations of SCRAM, where 1 to {} are allowed",
            scram::ITERATIONS_MAX
        ))
    })
}

pub(super) fn random<const BYTES: usize>() -> Result<[u8; BYTES], Fault> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(Fault::proxy)?;
    Ok(bytes)
}

fn broken(what: impl ToString) -> NotIn {
    NotIn::Fault(Fault::upstream(what))
}

fn missing(wanted: &str, means: &Means) -> NotIn {
    NotIn::Fault(Fault::policy(format!(
        "the server asks for {wanted}, and lull has {} of this user",
        means.describe()
    )))
}

fn unknown(asked: Option<Asked<'_>>) -> NotIn {
    match asked {
        Some(Asked::Other(code)) => broken(format!(
            "it asks for authentication of kind {code}, which lull cannot do by itself"
        )),
        _ => broken("protocol: an authentication message that is malformed or comes too early"),
    }
}

impl NotIn {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Missing(missing) => Fault::upstream(missing),
            Self::Refused(message) => {
                let fields = Fields::read(message.get(5..).unwrap_or_default()).unwrap_or_default();
                let text = String::from_utf8_lossy(fields.message());
                Fault::upstream(format!("it refused the login: {} ({text})", sqlstate(&message)))
            }
        }
    }

    /// Whether it was the secret: a newer one may be right.
    pub(super) fn is_by_secret(&self) -> bool {
        match self {
            Self::Refused(message) => matches!(sqlstate(message).as_str(), "28P01" | "28000"),
            Self::Fault(Fault::Policy(_)) => true,
            Self::Missing(_) | Self::Fault(_) => false,
        }
    }
}

fn sqlstate(message: &[u8]) -> String {
    let fields = Fields::read(message.get(5..).unwrap_or_default()).unwrap_or_default();
    String::from_utf8_lossy(fields.sqlstate()).into_owned()
}
