//! A tiny MySQL, or MariaDB: enough of the protocol and of SQL that what lull says, and what a client says to it, is
//! answered as the server answers. It works only when asked to, so that a test decides what has happened when; and it
//! keeps its own record of what ran and what was written, so that a test can ask from outside. No sockets.
//!
//! Knows nothing of lull (the fuzz targets use this file too).

mod reply;
mod rules;
mod settings;
mod sql;

use std::collections::BTreeMap;

use reply::Changes;
pub use rules::Transaction;
pub use settings::Settings;
use sql::Answer;

/// Number, SQLSTATE and message.
pub type Refusal = (u16, &'static str, String);

pub const READ_ONLY: u16 = 1792;

/// What was agreed on at the login, and which server it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traits {
    pub mariadb: bool,
    /// It tells of changes of the session.
    pub tracks: bool,
    pub deprecates_eof: bool,
    pub attributes: bool,
}

#[derive(Debug, Default)]
pub struct Server {
    pub traits: Traits,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// The number of the next packet.
    sequence: u8,
    /// As configured, and as they are on this session.
    pub configured: Settings,
    pub settings: Settings,
    pub database: String,
    pub transaction: Option<Transaction>,
    /// Of the next transaction only.
    next_read_only: Option<bool>,
    pub locks_tables: bool,
    told_locks: bool,
    statements: BTreeMap<u32, String>,
    prepared: u32,
    last: Option<u32>,
    named: BTreeMap<String, String>,
    /// The statement that waits for a file.
    asks_for_file: Option<String>,
    changes: Changes,
    commits: u64,
    /// KILL QUERY has come: what runs next is interrupted.
    interrupted: bool,
    pub gone: bool,
    /// Every statement that began to run.
    pub ran: Vec<String>,
    /// Every statement that changed something, committed or not, and every commit of such, with its database.
    pub wrote: Vec<(String, String)>,
}

pub fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    [&[a, b, c, sequence], payload].concat()
}

/// The first packet, if it is whole: its number, its payload, and what follows.
pub fn first_packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<4>()?;
    let [a, b, c, sequence] = *header;
    let length = u32::from_le_bytes([a, b, c, 0]) as usize;
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((sequence, payload, rest))
}

impl Server {
    pub fn new(traits: Traits, configured: Settings) -> Self {
        Self {
            traits,
            settings: configured.clone(),
            configured,
            database: "shop".to_owned(),
            ..Self::default()
        }
    }

