//! Passwords that users have shown to lull: what `caching_sha2_password` remembers, so that its short form is enough the
//! next time.
//!
//! In memory alone, and overwritten when the configuration that they were shown under is replaced. Guarantees that one is
//! only remembered with the verifier that it was found right by, and that there are not too many.

use std::{collections::HashMap, sync::Mutex};

use crate::{
    auth::{Secret, sha2},
    connect::secrets::lock,
};

const REMEMBERED_MAX: usize = 10_000;

#[derive(Default)]
pub(in crate::connect) struct Seen(Mutex<HashMap<String, (sha2::Verifier, Secret)>>);

impl Seen {
    /// None where another password may be right by now.
    pub(super) fn recall(&self, user: &str, verifier: &sha2::Verifier) -> Option<Secret> {
        let all = lock(&self.0);
        let (by, password) = all.get(user)?;
        (by == verifier).then(|| password.clone())
    }

    pub(super) fn remember(&self, user: &str, verifier: sha2::Verifier, password: Secret) {
        let mut all = lock(&self.0);
        if all.len() >= REMEMBERED_MAX {
            all.clear();
        }
        all.insert(user.to_owned(), (verifier, password));
    }
}
