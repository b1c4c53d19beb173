//! The tokens of a text, byte for byte as PostgreSQL's `scan.l` finds them (and `base_yylex` for UESCAPE).
//!
//! Guarantees: every step moves forward; each byte is looked at a bounded number of times. Where server versions
//! differ (a number with trailing letters, a vertical tab), the text is split as the oldest one does: the newer ones
//! call it an error.
//!
//! Must not know: keywords, statements, encodings (the text is masked before).

use super::Conforming;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An unquoted identifier or keyword.
    Word,
    /// `"..."`
    Quoted,
    /// `U&"..."` with its escape character; 0 where the UESCAPE clause is not valid.
    UnicodeName(u8),
    Text(Style),
    Number,
    Param,
    Op,
    /// Any other single byte, also one that no statement may contain.
    Punct(u8),
}

/// How a string constant is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Escape,
    Unicode(u8),
    /// `B'...'` and `X'...'`
    Bits,
    Dollar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    /// End of the constant or identifier itself; `end` also covers a UESCAPE clause.
    pub(super) stop: usize,
    pub(super) end: usize,
}

/// Why lexing ended before the text did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// A quote or comment is open at the end: the server rejects the whole text.
    Unterminated,
    /// What follows depends on a mode that is not known.
    Ambiguous,
}

