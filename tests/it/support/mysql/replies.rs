//! What a server answers to a command, as a test wants to look at it.

use super::packets::{capability, kind, status};
use super::wire::{PACKET_MAX, Packet, Wire};
use std::io;

/// All that one command was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replies(pub Vec<Reply>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Ok(Done),
    Error {
        code: u16,
        state: String,
        message: String,
    },
    Rows {
        columns: Vec<Column>,
        /// As they came: text rows or binary ones.
        rows: Vec<Packet>,
        end: Done,
    },
    /// The name of the file that is asked for.
    LocalInfile(String),
    Prepared {
        statement: u32,
        parameters: Vec<Column>,
        columns: Vec<Column>,
        warnings: u16,
    },
}

/// An OK packet, or an EOF packet in its place (the fields that it lacks are 0 and empty).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub affected: u64,
    pub last_insert_id: u64,
    pub status: u16,
    pub warnings: u16,
    pub info: String,
    /// Kind and data of each session tracker.
    pub trackers: Vec<(u8, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub table: String,
    pub name: String,
    pub kind: u8,
    pub packet: Packet,
}

impl Replies {
    pub fn error(&self) -> Option<&Reply> {
        self.0.iter().find(|reply| matches!(reply, Reply::Error { .. }))
    }

    pub fn error_code(&self) -> Option<u16> {
        match self.error() {
            Some(Reply::Error { code, .. }) => Some(*code),
            _ => None,
        }
    }

    pub fn error_state(&self) -> Option<&str> {
        match self.error() {
            Some(Reply::Error { state, .. }) => Some(state),
            _ => None,
        }
    }

