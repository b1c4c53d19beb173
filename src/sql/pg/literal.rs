//! What string constants and identifiers stand for: escapes undone, pieces joined, names folded and cut.
//!
//! Guarantees: `None` only for what the server rejects too (a bad escape, a bad code point). Escapes above ASCII come
//! out as UTF-8, whatever the server's own encoding is; everything that is compared with the result is ASCII, or is a
//! name for which [`name`] is stricter.
//!
//! Must not know: what a name is used for.

use super::Unlexable;
use super::encoding::MASK;
use super::lexer::{Kind, Style, Token, dollar_tag};

/// The server cuts identifiers to this many bytes.
pub(super) const NAME_BYTES_MAX: usize = 63;

/// A buffer that every name fits which this module compares with one of its own.
pub(super) type NameBuffer = [u8; NAME_BYTES_MAX];

/// The value of a string constant.
pub(super) fn resolve(text: &[u8], token: &Token, style: Style) -> Option<Vec<u8>> {
    let whole = text.get(token.start..token.stop)?;
    if style == Style::Dollar {
        let tag = dollar_tag(text, token.start)?.len();
        return whole.get(tag..whole.len().checked_sub(tag)?).map(<[u8]>::to_vec);
    }
    let raw = join(whole, style);
    match style {
        Style::Escape => unescape(&raw),
        Style::Unicode(escape) => unicode(&raw, escape),
        Style::Plain | Style::Bits | Style::Dollar => Some(raw),
    }
}

/// The inside of a constant in single quotes: doubled quotes made one, continuation pieces joined. Backslash pairs
/// stay as they are.
fn join(whole: &[u8], style: Style) -> Vec<u8> {
    let mut out = Vec::with_capacity(whole.len());
    let mut bytes = whole
        .iter()
        .copied()
        .skip_while(|&b| b != b'\'')
        .skip(1)
        .peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if style == Style::Escape => {
                out.push(byte);
                out.extend(bytes.next());
            }
            b'\'' if bytes.peek() == Some(&b'\'') && style != Style::Bits => {
                bytes.next();
                out.push(byte);
            }
            // The piece ends here; the next one opens at the first quote outside a comment.
            b'\'' => skip_to_quote(&mut bytes),
            _ => out.push(byte),
        }
    }
    out
}

fn skip_to_quote(bytes: &mut impl Iterator<Item = u8>) {
    let mut comment = false;
    for byte in bytes.by_ref() {
        match byte {
            b'\n' | b'\r' => comment = false,
            b'-' => comment = true,
            b'\'' if !comment => return,
            _ => {}
        }
    }
}

fn unescape(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    let mut high = None;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let &kind = raw.get(at)?;
        at += 1;
        match kind {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(0x0b),
            b'0'..=b'7' => {
                let (value, used) = number(raw.get(at - 1..)?, 8, 3);
                at += used - 1;
                out.push((value & 0xff).to_le_bytes().first().copied()?);
            }
            b'x' if raw.get(at).is_some_and(u8::is_ascii_hexdigit) => {
                let (value, used) = number(raw.get(at..)?, 16, 2);
                at += used;
                out.push(value.to_le_bytes().first().copied()?);
            }
            b'u' | b'U' => {
                let digits = if kind == b'u' { 4 } else { 8 };
                let (value, used) = number(raw.get(at..)?, 16, digits);
                if used != digits {
                    return None;
                }
                at += used;
                push_code_point(&mut out, &mut high, value)?;
                continue;
            }
            other => out.push(other),
        }
    }
    high.is_none().then_some(out)
}

fn unicode(raw: &[u8], escape: u8) -> Option<Vec<u8>> {
    if escape == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    let mut high = None;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        if byte != escape {
            out.push(byte);
            continue;
        }
        let digits = match raw.get(at)? {
            &next if next == escape => {
                at += 1;
                out.push(escape);
                continue;
            }
            b'+' => {
                at += 1;
                6
            }
            _ => 4,
        };
        let (value, used) = number(raw.get(at..)?, 16, digits);
        if used != digits {
            return None;
        }
        at += used;
        push_code_point(&mut out, &mut high, value)?;
    }
    high.is_none().then_some(out)
}

