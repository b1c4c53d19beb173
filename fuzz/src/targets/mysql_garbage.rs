//! The MySQL session machine between two liars: packets of nonsense from both sides, and orders. It must not panic;
//! and as long as no lull has touched it, what comes out must not depend on how the bytes were cut.

use std::sync::Arc;

use lull::{
    fault::Fault,
    gate::{Gate, Mode, Order, Prepared, Request, Scope, Stragglers},
    session::{
        Instruction, Question, Session,
        mysql::{Login, MySession, Server, Settings},
        outlet::{Outlet, Outlets},
    },
    wire::mysql::{capability::Capabilities, packet},
};

use super::source::{Source, cuts};

const GREETINGS: [&str; 3] = ["9.7.4", "5.5.5-10.11.6-MariaDB", "11.8.2-MariaDB"];
/// Commands, and first bytes of replies.
const COMMANDS: &[u8] = &[
    3, 3, 3, 22, 23, 24, 25, 26, 28, 1, 2, 4, 9, 14, 17, 18, 27, 31, 0xfa,
];
const REPLIES: &[u8] = &[0, 0, 0, 0xfe, 0xff, 0xfb, 1, 2, 3];
const TEXTS: &[&[u8]] = &[
    b"SELECT 1",
    b"BEGIN",
    b"COMMIT",
    b"INSERT INTO t VALUES (1)",
    b"USE b",
    b"SET autocommit = 0",
    b"PREPARE p FROM 'SELECT 1'",
    b"SHOW VARIABLES",
    b"SELECT 1; SELECT 2",
];

pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let seed = source.u64();
    let orders = source.chance(192);
    let results = [0, 1, seed].map(|seed| play(source.clone(), orders, seed));
    if !orders {
        assert!(
            results.iter().all(|result| *result == results[0]),
            "another cut gives another stream"
        );
    }
}

struct Talk {
    machine: MySession,
    gate: Gate,
    out: Outlets,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
}

/// What came out on both sides, and whether it went to the end.
fn play(mut source: Source<'_>, orders: bool, seed: u64) -> (Vec<u8>, Vec<u8>, bool) {
    let Ok(mut talk) = Talk::begin(&mut source) else {
        return (Vec::new(), Vec::new(), false);
    };
    let (mut done, mut cut) = (true, cuts(seed));
    while source.has_more() && done {
        done = talk.event(&mut source, orders, &mut cut).is_ok();
        let _ = (talk.machine.report(), talk.machine.wants_client());
    }
    (talk.to_client, talk.to_server, done)
}

impl Talk {
    fn begin(source: &mut Source<'_>) -> Result<Self, Fault> {
        let common = Capabilities::PROTOCOL_41
            .with(Capabilities::MULTI_STATEMENTS)
            .with(Capabilities::MULTI_RESULTS)
            .with(Capabilities::PS_MULTI_RESULTS)
            .with(Capabilities::LOCAL_FILES);
        let eof = source.chance(128);
        let (client, upstream) = (source.chance(128), source.chance(200));
        let legs = |tracks| {
            common
                .set(Capabilities::DEPRECATE_EOF, eof)
                .set(Capabilities::SESSION_TRACK, tracks)
        };
        let login = Login {
            client: legs(client && upstream),
            upstream: legs(upstream),
            server: Server::of(source.pick(&GREETINGS)),
            connection_id: 7,
            collation: 45,
            user: "app".into(),
            database: "shop".into(),
            client_name: "".into(),
            ok: vec![0, 0, 0, 2, 0, 0, 0],
            sequence: 2,
            unlike: source.chance(64),
            settings: Settings {
                inspect_bytes_max: 1 << 20,
                prepared_statements_max: 100,
                signals: source.chance(128),
                refusal_code: 1792,
                travels: source.chance(128),
            },
        };
        let mut out = Outlets::default();
        let order = Order {
            generation: 0,
            mode: Mode::Normal,
        };
        let machine = MySession::born(login, order, &mut out)?;
        let mut talk = Self {
            machine,
            gate: Gate::default(),
            out,
            to_client: Vec::new(),
            to_server: Vec::new(),
        };
        talk.carry(&[]);
        Ok(talk)
    }

