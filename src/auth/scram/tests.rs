//! Both sides against RFC 7677's example, against each other, and against messages that lie.

use super::{server::Challenged, *};
use crate::auth::Secret;

const PASSWORD: &[u8] = b"pencil";
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

fn verifier() -> Verifier {
    let salt = attributes::decoded(SALT).unwrap();
    Verifier::of_password(PASSWORD, &salt, 4096).unwrap()
}

/// RFC 7677, 3: the keys that the example's messages prove.
#[test]
fn the_example_of_the_rfc_is_signed_as_there() {
    let auth_message = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
        r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
        c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let salt = attributes::decoded(SALT).unwrap();
    let keys = Keys::of_password(PASSWORD, &salt, 4096).unwrap();
    let signed = keys::signature(keys.stored().expose(), &[auth_message.as_bytes()]);
    let proof = keys::xor(&keys.client, signed.expose());
    assert_eq!(
        attributes::encoded(proof.expose()),
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    let signed = keys::signature(keys.server.expose(), &[auth_message.as_bytes()]);
    assert_eq!(
        attributes::encoded(signed.expose()),
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    );
}

#[test]
fn a_verifier_is_written_and_read_as_postgresql_does() {
    // Of the password "Pa55", by another implementation.
    let text = b"SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$+qpRgxWGwZx91V5go7EP4lp6owAySQNTjMZDozqA/0I=:UapzHiNBnM93p6/v7E5ABtgtJzx1WxOkk+2avDC2Zwk=";
    let read = Verifier::read(text).unwrap();
    assert_eq!(
        Verifier::of_password(b"Pa55", &read.salt, read.iterations),
        Some(read)
    );
    for broken in [
        &b"SCRAM-SHA-256$0:c2FsdA==$AA==:AA=="[..],
        b"SCRAM-SHA-256$4096:$AA==:AA==",
        b"SCRAM-SHA-256$99999999:c2FsdA==$AA==:AA==",
        &text[..text.len() - 1],
        &text[1..],
        b"",
    ] {
        assert_eq!(Verifier::read(broken), None);
    }
}

/// A client with this password comes to a server with this verifier.
fn meet(offer: Offer, mechanism: &str, binding: &Binding, password: &[u8]) -> Result<Keys, Wrong> {
    let client = Client::new(binding, [1; NONCE_BYTES]);
    let challenged = offer.hear_first(mechanism.as_bytes(), client.first().as_bytes(), [2; NONCE_BYTES])?;
    let challenge = client.hear_challenge(challenged.challenge().as_bytes()).unwrap();
    let keys = Keys::of_password(password, &challenge.salt, challenge.iterations).unwrap();
    let proven = challenged.hear_last(challenge.answer(&keys).as_bytes())?;
    challenge.hear_last(proven.last.as_bytes(), &keys).unwrap();
    Ok(proven.keys)
}

#[test]
fn a_login_gives_up_the_keys_with_which_the_next_server_is_met() {
    let offer = || Offer::new(verifier(), None);
    let keys = meet(offer(), MECHANISM, &Binding::Impossible, PASSWORD).unwrap();
    assert_eq!(keys, Keys::of_password(PASSWORD, &verifier().salt, 4096).unwrap());
    for wrong in [&b"pencils"[..], b""] {
        let met = meet(offer(), MECHANISM, &Binding::Impossible, wrong);
        assert_eq!(met, Err(Wrong::Proof));
    }
}

#[test]
fn whoever_has_the_verifier_and_hears_a_login_has_its_keys_too() {
    let client = Client::new(&Binding::Impossible, [1; NONCE_BYTES]);
    let first = client.first();
    let offer = Offer::new(verifier(), None);
    let challenged = offer.hear_first(MECHANISM.as_bytes(), first.as_bytes(), [2; NONCE_BYTES]);
    let challenge = challenged.unwrap().challenge().as_bytes().to_vec();
    let overheard = Overheard {
        first: first.into_bytes(),
        challenge: challenge.clone(),
    };
    let challenge = client.hear_challenge(&challenge).unwrap();
    let keys = Keys::of_password(PASSWORD, &challenge.salt, challenge.iterations).unwrap();
    let last = challenge.answer(&keys);
    assert_eq!(overheard.keys(last.as_bytes(), &verifier()), Some(keys));
    let other = Verifier::of_password(b"pencils", b"salt", 1).unwrap();
    assert_eq!(overheard.keys(last.as_bytes(), &other), None);
    let wrong = challenge.answer(&Keys::of_password(b"pencils", b"salt", 1).unwrap());
    assert_eq!(overheard.keys(wrong.as_bytes(), &verifier()), None);
    for end in 0..last.len() {
        assert_eq!(overheard.keys(&last.as_bytes()[..end], &verifier()), None);
    }
    assert_eq!(Overheard::default().keys(last.as_bytes(), &verifier()), None);
}

#[test]
fn a_user_who_does_not_exist_is_met_as_one_who_does() {
    let process_secret = Secret::new("random");
    let mock = || Verifier::mock("nobody", 4096, &process_secret);
    assert_eq!(mock(), mock());
    assert_ne!(mock().salt, Verifier::mock("else", 4096, &process_secret).salt);
    let met = meet(
        Offer::new(mock(), None),
        MECHANISM,
        &Binding::Impossible,
        PASSWORD,
    );
    assert_eq!(met, Err(Wrong::Proof));
    let plain = Verifier::of_plain(PASSWORD, "nobody", &process_secret).unwrap();
    assert_eq!(plain.salt, mock().salt, "a user who comes to be keeps the salt");
}

#[test]
fn a_login_is_bound_to_the_certificate_that_the_client_has_seen() {
    let offer = || Offer::new(verifier(), Some(vec![7; 32]));
    assert_eq!(offer().mechanisms(), [MECHANISM_PLUS, MECHANISM]);
    let bound = |hash: u8| Binding::EndPoint(vec![hash; 32]);
    assert!(meet(offer(), MECHANISM_PLUS, &bound(7), PASSWORD).is_ok());
    assert!(meet(offer(), MECHANISM, &Binding::Impossible, PASSWORD).is_ok());
    for (mechanism, binding, wrong) in [
        // Somebody in between has another certificate.
        (MECHANISM_PLUS, bound(8), Wrong::Binding),
        // Somebody in between has taken the offer away.
        (MECHANISM, Binding::NotOffered, Wrong::Binding),
        (
            MECHANISM_PLUS,
            Binding::Impossible,
            Wrong::Malformed("no channel binding data"),
        ),
        (
            MECHANISM,
            bound(7),
            Wrong::Malformed("channel binding data without a mechanism for it"),
        ),
        (
            "PLAIN",
            Binding::Impossible,
            Wrong::Malformed("a mechanism that was not offered"),
        ),
    ] {
        assert_eq!(
            meet(offer(), mechanism, &binding, PASSWORD),
            Err(wrong),
            "{mechanism}"
        );
    }
    let unbound = Offer::new(verifier(), None);
    assert!(meet(unbound, MECHANISM, &Binding::NotOffered, PASSWORD).is_ok());
}

#[test]
fn first_messages_that_lie_are_malformed() {
    for message in [
        &b""[..],
        b"n",
        b"n,",
        b"n,,",
        b"n,,n=",
        b"n,,n=,r=",
        b"n,,r=x,n=",
        b"n,a=other,n=,r=x",
        b"x,,n=,r=x",
        b"n,,n=,r=\x01",
        b"n,,m=ext,n=,r=x",
        b"\xff,,n=,r=x",
        b"p=tls-unique,,n=,r=x",
    ] {
        let heard = Offer::new(verifier(), None).hear_first(MECHANISM.as_bytes(), message, [0; NONCE_BYTES]);
        assert!(matches!(heard, Err(Wrong::Malformed(_))), "{message:?}");
    }
}

fn challenged() -> Challenged {
    let offer = Offer::new(verifier(), None);
    offer
        .hear_first(MECHANISM.as_bytes(), b"n,,n=,r=x", [0; NONCE_BYTES])
        .unwrap()
}

#[test]
fn last_messages_that_lie_are_malformed_and_prove_nothing() {
    let challenge = challenged().challenge().to_owned();
    let (nonce, _) = attributes::attribute(&challenge, 'r').unwrap();
    let zeros = attributes::encoded(&[0; 32]);
    for (message, wrong) in [
        (format!("c=biws,r={nonce},p={zeros}"), Wrong::Proof),
        (format!("c=biws,r={nonce},x=ext,p={zeros}"), Wrong::Proof),
        (format!("c=eSws,r={nonce},p={zeros}"), Wrong::Binding),
        (
            format!("c=biws,r={nonce}x,p={zeros}"),
            Wrong::Malformed("the nonce is another"),
        ),
        (format!("c=biws,r={nonce}"), Wrong::Malformed("no proof")),
        (format!("c=biws,r={nonce},p="), Wrong::Malformed("no proof")),
        (format!("c=biws,r={nonce},p=AAAA"), Wrong::Malformed("no proof")),
        (
            format!("r={nonce},c=biws,p={zeros}"),
            Wrong::Malformed("no channel binding"),
        ),
        (String::new(), Wrong::Malformed("no proof")),
    ] {
        assert_eq!(
            challenged().hear_last(message.as_bytes()).unwrap_err(),
            wrong,
            "{message}"
        );
    }
}

#[test]
fn a_server_that_lies_is_found_out() {
    let nonce = attributes::encoded(&[1; NONCE_BYTES]);
    let hear = |message: &str| {
        let client = Client::new(&Binding::Impossible, [1; NONCE_BYTES]);
        client.hear_challenge(message.as_bytes()).map(drop)
    };
    assert!(hear(&format!("r={nonce}x,s={SALT},i=4096")).is_ok());
    for message in [
        format!("r={nonce},s={SALT},i=4096"),
        format!("r=x{nonce},s={SALT},i=4096"),
        format!("r={nonce}x,s=!,i=4096"),
        format!("r={nonce}x,s={SALT},i=many"),
        format!("r={nonce}x,s={SALT}"),
        "e=other-error".to_owned(),
    ] {
        assert!(hear(&message).is_err(), "{message}");
    }
    let keys = Keys::of_password(PASSWORD, b"salt", 1).unwrap();
    for message in ["v=AAAA", "v=!", "e=invalid-proof", ""] {
        let client = Client::new(&Binding::Impossible, [1; NONCE_BYTES]);
        let challenge = client.hear_challenge(format!("r={nonce}x,s={SALT},i=1").as_bytes());
        assert!(
            challenge.unwrap().hear_last(message.as_bytes(), &keys).is_err(),
            "{message}"
        );
    }
}
