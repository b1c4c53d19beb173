//! Query attributes in front of a COM_QUERY's text (manual: "COM_QUERY").

use super::read::Reader;

/// Where the text begins in the payload of a COM_QUERY of a client with CLIENT_QUERY_ATTRIBUTES. None where the bytes
/// cannot be read.
pub fn text_start(payload: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(payload.get(1..)?);
    let count = usize::try_from(reader.length()?).ok()?;
    let sets = reader.length()?;
    if count > 0 {
        if sets != 1 {
            return None;
        }
        let nulls = reader.bytes(count.checked_add(7)? / 8)?;
        // Types and names are always sent.
        if reader.u8()? != 1 {
            return None;
        }
        // Each takes three bytes at least, so that the count cannot lie about what is to be kept.
        let mut types = Vec::new();
        for _ in 0..count {
            types.push(reader.u16()?);
            reader.string()?;
        }
        for (at, kind) in types.into_iter().enumerate() {
            let is_null = nulls.get(at / 8)? >> (at % 8) & 1 == 1;
            if !is_null {
                skip(&mut reader, kind.to_le_bytes()[0])?;
            }
        }
    }
    Some(payload.len() - reader.rest().len())
}

/// Manual: "Binary Protocol Value".
fn skip(reader: &mut Reader<'_>, kind: u8) -> Option<()> {
    const SHORT: u8 = 0x02;
    const YEAR: u8 = 0x0d;
    match kind {
        0x01 => reader.bytes(1)?,
        SHORT | YEAR => reader.bytes(2)?,
        // Long, float, and the integer of three bytes, which travels as four.
        0x03 | 0x04 | 0x09 => reader.bytes(4)?,
        0x05 | 0x08 => reader.bytes(8)?,
        0x06 => &[],
        // Dates and times: a length of one byte.
        0x07 | 0x0a | 0x0b | 0x0c => {
            let length = usize::from(reader.u8()?);
            reader.bytes(length)?
        }
        _ => reader.string()?,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_begins_behind_the_attributes() {
        assert_eq!(text_start(b"\x03\x00\x01SELECT 1"), Some(3));
        let one = b"\x03\x01\x01\x00\x01\xfe\x00\x03key\x05valueSELECT 1";
        assert_eq!(text_start(one).map(|at| &one[at..]), Some(&b"SELECT 1"[..]));
        let null = b"\x03\x01\x01\x01\x01\x08\x00\x00SELECT 1";
        assert_eq!(text_start(null).map(|at| &null[at..]), Some(&b"SELECT 1"[..]));
    }

    #[test]
    fn attributes_that_lie_are_nothing() {
        for payload in [
            &b"\x03"[..],
            b"\x03\x01",
            b"\x03\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x03\x01\x01\x00\x01\xfe\x00\x7f",
        ] {
            assert_eq!(text_start(payload), None, "{payload:?}");
        }
    }
}
