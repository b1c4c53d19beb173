//! The tokens of a text, byte for byte as the server's `lex_one_token` finds them.
//!
//! Guarantees: every step moves forward; each byte is looked at a bounded number of times. The bodies of executable
//! comments come out as tokens like any other, if this server would run them. Operators are single bytes, except where
//! more would hide a word.
//!
//! Must not know: keywords, statements. Where a statement ends matters all the same: an executable comment does not
//! reach over a semicolon, since the server lexes the next statement anew.

use super::{Charset, Dialect, Flavor, Unlexable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An unquoted identifier or keyword.
    Word,
    /// An unquoted identifier directly behind a dot or `@@`: never a keyword.
    Name,
    /// In backticks, or in double quotes with ANSI_QUOTES.
    Quoted,
    /// A string constant, also one that starts with N or stands between `$tag$`.
    Text,
    /// `0x..`, `x'..'`, `0b..`, `b'..'`
    Bits,
    Number,
    /// `@name` in any spelling.
    UserVariable,
    /// `@@`
    System,
    /// `:=`
    Assign,
    /// `\N`
    Null,
    /// Any other single byte.
    Punct(u8),
}

/// Texts above 4 GiB are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    dialect: Dialect,
    /// Inside an executable comment.
    executable: bool,
    /// The last token was an identifier that ended here: a dot here belongs to it.
    identifier_end: usize,
    /// An identifier must follow here (behind `.` or `@@`).
    name_at: usize,
}

