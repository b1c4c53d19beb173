//! The messages' form (RFC 5802, 5.1): attributes of one letter, `=` and a value, with commas between.

use base64ct::{Base64, Encoding};

/// The value of the attribute at the start, which must have this letter, and what follows its comma.
pub(super) fn attribute(text: &str, letter: char) -> Option<(&str, &str)> {
    let value = text.strip_prefix(letter)?.strip_prefix('=')?;
    Some(value.split_once(',').unwrap_or((value, "")))
}

/// Printable, and neither a comma nor longer than anybody needs.
pub(super) fn is_nonce(text: &str) -> bool {
    const CHARS_MAX: usize = 1024;
    let fit = |byte: u8| byte.is_ascii_graphic() && byte != b',';
    !text.is_empty() && text.len() <= CHARS_MAX && text.bytes().all(fit)
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}
