//! The session machine between a client that says anything and a server that answers as PostgreSQL does, while lulls
//! come and go at any moment. It must hold, for any order of events and any cut of the bytes:
//! - from the moment the session stands until the lull ends, the server writes nothing;
//! - nobody is stuck: when the lull has gone, everything that the client has sent is answered;
//! - a client that has not touched the setting finds it as it was;
//! - the bytes on both sides do not depend on the cuts; without a lull they are the bytes that were sent.

use std::collections::VecDeque;

use lull::{
    gate::Stragglers,
    session::{Instruction, Question, Session},
};

use super::{
    pair::{Pair, settings},
    said,
    server::{Server, frame, messages},
    source::{Source, cuts},
};

const TEXTS: &[&str] = &[
    "SELECT 1",
    "SELECT 2",
    "INSERT INTO t VALUES (1)",
    "INSERT INTO t VALUES (2)",
    "BEGIN",
    "BEGIN READ ONLY",
    "BEGIN READ WRITE",
    "START TRANSACTION READ WRITE",
    "COMMIT",
    "COMMIT AND CHAIN",
    "ROLLBACK",
    "ROLLBACK AND CHAIN",
    "SAVEPOINT a",
    "ROLLBACK TO a",
    "RELEASE a",
    "SET TRANSACTION READ WRITE",
    "SET TRANSACTION READ ONLY",
    "SELECT broken",
    "CALL p()",
    "DO $$begin insert into t values (1); end$$",
    "VACUUM t",
    "NOTIFY c",
    "LISTEN c",
    "EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1",
    "PREPARE p AS INSERT INTO t VALUES (3)",
    "PREPARE q AS SELECT 3",
    "EXECUTE p",
    "EXECUTE q",
    "DEALLOCATE p",
    "DEALLOCATE ALL",
    "",
    "SHOW x",
    // From here on the client touches the setting.
    "SET default_transaction_read_only = off",
    "SET default_transaction_read_only = on",
    "RESET default_transaction_read_only",
    "RESET ALL",
    "DISCARD ALL",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SELECT set_config('default_transaction_read_only', 'off', false)",
];
const TOUCHING: usize = 32;
const WHAT: [(u8, &str); 10] = [
    (185, "the server works"),
    (200, "the server works it off"),
    (214, "on, audited"),
    (218, "on"),
    (232, "off"),
    (238, "straggle: abort"),
    (239, "straggle: terminate"),
    (243, "a question"),
    (249, "cancel"),
    (254, "async"),
];
const NAMES: &[&str] = &["", "", "", "s1", "s2", "p", "q"];

pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let seed = source.u64();
    let first = play(source.clone(), 0);
    for other in [1, seed] {
        let then = play(source.clone(), other);
        for (first, then, whom) in [(&first.0, &then.0, "client"), (&first.1, &then.1, "server")] {
            if first != then && std::env::var_os("FUZZ_TRACE").is_some() {
                let told = |of: &[u8]| messages(of).iter().map(tell).collect::<Vec<_>>();
                eprintln!("{:#?}\n{:#?}", told(first), told(then));
            }
            assert!(first == then, "another cut gives the {whom} another stream");
        }
    }
}

struct Play {
    pair: Pair,
    /// Bytes that the client has not sent yet.
    waiting: VecDeque<u8>,
    said: Vec<u8>,
    touched: bool,
    lulled: bool,
    aborted: bool,
    read_only: bool,
    /// How much the server had written when the session stood.
    fence: Option<usize>,
    story: Vec<String>,
}

fn play(mut source: Source<'_>, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let read_only = source.chance(32);
    let server = Server::whose_default_is(read_only);
    let mut how = settings();
    how.announce = source.chance(200);
    let pair = Pair::with(how, server, cuts(seed)).expect("a login in normal mode");
    let mut play = Play {
        pair,
        waiting: VecDeque::new(),
        said: Vec::new(),
        touched: false,
        lulled: false,
        aborted: false,
        read_only: false,
        fence: None,
        story: Vec::new(),
    };
    while source.has_more() && !play.is_over() {
        play.event(&mut source);
        play.check();
    }
    if !play.is_over() {
        play.end(read_only);
    }
    play.part();
    (
        std::mem::take(&mut play.pair.to_client),
        std::mem::take(&mut play.pair.to_server),
    )
}

