//! Ends what does not stand when the drain is over, by the operator's policy.
//!
//! `abort`: the transaction is rolled back and locked tables are let go, and the client's next command is answered by
//! the reason. `terminate`: the client hears why and is cut off; its upstream connection ends by itself, and only then
//! leaves the fence.

use std::sync::Arc;

use crate::{
    fault::Fault,
    gate::{Lull, Stragglers},
    session::{HangUp, Refused, Session, outlet::Outlets},
    wire::mysql::{command, packet},
};

use super::{
    MySession, Set,
    own::{Gathered, Own},
    refusal,
    refusal::Refusal,
};

#[derive(Debug, Default)]
pub(super) struct Straggle {
    /// When the session is quiet.
    abort: bool,
    branch: Branch,
    /// A transaction was ended behind the client's back, by this lull, and it has not been told.
    untold: Option<Arc<Lull>>,
}

/// The XA branch that the session is in, as far as it is known.
#[derive(Debug, Default, PartialEq, Eq)]
enum Branch {
    #[default]
    None,
    Unnamed,
    Open(String),
    /// By XA END.
    Ended(String),
}

impl Straggle {
    pub(super) fn next_step(&self, in_transaction: bool, locks_tables: bool) -> Option<Own> {
        match (self.abort, in_transaction, locks_tables) {
            (true, true, _) => Some(match self.branch {
                Branch::None => Own::Rollback,
                Branch::Unnamed => Own::Reveal,
                Branch::Open(_) => Own::EndBranch,
                Branch::Ended(_) => Own::RollbackBranch,
            }),
            (true, false, true) => Some(Own::Unlock),
            _ => None,
        }
    }

    /// ROLLBACK cannot end it.
    pub(super) fn is_branch(&mut self) {
        self.branch = Branch::Unnamed;
    }

    /// What the server says of how the transaction was begun.
    pub(super) fn revealed(&mut self, characteristics: &[u8]) {
        if self.branch == Branch::Unnamed
            && let Some(xid) = xid(characteristics)
        {
            self.branch = Branch::Open(xid);
        }
    }

    pub(super) fn has_name(&self) -> bool {
        self.branch != Branch::Unnamed
    }

    pub(super) fn branch_ended(&mut self) {
        if let Branch::Open(xid) = std::mem::take(&mut self.branch) {
            self.branch = Branch::Ended(xid);
        }
    }

    pub(super) fn xid(&self) -> &str {
        match &self.branch {
            Branch::Open(xid) | Branch::Ended(xid) => xid,
            Branch::None | Branch::Unnamed => "",
        }
    }

    /// Goes by what the server reports, so that a step that failed is taken again.
    pub(super) fn step_done(&mut self, in_transaction: bool, locks_tables: bool, lull: Option<Arc<Lull>>) {
        if !in_transaction && !locks_tables {
            self.abort = false;
        }
        if !in_transaction {
            self.branch = Branch::None;
            self.untold = self.untold.take().or(lull);
        }
    }

    /// What the client must hear before a command of its transaction runs, once. `ends`: whether the command is the
    /// client's own end of what has been ended for it.
    pub(super) fn tell(&mut self, first: u8, ends: impl FnOnce() -> bool) -> Option<Refusal> {
        let of_transaction = matches!(
            first,
            command::QUERY
                | command::STMT_PREPARE
                | command::STMT_EXECUTE
                | command::STMT_BULK_EXECUTE
                | command::STMT_FETCH
                | command::INIT_DB
                | command::FIELD_LIST
        );
        let as_new = matches!(first, command::RESET_CONNECTION | command::CHANGE_USER);
        let lull = self.untold.take_if(|_| of_transaction || as_new)?;
        (!as_new && !ends()).then(|| Refusal::of(lull, Refused::Drained, ROLLED_BACK))
    }

    /// The lull is over: what has not begun to be ended, is not.
    pub(super) fn call_off(&mut self) {
        self.abort = false;
    }

    /// Whether an abort is under way, or has not been told of.
    pub(super) fn acts(&self) -> bool {
        self.abort || self.untold.is_some()
    }

    pub(super) fn transaction_over(&mut self) {
        *self = Self::default();
    }
}

/// The name out of `XA START name;`. None for one that a client has chosen to look like more than a name.
fn xid(characteristics: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(characteristics).ok()?;
    let (name, _) = text.strip_prefix("XA START ")?.split_once(';')?;
    let pieces = name.split('\'').collect::<Vec<_>>();
    let plain = |(at, piece): (usize, &&str)| match at % 2 {
        0 => piece
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b','),
        _ => piece
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\'),
    };
    let is_name = matches!(pieces.len(), 3 | 5) && pieces.iter().enumerate().all(plain);
    is_name.then(|| name.to_owned())
}

