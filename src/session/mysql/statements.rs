//! The texts of prepared statements, by their numbers: no server tells them to an ordinary account.
//!
//! Texts are kept as they came, unread, so that normal mode pays one copy for each; a lull reads them when they are
//! executed.

use std::collections::HashMap;

/// The number by which MariaDB's clients speak of the statement that was prepared last.
const LAST: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Statements {
    texts: HashMap<u32, Box<[u8]>>,
    last: Option<u32>,
}

impl Statements {
    /// False where there are too many: then the text is not kept.
    pub(super) fn insert(&mut self, id: u32, text: Box<[u8]>, most: usize) -> bool {
        self.last = Some(id);
        if self.texts.len() >= most && !self.texts.contains_key(&id) {
            return false;
        }
        self.texts.insert(id, text);
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

    pub(super) fn text(&self, id: u32) -> Option<&[u8]> {
        self.texts.get(&self.resolve(id)?).map(AsRef::as_ref)
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
        let mut statements = Statements::default();
        assert!(statements.insert(1, b"one"[..].into(), 2));
        assert!(statements.insert(2, b"two"[..].into(), 2));
        assert!(
            !statements.insert(3, b"three"[..].into(), 2),
            "no more than the limit"
        );
        assert_eq!(statements.text(1), Some(&b"one"[..]));
        assert_eq!(statements.text(u32::MAX), None, "the last one is not known");
        statements.close(1);
        assert_eq!(statements.text(1), None);
    }
}
