//! SHA-crypt with SHA-256 ("Unix crypt using SHA-256 and SHA-512"), as MySQL keeps passwords: without its prefix, and
//! with 20 bytes of salt.

use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::{Hash, finish, hash};

/// 43 characters. It takes some milliseconds for each thousand rounds: that is its purpose.
pub(super) fn crypt(password: &[u8], salt: &[u8], rounds: u32) -> Zeroizing<Vec<u8>> {
    let mut digest = first(password, salt);
    let mut of_password = Context::new(&SHA256);
    password.iter().for_each(|_| of_password.update(password));
    let password = repeated(&finish(of_password), password.len());
    let mut of_salt = Context::new(&SHA256);
    let times = 16 + usize::from(digest.first().copied().unwrap_or_default());
    (0..times).for_each(|_| of_salt.update(salt));
    let salt = repeated(&finish(of_salt), salt.len());
    for round in 0..rounds {
        let (begins, ends): (&[u8], &[u8]) = match round % 2 {
            0 => (&*digest, &password),
            _ => (&password, &*digest),
        };
        let mut next = Context::new(&SHA256);
        next.update(begins);
        if round % 3 != 0 {
            next.update(&salt);
        }
        if round % 7 != 0 {
            next.update(&password);
        }
        next.update(ends);
        digest = finish(next);
    }
    encoded(&digest)
}

/// What the rounds begin with.
fn first(password: &[u8], salt: &[u8]) -> Hash {
    let other = hash(&[password, salt, password]);
    let mut first = Context::new(&SHA256);
    first.update(password);
    first.update(salt);
    first.update(&repeated(&other, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        first.update(if bits & 1 == 1 { other.as_slice() } else { password });
        bits >>= 1;
    }
    finish(first)
}

/// The digest again and again, to so many bytes.
fn repeated(digest: &Hash, bytes: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(digest.iter().copied().cycle().take(bytes).collect())
}

/// Three bytes become four characters; which three is this format's own.
fn encoded(digest: &Hash) -> Zeroizing<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let byte = |at: usize| u32::from(digest.get(at).copied().unwrap_or_default());
    let mut text = Zeroizing::new(Vec::with_capacity(super::HASH_CHARS));
    let mut put = |bits: u32, count: u32| {
        for at in 0..count {
            let digit = usize::try_from(bits >> (6 * at) & 63).unwrap_or_default();
            text.push(DIGITS.get(digit).copied().unwrap_or_default());
        }
    };
    let (mut high, mut middle, mut low) = (0, 10, 20);
    for _ in 0..10 {
        put(byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
        (high, middle, low) = (low + 1, high + 1, middle + 1);
    }
    put(byte(31) << 8 | byte(30), 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_another_implementation() {
        for (password, salt, expected) in [
            (&b"secret"[..], &b"saltsaltsaltsalt"[..], FIRST),
            (
                b"a password that is longer than one digest of 32",
                b"abcdefgh",
                SECOND,
            ),
        ] {
            assert_eq!(crypt(password, salt, 5000).as_slice(), expected);
        }
    }

    // openssl passwd -5 -salt SALT PASSWORD
    const FIRST: &[u8] = b"X0ra9qlY7TJaGBDgorLevriQfwysW8fXnbybcO4mF4/";
    const SECOND: &[u8] = b"LCFqrSyCYzBLxi6bz143OCEkWUWIZJeeSosUbCg/t/7";
}