const NOWHERE: usize = usize::MAX;

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8], dialect: Dialect) -> Self {
        Self {
            text,
            at: 0,
            dialect,
            executable: false,
            identifier_end: NOWHERE,
            name_at: NOWHERE,
        }
    }

    pub(super) fn next_token(&mut self) -> Result<Option<Token>, Unlexable> {
        self.skip_space()?;
        let start = self.at;
        let Some(&first) = self.text.get(start) else {
            return if self.executable {
                Err(Unlexable::Open)
            } else {
                Ok(None)
            };
        };
        let kind = self.token(first)?;
        if matches!(kind, Kind::Word | Kind::Name | Kind::Quoted) {
            self.identifier_end = self.at;
        }
        if kind == Kind::Punct(b';') {
            self.executable = false;
        }
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(self.at)) else {
            return Err(Unlexable::TooMuch);
        };
        Ok(Some(Token { kind, start, end }))
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn rest(&self, at: usize) -> &'a [u8] {
        self.text.get(at..).unwrap_or_default()
    }

    fn token(&mut self, first: u8) -> Result<Kind, Unlexable> {
        if self.at == self.name_at && self.is_ident(self.at)? {
            self.identifier()?;
            return Ok(Kind::Name);
        }
        if first == b'$'
            && let Some(tag) = self.dollar_tag()?
        {
            return self.dollar_quoted(tag);
        }
        let second = self.byte(self.at + 1);
        match first {
            b'\'' => self.quoted(self.at, true).map(|()| Kind::Text),
            b'"' if self.dialect.modes.ansi_quotes => self.quoted(self.at, false).map(|()| Kind::Quoted),
            b'"' => self.quoted(self.at, true).map(|()| Kind::Text),
            b'`' => self.quoted(self.at, false).map(|()| Kind::Quoted),
            b'n' | b'N' if second == b'\'' => self.quoted(self.at + 1, true).map(|()| Kind::Text),
            b'x' | b'X' | b'b' | b'B' if second == b'\'' => self.bits(first | 0x20),
            b'0'..=b'9' => self.number(),
            b'.' => Ok(self.dot(second)),
            b'@' => self.at_sign(second),
            b':' if second == b'=' => Ok(self.take(2, Kind::Assign)),
            b'\\' if second == b'N' => Ok(self.take(2, Kind::Null)),
            0 => Err(Unlexable::Nul),
            _ if self.is_ident(self.at)? => {
                self.identifier()?;
                Ok(Kind::Word)
            }
            _ => Ok(self.take(1, Kind::Punct(first))),
        }
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Kind {
        self.at += bytes;
        kind
    }

    fn skip_space(&mut self) -> Result<(), Unlexable> {
        loop {
            let (first, second) = (self.byte(self.at), self.byte(self.at + 1));
            match first {
                _ if self.at >= self.text.len() => return Ok(()),
                _ if self.dialect.charset.is_space(first) => self.at += 1,
                b'#' => self.line_comment()?,
                b'-' if second == b'-' && self.opens_comment(self.at + 2)? => self.line_comment()?,
                b'/' if second == b'*' => self.block_comment()?,
                b'*' if second == b'/' && self.executable => {
                    self.executable = false;
                    self.at += 2;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Two dashes open a comment only before white space, a control character or the end.
    fn opens_comment(&self, at: usize) -> Result<bool, Unlexable> {
        let Some(&byte) = self.text.get(at) else {
            return Ok(true);
        };
        match self.dialect.charset {
            // Which bytes are control characters differs from one to the next.
            Charset::SingleByte(_) | Charset::Unknown if byte >= 0x80 => Err(Unlexable::Charset),
            charset => Ok(charset.is_space(byte) || byte.is_ascii_control()),
        }
    }

    fn line_comment(&mut self) -> Result<(), Unlexable> {
        let rest = self.rest(self.at);
        let bytes = rest
            .iter()
            .position(|&b| b == b'\n' || b == 0)
            .unwrap_or(rest.len());
        if rest.get(bytes) == Some(&0) {
            return Err(Unlexable::Nul);
        }
        self.at += bytes;
        Ok(())
    }

    /// A comment that opens here: skipped, or entered if the server would run its body.
    fn block_comment(&mut self) -> Result<(), Unlexable> {
        let mariadb_only = self.rest(self.at).starts_with(b"/*M!") && self.dialect.flavor == Flavor::MariaDb;
        if !mariadb_only && self.byte(self.at + 2) != b'!' {
            self.at += 2;
            return self.skip_comment(false);
        }
        self.at += if mariadb_only { 4 } else { 3 };
        let digits = self.version_digits();
        if digits > 0 {
            let version = self
                .rest(self.at)
                .iter()
                .take(digits)
                .fold(0, |sum, b| sum * 10 + u32::from(b - b'0'));
            if !self.dialect.runs_comment(version, mariadb_only) {
                return self.skip_comment(true);
            }
            self.at += digits;
        }
        self.executable = true;
        Ok(())
    }

    /// Digits of the version number here: five, or six if they are meant as six; 0 if there is no version.
    fn version_digits(&self) -> usize {
        let digits = self
            .rest(self.at)
            .iter()
            .take(6)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let spaced = self.dialect.charset.is_space(self.byte(self.at + 6));
        match (digits, self.dialect.flavor) {
            (6, Flavor::MariaDb) => 6,
            (6, Flavor::MySql) if spaced => 6,
            (5 | 6, _) => 5,
            _ => 0,
        }
    }

    /// Moves behind the end of a comment. One that is skipped for its version may hold one level of others.
    fn skip_comment(&mut self, nests: bool) -> Result<(), Unlexable> {
        let mut inner = false;
        while self.at < self.text.len() {
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (b'/', b'*') if nests && !inner => {
                    inner = true;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    self.at += 2;
                    if !inner {
                        return Ok(());
                    }
                    inner = false;
                }
                _ => self.at += 1,
            }
        }
        Err(Unlexable::Open)
    }

    /// Whether the byte here belongs to an identifier.
    fn is_ident(&self, at: usize) -> Result<bool, Unlexable> {
        let byte = self.byte(at);
        if byte < 0x80 {
            return Ok(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$');
        }
        match self.dialect.charset {
            Charset::Unknown => Err(Unlexable::Charset),
            charset => Ok(!charset.is_space(byte)),
        }
    }

    fn identifier(&mut self) -> Result<(), Unlexable> {
        while self.at < self.text.len() && self.is_ident(self.at)? {
            self.at += self.dialect.charset.char_bytes(self.rest(self.at));
        }
        Ok(())
    }

    /// A constant or name in quotes, the quote standing at `open`.
    fn quoted(&mut self, open: usize, constant: bool) -> Result<(), Unlexable> {
        let quote = self.byte(open);
        let escapes = constant && !self.dialect.modes.no_backslash_escapes;
        self.at = open + 1;
        while let Some(&byte) = self.text.get(self.at) {
            if byte >= 0x80 {
                if self.dialect.charset == Charset::Unknown {
                    return Err(Unlexable::Charset);
                }
                self.at += self.dialect.charset.char_bytes(self.rest(self.at));
            } else if byte == quote && self.byte(self.at + 1) == quote {
                self.at += 2;
            } else if byte == quote {
                self.at += 1;
                return Ok(());
            } else if byte == b'\\' && escapes {
                self.at += 2;
            } else if byte == 0 && !constant {
                return Err(Unlexable::Nul);
            } else {
                self.at += 1;
            }
        }
        self.at = self.text.len();
        Err(Unlexable::Open)
    }

    /// The `$tag$` that opens here, if one does and the server knows such constants (MySQL since 8.1).
    fn dollar_tag(&self) -> Result<Option<&'a [u8]>, Unlexable> {
        if self.dialect.flavor == Flavor::MariaDb || self.dialect.version < 80_100 {
            return Ok(None);
        }
        let mut end = self.at + 1;
        while end < self.text.len() && self.byte(end) != b'$' && self.is_ident(end)? {
            end += self.dialect.charset.char_bytes(self.rest(end));
        }
        let tag = self.text.get(self.at..=end);
        Ok(tag.filter(|tag| tag.len() > 1 && tag.ends_with(b"$")))
    }

    /// Moves behind the next `tag`. The server looks for it without ever going back, so it misses one that starts inside
    /// what looked like another: a text where that would matter is not read.
    fn dollar_quoted(&mut self, tag: &[u8]) -> Result<Kind, Unlexable> {
        let body = self.rest(self.at + tag.len());
        let mut matched = 0;
        let without_going_back = body.iter().position(|byte| {
            matched = if tag.get(matched) == Some(byte) {
                matched + 1
            } else {
                0
            };
            matched == tag.len()
        });
        let end = without_going_back.ok_or(Unlexable::Open)? + 1;
        let head = body.get(..end - 1).unwrap_or_default();
        // It would have been missed only behind another dollar sign.
        let closed_before = head
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'$')
            .any(|(at, _)| head.get(at..).is_some_and(|rest| rest.starts_with(tag)));
        if closed_before {
            return Err(Unlexable::Token);
        }
        self.at += tag.len() + end;
        Ok(Kind::Text)
    }

    /// `x'...'` or `b'...'`: digits only.
    fn bits(&mut self, kind: u8) -> Result<Kind, Unlexable> {
        let digit = |b: &u8| {
            if kind == b'x' {
                b.is_ascii_hexdigit()
            } else {
                matches!(b, b'0' | b'1')
            }
        };
        let open = self.at + 2;
        let digits = self.rest(open).iter().take_while(|&b| digit(b)).count();
        self.at = open + digits + 1;
        if self.byte(self.at - 1) == b'\'' {
            Ok(Kind::Bits)
        } else {
            Err(Unlexable::Token)
        }
    }

    /// A number, or an identifier that starts like one.
    fn number(&mut self) -> Result<Kind, Unlexable> {
        let start = self.at;
        let skip = |from: usize, digit: fn(&u8) -> bool| {
            from + self.rest(from).iter().take_while(|&b| digit(b)).count()
        };
        let prefix = self.byte(start + 1);
        if self.byte(start) == b'0' && matches!(prefix, b'x' | b'b') {
            let digit: fn(&u8) -> bool = if prefix == b'x' {
                u8::is_ascii_hexdigit
            } else {
                |b| matches!(b, b'0' | b'1')
            };
            let end = skip(start + 2, digit);
            if end > start + 2 && !self.is_ident(end)? {
                self.at = end;
                return Ok(Kind::Bits);
            }
            self.identifier()?;
            return Ok(Kind::Name);
        }
        let mut end = skip(start, u8::is_ascii_digit);
        if self.is_ident(end)? {
            let signed = end + 1 + usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
            if self.byte(end) | 0x20 == b'e' && self.byte(signed).is_ascii_digit() {
                self.at = skip(signed, u8::is_ascii_digit);
                return Ok(Kind::Number);
            }
            self.identifier()?;
            return Ok(Kind::Name);
        }
        if self.byte(end) == b'.' && (self.byte(end + 1) != b'.' || self.dialect.flavor == Flavor::MySql) {
            end = self.fraction(end + 1);
        }
        self.at = end;
        Ok(Kind::Number)
    }

    /// End of the digits and the exponent behind a decimal point.
    fn fraction(&self, from: usize) -> usize {
        let digits = |from: usize| from + self.rest(from).iter().take_while(|b| b.is_ascii_digit()).count();
        let end = digits(from);
        let signed = end + 1 + usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
        if self.byte(end) | 0x20 == b'e' && self.byte(signed).is_ascii_digit() {
            digits(signed)
        } else {
            end
        }
    }

    fn dot(&mut self, second: u8) -> Kind {
        if second.is_ascii_digit() && self.identifier_end != self.at {
            self.at = self.fraction(self.at + 1);
            return Kind::Number;
        }
        self.name_at = self.at + 1;
        self.take(1, Kind::Punct(b'.'))
    }

    fn at_sign(&mut self, second: u8) -> Result<Kind, Unlexable> {
        match second {
            b'@' => {
                self.name_at = self.at + 2;
                Ok(self.take(2, Kind::System))
            }
            b'`' => self.quoted(self.at + 1, false).map(|()| Kind::UserVariable),
            b'"' => {
                let constant = !self.dialect.modes.ansi_quotes;
                self.quoted(self.at + 1, constant).map(|()| Kind::UserVariable)
            }
            b'\'' => self.quoted(self.at + 1, true).map(|()| Kind::UserVariable),
            _ => {
                self.at += 1;
                while self.at < self.text.len() && (self.byte(self.at) == b'.' || self.is_ident(self.at)?) {
                    self.at += 1;
                }
                Ok(Kind::UserVariable)
            }
        }
    }
}
