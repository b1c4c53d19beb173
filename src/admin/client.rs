//! The other end of the admin socket: what `lull on` and its kin speak.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use pgwire::messages::{
    PgWireBackendMessage as Heard, PgWireFrontendMessage as Say,
    response::ErrorResponse,
    simplequery::Query,
    startup::{Authentication, Startup},
    terminate::Terminate,
};
use tokio::net::UnixStream;

use super::{
    frame::{self, Phase},
    wire::{Broken, Wire},
};

/// Ten thousand sessions are a few megabytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Client {
    wire: Wire,
}

/// What comes back for a verb, in this order: notices and rows, then an end or an error, then readiness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Notice {
        severity: String,
        text: String,
    },
    /// The first field: with FORMAT json there is no other.
    Row(String),
    Error {
        code: String,
        text: String,
        hint: Option<String>,
    },
    Ready,
}

/// lull cannot be reached, or not understood.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("nothing listens at {}: {source}", path.display())]
    Unreachable { path: PathBuf, source: io::Error },
    #[error("the connection to lull broke: {0}")]
    Broken(String),
}

impl From<Broken> for ClientError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.to_string())
    }
}

impl Client {
    /// `user` is recorded as who asks, beside the name that the kernel gives.
    pub async fn connect(path: &Path, user: &str) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).await;
        let stream = stream.map_err(|source| ClientError::Unreachable {
            path: path.to_owned(),
            source,
        })?;
        let mut client = Self {
            wire: Wire::new(stream, ANSWER_BYTES_MAX),
        };
        let mut startup = Startup::new();
        startup.parameters.insert("user".into(), user.into());
        startup.parameters.insert("database".into(), "lull".into());
        client.wire.ask(&Say::Startup(startup))?;
        client.wire.flush().await?;
        tokio::time::timeout(LOGIN_TIMEOUT, client.logged_in())
            .await
            .map_err(|_| Broken::Timeout)??;
        Ok(client)
    }

    async fn logged_in(&mut self) -> Result<(), ClientError> {
        loop {
            match self.hear().await? {
                Heard::Authentication(Authentication::Ok)
                | Heard::ParameterStatus(_)
                | Heard::BackendKeyData(_)
                | Heard::NoticeResponse(_) => {}
                Heard::ReadyForQuery(_) => return Ok(()),
                Heard::ErrorResponse(error) => return Err(ClientError::Broken(field(&error.fields, b'M'))),
                _ => return Err(ClientError::Broken("this is no admin socket of lull".into())),
            }
        }
    }

    pub async fn ask(&mut self, text: &str) -> Result<(), ClientError> {
        self.wire.ask(&Say::Query(Query::new(text.to_owned())))?;
        Ok(self.wire.flush().await?)
    }

    /// Cancel-safe.
    pub async fn event(&mut self) -> Result<Event, ClientError> {
        loop {
            return Ok(match self.hear().await? {
                Heard::NoticeResponse(notice) => Event::Notice {
                    severity: field(&notice.fields, b'S'),
                    text: field(&notice.fields, b'M'),
                },
                Heard::DataRow(row) => Event::Row(frame::first_field(&row).unwrap_or_default()),
                Heard::ErrorResponse(error) => problem(&error),
                Heard::ReadyForQuery(_) => Event::Ready,
                _ => continue,
            });
        }
    }

    async fn hear(&mut self) -> Result<Heard, Broken> {
        let frame = self.wire.frame(Phase::Running).await?;
        Ok(frame::from_lull(frame)?)
    }

    /// Says goodbye; a call that still runs is given up.
    pub async fn leave(mut self) {
        if self.wire.ask(&Say::Terminate(Terminate::new())).is_ok() {
            let _ = self.wire.flush().await;
        }
    }
}

fn problem(error: &ErrorResponse) -> Event {
    let hint = Some(field(&error.fields, b'H')).filter(|hint| !hint.is_empty());
    Event::Error {
        code: field(&error.fields, b'C'),
        text: field(&error.fields, b'M'),
        hint,
    }
}

fn field(fields: &[(u8, String)], kind: u8) -> String {
    fields
        .iter()
        .find(|(is, _)| *is == kind)
        .map(|(_, text)| text.clone())
        .unwrap_or_default()
}
