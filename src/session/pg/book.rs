//! The names that a session has given to statements and portals, and what stands behind them.
//!
//! Kept only in a lull. The book follows the server: an entry changes when the server has confirmed the change, so
//! that a name never stands for another text than the server's. What was named before the lull is asked for once.

use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use crate::sql::pg::Statement;

/// The server cuts names to 63 bytes, in its books as in SQL.
const NAME_BYTES_MAX: usize = 63;

pub(super) type Name = Box<[u8]>;
type Entries = HashMap<Name, Rc<Statement>>;

/// A change that waits for the server's word.
#[derive(Debug)]
enum Change {
    Parse(Name, Rc<Statement>),
    Bind(Name, Rc<Statement>),
    CloseStatement(Name),
    ClosePortal(Name),
    /// The same by SQL, confirmed by a command tag.
    Prepare(Name, Rc<Statement>),
    Declare(Name, Rc<Statement>),
    Deallocate(Name),
}

#[derive(Debug, Default)]
pub(super) struct Book {
    statements: Entries,
    portals: Entries,
    changes: VecDeque<Change>,
    /// All that the server knows is in here.
    complete: bool,
}

/// What has become of a name.
#[derive(Debug)]
pub(super) enum Confirmed {
    Parsed(Name),
    Closed(Name),
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Found {
    Statement(Rc<Statement>),
    /// The server knows no such name either, or it was made inside a routine, which the audit has read.
    Nothing,
    /// The server must be asked.
    Unknown,
}

impl Book {
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn len(&self) -> usize {
        self.statements.len() + self.changes.len()
    }

    pub(super) fn statement(&self, name: &[u8]) -> Found {
        let name = cut(name);
        let waiting = self.changes.iter().rev().find_map(|change| match change {
            Change::Parse(n, statement) | Change::Prepare(n, statement) if **n == *name => Some(statement),
            _ => None,
        });
        self.found(waiting.or_else(|| self.statements.get(name)), name)
    }

    pub(super) fn portal(&self, name: &[u8]) -> Found {
        let name = cut(name);
        let waiting = self.changes.iter().rev().find_map(|change| match change {
            Change::Bind(n, statement) | Change::Declare(n, statement) if **n == *name => Some(statement),
            _ => None,
        });
        self.found(waiting.or_else(|| self.portals.get(name)), name)
    }

    fn found(&self, statement: Option<&Rc<Statement>>, name: &[u8]) -> Found {
        match statement {
            Some(statement) => Found::Statement(Rc::clone(statement)),
            // The server lists no unnamed statement: what is not in the book must be taken as unknown for good.
            None if self.complete && !name.is_empty() => Found::Nothing,
            None => Found::Unknown,
        }
    }

    pub(super) fn parse(&mut self, name: &[u8], statement: Rc<Statement>) {
        self.changes.push_back(Change::Parse(cut(name).into(), statement));
    }

    /// The unnamed statement, as the server has had it since before the lull.
    pub(super) fn recall_unnamed(&mut self, statement: Rc<Statement>) {
        self.statements.insert(Name::default(), statement);
    }

    pub(super) fn bind(&mut self, portal: &[u8], statement: Rc<Statement>) {
        self.changes
            .push_back(Change::Bind(cut(portal).into(), statement));
    }

    pub(super) fn close_statement(&mut self, name: &[u8]) {
        self.changes.push_back(Change::CloseStatement(cut(name).into()));
    }

    pub(super) fn close_portal(&mut self, name: &[u8]) {
        self.changes.push_back(Change::ClosePortal(cut(name).into()));
    }

    pub(super) fn prepare(&mut self, name: &[u8], statement: Rc<Statement>) {
        self.changes
            .push_back(Change::Prepare(cut(name).into(), statement));
    }

    pub(super) fn declare(&mut self, name: &[u8], statement: Rc<Statement>) {
        self.changes
            .push_back(Change::Declare(cut(name).into(), statement));
    }

    pub(super) fn deallocate(&mut self, name: &[u8]) {
        self.changes.push_back(Change::Deallocate(cut(name).into()));
    }

    /// ParseComplete, BindComplete or CloseComplete: the server confirms in order. What it says of a statement's name.
    pub(super) fn confirmed(&mut self) -> Option<Confirmed> {
        let by_tag = |change: &Change| {
            matches!(
                change,
                Change::Prepare(..) | Change::Declare(..) | Change::Deallocate(..)
            )
        };
        let next = self.changes.iter().position(|change| !by_tag(change));
        let change = next.and_then(|at| self.changes.remove(at));
        // It went up before anybody inspected: what it has named is not in here.
        self.complete &= change.is_some();
        let confirmed = match &change {
            Some(Change::Parse(name, _)) => Some(Confirmed::Parsed(name.clone())),
            Some(Change::CloseStatement(name)) => Some(Confirmed::Closed(name.clone())),
            _ => None,
        };
        self.apply(change);
        confirmed
    }

    /// A command tag.
    pub(super) fn completed(&mut self, tag: &[u8]) {
        let fits = |change: &Change| match change {
            Change::Prepare(..) => tag == b"PREPARE",
            Change::Declare(..) => tag == b"DECLARE CURSOR",
            Change::Deallocate(..) => tag == b"DEALLOCATE",
            _ => false,
        };
        if matches!(tag, b"DEALLOCATE ALL" | b"DISCARD ALL") {
            self.statements.clear();
            self.complete = true;
        }
        let change = self
            .changes
            .iter()
            .position(fits)
            .and_then(|at| self.changes.remove(at));
        let names = matches!(tag, b"PREPARE" | b"DECLARE CURSOR");
        self.complete &= change.is_some() || !names;
        self.apply(change);
    }

    fn apply(&mut self, change: Option<Change>) {
        match change {
            Some(Change::Parse(name, statement) | Change::Prepare(name, statement)) => {
                self.statements.insert(name, statement);
            }
            Some(Change::Bind(name, statement) | Change::Declare(name, statement)) => {
                self.portals.insert(name, statement);
            }
            Some(Change::CloseStatement(name) | Change::Deallocate(name)) => {
                self.statements.remove(&name);
            }
            Some(Change::ClosePortal(name)) => {
                self.portals.remove(&name);
            }
            None => {}
        }
    }

    /// A simple Query takes the unnamed statement and portal away.
    pub(super) fn forget_unnamed(&mut self) {
        self.statements.remove(&[][..]);
        self.portals.remove(&[][..]);
    }

    /// ReadyForQuery: what was not confirmed did not happen. Outside a transaction no portal is left that could
    /// still run something.
    pub(super) fn ready(&mut self, idle: bool) {
        self.changes.clear();
        if idle {
            self.portals.clear();
        }
    }

    /// The server's own list. The unnamed statement is not in it.
    pub(super) fn filled(&mut self, statements: Entries, portals: Entries) {
        let unnamed = self.statements.remove(&[][..]);
        self.statements = statements;
        self.statements
            .extend(unnamed.map(|statement| (Name::default(), statement)));
        self.portals = portals;
        self.complete = true;
    }
}

pub(super) fn cut(name: &[u8]) -> &[u8] {
    name.get(..NAME_BYTES_MAX).unwrap_or(name)
}
