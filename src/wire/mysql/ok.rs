//! OK_Packet and EOF_Packet (manual: "OK_Packet", "EOF_Packet"), and what OK packets report of the session's state
//! (manual: "Session State Information").

use super::{
    capability::Status,
    read::{self, Reader},
};

pub const OK: u8 = 0x00;
/// An EOF packet, an OK packet that ends rows, or the request to switch the authentication method.
pub const EOF: u8 = 0xfe;
/// The server asks for a file of the client's.
pub const LOCAL_INFILE: u8 = 0xfb;
/// A payload of EOF's first byte that is longer is something else: a row with a huge first column.
pub const EOF_BYTES_MAX: usize = 9;

/// An OK packet as servers send it to a client with CLIENT_SESSION_TRACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ok<'a> {
    mark: u8,
    pub affected_rows: u64,
    pub last_insert_id: u64,
    pub status: Status,
    warnings: u16,
    info: &'a [u8],
    /// What `changes` reads.
    pub state: &'a [u8],
}

impl<'a> Ok<'a> {
    /// None for what is no OK packet. `tracks`: whether CLIENT_SESSION_TRACK was agreed on with the server.
    pub fn read(payload: &'a [u8], tracks: bool) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let mark = reader.u8()?;
        if mark != OK && mark != EOF {
            return None;
        }
        let (affected_rows, last_insert_id) = (reader.length()?, reader.length()?);
        let (status, warnings) = (Status(reader.u16()?), reader.u16()?);
        let (mut info, mut state) = (reader.rest(), &[][..]);
        if tracks && !reader.is_empty() {
            info = reader.string()?;
            if status.has(Status::SESSION_STATE_CHANGED) {
                state = reader.string()?;
            }
        }
        Some(Self {
            mark,
            affected_rows,
            last_insert_id,
            status,
            warnings,
            info,
            state,
        })
    }

    /// What has changed, in order. Stops at what cannot be read.
    pub fn changes(&self) -> impl Iterator<Item = Change<'a>> + use<'a> {
        let mut reader = Reader::new(self.state);
        std::iter::from_fn(move || Change::read(&mut reader))
    }

    /// Writes the payload as the server would have sent it, had it reported this: nothing, or that something has
    /// changed, which it does not always name.
    pub fn write_with(&self, out: &mut Vec<u8>, reported: Option<&[u8]>) {
        let status = match reported {
            None => Status(self.status.0 & !Status::SESSION_STATE_CHANGED.0),
            Some(_) => self.status,
        };
        out.push(self.mark);
        read::write_length(out, self.affected_rows);
        read::write_length(out, self.last_insert_id);
        out.extend_from_slice(&status.0.to_le_bytes());
        out.extend_from_slice(&self.warnings.to_le_bytes());
        // An empty text is left out, but not before a state.
        if !self.info.is_empty() || reported.is_some() {
            read::write_string(out, self.info);
        }
        if let Some(state) = reported {
            read::write_string(out, state);
        }
    }
}

