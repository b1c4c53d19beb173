//! Identifiers as the server compares them with names of its own: without regard to case, and the accents of letters
//! above ASCII ignored (variables, native functions and stored routines are looked up in `utf8_general_ci`).
//!
//! Must not know: what a name is used for.

use super::lexer::{Kind, Token};

/// Names of ours are shorter; what is longer is none of them.
pub(super) const NAME_BYTES_MAX: usize = 64;

pub(super) fn slice<'a>(text: &'a [u8], token: &Token) -> &'a [u8] {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    text.get(at(token.start)..at(token.end)).unwrap_or_default()
}

/// An identifier's own bytes: quotes undone. `None` where the token is none.
pub(super) fn identifier(text: &[u8], token: &Token) -> Option<Vec<u8>> {
    let body = slice(text, token);
    match token.kind {
        Kind::Word | Kind::Name => Some(body.to_vec()),
        Kind::Quoted => unquote(body),
        _ => None,
    }
}

fn unquote(body: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = body.split_first()?;
    let inside = rest.split_last()?.1;
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(byte);
        if byte == quote {
            bytes.next();
        }
    }
    Some(out)
}

/// Whether the identifier may be `name` (lower case, ASCII) for the server.
///
/// A letter above ASCII may be an accented form of an ASCII letter, in a character set of which only the server knows
/// the meaning: it counts as any one letter. Stricter than the server, never laxer.
pub(super) fn may_be(text: &[u8], token: &Token, name: &[u8]) -> bool {
    let body = slice(text, token);
    let inside = match token.kind {
        Kind::Word | Kind::Name => body,
        Kind::Quoted => body.get(1..body.len().saturating_sub(1)).unwrap_or_default(),
        _ => return false,
    };
    if inside.is_ascii() {
        return inside.eq_ignore_ascii_case(name);
    }
    matches_loosely(inside, name)
}

/// Compares with runs of bytes above ASCII standing for any letters. A character has at most four bytes, and some
/// characters stand for two letters.
pub(super) fn matches_loosely(written: &[u8], name: &[u8]) -> bool {
    reached(written, name).0
}

/// The same where only the beginning must be `name`.
pub(super) fn may_begin_with(written: &[u8], name: &[u8]) -> bool {
    reached(written, name).1
}

/// Whether all of `written` may be `name`, and whether some beginning of it may.
fn reached(written: &[u8], name: &[u8]) -> (bool, bool) {
    if name.len() >= NAME_BYTES_MAX * 2 - 1 {
        return (false, false);
    }
    // The numbers of letters of `name` that may have been used up so far, as a set of bits.
    let mut used: u128 = 1;
    let mut began = false;
    let mut at = 0;
    while let Some(&byte) = written.get(at).filter(|_| used != 0) {
        let mut next = 0;
        if byte.is_ascii() {
            for (i, letter) in name.iter().enumerate() {
                if used >> i & 1 == 1 && letter.eq_ignore_ascii_case(&byte) {
                    next |= 1 << (i + 1);
                }
            }
            at += 1;
        } else {
            let run = written.iter().skip(at).take_while(|b| !b.is_ascii()).count();
            next = used;
            for _ in 0..(run * 2).min(name.len()) {
                next |= next << 1;
            }
            at += run;
        }
        used = next;
        began |= used >> name.len() & 1 == 1;
    }
    (used >> name.len() & 1 == 1, began)
}

/// Whether two names, both with letters above ASCII, may be the same: what stands before and behind all of those agrees.
pub(super) fn ends_agree(a: &[u8], b: &[u8]) -> bool {
    let agree = |a: &mut dyn Iterator<Item = &u8>, b: &mut dyn Iterator<Item = &u8>| {
        a.zip(b)
            .take_while(|(x, y)| x.is_ascii() && y.is_ascii())
            .all(|(x, y)| x.eq_ignore_ascii_case(y))
    };
    agree(&mut a.iter(), &mut b.iter()) && agree(&mut a.iter().rev(), &mut b.iter().rev())
}
