//! What the open transaction has done, by the word of the server (manual: "session_track_transaction_info").

/// The letters that the server reports, as far as they matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    wrote: bool,
    /// It may have done what was not reported.
    unseen: bool,
    /// It was begun by a statement that says so.
    explicit: bool,
    /// It has read, so that it has its snapshot.
    pub(super) has_read: bool,
    /// LOCK TABLES is in force.
    pub(super) locks_tables: bool,
}

impl Work {
    /// Eight places: transaction, reads and writes of tables without and with transactions, statements that are unsafe
    /// to replicate (as is one that asks for a setting, which lull does), results sent, locked tables.
    pub(super) fn read(&mut self, letters: &[u8]) {
        let has = |letter: u8| letters.contains(&letter);
        self.explicit = has(b'T');
        self.locks_tables = has(b'L');
        if self.explicit && !letters.iter().any(|letter| b"rRwWsS".contains(letter)) {
            // BEGIN, or AND CHAIN: another transaction.
            self.transaction_over();
            self.explicit = true;
        }
        // Of an open transaction the server reports so when it has been told to report in the middle of it.
        self.unseen |= !self.explicit && !has(b'I');
        // Who has it start again does not unmake what was done.
        self.wrote |= has(b'w') || has(b'W');
        self.has_read |= has(b'R') || has(b'r') || self.wrote;
    }

    /// What it does is not reported from here on.
    pub(super) fn is_unseen(&mut self) {
        self.unseen = true;
    }

    /// What it has done may not have been reported for a while. `shows`: that does show in the letters of an explicit one.
    pub(super) fn may_be_unseen(&mut self, shows: bool) {
        self.unseen |= !(self.explicit && shows);
    }

    pub(super) fn transaction_over(&mut self) {
        *self = Self {
            locks_tables: self.locks_tables,
            ..Self::default()
        };
    }

    /// Whether the server has said that it wrote.
    pub(super) fn has_written(self) -> bool {
        self.wrote
    }

    /// Whether an open transaction may have written. `reported`: the server reports.
    pub(super) fn may_have_written(self, reported: bool) -> bool {
        self.wrote || self.unseen || !reported
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letters_tell_readers_from_writers() {
        let mut work = Work::default();
        work.read(b"T_R___S_");
        assert!(!work.may_have_written(true));
        assert!(work.may_have_written(false), "who was not told cannot know");
        work.read(b"T_R__sS_");
        assert!(!work.may_have_written(true), "it has asked for a setting");
        work.read(b"T___W___");
        assert!(work.may_have_written(true));
        work.transaction_over();
        assert!(!work.may_have_written(true));
        work.read(b"_______L");
        assert!(work.locks_tables);
    }

    #[test]
    fn reports_that_begin_in_the_middle_of_a_transaction_prove_nothing() {
        let mut work = Work::default();
        work.read(b"T_______");
        work.read(b"________");
        work.read(b"__R___S_");
        assert!(work.may_have_written(true), "it was not reported for a while");
        work.read(b"T_______");
        assert!(!work.may_have_written(true), "another transaction");
        work.read(b"T___W___");
        work.read(b"T_R___S_");
        assert!(work.may_have_written(true), "it has not unmade what it did");
        let mut implicit = Work::default();
        implicit.read(b"I_R___S_");
        assert!(!implicit.may_have_written(true));
        implicit.may_be_unseen(true);
        assert!(implicit.may_have_written(true));
        implicit.transaction_over();
        assert!(!implicit.may_have_written(true));
    }
}
