//! `Packets`: whatever the chunks are, and whatever is wanted when, the pieces put together are the stream.

use lull::wire::mysql::packet::{Header, PAYLOAD_BYTES_MAX, Packets, Piece, Seen, Want};

use super::source::{Source, cuts};

pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let (seed, mode) = (source.u64(), source.byte());
    let mut stream = Vec::new();
    while source.has_more() {
        stream.extend(packet(&mut source));
    }
    let whole = read(&stream, 0, |header, _| want(header, mode));
    assert!(
        stream.starts_with(&whole.0),
        "the pieces are the stream, up to the packet that is incomplete"
    );
    for other in [1, seed] {
        let then = read(&stream, other, |header, _| want(header, mode));
        assert_eq!(whole, then, "another cut gives other packets");
    }
    // What is wanted changes between any two chunks, in the middle of a packet too.
    let changing = read(&stream, seed, |header, turn| {
        want(header, mode.wrapping_add(turn))
    });
    assert!(stream.starts_with(&changing.0), "what was kept is the stream");
    let both = whole.1.len().min(changing.1.len());
    assert_eq!(
        whole.1[..both],
        changing.1[..both],
        "the packets do not depend on what is wanted"
    );
}

/// A packet whose length may lie.
fn packet(source: &mut Source<'_>) -> Vec<u8> {
    let most = if source.chance(230) { 24 } else { 255 };
    let bytes = source.below(most);
    let body = source.take(bytes);
    let length = match source.byte() {
        0..248 => body.len(),
        248..252 => source.below(256),
        252..254 => body.len() + source.below(16),
        _ => PAYLOAD_BYTES_MAX,
    };
    let [a, b, c, ..] = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    [&[a, b, c, source.byte()], body].concat()
}

fn want(header: Header, mode: u8) -> Want {
    let by = header.sequence.wrapping_add(header.first.unwrap_or(7));
    match by.wrapping_add(mode) % 3 {
        0 => Want::Header,
        1 => Want::Prefix(usize::from(mode % 7)),
        _ if header.payload_bytes < 1 << 16 => Want::Whole,
        _ => Want::Header,
    }
}

/// What was kept of the packets that were reported, and their headers.
type Read = (Vec<u8>, Vec<(usize, u8)>);

fn read(stream: &[u8], seed: u64, want: impl Fn(Header, u8) -> Want) -> Read {
    let (mut packets, mut kept, mut headers, mut cut) =
        (Packets::default(), Vec::new(), Vec::new(), cuts(seed));
    let (mut rest, mut turn) = (stream, 0u8);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
        rest = after;
        turn = turn.wrapping_mul(5).wrapping_add(3);
        let mut at = 0;
        loop {
            match packets.next(chunk, &mut at, |header| want(header, turn)) {
                Piece::End => break,
                Piece::Body(range) => kept.extend_from_slice(&chunk[range]),
                Piece::Packet(header, seen) => {
                    headers.push((header.payload_bytes, header.sequence));
                    match seen {
                        Seen::Here(range) => kept.extend_from_slice(&chunk[range]),
                        Seen::Gathered => kept.extend(packets.gathered()),
                    }
                }
            }
        }
        assert_eq!(at, chunk.len(), "a chunk is used up");
    }
    if packets.at_boundary() {
        assert_eq!(kept, stream, "nothing is left out");
    }
    (kept, headers)
}
