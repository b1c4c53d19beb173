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

    /// None where it is no row of pairs of hexadecimal digits.
    pub fn of_hex(digits: &[u8]) -> Option<Self> {
        let (pairs, rest) = digits.as_chunks::<2>();
        // Of its full size at once: a vector that grows leaves its old copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
        for pair in pairs {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            bytes.push(u8::try_from(high? << 4 | low?).ok()?);
        }
        rest.is_empty().then_some(Self(Arc::new(bytes)))
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

    #[test]
    fn a_secret_is_read_from_digits() {
        assert_eq!(Secret::of_hex(b"50613535"), Some(Secret::new("Pa55")));
        for wrong in [&b"5"[..], b"506", b"5g", b"+5"] {
            assert_eq!(Secret::of_hex(wrong), None);
        }
    }
}
