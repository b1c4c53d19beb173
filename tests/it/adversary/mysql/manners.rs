//! The manners in which the lines of a case are sent, and what came back.

use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::wire::framed;
use crate::support::mysql::{Flavor, Login, Replies, Reply, Wire};
use std::io;

/// Of a statement that was prepared last, in MariaDB.
const LAST_PREPARED: u32 = u32::MAX;

/// One thing that a client does, and waits for.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Say(String),
    Prepare(String),
    /// The oldest prepared statement that has not been run.
    Execute,
    /// COM_STMT_PREPARE and COM_STMT_EXECUTE of the last statement in one write.
    PrepareAndExecute(String),
    /// COM_RESET_CONNECTION.
    Reset,
    /// COM_CHANGE_USER, to the same user.
    ChangeUser,
    /// These in one write; an empty one is COM_RESET_CONNECTION.
    Together(Vec<String>),
}

/// A manner of sending the lines of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Text,
    Attributes,
    Prepared,
    PreparedBefore,
    PreparedInOneWrite,
    /// Something harmless before and behind in the same message.
    Amid,
    OneMessage,
    OneWrite,
    /// Inside `/*! */` and its kin.
    Comment(&'static str),
    SqlPrepared,
    SqlPreparedFromVariable,
    SqlPreparedBefore,
    Immediate,
    Block,
    /// Behind these, each a message.
    Behind(&'static [&'static str]),
    /// In one write with this before it.
    PipelinedBehind(&'static str),
    /// In one message with this before it.
    MessageBehind(&'static str),
    ForStatement,
    /// Between these, each a message.
    Between(&'static [&'static str], &'static str),
    /// The first of these is sent before the lull.
    BegunBefore(&'static [&'static str], &'static str),
    Reset,
    ResetInOneWrite,
    ChangeUser,
    Untracked,
}

const LIFTS: [&[&str]; 13] = [
    &["SET SESSION TRANSACTION READ WRITE"],
    &["SET TRANSACTION READ WRITE"],
    &["SET {read_only} = 0"],
    &["SET @@session.{read_only} = DEFAULT"],
    &["SET @@{read_only} = 0"],
    &["SET sql_mode = 'ANSI_QUOTES'"],
    &["SET sql_mode = 'NO_BACKSLASH_ESCAPES'"],
    &["SET sql_mode = 'ORACLE'"],
    &["SET NAMES gbk"],
    &["SET NAMES sjis"],
    &["SET NAMES big5"],
    &["SET NAMES cp932"],
    &[
        "SET completion_type = CHAIN",
        "START TRANSACTION READ WRITE",
        "COMMIT",
    ],
];

const BETWEEN: [(&[&str], &str); 6] = [
    (&["START TRANSACTION"], "COMMIT"),
    (&["START TRANSACTION READ WRITE"], "COMMIT"),
    (&["START TRANSACTION READ ONLY"], "COMMIT"),
    (&["START TRANSACTION READ WRITE", "COMMIT AND CHAIN"], "COMMIT"),
    (&["SET autocommit = 0", "SELECT count(*) FROM t"], "COMMIT"),
    (&["BEGIN", "SAVEPOINT a", "SELECT 1 FROM t"], "COMMIT"),
];

const BEGUN_BEFORE: [(&[&str], &str); 4] = [
    (&["START TRANSACTION", "SELECT count(*) FROM t"], "COMMIT"),
    (&["START TRANSACTION READ WRITE"], "COMMIT"),
    (&["SET autocommit = 0", "SELECT count(*) FROM u"], "COMMIT"),
    (&["SET TRANSACTION READ WRITE"], "COMMIT"),
];

impl Manner {
    /// All that there are for a flavor.
    pub(super) fn all(flavor: Flavor) -> Vec<Self> {
        let lift = "SET SESSION TRANSACTION READ WRITE";
        let mut manners = vec![
            Self::Text,
            Self::Attributes,
            Self::Prepared,
            Self::PreparedBefore,
            Self::Amid,
            Self::OneMessage,
            Self::OneWrite,
            Self::Comment("/*!"),
            Self::Comment("/*!40101 "),
            Self::SqlPrepared,
            Self::SqlPreparedFromVariable,
            Self::SqlPreparedBefore,
            Self::PipelinedBehind(lift),
            Self::PipelinedBehind("START TRANSACTION READ WRITE"),
            Self::MessageBehind(lift),
            Self::MessageBehind("SET TRANSACTION READ WRITE"),
            Self::Reset,
            Self::ResetInOneWrite,
            Self::ChangeUser,
            Self::Untracked,
        ];
        manners.extend(LIFTS.map(Self::Behind));
        manners.extend(BETWEEN.map(|(before, behind)| Self::Between(before, behind)));
        manners.extend(BEGUN_BEFORE.map(|(before, behind)| Self::BegunBefore(before, behind)));
        match flavor {
            Flavor::MariaDb | Flavor::MariaDbNewest => manners.extend([
                Self::PreparedInOneWrite,
                Self::Comment("/*M!"),
                Self::Comment("/*M!100100 "),
                Self::Immediate,
                Self::Block,
                Self::ForStatement,
            ]),
            Flavor::MySql => manners.push(Self::Comment("/*!80011 ")),
        }
        manners
    }

    /// Whether every case is sent so. A statement is judged the same behind whatever came before it: of the other manners
    /// each sends some.
    pub(super) fn is_thorough(self) -> bool {
        match self {
            Self::Text | Self::Prepared | Self::PreparedBefore | Self::Amid => true,
            Self::PipelinedBehind(lift) | Self::MessageBehind(lift) => lift.contains("SESSION"),
            Self::BegunBefore(before, _) => before.len() == 2 && before[0].starts_with("START"),
            _ => false,
        }
    }

    /// Whether all lines are sent without waiting for what the server says to the first.
    pub(super) fn is_blind(self) -> bool {
        matches!(
            self,
            Self::OneWrite | Self::PipelinedBehind(_) | Self::ResetInOneWrite
        )
    }

    pub(super) fn login(self, user: &str, database: &str) -> Login {
        let usual = capability::MULTI_STATEMENTS | capability::LOCAL_FILES;
        let more = match self {
            Self::Attributes => capability::QUERY_ATTRIBUTES,
            Self::Untracked => capability::SESSION_TRACK | capability::DEPRECATE_EOF,
            _ => 0,
        };
        Login::of(user).database(database).with(usual | more)
    }

    /// What is done before the lull opens.
    pub(super) fn before(self, lines: &[String]) -> Vec<Step> {
        match self {
            Self::PreparedBefore => lines.iter().cloned().map(Step::Prepare).collect(),
            Self::SqlPreparedBefore => {
                let prepare = |(at, line): (usize, &String)| Step::Say(sql_prepare(at, line));
                lines.iter().enumerate().map(prepare).collect()
            }
            Self::BegunBefore(before, _) => says(before),
            _ => Vec::new(),
        }
    }

    /// What is done in the lull.
    pub(super) fn within(self, lines: &[String]) -> Vec<Step> {
        let say = |line: &String| Step::Say(line.clone());
        let each = |how: &dyn Fn(&String) -> Vec<Step>| lines.iter().flat_map(how).collect::<Vec<_>>();
        let texts: Vec<Step> = lines.iter().map(say).collect();
        match self {
            Self::Text | Self::Attributes => texts,
            Self::Prepared => each(&|line| vec![Step::Prepare(line.clone()), Step::Execute]),
            Self::PreparedBefore => lines.iter().map(|_| Step::Execute).collect(),
            Self::PreparedInOneWrite => each(&|line| vec![Step::PrepareAndExecute(line.clone())]),
            Self::Amid => each(&|line| vec![Step::Say(format!("SELECT 1; {line}; DO 0"))]),
            Self::OneMessage => vec![Step::Say(lines.join("; "))],
            Self::OneWrite => vec![Step::Together(lines.to_vec())],
            Self::Comment(open) => each(&|line| vec![Step::Say(format!("{open}{line} */"))]),
            Self::SqlPrepared => each(&|line| {
                vec![
                    Step::Say(sql_prepare(0, line)),
                    Step::Say("EXECUTE q0".to_owned()),
                ]
            }),
            Self::SqlPreparedFromVariable => each(&|line| {
                vec![
                    Step::Say(format!("SET @q = {}", quoted(line))),
                    Step::Say("PREPARE q FROM @q".to_owned()),
                    Step::Say("EXECUTE q".to_owned()),
                ]
            }),
            Self::SqlPreparedBefore => (0..lines.len())
                .map(|at| Step::Say(format!("EXECUTE q{at}")))
                .collect(),
            Self::Immediate => each(&|line| vec![Step::Say(format!("EXECUTE IMMEDIATE {}", quoted(line)))]),
            Self::Block => vec![Step::Say(format!("BEGIN NOT ATOMIC {}; END", lines.join("; ")))],
            Self::Behind(before) => [says(before), texts].concat(),
            Self::PipelinedBehind(before) => {
                vec![Step::Together([&[before.to_owned()], lines].concat())]
            }
            Self::MessageBehind(before) => each(&|line| vec![Step::Say(format!("{before}; {line}; COMMIT"))]),
            Self::ForStatement => {
                each(&|line| vec![Step::Say(format!("SET STATEMENT {{read_only}} = 0 FOR {line}"))])
            }
            Self::Between(before, behind) => [says(before), texts, says(&[behind])].concat(),
            Self::BegunBefore(_, behind) => [texts, says(&[behind])].concat(),
            Self::Reset => [vec![Step::Reset], texts].concat(),
            Self::ResetInOneWrite => vec![Step::Together([&[String::new()], lines].concat())],
            Self::ChangeUser => [vec![Step::ChangeUser], texts].concat(),
            Self::Untracked => [
                says(&[
                    "SET SESSION session_track_system_variables = ''",
                    "SET SESSION session_track_transaction_info = 'OFF', session_track_state_change = OFF",
                    "SET SESSION TRANSACTION READ WRITE",
                ]),
                texts,
            ]
            .concat(),
        }
    }
}

fn says(lines: &[&str]) -> Vec<Step> {
    lines.iter().map(|line| Step::Say((*line).to_owned())).collect()
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\\', "\\\\").replace('\'', "''"))
}

