//! One admin connection: login without a password (the socket's permissions are the password), then verbs in the
//! simple or the extended protocol. PostgreSQL manual, 54.2 "Message Flow".

use std::{collections::HashMap, time::Duration};

use pgwire::messages::{
    PgWireBackendMessage as Say, PgWireFrontendMessage as Heard,
    data::{NoData, ParameterDescription},
    extendedquery::{BindComplete, CloseComplete, ParseComplete},
    response::{CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus},
    startup::{Authentication, BackendKeyData, ParameterStatus, SecretKey},
};

use super::{
    frame::{self, Phase},
    operator,
    reply::{Problem, Reply},
    serve::{CancelKey, Shared},
    table,
    verb::{self, Ask, Verb},
    wire::{Broken, Wire},
};

pub(super) const MESSAGE_BYTES_MAX: usize = 64 << 10;
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements and portals of one connection.
const NAMES_MAX: usize = 100;

pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) shared: Shared,
    pub(super) key: CancelKey,
    /// Who asks, for the record of a lull.
    pub(super) by: String,
    statements: HashMap<String, Option<Ask>>,
    portals: HashMap<String, Option<Ask>>,
}

pub(super) async fn run(
    stream: tokio::net::UnixStream,
    shared: Shared,
    has_place: bool,
) -> Result<(), Broken> {
    let mut wire = Wire::new(stream, MESSAGE_BYTES_MAX);
    let Some(claimed) = login(&mut wire, &shared).await? else {
        return Ok(());
    };
    if !has_place {
        let full = Problem::new("53300", "too many admin connections: close some");
        wire.say(&full.message("FATAL"))?;
        return wire.flush().await;
    }
    let by = operator::name(&wire.stream, claimed.as_deref());
    let key = shared.cancel_key();
    let mut session = Session {
        wire,
        shared,
        key,
        by,
        statements: HashMap::new(),
        portals: HashMap::new(),
    };
    session.welcome().await?;
    loop {
        let frame = session.wire.frame(Phase::Running).await?;
        match frame::from_client(frame, Phase::Running)? {
            Heard::Terminate(_) => return Ok(()),
            Heard::Query(query) => {
                if let Err(problem) = session.query(&query.query).await? {
                    session.wire.say(&problem.message("ERROR"))?;
                }
                session.ready().await?;
            }
            heard => session.extended(heard).await?,
        }
    }
}

/// The user name that the client gave. None when the connection was for a cancel request.
async fn login(wire: &mut Wire, shared: &Shared) -> Result<Option<Option<String>>, Broken> {
    // A client may ask for each kind of encryption once.
    for _ in 0..3 {
        let frame = wire.frame_within(Phase::Startup, LOGIN_TIMEOUT).await?;
        if frame::asks_for_encryption(&frame) {
            wire.byte(b'N');
            wire.flush().await?;
            continue;
        }
        match frame::from_client(frame, Phase::Startup)? {
            Heard::Startup(startup) => return Ok(Some(startup.parameters.get("user").cloned())),
            Heard::CancelRequest(cancel) => {
                if let Some(secret) = cancel.secret_key.as_i32() {
                    shared.cancel(cancel.pid, secret);
                }
                return Ok(None);
            }
            _ => break,
        }
    }
    Err(Broken::Malformed(frame::Malformed::Body(
        "expected a startup message".into(),
    )))
}

