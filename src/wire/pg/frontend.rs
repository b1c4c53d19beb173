//! Messages from the client (manual: "Message Formats"): the ones that lull reads in a lull, and the ones that it
//! sends upstream itself.

use super::{frame::HEADER_BYTES, startup::cstr};

pub const BIND: u8 = b'B';
pub const CLOSE: u8 = b'C';
pub const COPY_DATA: u8 = b'd';
pub const COPY_DONE: u8 = b'c';
pub const COPY_FAIL: u8 = b'f';
pub const DESCRIBE: u8 = b'D';
pub const EXECUTE: u8 = b'E';
pub const FLUSH: u8 = b'H';
pub const FUNCTION_CALL: u8 = b'F';
pub const PARSE: u8 = b'P';
pub const QUERY: u8 = b'Q';
pub const SYNC: u8 = b'S';
pub const TERMINATE: u8 = b'X';

/// A body that does not have the form of its message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of type {0:?} is malformed")]
pub struct Malformed(pub char);

/// Query: the text.
pub fn query(body: &[u8]) -> Result<&[u8], Malformed> {
    match cstr(body) {
        Some((text, [])) => Ok(text),
        _ => Err(Malformed('Q')),
    }
}

/// What a Parse says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parse<'a> {
    pub name: &'a [u8],
    pub text: &'a [u8],
    /// The object ids of the parameters' types, as they came: a count and four bytes each.
    types: &'a [u8],
}

impl Parse<'_> {
    /// The types that the client names; 0 leaves one to the server.
    pub fn types(&self) -> impl Iterator<Item = u32> + '_ {
        let oids = self.types.get(2..).unwrap_or_default();
        oids.as_chunks::<4>().0.iter().map(|oid| u32::from_be_bytes(*oid))
    }
}

/// Parse: the statement's name, the text, the parameters' types.
pub fn parse(body: &[u8]) -> Result<Parse<'_>, Malformed> {
    let (name, rest) = cstr(body).ok_or(Malformed('P'))?;
    let (text, types) = cstr(rest).ok_or(Malformed('P'))?;
    Ok(Parse { name, text, types })
}

/// Bind: the portal's name, then the statement's.
pub fn bind(body: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (portal, rest) = cstr(body).ok_or(Malformed('B'))?;
    let (statement, _values) = cstr(rest).ok_or(Malformed('B'))?;
    Ok((portal, statement))
}

/// Execute: the portal's name.
pub fn execute(body: &[u8]) -> Result<&[u8], Malformed> {
    cstr(body).map(|(portal, _rows_max)| portal).ok_or(Malformed('E'))
}

/// What a Close or Describe names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    Statement(&'a [u8]),
    Portal(&'a [u8]),
}

/// Close and Describe: what is named.
pub fn named(body: &[u8]) -> Result<Named<'_>, Malformed> {
    let (kind, rest) = body.split_first().ok_or(Malformed('C'))?;
    let (name, _) = cstr(rest).ok_or(Malformed('C'))?;
    match kind {
        b'S' => Ok(Named::Statement(name)),
        b'P' => Ok(Named::Portal(name)),
        _ => Err(Malformed('C')),
    }
}

/// FunctionCall: the function's object id.
pub fn function_call(body: &[u8]) -> Result<u32, Malformed> {
    body.first_chunk::<4>()
        .map(|oid| u32::from_be_bytes(*oid))
        .ok_or(Malformed('F'))
}

/// Appends one message to `out`.
pub fn write(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let body_bytes: usize = parts.iter().map(|part| part.len()).sum();
    // What lull builds is small; a length beyond the protocol's would be cut by the peer, not by us.
    let length = u32::try_from(body_bytes + 4).unwrap_or(u32::MAX);
    out.reserve(HEADER_BYTES + body_bytes);
    out.push(tag);
    out.extend_from_slice(&length.to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// Appends a Query.
pub fn write_query(out: &mut Vec<u8>, text: &str) {
    write(out, QUERY, &[text.as_bytes(), b"\0"]);
}

/// Appends one statement of lull's own in the extended protocol, under `name` as statement and portal, closed again,
/// and a Sync. Unlike a Query, it leaves the client's unnamed statement and portal alone.
pub fn write_statement(out: &mut Vec<u8>, name: &str, text: &str) {
    let name = name.as_bytes();
    write(out, PARSE, &[name, b"\0", text.as_bytes(), b"\0\0\0"]);
    // No parameters, results as text.
    write(out, BIND, &[name, b"\0", name, b"\0\0\0\0\0\0\0"]);
    write(out, EXECUTE, &[name, b"\0\0\0\0\0"]);
    write(out, CLOSE, &[b"S", name, b"\0"]);
    write(out, SYNC, &[]);
}

/// Appends a Parse under `name`.
pub fn write_parse(out: &mut Vec<u8>, name: &str, text: &str) {
    write(out, PARSE, &[name.as_bytes(), b"\0", text.as_bytes(), b"\0\0\0"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_up_to_what_lull_needs() {
        let said = parse(b"s1\0SELECT $1\0\0\x01\0\0\0\x17").unwrap();
        assert_eq!((said.name, said.text), (&b"s1"[..], &b"SELECT $1"[..]));
        assert_eq!(said.types().collect::<Vec<_>>(), [23]);
        assert_eq!(bind(b"p\0s1\0\0\0"), Ok((&b"p"[..], &b"s1"[..])));
        assert_eq!(named(b"Ss1\0"), Ok(Named::Statement(b"s1")));
        assert_eq!(query(b"SELECT 1\0"), Ok(&b"SELECT 1"[..]));
    }

    #[test]
    fn malformed_bodies_are_errors_and_no_panics() {
        assert!(query(b"SELECT 1").is_err());
        assert!(
            query(b"SELECT 1\0DELETE\0").is_err(),
            "the server refuses trailing bytes too"
        );
        assert!(parse(b"s1\0SELECT").is_err());
        assert!(bind(b"").is_err());
        assert!(named(b"X\0").is_err());
        assert!(named(b"").is_err());
        assert!(function_call(b"\0\0").is_err());
    }
}
