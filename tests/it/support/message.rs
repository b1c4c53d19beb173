//! What a PostgreSQL server sends: one message, and the replies up to the next ReadyForQuery.
//!
//! Decoding here is independent of lull's own codecs, on purpose.

use std::fmt;

/// A message as it stood on the wire, without its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub tag: u8,
    pub body: Vec<u8>,
}

impl Message {
    /// A field of an ErrorResponse or NoticeResponse: `C` the SQLSTATE, `M` the sentence, `S`/`V` severity, `D` detail, `H` hint.
    pub fn field(&self, code: u8) -> Option<&str> {
        if !matches!(self.tag, b'E' | b'N') {
            return None;
        }
        let field = self
            .body
            .split(|&byte| byte == 0)
            .find(|field| field.first() == Some(&code))?;
        std::str::from_utf8(&field[1..]).ok()
    }

    /// The columns of a DataRow; `None` is NULL.
    pub fn columns(&self) -> Vec<Option<Vec<u8>>> {
        assert_eq!(self.tag, b'D', "{self:?} is no DataRow");
        let mut rest = &self.body[2..];
        let mut columns = Vec::new();
        while !rest.is_empty() {
            let length = i32::from_be_bytes(rest[..4].try_into().expect("four bytes"));
            rest = &rest[4..];
            columns.push(usize::try_from(length).ok().map(|length| {
                let (value, behind) = rest.split_at(length);
                rest = behind;
                value.to_vec()
            }));
        }
        columns
    }

    /// The strings of a body, cut at the zero bytes: CommandComplete, ParameterStatus.
    pub fn strings(&self) -> Vec<String> {
        let text = self.body.strip_suffix(b"\0").unwrap_or(&self.body);
        text.split(|&byte| byte == 0)
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect()
    }

    /// Name and value of a ParameterStatus.
    pub fn parameter(&self) -> Option<(String, String)> {
        let mut strings = (self.tag == b'S').then(|| self.strings())?.into_iter();
        Some((strings.next()?, strings.next()?))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"", char::from(self.tag))?;
        let shown = &self.body[..self.body.len().min(300)];
        write!(f, "{}", shown.escape_ascii())?;
        write!(f, "\"{}", if shown.len() < self.body.len() { "..." } else { "" })
    }
}

/// Everything that came, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct Replies(pub Vec<Message>);

impl Replies {
    /// The tags in order: `"1tTDCZ"`-like, for comparing shapes.
    pub fn tags(&self) -> String {
        self.0.iter().map(|message| char::from(message.tag)).collect()
    }

    pub fn first(&self, tag: u8) -> Option<&Message> {
        self.0.iter().find(|message| message.tag == tag)
    }

    pub fn errors(&self) -> Vec<&Message> {
        self.0.iter().filter(|message| message.tag == b'E').collect()
    }

    pub fn error(&self) -> Option<&Message> {
        self.first(b'E')
    }

    /// SQLSTATE of the first error.
    pub fn error_code(&self) -> Option<&str> {
        self.error()?.field(b'C')
    }

    /// Sentence of the first error.
    pub fn error_message(&self) -> Option<&str> {
        self.error()?.field(b'M')
    }

    /// Every CommandComplete.
    pub fn commands(&self) -> Vec<String> {
        let complete = self.0.iter().filter(|message| message.tag == b'C');
        complete.map(|message| message.strings().remove(0)).collect()
    }

    /// All rows as text, NULL as `"NULL"`.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let text = |value: Option<Vec<u8>>| {
            value.map_or_else(
                || "NULL".to_owned(),
                |bytes| String::from_utf8_lossy(&bytes).into_owned(),
            )
        };
        let rows = self.0.iter().filter(|message| message.tag == b'D');
        rows.map(|row| row.columns().into_iter().map(text).collect())
            .collect()
    }

    /// The first column of the first row.
    pub fn value(&self) -> Option<String> {
        let bytes = self.first(b'D')?.columns().into_iter().next()??;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Changes of parameters that were announced, in order.
    pub fn parameters(&self) -> Vec<(String, String)> {
        self.0.iter().filter_map(Message::parameter).collect()
    }

    /// Transaction status in the last ReadyForQuery: `I`, `T` or `E`.
    pub fn status(&self) -> Option<char> {
        let ready = self.0.iter().rev().find(|message| message.tag == b'Z')?;
        ready.body.first().copied().map(char::from)
    }

    /// Panics, with everything that came, if there was an error.
    #[track_caller]
    pub fn expect_success(self, what: &str) -> Self {
        assert!(self.error().is_none(), "{what}: {self:?}");
        self
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}
