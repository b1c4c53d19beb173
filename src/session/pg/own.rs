//! Statements of lull's own, and their replies.
//!
//! They go in the extended protocol under a name of lull's, closed before and after, so that the client's unnamed
//! statement and portal stay what they were. Names in them are schema-qualified and no operator is looked up by the
//! client's search_path: a client cannot have them mean something else.

use crate::{
    session::Rows,
    wire::pg::{backend, error::Fields, frontend},
};

/// What a statement of lull's own is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    GuardSession,
    GuardTransaction,
    HasWritten,
    Texts,
    Restore,
    Question,
    Luggage,
    Stock,
    WrapBegin,
    WrapPin,
    WrapCommit,
    AbortRollback,
    AbortBegin,
    AbortFail,
}

const NAME: &str = "lull$own";
/// No PostgreSQL parses this, and its error message quotes it, in whatever language.
pub(super) const FAILING_TEXT: &str = "lull_refused";

/// The size of all rows of one reply. A question of lull's own with a larger answer is answered by an error.
pub(super) const REPLY_BYTES_MAX: usize = 64 << 20;

impl Own {
    /// Whether it goes into a transaction that is the client's.
    pub(super) fn asks_in_the_clients_transaction(self) -> bool {
        matches!(
            self,
            Self::GuardTransaction | Self::HasWritten | Self::Texts | Self::Question
        )
    }

    /// Whether its success is progress. One of several steps is none: it may succeed again and again while the next never
    /// does.
    pub(super) fn gets_somewhere(self) -> bool {
        matches!(
            self,
            Self::GuardSession | Self::GuardTransaction | Self::HasWritten | Self::Texts | Self::Restore
        )
    }

    /// The text, where it is always the same.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::GuardSession => "SET SESSION default_transaction_read_only = on",
            Self::GuardTransaction => "SET TRANSACTION READ ONLY",
            Self::HasWritten => "SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL",
            Self::Texts => {
                "SELECT 's', name, statement FROM pg_catalog.pg_prepared_statements \
                 UNION ALL SELECT 'c', name, statement FROM pg_catalog.pg_cursors"
            }
            Self::Restore => "RESET default_transaction_read_only",
            Self::Question | Self::Luggage | Self::Stock => "SELECT 1",
            Self::WrapBegin | Self::AbortBegin => "BEGIN READ ONLY",
            Self::WrapPin => "SELECT 1",
            Self::WrapCommit => "COMMIT",
            Self::AbortRollback => "ROLLBACK",
            Self::AbortFail => FAILING_TEXT,
        }
    }
}

/// Appends a statement of lull's own. A connection for logical replication knows only the simple protocol.
pub(super) fn write(out: &mut Vec<u8>, text: &str, simple_only: bool) {
    if simple_only {
        return frontend::write_query(out, text);
    }
    // A client may have used the name.
    frontend::write(out, frontend::CLOSE, &[b"S", NAME.as_bytes(), b"\0"]);
    frontend::write(out, frontend::CLOSE, &[b"P", NAME.as_bytes(), b"\0"]);
    frontend::write_statement(out, NAME, text);
}

/// Appends a Parse that fails: the server then is in the state that a refused statement leaves behind.
pub(super) fn write_failing_parse(out: &mut Vec<u8>) {
    frontend::write_parse(out, NAME, FAILING_TEXT);
}

/// Whether a name in the server's books is lull's own.
pub(super) fn is_own_name(name: &[u8]) -> bool {
    name == NAME.as_bytes()
}

/// Whether an error is the one that the failing statement causes.
pub(super) fn is_failing_text(error: &Fields<'_>) -> bool {
    let quoted = |window: &[u8]| window == FAILING_TEXT.as_bytes();
    error.sqlstate() == b"42601" && error.message().windows(FAILING_TEXT.len()).any(quoted)
}

/// The reply to a statement of lull's own, as it gathers.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) rows: Rows,
    bytes: usize,
    completed: bool,
    /// SQLSTATE and message.
    pub(super) error: Option<(Vec<u8>, String)>,
}

impl Reply {
    pub(super) fn add(&mut self, tag: u8, body: &[u8]) {
        match tag {
            backend::DATA_ROW => self.add_row(body),
            backend::COMMAND_COMPLETE => self.completed = true,
            backend::ERROR => {
                let fields = Fields::read(body).unwrap_or_default();
                let message = String::from_utf8_lossy(fields.message()).into_owned();
                self.error = Some((fields.sqlstate().to_vec(), message));
            }
            _ => {}
        }
    }

    fn add_row(&mut self, body: &[u8]) {
        self.bytes = self.bytes.saturating_add(body.len());
        if self.bytes > REPLY_BYTES_MAX {
            self.rows = Rows::new();
            self.error = Some((
                b"54000".to_vec(),
                format!("the answer is larger than {REPLY_BYTES_MAX} bytes"),
            ));
        } else if let Some(row) = backend::data_row(body) {
            self.rows
                .push(row.into_iter().map(|column| column.map(<[u8]>::to_vec)).collect());
        }
    }

    /// Only CommandComplete is proof: a statement that the server has passed over brings no error either.
    pub(super) fn failed(&self) -> bool {
        self.error.is_some() || !self.completed
    }

    pub(super) fn was_cancelled(&self) -> bool {
        self.error
            .as_ref()
            .is_some_and(|(sqlstate, _)| sqlstate == b"57014")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_the_server_has_passed_over_counts_as_failed() {
        let mut reply = Reply::default();
        assert!(reply.failed());
        reply.add(backend::COMMAND_COMPLETE, b"SET\0");
        assert!(!reply.failed());
    }
}