fn sql_prepare(at: usize, line: &str) -> String {
    format!("PREPARE q{at} FROM {}", quoted(line))
}

/// A client that takes steps.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) wire: Wire,
    login: Login,
    flavor: Flavor,
    /// Statements that are not run yet; None where the server refused to prepare one.
    prepared: std::collections::VecDeque<Option<u32>>,
    /// The first error, as code and message.
    pub(super) error: Option<String>,
}

impl Sender {
    pub(super) fn new(login: Login, address: std::net::SocketAddr, flavor: Flavor) -> Self {
        Self {
            wire: login.to(address),
            login,
            flavor,
            prepared: std::collections::VecDeque::new(),
            error: None,
        }
    }

    /// Takes them until the connection ends.
    pub(super) fn take(&mut self, steps: &[Step]) {
        for step in steps {
            if let Err(error) = self.step(step) {
                self.error.get_or_insert(format!("the connection: {error}"));
                return;
            }
        }
    }

    /// Whether the session is there and answers.
    pub(super) fn is_answered(&mut self) -> bool {
        let payload = self.query("SELECT 1");
        let answer = self.wire.try_ask(&payload);
        answer.is_ok_and(|replies| replies.value() == Some("1"))
    }

    fn query(&self, sql: &str) -> Vec<u8> {
        let sql = sql.replace("{read_only}", self.flavor.read_only_variable());
        if self.wire.has(capability::QUERY_ATTRIBUTES) {
            packets::query_with_attributes(&sql, &[("traceparent", "SELECT"), ("", "x;")])
        } else {
            packets::query(&sql)
        }
    }

