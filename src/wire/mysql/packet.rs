//! Packet framing (manual: "MySQL Packets"): a length of three bytes, a sequence number, a payload.
//!
//! A payload of the greatest length is continued in the next packet; together they are one message. `Packets` cuts a
//! stream of arbitrary chunks into packets. It copies only what it was asked to gather and what is still incomplete;
//! every other byte is reported as a range of the chunk. It guarantees that the ranges and gathered packets, put
//! together, are the stream, whatever the chunks were. Every stream of bytes is a stream of packets: nothing here can
//! be malformed.

use std::ops::Range;

pub const HEADER_BYTES: usize = 4;
/// A packet of this payload is followed by another of the same message.
pub const PAYLOAD_BYTES_MAX: usize = 0xff_ffff;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub payload_bytes: usize,
    pub sequence: u8,
    /// The payload's first byte, which tells what the message is. None where it is empty.
    pub first: Option<u8>,
    /// It continues the message of the packet before it.
    pub continuation: bool,
}

impl Header {
    /// The message goes on in the next packet.
    pub fn continues(self) -> bool {
        self.payload_bytes == PAYLOAD_BYTES_MAX
    }
}

/// How much of a packet its reader must see in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing but the header. The payload streams by.
    Header,
    /// The first bytes of the payload; the rest streams by.
    Prefix(usize),
    /// All of it. The reader has checked the length against its limit.
    Whole,
}

/// The next thing in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A packet begins.
    Packet(Header, Seen),
    /// More of a payload that streams by: a range of the chunk.
    Body(Range<usize>),
    /// The chunk is used up.
    End,
}

/// Where the wanted part of a packet lies (header included).
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// In the chunk. What follows it of the packet comes as `Body`.
    Here(Range<usize>),
    /// It came in several chunks and was put together; fetch it with `Packets::gathered`.
    Gathered,
}

#[derive(Debug, Default)]
pub struct Packets {
    /// Bytes of the current payload that still stream by.
    streaming: usize,
    /// The next packet continues the current message.
    continues: bool,
    /// The beginning of a packet whose wanted part is not complete.
    partial: Vec<u8>,
}

impl Packets {
    /// Whether the stream stands between two messages.
    pub fn at_boundary(&self) -> bool {
        self.streaming == 0 && !self.continues && self.partial.is_empty()
    }

    /// Whether the beginning of a message has been reported and its end has not.
    pub fn mid_message(&self) -> bool {
        self.streaming > 0 || self.continues
    }

    /// Forgets the packet that was reported last: its reader will feed it again, from its first byte.
    pub fn unread(&mut self) {
        (self.streaming, self.continues) = (0, false);
    }

    /// The packet that `Seen::Gathered` speaks of. The caller is its owner.
    pub fn gathered(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }

    /// Passes over packets that begin with a byte below `above`, and the rest of a payload that streams by, as far as
    /// they begin in `chunk`. Rows are thousands of small packets about which nobody asks anything.
    pub fn skim(&mut self, chunk: &[u8], at: &mut usize, above: u8) -> Range<usize> {
        let start = *at;
        if !self.partial.is_empty() {
            return start..start;
        }
        loop {
            let rest = chunk.get(*at..).unwrap_or_default();
            let bytes = rest.len().min(self.streaming);
            self.streaming -= bytes;
            *at += bytes;
            match rest.get(bytes..) {
                Some(&[a, b, c, _, first, ..]) if self.streaming == 0 && !self.continues && first < above => {
                    let payload = payload_bytes(a, b, c);
                    if payload == 0 || payload == PAYLOAD_BYTES_MAX {
                        return start..*at;
                    }
                    self.streaming = HEADER_BYTES + payload;
                }
                _ => return start..*at,
            }
        }
    }

    /// The next piece of `chunk` from `*at` on, which moves past it.
    pub fn next(&mut self, chunk: &[u8], at: &mut usize, want: impl Fn(Header) -> Want) -> Piece {
        let rest = chunk.get(*at..).unwrap_or_default();
        if rest.is_empty() {
            return Piece::End;
        }
        if self.streaming > 0 {
            let range = *at..*at + rest.len().min(self.streaming);
            *at = range.end;
            self.streaming -= range.len();
            return Piece::Body(range);
        }
        if !self.partial.is_empty() {
            return self.gather(rest, at, want);
        }
        let seen = self
            .header(rest)
            .map(|header| (header, wanted_bytes(header, want(header))));
        match seen {
            Some((header, wanted)) if rest.len() >= wanted => {
                let start = *at;
                *at += wanted;
                self.begin(header, wanted);
                Piece::Packet(header, Seen::Here(start..*at))
            }
            _ => {
                self.partial.extend_from_slice(rest);
                *at = chunk.len();
                Piece::End
            }
        }
    }

    fn begin(&mut self, header: Header, seen: usize) {
        self.streaming = (HEADER_BYTES + header.payload_bytes).saturating_sub(seen);
        self.continues = header.continues();
    }

