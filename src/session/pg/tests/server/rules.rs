//! Transactions: what begins, ends, fails and comes back in them. The read-only flag is undone by RELEASE and ROLLBACK
//! TO alike, the setting by what rolls back (measured: facts/read-only-semantics.md).

use super::{Refusal, Server};

#[derive(Clone, Debug, Default)]
pub struct Transaction {
    pub read_only: bool,
    /// It ends with the Query, or at Sync.
    pub(super) implicit: bool,
    pub failed: bool,
    pub wrote: bool,
    pub(super) queried: bool,
    /// The setting as it was before.
    before: bool,
    savepoints: Vec<Savepoint>,
}

#[derive(Clone, Debug)]
struct Savepoint {
    name: String,
    transaction_read_only: bool,
    setting: bool,
}

impl Server {
    pub(super) fn begin_implicit(&mut self) -> &mut Transaction {
        let read_only = self.read_only;
        self.transaction.get_or_insert_with(|| Transaction {
            read_only,
            implicit: true,
            before: read_only,
            ..Transaction::default()
        })
    }

    pub(super) fn end_implicit(&mut self) {
        if self
            .transaction
            .as_ref()
            .is_some_and(|transaction| transaction.implicit)
        {
            self.transaction = None;
        }
    }

    /// An error: an implicit transaction is gone, another waits for its end.
    pub(super) fn abort(&mut self) {
        match &mut self.transaction {
            Some(transaction) if !transaction.implicit => transaction.failed = true,
            Some(transaction) => {
                self.read_only = transaction.before;
                self.transaction = None;
            }
            None => {}
        }
    }

    pub(super) fn refuse_if_failed(&self, text: &str) -> Result<(), Refusal> {
        let failed = self
            .transaction
            .as_ref()
            .is_some_and(|transaction| transaction.failed);
        let upper = text.trim().to_ascii_uppercase();
        let ends = ["COMMIT", "END", "ROLLBACK", "ABORT"]
            .iter()
            .any(|word| upper.starts_with(word));
        if failed && !ends {
            return Err((
                "25P02",
                "current transaction is aborted, commands ignored".to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, mode: Option<bool>) -> Result<(), Refusal> {
        self.begin_implicit().implicit = false;
        mode.map_or(Ok(()), |read_only| self.set_transaction(read_only))
    }

    /// SET TRANSACTION. To read-write only before the first query of a transaction that is read-only.
    pub(super) fn set_transaction(&mut self, read_only: bool) -> Result<(), Refusal> {
        let transaction = self.begin_implicit();
        if transaction.read_only && !read_only && (transaction.queried || !transaction.savepoints.is_empty())
        {
            return Err((
                "25001",
                "transaction read-write mode must be set before any query".to_owned(),
            ));
        }
        transaction.read_only = read_only;
        Ok(())
    }

    /// COMMIT; the tag.
    pub(super) fn commit(&mut self, chain: bool) -> &'static str {
        let failed = self
            .transaction
            .as_ref()
            .is_some_and(|transaction| transaction.failed);
        if failed {
            return self.rollback(chain);
        }
        self.end(chain);
        "COMMIT"
    }

    pub(super) fn rollback(&mut self, chain: bool) -> &'static str {
        if let Some(transaction) = &self.transaction {
            self.read_only = transaction.before;
        }
        self.end(chain);
        "ROLLBACK"
    }

    fn end(&mut self, chain: bool) {
        let ended = self
            .transaction
            .take()
            .filter(|transaction| chain && !transaction.implicit);
        self.transaction = ended.map(|ended| Transaction {
            read_only: ended.read_only,
            before: self.read_only,
            ..Transaction::default()
        });
    }

    pub(super) fn savepoint(&mut self, name: String) -> Result<(), Refusal> {
        let setting = self.read_only;
        match &mut self.transaction {
            Some(transaction) if !transaction.implicit => {
                let transaction_read_only = transaction.read_only;
                transaction.savepoints.push(Savepoint {
                    name,
                    transaction_read_only,
                    setting,
                });
                Ok(())
            }
            _ => Err((
                "25P01",
                "SAVEPOINT can only be used in transaction blocks".to_owned(),
            )),
        }
    }

    pub(super) fn release(&mut self, name: &str) -> Result<(), Refusal> {
        self.back_to(name, false)
    }

    pub(super) fn rollback_to(&mut self, name: &str) -> Result<(), Refusal> {
        self.back_to(name, true)
    }

    fn back_to(&mut self, name: &str, undo: bool) -> Result<(), Refusal> {
        let missing = || ("3B001", format!("savepoint \"{name}\" does not exist"));
        let transaction = self.transaction.as_mut().ok_or_else(missing)?;
        let found = transaction
            .savepoints
            .iter()
            .rposition(|savepoint| savepoint.name == name);
        let at = found.ok_or_else(missing)?;
        let savepoint = transaction.savepoints[at].clone();
        transaction.savepoints.truncate(if undo { at + 1 } else { at });
        transaction.read_only = savepoint.transaction_read_only;
        if undo {
            transaction.failed = false;
            self.read_only = savepoint.setting;
        }
        Ok(())
    }
}
