//! A position in the server's log (`pg_lsn`).

use std::fmt;

/// What a primary is asked for it: where the last record ends. The place of the next one may lie behind the long head of
/// a segment's first page, which is not written before that record is, and no replica would come so far.
pub const OF_PRIMARY: &str = "SELECT CASE \
    WHEN (pg_catalog.pg_walfile_name_offset(l.at)).file_offset OPERATOR(pg_catalog.=) 40 \
    THEN l.at OPERATOR(pg_catalog.-) 40::pg_catalog.numeric ELSE l.at END \
    FROM (SELECT pg_catalog.pg_current_wal_insert_lsn()) AS l (at)";

/// Zero where none is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// A page of the log (`XLOG_BLCKSZ`), and its short head.
const PAGE_BYTES: u64 = 8192;
const HEAD_BYTES: u64 = 24;

impl Position {
    /// `16/B374D848`.
    pub fn read(text: &[u8]) -> Option<Self> {
        let (high, low) = std::str::from_utf8(text).ok()?.split_once('/')?;
        let part = |digits: &str| u32::from_str_radix(digits, 16).ok();
        Some(Self(u64::from(part(high)?) << 32 | u64::from(part(low)?)))
    }

    pub fn of(number: u64) -> Self {
        Self(number)
    }

    /// To be compared where nothing is known of logs.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Where the last record before it ends. The place of the next one may lie behind the head of a page on which
    /// nothing has been written yet, and no replica reports to have come so far.
    #[must_use]
    pub fn end_of_last_record(self) -> Self {
        match self.0 % PAGE_BYTES {
            HEAD_BYTES => Self(self.0 - HEAD_BYTES),
            _ => self,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_compared_as_numbers_and_read_back_as_written() {
        let read = |text: &str| Position::read(text.as_bytes()).unwrap();
        assert!(read("0/FFFFFFFF") < read("1/0") && read("0/9") < read("0/10"));
        assert_eq!(read("16/B374D848").to_string(), "16/B374D848");
        assert_eq!(Position::read(b"16"), None);
        assert_eq!(Position::read(b"x/1"), None);
    }

    #[test]
    fn a_replica_need_not_have_replayed_an_empty_page() {
        let at = Position::read(b"0/3002018").unwrap();
        assert_eq!(at.end_of_last_record().to_string(), "0/3002000");
        let at = Position::read(b"0/3002060").unwrap();
        assert_eq!(at.end_of_last_record(), at);
    }
}
