//! `Frames`: whatever the chunks are, and whatever is wanted when, the pieces put together are the stream.

use lull::wire::pg::frame::{Frames, Header, Piece, Seen, Want};

use super::source::{Source, cuts, framed};

pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let (seed, mode) = (source.u64(), source.byte());
    let mut stream = Vec::new();
    while source.has_more() {
        stream.extend(framed(&mut source, b"QPBESXdZCDTE"));
    }
    let whole = read(&stream, 0, mode);
    for other in [1, seed] {
        assert_eq!(
            whole,
            read(&stream, other, mode),
            "another cut gives other messages"
        );
    }
    changing(&stream, seed, mode);
}

fn want(header: Header, mode: u8) -> Want {
    match header.tag.wrapping_add(mode) % 4 {
        0 => Want::Header,
        1 => Want::Prefix(usize::from(mode % 7)),
        2 if header.body_bytes < 1 << 16 => Want::Whole,
        3 => Want::Discard,
        _ => Want::Header,
    }
}

/// What was kept, the tags, and whether the stream could be read.
type Read = (Vec<u8>, Vec<u8>, bool);

fn read(stream: &[u8], seed: u64, mode: u8) -> Read {
    let (mut frames, mut kept, mut tags, mut cut) = (Frames::default(), Vec::new(), Vec::new(), cuts(seed));
    let mut rest = stream;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
        rest = after;
        let mut at = 0;
        loop {
            match frames.next(chunk, &mut at, |header| want(header, mode)) {
                Err(_) => return (kept, tags, false),
                Ok(Piece::End) => break,
                Ok(Piece::Body(range)) => kept.extend_from_slice(&chunk[range]),
                Ok(Piece::Message(header, seen)) => {
                    tags.push(header.tag);
                    let message = match seen {
                        Seen::Here(range) => chunk[range].to_vec(),
                        Seen::Gathered => frames.gathered(),
                    };
                    kept.extend(message);
                }
            }
        }
        assert_eq!(at, chunk.len(), "a chunk is used up");
    }
    (kept, tags, true)
}

/// What is wanted changes between any two chunks, in the middle of a message too.
fn changing(stream: &[u8], seed: u64, mode: u8) {
    let (mut frames, mut kept, mut cut, mut turn) = (Frames::default(), Vec::new(), cuts(seed), mode);
    let mut rest = stream;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
        rest = after;
        turn = turn.wrapping_mul(5).wrapping_add(3);
        let keep = |header| match want(header, turn) {
            Want::Discard => Want::Header,
            other => other,
        };
        let mut at = 0;
        loop {
            match frames.next(chunk, &mut at, keep) {
                Err(_) => return,
                Ok(Piece::End) => break,
                Ok(Piece::Body(range)) => kept.extend_from_slice(&chunk[range]),
                Ok(Piece::Message(_, Seen::Here(range))) => kept.extend_from_slice(&chunk[range]),
                Ok(Piece::Message(_, Seen::Gathered)) => kept.extend(frames.gathered()),
            }
        }
    }
    assert!(stream.starts_with(&kept), "what was kept is the stream");
    // The tags of a stream do not depend on what was wanted: a stream that is well-formed stays so.
    if frames.at_boundary() {
        assert_eq!(kept, stream);
        let mut at = 0;
        let mut all = Frames::default();
        let mut open = false;
        while let Ok(piece) = all.next(stream, &mut at, |_| Want::Header) {
            match piece {
                Piece::End => break,
                Piece::Message(..) | Piece::Body(_) => open = all.mid_message(),
            }
        }
        assert!(!open, "the frames are out of step with the stream");
    }
}
