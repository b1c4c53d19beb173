//! Proofs of passwords: no panic on any bytes, and a login in which a single byte was changed on the way is none.

use lull::{
    auth::{
        Userlist, Verifier, binding,
        scram::{self, Binding, Client, Keys, MECHANISM, NONCE_BYTES, Offer, Overheard},
    },
    wire::pg::auth,
};

const SALT: &[u8] = b"salt";

pub fn run(bytes: &[u8]) {
    let _ = (
        binding::end_point(bytes),
        Userlist::read(bytes, Verifier::read),
        Userlist::read(bytes, Verifier::read_mysql),
        Verifier::read(bytes),
        Verifier::read_mysql(bytes),
    );
    let _ = (auth::asked(bytes), auth::sasl_initial(bytes));
    let Some((at, change)) = bytes.split_first() else {
        return;
    };
    let (Some(keys), Some(verifier)) = (
        Keys::of_password(b"pencil", SALT, 1),
        scram::Verifier::of_password(b"pencil", SALT, 1),
    ) else {
        panic!("one iteration is allowed")
    };
    let (of_first, of_last) = if at & 1 == 0 {
        (change, &[][..])
    } else {
        (&[][..], change)
    };
    let client = Client::new(&Binding::Impossible, [1; NONCE_BYTES]);
    let (sent, first) = (client.first(), changed(client.first().as_bytes(), *at, of_first));
    let offer = Offer::new(verifier.clone(), None);
    let Ok(challenged) = offer.hear_first(MECHANISM.as_bytes(), &first, [2; NONCE_BYTES]) else {
        return;
    };
    let challenge = challenged.challenge().as_bytes().to_vec();
    let overheard = Overheard {
        first: first.clone(),
        challenge: challenge.clone(),
    };
    let Ok(heard) = client.hear_challenge(&changed(&challenge, *at, &[])) else {
        return;
    };
    let answer = heard.answer(&keys);
    let last = changed(answer.as_bytes(), *at, of_last);
    let honest = first == sent.as_bytes() && last == answer.as_bytes();
    assert_eq!(
        challenged.hear_last(&last).is_ok(),
        honest,
        "a proof of what was said"
    );
    if honest {
        assert_eq!(overheard.keys(&last, &verifier), Some(keys));
    }
    let _ = heard.hear_last(change, &verifier_keys());
}

fn verifier_keys() -> Keys {
    match Keys::of_password(b"other", SALT, 1) {
        Some(keys) => keys,
        None => panic!("one iteration is allowed"),
    }
}

/// A message with other bytes somewhere.
fn changed(message: &[u8], at: u8, with: &[u8]) -> Vec<u8> {
    let at = usize::from(at) % message.len().max(1);
    let mut changed = message.to_vec();
    changed.splice(at..(at + with.len()).min(message.len()), with.iter().copied());
    changed
}
