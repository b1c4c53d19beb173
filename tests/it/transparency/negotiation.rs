//! The first packet: versions and options that lull does not know are the server's business.

use super::on_every_version;
use crate::support::{Message, Wire, frames};
use std::net::SocketAddr;

/// What a startup message with this version and these options is answered with, without what two sessions do not share.
fn login(address: SocketAddr, protocol: u32, options: &[(&str, &str)]) -> Vec<Message> {
    let who = [("user", "app"), ("database", "postgres")];
    let mut client = Wire::connect(address).unwrap();
    let mut messages = client.startup(protocol, &[&who, options].concat(), None).0;
    for message in &mut messages {
        if message.tag == b'K' {
            message.body.fill(0); // its length is the server's answer to the version
        }
    }
    messages
}

#[test]
fn versions_and_options_are_negotiated_with_the_server_itself() {
    on_every_version(|server, lull| {
        let fake_3_9999 = (3 << 16) + 9999;
        let unknown = [("_pq_.unknown", "x"), ("_pq_.other", "y")];
        for (protocol, options, negotiated) in [
            (frames::PROTOCOL_3_0, &[][..], false),
            (frames::PROTOCOL_3_0, &unknown[..], true),
            (
                frames::PROTOCOL_3_2,
                &[],
                server.version == crate::support::Version::Distribution,
            ),
            (frames::PROTOCOL_3_2, &unknown, true),
            (fake_3_9999, &[], true),
            (fake_3_9999, &unknown, true),
        ] {
            let directly = login(server.address, protocol, options);
            let through = login(lull.address(), protocol, options);
            assert_eq!(through, directly, "{protocol:#x} {options:?}");
            let told = through.iter().any(|message| message.tag == b'v');
            assert_eq!(told, negotiated, "{protocol:#x} {options:?}: {through:?}");
            assert_eq!(through.last().unwrap().tag, b'Z');
        }
    });
}

/// lull does not pass on what it cannot read, so the refusal is its own; a client of version 2 would not understand a word.
#[test]
fn a_version_that_does_not_exist_is_refused_by_name() {
    on_every_version(|server, lull| {
        for (major, minor) in [(2, 0), (4, 0), (1, 7)] {
            let mut client = Wire::connect(lull.address()).unwrap();
            client.send(&frames::startup((major << 16) + minor, &[("user", "app")]));
            let refused = client.until_closed();
            assert_eq!(refused.tags(), "E");
            let message = refused.error_message().unwrap();
            assert!(message.contains(&format!("version {major}.{minor}")), "{message}");
            let mut directly = Wire::connect(server.address).unwrap();
            directly.send(&frames::startup((major << 16) + minor, &[("user", "app")]));
            assert!(!directly.until_closed().tags().contains('R'));
        }
    });
}
