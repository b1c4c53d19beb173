//! A session machine between a client's bytes and the tiny server: what the relay and the roster do, without sockets,
//! one event at a time. Every chunk is cut into pieces before the machine sees it; what comes out must not depend on
//! the cuts.

use std::sync::Arc;

use lull::{
    fault::Fault,
    gate::{Gate, Mode, Prepared, Principal, Request, Scope, Stragglers},
    session::{
        Audited, Effects, Instruction, Moved, Report, Session,
        mysql::{Login, MySession, Server as Kind, Settings},
        outlet::{Outlet, Outlets},
    },
    wire::mysql::capability::Capabilities,
};

use super::{
    replies::{Expected, Replies},
    server::{Server, first_packet},
};

/// Cuts a chunk: how many bytes to take off it next (at least one is taken).
pub type Cuts = Box<dyn FnMut(usize) -> usize>;

/// More than all that a client can have sent ahead.
const TURNS_MAX: usize = 20_000;

pub struct Pair {
    pub machine: MySession,
    pub server: Server,
    pub replies: Replies,
    /// All that the client has received.
    pub to_client: Vec<u8>,
    /// All that has gone up.
    pub to_server: Vec<u8>,
    pub effects: Effects,
    pub hung_up: bool,
    /// The gate has not answered it yet.
    pub moved: Option<Moved>,
    who: Principal,
    out: Outlets,
    gate: Gate,
    cuts: Cuts,
}

pub fn settings() -> Settings {
    Settings {
        inspect_bytes_max: 1 << 20,
        prepared_statements_max: 4,
        signals: true,
        refusal_code: 1792,
        travels: true,
    }
}

/// The legs of the client and of the server. `shown`: whether the client too is told of changes.
fn agreed(server: &Server, shown: bool) -> (Capabilities, Capabilities) {
    let traits = server.traits;
    let common = Capabilities::PROTOCOL_41
        .with(Capabilities::MULTI_STATEMENTS)
        .with(Capabilities::MULTI_RESULTS)
        .with(Capabilities::SECURE_CONNECTION)
        .with(Capabilities::LOCAL_FILES)
        .set(Capabilities::QUERY_ATTRIBUTES, traits.attributes)
        .set(Capabilities::DEPRECATE_EOF, traits.deprecates_eof);
    let leg = |tracks| common.set(Capabilities::SESSION_TRACK, tracks);
    (leg(traits.tracks && shown), leg(traits.tracks))
}

fn request(scope: Scope) -> Request {
    Request {
        scope,
        reason: "upgrade".to_owned(),
        by: "test".to_owned(),
        drain_ms: 0,
        stragglers: Stragglers::Abort,
        prepared: Prepared::Block,
        replicas: None,
        until_unix_ms: None,
    }
}

impl Pair {
    /// A session of normal mode, logged in; each chunk in one piece.
    pub fn new(server: Server) -> Self {
        Self::with(settings(), server, true, Box::new(|bytes| bytes)).expect("a fresh session")
    }

    pub fn with(settings: Settings, server: Server, shown: bool, cuts: Cuts) -> Result<Self, Fault> {
        let (gate, mut out) = (Gate::default(), Outlets::default());
        let who = Principal {
            cluster: "main".to_owned(),
            database: server.database.clone(),
            user: "app".to_owned(),
        };
        let (client, upstream) = agreed(&server, shown);
        let version = if server.traits.mariadb {
            "5.5.5-10.11.6-MariaDB"
        } else {
            "9.7.4"
        };
        let login = Login {
            client,
            upstream,
            server: Kind::of(version),
            connection_id: 7,
            collation: 45,
            user: who.user.as_str().into(),
            database: who.database.as_str().into(),
            client_name: "".into(),
            ok: vec![0, 0, 0, u8::from(server.settings.autocommit) << 1, 0, 0, 0],
            sequence: 2,
            unlike: false,
            settings,
        };
        let mut replies = Replies::new(server.traits.deprecates_eof, server.traits.tracks && shown);
        replies.expect(Expected::Single, 2);
        let machine = MySession::born(login, gate.view().roaming_order_for(&who), &mut out)?;
        let mut pair = Self {
            machine,
            server,
            replies,
            to_client: Vec::new(),
            to_server: Vec::new(),
            effects: Effects::default(),
            hung_up: false,
            moved: None,
            who,
            out,
            gate,
            cuts,
        };
        pair.carry(&[]);
        Ok(pair)
    }

