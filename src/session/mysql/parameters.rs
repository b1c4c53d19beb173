//! The types of a statement's parameters, which a client need tell its server but once (manual: "COM_STMT_EXECUTE").
//!
//! A server that the session comes to later has not been told: the client's next execution is completed by them.
//! Guarantees that nothing is guessed: what cannot be read is left as it is.

use std::ops::Range;

use crate::wire::mysql::{command, read::Reader};

/// As the client wrote them, with names where it has query attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Types {
    count: u64,
    bytes: Box<[u8]>,
}

/// How much of an execution is looked at: more than a thousand types.
pub(super) const HEAD_BYTES: usize = 4 << 10;

/// What an execution says of types.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    count: u64,
    /// Where the mark is that they follow, in the payload; for MariaDB's bulk, None.
    mark_at: Option<usize>,
    /// Where they are. None: as told before.
    types: Option<Range<usize>>,
}

/// Reads the head of an execution. `parameters`: what the statement takes. `attributes`: whether the client has query
/// attributes. None where there are no parameters, or where the head cannot be read.
pub(super) fn read(payload: &[u8], parameters: u16, attributes: bool) -> Option<Said> {
    let at = |reader: &Reader<'_>| payload.len() - reader.rest().len();
    let mut reader = Reader::new(payload);
    let first = reader.u8()?;
    reader.u32()?;
    if first == command::STMT_BULK_EXECUTE {
        let told = reader.u16()? & BULK_TYPES != 0;
        let from = at(&reader);
        if told {
            reader.bytes(usize::from(parameters) * TYPE_BYTES)?;
        }
        return Some(Said {
            count: parameters.into(),
            mark_at: None,
            types: told.then_some(from..at(&reader)),
        });
    }
    let flags = reader.u8()?;
    reader.u32()?;
    let mut count = u64::from(parameters);
    if attributes && (count > 0 || flags & COUNT_FOLLOWS != 0) {
        count = reader.length()?;
    }
    if count == 0 {
        return None;
    }
    reader.bytes(usize::try_from(count.checked_add(7)? / 8).ok()?)?;
    let mark_at = at(&reader);
    let told = reader.u8()? == 1;
    let from = at(&reader);
    if told {
        for _ in 0..count {
            reader.bytes(TYPE_BYTES)?;
            if attributes {
                reader.string()?;
            }
        }
    }
    Some(Said {
        count,
        mark_at: Some(mark_at),
        types: told.then_some(from..at(&reader)),
    })
}

const TYPE_BYTES: usize = 2;
/// Of an execution's flags (`PARAMETER_COUNT_AVAILABLE`), and of those of MariaDB's bulk (`SEND_TYPES_TO_SERVER`).
const COUNT_FOLLOWS: u8 = 8;
const BULK_TYPES: u16 = 128;
/// Of an execution's flags: the rows are fetched later.
const CURSOR: u8 = 7;

pub(super) fn opens_cursor(payload: &[u8]) -> bool {
    payload.get(5).is_some_and(|flags| flags & CURSOR != 0)
}

impl Said {
    /// What the client tells here.
    pub(super) fn types(&self, payload: &[u8]) -> Option<Types> {
        let bytes = payload.get(self.types.clone()?)?;
        Some(Types {
            count: self.count,
            bytes: bytes.into(),
        })
    }

    pub(super) fn tells(&self) -> bool {
        self.types.is_some()
    }

    /// The same head with the types in it. None where it has none to be told, or others.
    pub(super) fn completed(&self, head: &[u8], types: &Types) -> Option<Vec<u8>> {
        let mark_at = self
            .mark_at
            .filter(|_| !self.tells() && self.count == types.count)?;
        let (before, behind) = (head.get(..mark_at)?, head.get(mark_at + 1..)?);
        Some([before, &[1], &types.bytes, behind].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two parameters, the second of them NULL.
    const TOLD: &[u8] = b"\x17\x01\0\0\0\0\x01\0\0\0\x02\x01\x08\0\x06\0value";
    const AS_BEFORE: &[u8] = b"\x17\x01\0\0\0\0\x01\0\0\0\x02\0value";

    #[test]
    fn what_was_told_once_completes_what_comes_later() {
        let told = read(TOLD, 2, false).expect("a head");
        let types = told.types(TOLD).expect("types");
        assert_eq!(&*types.bytes, b"\x08\0\x06\0");
        let later = read(AS_BEFORE, 2, false).expect("a head");
        assert_eq!(later.types(AS_BEFORE), None);
        assert_eq!(later.completed(AS_BEFORE, &types).as_deref(), Some(TOLD));
        assert_eq!(told.completed(TOLD, &types), None, "it tells them itself");
    }

    #[test]
    fn query_attributes_bring_a_count_and_names() {
        let told = b"\x17\x01\0\0\0\x08\x01\0\0\0\x02\0\x01\x08\0\0\xfe\0\x03keyvalue";
        let said = read(told, 1, true).expect("a head");
        let types = said.types(told).expect("types");
        assert_eq!((types.count, &*types.bytes), (2, &b"\x08\0\0\xfe\0\x03key"[..]));
        let one = b"\x17\x01\0\0\0\0\x01\0\0\0\x01\0\0value";
        let fewer = read(one, 1, true).expect("a head");
        assert_eq!(fewer.completed(one, &types), None, "those were of two");
        assert_eq!(read(b"\x17\x01\0\0\0\0\x01\0\0\0", 0, true), None);
    }

    #[test]
    fn a_bulk_tells_its_own_or_nothing() {
        let told = b"\xfa\x01\0\0\0\x80\0\x08\0value";
        let said = read(told, 1, false).expect("a head");
        assert_eq!(
            said.types(told).map(|types| types.bytes.to_vec()),
            Some(vec![8, 0])
        );
        let bare = read(b"\xfa\x01\0\0\0\0\0value", 1, false).expect("a head");
        assert!(!bare.tells());
    }

    #[test]
    fn a_head_that_is_cut_short_says_nothing() {
        for end in 0..TOLD.len() - b"value".len() {
            assert_eq!(read(&TOLD[..end], 2, false), None, "{end}");
        }
    }

    #[test]
    fn a_cursor_is_told_by_its_flag() {
        assert!(opens_cursor(b"\x17\x01\0\0\0\x01\x01\0\0\0"));
        assert!(!opens_cursor(b"\x17\x01\0\0\0\x08\x01\0\0\0"));
    }
}
