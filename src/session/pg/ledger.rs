//! The ledger: what the upstream still owes, in order.
//!
//! Each message of the extended protocol is answered by one of the server's, up to the first that fails; every Query
//! and FunctionCall, and every Sync that the server reads outside COPY, by one ReadyForQuery. The ledger may owe too
//! much (then the session does not stand, and the drain policy sees to it) but never too little: an idle ledger is
//! proof that the server waits for a command.

use std::collections::VecDeque;

use super::own::Own;

/// What the server comes to behind messages of the extended protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// A Query or FunctionCall. The server passes it over where a message of an open batch before it has failed.
    Query,
    Sync,
    /// A Sync of lull's own, which ends a batch in the client's stead: its ReadyForQuery is swallowed.
    Cut,
    /// The client has ended a COPY whose CopyInResponse is still on its way, if there is one. Nothing is owed for it.
    CopyEnd,
    /// The reply to a statement of lull's own: swallowed.
    Own(Own),
}

#[derive(Clone, Copy, Debug)]
struct Owed {
    /// How many messages before it are answered one by one.
    answers: u32,
    then: Then,
    /// How often in a row: a flood of the same takes no memory.
    times: u32,
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
    /// Answers that are due before the first of them, or in the open batch where there is none.
    due: u32,
    /// Answers that the batch behind the last of them will bring.
    behind: u32,
    /// The server reads COPY data, and the client has not ended them yet.
    copying_in: bool,
}

impl Ledger {
    /// No ReadyForQuery is owed. An open batch may still bring answers.
    pub(super) fn is_idle(&self) -> bool {
        self.owed.iter().all(|owed| owed.then == Then::CopyEnd)
    }

    /// Nothing at all is owed.
    pub(super) fn is_settled(&self) -> bool {
        self.owed.is_empty() && self.due == 0
    }

    pub(super) fn copying_in(&self) -> bool {
        self.copying_in
    }

    pub(super) fn head(&self) -> Head {
        match self.first() {
            None => Head::Nobody,
            Some(Then::Own(own)) => Head::Own(own),
            Some(_) => Head::Client,
        }
    }

    /// Whether a statement of lull's own is under way.
    pub(super) fn has_own(&self) -> bool {
        self.owed.iter().any(|owed| matches!(owed.then, Then::Own(_)))
    }

    /// The client sent a message of the extended protocol that is answered.
    pub(super) fn message(&mut self) {
        // Inside COPY it is a mistake, and nothing after it is ignored.
        self.copying_in = false;
        let answers = if self.owed.is_empty() {
            &mut self.due
        } else {
            &mut self.behind
        };
        *answers = answers.saturating_add(1);
    }

    pub(super) fn query(&mut self) {
        self.copying_in = false;
        self.push(Then::Query);
    }

    pub(super) fn sync(&mut self) {
        // Inside COPY the server ignores Sync (manual: "COPY Operations").
        if !self.copying_in {
            self.push(Then::Sync);
        }
    }

    /// lull sends a Sync behind what the client has begun.
    pub(super) fn cut(&mut self) {
        self.push(Then::Cut);
    }

    /// Whether the next ReadyForQuery is for a cut.
    pub(super) fn is_cut(&self) -> bool {
        let next = self.owed.iter().find(|owed| owed.then != Then::CopyEnd);
        next.is_some_and(|owed| owed.then == Then::Cut)
    }

    /// The client sent CopyDone or CopyFail.
    pub(super) fn copy_end(&mut self) {
        if self.copying_in {
            self.copying_in = false;
        } else if !self.is_settled() {
            self.push(Then::CopyEnd);
        }
    }

    pub(super) fn own(&mut self, own: Own) {
        self.push(Then::Own(own));
    }

    /// One of the messages that are answered one by one has been.
    pub(super) fn answered(&mut self) {
        self.due = self.due.saturating_sub(1);
        self.pass_copy_ends();
    }