/// The run of operator characters that was scanned last. The server looks at a whole run anew for each token that it
/// cuts from it, which is quadratic for `+-+-+-`; we remember.
#[derive(Debug, Clone, Copy, Default)]
struct OpRun {
    end: usize,
    /// Start of the `+` and `-` at the end of the run.
    signs: usize,
    /// One past the last character that makes a trailing sign part of the operator.
    special_end: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    conforming: Conforming,
    run: OpRun,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8], at: usize, conforming: Conforming) -> Self {
        Self {
            text,
            at,
            conforming,
            run: OpRun::default(),
        }
    }

    /// The token that was found at `start` before. Who needs an earlier token keeps its position and asks again, for
    /// the reason given at `next_token`.
    pub(super) fn token_at(&self, start: usize) -> Option<Token> {
        Lexer::new(self.text, start, self.conforming)
            .next_token()
            .ok()
            .flatten()
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Inlined, as all that it calls for ordinary tokens: a token that goes through memory is written in parts and
    /// read at once, which stalls the processor for longer than the lexing takes.
    #[inline(always)]
    pub(super) fn next_token(&mut self) -> Result<Option<Token>, Halt> {
        let Some(token) = self.raw_token()? else {
            return Ok(None);
        };
        match token.kind {
            Kind::UnicodeName(_) | Kind::Text(Style::Unicode(_)) => self.with_escape(token).map(Some),
            _ => Ok(Some(token)),
        }
    }

    #[cold]
    fn with_escape(&mut self, mut token: Token) -> Result<Token, Halt> {
        if let Some(clause) = self.uescape()? {
            token.end = self.at;
            token.kind = match token.kind {
                Kind::UnicodeName(_) => Kind::UnicodeName(clause),
                _ => Kind::Text(Style::Unicode(clause)),
            };
        }
        Ok(token)
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn raw_token(&mut self) -> Result<Option<Token>, Halt> {
        self.skip_space()?;
        let start = self.at;
        let Some(&first) = self.text.get(start) else {
            return Ok(None);
        };
        let kind = if is_ident_start(first) {
            self.word_or_prefixed(first)?
        } else {
            match first {
                b'\'' => self.plain(start)?,
                b'"' => self.delimited(start, Kind::Quoted)?,
                b'0'..=b'9' => self.number(),
                b'$' => self.dollar()?,
                _ if is_op(first) => self.operator(),
                _ => {
                    self.at = start + 1;
                    Kind::Punct(first)
                }
            }
        };
        Ok(Some(Token {
            kind,
            start,
            stop: self.at,
            end: self.at,
        }))
    }

    /// Moves over white space and comments.
    #[inline(always)]
    fn skip_space(&mut self) -> Result<(), Halt> {
        loop {
            match self.byte(self.at) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'-' if self.byte(self.at + 1) == b'-' => self.at = self.line_end(self.at),
                b'/' if self.byte(self.at + 1) == b'*' => self.block_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        from + rest
            .iter()
            .position(|b| matches!(b, b'\n' | b'\r'))
            .unwrap_or(rest.len())
    }

    fn block_comment(&mut self) -> Result<(), Halt> {
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err(Halt::Unterminated)
    }

    #[inline(always)]
    fn word_or_prefixed(&mut self, first: u8) -> Result<Kind, Halt> {
        let start = self.at;
        let second = self.byte(start + 1);
        match (first | 0x20, second) {
            (b'e', b'\'') => return self.string(start + 1, Style::Escape),
            (b'b' | b'x', b'\'') => return self.string(start + 1, Style::Bits),
            (b'u', b'&') => match self.byte(start + 2) {
                b'\'' => return self.string(start + 2, Style::Unicode(b'\\')),
                b'"' => return self.delimited(start + 2, Kind::UnicodeName(b'\\')),
                _ => {}
            },
            // N'...' is the word NCHAR and a plain constant, so it ends up as a word here.
            _ => {}
        }
        let rest = self.text.get(start..).unwrap_or_default();
        self.at = start + rest.iter().position(|&b| !is_ident_cont(b)).unwrap_or(rest.len());
        Ok(Kind::Word)
    }

    fn plain(&mut self, quote: usize) -> Result<Kind, Halt> {
        match self.conforming {
            Conforming::Off => self.string(quote, Style::Escape),
            Conforming::On | Conforming::Unknown => self.string(quote, Style::Plain),
        }
    }

    /// A constant in single quotes, opened at `quote`, with the pieces that continue it on later lines.
    fn string(&mut self, quote: usize, style: Style) -> Result<Kind, Halt> {
        self.at = quote + 1;
        loop {
            match self.byte(self.at) {
                b'\'' if self.byte(self.at + 1) == b'\'' && style != Style::Bits => self.at += 2,
                b'\'' => {
                    self.at += 1;
                    match self.continuation() {
                        Some(inside) => self.at = inside,
                        None => return Ok(Kind::Text(style)),
                    }
                }
                b'\\' if style == Style::Escape => self.at += 2,
                b'\\' if style == Style::Plain && self.conforming == Conforming::Unknown => {
                    return Err(Halt::Ambiguous);
                }
                _ if self.at >= self.text.len() => return Err(Halt::Unterminated),
                _ => self.at += 1,
            }
        }
    }

    /// Where the text goes on inside the same constant: white space with at least one line end, line comments
    /// between, then a quote.
    fn continuation(&self) -> Option<usize> {
        let mut at = self.at;
        let mut newline = false;
        loop {
            match self.byte(at) {
                b'\n' | b'\r' => {
                    newline = true;
                    at += 1;
                }
                b' ' | b'\t' | 0x0b | 0x0c => at += 1,
                b'-' if self.byte(at + 1) == b'-' => at = self.line_end(at),
                b'\'' if newline => return Some(at + 1),
                _ => return None,
            }
        }
    }

    fn delimited(&mut self, quote: usize, kind: Kind) -> Result<Kind, Halt> {
        self.at = quote + 1;
        loop {
            match self.byte(self.at) {
                b'"' if self.byte(self.at + 1) == b'"' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Ok(kind);
                }
                _ if self.at >= self.text.len() => return Err(Halt::Unterminated),
                _ => self.at += 1,
            }
        }
    }

    fn digits(&mut self) {
        while self.byte(self.at).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Kind {
        self.digits();
        if self.byte(self.at) == b'.' && self.byte(self.at + 1) != b'.' {
            self.at += 1;
            self.digits();
        }
        if self.byte(self.at) | 0x20 == b'e' {
            let sign = usize::from(matches!(self.byte(self.at + 1), b'+' | b'-'));
            if self.byte(self.at + 1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits();
            }
        }
        Kind::Number
    }

    fn dollar(&mut self) -> Result<Kind, Halt> {
        let start = self.at;
        self.at += 1;
        if self.byte(self.at).is_ascii_digit() {
            self.digits();
            return Ok(Kind::Param);
        }
        let Some(tag) = dollar_tag(self.text, start) else {
            return Ok(Kind::Punct(b'$'));
        };
        let body = start + tag.len();
        let found = self.text.get(body..).and_then(|rest| find_tag(rest, tag));
        self.at = body + found.ok_or(Halt::Unterminated)? + tag.len();
        Ok(Kind::Text(Style::Dollar))
    }

    fn operator(&mut self) -> Kind {
        let start = self.at;
        if start >= self.run.end {
            self.run = self.scan_run(start);
        }
        let run = self.run;
        // A trailing sign belongs to an operator only if the operator holds a character that SQL's own do not.
        let whole = run.signs == run.end || run.special_end > start;
        self.at = if whole { run.end } else { run.signs.max(start + 1) };
        Kind::Op
    }

    fn scan_run(&self, start: usize) -> OpRun {
        let mut run = OpRun {
            end: start,
            signs: start,
            special_end: 0,
        };
        while is_op(self.byte(run.end)) {
            let byte = self.byte(run.end);
            let next = self.byte(run.end + 1);
            if (byte == b'-' && next == b'-') || (byte == b'/' && next == b'*') {
                break;
            }
            run.end += 1;
            if !matches!(byte, b'+' | b'-') {
                run.signs = run.end;
            }
            if matches!(
                byte,
                b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%'
            ) {
                run.special_end = run.end;
            }
        }
        run
    }

    /// `UESCAPE 'c'` behind a Unicode constant or name: moves over it and gives the character, 0 if it is not valid.
    fn uescape(&mut self) -> Result<Option<u8>, Halt> {
        let mut ahead = self.clone();
        ahead.skip_space()?;
        let word = ahead.text.get(ahead.at..ahead.at + 7).unwrap_or_default();
        if !word.eq_ignore_ascii_case(b"uescape") || is_ident_cont(ahead.byte(ahead.at + 7)) {
            return Ok(None);
        }
        ahead.at += 7;
        let Some(token) = ahead.raw_token()? else {
            return Ok(Some(0));
        };
        let Kind::Text(style @ (Style::Plain | Style::Escape | Style::Dollar)) = token.kind else {
            return Ok(Some(0));
        };
        self.at = ahead.at;
        let escape = super::literal::resolve(self.text, &token, style).unwrap_or_default();
        Ok(Some(match escape.as_slice() {
            [c] if !c.is_ascii_hexdigit() && !b"+'\" \t\n\r\x0b\x0c".contains(c) && c.is_ascii() => *c,
            _ => 0,
        }))
    }
}

/// The opening `$tag$` at `start`, if there is one.
pub(super) fn dollar_tag(text: &[u8], start: usize) -> Option<&[u8]> {
    let inner = text.get(start + 1..)?;
    let length = inner
        .iter()
        .position(|&b| !is_ident_start(b) && !b.is_ascii_digit())?;
    let digit_first = inner.first().is_some_and(u8::is_ascii_digit);
    (inner.get(length) == Some(&b'$') && !digit_first).then(|| text.get(start..start + length + 2))?
}

fn find_tag(text: &[u8], tag: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + rest.iter().position(|&b| b == b'$')?;
        if text.get(at..)?.starts_with(tag) {
            return Some(at);
        }
        from = at + 1;
    }
}

pub(super) fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) fn is_ident_cont(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_op(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}
