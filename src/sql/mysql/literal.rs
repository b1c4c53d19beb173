//! What a string constant stands for.

use super::lexer::{Kind, Token};
use super::{Charset, Dialect, names};

/// The value of a constant, if it is one that the server takes over byte by byte.
///
/// With bytes above ASCII the server converts to the connection's character set and back; only in UTF-8 does nothing
/// come out of that which could be read otherwise.
pub(super) fn value(text: &[u8], token: &Token, dialect: Dialect) -> Option<Vec<u8>> {
    if token.kind != Kind::Text {
        return None;
    }
    let body = names::slice(text, token);
    let (&quote, rest) = body.split_first()?;
    if !matches!(quote, b'\'' | b'"') || (!body.is_ascii() && dialect.charset != Charset::Utf8) {
        return None;
    }
    let inside = rest.split_last()?.1;
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if !dialect.modes.no_backslash_escapes => unescape(bytes.next()?, &mut out),
            _ if byte == quote => {
                bytes.next();
                out.push(byte);
            }
            _ => out.push(byte),
        }
    }
    Some(out)
}

fn unescape(byte: u8, out: &mut Vec<u8>) {
    // These keep their backslash, for LIKE.
    if matches!(byte, b'_' | b'%') {
        out.push(b'\\');
    }
    out.push(match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'0' => 0,
        b'Z' => 0x1a,
        other => other,
    });
}
