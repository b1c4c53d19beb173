//! Message framing (manual: "Message Flow"): a type byte, then a length that counts itself but not the type byte.
//!
//! `Frames` cuts a stream of arbitrary chunks into messages. It copies only what it was asked to gather and what is
//! still incomplete; every other byte is reported as a range of the chunk. It guarantees that the ranges and gathered
//! messages, put together, are the stream, whatever the chunks were.

use std::ops::Range;

pub const HEADER_BYTES: usize = 5;

/// The type byte and the length of what follows the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub tag: u8,
    pub body_bytes: usize,
}

/// A length below its own size: the peer does not speak this protocol, or the stream is out of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of type 0x{tag:02x} claims an impossible length")]
pub struct ImpossibleLength {
    pub tag: u8,
}

/// How much of a message its reader must see in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing but the header.
    Header,
    /// The first bytes of the body; the rest may stream by.
    Prefix(usize),
    /// All of it. The reader has checked the length against its limit.
    Whole,
    /// Nothing but the header, and its body is dropped.
    Discard,
}

/// The next thing in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A message begins. Its wanted part is at `Frames::seen`.
    Message(Header, Seen),
    /// More of a body that streams by: a range of the chunk.
    Body(Range<usize>),
    /// The chunk is used up.
    End,
}

/// Where the wanted part of a message lies (header included).
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// In the chunk. What follows it of the message comes as `Body`.
    Here(Range<usize>),
    /// It came in several chunks and was put together; fetch it with `Frames::gathered`.
    Gathered,
}

#[derive(Debug, Default)]
pub struct Frames {
    /// Bytes of the current body that still stream by.
    streaming: usize,
    discarding: bool,
    /// The beginning of a message whose wanted part is not complete.
    partial: Vec<u8>,
}

impl Frames {
    /// Whether the stream stands between two messages.
    pub fn at_boundary(&self) -> bool {
        self.streaming == 0 && self.partial.is_empty()
    }

    /// Whether the beginning of a message has been reported and its end has not.
    pub fn mid_message(&self) -> bool {
        self.streaming > 0
    }

    /// Forgets the message that was reported last: its reader will feed it again, from its first byte.
    pub fn unread(&mut self) {
        self.streaming = 0;
    }

    /// The message that `Seen::Gathered` speaks of. The caller is its owner.
    pub fn gathered(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }

    /// Passes over the messages of certain types, and the rest of a body that streams by, as far as they begin in
    /// `chunk`. Bulk is thousands of small messages about which nobody asks anything. The range that was passed over.
    /// One of up to `whole` bytes is left to be gathered where it does not end in the chunk.
    pub fn skim(
        &mut self,
        chunk: &[u8],
        at: &mut usize,
        passes: impl Fn(u8) -> bool,
        whole: usize,
    ) -> Range<usize> {
        let start = *at;
        if !self.partial.is_empty() || self.discarding && self.streaming > 0 {
            return start..start;
        }
        loop {
            let rest = chunk.get(*at..).unwrap_or_default();
            let bytes = rest.len().min(self.streaming);
            self.streaming -= bytes;
            *at += bytes;
            match rest.get(bytes..).map(header) {
                Some(Ok(Some(header))) if self.streaming == 0 && passes(header.tag) => {
                    let message_bytes = HEADER_BYTES + header.body_bytes;
                    if message_bytes > rest.len() - bytes && message_bytes <= whole {
                        return start..*at;
                    }
                    self.streaming = message_bytes;
                    self.discarding = false;
                }
                _ => return start..*at,
            }
        }
    }

