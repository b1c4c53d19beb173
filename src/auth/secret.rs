//! A secret text: overwritten when the last that holds it lets go, and shown to nobody.

use std::{fmt, sync::Arc};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Clones share the one copy that there is.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes.into())))
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// In a time that does not tell how much of it is right.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_equal_to_itself_and_shows_nothing() {
        let secret = Secret::new("Pa55");
        assert_eq!(secret, Secret::new("Pa55"));
        assert_ne!(secret, Secret::new("Pa5"));
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