impl Drop for Play {
    /// What had happened, for whoever wants to know why.
    fn drop(&mut self) {
        if std::env::var_os("FUZZ_TRACE").is_some() {
            eprintln!("{}", self.story.join("\n"));
            eprintln!(
                "up: {:?}",
                messages(&self.pair.to_server)
                    .iter()
                    .map(tell)
                    .collect::<Vec<_>>()
            );
            eprintln!(
                "down: {:?}",
                messages(&self.pair.to_client)
                    .iter()
                    .map(tell)
                    .collect::<Vec<_>>()
            );
            eprintln!("machine: {:?}", self.pair.machine);
        }
    }
}

/// A COPY with its data, in one go: a client that forgets them is for the stories.
fn copy(source: &mut Source<'_>) -> Vec<u8> {
    const TEXT: &str = "COPY t FROM STDIN";
    let begun = [said::parse("", TEXT), said::bind("", ""), said::execute("")].concat();
    let end = if source.chance(200) {
        frame(b'c', b"")
    } else {
        frame(b'f', b"no\0")
    };
    let data = [frame(b'd', b"1\n"), end].concat();
    match source.below(5) {
        0 => [said::query(TEXT), data].concat(),
        1 => [said::query(&format!("SELECT 1; {TEXT}; SELECT 2")), data].concat(),
        2 => [begun, said::sync(), data, said::sync()].concat(),
        3 => [begun, said::flush(), data, said::sync()].concat(),
        _ => [begun, data, said::sync()].concat(),
    }
}

fn tell((tag, body): &(u8, Vec<u8>)) -> String {
    format!("{} {}", char::from(*tag), body.escape_ascii())
}

impl Play {
    fn is_over(&self) -> bool {
        self.pair.hung_up || self.pair.server.gone
    }

    /// A server that has given the connection up has said why, and has done so at a message of the client's.
    fn part(&mut self) {
        let Server { gone, gave_up_at, .. } = &self.pair.server;
        if *gone {
            let last = self.pair.machine.upstream_closed();
            last.expect("the server has said why");
            let mentions = |word: &[u8]| gave_up_at.windows(word.len()).any(|window| window == word);
            // What lull refuses fails in the place of a message of the client's.
            assert!(
                !mentions(b"lull$own") || mentions(b"lull_refused") && !self.aborted,
                "lull has broken into a COPY"
            );
        }
    }

    fn event(&mut self, source: &mut Source<'_>) {
        let pair = &mut self.pair;
        let what = source.byte();
        if what >= 140 {
            self.story.push(
                WHAT.iter()
                    .find(|(end, _)| what < *end)
                    .map_or("nothing", |(_, name)| name)
                    .to_owned(),
            );
        }
        let done = match what {
            0..70 => return self.say(source),
            70..120 => {
                let bytes = source.below(64);
                return self.send(bytes);
            }
            120..140 => return self.send(usize::MAX),
            140..185 => pair.work(),
            185..200 => pair.settle(),
            200..214 => {
                self.read_only = true;
                self.lulled = true;
                pair.on_audited()
            }
            214..218 => {
                self.read_only = true;
                self.lulled = true;
                pair.on()
            }
            218..232 => {
                (self.read_only, self.fence) = (false, None);
                pair.off()
            }
            232..238 if self.read_only => {
                self.aborted = true;
                pair.holds_cancels = source.chance(128);
                pair.tell(Instruction::Straggle(Stragglers::Abort))
            }
            238..239 if self.read_only => pair.tell(Instruction::Straggle(Stragglers::Terminate)),
            239..243 => {
                self.lulled = true;
                pair.tell(Instruction::Ask(Question {
                    id: 7,
                    text: "SELECT 42".to_owned(),
                }))
            }
            243..249 => {
                pair.server.cancel();
                Ok(())
            }
            249..252 => pair.reply(&frame(b'A', b"\0\0\0\x01c\0payload\0")),
            252..254 => pair.reply(&frame(b'N', b"SNOTICE\0C00000\0Mhello\0\0")),
            254 => pair.deliver_cancels(),
            _ => Ok(()),
        };
        done.expect("nobody is to blame for anything");
    }

