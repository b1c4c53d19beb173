//! The question of `auth_query`, in the extended protocol.
//!
//! The connection's search_path is `pg_catalog`, so that nobody who may create objects decides what the query means.

use tokio::io::AsyncWriteExt;

use super::{
    inbox::Inbox,
    open_as::{Opened, READ_ONLY, open_service},
};
use crate::{
    auth::Verifier,
    connect::{Front, lookup::Unanswered},
    fault::Fault,
    relay::Stream,
    wire::pg::{
        backend::{self, data_row},
        error::Fields,
        frontend,
    },
};

const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// lull's own connection.
pub(in crate::connect) struct Asking {
    stream: Stream,
    inbox: Inbox,
}

impl Asking {
    pub(in crate::connect) async fn open(front: &Front) -> Result<Self, Fault> {
        let Opened { stream, .. } = open_service(front, &front.cluster.primary.address, READ_ONLY).await?;
        Ok(Self {
            stream,
            inbox: Inbox::default(),
        })
    }

    pub(in crate::connect) async fn ask(
        &mut self,
        query: &str,
        user: &str,
    ) -> Result<Option<Verifier>, Unanswered> {
        let lost = |error: &dyn ToString| Unanswered::Lost(error.to_string());
        self.stream
            .write_all(&question(query, user))
            .await
            .map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))?;
        let (mut verifier, mut rows, mut refused) = (None, 0_usize, None);
        loop {
            let read = self.inbox.message(&mut self.stream, MESSAGE_BYTES_MAX).await;
            let (header, message) = read.map_err(|error| lost(&error))?;
            let body = message.get(5..).unwrap_or_default();
            match header.tag {
                backend::DATA_ROW => {
                    rows += 1;
                    verifier = secret(body)?;
                }
                backend::ERROR => refused = Some(words(body)),
                backend::READY_FOR_QUERY => break,
                _ => {}
            }
        }
        // What was read is overwritten.
        self.inbox = Inbox::default();
        match refused {
            Some(refused) => Err(Unanswered::Refused(refused)),
            None if rows > 1 => Err(Unanswered::too_many(rows)),
            None => Ok(verifier),
        }
    }
}

/// The query with its parameter, as text.
fn question(query: &str, user: &str) -> Vec<u8> {
    let length = u32::try_from(user.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::new();
    frontend::write(&mut out, frontend::PARSE, &[b"\0", query.as_bytes(), b"\0\0\0"]);
    let value: [&[u8]; 4] = [b"\0\0\0\0\0\x01", &length, user.as_bytes(), b"\0\0"];
    frontend::write(&mut out, frontend::BIND, &value);
    frontend::write(&mut out, frontend::EXECUTE, &[b"\0\0\0\0\0"]);
    frontend::write(&mut out, frontend::SYNC, &[]);
    out
}

/// The second column of a row: the name, and the secret.
fn secret(row: &[u8]) -> Result<Option<Verifier>, Unanswered> {
    let columns = data_row(row).unwrap_or_default();
    match columns.as_slice() {
        [_user, secret, ..] => Ok(secret.and_then(Verifier::read)),
        _ => Err(Unanswered::too_narrow()),
    }
}

fn words(error: &[u8]) -> String {
    let fields = Fields::read(error).unwrap_or_default();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{} ({})", text(fields.sqlstate()), text(fields.message()))
}