    pub fn error_message(&self) -> Option<&str> {
        match self.error() {
            Some(Reply::Error { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// The texts of all rows of all results that came as text.
    pub fn rows(&self) -> Vec<Vec<Option<&str>>> {
        let packets = self.0.iter().flat_map(|reply| match reply {
            Reply::Rows { rows, .. } => rows.as_slice(),
            _ => &[],
        });
        packets.map(|packet| texts(&packet.payload)).collect()
    }

    /// The value in the first row and column, which came as text.
    pub fn value(&self) -> Option<&str> {
        self.rows().first().and_then(|row| row.first().copied().flatten())
    }

    /// The last OK, or the end of the last rows.
    pub fn done(&self) -> Option<&Done> {
        self.0.iter().rev().find_map(|reply| match reply {
            Reply::Ok(done) | Reply::Rows { end: done, .. } => Some(done),
            _ => None,
        })
    }

    /// The status flags of the last answer that has any.
    #[track_caller]
    pub fn status(&self) -> u16 {
        self.done().expect("an OK").status
    }
}

fn texts(payload: &[u8]) -> Vec<Option<&str>> {
    let mut reader = Reader(payload);
    let mut values = Vec::new();
    while !reader.0.is_empty() {
        if reader.0[0] == 0xfb {
            reader.0 = &reader.0[1..];
            values.push(None);
        } else {
            let value = reader.lenenc_bytes().expect("a text row");
            values.push(std::str::from_utf8(value).ok());
        }
    }
    values
}

/// The values of a binary row: numbers as such, texts as such, the rest in hexadecimal.
pub fn binary_values(payload: &[u8], columns: &[Column]) -> Option<Vec<Option<String>>> {
    let mut reader = Reader(payload);
    reader.take(1)?;
    let nulls = reader.take((columns.len() + 9) / 8)?;
    let mut values = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        if nulls[(at + 2) / 8] & (1 << ((at + 2) % 8)) != 0 {
            values.push(None);
            continue;
        }
        values.push(Some(match column.kind {
            kind::TINY => i8::from_le_bytes([reader.u8()?]).to_string(),
            kind::SHORT => reader.u16()?.to_string(),
            kind::LONG => i32::from_le_bytes(reader.take(4)?.try_into().ok()?).to_string(),
            kind::LONGLONG => i64::from_le_bytes(reader.take(8)?.try_into().ok()?).to_string(),
            kind::DOUBLE => f64::from_le_bytes(reader.take(8)?.try_into().ok()?).to_string(),
            _ => String::from_utf8_lossy(reader.lenenc_bytes()?).into_owned(),
        }));
    }
    Some(values)
}

// ---- reading from a connection ------------------------------------------------------------------------------------------

/// Results until the one behind which no more come.
pub(super) fn read_results(wire: &mut Wire) -> io::Result<Replies> {
    let mut replies = Vec::new();
    loop {
        let packet = wire.try_read()?;
        let reply = match packet.payload.first() {
            Some(0x00) => Reply::Ok(done(wire, &packet.payload)),
            // COM_SET_OPTION is answered with an end of nothing.
            Some(0xfe) if packet.payload.len() < 9 => Reply::Ok(done(wire, &packet.payload)),
            Some(0xff) => error(&packet.payload),
            Some(0xfb) => Reply::LocalInfile(String::from_utf8_lossy(&packet.payload[1..]).into_owned()),
            _ => rows(wire, &packet.payload)?,
        };
        let more = match &reply {
            Reply::Ok(done) | Reply::Rows { end: done, .. } => done.status & status::MORE_RESULTS != 0,
            _ => false,
        };
        replies.push(reply);
        if !more {
            return Ok(Replies(replies));
        }
    }
}

/// Rows and their end, without columns before them.
pub(super) fn read_rows(wire: &mut Wire) -> io::Result<Replies> {
    Ok(Replies(vec![rows_until_end(wire, Vec::new())?]))
}

pub(super) fn read_prepared(wire: &mut Wire) -> io::Result<Replies> {
    let packet = wire.try_read()?;
    let mut reader = Reader(&packet.payload);
    if reader.u8() != Some(0) {
        return Ok(Replies(vec![error(&packet.payload)]));
    }
    if packet.payload.len() < 12 {
        // MariaDB has nothing to prepare for some HELP.
        return Ok(Replies(vec![Reply::Ok(done(wire, &packet.payload))]));
    }
    let mut numbers = || {
        let (statement, columns, parameters) = (reader.u32()?, reader.u16()?, reader.u16()?);
        reader.take(1)?;
        let warnings = reader.u16()?;
        Some((statement, columns, parameters, warnings, reader.u8()))
    };
    let (statement, column_count, parameter_count, warnings, metadata) =
        numbers().ok_or_else(|| io::Error::other("a short answer to COM_STMT_PREPARE"))?;
    let follows = !(wire.has(capability::OPTIONAL_METADATA) && metadata == Some(0));
    let (mut parameters, mut columns) = (Vec::new(), Vec::new());
    for (count, into) in [(parameter_count, &mut parameters), (column_count, &mut columns)] {
        if count > 0 && follows {
            *into = definitions(wire, count.into())?;
            if !wire.has(capability::DEPRECATE_EOF) {
                wire.try_read()?;
            }
        }
    }
    Ok(Replies(vec![Reply::Prepared {
        statement,
        parameters,
        columns,
        warnings,
    }]))
}

fn definitions(wire: &mut Wire, count: u64) -> io::Result<Vec<Column>> {
    (0..count)
        .map(|_| {
            let packet = wire.try_read()?;
            column(&packet).ok_or_else(|| io::Error::other(format!("no column: {packet:?}")))
        })
        .collect()
}

fn column(packet: &Packet) -> Option<Column> {
    let mut reader = Reader(&packet.payload);
    let mut names = Vec::new();
    for _ in 0..6 {
        names.push(String::from_utf8_lossy(reader.lenenc_bytes()?).into_owned());
    }
    if packet.payload.len() > 13 && reader.0.len() > 13 {
        reader.lenenc_bytes()?; // MariaDB's extended type
    }
    reader.take(7)?;
    Some(Column {
        table: names.swap_remove(2),
        name: names.swap_remove(4),
        kind: reader.u8()?,
        packet: packet.clone(),
    })
}

fn rows(wire: &mut Wire, first: &[u8]) -> io::Result<Reply> {
    let mut reader = Reader(first);
    let count = reader
        .lenenc()
        .ok_or_else(|| io::Error::other("no count of columns"))?;
    let may_be_left_out = wire.has(capability::MARIADB_CACHE_METADATA | capability::OPTIONAL_METADATA);
    let columns = if may_be_left_out && reader.u8() == Some(0) {
        Vec::new()
    } else {
        definitions(wire, count)?
    };
    if !wire.has(capability::DEPRECATE_EOF) {
        let packet = wire.try_read()?;
        let end = done(wire, &packet.payload);
        if end.status & status::CURSOR_EXISTS != 0 {
            return Ok(Reply::Rows {
                columns,
                rows: Vec::new(),
                end,
            });
        }
    }
    rows_until_end(wire, columns)
}

fn rows_until_end(wire: &mut Wire, columns: Vec<Column>) -> io::Result<Reply> {
    let mut rows = Vec::new();
    loop {
        let packet = wire.try_read()?;
        let longest_end = if wire.has(capability::DEPRECATE_EOF) {
            PACKET_MAX
        } else {
            9
        };
        match packet.payload.first() {
            Some(0xff) => return Ok(error(&packet.payload)),
            Some(0xfe) if packet.payload.len() < longest_end => {
                let end = done(wire, &packet.payload);
                return Ok(Reply::Rows { columns, rows, end });
            }
            _ => rows.push(packet),
        }
    }
}

/// An OK or EOF packet.
fn done(wire: &Wire, payload: &[u8]) -> Done {
    let mut reader = Reader(&payload[1..]);
    if payload[0] == 0xfe && payload.len() < 9 && !wire.has(capability::DEPRECATE_EOF) {
        let warnings = reader.u16().unwrap_or_default();
        let status = reader.u16().unwrap_or_default();
        return Done {
            status,
            warnings,
            ..Done::default()
        };
    }
    let mut done = Done {
        affected: reader.lenenc().unwrap_or_default(),
        last_insert_id: reader.lenenc().unwrap_or_default(),
        status: reader.u16().unwrap_or_default(),
        warnings: reader.u16().unwrap_or_default(),
        ..Done::default()
    };
    if !wire.has(capability::SESSION_TRACK) {
        // MariaDB sends it with its length all the same.
        let info = Reader(reader.0)
            .lenenc_bytes()
            .filter(|info| info.len() + 1 == reader.0.len());
        done.info = String::from_utf8_lossy(info.unwrap_or(reader.0)).into_owned();
        return done;
    }
    done.info = String::from_utf8_lossy(reader.lenenc_bytes().unwrap_or_default()).into_owned();
    if done.status & status::SESSION_STATE_CHANGED != 0 {
        let mut changes = Reader(reader.lenenc_bytes().unwrap_or_default());
        while let Some(kind) = changes.u8() {
            let data = changes.lenenc_bytes().unwrap_or_default();
            done.trackers.push((kind, data.to_vec()));
        }
    }
    done
}

fn error(payload: &[u8]) -> Reply {
    let mut reader = Reader(payload.get(1..).unwrap_or_default());
    let code = reader.u16().unwrap_or_default();
    let mut state = String::new();
    if reader.0.first() == Some(&b'#') {
        state = String::from_utf8_lossy(reader.0.get(1..6).unwrap_or_default()).into_owned();
        reader.0 = reader.0.get(6..).unwrap_or_default();
    }
    Reply::Error {
        code,
        state,
        message: String::from_utf8_lossy(reader.0).into_owned(),
    }
}

/// Takes a payload apart from its front.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub fn lenenc(&mut self) -> Option<u64> {
        let length = match self.u8()? {
            small @ 0..=250 => return Some(small.into()),
            0xfc => 2,
            0xfd => 3,
            0xfe => 8,
            _ => return None,
        };
        let bytes = self.take(length)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    pub fn lenenc_bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.lenenc()?).ok()?;
        self.take(length)
    }

    pub fn until_zero(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(self.take(end)?).into_owned();
        self.take(1)?;
        Some(text)
    }
}
