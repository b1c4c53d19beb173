//! What a client is told when something does not run in a lull.
//!
//! SQLSTATE 25006, severity ERROR, the server's own sentence first: frameworks know it, and pools keep the
//! connection. DETAIL and HINT say which lull, why and until when. Never SQL text.

use std::{borrow::Cow, sync::Arc};

use crate::{
    gate::Lull,
    session::Refused,
    wire::pg::error::{Fields, READ_ONLY_SQL_TRANSACTION, Report},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) class: Refused,
    /// The command as the server would name it.
    command: Cow<'static, str>,
    /// Why a read-only transaction is not the whole reason.
    because: Cow<'static, str>,
    /// It may run when the audit is known.
    pub(super) until_audited: bool,
}

impl Refusal {
    pub(super) fn new(
        class: Refused,
        command: impl Into<Cow<'static, str>>,
        because: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            class,
            command: command.into(),
            because: because.into(),
            until_audited: false,
        }
    }

    /// For what could run code that the audit has not seen yet.
    pub(super) fn until_audited(command: impl Into<Cow<'static, str>>) -> Self {
        let why = "It is refused because the routines of this database are still being looked at; sent by itself it runs.";
        Self {
            until_audited: true,
            ..Self::new(Refused::Hidden, command, why)
        }
    }

    /// For what would go on where its batch has begun, on a server that is gone.
    pub(super) fn lost() -> Self {
        Self::new(Refused::Lost, "this batch", "")
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, lull: &Lull) {
        if self.class == Refused::Lost {
            return write_lost(out, lull);
        }
        let detail = format!("{} {}", lull.detail(), self.because);
        Report {
            severity: "ERROR",
            sqlstate: READ_ONLY_SQL_TRANSACTION,
            message: &format!("cannot execute {} in a read-only transaction", self.command),
            detail: Some(detail.trim_end()),
            hint: Some(&lull.hint()),
        }
        .write(out);
    }
}

/// The server's own refusal, with what lull knows about it.
pub(super) fn explain(fields: &mut Fields<'_>, lull: &Lull, out: &mut Vec<u8>) {
    let (detail, hint) = (lull.detail(), lull.hint());
    let mut explained = fields.clone();
    explained.add(b'D', &detail);
    explained.add(b'H', &hint);
    explained.write(out);
}

/// The first word about a transaction that the drain policy has ended.
pub(super) fn write_drained(out: &mut Vec<u8>, lull: &Lull) {
    let detail = format!(
        "{} This transaction was still open when its drain was over. It has been rolled back: nothing of it was kept.",
        lull.detail()
    );
    Report {
        severity: "ERROR",
        sqlstate: READ_ONLY_SQL_TRANSACTION,
        message: "cannot go on with a read-write transaction in a read-only database",
        detail: Some(&detail),
        hint: Some(&lull.hint()),
    }
    .write(out);
}

/// What a client hears instead of an answer that its replica has not given any more.
pub(super) fn write_lost(out: &mut Vec<u8>, lull: &Lull) {
    let detail = format!(
        "{} The replica on which this session was has gone; an open transaction has gone with it.",
        lull.detail()
    );
    Report {
        severity: "ERROR",
        sqlstate: "57P01",
        message: "canceling statement because its replica has gone",
        detail: Some(&detail),
        hint: Some("Nothing was changed, and the connection goes on: try the whole transaction again."),
    }
    .write(out);
}

/// The last word on a connection that the drain policy ends.
pub(super) fn write_terminated(out: &mut Vec<u8>, lull: &Arc<Lull>) {
    Report {
        severity: "FATAL",
        sqlstate: "57P01",
        message: "terminating connection because of a lull",
        detail: Some(&lull.detail()),
        hint: Some("Connect again to read."),
    }
    .write(out);
}
