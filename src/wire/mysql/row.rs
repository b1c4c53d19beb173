//! A row of text, and the name of a column (manual: "Text Resultset Row", "Column Definition").

use super::read::Reader;

const NULL: u8 = 0xfb;

/// The columns of a row, None where NULL. None for what is no row of text.
pub fn text(payload: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let mut reader = Reader::new(payload);
    let mut row = Vec::new();
    while !reader.is_empty() {
        if reader.rest().first() == Some(&NULL) {
            reader.bytes(1);
            row.push(None);
        } else {
            row.push(Some(reader.string()?));
        }
    }
    Some(row)
}

/// By which a column of the answer goes.
pub fn column_name(definition: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(definition);
    // The catalog, the schema, and the table by its two names.
    for _ in 0..4 {
        reader.string()?;
    }
    reader.string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_columns() {
        let row = text(b"\x02no\xfb\x00").unwrap();
        assert_eq!(row, [Some(&b"no"[..]), None, Some(b"")]);
        assert_eq!(text(b""), Some(Vec::new()));
        assert_eq!(text(b"\x05no"), None);
    }

    #[test]
    fn a_column_has_a_name() {
        let definition = b"\x03def\x00\x00\x00\x02up\x00\x0c\x3f";
        assert_eq!(column_name(definition), Some(&b"up"[..]));
        assert_eq!(column_name(&definition[..6]), None);
    }
}