/// One thing that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// As it stands in the packet.
    pub raw: &'a [u8],
    pub kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    Variable {
        name: &'a [u8],
        value: &'a [u8],
    },
    /// The default database.
    Schema(&'a [u8]),
    Gtids(&'a [u8]),
    /// The statement that would begin the next, or the open, transaction again.
    Characteristics(&'a [u8]),
    /// Eight letters: what the open transaction has done so far.
    Transaction(&'a [u8]),
    Other,
}

impl<'a> Change<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let before = reader.rest();
        let kind = reader.u8()?;
        let mut data = Reader::new(reader.string()?);
        let raw = before.get(..before.len() - reader.rest().len())?;
        let kind = match kind {
            0 => Kind::Variable {
                name: data.string()?,
                value: data.string()?,
            },
            1 => Kind::Schema(data.string()?),
            3 => {
                // The encoding, of which there is one.
                data.u8()?;
                Kind::Gtids(data.string()?)
            }
            4 => Kind::Characteristics(data.string()?),
            5 => Kind::Transaction(data.string()?),
            _ => Kind::Other,
        };
        Some(Self { raw, kind })
    }
}

/// A report of what the open transaction has done so far.
pub fn write_transaction(out: &mut Vec<u8>, letters: &[u8; 8]) {
    out.extend_from_slice(&[5, 9, 8]);
    out.extend_from_slice(letters);
}

/// The status in an EOF packet. None for what is no EOF packet, or has none.
pub fn eof_status(payload: &[u8]) -> Option<Status> {
    let mut reader = Reader::new(payload);
    if reader.u8()? != EOF || payload.len() >= EOF_BYTES_MAX {
        return None;
    }
    let _warnings = reader.u16()?;
    reader.u16().map(Status)
}

/// Takes out of an EOF packet that something of the session has changed.
pub fn hide_changes(eof: &mut [u8]) {
    let [low, high] = Status::SESSION_STATE_CHANGED.0.to_le_bytes();
    for (byte, flag) in eof.iter_mut().skip(3).zip([low, high]) {
        *byte &= !flag;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `USE shop` and `SET time_zone` in one, as a client with CLIENT_SESSION_TRACK gets it.
    const CHANGED: &[u8] = b"\x00\x00\x00\x02\x40\x00\x00\x00\x12\x01\x05\x04shop\x00\x09\x04name\x03val";

    #[test]
    fn what_an_ok_packet_reports_is_read_and_written_again() {
        let ok = Ok::read(CHANGED, true).unwrap();
        let kinds: Vec<_> = ok.changes().map(|change| change.kind).collect();
        let variable = Kind::Variable {
            name: b"name",
            value: b"val",
        };
        assert_eq!(kinds, [Kind::Schema(b"shop"), variable]);
        let mut out = Vec::new();
        ok.write_with(&mut out, Some(ok.state));
        assert_eq!(out, CHANGED);
    }

    #[test]
    fn an_ok_packet_without_its_reports_is_that_of_a_client_that_did_not_ask() {
        let ok = Ok::read(CHANGED, true).unwrap();
        let mut out = Vec::new();
        ok.write_with(&mut out, None);
        assert_eq!(out, b"\x00\x00\x00\x02\x00\x00\x00");
        let mut out = Vec::new();
        let schema = ok.changes().next().unwrap().raw;
        ok.write_with(&mut out, Some(schema));
        assert_eq!(out, b"\x00\x00\x00\x02\x40\x00\x00\x00\x07\x01\x05\x04shop");
        let mut out = Vec::new();
        ok.write_with(&mut out, Some(&[]));
        assert_eq!(out, b"\x00\x00\x00\x02\x40\x00\x00\x00\x00");
    }

    #[test]
    fn what_is_written_of_a_transaction_reads_back() {
        let mut raw = Vec::new();
        write_transaction(&mut raw, b"T_R___S_");
        let change = Change::read(&mut Reader::new(&raw)).unwrap();
        assert_eq!(change.kind, Kind::Transaction(b"T_R___S_"));
    }

    #[test]
    fn lying_lengths_are_nothing() {
        assert_eq!(Ok::read(b"\x00\x00\x00\x02\x40\x00\x00\x00\x7f\x01", true), None);
        let ok = Ok::read(b"\x00\x00\x00\x02\x40\x00\x00\x00\x03\x01\x7f\x04", true).unwrap();
        assert_eq!(ok.changes().count(), 0);
        assert_eq!(eof_status(b"\xfe\x00"), None);
        assert_eq!(eof_status(b"\xfe\x00\x00\x02\x00"), Some(Status(2)));
        let mut eof = *b"\xfe\x00\x00\x23\x40";
        hide_changes(&mut eof);
        assert_eq!(eof, *b"\xfe\x00\x00\x23\x00");
    }
}
