//! One reply of the server, followed packet by packet (manual: "COM_QUERY Response", "COM_STMT_PREPARE Response").
//!
//! In MySQL's protocol nothing marks the end of a reply but the place in it, so every packet's place is known here.
//! Guarantees that it asks to see no more of a packet than it needs. It must not know whose reply it is.

use crate::wire::mysql::{
    capability::{Capabilities, Status},
    error::{self, Error},
    ok::{self, EOF_BYTES_MAX, Ok},
    packet::{Header, PAYLOAD_BYTES_MAX, Want},
    read::Reader,
};

/// What a command is answered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Results, each an OK packet or columns and rows.
    Results,
    /// A statement's number, and what it takes and gives.
    Prepared,
    /// Rows, or columns, without a head.
    Rows,
    /// An OK, EOF or error packet.
    Single,
    /// A text.
    Text,
    /// Another authentication.
    Login,
    /// The binary log, without end.
    Log,
}

/// What is shorter is an OK packet, and no statement has a number. Manual: "COM_STMT_PREPARE_OK".
const PREPARED_BYTES: usize = 12;

/// What a packet of the reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says<'a> {
    /// Nothing that anybody must know.
    Part,
    Row,
    Ok(Ok<'a>),
    Eof(Status),
    Error(Error<'a>),
    /// The client must send a file.
    File,
    /// The number of a statement.
    Prepared(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    /// Definitions of a prepared statement's parameters, and then of its columns.
    Parameters {
        left: u64,
        columns: u64,
    },
    /// Definitions of columns, and then rows or nothing.
    Columns {
        left: u64,
        rows: bool,
    },
    Rows,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    kind: Kind,
    place: Place,
    /// As agreed on with the server.
    capabilities: Capabilities,
}

/// The server does not keep to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a malformed packet in the reply to a command")]
pub(super) struct Malformed;

impl Reply {
    pub(super) fn new(kind: Kind, capabilities: Capabilities) -> Self {
        let place = match kind {
            Kind::Rows => Place::Rows,
            _ => Place::Head,
        };
        Self {
            kind,
            place,
            capabilities,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.place == Place::Over
    }

    /// Rows follow, up to a packet that begins with 0xfe or 0xff.
    pub(super) fn in_rows(&self) -> bool {
        self.place == Place::Rows
    }

    pub(super) fn wants(&self, header: Header) -> Want {
        match (self.place, header.first) {
            (Place::Rows, Some(ok::EOF)) if ends_rows(header) => Want::Whole,
            (Place::Rows, Some(error::MARK)) => Want::Whole,
            (Place::Rows, _) => Want::Header,
            (Place::Head, _) if matches!(self.kind, Kind::Text | Kind::Log) => match header.first {
                Some(error::MARK) => Want::Whole,
                Some(ok::EOF) if header.payload_bytes < EOF_BYTES_MAX => Want::Whole,
                _ => Want::Header,
            },
            // The name of a file is nobody's business here.
            (Place::Head, Some(ok::LOCAL_INFILE)) => Want::Header,
            (Place::Head, _) => Want::Whole,
            (Place::Parameters { .. } | Place::Columns { .. }, Some(ok::EOF | error::MARK)) => Want::Whole,
            _ => Want::Header,
        }
    }

    /// Takes the next packet, of which what was wanted is in `payload`.
    pub(super) fn hear<'a>(&mut self, header: Header, payload: &'a [u8]) -> Result<Says<'a>, Malformed> {
        if header.first == Some(error::MARK) {
            return self.hear_error(payload);
        }
        match self.place {
            Place::Head => self.hear_head(header, payload),
            Place::Parameters { left, columns } => {
                self.place = match left.checked_sub(1) {
                    Some(left) if left > 0 || !self.deprecates_eof() => Place::Parameters { left, columns },
                    _ => self.columns(columns, false),
                };
                Ok(eof(payload).map_or(Says::Part, Says::Eof))
            }
            Place::Columns { left, rows } => Ok(self.hear_column(left, rows, payload)),
            Place::Rows => self.hear_row(header, payload),
            Place::Over => Err(Malformed),
        }
    }

    fn hear_error<'a>(&mut self, payload: &'a [u8]) -> Result<Says<'a>, Malformed> {
        let error = Error::read(payload).ok_or(Malformed)?;
        if error.is_progress() && self.capabilities.has(Capabilities::MARIADB_PROGRESS) {
            return Ok(Says::Part);
        }
        self.place = Place::Over;
        Ok(Says::Error(error))
    }

    fn hear_head<'a>(&mut self, header: Header, payload: &'a [u8]) -> Result<Says<'a>, Malformed> {
        match (self.kind, header.first) {
            (Kind::Text, _) => {
                self.place = Place::Over;
                Ok(Says::Part)
            }
            (Kind::Log, _) if eof(payload).is_some() => self.end(payload),
            (Kind::Log, _) => Ok(Says::Part),
            // MariaDB answers so to a HELP that the account may not look up.
            (Kind::Prepared, Some(ok::OK)) if payload.len() < PREPARED_BYTES => self.hear_ok(payload),
            (Kind::Prepared, Some(ok::OK)) => self.hear_prepared(payload),
            (Kind::Login, Some(ok::OK)) | (Kind::Single | Kind::Results, Some(ok::OK)) => {
                self.hear_ok(payload)
            }
            (Kind::Single, Some(ok::EOF)) => self.end(payload),
            (Kind::Login, _) => Ok(Says::Part),
            (Kind::Results, Some(ok::LOCAL_INFILE)) => Ok(Says::File),
            (Kind::Results, Some(_)) => {
                let mut reader = Reader::new(payload);
                let columns = reader.length().ok_or(Malformed)?;
                let known =
                    self.capabilities.has(Capabilities::MARIADB_CACHE_METADATA) && reader.u8() == Some(0);
                self.place = self.columns(if known { 0 } else { columns }, true);
                Ok(Says::Part)
            }
            _ => Err(Malformed),
        }
    }

    fn hear_prepared<'a>(&mut self, payload: &'a [u8]) -> Result<Says<'a>, Malformed> {
        let mut reader = Reader::new(payload.get(1..).unwrap_or_default());
        let (id, columns, parameters) = (reader.u32(), reader.u16(), reader.u16());
        let (Some(id), Some(columns), Some(parameters)) = (id, columns, parameters) else {
            return Err(Malformed);
        };
        let (columns, left) = (u64::from(columns), u64::from(parameters));
        self.place = if left > 0 {
            Place::Parameters { left, columns }
        } else {
            self.columns(columns, false)
        };
        Ok(Says::Prepared(id))
    }

    /// Where a reply is when `left` definitions of columns are to come.
    fn columns(&self, left: u64, rows: bool) -> Place {
        // Of a result whose columns the client knows already, only their end is sent.
        let end_comes = !self.deprecates_eof() && (left > 0 || rows);
        match (left > 0 || end_comes, rows) {
            (true, _) => Place::Columns { left, rows },
            (false, true) => Place::Rows,
            (false, false) => Place::Over,
        }
    }

    fn hear_column<'a>(&mut self, left: u64, rows: bool, payload: &'a [u8]) -> Says<'a> {
        let status = if left == 0 { eof(payload) } else { None };
        // Of a cursor the rows are fetched later.
        let fetched_later = status.is_some_and(|status| status.has(Status::CURSOR_EXISTS));
        self.place = match left.checked_sub(1) {
            Some(0) if self.deprecates_eof() && rows => Place::Rows,
            Some(0) if self.deprecates_eof() => Place::Over,
            Some(left) => Place::Columns { left, rows },
            None if rows && !fetched_later => Place::Rows,
            None => {
                self.place = Place::Over;
                return status.map_or(Says::Part, |status| self.go_on(status, Says::Eof(status)));
            }
        };
        status.map_or(Says::Part, Says::Eof)
    }

    fn hear_row<'a>(&mut self, header: Header, payload: &'a [u8]) -> Result<Says<'a>, Malformed> {
        if header.first != Some(ok::EOF) || !ends_rows(header) {
            return Ok(Says::Row);
        }
        if self.deprecates_eof() {
            self.hear_ok(payload)
        } else {
            self.end(payload)
        }
    }

    fn hear_ok<'a>(&mut self, payload: &'a [u8]) -> Result<Says<'a>, Malformed> {
        let tracks = self.capabilities.has(Capabilities::SESSION_TRACK);
        let ok = Ok::read(payload, tracks).ok_or(Malformed)?;
        Ok(self.go_on(ok.status, Says::Ok(ok)))
    }

    fn end<'a>(&mut self, payload: &'a [u8]) -> Result<Says<'a>, Malformed> {
        match eof(payload) {
            Some(status) => Ok(self.go_on(status, Says::Eof(status))),
            // An OK packet under the mark of an EOF packet.
            None => self.hear_ok(payload),
        }
    }

    fn go_on<'a>(&mut self, status: Status, says: Says<'a>) -> Says<'a> {
        let more = self.kind == Kind::Results && status.has(Status::MORE_RESULTS_EXISTS);
        self.place = if more { Place::Head } else { Place::Over };
        says
    }

    fn deprecates_eof(&self) -> bool {
        self.capabilities.has(Capabilities::DEPRECATE_EOF)
    }
}

/// A row whose first column is of 16 MiB or more begins with the same byte, in a packet that is full.
fn ends_rows(header: Header) -> bool {
    header.payload_bytes < PAYLOAD_BYTES_MAX
}

/// How many parameters a statement takes, in the packet that gives its number.
pub(super) fn parameters(payload: &[u8]) -> u16 {
    let mut reader = Reader::new(payload.get(7..).unwrap_or_default());
    reader.u16().unwrap_or_default()
}

fn eof(payload: &[u8]) -> Option<Status> {
    ok::eof_status(payload)
}
