//! What a session must remember only while a lull covers it, or is open beside it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Audited, judgement::Learned, own, straggle::Straggle};

/// Other databases about which one session asks before it forgets them all, and within one statement.
const REMEMBERED_MAX: usize = 500;
const ASKED_ABOUT_MAX: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct InLull {
    /// None until the server has said what holds.
    pub(super) seen: Option<own::Seen>,
    /// How texts are read has changed since.
    pub(super) stale: bool,
    /// The server did not take the guard alone.
    pub(super) guarded_itself: bool,
    /// About the command that is held.
    pub(super) learned: Learned,
    /// The client's own settings of the server's reports hold, for a command: lull's are due again behind it.
    pub(super) bare: bool,
    /// A statement that lull has had prepared to no end.
    pub(super) leftover: Option<u32>,
    /// What has gone up unjudged since the guard was set may let the next transaction write.
    pub(super) unjudged: bool,
    /// The next command asks for the server's variables.
    pub(super) shows_variables: bool,
    /// The command under way may make what reaches into other databases.
    pub(super) makes_objects: bool,
    /// What the session's default would be without the lull; None where the client has said nothing in it.
    pub(super) wish: Option<bool>,
    pub(super) audited: Option<Arc<Audited>>,
    /// What was found in other databases that commands have named.
    pub(super) elsewhere: HashMap<String, Arc<Audited>>,
    /// The command that is held reads where nobody has looked: it runs under the guard, which is then taken back.
    pub(super) guards_next: bool,
    /// Those that were asked about, and whether in vain.
    pub(super) asked_about: HashMap<String, bool>,
    /// Whether the account cannot write in the databases of the lulls beside it; None where nobody has asked.
    pub(super) harmless: Option<bool>,
    /// The command that is held waits for that.
    pub(super) unaudited: bool,
    /// What PREPARE has made in the lull, and whether it only reads.
    pub(super) named: HashMap<Vec<u8>, bool>,
    /// What the command under way would add to them, if the server says yes.
    pub(super) naming: Vec<(Vec<u8>, bool)>,
    /// The command under way is COMMIT and nothing else.
    pub(super) commits: bool,
    /// Prepared statements whose execution has been judged to pass, as things are.
    pub(super) passed: HashSet<u32>,
    /// The client's login waits for the session to stand.
    pub(super) welcome: Option<Vec<u8>>,
    pub(super) attempts: u32,
    pub(super) straggle: Straggle,
}

/// What comes of asking what is in another database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The first time.
    Now,
    /// The answer is still to come.
    Before,
    /// Nobody knows.
    InVain,
}

impl InLull {
    pub(super) fn ask_about(&mut self, database: &str) -> Asked {
        match self.asked_about.get(database) {
            Some(true) => Asked::InVain,
            Some(false) => Asked::Before,
            None if self.asked_about.len() >= ASKED_ABOUT_MAX => Asked::InVain,
            None => {
                self.asked_about.insert(database.to_owned(), false);
                Asked::Now
            }
        }
    }

    /// What was found in another database; None where nobody can tell but its own audit, if that has followed it.
    pub(super) fn audited_elsewhere(&mut self, database: String, found: Option<Arc<Audited>>) {
        self.passed = HashSet::new();
        match found {
            Some(audited) => {
                self.elsewhere.insert(database, audited);
            }
            None => {
                self.asked_about.insert(database, true);
            }
        }
    }

    /// A command has passed: nothing waits for an answer.
    pub(super) fn passed(&mut self) {
        self.unaudited = false;
        if self.asked_about.len() > REMEMBERED_MAX {
            self.forget_others();
        }
    }

    pub(super) fn forget_others(&mut self) {
        self.guards_next = false;
        (self.asked_about, self.elsewhere) = (HashMap::new(), HashMap::new());
    }

    /// The session is in another database.
    pub(super) fn moved(&mut self) {
        (self.audited, self.unaudited) = (None, false);
        self.forget_others();
        // What was prepared in the other database writes there.
        self.named = HashMap::new();
        self.passed = HashSet::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_is_asked_about_once_and_again_when_all_are_forgotten() {
        let mut lull = InLull::default();
        assert_eq!(lull.ask_about("crm"), Asked::Now);
        assert_eq!(lull.ask_about("crm"), Asked::Before);
        lull.audited_elsewhere("crm".to_owned(), None);
        assert_eq!(lull.ask_about("crm"), Asked::InVain);
        lull.moved();
        assert_eq!(lull.ask_about("crm"), Asked::Now);
        for n in 0..ASKED_ABOUT_MAX {
            lull.ask_about(&n.to_string());
        }
        assert_eq!(lull.ask_about("one more"), Asked::InVain);
        lull.passed();
        assert_eq!(lull.ask_about("one more"), Asked::Now);
    }
}