    /// The next piece of `chunk` from `*at` on, which moves past it.
    pub fn next(
        &mut self,
        chunk: &[u8],
        at: &mut usize,
        want: impl Fn(Header) -> Want,
    ) -> Result<Piece, ImpossibleLength> {
        let rest = chunk.get(*at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(Piece::End);
        }
        if self.streaming > 0 {
            return Ok(self.stream_by(rest.len(), at));
        }
        if !self.partial.is_empty() {
            return self.gather(rest, at, want);
        }
        let Some(header) = header(rest)? else {
            self.partial.extend_from_slice(rest);
            *at = chunk.len();
            return Ok(Piece::End);
        };
        let want = want(header);
        let wanted = wanted_bytes(header, want);
        if rest.len() < wanted {
            self.partial.extend_from_slice(rest);
            *at = chunk.len();
            return Ok(Piece::End);
        }
        let start = *at;
        *at += wanted;
        self.begin(header, want, wanted);
        Ok(Piece::Message(header, Seen::Here(start..*at)))
    }

    fn begin(&mut self, header: Header, want: Want, seen: usize) {
        self.streaming = (HEADER_BYTES + header.body_bytes).saturating_sub(seen);
        self.discarding = want == Want::Discard;
    }

    fn stream_by(&mut self, available: usize, at: &mut usize) -> Piece {
        let bytes = available.min(self.streaming);
        let range = *at..*at + bytes;
        *at = range.end;
        self.streaming -= bytes;
        // An empty range tells the reader that there is nothing to forward, while the chunk may hold more.
        Piece::Body(if self.discarding {
            range.end..range.end
        } else {
            range
        })
    }

    fn gather(
        &mut self,
        rest: &[u8],
        at: &mut usize,
        want: impl Fn(Header) -> Want,
    ) -> Result<Piece, ImpossibleLength> {
        let mut rest = rest;
        if self.partial.len() < HEADER_BYTES {
            rest = self.take(rest, HEADER_BYTES, at);
        }
        let Some(header) = header(&self.partial)? else {
            return Ok(Piece::End);
        };
        let want = want(header);
        let wanted = wanted_bytes(header, want);
        self.take(rest, wanted, at);
        if self.partial.len() < wanted {
            return Ok(Piece::End);
        }
        // What is wanted may have become less since the message began: then more of it is here.
        self.begin(header, want, self.partial.len());
        Ok(Piece::Message(header, Seen::Gathered))
    }

    fn take<'a>(&mut self, rest: &'a [u8], up_to: usize, at: &mut usize) -> &'a [u8] {
        let missing = up_to.saturating_sub(self.partial.len()).min(rest.len());
        let (taken, rest) = rest.split_at(missing);
        self.partial.extend_from_slice(taken);
        *at += missing;
        rest
    }
}

fn wanted_bytes(header: Header, want: Want) -> usize {
    HEADER_BYTES
        + match want {
            Want::Header | Want::Discard => 0,
            Want::Prefix(bytes) => bytes.min(header.body_bytes),
            Want::Whole => header.body_bytes,
        }
}

