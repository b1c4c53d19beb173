//! One read, and one write of what an outlet holds, without a wait.

use std::{
    io,
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;
use crate::session::outlet::Outlet;

/// What is copied for the sake of one write instead of two.
const JOINED_BYTES_MAX: usize = 4 << 10;

pub(super) fn read(stream: &mut Stream, buffer: &mut [u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

/// Writes what an outlet holds, as much as the socket takes. The rest stays in the outlet.
pub(super) fn write(
    stream: &mut Stream,
    outlet: &mut Outlet,
    chunk: &[u8],
    cx: &mut Context<'_>,
) -> io::Result<()> {
    // A statement of lull's own and the client's behind it: one write costs both ends less than two.
    if !outlet.waiting().is_empty() && outlet.tail().len() <= JOINED_BYTES_MAX {
        outlet.settle(chunk);
    }
    while !outlet.waiting().is_empty() {
        match Pin::new(&mut *stream).poll_write(cx, outlet.waiting()) {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(bytes)) => outlet.waiting_sent(bytes),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => {
                outlet.settle(chunk);
                return Ok(());
            }
        }
    }
    let tail: Range<usize> = outlet.tail();
    let mut sent = 0;
    while sent < tail.len() {
        let rest = chunk.get(tail.start + sent..tail.end).unwrap_or_default();
        match Pin::new(&mut *stream).poll_write(cx, rest) {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(bytes)) => sent += bytes,
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => break,
        }
    }
    outlet.tail_sent(chunk, sent);
    // TLS keeps what the socket has not taken; asking for the flush registers for its turn.
    if let Poll::Ready(result) = Pin::new(stream).poll_flush(cx) {
        result
    } else {
        Ok(())
    }
}
