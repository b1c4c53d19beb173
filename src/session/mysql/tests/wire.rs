//! What a client sends, as bytes. Refers to none of lull's own codecs.

use super::server::packet;

pub const QUERY: u8 = 0x03;
pub const PREPARE: u8 = 0x16;

/// A command that is one packet.
pub fn command(first: u8, body: &[u8]) -> Vec<u8> {
    packet(0, &[&[first], body].concat())
}

pub fn query(text: &str) -> Vec<u8> {
    command(QUERY, text.as_bytes())
}

/// As a client with CLIENT_QUERY_ATTRIBUTES sends it that has none.
pub fn query_with_attributes(text: &str) -> Vec<u8> {
    command(QUERY, &[&[0, 1], text.as_bytes()].concat())
}

pub fn prepare(text: &str) -> Vec<u8> {
    command(PREPARE, text.as_bytes())
}

pub fn execute(id: u32) -> Vec<u8> {
    command(0x17, &[&id.to_le_bytes()[..], &[0, 1, 0, 0, 0]].concat())
}

pub fn close(id: u32) -> Vec<u8> {
    command(0x19, &id.to_le_bytes())
}

pub fn reset_statement(id: u32) -> Vec<u8> {
    command(0x1a, &id.to_le_bytes())
}

pub fn init_db(name: &str) -> Vec<u8> {
    command(0x02, name.as_bytes())
}

pub fn ping() -> Vec<u8> {
    command(0x0e, b"")
}

pub fn statistics() -> Vec<u8> {
    command(0x09, b"")
}

pub fn reset_connection() -> Vec<u8> {
    command(0x1f, b"")
}

pub fn change_user(user: &str, database: &str) -> Vec<u8> {
    let body = [user.as_bytes(), b"\0\0", database.as_bytes(), b"\0"];
    command(0x11, &body.concat())
}

/// A file of one packet, asked for by a packet of this number.
pub fn file(asked: u8, content: &[u8]) -> Vec<u8> {
    [
        packet(asked.wrapping_add(1), content),
        packet(asked.wrapping_add(2), b""),
    ]
    .concat()
}
