//! The packets of a MySQL login: no panic on any bytes, what lull does not mean to change stays, and what it changes is
//! read as it was written.

use lull::wire::mysql::{
    auth::Said,
    capability::Capabilities,
    greeting::Greeting,
    handshake_response::{self, HandshakeResponse, Opening},
};

use super::source::Source;

pub fn run(bytes: &[u8]) {
    let _ = Said::read(bytes);
    let mut source = Source::new(bytes);
    greeting(bytes);
    greeting(&likely_greeting(&mut source));
    let offered = Capabilities(source.u64());
    response(bytes, offered);
    response(&likely_response(&mut source), offered);
}

fn rest(source: &mut Source<'_>, most: usize) -> Vec<u8> {
    let many = source.below(most);
    (0..many).map(|_| source.byte()).collect()
}

fn likely_greeting(source: &mut Source<'_>) -> Vec<u8> {
    let mut bytes = vec![10];
    bytes.extend(rest(source, 12));
    bytes.push(0);
    bytes.extend(rest(source, 80));
    bytes
}

fn likely_response(source: &mut Source<'_>) -> Vec<u8> {
    let flags = u32::try_from(source.u64() >> 32).unwrap_or(0) | 0x200;
    let mut bytes = flags.to_le_bytes().to_vec();
    bytes.extend([0; 28]);
    for byte in &mut bytes[4..32] {
        if source.chance(32) {
            *byte = source.byte();
        }
    }
    bytes.extend(rest(source, 8));
    bytes.push(0);
    bytes.extend(rest(source, 100));
    bytes
}

fn greeting(bytes: &[u8]) {
    let Ok(greeting) = Greeting::read(bytes) else {
        return;
    };
    assert_eq!(
        greeting.with(greeting.capabilities),
        bytes,
        "nothing changes by itself"
    );
    let fewer = greeting.capabilities.without(Capabilities::COMPRESS);
    let changed = greeting.with(fewer.with(Capabilities::SSL));
    let Ok(read) = Greeting::read(&changed) else {
        panic!("what was read once is read again");
    };
    assert_eq!(read.capabilities, fewer.with(Capabilities::SSL));
    assert_eq!(
        (
            read.server_version,
            read.connection_id,
            read.scramble,
            read.plugin
        ),
        (
            greeting.server_version,
            greeting.connection_id,
            greeting.scramble,
            greeting.plugin
        )
    );
}

fn read(bytes: &[u8], offered: Capabilities) -> Option<HandshakeResponse<'_>> {
    match handshake_response::opening(bytes, offered) {
        Ok(Opening::Response(response)) => Some(response),
        _ => None,
    }
}

fn response(bytes: &[u8], offered: Capabilities) {
    let Some(said) = read(bytes, offered) else {
        return;
    };
    let _ = (
        said.attribute(b"_client_name"),
        said.ssl_request(said.capabilities),
    );
    assert_eq!(
        said.with(said.capabilities, None),
        bytes,
        "nothing changes by itself"
    );
    let other = said
        .capabilities
        .without(Capabilities::COMPRESS)
        .without(Capabilities::ZSTD_COMPRESSION)
        .with(Capabilities::SESSION_TRACK)
        .without(Capabilities::SSL);
    let changed = said.with(other, Some(b"another answer"));
    let again = read(&changed, offered).expect("what was read once is read again");
    assert_eq!(again.capabilities, other);
    assert_eq!(again.answer, b"another answer");
    assert_eq!(
        (again.user, again.database, again.plugin),
        (said.user, said.database, said.plugin)
    );
    assert_eq!(again.attribute(b"_pid"), said.attribute(b"_pid"));
}
