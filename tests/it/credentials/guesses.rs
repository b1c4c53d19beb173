//! Guessing: a wrong password is refused as often as allowed, and a user who does not exist looks like one who does.

use super::{PASSWORD, lull, psql, server, userlist};
use crate::support::{Lull, Message, Version, Wire, frames};
use crate::transparency::program;

/// What a stranger sees of a login as `user` with a proof that is wrong.
fn guess(lull: &Lull, user: &str) -> (Vec<Message>, String) {
    let mut client = Wire::connect(lull.address()).unwrap();
    let who = [("user", user), ("database", "postgres")];
    client.send(&frames::startup(frames::PROTOCOL_3_0, &who));
    let offer = client.read();
    let first = b"n,,n=,r=clientnonce";
    let length = u32::try_from(first.len()).unwrap().to_be_bytes();
    client.send(&frames::message(
        b'p',
        &[&b"SCRAM-SHA-256\0"[..], &length, first].concat(),
    ));
    let challenge = String::from_utf8(client.read().body[4..].to_vec()).unwrap();
    let (nonce, rest) = challenge.split_once(',').unwrap();
    let proof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let last = format!("c=biws,{nonce},p={proof}");
    client.send(&frames::message(b'p', last.as_bytes()));
    let mut said = vec![offer];
    said.extend(client.until_closed().0);
    (said, rest.to_owned())
}

#[test]
fn a_user_who_does_not_exist_cannot_be_told_from_one_who_does() {
    let server = server(Version::Newest);
    let lull = lull(&server, &userlist(&server), "", "");
    let shape = |(said, rest): &(Vec<Message>, String), user: &str| {
        let text = format!("{said:?}").replace(&format!("{:?}", user.as_bytes()), "USER");
        (text.replace(user, "USER").len(), rest.len(), said.len())
    };
    let known = guess(&lull, "scram-sha-256");
    let unknown = guess(&lull, "scram-sha-257");
    assert_eq!(shape(&known, "scram-sha-256"), shape(&unknown, "scram-sha-257"));
    assert_eq!(
        unknown.1,
        guess(&lull, "scram-sha-257").1,
        "the same salt when asked again"
    );
    assert_ne!(
        unknown.1,
        guess(&lull, "scram-sha-258").1,
        "and another for another"
    );
    assert!(known.1.ends_with(",i=4096") && unknown.1.ends_with(",i=4096"));
    // The server itself says the same.
    let told = |place: &str| program::fail(&mut psql(Version::Newest, place, "x"));
    let through = told(&lull.connect_string("nobody", "postgres"));
    assert!(
        through.contains("password authentication failed for user \"nobody\""),
        "{through}"
    );
}

#[test]
fn who_guesses_too_often_is_refused_unheard() {
    let server = server(Version::Newest);
    let lull = lull(&server, &userlist(&server), "login_failures_max = 3", "");
    let login =
        |user: &str, password: &str| psql(Version::Newest, &lull.connect_string(user, "postgres"), password);
    for _ in 0..3 {
        let wrong = program::fail(&mut login("md5", "wrong"));
        assert!(wrong.contains("password authentication failed"), "{wrong}");
    }
    let refused = program::fail(&mut login("md5", PASSWORD));
    assert!(
        refused.contains("too many logins as \"md5\" from this address have failed"),
        "{refused}"
    );
    program::run(&mut login("scram-sha-256", PASSWORD));
    assert_eq!(lull.metric("lull_logins_total{result=\"throttled\"}"), 1.0);
    assert_eq!(lull.metric("lull_logins_total{result=\"rejected\"}"), 3.0);
    assert_eq!(
        lull.metric("lull_limit_hits_total{limit=\"login_failures_max\"}"),
        1.0
    );
    assert!(lull.log().contains("too many logins as"), "{}", lull.log());
}

#[test]
fn where_all_have_md5_so_has_a_stranger() {
    let server = server(Version::Newest);
    let users = format!("\"md5\" \"{}\"\n", super::verifier(&server, "md5"));
    let lull = lull(&server, &users, "", "");
    for user in ["md5", "nobody"] {
        let mut client = Wire::connect(lull.address()).unwrap();
        client.send(&frames::startup(frames::PROTOCOL_3_0, &[("user", user)]));
        assert_eq!(client.read().body[..4], [0, 0, 0, 5]);
        let said = client.send(&frames::password("md5wrong")).until_closed();
        assert_eq!(said.error_code(), Some("28P01"), "{said:?}");
    }
}

/// The server may have been told to make passwords more expensive.
#[test]
fn where_the_server_is_asked_a_stranger_gets_the_iterations_of_others() {
    let server = server(Version::Newest);
    let mut admin = server.superuser("postgres");
    admin.run("SET scram_iterations = 5000");
    admin.run("ALTER ROLE \"scram-sha-256\" PASSWORD 'secret'");
    let lull = super::query::lull(&server, super::query::QUERY, "of-the-service");
    let dsn = lull.connect_string("scram-sha-256", "postgres");
    program::run(&mut psql(Version::Newest, &dsn, PASSWORD));
    for user in ["scram-sha-256", "nobody"] {
        let (_, challenge) = guess(&lull, user);
        assert!(challenge.ends_with(",i=5000"), "{user}: {challenge}");
    }
}
