//! A tiny PostgreSQL: enough of the protocol and of SQL that what lull says, and what a client says to it, is answered
//! as the server answers. It works only when asked to, so that a test decides what has happened when; and it keeps its
//! own record of what ran and what was written, so that a test can ask from outside. No sockets.
//!
//! Knows nothing of lull (the fuzz targets use this file too).

mod rules;
mod sql;

use std::collections::{BTreeMap, VecDeque};

pub use rules::Transaction;
use sql::Outcome;

/// SQLSTATE and message.
pub type Refusal = (&'static str, String);

#[derive(Debug, Default)]
pub struct Server {
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    statements: BTreeMap<String, String>,
    portals: BTreeMap<String, String>,
    /// After an error in the extended protocol, up to Sync.
    skipping: bool,
    copying: Option<Copying>,
    /// Statements behind a COPY in the same Query.
    behind_copy: VecDeque<String>,
    /// It has given the connection up.
    pub gone: bool,
    /// ... at this message.
    pub gave_up_at: Vec<u8>,
    /// A cancel request has come: what runs next fails.
    cancelled: bool,
    pub transaction: Option<Transaction>,
    /// default_transaction_read_only, and what RESET makes of it.
    pub read_only: bool,
    pub read_only_reset: bool,
    reported: bool,
    /// Every statement that began to run.
    pub ran: Vec<String>,
    /// Every statement that changed something, committed or not.
    pub wrote: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copying {
    Simple,
    Extended,
}

pub fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// Cuts whole messages off the front.
pub fn messages(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some(bytes_of_one) = first_message(bytes) {
        let (one, rest) = bytes.split_at(bytes_of_one);
        found.push((one[0], one[5..].to_vec()));
        bytes = rest;
    }
    found
}

fn first_message(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(1..5)?;
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
    (length >= 4 && bytes.len() > length).then_some(length + 1)
}

fn strings(body: &[u8]) -> Vec<String> {
    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    body.split(|&b| b == 0).map(text).collect()
}

impl Server {
    /// default_transaction_read_only, as configured.
    pub fn whose_default_is(read_only: bool) -> Self {
        Self {
            read_only,
            read_only_reset: read_only,
            reported: read_only,
            ..Self::default()
        }
    }

    /// Bytes on their way to the server.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
    }

    /// Whether a whole message waits.
    pub fn has_work(&self) -> bool {
        !self.gone && first_message(&self.inbox).is_some()
    }

    /// What has come and was not worked on.
    pub fn waiting(&self) -> Vec<(u8, Vec<u8>)> {
        messages(&self.inbox)
    }

    /// Works on one message; the replies.
    pub fn work(&mut self) -> Vec<u8> {
        if let Some(bytes) = first_message(&self.inbox).filter(|_| !self.gone) {
            let message: Vec<u8> = self.inbox.drain(..bytes).collect();
            self.take(message[0], &message[5..]);
        }
        std::mem::take(&mut self.outbox)
    }

    /// What runs next is cancelled; nothing is, if nothing waits.
    pub fn cancel(&mut self) {
        self.cancelled = self.has_work() || self.copying.is_some();
    }

    pub fn status(&self) -> u8 {
        match &self.transaction {
            Some(transaction) if transaction.failed => b'E',
            Some(transaction) if !transaction.implicit => b'T',
            _ => b'I',
        }
    }

    fn say(&mut self, tag: u8, body: &[u8]) {
        self.outbox.extend(frame(tag, body));
    }

    fn take(&mut self, tag: u8, body: &[u8]) {
        if let Some(copying) = self.copying {
            return self.take_copy(copying, tag, body);
        }
        if self.skipping && tag != b'S' {
            return;
        }
        let done = match tag {
            b'Q' => return self.take_query(&strings(body)[0]),
            b'F' => {
                let done = self.call(body);
                self.end_cycle(done);
                return;
            }
            b'S' => {
                self.skipping = false;
                return self.end_cycle(Ok(()));
            }
            b'P' => self.take_parse(body),
            b'B' => self.take_bind(body),
            b'D' => self.take_describe(body),
            b'E' => self.take_execute(body),
            b'C' => self.take_close(body),
            _ => Ok(()),
        };
        if let Err(error) = done {
            self.fail(error);
            self.skipping = true;
        }
    }

    fn take_copy(&mut self, copying: Copying, tag: u8, body: &[u8]) {
        let done = match tag {
            // Syncs and Flushes are ignored in COPY.
            b'd' | b'S' | b'H' => return,
            b'c' | b'f' if std::mem::take(&mut self.cancelled) => {
                Err(("57014", "canceling statement".to_owned()))
            }
            b'c' => Ok(()),
            b'f' => Err(("57014", format!("COPY from stdin failed: {}", strings(body)[0]))),
            _ => return self.give_up(tag, body),
        };
        self.copying = None;
        if done.is_ok() {
            self.wrote.push("COPY".to_owned());
            self.say(b'C', b"COPY 1\0");
        }
        match (copying, done) {
            (Copying::Simple, Ok(())) => {
                let rest = std::mem::take(&mut self.behind_copy);
                self.go_on(rest);
            }
            (Copying::Simple, Err(error)) => self.end_cycle(Err(error)),
            (Copying::Extended, Ok(())) => {}
            (Copying::Extended, Err(error)) => {
                self.fail(error);
                self.skipping = true;
            }
        }
    }

    /// It has read a message's type and refuses to read the message: since 14, that ends the connection.
    fn give_up(&mut self, tag: u8, body: &[u8]) {
        self.gave_up_at = body.to_vec();
        let why = format!("unexpected message type 0x{tag:02X} during COPY from stdin");
        self.fail(("08P01", why));
        let why = "terminating connection because protocol synchronization was lost";
        let body = format!("SFATAL\0VFATAL\0C08P01\0M{why}\0\0");
        self.say(b'E', body.as_bytes());
        self.gone = true;
    }

    fn take_query(&mut self, text: &str) {
        self.statements.remove("");
        self.portals.remove("");
        // The grammar is checked for the whole message before anything of it runs.
        if let Err(error) = sql::syntax(text) {
            return self.end_cycle(Err(error));
        }
        self.go_on(sql::split(text));
    }

    /// The statements of a Query, from here on.
    fn go_on(&mut self, mut rest: VecDeque<String>) {
        if rest.is_empty() && self.outbox.is_empty() {
            self.say(b'I', b"");
        }
        while let Some(statement) = rest.pop_front() {
            match self.run(&statement) {
                Ok(Outcome::CopyIn) => {
                    (self.copying, self.behind_copy) = (Some(Copying::Simple), rest);
                    self.say(b'G', b"\0\0\0");
                    return;
                }
                Ok(Outcome::Tag(tag)) => self.complete(&tag, true),
                Err(error) => return self.end_cycle(Err(error)),
            }
        }
        self.end_cycle(Ok(()));
    }

    fn complete(&mut self, tag: &str, describe: bool) {
        if let Some(rows) = sql::rows(tag, self) {
            if describe {
                self.say(b'T', b"\0\0");
            }
            for row in rows {
                self.say(b'D', &row);
            }
        }
        let tag = tag.split(" #").next().unwrap_or(tag);
        self.say(b'C', &[tag.as_bytes(), b"\0"].concat());
    }

    fn take_parse(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let parts = strings(body);
        let (name, text) = (sql::cut(&parts[0]), &parts[1]);
        sql::syntax(text)?;
        self.begin_implicit();
        self.refuse_if_failed(text)?;
        if sql::split(text).len() > 1 {
            return Err(("42601", "cannot insert multiple commands".to_owned()));
        }
        if !name.is_empty() && self.statements.contains_key(&name) {
            return Err(("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        self.statements.insert(name, text.clone());
        self.say(b'1', b"");
        Ok(())
    }

    fn take_bind(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let parts = strings(body);
        let (portal, name) = (sql::cut(&parts[0]), sql::cut(&parts[1]));
        self.begin_implicit();
        let missing = || ("26000", format!("prepared statement \"{name}\" does not exist"));
        let text = self.statements.get(&name).cloned().ok_or_else(missing)?;
        self.refuse_if_failed(&text)?;
        self.portals.insert(portal, text);
        self.say(b'2', b"");
        Ok(())
    }

    fn take_describe(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let name = sql::cut(&strings(&body[1..])[0]);
        let (known, statement) = match body[0] {
            b'S' => (self.statements.get(&name), true),
            _ => (self.portals.get(&name), false),
        };
        let text = known
            .cloned()
            .ok_or_else(|| ("26000", format!("\"{name}\" does not exist")))?;
        if statement {
            self.say(b't', b"\0\0");
        }
        if sql::is_select(&text) {
            self.say(b'T', b"\0\0");
        } else {
            self.say(b'n', b"");
        }
        Ok(())
    }

    fn take_execute(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let name = sql::cut(&strings(body)[0]);
        let missing = || ("34000", format!("portal \"{name}\" does not exist"));
        let text = self.portals.get(&name).cloned().ok_or_else(missing)?;
        if sql::split(&text).is_empty() {
            self.say(b'I', b"");
            return Ok(());
        }
        match self.run(&text)? {
            Outcome::CopyIn => {
                // It runs once.
                self.portals.remove(&name);
                self.copying = Some(Copying::Extended);
                self.say(b'G', b"\0\0\0");
            }
            Outcome::Tag(tag) => self.complete(&tag, false),
        }
        Ok(())
    }

    fn take_close(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let name = sql::cut(&strings(&body[1..])[0]);
        match body[0] {
            b'S' => self.statements.remove(&name),
            _ => self.portals.remove(&name),
        };
        self.say(b'3', b"");
        Ok(())
    }

    /// FunctionCall. 957 is lowrite, which no read-only transaction stops on older servers.
    fn call(&mut self, body: &[u8]) -> Result<(), Refusal> {
        self.begin_implicit();
        self.refuse_if_failed("SELECT")?;
        if body.get(..4) == Some(&957u32.to_be_bytes()[..]) {
            self.wrote.push("lowrite".to_owned());
        }
        self.say(b'V', &(-1i32).to_be_bytes());
        Ok(())
    }

    fn fail(&mut self, (sqlstate, message): Refusal) {
        let body = format!("SERROR\0VERROR\0C{sqlstate}\0M{message}\0\0");
        self.say(b'E', body.as_bytes());
        self.abort();
    }

    /// The end of a Query or FunctionCall, or a Sync.
    fn end_cycle(&mut self, done: Result<(), Refusal>) {
        match done {
            Ok(()) => self.end_implicit(),
            Err(error) => self.fail(error),
        }
        self.cancelled = false;
        if self.transaction.is_none() {
            self.portals.clear();
        }
        if self.read_only != self.reported {
            self.reported = self.read_only;
            let value: &[u8] = if self.read_only { b"on\0" } else { b"off\0" };
            self.say(b'S', &[b"default_transaction_read_only\0", value].concat());
        }
        self.say(b'Z', &[self.status()]);
    }
}
