//! Messages from the server (manual: "Message Formats"): the ones that tell lull where a session is.

use super::{frontend::write, startup::cstr};

pub const AUTHENTICATION: u8 = b'R';
pub const BACKEND_KEY_DATA: u8 = b'K';
pub const BIND_COMPLETE: u8 = b'2';
pub const CLOSE_COMPLETE: u8 = b'3';
pub const COMMAND_COMPLETE: u8 = b'C';
pub const COPY_BOTH: u8 = b'W';
pub const COPY_DATA: u8 = b'd';
pub const COPY_IN: u8 = b'G';
pub const COPY_OUT: u8 = b'H';
pub const DATA_ROW: u8 = b'D';
pub const EMPTY_QUERY: u8 = b'I';
pub const ERROR: u8 = b'E';
pub const FUNCTION_CALL_RESPONSE: u8 = b'V';
pub const NEGOTIATE_PROTOCOL_VERSION: u8 = b'v';
pub const NO_DATA: u8 = b'n';
pub const NOTICE: u8 = b'N';
pub const NOTIFICATION: u8 = b'A';
pub const PARAMETER_STATUS: u8 = b'S';
pub const PARSE_COMPLETE: u8 = b'1';
pub const PORTAL_SUSPENDED: u8 = b's';
pub const READY_FOR_QUERY: u8 = b'Z';
pub const ROW_DESCRIPTION: u8 = b'T';

/// The status byte of ReadyForQuery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not in a transaction block.
    #[default]
    Idle,
    InTransaction,
    /// In a transaction block that has failed.
    Failed,
}

impl Status {
    pub fn byte(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::InTransaction => b'T',
            Self::Failed => b'E',
        }
    }
}

/// ReadyForQuery: the transaction status.
pub fn ready_for_query(body: &[u8]) -> Option<Status> {
    match body {
        b"I" => Some(Status::Idle),
        b"T" => Some(Status::InTransaction),
        b"E" => Some(Status::Failed),
        _ => None,
    }
}

/// ParameterStatus: name and value.
pub fn parameter_status(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = cstr(body)?;
    cstr(rest).map(|(value, _)| (name, value))
}

/// CommandComplete: the tag.
pub fn command_complete(body: &[u8]) -> Option<&[u8]> {
    cstr(body).map(|(tag, _)| tag)
}

/// DataRow: the columns as text, None where NULL.
pub fn data_row(body: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count));
    // Each column takes four bytes at least, so a lying count cannot make this allocate more than the message has.
    let mut columns = Vec::with_capacity(count.min(rest.len() / 4));
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            columns.push(None);
            rest = after;
            continue;
        };
        let (value, after) = after.split_at_checked(length)?;
        columns.push(Some(value));
        rest = after;
    }
    Some(columns)
}

pub fn write_ready_for_query(out: &mut Vec<u8>, status: Status) {
    write(out, READY_FOR_QUERY, &[&[status.byte()]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_with_its_nulls() {
        let body = b"\0\x02\0\0\0\x01a\xff\xff\xff\xff";
        assert_eq!(data_row(body), Some(vec![Some(&b"a"[..]), None]));
    }

    #[test]
    fn a_row_that_lies_about_its_columns_is_no_row() {
        assert_eq!(data_row(b"\xff\xff\0\0\0\x01a"), None);
        assert_eq!(data_row(b"\0\x01\x7f\xff\xff\xffa"), None);
        assert_eq!(data_row(b"\0"), None);
    }
}