impl Session {
    async fn welcome(&mut self) -> Result<(), Broken> {
        self.wire.say(&Say::Authentication(Authentication::Ok))?;
        for (name, value) in [
            (
                "server_version",
                concat!("16.0 (lull ", env!("CARGO_PKG_VERSION"), ")"),
            ),
            ("server_encoding", "UTF8"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO, MDY"),
            ("integer_datetimes", "on"),
            ("standard_conforming_strings", "on"),
        ] {
            self.wire.say(&Say::ParameterStatus(ParameterStatus::new(
                name.into(),
                value.into(),
            )))?;
        }
        let key = BackendKeyData::new(self.key.pid, SecretKey::I32(self.key.secret));
        self.wire.say(&Say::BackendKeyData(key))?;
        self.ready().await
    }

    async fn ready(&mut self) -> Result<(), Broken> {
        self.wire
            .say(&Say::ReadyForQuery(ReadyForQuery::new(TransactionStatus::Idle)))?;
        self.wire.flush().await
    }

    async fn query(&mut self, text: &str) -> Result<Result<(), Problem>, Broken> {
        let ask = match verb::parse(text) {
            Ok(Some(ask)) => ask,
            Ok(None) => {
                return self
                    .wire
                    .say(&Say::EmptyQueryResponse(EmptyQueryResponse::new()))
                    .map(Ok);
            }
            Err(wrong) => return Ok(Err(wrong.into())),
        };
        let reply = match self.carry_out(&ask).await? {
            Ok(reply) => reply,
            Err(problem) => return Ok(Err(problem)),
        };
        if let Some(columns) = table::columns(&ask.verb, ask.format) {
            self.wire.say(&frame::row_description(columns))?;
        }
        self.give(&reply).map(Ok)
    }

    fn give(&mut self, reply: &Reply) -> Result<(), Broken> {
        for row in &reply.rows {
            self.wire.say(&frame::data_row(row))?;
        }
        for (severity, text) in &reply.notices {
            self.wire.say(&super::reply::notice(severity, text))?;
        }
        let tag = match reply.tag.as_str() {
            "SHOW" => format!("SHOW {}", reply.rows.len()),
            tag => tag.to_owned(),
        };
        self.wire.say(&Say::CommandComplete(CommandComplete::new(tag)))
    }

    /// One message of the extended protocol. After an error, everything up to the next Sync is skipped.
    async fn extended(&mut self, heard: Heard) -> Result<(), Broken> {
        if matches!(heard, Heard::Sync(_)) {
            self.portals.clear();
            return self.ready().await;
        }
        let Err(problem) = self.step(heard).await? else {
            return Ok(());
        };
        self.wire.say(&problem.message("ERROR"))?;
        self.wire.flush().await?;
        loop {
            let frame = self.wire.frame(Phase::Running).await?;
            match frame.first() {
                Some(b'S') => return self.ready().await,
                Some(b'X') => return Err(Broken::Gone),
                _ => {}
            }
        }
    }

    async fn step(&mut self, heard: Heard) -> Result<Result<(), Problem>, Broken> {
        let done = match heard {
            Heard::Parse(parse) => {
                let ask = match verb::parse(&parse.query) {
                    Ok(ask) => ask,
                    Err(wrong) => return Ok(Err(wrong.into())),
                };
                if let Err(full) = remember(&mut self.statements, parse.name, ask) {
                    return Ok(Err(full));
                }
                Say::ParseComplete(ParseComplete::new())
            }
            Heard::Bind(bind) => {
                let Some(ask) = self
                    .statements
                    .get(&bind.statement_name.unwrap_or_default())
                    .cloned()
                else {
                    return Ok(Err(Problem::new("26000", "no such prepared statement")));
                };
                if !bind.parameters.is_empty() {
                    return Ok(Err(Problem::new(
                        "08P01",
                        "the verbs of lull take no parameters: write values into the text",
                    )));
                }
                if let Err(full) = remember(&mut self.portals, bind.portal_name, ask) {
                    return Ok(Err(full));
                }
                Say::BindComplete(BindComplete::new())
            }
            Heard::Describe(describe) => return self.describe(describe.target_type, describe.name),
            Heard::Execute(execute) => return self.execute(&execute.name.unwrap_or_default()).await,
            Heard::Close(close) => {
                let names = if close.target_type == b'S' {
                    &mut self.statements
                } else {
                    &mut self.portals
                };
                names.remove(&close.name.unwrap_or_default());
                Say::CloseComplete(CloseComplete::new())
            }
            Heard::Flush(_) => return self.wire.flush().await.map(Ok),
            _ => {
                return Ok(Err(Problem::new(
                    "0A000",
                    "the admin socket does not know this message",
                )));
            }
        };
        self.wire.say(&done).map(Ok)
    }

    fn describe(&mut self, target: u8, name: Option<String>) -> Result<Result<(), Problem>, Broken> {
        let names = if target == b'S' {
            &self.statements
        } else {
            &self.portals
        };
        let Some(ask) = names.get(&name.unwrap_or_default()) else {
            return Ok(Err(Problem::new("26000", "nothing of this name to describe")));
        };
        let columns = ask.as_ref().and_then(|ask| table::columns(&ask.verb, ask.format));
        if target == b'S' {
            self.wire
                .say(&Say::ParameterDescription(ParameterDescription::new(Vec::new())))?;
        }
        match columns {
            Some(columns) => self.wire.say(&frame::row_description(columns)).map(Ok),
            None => self.wire.say(&Say::NoData(NoData::new())).map(Ok),
        }
    }

    async fn execute(&mut self, name: &str) -> Result<Result<(), Problem>, Broken> {
        let ask = match self.portals.get(name) {
            Some(Some(ask)) => ask.clone(),
            Some(None) => {
                return self
                    .wire
                    .say(&Say::EmptyQueryResponse(EmptyQueryResponse::new()))
                    .map(Ok);
            }
            None => return Ok(Err(Problem::new("34000", "no such portal"))),
        };
        match self.carry_out(&ask).await? {
            Ok(reply) => self.give(&reply).map(Ok),
            Err(problem) => Ok(Err(problem)),
        }
    }

    async fn carry_out(&mut self, ask: &Ask) -> Result<Result<Reply, Problem>, Broken> {
        match &ask.verb {
            Verb::Nothing(tag) => Ok(Ok(Reply::tag(tag))),
            Verb::Keep => Ok(Ok(Reply::tag("LULL KEEP"))),
            Verb::Help => Ok(Ok(Reply::help(ask.format))),
            _ => self.call(ask).await,
        }
    }
}

fn remember(
    names: &mut HashMap<String, Option<Ask>>,
    name: Option<String>,
    ask: Option<Ask>,
) -> Result<(), Problem> {
    let name = name.unwrap_or_default();
    if names.len() >= NAMES_MAX && !names.contains_key(&name) {
        return Err(Problem::new(
            "53400",
            "too many prepared statements or portals on this admin connection",
        ));
    }
    names.insert(name, ask);
    Ok(())
}
