//! Judges the commands of a session that a lull covers, or is open beside.
//!
//! Guarantees that no text goes up unread. What the server's read-only state stops goes up for the server to refuse; a
//! refusal of lull's own is an error packet in the place of the reply.

use crate::{
    session::Refused,
    wire::mysql::{command, packet::Header},
};

use super::{MySession, refusal::Refusal};

/// What becomes of a command.
#[derive(Debug)]
pub(super) enum Verdict {
    Pass,
    /// This payload goes up in its place.
    Rewritten(Vec<u8>),
    Refuse(Refusal),
    /// Something must be known first.
    Wait,
}

impl MySession {
    pub(super) fn judge(&mut self, header: Header, _payload: &[u8]) -> Verdict {
        let first = header.first.unwrap_or_default();
        if let Some(refusal) = self.lull.as_mut().and_then(|lull| lull.straggle.tell(first)) {
            return Verdict::Refuse(refusal);
        }
        if !self.is_covered() {
            return Verdict::Pass;
        }
        match first {
            0x05..=0x08 | 0x0c | 0x0d => Verdict::Refuse(Refusal::new(Refused::Leak, "")),
            command::QUERY => Verdict::Pass,
            _ => Verdict::Pass,
        }
    }
}
