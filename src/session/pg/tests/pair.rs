//! A session machine between a client's bytes and the tiny server: what the relay does, without sockets, one event at
//! a time. Every chunk is cut into pieces before the machine sees it; what comes out must not depend on the cuts.

use std::sync::Arc;

use lull::{
    fault::Fault,
    gate::{Gate, Mode, Order, Request, Stragglers, View},
    session::{
        Audited, Effects, Instruction, Report, Session,
        outlet::{Outlet, Outlets},
        pg::{Kind, Login, Parameters, PgSession, Settings},
    },
};

use super::server::{Server, messages};

/// Cuts a chunk: how many bytes to take off it next (at least one is taken).
pub type Cuts = Box<dyn FnMut(usize) -> usize>;

pub struct Pair {
    pub machine: PgSession,
    pub server: Server,
    /// All that the client has received.
    pub to_client: Vec<u8>,
    /// All that has gone up.
    pub to_server: Vec<u8>,
    pub effects: Effects,
    pub hung_up: bool,
    /// Cancel requests of the machine's are on their way until `deliver_cancels`.
    pub holds_cancels: bool,
    cancels: u32,
    out: Outlets,
    gate: Gate,
    cuts: Cuts,
}

pub fn settings() -> Settings {
    Settings {
        inspect_bytes_max: 1 << 20,
        prepared_statements_max: 1000,
        travels: false,
        announce: true,
    }
}

impl Pair {
    /// A session of normal mode, logged in; each chunk in one piece.
    pub fn new() -> Self {
        Self::with(settings(), Server::default(), Box::new(|bytes| bytes)).expect("a fresh session")
    }

    pub fn with(settings: Settings, server: Server, cuts: Cuts) -> Result<Self, Fault> {
        let mut parameters = Parameters::default();
        parameters.report(b"server_version", b"18.1");
        let default: &[u8] = if server.read_only { b"on" } else { b"off" };
        parameters.report(b"default_transaction_read_only", default);
        let login = Login {
            kind: Kind::Sql,
            parameters,
            settings,
            site: lull::session::Site::Primary,
        };
        let (gate, mut out) = (Gate::default(), Outlets::default());
        let order = Order {
            generation: 0,
            mode: Mode::Normal,
        };
        let machine = PgSession::born(login, order, &mut out)?;
        let mut pair = Self {
            machine,
            server,
            to_client: Vec::new(),
            to_server: Vec::new(),
            effects: Effects::default(),
            hung_up: false,
            holds_cancels: false,
            cancels: 0,
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

    /// The server works on one message.
    pub fn work(&mut self) -> Result<(), Fault> {
        let replies = self.server.work();
        self.reply(&replies)
    }

    /// The server works until it waits.
    pub fn settle(&mut self) -> Result<(), Fault> {
        while self.server.has_work() {
            self.work()?;
        }
        Ok(())
    }

    pub fn tell(&mut self, instruction: Instruction) -> Result<(), Fault> {
        self.machine.order(instruction, &mut self.out)?;
        self.carry(&[]);
        if self.holds_cancels {
            return Ok(());
        }
        self.deliver_cancels()
    }

    /// The server signals its session for each cancel request on its way, and says so by closing that connection.
    pub fn deliver_cancels(&mut self) -> Result<(), Fault> {
        while self.cancels > 0 {
            self.cancels -= 1;
            self.server.cancel();
            self.machine.order(Instruction::CancelSeenTo, &mut self.out)?;
            self.carry(&[]);
        }
        Ok(())
    }

    pub fn on(&mut self) -> Result<(), Fault> {
        let request = Request {
            scope: lull::gate::Scope::all(),
            reason: "upgrade".to_owned(),
            by: "test".to_owned(),
            drain_ms: 0,
            stragglers: Stragglers::Abort,
            prepared: lull::gate::Prepared::Block,
            until_unix_ms: None,
            replicas: None,
        };
        let generation = self.gate.open(request, 0).generation;
        let view: Arc<View> = self.gate.view();
        let lull = view.lulls.first().map(Arc::clone).expect("just opened");
        let mode = Mode::ReadOnly(lull);
        self.tell(Instruction::Take(Order { generation, mode }))
    }

    /// The lull opens, and the audit finds nothing.
    pub fn on_audited(&mut self) -> Result<(), Fault> {
        self.on()?;
        self.tell(Instruction::Audited(Audited::PostgreSql(Arc::default())))
    }

    pub fn off(&mut self) -> Result<(), Fault> {
        self.gate.close(&lull::gate::Scope::all());
        let order = Order {
            generation: self.generation(),
            mode: Mode::Normal,
        };
        self.tell(Instruction::Take(order))
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
        self.to_client.extend(take(&mut self.out.to_client, chunk));
        let effects = self
            .machine
            .take_effects()
            .map_or_else(Effects::default, |effects| *effects);
        self.cancels += u32::from(effects.cancel);
        self.effects.cancel |= effects.cancel;
        self.hung_up |= effects.hang_up.is_some();
        self.effects.answers.extend(effects.answers);
        self.effects.unanswered.extend(effects.unanswered);
        for (sum, more) in self.effects.counts.refused.iter_mut().zip(effects.counts.refused) {
            *sum += more;
        }
    }

    // ---- for stories, where nothing may fail ----

    /// The client says something, everything is answered; what it has received since the last time it was looked at.
    #[track_caller]
    pub fn says(&mut self, bytes: &[u8]) -> String {
        self.to_client.clear();
        self.send(bytes).expect("the client is no fault");
        self.settle().expect("the server is no fault");
        self.heard()
    }

    /// What the client has received since the last time, in short: tags, with the texts of what has one.
    pub fn heard(&mut self) -> String {
        let got = messages(&self.to_client);
        self.to_client.clear();
        got.iter()
            .map(|(tag, body)| in_short(*tag, body))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// `C:SELECT 1`, `E:25006`, `Z:I`, `S:default_transaction_read_only=on`, otherwise the tag.
fn in_short(tag: u8, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let letter = char::from(tag);
    match tag {
        b'C' => format!("C:{}", text.trim_end_matches('\0').replace(' ', "_")),
        b'E' => {
            let code = text.split('\0').find_map(|field| field.strip_prefix('C'));
            format!("E:{}", code.unwrap_or("?"))
        }
        b'Z' => format!("Z:{text}"),
        b'S' => {
            let mut parts = text.split('\0');
            let (name, value) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            format!(
                "S:{}={value}",
                name.replace("default_transaction_read_only", "ro")
            )
        }
        _ => letter.to_string(),
    }
}

fn take(outlet: &mut Outlet, chunk: &[u8]) -> Vec<u8> {
    let mut taken = outlet.waiting().to_vec();
    outlet.waiting_sent(taken.len());
    taken.extend_from_slice(chunk.get(outlet.tail()).unwrap_or_default());
    outlet.tail_sent(chunk, outlet.tail().len());
    taken
}
