//! A session's luggage on its way into a fresh connection: what the server there has by itself is asked for, what is
//! another is set, and what came of it is asked for again.
//!
//! Guarantees that nothing is set that is as wanted already, and that what cannot be written down safely is an end of the
//! journey. It must not know sockets.

use std::collections::VecDeque;

use crate::{
    session::Site,
    wire::mysql::{
        capability::{Capabilities, Status},
        command,
        packet::{self, Header, PAYLOAD_BYTES_MAX},
    },
};

use super::{
    luggage::{self, Luggage},
    own::{self, Gathered},
    reply::{Kind, Reply, Says},
    server::Server,
    variables,
};

/// How long a replica may take to come as far as the session has seen. Most often it is there.
const WAIT_S: u32 = 5;

/// What a connection has become.
#[derive(Debug)]
pub struct Unpacked {
    pub server: Server,
    /// By which that server's KILL knows it.
    pub connection_id: u32,
    pub(super) status: Status,
    /// What the client's statements are numbered there. None for one that cannot be prepared any more.
    pub(super) numbers: Vec<(u32, Option<u32>)>,
}

/// What a reply is owed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Its answer is looked at by asking where the log is.
    Wait,
    Ask,
    /// Must succeed.
    Put,
    /// The statement of this number.
    Prepare(u32),
    AskAgain,
}

#[derive(Debug)]
pub struct Unpacking {
    wanted: Box<Luggage>,
    to: Site,
    server: Server,
    connection_id: u32,
    owed: VecDeque<(Kind, Step)>,
    reply: Option<Reply>,
    gathered: Gathered,
    status: Status,
    there: Luggage,
    numbers: Vec<(u32, Option<u32>)>,
}

/// What follows from a packet of the server's.
#[derive(Debug)]
pub enum Heard {
    /// There is more to come.
    More,
    /// This goes up.
    Say(Vec<u8>),
    Done(Box<Unpacked>),
    /// It is not as wanted there.
    Failed(String),
}

impl Unpacking {
    /// Also what must be sent.
    pub fn begin(wanted: Box<Luggage>, to: Site, server: Server, connection_id: u32) -> (Self, Vec<u8>) {
        let mut unpacking = Self {
            to,
            server,
            connection_id,
            owed: VecDeque::new(),
            reply: None,
            gathered: Gathered::default(),
            status: Status::default(),
            there: Luggage::default(),
            numbers: Vec::new(),
            wanted,
        };
        let mut out = Vec::new();
        if let Some(wait) = unpacking.wait() {
            unpacking.query(&wait, Step::Wait, &mut out);
        }
        unpacking.ask(Step::Ask, &mut out);
        (unpacking, out)
    }

    /// The statement that returns when a replica has what the session has seen.
    fn wait(&self) -> Option<String> {
        let position: String = self.wanted.position.split_whitespace().collect();
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_:,".contains(&b);
        if self.to == Site::Primary || position.is_empty() || !position.bytes().all(is_plain) {
            return None;
        }
        let function = if self.server.is_mariadb() {
            "MASTER_GTID_WAIT"
        } else {
            "WAIT_FOR_EXECUTED_GTID_SET"
        };
        Some(format!("SELECT {function}('{position}', {WAIT_S})"))
    }

    fn ask(&mut self, step: Step, out: &mut Vec<u8>) {
        let wanted = std::mem::take(&mut self.wanted);
        let names: Vec<&str> = wanted.all().map(|(name, _)| name.as_str()).collect();
        let own = wanted.names.as_ref();
        let own = own
            .map(|own| variables::question(self.server, own))
            .unwrap_or_default();
        let text = luggage::question(self.server, &names, &own);
        self.wanted = wanted;
        self.query(&text, step, out);
    }

    fn query(&mut self, text: &str, step: Step, out: &mut Vec<u8>) {
        let attributes = self.wanted.agreed.has(Capabilities::QUERY_ATTRIBUTES);
        own::write(out, text, attributes);
        self.owed.push_back((Kind::Results, step));
    }

    fn command(&mut self, first: u8, payload: &[u8], out: &mut Vec<u8>) {
        packet::write(out, 0, &[&[first], payload].concat());
        self.owed.push_back((Kind::Single, Step::Put));
    }

    /// A packet of the server's.
    pub fn hear(&mut self, sequence: u8, payload: &[u8]) -> Heard {
        let header = Header {
            payload_bytes: payload.len(),
            sequence,
            first: payload.first().copied(),
            continuation: false,
        };
        let Some(&(kind, step)) = self.owed.front() else {
            return Heard::Failed("the server says what it was not asked".to_owned());
        };
        if header.payload_bytes == PAYLOAD_BYTES_MAX {
            return Heard::Failed("an answer of the server's is too large".to_owned());
        }
        let agreed = self.wanted.agreed;
        let reply = self.reply.get_or_insert_with(|| Reply::new(kind, agreed));
        let says = match reply.hear(header, payload) {
            Ok(says) => says,
            Err(malformed) => return Heard::Failed(malformed.to_string()),
        };
        match says {
            Says::Ok(ok) => self.status = ok.status,
            Says::Eof(status) => self.status = status,
            _ => {}
        }
        self.gathered.add(says, payload);
        if !reply.is_over() {
            return Heard::More;
        }
        self.reply = None;
        self.owed.pop_front();
        let gathered = std::mem::take(&mut self.gathered);
        self.answered(step, gathered)
    }