    fn event(
        &mut self,
        source: &mut Source<'_>,
        orders: bool,
        cut: &mut dyn FnMut(usize) -> usize,
    ) -> Result<(), Fault> {
        match source.byte() {
            0..90 => {
                let bytes = packets(source, COMMANDS, true);
                self.feed(&bytes, cut, |machine, chunk, out| {
                    machine.client_bytes(chunk, out)
                })
            }
            90..215 => {
                let bytes = packets(source, REPLIES, false);
                self.feed(&bytes, cut, |machine, chunk, out| {
                    machine.upstream_bytes(chunk, out)
                })
            }
            _ if !orders => Ok(()),
            215..232 => self.open(),
            232..242 => {
                self.gate.close(&Scope::all());
                let mode = Mode::Normal;
                let generation = self.gate.view().generation;
                self.tell(Instruction::Take(Order { generation, mode }))
            }
            242..247 => self.tell(Instruction::Straggle(Stragglers::Abort)),
            247..248 => self.tell(Instruction::Straggle(Stragglers::Terminate)),
            248..254 => self.tell(Instruction::Ask(Question {
                id: 1,
                text: "SELECT 1".to_owned(),
            })),
            _ => self.tell(Instruction::Close),
        }
    }

    fn open(&mut self) -> Result<(), Fault> {
        let request = Request {
            scope: Scope::all(),
            reason: "upgrade".to_owned(),
            by: "test".to_owned(),
            drain_ms: 0,
            stragglers: Stragglers::Abort,
            prepared: Prepared::Block,
            until_unix_ms: None,
            replicas: None,
        };
        let generation = self.gate.open(request, 0).generation;
        let lull = self
            .gate
            .view()
            .lulls
            .first()
            .map(Arc::clone)
            .expect("just opened");
        let mode = Mode::ReadOnly(lull);
        self.tell(Instruction::Take(Order { generation, mode }))
    }

    fn tell(&mut self, instruction: Instruction) -> Result<(), Fault> {
        self.machine.order(instruction, &mut self.out)?;
        self.carry(&[]);
        Ok(())
    }

    fn feed(
        &mut self,
        bytes: &[u8],
        cut: &mut dyn FnMut(usize) -> usize,
        take: impl Fn(&mut MySession, &[u8], &mut Outlets) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
            rest = after;
            let taken = take(&mut self.machine, chunk, &mut self.out);
            // A relay that ends with a fault has no chunk.
            self.carry(if taken.is_ok() { chunk } else { &[] });
            taken?;
        }
        Ok(())
    }

    fn carry(&mut self, chunk: &[u8]) {
        self.to_server.extend(taken(&mut self.out.to_upstream, chunk));
        self.to_client.extend(taken(&mut self.out.to_client, chunk));
        let _ = self.machine.take_effects();
    }
}

fn taken(outlet: &mut Outlet, chunk: &[u8]) -> Vec<u8> {
    let mut taken = outlet.waiting().to_vec();
    outlet.waiting_sent(taken.len());
    taken.extend_from_slice(chunk.get(outlet.tail()).unwrap_or_default());
    outlet.tail_sent(chunk, outlet.tail().len());
    taken
}

/// Up to four packets, mostly with a number that fits and a first byte that means something.
fn packets(source: &mut Source<'_>, firsts: &[u8], commands: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let first_number = u8::from(!commands);
    for at in 0..1 + source.below(4) {
        let next = first_number.wrapping_add(u8::try_from(at).unwrap_or(0));
        let number = match source.byte() {
            0..8 => source.byte(),
            _ if commands => 0,
            _ => next,
        };
        let mut payload = Vec::new();
        if source.chance(245) {
            payload.push(source.pick(firsts));
        }
        if commands && source.chance(128) {
            payload.extend_from_slice(source.pick(TEXTS));
        } else {
            let most = source.below(24);
            payload.extend_from_slice(source.take(most));
        }
        let start = bytes.len();
        packet::write(&mut bytes, number, &payload);
        if source.chance(6) {
            bytes[start] = source.byte();
        }
    }
    bytes
}
