//! The ledger: the queue of replies that the upstream still owes, in order.
//!
//! Every Query and FunctionCall, and every Sync that the server reads outside COPY, is answered by one ReadyForQuery.
//! The ledger may owe too much (then the session does not stand, and the drain policy sees to it) but never too
//! little: an idle ledger is proof that the server waits for a command.

use std::collections::VecDeque;

use super::own::Own;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    /// This many cycles that a Query or FunctionCall began.
    Queries(u32),
    /// This many cycles that a Sync ends, each behind messages of its own.
    Batches(u32),
    /// The same, where messages came behind a batch's first Execute: if that began a COPY, nobody can tell which of
    /// them the server takes for mistakes in it.
    Mixed(u32),
    /// This many Syncs with nothing before them.
    Syncs(u32),
    /// The client has ended a COPY of its own here: one of the batch whose Sync follows, or of what came before.
    /// Nothing is owed for it.
    CopyEnd { in_batch: bool },
    /// The cycle that a Sync of lull's own ends in the client's stead: its ReadyForQuery is swallowed.
    Cut,
    /// The reply to a statement of lull's own: swallowed.
    Own(Own),
}

/// What the client has sent behind a COPY that the server has begun to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CopyIn {
    /// Nothing that ends it.
    Open,
    /// Its end.
    Ended,
    /// What makes it fail.
    Failed,
}

/// What a Sync ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Nothing,
    Batch,
    MixedBatch,
}

/// Whose reply the upstream is giving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Nobody,
    Client,
    Own(Own),
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    owed: VecDeque<Owed>,
    /// The server reads COPY data, and the client has not ended them yet.
    copying_in: bool,
}

impl Ledger {
    pub(super) fn is_idle(&self) -> bool {
        self.owed.iter().all(|owed| matches!(owed, Owed::CopyEnd { .. }))
    }

    pub(super) fn copying_in(&self) -> bool {
        self.copying_in
    }

    pub(super) fn head(&self) -> Head {
        match self.owed.front() {
            None => Head::Nobody,
            Some(Owed::Own(own)) => Head::Own(*own),
            Some(_) => Head::Client,
        }
    }

    /// Whether a statement of lull's own is under way.
    pub(super) fn has_own(&self) -> bool {
        self.owed.iter().any(|owed| matches!(owed, Owed::Own(_)))
    }

    pub(super) fn query(&mut self) {
        match self.owed.back_mut() {
            Some(Owed::Queries(count)) => *count = count.saturating_add(1),
            _ => self.owed.push_back(Owed::Queries(1)),
        }
    }

    pub(super) fn sync(&mut self, ends: Ends) {
        // Inside COPY the server ignores Sync (manual: "COPY Operations").
        if self.copying_in {
            return;
        }
        match (self.owed.back_mut(), ends) {
            (Some(Owed::Syncs(count)), Ends::Nothing)
            | (Some(Owed::Batches(count)), Ends::Batch)
            | (Some(Owed::Mixed(count)), Ends::MixedBatch) => *count = count.saturating_add(1),
            (_, Ends::Nothing) => self.owed.push_back(Owed::Syncs(1)),
            (_, Ends::Batch) => self.owed.push_back(Owed::Batches(1)),
            (_, Ends::MixedBatch) => self.owed.push_back(Owed::Mixed(1)),
        }
    }

    /// lull sends a Sync behind what the client has begun.
    pub(super) fn cut(&mut self) {
        self.owed.push_back(Owed::Cut);
    }

    /// Whether the next ReadyForQuery is for a cut.
    pub(super) fn is_cut(&self) -> bool {
        self.owed
            .iter()
            .find(|owed| !matches!(owed, Owed::CopyEnd { .. }))
            == Some(&Owed::Cut)
    }

    /// The client sent CopyDone or CopyFail; `in_batch` where messages came since the last Sync.
    pub(super) fn copy_end(&mut self, in_batch: bool) {
        if self.copying_in {
            self.copying_in = false;
        } else if (in_batch || !self.owed.is_empty()) && self.owed.back() != Some(&Owed::CopyEnd { in_batch })
        {
            // It may belong to a COPY whose CopyInResponse is still on its way.
            self.owed.push_back(Owed::CopyEnd { in_batch });
        }
    }

    pub(super) fn own(&mut self, own: Own) {
        self.owed.push_back(Owed::Own(own));
    }

    /// Whether nobody could tell what is owed if a COPY began now.
    pub(super) fn is_unclear_in_copy(&self) -> bool {
        matches!(self.owed.front(), Some(Owed::Mixed(_)))
    }

