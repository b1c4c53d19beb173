//! What the open transaction has done, by the word of the server (manual: "session_track_transaction_info").

/// The letters that the server reports, as far as they matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    wrote: bool,
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
        self.wrote = has(b'w') || has(b'W');
        self.has_read = has(b'R') || has(b'r') || self.wrote;
        self.locks_tables = has(b'L');
    }

    pub(super) fn transaction_over(&mut self) {
        (self.wrote, self.has_read) = (false, false);
    }

    /// Whether an open transaction may have written. `reported`: the server has reported all along.
    pub(super) fn may_have_written(self, reported: bool) -> bool {
        self.wrote || !reported
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
}
