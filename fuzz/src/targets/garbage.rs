//! The session machine between two liars: framed nonsense from both sides, and orders. It must not panic; and as long
//! as no lull has touched it, what comes out must not depend on how the bytes were cut.

use lull::{
    gate::Stragglers,
    session::{Instruction, Question, Session},
};

use super::{
    pair::{Pair, settings},
    server::Server,
    source::{Source, cuts, framed},
};

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

/// What came out on both sides, and whether it went to the end.
fn play(mut source: Source<'_>, orders: bool, seed: u64) -> (Vec<u8>, Vec<u8>, bool) {
    let Ok(mut pair) = Pair::with(settings(), Server::default(), cuts(seed)) else {
        return (Vec::new(), Vec::new(), false);
    };
    let mut done = true;
    while source.has_more() && done {
        done = event(&mut source, &mut pair, orders).is_ok();
        let _ = (pair.report(), pair.machine.wants_client());
    }
    (pair.to_client, pair.to_server, done)
}

fn event(source: &mut Source<'_>, pair: &mut Pair, orders: bool) -> Result<(), lull::fault::Fault> {
    match source.byte() {
        0..90 => {
            let many = 1 + source.below(4);
            let bytes: Vec<u8> = (0..many).flat_map(|_| framed(source, b"QPBDEFCSHcdfX")).collect();
            pair.send(&bytes)
        }
        90..190 => {
            let many = 1 + source.below(4);
            let replies = b"123CDEGHIKNRSTVWZnstA";
            let bytes: Vec<u8> = (0..many).flat_map(|_| framed(source, replies)).collect();
            pair.reply(&bytes)
        }
        190..215 => {
            let status = source.pick(b"ITE");
            pair.reply(&super::server::frame(b'Z', &[status]))
        }
        _ if !orders => Ok(()),
        215..225 => pair.on(),
        225..235 => pair.on_audited(),
        235..245 => pair.off(),
        245..248 => pair.tell(Instruction::Straggle(Stragglers::Abort)),
        248..249 => pair.tell(Instruction::Straggle(Stragglers::Terminate)),
        249..254 => pair.tell(Instruction::Ask(Question {
            id: 1,
            text: "SELECT 1".to_owned(),
        })),
        _ => pair.tell(Instruction::Close),
    }
}
