//! A connection that lull has opened by itself, message by message.

use tokio::io::AsyncWriteExt;

use super::{
    cancel::Key,
    inbox::{Inbox, Missing},
    open_as::Opened,
};
use crate::{fault::Fault, relay::Stream, wire::pg::backend};

pub(super) struct Entered {
    pub(super) stream: Stream,
    pub(super) inbox: Inbox,
    pub(super) key: Key,
    /// What the server has reported of its settings, each as it was reported last.
    pub(super) parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entered {
    pub(super) fn of(opened: Opened) -> Self {
        let parameters = opened.said.parameters();
        Self {
            parameters: parameters
                .map(|(name, value)| (name.to_vec(), value.to_vec()))
                .collect(),
            key: opened.said.key().into(),
            stream: opened.stream,
            inbox: Inbox::of(opened.ahead),
        }
    }

    /// The next message, of at most so many bytes.
    pub(super) async fn message(&mut self, limit: usize) -> Result<(u8, Vec<u8>), Fault> {
        let read = self.inbox.message(&mut self.stream, limit).await;
        let (header, message) = read.map_err(|missing: Missing| Fault::upstream(missing))?;
        let body = message.get(5..).unwrap_or_default().to_vec();
        if header.tag == backend::PARAMETER_STATUS
            && let Some((name, value)) = backend::parameter_status(&body)
        {
            self.parameters.retain(|(known, _)| known != name);
            self.parameters.push((name.to_vec(), value.to_vec()));
        }
        Ok((header.tag, body))
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.stream.write_all(bytes).await.map_err(Fault::upstream)?;
        self.stream.flush().await.map_err(Fault::upstream)
    }
}