    fn answered(&mut self, step: Step, gathered: Gathered) -> Heard {
        if step == Step::Wait {
            return Heard::More;
        }
        match (step, gathered.error) {
            (Step::Prepare(id), Some((code, _))) if IS_GONE.contains(&code) => {
                self.numbers.push((id, None));
                return self.settle();
            }
            (_, Some((_, why))) => return Heard::Failed(why),
            (_, None) => {}
        }
        match step {
            Step::Wait => Heard::More,
            Step::Prepare(id) => {
                self.numbers.push((id, gathered.prepared));
                self.settle()
            }
            Step::Ask => {
                self.there = Luggage::read(&gathered.rows);
                match self.put() {
                    Ok(out) => Heard::Say(out),
                    Err(why) => Heard::Failed(why),
                }
            }
            Step::AskAgain => {
                self.there = Luggage::read(&gathered.rows);
                self.settle()
            }
            Step::Put => self.settle(),
        }
    }

    /// Whether all is in place, when all is answered.
    fn settle(&mut self) -> Heard {
        if !self.owed.is_empty() {
            return Heard::More;
        }
        match self.wanted.differs(&self.there, self.to) {
            Some(why) => Heard::Failed(why),
            None => Heard::Done(Box::new(Unpacked {
                server: self.server,
                connection_id: self.connection_id,
                status: self.status,
                numbers: std::mem::take(&mut self.numbers),
            })),
        }
    }

    /// What makes of the connection what the session had.
    fn put(&mut self) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let guard = [self.server.read_only_variable()];
        let (mut settings, mut last) = (Vec::new(), Vec::new());
        for (name, value) in self.wanted.all() {
            if self.there.value(name) != Some(value) {
                let setting = format!("SESSION {name} = {}", literal(name, value)?);
                if guard.contains(&name.as_str()) {
                    last.push(setting);
                } else {
                    settings.push(setting);
                }
            }
        }
        let more = self.there.settings.keys();
        let more = more.filter(|name| self.wanted.value(name).is_none());
        settings.extend(more.map(|name| format!("SESSION {name} = DEFAULT")));
        self.set(&settings, &mut out);
        if let Some(text) = variables::repeat(&self.wanted.variables)? {
            self.query(&text, Step::Put, &mut out);
        }
        if self.wanted.role != self.there.role {
            let role = role(self.wanted.role.as_deref())?;
            self.query(&format!("SET ROLE {role}"), Step::Put, &mut out);
        }
        if let Some(option) = self.wanted.option {
            self.command(command::SET_OPTION, &option, &mut out);
        }
        let database = self.prepare(&mut out);
        if self.wanted.database != database {
            match self.wanted.database.clone() {
                Some(database) => self.command(command::INIT_DB, &database, &mut out),
                None => return Err("its database has been dropped".to_owned()),
            }
        }
        // What writes cannot be prepared behind the guard.
        self.set(&last, &mut out);
        self.ask(Step::AskAgain, &mut out);
        // Without autocommit, what was asked may have begun a transaction.
        self.query("COMMIT AND NO CHAIN NO RELEASE", Step::Put, &mut out);
        Ok(out)
    }

    fn set(&mut self, settings: &[String], out: &mut Vec<u8>) {
        if !settings.is_empty() {
            self.query(&format!("SET {}", settings.join(", ")), Step::Put, out);
        }
    }

    /// Each where it was prepared. The database that the connection is in behind that.
    fn prepare(&mut self, out: &mut Vec<u8>) -> Option<Vec<u8>> {
        let mut database = self.there.database.clone();
        for (id, prepared) in std::mem::take(&mut self.wanted.statements) {
            let wanted = prepared.database.as_bytes();
            if !wanted.is_empty() && database.as_deref() != Some(wanted) {
                self.command(command::INIT_DB, wanted, out);
                database = Some(wanted.to_vec());
            }
            packet::write(out, 0, &[&[command::STMT_PREPARE], &*prepared.text].concat());
            self.owed.push_back((Kind::Prepared, Step::Prepare(id)));
        }
        database
    }
}

/// The server cannot prepare a statement because what it names is gone: so would the old one have said when it is
/// executed. ER_BAD_DB_ERROR, ER_BAD_FIELD_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR,
/// ER_NO_SUCH_TABLE, ER_SP_DOES_NOT_EXIST, ER_VIEW_INVALID.
const IS_GONE: [u16; 7] = [1049, 1054, 1142, 1143, 1146, 1305, 1356];

/// As text that every setting reads alike.
fn literal(name: &str, value: &[u8]) -> Result<String, String> {
    let odd = || Err(format!("the setting {name} cannot be repeated"));
    let Ok(text) = std::str::from_utf8(value) else {
        return odd();
    };
    let is_number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        plain && digits.starts_with(|c: char| c.is_ascii_digit())
    };
    match text {
        "" if name == "character_set_results" => Ok("NULL".to_owned()),
        _ if is_number(text) => Ok(text.to_owned()),
        _ if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'\\') => {
            Ok(format!("'{}'", text.replace('\'', "''")))
        }
        _ => odd(),
    }
}

/// As the server has it: a name, or on MySQL a list of quoted ones.
fn role(role: Option<&[u8]>) -> Result<String, String> {
    let odd = || "its role cannot be repeated".to_owned();
    let text = std::str::from_utf8(role.unwrap_or(b"NONE")).map_err(|_| odd())?;
    match text {
        "NONE" => Ok("NONE".to_owned()),
        quoted if quoted.starts_with('`') && !quoted.contains('\\') => Ok(quoted.to_owned()),
        name => Ok(format!("`{}`", name.replace('`', "``"))),
    }
}
