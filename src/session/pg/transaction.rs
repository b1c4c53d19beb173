//! What the server's replies say about the open transaction.
//!
//! Learnt from ReadyForQuery and from command tags alone, so that normal mode never looks at SQL text.

use crate::wire::pg::backend::Status;

#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) status: Status,
    /// Something ran in it that may have taken a snapshot or written. While it is false, nothing has been written,
    /// and a query of lull's own would move the client's snapshot.
    pub(super) acted: bool,
    /// It has, or has had, a savepoint: a failed transaction can be revived.
    pub(super) savepoints: bool,
    /// It will tell other sessions something when it commits.
    pub(super) notified: bool,
    /// The server's answer to whether it has written.
    pub(super) wrote: Option<bool>,
    pub(super) last_tag: &'static str,
}

impl Transaction {
    pub(super) fn command(&mut self, tag: &[u8]) {
        let word = tag.split(|&b| b == b' ').next().unwrap_or_default();
        // Most often it is the same again.
        if word != self.last_tag.as_bytes() {
            self.last_tag = known_tag(word);
        }
        match tag {
            // With AND CHAIN, the next transaction is open at once.
            b"COMMIT" => self.forget(),
            // Without savepoints it cannot have been ROLLBACK TO.
            b"ROLLBACK" if !self.savepoints => self.forget(),
            b"ROLLBACK" => self.wrote = None,
            b"SAVEPOINT" => self.savepoints = true,
            b"BEGIN" | b"START TRANSACTION" | b"SET" | b"SHOW" | b"RESET" | b"LOCK TABLE" | b"RELEASE" => {}
            b"DEALLOCATE" | b"DEALLOCATE ALL" | b"CLOSE CURSOR" | b"LISTEN" | b"UNLISTEN" => {}
            b"NOTIFY" => {
                self.notified = true;
                self.acted = true;
            }
            _ => self.acted = true,
        }
    }

    /// A reply without a tag: rows of a suspended portal, an error, a function's result.
    pub(super) fn did_something(&mut self) {
        self.acted = true;
    }

    pub(super) fn ready(&mut self, status: Status) {
        self.status = status;
        if status == Status::Idle {
            self.forget();
        }
    }

    fn forget(&mut self) {
        (self.acted, self.savepoints, self.notified, self.wrote) = (false, false, false, None);
    }
}

/// Tags are the server's words, but a label must come from a short list.
fn known_tag(word: &[u8]) -> &'static str {
    const KNOWN: [&str; 38] = [
        "ALTER",
        "ANALYZE",
        "BEGIN",
        "CALL",
        "CHECKPOINT",
        "CLOSE",
        "CLUSTER",
        "COMMENT",
        "COMMIT",
        "COPY",
        "CREATE",
        "DEALLOCATE",
        "DECLARE",
        "DELETE",
        "DISCARD",
        "DO",
        "DROP",
        "EXPLAIN",
        "FETCH",
        "GRANT",
        "INSERT",
        "LISTEN",
        "LOCK",
        "MERGE",
        "MOVE",
        "NOTIFY",
        "PREPARE",
        "REFRESH",
        "REINDEX",
        "RELEASE",
        "ROLLBACK",
        "SAVEPOINT",
        "SELECT",
        "SET",
        "SHOW",
        "TRUNCATE",
        "UPDATE",
        "VACUUM",
    ];
    KNOWN
        .binary_search_by(|known| known.as_bytes().cmp(word))
        .ok()
        .and_then(|at| KNOWN.get(at))
        .unwrap_or(&"other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_only_began_has_not_acted() {
        let mut transaction = Transaction::default();
        for tag in ["BEGIN", "SET", "SHOW", "LOCK TABLE", "SAVEPOINT", "ROLLBACK"] {
            transaction.command(tag.as_bytes());
        }
        transaction.ready(Status::InTransaction);
        assert!(!transaction.acted && transaction.savepoints);
        transaction.command(b"SELECT 1");
        assert!(transaction.acted);
    }

    #[test]
    fn what_ran_before_begin_in_the_same_message_counts() {
        let mut transaction = Transaction::default();
        transaction.command(b"INSERT 0 1");
        transaction.command(b"BEGIN");
        transaction.ready(Status::InTransaction);
        assert!(transaction.acted);
        transaction.ready(Status::Idle);
        assert!(!transaction.acted);
    }

    #[test]
    fn tags_are_labels_from_a_sorted_list() {
        for tag in ["ALTER TABLE", "INSERT 0 1", "VACUUM", "LOCK TABLE", "DO"] {
            assert!(
                tag.starts_with(known_tag(tag.split(' ').next().unwrap().as_bytes())),
                "{tag}"
            );
        }
        assert_eq!(known_tag(b"something new"), "other");
    }
}
