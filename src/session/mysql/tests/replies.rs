//! What a client makes of the bytes that it receives, and checks of them: that each reply is one, numbered from behind
//! its command, and that nothing comes that nobody has asked for. Refers to none of lull's own codecs.

use std::collections::VecDeque;

use super::server::first_packet;

/// By what a command is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Results,
    Prepared,
    Single,
    Text,
}

/// A result, of which a command of several statements has several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Ok {
        info: String,
        /// What has changed, as it came, if the packet says that something has.
        state: Option<Vec<u8>>,
    },
    Rows(Vec<Vec<u8>>),
    Prepared(u32),
    Error(u16, String),
    Text,
    /// The server asks for a file, by a packet of this number.
    File(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    /// Definitions of columns, and whether rows follow.
    Columns(usize, bool),
    Rows,
}

#[derive(Debug)]
pub struct Replies {
    deprecates_eof: bool,
    tracks: bool,
    /// Each with the number of the first packet.
    expected: VecDeque<(Expected, u8)>,
    buffer: Vec<u8>,
    place: Place,
    sequence: Option<u8>,
    rows: Vec<Vec<u8>>,
    /// How many commands are answered to their end.
    pub answered: usize,
    /// Each with the place of its command.
    pub heard: Vec<(usize, Heard)>,
}

const MORE: u16 = 8;
const CHANGED: u16 = 0x4000;

impl Replies {
    pub fn new(deprecates_eof: bool, tracks: bool) -> Self {
        Self {
            deprecates_eof,
            tracks,
            expected: VecDeque::new(),
            buffer: Vec::new(),
            place: Place::Head,
            sequence: None,
            rows: Vec::new(),
            answered: 0,
            heard: Vec::new(),
        }
    }

    pub fn expect(&mut self, what: Expected, first_sequence: u8) {
        self.expected.push_back((what, first_sequence));
    }

    /// Whether a command has been sent that is not answered.
    pub fn are_owed(&self) -> bool {
        !self.expected.is_empty()
    }

    /// Of the client's own packets that end a file.
    pub fn sent_file(&mut self, last: u8) {
        self.sequence = Some(last.wrapping_add(1));
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        let buffer = std::mem::take(&mut self.buffer);
        let mut rest = &*buffer;
        while let Some((sequence, payload, after)) = first_packet(rest) {
            self.take(sequence, payload);
            rest = after;
        }
        self.buffer = rest.to_vec();
    }

    fn take(&mut self, sequence: u8, payload: &[u8]) {
        let (what, first) = *self.expected.front().expect("nothing comes unasked");
        let number = self.sequence.unwrap_or(first);
        assert_eq!(sequence, number, "packets are numbered from behind the command");
        self.sequence = Some(sequence.wrapping_add(1));
        let mark = payload.first().copied();
        if mark == Some(0xff) {
            let code = u16::from_le_bytes([payload[1], payload[2]]);
            let message = String::from_utf8_lossy(&payload[9..]).into_owned();
            return self.finish(Heard::Error(code, message), 0);
        }
        match (self.place, what) {
            (Place::Head, Expected::Text) => self.finish(Heard::Text, 0),
            (Place::Head, Expected::Prepared) => {
                let id = u32::from_le_bytes([payload[1], payload[2], payload[3], payload[4]]);
                let columns = usize::from(payload[5]);
                self.heard.push((self.answered, Heard::Prepared(id)));
                if columns > 0 {
                    self.place = Place::Columns(columns, false);
                } else {
                    self.over(0);
                }
            }
            (Place::Head, _) => match mark {
                Some(0) => self.ok(payload),
                Some(0xfe) => {
                    let (status, ok) = (eof(payload), "");
                    let (info, state) = (ok.to_owned(), None);
                    self.finish(Heard::Ok { info, state }, status);
                }
                Some(0xfb) => self.heard.push((self.answered, Heard::File(sequence))),
                Some(columns) if what == Expected::Results => {
                    self.place = Place::Columns(usize::from(columns), true);
                }
                _ => panic!("no reply to such a command: {payload:?}"),
            },
            (Place::Columns(0, rows), _) => {
                eof(payload);
                self.columns_over(rows);
            }
            (Place::Columns(left, rows), _) => {
                assert!(mark == Some(3), "a definition of a column");
                self.place = Place::Columns(left - 1, rows);
                if left == 1 && self.deprecates_eof {
                    self.columns_over(rows);
                }
            }
            (Place::Rows, _) if mark == Some(0xfe) && self.deprecates_eof => self.ok(payload),
            (Place::Rows, _) if mark == Some(0xfe) => {
                let rows = Heard::Rows(std::mem::take(&mut self.rows));
                self.finish(rows, eof(payload));
            }
            (Place::Rows, _) => self.rows.push(payload.to_vec()),
        }
    }

    fn columns_over(&mut self, rows: bool) {
        if rows {
            self.place = Place::Rows;
        } else {
            self.over(0);
        }
    }

    /// An OK packet, or one that ends rows.
    fn ok(&mut self, payload: &[u8]) {
        let status = u16::from_le_bytes([payload[3], payload[4]]);
        let mut rest = &payload[7..];
        let (mut info, mut state) = (rest, &[][..]);
        if self.tracks && !rest.is_empty() {
            (info, rest) = string(rest);
            if status & CHANGED != 0 {
                (state, rest) = string(rest);
            }
            assert!(rest.is_empty(), "an OK packet ends with what has changed");
        }
        let heard = if self.place == Place::Rows {
            Heard::Rows(std::mem::take(&mut self.rows))
        } else {
            let info = String::from_utf8_lossy(info).into_owned();
            let state = (status & CHANGED != 0).then(|| state.to_vec());
            Heard::Ok { info, state }
        };
        self.finish(heard, status);
    }

    fn finish(&mut self, heard: Heard, status: u16) {
        self.heard.push((self.answered, heard));
        self.over(status);
    }

    fn over(&mut self, status: u16) {
        self.place = Place::Head;
        self.rows.clear();
        if status & MORE == 0 {
            self.expected.pop_front();
            self.answered += 1;
            self.sequence = None;
        }
    }

    /// What has been heard since the last time, in short: `ok`, `1792`, `row`, `prepared`, `text`, `file`.
    pub fn in_short(&mut self) -> String {
        let short = |(_, heard): (usize, Heard)| match heard {
            Heard::Ok { .. } => "ok".to_owned(),
            Heard::Error(code, _) => code.to_string(),
            Heard::Rows(rows) => "row ".repeat(rows.len()).trim_end().to_owned(),
            Heard::Prepared(_) => "prepared".to_owned(),
            Heard::Text => "text".to_owned(),
            Heard::File(_) => "file".to_owned(),
        };
        let heard = std::mem::take(&mut self.heard);
        heard.into_iter().map(short).collect::<Vec<_>>().join(" ")
    }
}

fn eof(payload: &[u8]) -> u16 {
    assert!(
        payload[0] == 0xfe && payload.len() == 5,
        "an EOF packet: {payload:?}"
    );
    u16::from_le_bytes([payload[3], payload[4]])
}

fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes {
        [0xfc, low, high, rest @ ..] => rest.split_at(u16::from_le_bytes([*low, *high]).into()),
        [length, rest @ ..] => rest.split_at((*length).into()),
        [] => (&[], &[]),
    }
}