    /// The server began to read COPY data: it ignores the Syncs that the client has sent since, up to the data's end.
    /// Any other message of the client's makes the COPY fail, and is not answered itself; in the extended protocol
    /// nothing is, up to the next Sync.
    pub(super) fn copy_in_began(&mut self) -> CopyIn {
        let simple = matches!(self.owed.front(), Some(Owed::Queries(_)));
        let first = match self.owed.front_mut() {
            // Another Query came behind the COPY's.
            Some(Owed::Queries(count)) if *count > 1 => {
                *count -= 1;
                return CopyIn::Failed;
            }
            Some(Owed::Queries(_)) => 1,
            // Another batch came behind the COPY's, whose own Sync is ignored.
            Some(Owed::Batches(count)) if *count > 1 => {
                *count -= 1;
                return CopyIn::Failed;
            }
            Some(Owed::Batches(_)) => {
                self.owed.pop_front();
                0
            }
            _ => 0,
        };
        let mut fails = false;
        while let Some(owed) = self.owed.get_mut(first) {
            match owed {
                Owed::Syncs(_) if !fails => {}
                Owed::CopyEnd { .. } if !fails => {
                    self.owed.remove(first);
                    return CopyIn::Ended;
                }
                Owed::Queries(count) if simple && *count > 1 => {
                    *count -= 1;
                    return CopyIn::Failed;
                }
                Owed::Queries(_) => fails = true,
                Owed::CopyEnd { .. } => {}
                Owed::Syncs(_) | Owed::Batches(_) | Owed::Mixed(_) | Owed::Cut | Owed::Own(_) => {
                    return CopyIn::Failed;
                }
            }
            self.owed.remove(first);
            if fails && simple {
                return CopyIn::Failed;
            }
        }
        self.copying_in = !fails;
        if fails { CopyIn::Failed } else { CopyIn::Open }
    }

    /// The client sent what does not belong into a COPY: the COPY fails there.
    pub(super) fn copy_abandoned(&mut self) {
        self.copying_in = false;
    }

    /// A COPY from the client failed on the server, which no longer ignores Syncs.
    pub(super) fn copy_in_failed(&mut self) {
        self.copying_in = false;
    }

    /// ReadyForQuery: one reply is complete. False if none was owed.
    pub(super) fn ready(&mut self) -> bool {
        self.copying_in = false;
        while matches!(self.owed.front(), Some(Owed::CopyEnd { .. })) {
            self.owed.pop_front();
        }
        let done = match self.owed.front_mut() {
            None => return false,
            Some(Owed::Queries(count) | Owed::Batches(count) | Owed::Mixed(count) | Owed::Syncs(count))
                if *count > 1 =>
            {
                *count -= 1;
                return true;
            }
            Some(_) => self.owed.pop_front().is_some(),
        };
        while self.owed.front() == Some(&Owed::CopyEnd { in_batch: false }) {
            self.owed.pop_front();
        }
        if self.owed.is_empty() {
            // An idle session holds no memory that it does not need.
            self.owed = VecDeque::new();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_query_and_sync_is_paid_by_one_ready() {
        let mut ledger = Ledger::default();
        ledger.query();
        ledger.query();
        ledger.sync(Ends::Nothing);
        for _ in 0..3 {
            assert!(!ledger.is_idle());
            assert!(ledger.ready());
        }
        assert!(ledger.is_idle());
        assert!(!ledger.ready(), "the server owes nothing");
    }

    #[test]
    fn the_sync_behind_an_extended_copy_is_ignored_as_the_server_does() {
        // libpq: Parse, Bind, Execute, Sync; then the data; then CopyDone, Sync.
        let mut ledger = Ledger::default();
        ledger.sync(Ends::Batch);
        ledger.copy_in_began();
        ledger.copy_end(false);
        ledger.sync(Ends::Nothing);
        assert!(ledger.ready());
        assert!(ledger.is_idle());
    }

    #[test]
    fn a_copy_that_was_sent_ahead_of_the_answer_is_followed_too() {
        let mut ledger = Ledger::default();
        ledger.sync(Ends::Nothing);
        ledger.copy_end(false);
        ledger.sync(Ends::Batch);
        ledger.copy_in_began();
        assert!(ledger.ready());
        assert!(ledger.is_idle());
    }

    #[test]
    fn a_batch_behind_a_copy_that_nobody_feeds_is_answered_once_it_has_failed() {
        // Parse, Bind, Execute (COPY), Sync, and the next batch, as if the first were no COPY.
        let mut ledger = Ledger::default();
        ledger.sync(Ends::Batch);
        ledger.sync(Ends::Batch);
        ledger.copy_in_began();
        ledger.copy_in_failed();
        assert!(!ledger.is_idle());
        assert!(ledger.ready());
        assert!(ledger.is_idle());
    }

    #[test]
    fn a_copy_that_fails_leaves_no_debt() {
        let mut ledger = Ledger::default();
        ledger.query();
        ledger.copy_in_began();
        ledger.copy_in_failed();
        ledger.copy_end(false);
        assert!(ledger.ready());
        assert!(ledger.is_idle());
    }

    #[test]
    fn a_flood_of_syncs_takes_no_memory() {
        let mut ledger = Ledger::default();
        (0..100_000).for_each(|_| ledger.sync(Ends::Nothing));
        assert_eq!(ledger.owed.len(), 1);
    }
}
