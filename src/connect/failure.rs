//! How a connection that came to no session ended, and the last word to its client.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::deadline::Deadline;
use crate::{
    clock::Clock,
    fault::Fault,
    relay::Stream,
    telemetry::metrics::{LimitHit, LoginResult, UpstreamError},
};

pub(super) struct Failure {
    pub(super) result: LoginResult,
    pub(super) fault: Fault,
    pub(super) limit: Option<LimitHit>,
    /// Who has not been told.
    pub(super) client: Option<Stream>,
    /// The number of the client's next packet, in a protocol that counts them.
    pub(super) sequence: u8,
}

/// How long a client may take to hear the last word.
const PARTING_WAIT: Duration = Duration::from_secs(1);

impl Failure {
    pub(super) fn new(result: LoginResult, fault: Fault, client: Stream) -> Self {
        Self {
            client: Some(client),
            ..Self::silent(result, fault)
        }
    }

    /// The client has been told, or there is none.
    pub(super) fn silent(result: LoginResult, fault: Fault) -> Self {
        Self {
            result,
            fault,
            limit: None,
            client: None,
            sequence: 0,
        }
    }

    /// The key of the configuration behind it.
    pub(super) fn because_of(mut self, limit: LimitHit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// With the number of the client's next packet.
    pub(super) fn numbered(mut self, sequence: u8) -> Self {
        self.sequence = sequence;
        self
    }

    pub(super) fn client_gone(error: std::io::Error) -> Self {
        Self::silent(LoginResult::ClientGone, Fault::client(error))
    }

    pub(super) fn client_too_slow(client: Stream, deadline: Deadline<'_>) -> Self {
        Self::new(LoginResult::Timeout, deadline.missed_by_client(), client).because_of(LimitHit::Login)
    }

    pub(super) fn upstream_too_slow(client: Stream, deadline: Deadline<'_>) -> Self {
        Self::new(LoginResult::Timeout, deadline.missed_by_upstream(), client).because_of(LimitHit::Login)
    }

    pub(super) fn unreachable(fault: Fault, client: Stream) -> Self {
        let late = UpstreamError::of(&fault) == UpstreamError::Timeout;
        let failure = Self::new(LoginResult::UpstreamUnreachable, fault, client);
        if late {
            failure.because_of(LimitHit::Connect)
        } else {
            failure
        }
    }
}

/// A client that does not take its last word does not keep us. One that still sends is read until it closes: a socket
/// that is closed with something unread in it takes back what it has sent.
pub(super) async fn tell(clock: &Clock, mut client: Stream, words: &[u8]) {
    let told = async {
        let _ = client.write_all(words).await;
        let _ = client.shutdown().await;
        let mut rest = [0; 512];
        while matches!(client.read(&mut rest).await, Ok(1..)) {}
    };
    let _ = clock.timeout(PARTING_WAIT, told).await;
}
