//! What applications ask to learn whether to stop writing, in the rows of SHOW VARIABLES.

use crate::{
    session::outlet::Outlets,
    sql::mysql::is_signal,
    wire::mysql::{
        packet::{self, Header},
        read::{self, Reader},
    },
};

/// Answers ON in the place of a row that says otherwise of such a variable. True where it has.
pub(super) fn answer(header: Header, payload: &[u8], chunk: &[u8], out: &mut Outlets) -> bool {
    let mut reader = Reader::new(payload);
    let (Some(name), Some(value)) = (reader.string(), reader.string()) else {
        return false;
    };
    // Whatever follows, this is no row of variables.
    if !is_signal(name) || value == b"ON" || !reader.is_empty() {
        return false;
    }
    let mut row = Vec::new();
    read::write_string(&mut row, name);
    read::write_string(&mut row, b"ON");
    packet::write(out.to_client.buffer(chunk), header.sequence, &row);
    true
}
