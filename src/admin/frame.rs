//! Frames of the admin protocol, both ways. PostgreSQL manual, 54.7 "Message Formats".
//!
//! pgwire decodes and encodes the bodies. Its decoders panic on some malformed messages and read beyond the message
//! that they were given, so each gets one frame, capped and cut out, and a panic is a protocol violation.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::{Buf, BufMut, BytesMut};
use pgwire::{
    error::PgWireResult,
    messages::{
        DecodeContext, PgWireBackendMessage, PgWireFrontendMessage,
        data::{DataRow, FieldDescription, RowDescription},
    },
};

#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("a message of {0} bytes; at most {1} are expected here")]
    Length(usize, usize),
    #[error("a message that cannot be read: {0}")]
    Body(String),
}

/// How the length is found: the first message of a connection has no type byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Startup,
    Running,
}

impl Phase {
    fn head(self) -> usize {
        match self {
            Self::Startup => 0,
            Self::Running => 1,
        }
    }
}

/// The size of the first frame in `bytes`. None when too little is there to know.
fn size(bytes: &[u8], phase: Phase, bytes_max: usize) -> Result<Option<usize>, Malformed> {
    let head = phase.head();
    let Some(length) = bytes.get(head..head + 4) else {
        return Ok(None);
    };
    let length = length
        .iter()
        .fold(0_usize, |length, &byte| (length << 8) | usize::from(byte));
    if length < 4 || length > bytes_max {
        return Err(Malformed::Length(length, bytes_max));
    }
    Ok(Some(head + length))
}

/// Takes one whole frame.
pub(super) fn take(
    bytes: &mut BytesMut,
    phase: Phase,
    bytes_max: usize,
) -> Result<Option<BytesMut>, Malformed> {
    match size(bytes, phase, bytes_max)? {
        Some(size) if bytes.len() >= size => Ok(Some(bytes.split_to(size))),
        _ => Ok(None),
    }
}

/// The whole frames that wait in `bytes`, untouched.
pub(super) fn waiting(mut bytes: &[u8], bytes_max: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = size(bytes, Phase::Running, bytes_max).ok().flatten()?;
        let frame = bytes.get(..size)?;
        bytes = bytes.get(size..)?;
        Some(frame)
    })
}

pub(super) fn from_client(frame: BytesMut, phase: Phase) -> Result<PgWireFrontendMessage, Malformed> {
    let mut context = DecodeContext::default();
    context.awaiting_frontend_ssl = false;
    context.awaiting_frontend_startup = phase == Phase::Startup;
    whole(frame, |frame| PgWireFrontendMessage::decode(frame, &context))
}

pub(super) fn from_lull(frame: BytesMut) -> Result<PgWireBackendMessage, Malformed> {
    whole(frame, |frame| {
        PgWireBackendMessage::decode(frame, &DecodeContext::default())
    })
}

fn whole<M>(
    mut frame: BytesMut,
    decode: impl FnOnce(&mut BytesMut) -> PgWireResult<Option<M>>,
) -> Result<M, Malformed> {
    match catch_unwind(AssertUnwindSafe(|| decode(&mut frame))) {
        Ok(Ok(Some(message))) => Ok(message),
        Ok(Ok(None)) => Err(Malformed::Body("it is shorter than its contents".into())),
        Ok(Err(wrong)) => Err(Malformed::Body(wrong.to_string())),
        Err(_) => Err(Malformed::Body("its contents are not what its type says".into())),
    }
}

/// `SSLRequest` or `GSSENCRequest`: the answer is one byte, N.
pub(super) fn asks_for_encryption(startup: &[u8]) -> bool {
    const SSL: &[u8] = &80_877_103_u32.to_be_bytes();
    const GSS: &[u8] = &80_877_104_u32.to_be_bytes();
    startup.len() == 8 && (startup.ends_with(SSL) || startup.ends_with(GSS))
}

pub(super) fn row_description(columns: &[&str]) -> PgWireBackendMessage {
    const TEXT: u32 = 25;
    let field = |name: &&str| FieldDescription::new((*name).to_owned(), 0, 0, TEXT, -1, -1, 0);
    PgWireBackendMessage::RowDescription(RowDescription::new(columns.iter().map(field).collect()))
}

pub(super) fn data_row(row: &[Option<String>]) -> PgWireBackendMessage {
    let mut data = BytesMut::new();
    for field in row {
        match field.as_deref().map(|text| (i32::try_from(text.len()), text)) {
            Some((Ok(length), text)) => {
                data.put_i32(length);
                data.put_slice(text.as_bytes());
            }
            // Above 2 GB: no answer is.
            Some((Err(_), _)) | None => data.put_i32(-1),
        }
    }
    PgWireBackendMessage::DataRow(DataRow::new(data, i16::try_from(row.len()).unwrap_or(i16::MAX)))
}

/// The first field of a row. None for NULL or where it is cut short.
pub(super) fn first_field(row: &DataRow) -> Option<String> {
    let mut data = row.data.as_ref();
    let length = usize::try_from(data.try_get_i32().ok()?).ok()?;
    Some(String::from_utf8_lossy(data.get(..length)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgwire::messages::simplequery::Query;

    fn query(text: &str) -> BytesMut {
        let mut bytes = BytesMut::new();
        PgWireFrontendMessage::Query(Query::new(text.into()))
            .encode(&mut bytes)
            .unwrap();
        bytes
    }

    #[test]
    fn a_frame_is_taken_when_it_is_whole_and_not_before() {
        let whole = query("SHOW LULLS");
        for cut in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..cut]);
            assert!(take(&mut part, Phase::Running, 100).unwrap().is_none());
        }
        let mut two = whole.clone();
        two.extend_from_slice(&whole);
        assert_eq!(waiting(&two, 100).count(), 2);
        assert_eq!(take(&mut two, Phase::Running, 100).unwrap().unwrap(), whole);
        assert_eq!(two, whole);
    }

    #[test]
    fn lying_lengths_are_refused_before_anything_is_allocated() {
        for length in [0_u32, 3, 101, u32::MAX] {
            let mut bytes = BytesMut::from(&b"Q"[..]);
            bytes.put_u32(length);
            assert!(take(&mut bytes, Phase::Running, 100).is_err(), "{length}");
        }
    }

    #[test]
    fn no_garbage_panics() {
        for kind in 0..=u8::MAX {
            for body in [
                &b""[..],
                b"\0",
                b"\xff\xff\xff\xff",
                b"S",
                b"x\0\x7f\xff\xff\xff\0\0\0\x01",
            ] {
                let mut frame = BytesMut::new();
                frame.put_u8(kind);
                frame.put_u32(u32::try_from(body.len() + 4).unwrap());
                frame.put_slice(body);
                let _ = from_client(frame.clone(), Phase::Running);
                let _ = from_lull(frame);
            }
        }
    }

    #[test]
    fn a_row_carries_text_and_null() {
        let PgWireBackendMessage::DataRow(row) = data_row(&[Some("é".into()), None]) else {
            panic!()
        };
        assert_eq!((first_field(&row).as_deref(), row.field_count), (Some("é"), 2));
        let PgWireBackendMessage::DataRow(row) = data_row(&[None]) else {
            panic!()
        };
        assert_eq!(first_field(&row), None);
    }
}
