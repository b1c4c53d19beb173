//! Guessing: as often as allowed, and with nothing to be learnt of who exists.

use super::{login, lull, server, userlist, users};
use crate::support::eventually;
use crate::support::mysql::{Flavor, Server, Wire};
use crate::support::{Lull, mysql::Login};

/// What a stranger sees of a login with a wrong password: each packet's kind and length, and the last one's text.
fn guess(lull: &Lull, user: &str) -> (Vec<(u8, usize)>, String) {
    let mut client = Wire::connect(lull.address()).unwrap();
    login(user, "wrong").on(&mut client).unwrap_err();
    let packets = client.login_packets.iter();
    let shapes = packets
        .map(|packet| (packet.payload[0], packet.payload.len()))
        .collect();
    let last = client.login_packets.last().unwrap();
    let text = String::from_utf8_lossy(&last.payload).replace(user, "USER");
    (shapes, text)
}

#[test]
fn a_user_who_does_not_exist_cannot_be_told_from_one_who_does() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let [(user, _), _] = users(flavor);
        let hashed = format!("\"{user}\" \"{}\"\n", super::verifier(&server, user));
        let plain = "\"abcd\" \"a password\"\n".to_owned();
        for (user, users) in [(user, hashed), ("abcd", plain)] {
            let lull = lull(&server, &users, "", "");
            let stranger = "n".repeat(user.len());
            assert_eq!(guess(&lull, user), guess(&lull, &stranger));
        }
    }
}

#[test]
fn who_guesses_too_often_is_refused_unheard() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let lull = lull(&server, &userlist(&server), "login_failures_max = 3", "");
        let [(user, password), other] = users(flavor);
        for _ in 0..3 {
            let wrong = login(user, "wrong")
                .try_to(lull.address())
                .unwrap_err()
                .to_string();
            assert!(wrong.contains("Access denied for user"), "{wrong}");
        }
        let refused = login(user, password)
            .try_to(lull.address())
            .unwrap_err()
            .to_string();
        let expected = format!("28000too many logins as \\\"{user}\\\" from this address have failed");
        assert!(refused.contains(&expected), "{refused}");
        login(other.0, other.1).to(lull.address());
        assert_eq!(lull.metric("lull_logins_total{result=\"throttled\"}"), 1.0);
        assert_eq!(lull.metric("lull_logins_total{result=\"rejected\"}"), 3.0);
    }
}

/// The short form of caching_sha2_password tells a right password from a wrong one before the login has failed.
#[test]
fn who_leaves_when_a_short_proof_was_wrong_has_guessed() {
    let server = server(Flavor::MySql);
    let lull = lull(&server, &userlist(&server), "login_failures_max = 3", "");
    let (user, password) = ("sha2", "sha2-secret");
    login(user, password).to(lull.address());
    for guesses in 1..=3 {
        let mut client = Wire::connect(lull.address()).unwrap();
        begin(&login(user, "wrong"), &mut client);
        drop(client);
        eventually("it is counted", || {
            let gone = lull.metric("lull_logins_total{result=\"client_gone\"}");
            (gone == f64::from(guesses)).then_some(())
        });
    }
    let refused = login(user, password)
        .try_to(lull.address())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("too many logins"), "{refused}");
}

/// Sends the short proof, and hears that it is not enough.
fn begin(login: &Login, client: &mut Wire) {
    login.begin_on(client);
    let wanted = client.read();
    assert_eq!(wanted.payload, [1, 4], "the password itself is wanted");
}

/// The connection that the client's greeting came from is left in the way that a server counts as no attack.
#[test]
fn a_storm_of_wrong_passwords_does_not_make_the_server_block_lull() {
    let server: Server = server(Flavor::MariaDb);
    server.superuser("").run("SET GLOBAL max_connect_errors = 3");
    let lull = lull(&server, &userlist(&server), "login_failures_max = 1000", "");
    for _ in 0..10 {
        login("native", "wrong").try_to(lull.address()).unwrap_err();
    }
    login("native", "native-secret").to(lull.address());
}