    /// The client sends; nothing else happens.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at((self.cuts)(rest.len()).clamp(1, rest.len()));
            let taken = self.machine.client_bytes(chunk, &mut self.out);
            self.carry(chunk);
            taken?;
            rest = after;
        }
        Ok(())
    }

    /// The server sends.
    pub fn reply(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at((self.cuts)(rest.len()).clamp(1, rest.len()));
            let taken = self.machine.upstream_bytes(chunk, &mut self.out);
            // The chunk is not needed for what is left: a relay that ends with a fault has no chunk.
            let chunk = if taken.is_ok() { chunk } else { &[] };
            self.carry(chunk);
            taken?;
            rest = after;
        }
        Ok(())
    }

    /// The server works on one packet.
    pub fn work(&mut self) -> Result<(), Fault> {
        let replies = self.server.work();
        self.reply(&replies)
    }

    /// The server works until it waits, and the gate answers who has moved.
    pub fn settle(&mut self) -> Result<(), Fault> {
        for _ in 0..TURNS_MAX {
            if !self.server.has_work() && self.moved.is_none() {
                return Ok(());
            }
            self.work()?;
            self.answer_move()?;
        }
        panic!("it goes on and on: {:?}", self.server.ran.last())
    }

    pub fn tell(&mut self, instruction: Instruction) -> Result<(), Fault> {
        self.machine.order(instruction, &mut self.out)?;
        self.carry(&[]);
        Ok(())
    }

    /// The gate says what holds where the session is now.
    pub fn answer_move(&mut self) -> Result<(), Fault> {
        let Some(moved) = self.moved.take() else {
            return Ok(());
        };
        (self.who.user, self.who.database) = (moved.user, moved.database);
        self.take_order()
    }

    fn take_order(&mut self) -> Result<(), Fault> {
        let order = self.gate.view().roaming_order_for(&self.who);
        self.tell(Instruction::Take(order))
    }

    /// A lull on everything.
    pub fn on(&mut self) -> Result<(), Fault> {
        self.gate.open(request(Scope::all()), 0);
        self.take_order()
    }

    pub fn on_database(&mut self, database: &str) -> Result<(), Fault> {
        let scope = format!("main/{database}").parse().expect("a scope");
        self.gate.open(request(scope), 0);
        self.take_order()
    }

    /// The audit finds nothing.
    pub fn audited(&mut self) -> Result<(), Fault> {
        self.tell(Instruction::Audited(Audited::MySql(Arc::default())))
    }

    /// The lull opens, and the audit finds nothing.
    pub fn on_audited(&mut self) -> Result<(), Fault> {
        self.on()?;
        self.audited()
    }

    /// All lulls end.
    pub fn off(&mut self) -> Result<(), Fault> {
        for lull in &self.gate.view().lulls {
            self.gate.close(&lull.request.scope);
        }
        self.take_order()
    }

    /// Whether a lull covers what a session does in a database.
    pub fn covers(&self, database: &str) -> bool {
        let who = Principal {
            database: database.to_owned(),
            ..self.who.clone()
        };
        matches!(self.gate.view().order_for(&who).mode, Mode::ReadOnly(_))
    }

    pub fn generation(&self) -> u64 {
        self.gate.view().generation
    }

    pub fn report(&self) -> Report {
        self.machine.report()
    }

    /// Whether the machine stands at the newest order.
    pub fn stands(&self) -> bool {
        self.report().stands_at == self.generation()
    }

    fn carry(&mut self, chunk: &[u8]) {
        let up = take(&mut self.out.to_upstream, chunk);
        self.server.feed(&up);
        self.to_server.extend(up);
        let down = take(&mut self.out.to_client, chunk);
        let effects = self
            .machine
            .take_effects()
            .map(|effects| *effects)
            .unwrap_or_default();
        self.hung_up |= effects.hang_up.is_some();
        if !self.hung_up {
            self.replies.feed(&down);
        }
        self.to_client.extend(down);
        if effects.interrupt.is_some() {
            self.server.interrupt();
        }
        self.effects.interrupt = self.effects.interrupt.take().or(effects.interrupt);
        self.effects.needs_audit |= effects.needs_audit;
        self.effects.answers.extend(effects.answers);
        self.effects.unanswered.extend(effects.unanswered);
        self.effects.counts.write_leaks += effects.counts.write_leaks;
        self.effects.counts.guard_alarms += effects.counts.guard_alarms;
        self.moved = effects.moved.or(self.moved.take());
    }

    // ---- for stories, where nothing may fail ----

    /// The client says something, everything is answered; what it has received since the last time it was looked at.
    #[track_caller]
    pub fn says(&mut self, bytes: &[u8]) -> String {
        self.begins(bytes);
        self.settle().expect("the server is no fault");
        self.heard()
    }

    /// The client says something, and nothing else happens.
    #[track_caller]
    pub fn begins(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((_, payload, after)) = first_packet(rest) {
            if let Some(expected) = expected(payload) {
                self.replies.expect(expected, 1);
            }
            rest = after;
        }
        self.send(bytes).expect("the client is no fault");
    }

    /// What the client has received since the last time, in short.
    pub fn heard(&mut self) -> String {
        self.replies.in_short()
    }
}

/// By what a command is answered, if by anything.
pub fn expected(command: &[u8]) -> Option<Expected> {
    match command.first() {
        Some(0x01 | 0x19) | None => None,
        Some(0x03 | 0x17) => Some(Expected::Results),
        Some(0x16) => Some(Expected::Prepared),
        Some(0x09) => Some(Expected::Text),
        Some(_) => Some(Expected::Single),
    }
}

fn take(outlet: &mut Outlet, chunk: &[u8]) -> Vec<u8> {
    let mut taken = outlet.waiting().to_vec();
    outlet.waiting_sent(taken.len());
    taken.extend_from_slice(chunk.get(outlet.tail()).unwrap_or_default());
    outlet.tail_sent(chunk, outlet.tail().len());
    taken
}
