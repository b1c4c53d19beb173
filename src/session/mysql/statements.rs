//! The texts of prepared statements, by the numbers that the client holds: no server tells them to an ordinary account.
//!
//! Texts are kept as they came, unread, so that normal mode pays one copy for each; a lull reads them when they are
//! executed. With each goes the database in which it was prepared: there its names stay, wherever the session goes. A
//! number is the server's own until the session has moved to another server, where the same statement has another one.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use super::parameters::Types;

/// The number by which MariaDB's clients speak of the statement that was prepared last.
pub(super) const LAST: u32 = u32::MAX;
/// No statement has it.
const NOBODY: u32 = 0;

#[derive(Debug, Default)]
pub(super) struct Statements {
    texts: HashMap<u32, Prepared>,
    last: Option<u32>,
    /// There are some whose texts are not known.
    pub(super) incomplete: bool,
    /// The session has moved: some have other numbers at the server.
    moved: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) text: Rc<[u8]>,
    pub(super) database: Rc<str>,
    /// How many it takes.
    pub(super) parameters: u16,
    /// What they were when they were last told, where the session may have to move.
    pub(super) types: Option<Box<Types>>,
    /// This server has not been told.
    pub(super) owes_types: bool,
    /// Rows are still to be fetched, or parameters have been sent ahead.
    pub(super) is_open: bool,
    /// Its number at the server.
    number: u32,
}

impl Prepared {
    pub(super) fn new(text: Box<[u8]>, database: Rc<str>, parameters: u16) -> Self {
        Self {
            text: text.into(),
            database,
            parameters,
            types: None,
            owes_types: false,
            is_open: false,
            number: NOBODY,
        }
    }
}

impl Statements {
    /// `number`: the server's. The one that the client is to hold, and whether the text is kept: not where there are too
    /// many.
    pub(super) fn insert(&mut self, number: u32, mut prepared: Prepared, most: usize) -> (u32, bool) {
        let taken = self.moved && self.texts.contains_key(&number);
        let id = if taken { self.free_number() } else { number };
        self.last = Some(id);
        let full = self.texts.len() >= most && !self.texts.contains_key(&id);
        self.incomplete |= full;
        prepared.number = number;
        // One whose number differs cannot be forgotten. There are not more of them than of those that are kept.
        if !full || taken {
            self.texts.insert(id, prepared);
        }
        (id, !full)
    }

    fn free_number(&self) -> u32 {
        let highest = self.texts.keys().max().copied().unwrap_or_default();
        let next = highest.wrapping_add(1);
        let fits = |id: &u32| *id != LAST && *id != NOBODY && !self.texts.contains_key(id);
        Some(next)
            .filter(fits)
            .or_else(|| (1..LAST).find(fits))
            .unwrap_or(next)
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

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Prepared> {
        let id = self.resolve(id)?;
        self.texts.get_mut(&id)
    }

    fn resolve(&self, id: u32) -> Option<u32> {
        if id == LAST { self.last } else { Some(id) }
    }

    /// By which the server knows the statement that the client speaks of.
    pub(super) fn number(&self, id: u32) -> u32 {
        if !self.moved || id == LAST {
            return id;
        }
        match self.texts.get(&id) {
            Some(prepared) => prepared.number,
            // The client is not to get at another one of its own.
            None if self.texts.values().any(|prepared| prepared.number == id) => NOBODY,
            None => id,
        }
    }

    pub(super) fn is_any_open(&self) -> bool {
        self.texts.values().any(|prepared| prepared.is_open)
    }

    /// All of them, the one last that was prepared last.
    pub(super) fn all(&self) -> Vec<(u32, Prepared)> {
        let sorted: BTreeMap<_, _> = self.texts.iter().map(|(id, prepared)| (*id, prepared)).collect();
        let mut all: Vec<_> = sorted
            .into_iter()
            .map(|(id, prepared)| (id, prepared.clone()))
            .collect();
        all.sort_by_key(|(id, _)| self.last == Some(*id));
        all
    }

    /// The session has come to another server, where they have these numbers. One that could not be prepared there is
    /// nobody's: the server will say so.
    pub(super) fn renumber(&mut self, numbers: &[(u32, Option<u32>)]) {
        self.moved = !self.texts.is_empty();
        for (id, number) in numbers {
            if let Some(prepared) = self.texts.get_mut(id) {
                prepared.number = number.unwrap_or(NOBODY);
                prepared.owes_types = prepared.types.is_some();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &[u8]) -> Prepared {
        Prepared::new(text.into(), "shop".into(), 0)
    }

    #[test]
    fn a_text_is_found_by_its_number_and_by_being_the_last() {
        let mut statements = Statements::default();
        assert_eq!(statements.insert(1, prepared(b"one"), 2), (1, true));
        assert_eq!(statements.insert(2, prepared(b"two"), 2), (2, true));
        assert!(!statements.incomplete);
        let third = statements.insert(3, prepared(b"three"), 2);
        assert_eq!(third, (3, false), "no more than the limit");
        assert!(statements.incomplete);
        let text = |statements: &Statements, id| statements.get(id).map(|prepared| prepared.text.to_vec());
        assert_eq!(text(&statements, 1).as_deref(), Some(&b"one"[..]));
        assert_eq!(text(&statements, LAST), None, "the last one is not known");
        statements.close(1);
        assert_eq!(text(&statements, 1), None);
    }

    #[test]
    fn the_numbers_that_a_client_holds_stay_its_own_at_another_server() {
        let mut statements = Statements::default();
        for number in [2, 5, 7] {
            statements.insert(number, prepared(b"x"), 10);
        }
        assert_eq!(statements.number(5), 5);
        let order: Vec<u32> = statements.all().iter().map(|(id, _)| *id).collect();
        assert_eq!(order, [2, 5, 7]);
        statements.renumber(&[(2, Some(1)), (5, Some(2)), (7, None)]);
        let numbers = [2, 5, 7, LAST].map(|id| statements.number(id));
        assert_eq!(numbers, [1, 2, NOBODY, LAST]);
        assert_eq!(statements.number(1), NOBODY, "it is another one's there");
        assert_eq!(statements.number(9), 9, "the server does not know it either");
        assert_eq!(statements.insert(4, prepared(b"y"), 10), (4, true));
        assert_eq!(
            statements.insert(5, prepared(b"z"), 10),
            (8, true),
            "the client holds 5"
        );
        assert_eq!(statements.number(8), 5);
    }

    #[test]
    fn a_number_that_is_taken_is_told_apart_even_where_there_are_too_many() {
        let mut statements = Statements::default();
        statements.insert(3, prepared(b"x"), 1);
        statements.renumber(&[(3, Some(1))]);
        assert_eq!(statements.insert(3, prepared(b"y"), 1), (4, false));
        assert_eq!((statements.number(3), statements.number(4)), (1, 3));
    }
}
