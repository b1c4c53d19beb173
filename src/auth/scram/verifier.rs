//! What a server keeps of a password (RFC 5803, as PostgreSQL writes it):
//! `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`.

use super::{
    ITERATIONS_DEFAULT, ITERATIONS_MAX,
    attributes::decoded,
    keys::{KEY_BYTES, Keys, signature},
};
use crate::auth::Secret;

/// Whoever has it can play the server, and no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    pub(super) iterations: u32,
    pub(super) salt: Vec<u8>,
    pub(super) stored: Secret,
    pub(super) server: Secret,
}

/// As PostgreSQL's salts.
const SALT_BYTES: usize = 16;

impl Verifier {
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_prefix("SCRAM-SHA-256$")?;
        let (work, keys) = text.split_once('$')?;
        let (iterations, salt) = work.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let key = |text: &str| {
            decoded(text)
                .filter(|key| key.len() == KEY_BYTES)
                .map(Secret::new)
        };
        Some(Self {
            iterations: iterations
                .parse()
                .ok()
                .filter(|n| (1..=ITERATIONS_MAX).contains(n))?,
            salt: decoded(salt).filter(|salt| !salt.is_empty())?,
            stored: key(stored)?,
            server: key(server)?,
        })
    }

    pub fn of_password(password: &[u8], salt: &[u8], iterations: u32) -> Option<Self> {
        let keys = Keys::of_password(password, salt, iterations)?;
        Some(Self {
            iterations,
            salt: salt.to_vec(),
            stored: keys.stored(),
            server: keys.server,
        })
    }

    /// A password that only lull knows, with a salt of its own.
    pub fn of_plain(password: &[u8], user: &str, process_secret: &Secret) -> Option<Self> {
        let salt = derived(process_secret, "salt", user);
        let salt = salt.expose().get(..SALT_BYTES).unwrap_or_default();
        Self::of_password(password, salt, ITERATIONS_DEFAULT)
    }

    /// For a user who does not exist: always the same, so that asking twice does not tell, and nobody has a key to it.
    pub fn mock(user: &str, iterations: u32, process_secret: &Secret) -> Self {
        let salt = derived(process_secret, "salt", user);
        Self {
            iterations,
            salt: salt.expose().get(..SALT_BYTES).unwrap_or_default().to_vec(),
            stored: derived(process_secret, "stored", user),
            server: derived(process_secret, "server", user),
        }
    }

    pub fn iterations(&self) -> u32 {
        self.iterations
    }
}

fn derived(process_secret: &Secret, what: &str, user: &str) -> Secret {
    signature(
        process_secret.expose(),
        &[what.as_bytes(), b"\0", user.as_bytes()],
    )
}
