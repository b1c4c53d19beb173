//! The ledger: the queue of replies that the upstream still owes, in order.
//!
//! Every command that has an answer is in it, the client's and lull's own. An idle ledger is proof that the server
//! waits for a command.

use std::collections::VecDeque;

use super::{own::Own, reply::Kind};

/// What becomes true when the server says yes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Promise {
    Nothing,
    /// The session has this default database.
    Database(Vec<u8>),
    /// It is another user's.
    User {
        user: Vec<u8>,
        database: Vec<u8>,
    },
    /// It is as new.
    Reset,
    /// Its rows are the server's variables, some of which lull answers for.
    Variables,
    /// This text has a number.
    Statement(Box<[u8]>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Owed {
    /// Replies of one kind to this many commands of the client's.
    Client {
        kind: Kind,
        count: u32,
    },
    Promise {
        kind: Kind,
        promise: Promise,
    },
    /// The reply to a statement of lull's own: swallowed.
    Own(Own),
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    owed: VecDeque<Owed>,
}

impl Ledger {
    pub(super) fn is_idle(&self) -> bool {
        self.owed.is_empty()
    }

    pub(super) fn has_own(&self) -> bool {
        self.owed.iter().any(|owed| matches!(owed, Owed::Own(_)))
    }

    pub(super) fn head(&self) -> Option<&Owed> {
        self.owed.front()
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.head().map(|owed| match owed {
            Owed::Client { kind, .. } | Owed::Promise { kind, .. } => *kind,
            Owed::Own(Own::Parse) => Kind::Prepared,
            Owed::Own(_) => Kind::Results,
        })
    }

    pub(super) fn command(&mut self, kind: Kind, promise: Promise) {
        match (self.owed.back_mut(), promise) {
            // A client that pipelines thousands does not cost as many entries.
            (Some(Owed::Client { kind: last, count }), Promise::Nothing) if *last == kind => {
                *count = count.saturating_add(1);
            }
            (_, Promise::Nothing) => self.owed.push_back(Owed::Client { kind, count: 1 }),
            (_, promise) => self.owed.push_back(Owed::Promise { kind, promise }),
        }
    }

    pub(super) fn own(&mut self, own: Own) {
        self.owed.push_back(Owed::Own(own));
    }

    /// The text that the reply which is under way gives a number.
    pub(super) fn text_to_prepare(&mut self) -> Option<Box<[u8]>> {
        match self.owed.front_mut()? {
            Owed::Promise {
                promise: Promise::Statement(text),
                ..
            } => Some(std::mem::take(text)),
            _ => None,
        }
    }

    /// A reply is over. What it was owed for.
    pub(super) fn answered(&mut self) -> Option<Owed> {
        if let Some(Owed::Client { kind, count }) = self.owed.front_mut()
            && *count > 1
        {
            *count -= 1;
            return Some(Owed::Client {
                kind: *kind,
                count: 1,
            });
        }
        let owed = self.owed.pop_front();
        if self.owed.is_empty() {
            // An idle session holds no queue.
            self.owed = VecDeque::new();
        }
        owed
    }
}
