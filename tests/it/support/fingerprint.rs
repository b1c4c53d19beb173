//! What a database looked like at one moment, and what differs from another moment.
//!
//! A fingerprint is a set of parts with names ("rows of public.t", "sequences", "NOTIFY"); see the
//! [`observer`](super::observer) for what is in them. WAL position and transaction ids are left out: reads move them too.

use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// Part, then thing, then its state.
    parts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Fingerprint {
    pub(super) fn add(&mut self, part: &str, thing: &str, state: &str) {
        self.parts
            .entry(part.to_owned())
            .or_default()
            .insert(thing.to_owned(), state.to_owned());
    }

    /// The same without some parts: `without(&["row lock marks"])`.
    #[must_use]
    pub fn without(mut self, parts: &[&str]) -> Self {
        self.parts.retain(|name, _| !parts.contains(&name.as_str()));
        self
    }

    /// The states of a part, by thing.
    pub fn part(&self, name: &str) -> BTreeMap<String, String> {
        self.parts.get(name).cloned().unwrap_or_default()
    }

    /// One line per difference, as `part: thing: before -> after`; empty if nothing has changed.
    pub fn changes(&self, later: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let names: std::collections::BTreeSet<_> = self.parts.keys().chain(later.parts.keys()).collect();
        for name in names {
            let (before, after) = (self.part(name), later.part(name));
            let things: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
            for thing in things {
                let state =
                    |part: &BTreeMap<String, String>| part.get(thing).map_or("absent", |s| s).to_owned();
                let (was, is) = (state(&before), state(&after));
                if was != is {
                    changes.push(format!("{name}: {thing}: {was} -> {is}"));
                }
            }
        }
        changes
    }

    /// Panics, naming what has changed, unless nothing has.
    #[track_caller]
    pub fn assert_same(&self, later: &Self, what: &str) {
        let changes = self.changes(later);
        let mut text = String::new();
        for change in &changes {
            let _ = writeln!(text, "  {change}");
        }
        assert!(changes.is_empty(), "{what} has changed the database:\n{text}");
    }
}