    fn step(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::Say(sql) => {
                let payload = self.query(sql);
                let replies = self.wire.try_ask(&payload)?;
                self.note(&replies);
                self.send_file_if_asked(sql, &replies)?;
            }
            Step::Prepare(sql) => {
                self.wire.try_send(&packets::prepare(sql))?;
                let replies = self.wire.prepared();
                self.note(&replies);
                let statement = match replies.0.first() {
                    Some(Reply::Prepared { statement, .. }) => Some(*statement),
                    _ => None,
                };
                self.prepared.push_back(statement);
            }
            Step::Execute => {
                if let Some(Some(statement)) = self.prepared.pop_front() {
                    let replies = self.wire.try_ask(&packets::execute(statement, 0, &[]))?;
                    self.note(&replies);
                    self.send_file_if_asked("", &replies)?;
                }
            }
            Step::PrepareAndExecute(sql) => {
                let payloads = [packets::prepare(sql), packets::execute(LAST_PREPARED, 0, &[])];
                self.write(&payloads)?;
                let replies = self.wire.prepared();
                self.note(&replies);
                let replies = self.wire.try_results()?;
                self.note(&replies);
                self.send_file_if_asked(sql, &replies)?;
            }
            Step::Reset => {
                self.wire.try_ask(&[packets::RESET_CONNECTION])?;
            }
            Step::ChangeUser => self.login.change(&mut self.wire)?,
            Step::Together(lines) => {
                let payload = |line: &String| match line.as_str() {
                    "" => vec![packets::RESET_CONNECTION],
                    line => self.query(line),
                };
                let payloads: Vec<Vec<u8>> = lines.iter().map(payload).collect();
                self.write(&payloads)?;
                for _ in &payloads {
                    let replies = self.wire.try_results()?;
                    self.note(&replies);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, payloads: &[Vec<u8>]) -> io::Result<()> {
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| framed(payload, 0).0).collect();
        self.wire.try_send_raw(&bytes)
    }

    fn note(&mut self, replies: &Replies) {
        if let (Some(code), Some(message)) = (replies.error_code(), replies.error_message()) {
            self.error.get_or_insert(format!("{code} {message}"));
        }
    }

    fn send_file_if_asked(&mut self, sql: &str, replies: &Replies) -> io::Result<()> {
        if !matches!(replies.0.last(), Some(Reply::LocalInfile(_))) {
            return Ok(());
        }
        let rows: &[u8] = if sql.contains("XML") {
            b"<row><id>70</id><v>x</v></row>"
        } else {
            b"70\tx\n"
        };
        self.wire.try_go_on(rows)?;
        self.wire.try_go_on(&[])?;
        let replies = self.wire.try_results()?;
        self.note(&replies);
        Ok(())
    }
}