    /// Bytes on their way to the server.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
    }

    /// Whether a whole packet waits.
    pub fn has_work(&self) -> bool {
        !self.gone && first_packet(&self.inbox).is_some()
    }

    /// The texts that have come and were not worked on.
    pub fn waiting(&self) -> Vec<String> {
        let (mut found, mut rest) = (Vec::new(), &*self.inbox);
        while let Some((_, payload, after)) = first_packet(rest) {
            found.push(self.text_of(payload));
            rest = after;
        }
        found
    }

    /// Works on one packet; the replies.
    pub fn work(&mut self) -> Vec<u8> {
        let inbox = std::mem::take(&mut self.inbox);
        match first_packet(&inbox).filter(|_| !self.gone) {
            Some((sequence, payload, rest)) => {
                self.inbox = rest.to_vec();
                self.sequence = sequence.wrapping_add(1);
                self.take(payload);
            }
            None => self.inbox = inbox,
        }
        std::mem::take(&mut self.outbox)
    }

    /// KILL QUERY: what runs next is interrupted; nothing is, if nothing waits.
    pub fn interrupt(&mut self) {
        self.interrupted = self.has_work();
    }

    fn text_of(&self, payload: &[u8]) -> String {
        let skip = if self.traits.attributes && payload.first() == Some(&0x03) {
            3
        } else {
            1
        };
        String::from_utf8_lossy(payload.get(skip..).unwrap_or_default()).into_owned()
    }

    fn take(&mut self, payload: &[u8]) {
        if let Some(text) = self.asks_for_file.take() {
            return self.take_file(text, payload);
        }
        let text = self.text_of(payload);
        self.begin_statement();
        let id = || {
            let bytes = payload.get(1..5).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_le_bytes)
        };
        match payload.first().copied().unwrap_or(0) {
            0x01 => self.gone = true,
            0x02 => {
                let done = self.use_database(&text);
                self.end(done, "");
            }
            0x03 => self.take_query(&text),
            0x09 => self.say(b"Uptime: 1"),
            0x0e => self.ok("", false),
            0x11 => self.take_change_of_user(&payload[1..]),
            0x16 => self.take_prepare(text),
            0x17 => self.take_execute(id()),
            0x19 => {
                self.statements.remove(&id());
                self.last = self.last.filter(|last| *last != id());
            }
            0x1a => self.ok("", false),
            0x1b => self.eof(true, false),
            0x1f => {
                self.start_over();
                self.ok("", false);
            }
            _ => self.fail(&(1047, "08S01", "Unknown command".to_owned())),
        }
        self.interrupted = false;
    }

    fn take_query(&mut self, text: &str) {
        let mut rest = sql::split(text);
        if rest.is_empty() {
            return self.fail(&(1065, "42000", "Query was empty".to_owned()));
        }
        while let Some(statement) = rest.pop_front() {
            let more = !rest.is_empty();
            match self.run_whole(&statement) {
                Ok(Answer::Ok) => self.ok(&statement, more),
                Ok(Answer::Rows(rows, tells)) => self.rows(&rows, false, tells, more),
                Ok(Answer::File) => {
                    self.asks_for_file = Some(statement);
                    return self.say(b"\xfbfile");
                }
                Err(error) => return self.fail(&error),
            }
        }
    }

    fn take_file(&mut self, text: String, content: &[u8]) {
        if !content.is_empty() {
            self.asks_for_file = Some(text);
            return;
        }
        let database = self.database.clone();
        let done = self.write(&database, &text);
        self.end_statement(done.is_ok());
        self.end(done, &text);
    }

    fn take_prepare(&mut self, text: String) {
        self.last = None;
        let parts = sql::split(&text);
        if parts.len() != 1 || sql::is_nonsense(&text) {
            return self.fail(&(1064, "42000", "You have an error in your SQL syntax".to_owned()));
        }
        self.prepared += 1;
        self.last = Some(self.prepared);
        let columns = u16::from(sql::has_rows(&text));
        let head = [
            &[0][..],
            &self.prepared.to_le_bytes(),
            &columns.to_le_bytes(),
            &[0; 5],
        ];
        self.statements.insert(self.prepared, text);
        self.say(&head.concat());
        if columns > 0 {
            self.say(b"\x03def\x01c");
            if !self.traits.deprecates_eof {
                self.eof(true, false);
            }
        }
    }

    fn take_execute(&mut self, id: u32) {
        let last = self.last.filter(|_| self.traits.mariadb && id == u32::MAX);
        let text = self.statements.get(&last.unwrap_or(id)).cloned();
        let Some(text) = text else {
            return self.fail(&(1243, "HY000", "Unknown prepared statement handler".to_owned()));
        };
        match self.run_whole(&text) {
            Ok(Answer::Ok) => self.ok(&text, false),
            Ok(Answer::Rows(rows, tells)) => self.rows(&rows, true, tells, false),
            Ok(Answer::File) => self.fail(&(1295, "HY000", "This command is not supported".to_owned())),
            Err(error) => self.fail(&error),
        }
    }

    fn take_change_of_user(&mut self, body: &[u8]) {
        let mut strings = body.split(|&byte| byte == 0);
        // The answer of no bytes has a length of none.
        let database = strings.nth(2).unwrap_or_default();
        self.start_over();
        self.database = String::from_utf8_lossy(database).into_owned();
        self.ok("", false);
    }

    fn end(&mut self, done: Result<(), Refusal>, info: &str) {
        match done {
            Ok(()) => self.ok(info, false),
            Err(error) => self.fail(&error),
        }
    }

    /// As after a login.
    fn start_over(&mut self) {
        self.roll_back(false);
        self.settings = self.configured.clone();
        self.changes = Changes::default();
        self.unlock();
        (self.next_read_only, self.last) = (None, None);
        self.statements.clear();
        self.named.clear();
    }

    fn use_database(&mut self, name: &str) -> Result<(), Refusal> {
        if name == "nowhere" {
            return Err((1049, "42000", format!("Unknown database '{name}'")));
        }
        name.clone_into(&mut self.database);
        self.changes.schema = self.settings.track_schema;
        Ok(())
    }
}