    fn check(&mut self) {
        let wrote = self.pair.server.wrote.len();
        if let Some(fence) = self.fence {
            assert_eq!(
                wrote,
                fence,
                "written behind the fence: {:?}",
                self.pair.server.wrote.last()
            );
        } else if self.read_only && self.pair.stands() {
            self.fence = Some(wrote);
        }
    }

    /// The client decides to say something.
    fn say(&mut self, source: &mut Source<'_>) {
        let mut text = || {
            let at = source.below(TEXTS.len());
            self.touched |= at >= TOUCHING;
            TEXTS[at]
        };
        let first = text();
        let bytes = match source.byte() {
            0..110 => said::query(first),
            110..130 => {
                let second = TEXTS[source.below(TOUCHING)];
                said::query(&format!("{first}; {second}"))
            }
            130..180 => said::extended(first),
            180..195 => said::parse(source.pick(NAMES), first),
            195..205 => said::bind(source.pick(NAMES), source.pick(NAMES)),
            205..215 => said::execute(source.pick(NAMES)),
            215..220 => said::describe(source.pick(b"SP"), source.pick(NAMES)),
            220..225 => said::close(source.pick(b"SP"), source.pick(NAMES)),
            225..232 => said::sync(),
            232..236 => said::flush(),
            236..240 => frame(b'F', &[&957u32.to_be_bytes()[..], &[0; 6]].concat()),
            240..253 => said::query(""),
            _ => [said::parse("s1", first), said::flush()].concat(),
        };
        let bytes = if source.chance(12) { copy(source) } else { bytes };
        self.story.extend(
            messages(&bytes)
                .iter()
                .map(|message| format!("wants to say {}", tell(message))),
        );
        self.said.extend_from_slice(&bytes);
        self.waiting.extend(bytes);
    }

    fn send(&mut self, bytes: usize) {
        if self.pair.machine.wants_client() {
            self.story.push(format!(
                "sends {} of {}",
                bytes.min(self.waiting.len()),
                self.waiting.len()
            ));
            let bytes: Vec<u8> = self.waiting.drain(..bytes.min(self.waiting.len())).collect();
            self.pair.send(&bytes).expect("the client keeps to the protocol");
        }
    }

    /// The lull ends, the client says all that it wanted to say, and a last word.
    fn end(&mut self, read_only: bool) {
        (self.read_only, self.fence) = (false, None);
        self.pair.off().expect("a lull ends");
        self.pair.deliver_cancels().expect("the server has signalled");
        let last = [
            // Out of any COPY, batch and transaction.
            frame(b'f', b"end\0"),
            said::sync(),
            said::query("ROLLBACK"),
            said::query("SELECT last"),
        ];
        self.said.extend(last.concat());
        self.waiting.extend(last.concat());
        while !self.is_over() && (!self.waiting.is_empty() || self.pair.server.has_work()) {
            let (before, work) = (self.waiting.len(), self.pair.server.has_work());
            self.send(usize::MAX);
            self.pair.work().expect("the server keeps to the protocol");
            let moved = work || self.waiting.len() < before || self.is_over();
            assert!(moved, "the client is stuck");
        }
        if self.is_over() {
            return;
        }
        let got = messages(&self.pair.to_client);
        let tags: String = got
            .iter()
            .rev()
            .take(4)
            .map(|(tag, _)| char::from(*tag))
            .collect();
        assert_eq!(tags, "ZCDT", "the last word is not answered");
        let (_, row) = &got[got.len() - 3];
        assert!(
            row.ends_with(b"last"),
            "the last word is answered by another answer"
        );
        if !self.touched {
            assert_eq!(
                self.pair.server.read_only, read_only,
                "the setting is not as it was"
            );
        }
        if !self.lulled {
            assert!(
                self.pair.to_server == self.said,
                "the client's bytes were changed"
            );
        }
    }
}
