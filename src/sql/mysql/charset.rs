//! Character sets of a client's texts, as far as lexing is concerned.
//!
//! The server lexes a text in `character_set_client`, byte by byte, and skips a later byte of a character only where the
//! whole character is valid. A backslash takes the *byte* behind it, also the first one of a character. So nothing can be
//! masked beforehand: the lexer asks at each byte what the server would.
//!
//! Guarantees: measured with every byte above ASCII, in every character set that either server lists.
//!
//! Must not know: what the characters mean.

/// How the bytes above ASCII behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Every byte above ASCII belongs to an identifier. Encodings whose later bytes can be ASCII letters (euckr) or are
    /// always above ASCII (ujis, gb2312) are among these: neither can end a quote.
    Utf8,
    /// One byte a character. The byte above ASCII that is white space, if there is one; after `--` others may count as
    /// control characters.
    SingleByte(Option<u8>),
    Gbk,
    /// sjis and cp932.
    Sjis,
    Big5,
    Gb18030,
    /// May have changed, or is not known to us. ASCII is read all the same.
    Unknown,
}

const NO_BREAK: Option<u8> = Some(0xa0);

impl Charset {
    /// From the value of `character_set_client`.
    pub fn from_name(name: &[u8]) -> Self {
        match name.to_ascii_lowercase().as_slice() {
            b"utf8" | b"utf8mb3" | b"utf8mb4" | b"ujis" | b"eucjpms" | b"euckr" | b"gb2312" => Self::Utf8,
            b"gbk" => Self::Gbk,
            b"sjis" | b"cp932" => Self::Sjis,
            b"big5" => Self::Big5,
            b"gb18030" => Self::Gb18030,
            b"latin1" | b"latin2" | b"latin5" | b"latin7" | b"cp1250" | b"greek" | b"hebrew"
            | b"armscii8" | b"geostd8" | b"dec8" => Self::SingleByte(NO_BREAK),
            b"cp852" | b"cp866" | b"keybcs2" => Self::SingleByte(Some(0xff)),
            b"ascii" | b"binary" | b"koi8r" | b"koi8u" | b"tis620" | b"cp850" | b"cp1251" | b"cp1256"
            | b"cp1257" | b"hp8" | b"macce" | b"macroman" => Self::SingleByte(None),
            // swe7 has letters in the place of ASCII's brackets; the wide ones cannot be a client's.
            _ => Self::Unknown,
        }
    }

    /// From the number of a collation, as the login and COM_CHANGE_USER have it.
    pub fn from_collation(id: u16) -> Self {
        // MariaDB's collations without padding are the others' plus 1024.
        let base = if (1025..=1270).contains(&id) {
            id - 1024
        } else {
            id
        };
        let name: &[u8] = match base {
            1 | 84 => b"big5",
            2 | 9 | 21 | 27 | 77 => b"latin2",
            3 | 69 => b"dec8",
            4 | 80 => b"cp850",
            5 | 8 | 15 | 31 | 47..=49 | 94 => b"latin1",
            6 | 72 => b"hp8",
            7 | 74 => b"koi8r",
            11 | 65 => b"ascii",
            12 | 91 => b"ujis",
            13 | 88 => b"sjis",
            14 | 23 | 50..=52 => b"cp1251",
            16 | 71 => b"hebrew",
            18 | 89 => b"tis620",
            19 | 85 => b"euckr",
            20 | 41 | 42 | 79 => b"latin7",
            22 | 75 => b"koi8u",
            24 | 86 => b"gb2312",
            25 | 70 => b"greek",
            26 | 34 | 44 | 66 | 99 => b"cp1250",
            28 | 87 => b"gbk",
            29 | 58 | 59 => b"cp1257",
            30 | 78 => b"latin5",
            32 | 64 => b"armscii8",
            33 | 76 | 83 | 192..=215 | 223 => b"utf8mb3",
            36 | 68 => b"cp866",
            37 | 73 => b"keybcs2",
            38 | 43 => b"macce",
            39 | 53 => b"macroman",
            40 | 81 => b"cp852",
            45 | 46 | 224..=247 | 255..=323 => b"utf8mb4",
            57 | 67 => b"cp1256",
            63 => b"binary",
            92 | 93 => b"geostd8",
            95 | 96 => b"cp932",
            97 | 98 => b"eucjpms",
            248..=250 => b"gb18030",
            _ if (576..=578).contains(&id) => b"utf8mb3",
            _ if (608..=610).contains(&id) => b"utf8mb4",
            _ => b"",
        };
        Self::from_name(name)
    }

    /// Bytes of the valid character of several bytes that `rest` starts with; 1 if it starts with none.
    pub(super) fn char_bytes(self, rest: &[u8]) -> usize {
        let at = |i: usize| rest.get(i).copied().unwrap_or(0);
        let (first, second) = (at(0), at(1));
        if first < 0x80 {
            return 1;
        }
        let pair = match self {
            Self::Utf8 | Self::SingleByte(_) | Self::Unknown => false,
            Self::Gbk => matches!(first, 0x81..=0xfe) && matches!(second, 0x40..=0x7e | 0x80..=0xfe),
            Self::Sjis => {
                matches!(first, 0x81..=0x9f | 0xe0..=0xfc) && matches!(second, 0x40..=0x7e | 0x80..=0xfc)
            }
            Self::Big5 => matches!(first, 0xa1..=0xf9) && matches!(second, 0x40..=0x7e | 0xa1..=0xfe),
            Self::Gb18030 => {
                let digit = |b: u8| b.is_ascii_digit();
                if matches!(first, 0x81..=0xfe)
                    && digit(second)
                    && matches!(at(2), 0x81..=0xfe)
                    && digit(at(3))
                {
                    return 4;
                }
                matches!(first, 0x81..=0xfe) && matches!(second, 0x40..=0x7e | 0x80..=0xfe)
            }
        };
        if pair { 2 } else { 1 }
    }

    pub(super) fn is_space(self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t'..=b'\r') || self == Self::SingleByte(Some(byte))
    }
}