/// Reads at most `digits_max` digits and says how many there were.
fn number(text: &[u8], radix: u32, digits_max: usize) -> (u32, usize) {
    let mut value = 0_u32;
    let mut used = 0;
    for &byte in text.iter().take(digits_max) {
        let Some(digit) = char::from(byte).to_digit(radix) else {
            break;
        };
        value = value.wrapping_mul(radix) | digit;
        used += 1;
    }
    (value, used)
}

/// A pair of surrogates counts as one character; the server accepts them only side by side.
fn push_code_point(out: &mut Vec<u8>, high: &mut Option<u32>, value: u32) -> Option<()> {
    let code = match (*high, value) {
        (None, 0xd800..=0xdbff) => {
            *high = Some(value);
            return Some(());
        }
        (Some(first), 0xdc00..=0xdfff) => 0x10000 + ((first - 0xd800) << 10) + (value - 0xdc00),
        (None, _) => value,
        (Some(_), _) => return None,
    };
    *high = None;
    let c = char::from_u32(code).filter(|&c| c != '\0')?;
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

/// The identifier as the server compares it with names of its own, which are ASCII: folded and cut. `None`: no
/// identifier, or one that cannot equal such a name.
pub(super) fn ident<'b>(text: &[u8], token: &Token, buffer: &'b mut NameBuffer) -> Option<&'b [u8]> {
    let body = text.get(token.start..token.stop)?;
    match token.kind {
        Kind::Word => {
            let mut used = 0;
            let mut bytes = body.iter().copied().peekable();
            while let (Some(byte), Some(slot)) = (bytes.next(), buffer.get_mut(used)) {
                *slot = match byte {
                    // A server with a Turkish locale and a single-byte encoding folds the dotted capital I to an
                    // ASCII i: 0xdd there, two bytes in UTF8.
                    0xdd => b'i',
                    0xc4 if bytes.next_if_eq(&0xb0).is_some() => b'i',
                    _ => byte.to_ascii_lowercase(),
                };
                used += 1;
            }
            buffer.get(..used)
        }
        Kind::Quoted => {
            let inside = body.get(1..body.len().checked_sub(1)?)?;
            if inside.contains(&b'"') {
                copy(&unquote(inside), buffer)
            } else {
                copy(inside, buffer)
            }
        }
        Kind::UnicodeName(_) => copy(&folded(text, token)?, buffer),
        _ => None,
    }
}

/// The identifier in full, letters outside ASCII as they are.
pub(super) fn folded(text: &[u8], token: &Token) -> Option<Vec<u8>> {
    let body = text.get(token.start..token.stop)?;
    let inside = |skip: usize| body.get(skip..body.len().checked_sub(1)?).map(unquote);
    match token.kind {
        Kind::Word => Some(body.to_ascii_lowercase()),
        Kind::Quoted => inside(1),
        Kind::UnicodeName(escape) => unicode(&inside(3)?, escape),
        _ => None,
    }
}

fn copy<'b>(name: &[u8], buffer: &'b mut NameBuffer) -> Option<&'b [u8]> {
    let used = name.len().min(buffer.len());
    let (head, _) = buffer.split_at_mut_checked(used)?;
    head.copy_from_slice(name.get(..used)?);
    Some(head)
}

fn unquote(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'"' {
            bytes.next_if_eq(&b'"');
        }
        out.push(byte);
    }
    out
}

/// The name of a prepared statement or cursor. Two names that the server tells apart must differ here too; so what
/// depends on the server's encoding (where a long name is cut) or was lost to masking is refused.
pub(super) fn name(text: &[u8], token: &Token) -> Result<Vec<u8>, Unlexable> {
    let mut name = folded(text, token).ok_or(Unlexable::Name)?;
    if name.contains(&MASK) || (name.len() > NAME_BYTES_MAX && !name.is_ascii()) {
        return Err(Unlexable::Name);
    }
    name.truncate(NAME_BYTES_MAX);
    Ok(name)
}
