//! Long one-way streams: the kernel gathers bytes before it wakes lull.
//!
//! A server sends a large result in pieces of some 8 KB, and each piece wakes the relay. Being woken costs more than
//! moving the bytes: 80 times for a MB, that is most of the CPU of a COPY. So, when one end has sent `RUN_BYTES`
//! without a word from the other, its socket gets a low-water mark: the kernel then wakes lull for `LOW_WATER_BYTES`,
//! or for the end of the connection.
//!
//! Guarantees that no byte waits longer than `PATIENCE` (and the timer's own millisecond) for those that would follow
//! it, and that this happens at most once in `RUN_BYTES`: whoever makes lull wait has to send so much again first.
//! It must not know what the bytes mean.

use std::{future::Future, os::fd::AsRawFd, pin::Pin, task::Context, time::Duration};

use tokio::time::{Instant, Sleep};

use super::{READ_BUFFER_BYTES, Stream};
use crate::clock::Clock;

/// What one end sends in one go before it counts as a long stream. Behind so much, `PATIENCE` is not felt.
const RUN_BYTES: usize = 16 << 20;
/// Half of what one read takes, so that what comes in until the read happens still fits.
const LOW_WATER_BYTES: usize = READ_BUFFER_BYTES / 2;
const PATIENCE: Duration = Duration::from_millis(1);

/// One direction of a session.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    /// Bytes of this end since the other end has last said something.
    run: usize,
    /// While the kernel gathers: until when.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Bulk {
    /// This end has sent something.
    pub(super) fn sent(&mut self, bytes: usize, stream: &Stream, clock: &Clock) {
        self.run = self.run.saturating_add(bytes);
        if self.run < RUN_BYTES {
            return;
        }
        let until = Instant::now() + PATIENCE;
        if let Some(patience) = &mut self.patience {
            patience.as_mut().reset(until);
        } else if set_low_water(stream, LOW_WATER_BYTES) {
            self.patience = Some(clock.alarm(until));
        }
    }

    /// The other end has said something: what comes now may be an answer, and short.
    pub(super) fn interrupted(&mut self, stream: &Stream) {
        self.run = 0;
        if self.patience.take().is_some() {
            // The kernel wakes lull at once if something has been waiting below the mark (since Linux 4.18).
            set_low_water(stream, 1);
        }
    }

    /// Before lull sleeps: whether what has been gathered must be taken as it is.
    pub(super) fn look(&mut self, stream: &Stream, cx: &mut Context<'_>) {
        let over = self
            .patience
            .as_mut()
            .is_some_and(|patience| patience.as_mut().poll(cx).is_ready());
        if over {
            self.interrupted(stream);
        }
    }
}

/// SO_RCVLOWAT (socket(7)). Only TCP heeds it in epoll(7); false if there is none, or if the kernel will not.
fn set_low_water(stream: &Stream, bytes: usize) -> bool {
    let Some(tcp) = stream.tcp() else { return false };
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    uapi::setsockopt(tcp.as_raw_fd(), uapi::c::SOL_SOCKET, uapi::c::SO_RCVLOWAT, &bytes).is_ok()
}
