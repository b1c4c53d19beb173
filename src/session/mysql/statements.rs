//! The texts of prepared statements, by their numbers: no server tells them to an ordinary account.
//!
//! Texts are kept as they came, unread, so that normal mode pays one copy for each; a lull reads them when they are
//! executed. With each goes the database in which it was prepared: there its names stay, wherever the session goes.

use std::{collections::HashMap, rc::Rc};

/// The number by which MariaDB's clients speak of the statement that was prepared last.
const LAST: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Statements {
    texts: HashMap<u32, Prepared>,
    last: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) text: Rc<[u8]>,
    pub(super) database: Rc<str>,
}

impl Statements {
    /// False where there are too many: then the text is not kept.
    pub(super) fn insert(&mut self, id: u32, prepared: Prepared, most: usize) -> bool {
        self.last = Some(id);
        if self.texts.len() >= most && !self.texts.contains_key(&id) {
            return false;
        }
        self.texts.insert(id, prepared);
        true
    }

    pub(super) fn close(&mut self, id: u32) {
        if let Some(id) = self.resolve(id) {
            self.texts.remove(&id);
        }
        if self.texts.is_empty() {
            // An idle session holds no table.
            self.texts = HashMap::new();
        }
    }

    pub(super) fn get(&self, id: u32) -> Option<&Prepared> {
        self.texts.get(&self.resolve(id)?)
    }

    fn resolve(&self, id: u32) -> Option<u32> {
        if id == LAST { self.last } else { Some(id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_its_number_and_by_being_the_last() {
        let prepared = |text: &[u8]| Prepared {
            text: text.into(),
            database: "shop".into(),
        };
        let mut statements = Statements::default();
        assert!(statements.insert(1, prepared(b"one"), 2));
        assert!(statements.insert(2, prepared(b"two"), 2));
        assert!(
            !statements.insert(3, prepared(b"three"), 2),
            "no more than the limit"
        );
        let text = |statements: &Statements, id| statements.get(id).map(|prepared| prepared.text.to_vec());
        assert_eq!(text(&statements, 1).as_deref(), Some(&b"one"[..]));
        assert_eq!(text(&statements, u32::MAX), None, "the last one is not known");
        statements.close(1);
        assert_eq!(text(&statements, 1), None);
    }
}