    /// The server began to read COPY data: it ignores the Syncs that the client has sent since, up to the data's end.
    /// At any other message it gives the connection up.
    pub(super) fn copy_in_began(&mut self) {
        if self.due > 0 {
            // An Execute's, whose own answer is due until the data have ended.
            self.copying_in = self.read_copy(1);
        } else if let Some(query) = self.pop() {
            self.copying_in = self.read_copy(0);
            self.put_back(query);
        }
    }

    /// ErrorResponse. True where the server now passes over what comes, up to a Sync that has not been sent.
    pub(super) fn failed(&mut self) -> bool {
        self.copying_in = false;
        if self.due == 0 {
            // A Query's own, or that of a commit at Sync.
            return false;
        }
        while matches!(self.first(), Some(Then::Query | Then::CopyEnd)) {
            self.pop();
        }
        self.due = 0;
        self.owed.is_empty()
    }

    /// ReadyForQuery: one reply is complete. False if none was owed.
    pub(super) fn ready(&mut self) -> bool {
        self.copying_in = false;
        while self.first() == Some(Then::CopyEnd) {
            self.pop();
        }
        let owed = self.pop().is_some();
        self.pass_copy_ends();
        owed
    }

    /// The server is gone: nothing is owed any more. How many replies of the client's that end with ReadyForQuery it has
    /// taken along, and whether the batch that is open behind them waits for an answer.
    pub(super) fn forfeit(&mut self) -> (u32, bool) {
        let of_client = |owed: &&Owed| matches!(owed.then, Then::Query | Then::Sync);
        let replies = self.owed.iter().filter(of_client);
        let replies = replies.fold(0, |sum: u32, owed| sum.saturating_add(owed.times));
        let open = if self.owed.is_empty() {
            self.due
        } else {
            self.behind
        };
        *self = Self::default();
        (replies, open > 0)
    }

    fn first(&self) -> Option<Then> {
        self.owed.front().map(|owed| owed.then)
    }

    fn push(&mut self, then: Then) {
        let answers = if self.owed.is_empty() {
            self.due
        } else {
            std::mem::take(&mut self.behind)
        };
        match self.owed.back_mut() {
            Some(last) if (last.answers, last.then) == (answers, then) => {
                last.times = last.times.saturating_add(1)
            }
            _ => self.owed.push_back(Owed {
                answers,
                then,
                times: 1,
            }),
        }
    }

    fn pop(&mut self) -> Option<Then> {
        let first = self.owed.front_mut()?;
        let then = first.then;
        first.times -= 1;
        if first.times == 0 {
            self.owed.pop_front();
        }
        self.due = match self.owed.front() {
            Some(next) => next.answers,
            None => {
                // An idle session holds no memory that it does not need.
                self.owed = VecDeque::new();
                std::mem::take(&mut self.behind)
            }
        };
        Some(then)
    }

    fn put_back(&mut self, then: Then) {
        if self.owed.is_empty() {
            self.behind = self.due;
        }
        self.due = 0;
        self.owed.push_front(Owed {
            answers: 0,
            then,
            times: 1,
        });
    }

    /// A COPY's end that nothing is left before was none.
    fn pass_copy_ends(&mut self) {
        while self.due == 0 && self.first() == Some(Then::CopyEnd) {
            self.pop();
        }
    }