const ROLLED_BACK: &str = "This transaction, or LOCK TABLES, was still open when its drain was over. It has been rolled back: nothing of it was \
     kept.";

const NAMELESS: &str =
    "the connection ends because of a lull: it was in an XA branch when its drain was over";

impl MySession {
    pub(super) fn straggle(&mut self, policy: Stragglers, out: &mut Outlets) {
        let writes_nothing = !self.is_read_only_ordered() || self.travel.under_way;
        if self.stands_at >= self.order.generation || writes_nothing {
            return;
        }
        if self.lull.as_ref().is_some_and(|lull| lull.welcome.is_some()) {
            // It is being born into the lull: its client has said nothing yet, and does not before it stands.
            return;
        }
        match policy {
            Stragglers::Report => {}
            Stragglers::Terminate => self.terminate(out),
            Stragglers::Abort => {
                self.in_lull(|lull| lull.straggle.abort = true);
                // What runs is interrupted, so that the end of the transaction can follow.
                self.interrupt();
            }
        }
    }

    /// Only another connection can interrupt what runs on this one, and only a client's can be had.
    pub(super) fn interrupt(&mut self) {
        if !self.ledger.is_idle() {
            self.effects().interrupt = Some(format!("KILL QUERY {}", self.connection_id));
        }
    }

    pub(super) fn xid(&self) -> &str {
        self.lull.as_ref().map_or("", |lull| lull.straggle.xid())
    }

    /// The server has answered a step of an abort.
    pub(super) fn straggle_stepped(&mut self, own: Own, reply: &Gathered) -> Result<(), Fault> {
        match (own, reply.branch_state()) {
            // It decides nothing, writes nothing, and lull refuses to have it decided: it is nobody's to end.
            (Own::Rollback, Some("PREPARED")) => {
                self.holds_prepared = true;
                self.in_lull(|lull| lull.straggle.call_off());
                return Ok(());
            }
            (Own::Rollback, Some(_)) => {
                self.in_lull(|lull| lull.straggle.is_branch());
                return Ok(());
            }
            // Where the client has said it already, the server refuses it.
            (Own::EndBranch, _) => {
                self.in_lull(|lull| lull.straggle.branch_ended());
                return Ok(());
            }
            (Own::Reveal, _) if !reply.failed() => {
                let named = self.lull.as_ref().is_some_and(|lull| lull.straggle.has_name());
                return named.then_some(()).ok_or_else(|| Fault::policy(NAMELESS));
            }
            _ => {}
        }
        if own == Own::RollbackBranch && self.set == Set::Guard {
            // What is reported of transactions is as it was before the branch's name was asked for.
            self.set = Set::Reports;
        }
        if own == Own::Unlock && !reply.failed() {
            // A client that has turned the server's reports off keeps it from telling.
            self.work.locks_tables = false;
        }
        let (in_transaction, locks) = (self.in_transaction(), self.work.locks_tables);
        if reply.failed() {
            self.count_attempt("the end of a transaction", reply)?;
        }
        let covering = self.covering();
        self.in_lull(|lull| lull.straggle.step_done(in_transaction, locks, covering));
        Ok(())
    }

    pub(super) fn terminate(&mut self, out: &mut Outlets) {
        if let Some(lull) = self.covering() {
            let fault = Fault::policy(refusal::terminated(&lull));
            self.last_words(&fault, out);
        }
        self.hang_up(HangUp::Drain, out);
    }

    /// lull stops.
    pub(super) fn close(&mut self, out: &mut Outlets) {
        self.last_words(
            &Fault::policy("the connection ends because the proxy is being stopped"),
            out,
        );
        self.hang_up(HangUp::Shutdown, out);
    }

    fn hang_up(&mut self, why: HangUp, out: &mut Outlets) {
        self.interrupt();
        self.effects().hang_up = Some(why);
        if !self.client.mid_message() {
            packet::write(out.to_upstream.buffer(&[]), 0, &[command::QUIT]);
        }
        self.held = Vec::new();
        self.ended = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_named_by_the_server_or_not_at_all() {
        let of = |text: &str| xid(text.as_bytes());
        for name in ["'a'", "'a,b','c',7", "X'0102',X'',1", "'a;b'"] {
            let named = of(&format!("XA START {name};"));
            assert_eq!(named.as_deref(), (!name.contains(';')).then_some(name));
        }
        for text in [
            "",
            "START TRANSACTION;",
            "XA START ;",
            "XA START 'a'",
            "XA START 'a' 'b';",
            "XA START 'a'/**/;",
            "XA START 'a\\';",
            "XA START 'a','b','c';",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