    fn gather(&mut self, rest: &[u8], at: &mut usize, want: impl Fn(Header) -> Want) -> Piece {
        let mut rest = rest;
        while self.header(&self.partial).is_none() {
            let Some((&byte, more)) = rest.split_first() else {
                return Piece::End;
            };
            self.partial.push(byte);
            *at += 1;
            rest = more;
        }
        let Some(header) = self.header(&self.partial) else {
            return Piece::End;
        };
        let wanted = wanted_bytes(header, want(header));
        let missing = wanted.saturating_sub(self.partial.len()).min(rest.len());
        self.partial
            .extend_from_slice(rest.get(..missing).unwrap_or_default());
        *at += missing;
        if self.partial.len() < wanted {
            return Piece::End;
        }
        // What is wanted may have become less since the packet began: then more of it is here.
        self.begin(header, self.partial.len());
        Piece::Packet(header, Seen::Gathered)
    }

    /// None while it is incomplete.
    fn header(&self, bytes: &[u8]) -> Option<Header> {
        let &[a, b, c, sequence, ..] = bytes else {
            return None;
        };
        let payload_bytes = payload_bytes(a, b, c);
        let first = bytes.get(HEADER_BYTES).copied();
        if payload_bytes > 0 && first.is_none() {
            return None;
        }
        Some(Header {
            payload_bytes,
            sequence,
            first: first.filter(|_| payload_bytes > 0),
            continuation: self.continues,
        })
    }
}

fn payload_bytes(a: u8, b: u8, c: u8) -> usize {
    u32::from_le_bytes([a, b, c, 0]) as usize
}

fn wanted_bytes(header: Header, want: Want) -> usize {
    // The first byte is part of what a header says.
    let least = header.payload_bytes.min(1);
    HEADER_BYTES
        + match want {
            Want::Header => least,
            Want::Prefix(bytes) => bytes.min(header.payload_bytes).max(least),
            Want::Whole => header.payload_bytes,
        }
}

/// A packet's header and the first bytes of its payload.
pub fn begin(payload_bytes: usize, sequence: u8, head: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = payload_bytes.to_le_bytes();
    [&[a, b, c, sequence], head].concat()
}

/// Writes a packet. Its payload is shorter than `PAYLOAD_BYTES_MAX`; what is longer is cut, which no caller does.
pub fn write(out: &mut Vec<u8>, sequence: u8, payload: &[u8]) {
    let payload = payload.get(..PAYLOAD_BYTES_MAX - 1).unwrap_or(payload);
    let [a, b, c, ..] = payload.len().to_le_bytes();
    out.extend_from_slice(&[a, b, c, sequence]);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, sequence, payload);
        bytes
    }

    /// Cuts the stream at `cut` and puts the pieces together again.
    fn reassembled(stream: &[u8], cut: usize, skims: bool) -> (Vec<u8>, Vec<u8>) {
        let want = |header: Header| match header.first {
            Some(b'W') => Want::Whole,
            Some(b'P') => Want::Prefix(2),
            _ => Want::Header,
        };
        let (mut packets, mut out, mut sequences) = (Packets::default(), Vec::new(), Vec::new());
        for chunk in [&stream[..cut], &stream[cut..]] {
            let mut at = 0;
            loop {
                if skims {
                    out.extend_from_slice(&chunk[packets.skim(chunk, &mut at, 0xfe)]);
                }
                match packets.next(chunk, &mut at, want) {
                    Piece::End => break,
                    Piece::Body(range) => out.extend_from_slice(&chunk[range]),
                    Piece::Packet(header, seen) => {
                        sequences.push(header.sequence);
                        match seen {
                            Seen::Here(range) => out.extend_from_slice(&chunk[range]),
                            Seen::Gathered => out.extend(packets.gathered()),
                        }
                    }
                }
            }
        }
        assert!(packets.at_boundary());
        (out, sequences)
    }

    #[test]
    fn any_cut_of_a_stream_gives_the_same_packets() {
        let parts = [
            packet(0, b"Whole"),
            packet(1, b"Prefixed"),
            packet(2, b""),
            packet(3, b"\xfe.."),
        ];
        let stream = parts.concat();
        for cut in 0..=stream.len() {
            assert_eq!(
                reassembled(&stream, cut, false),
                (stream.clone(), vec![0, 1, 2, 3]),
                "cut at {cut}"
            );
            let (out, sequences) = reassembled(&stream, cut, true);
            assert_eq!(out, stream, "cut at {cut}");
            assert!(
                sequences.ends_with(&[3]),
                "cut at {cut}: the one that is no row is seen"
            );
        }
    }

    #[test]
    fn a_full_packet_is_continued_whatever_the_next_one_begins_with() {
        let mut stream = vec![0xff, 0xff, 0xff, 0];
        stream.extend_from_slice(&vec![b'x'; PAYLOAD_BYTES_MAX]);
        stream.extend(packet(1, b"\xffnot an error"));
        stream.extend(packet(0, b"next"));
        for cut in [
            1,
            4,
            5,
            1000,
            PAYLOAD_BYTES_MAX + 5,
            PAYLOAD_BYTES_MAX + 8,
            PAYLOAD_BYTES_MAX + 12,
        ] {
            let (mut packets, mut continuations) = (Packets::default(), Vec::new());
            for chunk in [&stream[..cut], &stream[cut..]] {
                let mut at = 0;
                loop {
                    match packets.next(chunk, &mut at, |_| Want::Header) {
                        Piece::End => break,
                        Piece::Body(_) => {}
                        Piece::Packet(header, seen) => {
                            continuations.push(header.continuation);
                            if seen == Seen::Gathered {
                                packets.gathered();
                            }
                        }
                    }
                }
            }
            assert_eq!(continuations, [false, true, false], "cut at {cut}");
            assert!(packets.at_boundary());
        }
    }
}
