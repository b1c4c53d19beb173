//! Character borders of the client encodings whose later bytes may be ASCII.
//!
//! The server converts a message to its own encoding before it lexes, and no server encoding has ASCII bytes inside a
//! character. To read what the server will read, the bytes of every such character are replaced by [`MASK`] first:
//! same length, so positions stay true, and an identifier byte as every byte above ASCII is. A broken sequence makes
//! the server refuse the whole message, so how it is masked does not matter.
//!
//! Must not know: what the characters mean.

use std::borrow::Cow;

use super::Unlexable;

/// Stands for a byte of a character outside ASCII in a masked text.
pub(super) const MASK: u8 = 0xff;

/// Characters of SHIFT_JIS_2004 that a server with UTF8 turns into a backslash and a tilde (measured over all
/// two-byte characters of every encoding: these two are the only ones).
const CONVERTED: &[&[u8]] = &[&[0x81, 0x5f], &[0x81, 0xb0]];

/// How a client encoding behaves, as far as lexing is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Every byte of a character outside ASCII is outside ASCII itself (UTF8, LATIN1, EUC_JP, ...).
    Safe,
    Sjis,
    ShiftJis2004,
    Big5,
    Gbk,
    Uhc,
    Gb18030,
    Johab,
    /// May have changed, or is not known to us.
    Unknown,
}

impl Encoding {
    /// From the value of `client_encoding` as the server reports it or a client writes it.
    pub fn from_name(name: &[u8]) -> Self {
        let key: Vec<u8> = name
            .iter()
            .filter(|b| b.is_ascii_alphanumeric())
            .map(u8::to_ascii_lowercase)
            .collect();
        match key.as_slice() {
            b"sjis" | b"mskanji" | b"shiftjis" | b"win932" | b"windows932" => Self::Sjis,
            b"shiftjis2004" => Self::ShiftJis2004,
            b"big5" | b"win950" | b"windows950" => Self::Big5,
            b"gbk" | b"win936" | b"windows936" => Self::Gbk,
            b"uhc" | b"win949" | b"windows949" => Self::Uhc,
            b"gb18030" => Self::Gb18030,
            b"johab" => Self::Johab,
            key if is_safe(key) => Self::Safe,
            _ => Self::Unknown,
        }
    }

    /// Bytes of the character that starts with `first`, a byte above ASCII; at least one.
    fn char_bytes(self, first: u8, second: u8) -> usize {
        match self {
            Self::Sjis | Self::ShiftJis2004 if (0xa1..=0xdf).contains(&first) => 1,
            Self::Gb18030 if second.is_ascii_digit() => 4,
            _ => 2,
        }
    }

    /// The text as the server will see it, apart from the identity of characters outside ASCII.
    pub(super) fn mask(self, text: &[u8]) -> Result<Cow<'_, [u8]>, Unlexable> {
        if self == Self::Safe || text.is_ascii() {
            return Ok(Cow::Borrowed(text));
        }
        if matches!(self, Self::Johab | Self::Unknown) {
            return Err(Unlexable::Encoding);
        }
        let mut masked = text.to_vec();
        let mut rest = masked.as_mut_slice();
        while let Some(at) = rest.iter().position(|b| !b.is_ascii()) {
            let (_, tail) = rest.split_at_mut(at);
            let first = tail.first().copied().unwrap_or(MASK);
            let second = tail.get(1).copied().unwrap_or(MASK);
            let bytes = self.char_bytes(first, second).min(tail.len());
            let (character, after) = tail.split_at_mut(bytes);
            if self == Self::ShiftJis2004 && CONVERTED.contains(&&*character) {
                return Err(Unlexable::Converted);
            }
            character.fill(MASK);
            rest = after;
        }
        Ok(Cow::Owned(masked))
    }
}

fn is_safe(key: &[u8]) -> bool {
    const SAFE: &[&[u8]] = &[
        b"abc",
        b"alt",
        b"euccn",
        b"eucjis2004",
        b"eucjp",
        b"euckr",
        b"euctw",
        b"koi8",
        b"koi8r",
        b"koi8u",
        b"muleinternal",
        b"sqlascii",
        b"tcvn",
        b"tcvn5712",
        b"unicode",
        b"utf8",
        b"vscii",
        b"win",
        b"win1250",
        b"win1251",
        b"win1252",
        b"win1253",
        b"win1254",
        b"win1255",
        b"win1256",
        b"win1257",
        b"win1258",
        b"win866",
        b"win874",
    ];
    let numbered = |prefix: &[u8]| {
        key.strip_prefix(prefix)
            .is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
    };
    SAFE.contains(&key)
        || numbered(b"latin")
        || numbered(b"iso8859")
        || numbered(b"windows125")
        || matches!(key, b"windows866" | b"windows874")
}
