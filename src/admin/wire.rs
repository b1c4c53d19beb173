//! One end of an admin connection: whole frames in, messages out.

use std::{io, time::Duration};

use bytes::BytesMut;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::frame::{self, Malformed, Phase};

pub(super) struct Wire {
    pub(super) stream: UnixStream,
    inbox: BytesMut,
    outbox: BytesMut,
    bytes_max: usize,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the other side has gone away")]
    Gone,
    #[error("protocol violation: {0}")]
    Malformed(#[from] Malformed),
    #[error("nothing came for too long")]
    Timeout,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Wire {
    pub(super) fn new(stream: UnixStream, bytes_max: usize) -> Self {
        Self {
            stream,
            inbox: BytesMut::new(),
            outbox: BytesMut::new(),
            bytes_max,
        }
    }

    /// Cancel-safe: what was read stays in the inbox.
    pub(super) async fn frame(&mut self, phase: Phase) -> Result<BytesMut, Broken> {
        loop {
            if let Some(frame) = frame::take(&mut self.inbox, phase, self.bytes_max)? {
                return Ok(frame);
            }
            self.more().await?;
        }
    }

    pub(super) async fn frame_within(&mut self, phase: Phase, limit: Duration) -> Result<BytesMut, Broken> {
        tokio::time::timeout(limit, self.frame(phase))
            .await
            .map_err(|_| Broken::Timeout)?
    }

    /// Reads what there is. Cancel-safe.
    pub(super) async fn more(&mut self) -> Result<(), Broken> {
        if self.inbox.len() > self.bytes_max + 5 {
            return Err(Malformed::Length(self.inbox.len(), self.bytes_max).into());
        }
        self.inbox.reserve(4096);
        match self.stream.read_buf(&mut self.inbox).await? {
            0 => Err(Broken::Gone),
            _ => Ok(()),
        }
    }

    /// The whole frames that were read and not yet taken.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        frame::waiting(&self.inbox, self.bytes_max)
    }

    pub(super) fn say(&mut self, message: &PgWireBackendMessage) -> Result<(), Broken> {
        message
            .encode(&mut self.outbox)
            .map_err(|wrong| Broken::Io(wrong.into()))
    }

    pub(super) fn ask(&mut self, message: &PgWireFrontendMessage) -> Result<(), Broken> {
        message
            .encode(&mut self.outbox)
            .map_err(|wrong| Broken::Io(wrong.into()))
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.outbox.extend_from_slice(&[byte]);
    }

    pub(super) async fn flush(&mut self) -> Result<(), Broken> {
        self.stream.write_all(&self.outbox).await?;
        self.outbox.clear();
        Ok(())
    }
}
