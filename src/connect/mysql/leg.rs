//! One side of a login: a stream, the packets that have come, and the numbers of those that go.
//!
//! Guarantees that no packet longer than its limit is held, whatever length it claims, and that what has passed is
//! overwritten, for it may have been a password. The two legs of a login count
//! for themselves: where only one of them has TLS, their numbers differ.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::{
    relay::Stream,
    wire::mysql::packet::{self, HEADER_BYTES},
};

/// How far one read may run ahead of the packet that is wanted.
const READ_BYTES: usize = 4096;

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) stream: Stream,
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
    /// The number of the next packet, whoever sends it.
    pub(super) sequence: u8,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Missing {
    #[error("the connection was closed")]
    Closed,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("a packet of {is} bytes during the login, where {limit} are allowed")]
    TooLong { is: usize, limit: usize },
}

/// How much may be read beyond the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// What comes next may be TLS.
    Nothing,
    Anything,
}

impl Leg {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            bytes: Zeroizing::default(),
            at: 0,
            sequence: 0,
        }
    }

    /// On which so many bytes have come already.
    pub(super) fn of(stream: Stream, ahead: Vec<u8>) -> Self {
        Self {
            bytes: Zeroizing::new(ahead),
            ..Self::new(stream)
        }
    }

    /// Goes on with the same stream inside TLS. None where something came in clear that TLS should have carried.
    pub(super) fn into_stream(self) -> Option<(Stream, u8)> {
        self.unread().is_empty().then_some((self.stream, self.sequence))
    }

    pub(super) fn resumed(stream: Stream, sequence: u8) -> Self {
        Self {
            sequence,
            ..Self::new(stream)
        }
    }

    fn unread(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The stream, and what has been read of it and not been used.
    pub(super) fn parts(self) -> (Stream, Vec<u8>) {
        let rest = self.unread().to_vec();
        (self.stream, rest)
    }

    /// The payload of the next packet. Cancel-safe: what has come is kept.
    pub(super) async fn read(&mut self, limit: usize, beyond: Beyond) -> Result<Zeroizing<Vec<u8>>, Missing> {
        self.fill(HEADER_BYTES, beyond).await?;
        let &[a, b, c, sequence, ..] = self.unread() else {
            return Err(Missing::Closed);
        };
        // Whoever miscounts is told so by the other end.
        self.sequence = sequence.wrapping_add(1);
        let is = u32::from_le_bytes([a, b, c, 0]) as usize;
        if is > limit {
            return Err(Missing::TooLong { is, limit });
        }
        self.fill(HEADER_BYTES + is, beyond).await?;
        let payload = self.unread().get(HEADER_BYTES..HEADER_BYTES + is);
        let payload = Zeroizing::new(payload.unwrap_or_default().to_vec());
        self.at += HEADER_BYTES + is;
        Ok(payload)
    }

    async fn fill(&mut self, wanted: usize, beyond: Beyond) -> Result<(), Missing> {
        if self.at > 0 && self.unread().len() < wanted {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        loop {
            let missing = wanted.saturating_sub(self.unread().len());
            if missing == 0 {
                return Ok(());
            }
            let most = match beyond {
                Beyond::Nothing => missing,
                Beyond::Anything => missing.max(READ_BYTES),
            };
            // The buffer grows by what has come, not by what was announced.
            self.bytes.reserve(most.min(READ_BYTES));
            let mut limited = (&mut self.stream).take(most as u64);
            if limited.read_buf(&mut *self.bytes).await? == 0 {
                return Err(Missing::Closed);
            }
        }
    }

    pub(super) async fn write(&mut self, payload: &[u8]) -> std::io::Result<()> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER_BYTES + payload.len()));
        packet::write(&mut bytes, self.sequence, payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }
}
