//! Transactions: what begins them, what may write in them, what ends them. What the guard does not stop is not stopped
//! here either (measured: facts/read-only-semantics.md).

use super::{READ_ONLY, Refusal, Server};

#[derive(Clone, Debug, Default)]
pub struct Transaction {
    pub read_only: bool,
    /// By BEGIN.
    pub(super) explicit: bool,
    /// It does not end with the statement.
    pub(super) goes_on: bool,
    /// The databases in which it has written.
    pub wrote_in: Vec<String>,
    /// As far as the server was asked to follow it.
    pub(super) told_begun: bool,
    pub(super) told_read: bool,
    pub(super) told_wrote: bool,
    pub(super) told_sent: bool,
}

pub(super) fn read_only_refusal() -> Refusal {
    let message = "Cannot execute statement in a READ ONLY transaction";
    (READ_ONLY, "25006", message.to_owned())
}

impl Server {
    fn would_be_read_only(&self) -> bool {
        let next = self.next_read_only.unwrap_or(self.settings.read_only);
        self.transaction.as_ref().map_or(next, |open| open.read_only)
    }

    /// Whether the server was asked to tell what transactions do.
    fn follows(&self) -> bool {
        self.settings.track_transactions != "OFF"
    }

    /// The open transaction, or one that begins with this statement.
    fn within(&mut self) -> &mut Transaction {
        let (read_only, goes_on) = (self.would_be_read_only(), !self.settings.autocommit);
        let told_begun = self.follows();
        if self.transaction.is_none() {
            self.next_read_only = None;
        }
        self.transaction.get_or_insert_with(|| Transaction {
            read_only,
            goes_on,
            told_begun,
            ..Transaction::default()
        })
    }

    pub(super) fn begin(&mut self, access: Option<bool>) {
        self.commit(false);
        self.unlock();
        let told_begun = self.tells_of_beginnings();
        self.changes.touched |= told_begun;
        let read_only = access.unwrap_or_else(|| self.would_be_read_only());
        self.next_read_only = None;
        self.transaction = Some(Transaction {
            read_only,
            explicit: true,
            goes_on: true,
            told_begun,
            ..Transaction::default()
        });
    }

    fn tells_of_beginnings(&self) -> bool {
        self.follows() || !self.traits.mariadb
    }

    pub(super) fn unlock(&mut self) -> bool {
        self.told_locks = false;
        std::mem::take(&mut self.locks_tables)
    }

    pub(super) fn lock(&mut self) {
        (self.locks_tables, self.told_locks) = (true, self.follows());
    }

    /// Rows have been sent.
    pub(super) fn sent_rows(&mut self) {
        let follows = self.follows();
        if let Some(open) = &mut self.transaction {
            open.told_sent |= follows && open.told_begun;
        }
    }

    pub(super) fn commit(&mut self, chain: bool) {
        let wrote_in = self
            .transaction
            .as_mut()
            .map(|open| std::mem::take(&mut open.wrote_in));
        let wrote_in = wrote_in.unwrap_or_default();
        if !wrote_in.is_empty() {
            self.logged();
        }
        let committed = wrote_in
            .into_iter()
            .map(|database| (database, "COMMIT".to_owned()));
        self.wrote.extend(committed);
        self.end_transaction(chain);
    }

    pub(super) fn roll_back(&mut self, chain: bool) {
        self.end_transaction(chain);
    }

    fn end_transaction(&mut self, chain: bool) {
        let ended = self.transaction.take().filter(|open| chain && open.goes_on);
        let told_begun = self.tells_of_beginnings();
        self.changes.touched |= told_begun && ended.is_some();
        self.transaction = ended.map(|ended| Transaction {
            read_only: ended.read_only,
            explicit: true,
            goes_on: true,
            told_begun,
            ..Transaction::default()
        });
    }

    /// Something is in the binary log.
    fn logged(&mut self) {
        self.commits += 1;
        if self.traits.mariadb {
            self.variable_changed("last_gtid", format!("0-1-{}", self.commits));
        } else if self.settings.track_gtids != "OFF" {
            self.changes.gtids = Some(format!("uuid:{}", self.commits));
        }
    }

    /// SET TRANSACTION, for the next one.
    pub(super) fn set_next(&mut self, read_only: bool) -> Result<(), Refusal> {
        if self.transaction.as_ref().is_some_and(|open| open.goes_on) {
            let message = "Transaction characteristics can't be changed while a transaction is in progress";
            return Err((1568, "25001", message.to_owned()));
        }
        self.next_read_only = Some(read_only);
        Ok(())
    }

    /// Reads a table.
    pub(super) fn read(&mut self) {
        let follows = self.follows();
        let open = self.within();
        open.told_begun |= follows && !open.explicit;
        open.told_read |= follows && open.told_begun;
    }

    pub(super) fn refuse_if_read_only(&self) -> Result<(), Refusal> {
        if self.would_be_read_only() {
            return Err(read_only_refusal());
        }
        Ok(())
    }

    pub(super) fn write(&mut self, database: &str, text: &str) -> Result<(), Refusal> {
        self.refuse_if_read_only()?;
        let follows = self.follows();
        let open = self.within();
        open.wrote_in.push(database.to_owned());
        open.told_begun |= follows && !open.explicit;
        open.told_wrote |= follows && open.told_begun;
        self.wrote.push((database.to_owned(), text.to_owned()));
        Ok(())
    }

    /// DDL, LOCK TABLES ... WRITE: commits what is open, and only the session's setting stops it behind that; and not
    /// even that where the open transaction may write.
    pub(super) fn act(&mut self, text: &str) -> Result<(), Refusal> {
        let open_writes = self.transaction.as_ref().is_some_and(|open| !open.read_only);
        let next = self.next_read_only.unwrap_or(self.settings.read_only);
        if self.settings.read_only && next && !open_writes {
            return Err(read_only_refusal());
        }
        self.commit(false);
        self.leak(text);
        Ok(())
    }

    /// What no read-only state stops.
    pub(super) fn leak(&mut self, text: &str) {
        self.wrote.push((self.database.clone(), text.to_owned()));
        self.logged();
    }

    /// A transaction of one statement ends with it.
    pub(super) fn end_statement(&mut self, succeeded: bool) {
        if self.transaction.as_ref().is_some_and(|open| !open.goes_on) {
            if succeeded {
                self.commit(false);
            } else {
                self.roll_back(false);
            }
        }
    }
}