/// The header at the start of `bytes`; None while it is incomplete.
pub fn header(bytes: &[u8]) -> Result<Option<Header>, ImpossibleLength> {
    let &[tag, a, b, c, d, ..] = bytes else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([a, b, c, d]);
    // The protocol's length is a signed 32-bit number.
    if !(4..=0x7fff_ffff).contains(&length) {
        return Err(ImpossibleLength { tag });
    }
    Ok(Some(Header {
        tag,
        body_bytes: length as usize - 4,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    /// Cuts the stream at `cut` and puts the pieces together again.
    fn reassembled(stream: &[u8], cut: usize) -> (Vec<u8>, Vec<u8>) {
        let want = |header: Header| match header.tag {
            b'W' => Want::Whole,
            b'P' => Want::Prefix(2),
            b'X' => Want::Discard,
            _ => Want::Header,
        };
        let (mut frames, mut out, mut tags) = (Frames::default(), Vec::new(), Vec::new());
        for chunk in [&stream[..cut], &stream[cut..]] {
            let mut at = 0;
            loop {
                match frames.next(chunk, &mut at, want).unwrap() {
                    Piece::End => break,
                    Piece::Body(range) => out.extend_from_slice(&chunk[range]),
                    Piece::Message(header, seen) => {
                        tags.push(header.tag);
                        let bytes = match seen {
                            Seen::Here(range) => chunk[range].to_vec(),
                            Seen::Gathered => frames.gathered(),
                        };
                        if header.tag != b'X' {
                            out.extend(bytes);
                        }
                    }
                }
            }
        }
        assert!(frames.at_boundary());
        (out, tags)
    }

    #[test]
    fn any_cut_of_a_stream_gives_the_same_messages() {
        let parts = [
            message(b'W', b"whole"),
            message(b'P', b"prefixed"),
            message(b'X', b"gone"),
            message(b'H', b""),
            message(b'P', b"p"),
        ];
        let stream = parts.concat();
        let kept = [0, 1, 3, 4].map(|i| parts[i].clone()).concat();
        for cut in 0..=stream.len() {
            assert_eq!(
                reassembled(&stream, cut),
                (kept.clone(), b"WPXHP".to_vec()),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn skimming_changes_nothing_but_who_is_asked() {
        let parts = [
            message(b'd', b"row"),
            message(b'd', b""),
            message(b'Z', b"I"),
            message(b'd', b"last"),
        ];
        let stream = parts.concat();
        let cuts = |whole| (0..=stream.len()).map(move |cut| (cut, whole));
        for (cut, whole) in cuts(0).chain(cuts(1 << 10)) {
            let (mut frames, mut out, mut tags) = (Frames::default(), Vec::new(), Vec::new());
            for chunk in [&stream[..cut], &stream[cut..]] {
                let mut at = 0;
                loop {
                    out.extend_from_slice(&chunk[frames.skim(chunk, &mut at, |tag| tag == b'd', whole)]);
                    let want = |_| if whole > 0 { Want::Whole } else { Want::Header };
                    match frames.next(chunk, &mut at, want).unwrap() {
                        Piece::End => break,
                        Piece::Body(range) => out.extend_from_slice(&chunk[range]),
                        Piece::Message(header, seen) => {
                            tags.push(header.tag);
                            match seen {
                                Seen::Here(range) => out.extend_from_slice(&chunk[range]),
                                Seen::Gathered => out.extend(frames.gathered()),
                            }
                        }
                    }
                }
                let ends = out.is_empty()
                    || parts
                        .iter()
                        .scan(0, |end, part| {
                            *end += part.len();
                            Some(*end)
                        })
                        .any(|end| end == out.len());
                assert!(whole == 0 || ends, "cut at {cut}: a part of a message");
            }
            assert!(frames.at_boundary());
            assert_eq!(out, stream, "cut at {cut}");
            assert!(tags.contains(&b'Z'));
        }
    }

    #[test]
    fn a_reader_that_changes_its_mind_in_the_middle_of_a_message_stays_in_step() {
        let stream = [message(b'Q', b"first message"), message(b'Q', b"second")].concat();
        for cut in 0..18 {
            let (mut frames, mut at) = (Frames::default(), 0);
            assert_eq!(
                frames.next(&stream[..cut], &mut at, |_| Want::Whole),
                Ok(Piece::End)
            );
            let (mut at, mut seen) = (0, Vec::new());
            loop {
                match frames.next(&stream[cut..], &mut at, |_| Want::Header).unwrap() {
                    Piece::End => break,
                    Piece::Body(range) => seen.extend_from_slice(&stream[cut..][range]),
                    Piece::Message(_, Seen::Here(range)) => seen.extend_from_slice(&stream[cut..][range]),
                    Piece::Message(_, Seen::Gathered) => seen.extend(frames.gathered()),
                }
            }
            assert!(frames.at_boundary());
            assert_eq!(seen, stream, "cut at {cut}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_no_frame() {
        assert_eq!(header(&[b'Q', 0, 0, 0, 3]), Err(ImpossibleLength { tag: b'Q' }));
        assert_eq!(
            header(&[b'Q', 0x80, 0, 0, 0]),
            Err(ImpossibleLength { tag: b'Q' })
        );
    }
}
