//! What leaves a session, per direction, in order.
//!
//! An outlet holds owned bytes and then, at most, one range of the chunk that is being read: the usual case is the
//! range alone, which the relay writes straight from its read buffer. Guarantees the order of all that is put in.

use std::ops::Range;

#[derive(Debug, Default)]
pub struct Outlet {
    queued: Vec<u8>,
    /// Bytes at the front of `queued` that have been sent.
    sent: usize,
    tail: Range<usize>,
}

#[derive(Debug, Default)]
pub struct Outlets {
    pub to_client: Outlet,
    pub to_upstream: Outlet,
}

impl Outlet {
    /// Forwards a range of `chunk`. All calls between two `settle`s must speak of the same chunk.
    pub fn forward(&mut self, chunk: &[u8], range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        if self.tail.end == range.start && !self.tail.is_empty() {
            self.tail.end = range.end;
            return;
        }
        self.settle(chunk);
        self.tail = range;
    }

    /// Makes the forwarded range owned, so that `chunk` may go, or other bytes may follow.
    pub fn settle(&mut self, chunk: &[u8]) {
        let tail = std::mem::take(&mut self.tail);
        self.queued.extend_from_slice(chunk.get(tail).unwrap_or_default());
    }

    /// Where to append owned bytes.
    pub fn buffer(&mut self, chunk: &[u8]) -> &mut Vec<u8> {
        self.settle(chunk);
        &mut self.queued
    }

    /// The owned bytes that wait to be sent; they go before the tail.
    pub fn waiting(&self) -> &[u8] {
        self.queued.get(self.sent..).unwrap_or_default()
    }

    pub fn tail(&self) -> Range<usize> {
        self.tail.clone()
    }

    /// Takes the tail, which has been sent up to `sent` bytes; the rest becomes owned.
    pub fn tail_sent(&mut self, chunk: &[u8], sent: usize) {
        self.tail.start = (self.tail.start + sent).min(self.tail.end);
        self.settle(chunk);
    }

    pub fn waiting_sent(&mut self, sent: usize) {
        self.sent += sent;
        if self.sent >= self.queued.len() {
            // An idle session holds no buffer.
            self.queued = Vec::new();
            self.sent = 0;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting().is_empty() && self.tail.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_ranges_and_own_bytes_keep_their_order() {
        let chunk = b"abcdef";
        let mut outlet = Outlet::default();
        outlet.forward(chunk, 0..2);
        outlet.forward(chunk, 2..3);
        assert_eq!(outlet.tail(), 0..3, "ranges that touch are one write");
        outlet.buffer(chunk).extend_from_slice(b"-own-");
        outlet.forward(chunk, 4..6);
        outlet.tail_sent(chunk, 1);
        assert_eq!(outlet.waiting(), b"abc-own-f");
    }
}
