//! The manners in which the lines of a case are sent, and what came back.

use crate::support::{Message, Wire, frames};

/// A manner of sending the lines of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Simple,
    Extended,
    Named,
    /// All before one Sync.
    Pipeline,
    /// Named statements made first, run before one Sync.
    NamedPipeline,
    /// Every message, each with its Sync, in one write.
    OneWrite,
    /// Every Query in one write.
    OneWriteSimple,
    OneMessage,
    InTransaction,
    BehindReadWrite,
    InSavepoint,
    BehindChain,
    /// SQL's PREPARE, where it takes the line; EXECUTE.
    Execute,
    /// In one message, behind a lift and a COMMIT.
    BehindLift,
    /// The same before one Sync.
    PipelinedBehindLift,
}

pub(super) const MANNERS: [Manner; 15] = [
    Manner::Simple,
    Manner::Extended,
    Manner::Named,
    Manner::Pipeline,
    Manner::NamedPipeline,
    Manner::OneWrite,
    Manner::OneWriteSimple,
    Manner::OneMessage,
    Manner::InTransaction,
    Manner::BehindReadWrite,
    Manner::InSavepoint,
    Manner::BehindChain,
    Manner::Execute,
    Manner::BehindLift,
    Manner::PipelinedBehindLift,
];

fn pipeline(texts: &[&str]) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| frames::extended(text, &[]))
        .collect()
}

impl Manner {
    /// What is sent, and how many ReadyForQuery it earns, in writes.
    pub(super) fn writes(self, lines: &[&str]) -> Vec<(Vec<u8>, usize)> {
        let sync = frames::sync();
        let queries = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (frames::query(text), 1))
                .collect::<Vec<_>>()
        };
        let around = |before: &[&str], after: &[&str]| queries(&[before, lines, after].concat());
        let run = |name: &str| [frames::bind("", name, &[]), frames::execute("", 0)].concat();
        match self {
            Self::Simple => queries(lines),
            Self::Extended => lines
                .iter()
                .map(|line| ([frames::extended(line, &[]), sync.clone()].concat(), 1))
                .collect(),
            Self::Named => {
                let each = |line: &&str| {
                    let name = format!("n{}", line.len());
                    [
                        (
                            [
                                frames::parse(&name, line),
                                frames::describe_statement(&name),
                                sync.clone(),
                            ]
                            .concat(),
                            1,
                        ),
                        ([run(&name), sync.clone()].concat(), 1),
                        ([frames::close_statement(&name), sync.clone()].concat(), 1),
                    ]
                };
                lines.iter().flat_map(each).collect()
            }
            Self::Pipeline => vec![([pipeline(lines), sync].concat(), 1)],
            Self::NamedPipeline => {
                let name = |number: usize| format!("n{number}");
                let mut writes: Vec<_> = (0..lines.len())
                    .map(|number| {
                        (
                            [frames::parse(&name(number), lines[number]), sync.clone()].concat(),
                            1,
                        )
                    })
                    .collect();
                let runs: Vec<u8> = (0..lines.len()).flat_map(|number| run(&name(number))).collect();
                writes.push(([runs, sync].concat(), 1));
                writes
            }
            Self::OneWrite => {
                let each = |line: &&str| [frames::extended(line, &[]), sync.clone()].concat();
                vec![(lines.iter().flat_map(each).collect(), lines.len())]
            }
            Self::OneWriteSimple => vec![(
                lines.iter().flat_map(|line| frames::query(line)).collect(),
                lines.len(),
            )],
            Self::OneMessage => queries(&[&lines.join("; ")]),
            Self::InTransaction => around(&["BEGIN"], &["COMMIT"]),
            Self::BehindReadWrite => around(&["BEGIN READ WRITE"], &["COMMIT"]),
            Self::InSavepoint => around(&["BEGIN READ WRITE", "SAVEPOINT s"], &["RELEASE s", "COMMIT"]),
            Self::BehindChain => around(
                &[
                    "BEGIN",
                    "SELECT 1",
                    "COMMIT AND CHAIN",
                    "SET TRANSACTION READ WRITE",
                ],
                &["COMMIT"],
            ),
            Self::Execute => {
                let prepared = |line: &&str| {
                    [
                        format!("PREPARE q AS {line}"),
                        "EXECUTE q".to_owned(),
                        "DEALLOCATE q".to_owned(),
                    ]
                };
                let texts: Vec<String> = lines.iter().flat_map(prepared).collect();
                queries(&texts.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Self::BehindLift => {
                let lift = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; COMMIT";
                queries(
                    &lines
                        .iter()
                        .map(|line| format!("{lift}; {line}"))
                        .collect::<Vec<_>>()
                        .iter()
                        .map(String::as_str)
                        .collect::<Vec<_>>(),
                )
            }
            Self::PipelinedBehindLift => {
                let lift = ["SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "COMMIT"];
                let each = |line: &&str| {
                    (
                        [pipeline(&lift), frames::extended(line, &[]), sync.clone()].concat(),
                        1,
                    )
                };
                lines.iter().map(each).collect()
            }
        }
    }
}

/// What became of a case that was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Its session is there and does not answer.
    pub(super) deaf: bool,
    /// The first error, as SQLSTATE and message.
    pub(super) error: Option<String>,
}

/// Sends the lines of a case. A session that is ended by the server has its answer.
pub(super) fn send(client: &mut Wire, lines: &[String], manner: Manner) -> Sent {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut sent = Sent::default();
    for (bytes, readies) in manner.writes(&lines) {
        if client.try_send(&bytes).is_err() {
            return sent;
        }
        for _ in 0..readies {
            if !until_ready(client, &mut sent) {
                sent.deaf = true;
                return sent;
            }
        }
    }
    sent
}

/// Whether ReadyForQuery came. A COPY from the client is ended.
fn until_ready(client: &mut Wire, sent: &mut Sent) -> bool {
    loop {
        match client.try_read() {
            Err(_) => return false,
            Ok(message) if message.tag == b'Z' => return true,
            Ok(message) if message.tag == b'G' => {
                if client.try_send(&frames::copy_done()).is_err() {
                    return false;
                }
            }
            Ok(message) => {
                if let (b'E', None) = (message.tag, &sent.error) {
                    sent.error = Some(text(&message));
                }
            }
        }
    }
}

fn text(error: &Message) -> String {
    let field = |tag| error.field(tag).unwrap_or_default();
    format!("{} {}", field(b'C'), field(b'M'))
}
