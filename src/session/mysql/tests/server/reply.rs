//! What the tiny server says, packet by packet (manual: "OK_Packet", "Session State Information", "Text Resultset").

use super::{Refusal, Server, packet};

/// What has changed since the last OK packet that could tell.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) variables: Vec<(String, String)>,
    pub(super) schema: bool,
    pub(super) gtids: Option<String>,
    /// By which statement the transaction would begin again.
    pub(super) beginning: Option<&'static str>,
    /// Something was set, or begun, that may be as it was.
    pub(super) touched: bool,
    /// The letters are told, whatever they were.
    pub(super) forced: bool,
    /// The letters that were told last, and those at the beginning of the statement.
    pub(super) letters: String,
    pub(super) letters_before: String,
}

const NO_LETTERS: &str = "________";

pub(super) fn string(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(0);
    let [low, high] = length.to_le_bytes();
    if length < 251 {
        [&[low], text].concat()
    } else {
        [&[0xfc, low, high], text].concat()
    }
}

impl Server {
    pub(super) fn say(&mut self, payload: &[u8]) {
        self.outbox.extend(packet(self.sequence, payload));
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// `tells`: whether a transaction that has just begun is told of.
    fn status(&self, tells: bool, more: bool) -> u16 {
        let told = self
            .transaction
            .as_ref()
            .filter(|transaction| tells && transaction.goes_on);
        u16::from(told.is_some())
            | u16::from(self.settings.autocommit) << 1
            | u16::from(more) << 3
            | u16::from(told.is_some_and(|transaction| transaction.read_only)) << 13
    }

    pub(super) fn ok(&mut self, info: &str, more: bool) {
        self.ok_with(0, info, true, more);
    }

    fn ok_with(&mut self, mark: u8, info: &str, tells: bool, more: bool) {
        let changed = self.traits.tracks && self.has_changed();
        let state = if changed { self.take_state() } else { Vec::new() };
        let status = self.status(tells, more) | u16::from(changed) << 14;
        let mut payload = vec![mark, 0, 0];
        payload.extend(status.to_le_bytes());
        payload.extend([0, 0]);
        if !self.traits.tracks {
            payload.extend(info.as_bytes());
        } else if !info.is_empty() || changed {
            payload.extend(string(info.as_bytes()));
        }
        if changed {
            payload.extend(string(&state));
        }
        self.say(&payload);
    }

    /// MariaDB says in EOF packets too that something has changed, and tells what only in the next OK packet.
    pub(super) fn eof(&mut self, tells: bool, more: bool) {
        let changed = self.traits.mariadb && self.traits.tracks && self.has_changed();
        let status = self.status(tells, more) | u16::from(changed) << 14;
        let [low, high] = status.to_le_bytes();
        self.say(&[0xfe, 0, 0, low, high]);
    }

    pub(super) fn fail(&mut self, (code, sqlstate, message): &Refusal) {
        let [low, high] = code.to_le_bytes();
        self.say(&[&[0xff, low, high, b'#'], sqlstate.as_bytes(), message.as_bytes()].concat());
    }

    pub(super) fn rows(&mut self, rows: &[Vec<String>], binary: bool, tells: bool, more: bool) {
        let columns = rows.first().map_or(1, Vec::len);
        self.say(&[u8::try_from(columns).unwrap_or(1)]);
        for _ in 0..columns {
            self.say(b"\x03def\x01c");
        }
        if !self.traits.deprecates_eof {
            self.eof(tells, false);
        }
        for row in rows {
            let head: &[u8] = if binary { &[0, 0] } else { &[] };
            let columns: Vec<u8> = row.iter().flat_map(|column| string(column.as_bytes())).collect();
            self.say(&[head, &columns].concat());
        }
        self.sent_rows();
        if self.traits.deprecates_eof {
            self.ok_with(0xfe, "", tells, more);
        } else {
            self.eof(tells, more);
        }
    }

    pub(super) fn variable_changed(&mut self, name: &str, value: String) {
        if self.settings.reports(name) {
            self.changes.variables.push((name.to_owned(), value));
        }
    }

    /// What a statement that sends rows has changed, MySQL tells with the next OK packet; MariaDB with the next that has
    /// something of its own to tell (measured).
    fn has_changed(&self) -> bool {
        let changes = &self.changes;
        let named = !changes.variables.is_empty() || changes.schema || changes.gtids.is_some();
        let before = if self.traits.mariadb {
            &changes.letters_before
        } else {
            &changes.letters
        };
        let moved = self.tells_of_transactions() && self.letters() != or_none(before);
        named || moved || changes.touched || changes.forced || changes.beginning.is_some()
    }

    /// MySQL tells where explicit transactions begin and end whether it was asked to or not (measured).
    fn tells_of_transactions(&self) -> bool {
        !self.traits.mariadb || self.settings.track_transactions != "OFF"
    }

    pub(super) fn begin_statement(&mut self) {
        self.changes.letters_before = self.letters();
    }

    fn take_state(&mut self) -> Vec<u8> {
        let state = self.state();
        let letters = self.letters();
        self.changes = Changes {
            letters_before: letters.clone(),
            letters,
            ..Changes::default()
        };
        state
    }

    fn state(&self) -> Vec<u8> {
        let mut state = Vec::new();
        let mut add = |kind: u8, data: Vec<u8>| {
            state.push(kind);
            state.extend(string(&data));
        };
        for (name, value) in &self.changes.variables {
            add(0, [string(name.as_bytes()), string(value.as_bytes())].concat());
        }
        if self.changes.schema {
            add(1, string(self.database.as_bytes()));
        }
        if let Some(gtids) = &self.changes.gtids {
            add(3, [&[0][..], &string(gtids.as_bytes())].concat());
        }
        let letters = self.letters();
        let differs = letters != or_none(&self.changes.letters);
        if self.tells_of_transactions() && (differs || self.changes.forced) {
            add(5, string(letters.as_bytes()));
        }
        if let Some(beginning) = self.changes.beginning {
            add(4, string(beginning.as_bytes()));
        }
        state
    }

    fn letters(&self) -> String {
        let when = |is: bool, letter: char| if is { letter } else { '_' };
        let open = self.transaction.as_ref();
        let has = |told: fn(&super::Transaction) -> bool| open.is_some_and(told);
        let how = if has(|open| open.explicit) { 'T' } else { 'I' };
        let begun = when(has(|open| open.told_begun), how);
        let reads = when(has(|open| open.told_read), 'R');
        let writes = when(has(|open| open.told_wrote), 'W');
        let sent = when(has(|open| open.told_sent), 'S');
        let locks = when(self.told_locks, 'L');
        format!("{begun}_{reads}_{writes}_{sent}{locks}")
    }
}

fn or_none(letters: &str) -> &str {
    if letters.is_empty() { NO_LETTERS } else { letters }
}
