//! Reads messages of a login from a stream, one by one, and keeps what came with them.
//!
//! Guarantees that no message longer than its limit is held, whatever length it claims, and that what was held is
//! overwritten: there are passwords in it.

use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use crate::{
    relay::Stream,
    wire::pg::frame::{HEADER_BYTES, Header, header},
};

/// How far one read may run ahead of the message that is wanted.
const READ_BYTES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Missing {
    #[error("the connection was closed")]
    Closed,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("a message of {is} bytes during the login, where {limit} are allowed")]
    TooLong { is: usize, limit: usize },
    #[error("{0}")]
    Malformed(String),
}

impl Inbox {
    /// With what has been read already.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into(),
            at: 0,
        }
    }

    fn unread(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Whether a whole message is here already.
    pub(super) fn has_message(&self) -> bool {
        let unread = self.unread();
        matches!(header(unread), Ok(Some(header)) if unread.len() >= HEADER_BYTES + header.body_bytes)
    }

    /// What has been read and not been used.
    pub(super) fn rest(mut self) -> Vec<u8> {
        let at = self.at.min(self.bytes.len());
        self.bytes.split_off(at)
    }

    /// The next message, header included.
    pub(super) async fn message(
        &mut self,
        stream: &mut Stream,
        limit: usize,
    ) -> Result<(Header, &[u8]), Missing> {
        self.fill(stream, HEADER_BYTES).await?;
        let header = header(self.unread()).map_err(|error| Missing::Malformed(error.to_string()))?;
        let header = header.ok_or(Missing::Closed)?;
        if header.body_bytes > limit {
            return Err(Missing::TooLong {
                is: header.body_bytes,
                limit,
            });
        }
        let bytes = HEADER_BYTES + header.body_bytes;
        self.fill(stream, bytes).await?;
        Ok((header, self.take(bytes)))
    }

    /// A first packet: its length, and then its body. Reads no byte beyond it while `exact`, so that TLS can follow.
    pub(super) async fn packet(
        &mut self,
        stream: &mut Stream,
        limit: usize,
        exact: bool,
    ) -> Result<&[u8], Missing> {
        let fill = if exact { 4 } else { READ_BYTES };
        self.fill_to(stream, 4, fill).await?;
        let length = self
            .unread()
            .first_chunk::<4>()
            .map_or(0, |length| u32::from_be_bytes(*length) as usize);
        if length < 8 {
            return Err(Missing::Malformed(
                "the first packet has an impossible length".to_owned(),
            ));
        }
        if length > limit {
            return Err(Missing::TooLong { is: length, limit });
        }
        let missing = length.saturating_sub(self.unread().len());
        self.fill_to(
            stream,
            length,
            if exact { missing } else { READ_BYTES.max(missing) },
        )
        .await?;
        Ok(self.take(length))
    }

    fn take(&mut self, bytes: usize) -> &[u8] {
        let start = self.at;
        self.at += bytes;
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    async fn fill(&mut self, stream: &mut Stream, wanted: usize) -> Result<(), Missing> {
        self.fill_to(stream, wanted, READ_BYTES).await
    }

    async fn fill_to(&mut self, stream: &mut Stream, wanted: usize, read_max: usize) -> Result<(), Missing> {
        if self.at > 0 && self.unread().len() < wanted {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        while self.unread().len() < wanted {
            // A vector that is full would be read into by a few bytes at a time.
            self.bytes.reserve(read_max.min(READ_BYTES));
            let mut limited = (&mut *stream).take(read_max as u64);
            // The buffer grows by what has come, not by what was announced.
            if limited.read_buf(&mut *self.bytes).await? == 0 {
                return Err(Missing::Closed);
            }
        }
        Ok(())
    }
}
