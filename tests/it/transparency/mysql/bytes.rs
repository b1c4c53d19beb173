//! What leaves lull is what came, but for what its client has not asked to be told.

use super::on_every_flavor;
use super::script::{COMBINATIONS, converse};
use crate::support::mysql::packets::capability;
use crate::support::mysql::{Flavor, Login, Packet, Server};
use crate::support::{Lull, Primary};
use crate::transparency::tap::Tap;

#[test]
fn a_session_through_lull_has_the_transcript_that_it_has_directly() {
    let mut differences = Vec::new();
    on_every_flavor(|server, lull| {
        let db = server.database();
        for more in COMBINATIONS {
            let login = Login::of("app").database(&db.name).with(more);
            let directly = converse(&mut login.to(server.address), server.flavor, true);
            let through = converse(&mut login.to(lull.address()), server.flavor, true);
            let found = compare(&directly, &through);
            differences.extend(found.map(|found| format!("{:?} with {more:#x}: {found}", server.flavor)));
        }
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The first difference, with what came before.
fn compare(directly: &[Packet], through: &[Packet]) -> Option<String> {
    let pairs = directly.iter().zip(through);
    let differ = pairs.clone().position(|(expected, found)| expected != found);
    match differ {
        Some(at) => {
            let before = &directly[at.saturating_sub(3)..at];
            let (expected, found) = (&directly[at], &through[at]);
            Some(format!(
                "packet {at} is\n{found:?} and not\n{expected:?}, after\n{before:#?}"
            ))
        }
        None if directly.len() == through.len() => None,
        None => Some(format!("{} packets and not {}", through.len(), directly.len())),
    }
}

#[test]
fn every_byte_behind_the_login_arrives_as_it_was_sent() {
    for flavor in Flavor::EVERY {
        let server = Server::shared(flavor);
        let db = server.database();
        let upstream = Tap::before(server.address);
        let lull = Lull::with_config(Primary::mysql(upstream.address), |addresses| {
            addresses.config("primary_sslmode = \"disable\"", "")
        });
        let downstream = Tap::before(lull.address());
        // A client that asks for everything: nothing must be taken out of what it is told.
        let login = Login::of("app").database(&db.name).with(
            capability::SESSION_TRACK
                | capability::DEPRECATE_EOF
                | capability::MULTI_STATEMENTS
                | capability::LOCAL_FILES,
        );
        converse(&mut login.to(downstream.address), flavor, false);
        let (above, below) = (upstream.last(), downstream.last());
        // One packet of the client's in the login, two of the server's.
        let (sent, came) = (behind(&below.client_said(), 1), behind(&below.server_said(), 2));
        assert!(sent.len() > 500_000 && came.len() > 500_000);
        assert_end(&above.client_said(), &sent, "from the client to the server");
    }
}

/// What follows some packets.
fn behind(mut bytes: &[u8], packets: usize) -> Vec<u8> {
    for _ in 0..packets {
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) as usize;
        bytes = &bytes[4 + length..];
    }
    bytes.to_vec()
}

#[track_caller]
fn assert_end(whole: &[u8], end: &[u8], what: &str) {
    let tail = &whole[whole.len().saturating_sub(end.len())..];
    let differ = tail
        .iter()
        .zip(end)
        .rposition(|(found, expected)| found != expected);
    assert!(
        tail.len() == end.len() && differ.is_none(),
        "{what}: {} bytes of which the last {} are expected; the last difference is at {differ:?}",
        whole.len(),
        end.len()
    );
}