    /// What the server reads where it expects COPY data, with `due` answers of the COPY's own. True where the client
    /// has not ended them.
    fn read_copy(&mut self, due: u32) -> bool {
        while self.due == due {
            match self.first() {
                None => return true,
                Some(then @ (Then::Sync | Then::CopyEnd)) => {
                    self.pop();
                    self.due = self.due.saturating_add(due);
                    if then == Then::CopyEnd {
                        return false;
                    }
                }
                Some(Then::Query | Then::Cut | Then::Own(_)) => return false,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client sends, by the letters of the protocol; `x` is a message that is answered.
    fn sent(letters: &str) -> Ledger {
        let mut ledger = Ledger::default();
        send(&mut ledger, letters);
        ledger
    }

    fn send(ledger: &mut Ledger, letters: &str) {
        for letter in letters.chars() {
            match letter {
                'Q' => ledger.query(),
                'S' => ledger.sync(),
                'c' => ledger.copy_end(),
                _ => ledger.message(),
            }
        }
    }

    /// What a server sends; `x` is the answer to one message.
    fn heard(ledger: &mut Ledger, letters: &str) {
        for letter in letters.chars() {
            match letter {
                'Z' => assert!(ledger.ready(), "the server owes nothing"),
                'G' => ledger.copy_in_began(),
                'E' => drop(ledger.failed()),
                _ => ledger.answered(),
            }
        }
    }

    #[test]
    fn each_query_and_sync_is_paid_by_one_ready() {
        let mut ledger = sent("QQS");
        for _ in 0..3 {
            assert!(!ledger.is_idle());
            assert!(ledger.ready());
        }
        assert!(ledger.is_settled());
        assert!(!ledger.ready(), "the server owes nothing");
    }

    #[test]
    fn a_query_behind_what_failed_in_the_open_batch_is_passed_over_up_to_the_sync() {
        let mut ledger = sent("xxxQQxxQS");
        heard(&mut ledger, "xE");
        assert!(!ledger.is_idle());
        heard(&mut ledger, "Z");
        assert!(ledger.is_settled());
        let mut ledger = sent("xxxQxx");
        assert!(ledger.failed(), "the server waits for the Sync");
        assert!(ledger.is_settled());
    }

    #[test]
    fn a_query_in_an_open_batch_that_fails_itself_is_paid() {
        let mut ledger = sent("xxxQxxxS");
        heard(&mut ledger, "xxxEZ");
        assert!(!ledger.is_idle());
        heard(&mut ledger, "xxxEZ");
        assert!(ledger.is_settled());
    }

    #[test]
    fn the_syncs_behind_a_copy_are_ignored_as_the_server_does() {
        // libpq: Parse, Bind, Execute, Sync; then the data; then CopyDone, Sync.
        let mut ledger = sent("xxxS");
        heard(&mut ledger, "xxG");
        assert!(ledger.copying_in());
        send(&mut ledger, "ScS");
        heard(&mut ledger, "xZ");
        assert!(ledger.is_settled());
        let mut ledger = sent("QS");
        heard(&mut ledger, "G");
        send(&mut ledger, "SScS");
        heard(&mut ledger, "ZZ");
        assert!(ledger.is_settled());
    }

    #[test]
    fn copies_that_were_sent_ahead_of_their_answers_are_followed_too() {
        // Three batches: with a Sync before the data, without, and in a Query of two.
        let mut ledger = sent("xxxScSxxxcxxxSQccxxxS");
        heard(&mut ledger, "xxGxZ");
        heard(&mut ledger, "xxGxxxxZ");
        heard(&mut ledger, "GGZ");
        assert!(!ledger.copying_in());
        heard(&mut ledger, "xxxZ");
        assert!(ledger.is_settled());
    }

    #[test]
    fn a_copy_that_fails_leaves_no_debt() {
        for (said, answer) in [("Q", "GE"), ("xxxS", "xxGE")] {
            let mut ledger = sent(said);
            heard(&mut ledger, answer);
            send(&mut ledger, "cS");
            heard(&mut ledger, "Z");
            assert_eq!(ledger.is_settled(), said == "xxxS", "{said}");
        }
    }

    #[test]
    fn what_a_server_takes_along_is_counted_by_reply() {
        let mut ledger = sent("QxxxSQ");
        heard(&mut ledger, "Zx");
        assert_eq!(ledger.forfeit(), (2, false));
        assert!(ledger.is_settled());
        assert_eq!(sent("xxxSxx").forfeit(), (1, true));
        assert_eq!(sent("xx").forfeit(), (0, true));
        let mut ledger = sent("xx");
        heard(&mut ledger, "xx");
        assert_eq!(ledger.forfeit(), (0, false));
        ledger.own(Own::Luggage);
        assert_eq!(ledger.forfeit(), (0, false), "nobody waits for lull's own");
    }

    #[test]
    fn a_flood_takes_no_memory() {
        let ledger = sent(&"xxxS".repeat(1000));
        assert_eq!(ledger.owed.len(), 1);
        let ledger = sent(&"Q".repeat(1000));
        assert_eq!(ledger.owed.len(), 1);
    }
}
