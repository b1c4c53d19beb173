//! What reaches something refused, as the server's catalogs tell it.
//!
//! Guarantees: everything that the answer holds becomes a refused word, unless a statement cannot name it (a trigger,
//! an operator whose types stand for it).
//!
//! Must not know: why the first ones are refused.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::allowed::{Allowed, spellings, type_name};
use super::question::{Node, Row, ask, rows, rows_of};
use crate::session::Rows;
use crate::sql::pg::RefusedWords;

const COLUMNS: usize = 11;

/// Only immutable functions are run while a statement is planned.
const FOLDS: &str = "(r.via_catalog <> '' AND (r.via_catalog <> 'pg_proc' OR EXISTS (SELECT FROM pg_catalog.pg_proc v \
     WHERE v.oid = r.via_id AND v.provolatile = 'i')))";

/// A stored expression with a call that has no column in it: planning any statement over the table runs it.
const CONSTANT: &str = "':args <>|:args [(][{]CONST|:arg [{]CONST|:elements [(][{]CONST'";

/// How an object stands in the way: by any mention, or only where something is written.
pub(super) const MENTION: char = 'a';
pub(super) const WRITE: char = 'w';

/// An object that is refused, or on the way from one to another.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) node: Node,
    /// Through what it was reached; None for what the question started from.
    pub(super) via: Option<Node>,
    pub(super) writes_only: bool,
    kind: String,
    schema: String,
    name: Vec<u8>,
    extra: String,
    /// Other things have the same name.
    pub(super) common: bool,
    pub(super) extension: Option<String>,
}

pub(super) fn question(
    seeds: &BTreeMap<Node, Option<char>>,
    barriers: &BTreeMap<Node, Option<char>>,
    allowed: &Allowed,
) -> String {
    let mut parts = vec![
        ("{seeds}", rows_of(seeds)),
        ("{barriers}", rows_of(barriers)),
        ("{folds}", FOLDS.to_owned()),
        ("{constant}", CONSTANT.to_owned()),
    ];
    parts.extend(allowed.parts());
    ask(COLUMNS, include_str!("closure.sql"), &parts)
}

/// The objects, each once, nearest first.
pub(super) fn read(answer: Rows) -> Result<Vec<Reached>, String> {
    let mut found: HashMap<Node, Reached> = HashMap::new();
    let mut onward: BTreeMap<Option<Node>, Vec<Node>> = BTreeMap::new();
    for row in rows(answer, COLUMNS)? {
        let node = row.node(0, 1)?;
        let via = row
            .bytes(3)
            .filter(|c| !c.is_empty())
            .map(|_| row.node(3, 4))
            .transpose()?;
        onward.entry(via).or_default().push(node.clone());
        let reached = reached(node.clone(), &row);
        let both = found.get(&node).is_some_and(|seen| !seen.writes_only);
        found.insert(
            node,
            Reached {
                writes_only: reached.writes_only && !both,
                ..reached
            },
        );
    }
    Ok(nearest_first(found, onward))
}

fn nearest_first(
    mut found: HashMap<Node, Reached>,
    mut onward: BTreeMap<Option<Node>, Vec<Node>>,
) -> Vec<Reached> {
    let mut ordered = Vec::with_capacity(found.len());
    let mut queue = VecDeque::from([None]);
    while let Some(via) = queue.pop_front() {
        let mut next = onward.remove(&via).unwrap_or_default();
        next.sort();
        for node in next {
            if let Some(mut reached) = found.remove(&node) {
                reached.via.clone_from(&via);
                ordered.push(reached);
                queue.push_back(Some(node));
            }
        }
    }
    ordered
}

fn reached(node: Node, row: &Row) -> Reached {
    Reached {
        node,
        via: None,
        writes_only: row.bytes(2) == Some(b"w"),
        kind: row.text(5).unwrap_or_default(),
        schema: row.text(6).unwrap_or_default(),
        name: row.bytes(7).unwrap_or_default().to_vec(),
        extra: row.text(8).unwrap_or_default(),
        common: row.bytes(9).is_some(),
        extension: row.text(10),
    }
}

impl Reached {
    /// Whom the operator would know; None for what has no name of its own.
    pub(super) fn object(&self) -> Option<String> {
        if self.name.is_empty() {
            return None;
        }
        let name = String::from_utf8_lossy(&self.name);
        let types = || {
            self.extra
                .split(", ")
                .map(type_name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        Some(match (self.node.catalog.as_str(), self.kind.as_str()) {
            // A composite type is there as a type, too.
            ("pg_class", "i" | "I" | "c") => return None,
            ("pg_class", kind) => format!("{} {}.{name}", relation(kind), self.schema),
            ("pg_proc", kind) => format!("{} {}.{name}({})", routine(kind), self.schema, types()),
            ("pg_type", kind) if !name.starts_with('_') => {
                let what = if kind == "d" { "domain" } else { "type" };
                format!("{what} {}.{name}", self.schema)
            }
            ("pg_operator", _) => format!("operator {}.{name}({})", self.schema, types()),
            ("pg_cast", _) => format!("cast from {} to {}", types(), type_name(&name)),
            _ => return None,
        })
    }

    /// What the operator would write to allow it.
    pub(super) fn allowed_as(&self) -> Option<String> {
        let by_name = matches!(self.node.catalog.as_str(), "pg_class" | "pg_proc" | "pg_type");
        by_name.then(|| format!("{}.{}", self.schema, String::from_utf8_lossy(&self.name)))
    }

    /// What a statement would have to name.
    pub(super) fn refuse(&self, words: &mut RefusedWords) {
        match (self.node.catalog.as_str(), self.kind.as_str()) {
            ("pg_class", "i" | "I") | ("pg_proc", "t") => {}
            ("pg_class", _) if self.writes_only => words.refuse_in_writes(&self.name),
            ("pg_class" | "pg_proc" | "pg_type", _) => words.refuse(&self.name),
            ("pg_operator", "s") => words.refuse_operator(&self.name),
            // Between two types of the server's own. Where it happens unasked, their names are all that can be seen.
            ("pg_cast", "s") => {
                let target = String::from_utf8_lossy(&self.name);
                let both = [&*target, &self.extra];
                let spelled = both.into_iter().flat_map(spellings);
                spelled.for_each(|word| words.refuse(word.as_bytes()));
            }
            _ => {}
        }
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        self.object().is_some() && String::from_utf8_lossy(&self.name) == name
    }

    /// It is not refused by its own symbol, because the server has one that looks the same.
    pub(super) fn by_its_types(&self) -> bool {
        matches!(self.node.catalog.as_str(), "pg_operator" | "pg_cast") && self.kind == "t"
    }
}

fn relation(kind: &str) -> &'static str {
    match kind {
        "v" => "view",
        "m" => "materialized view",
        "f" => "foreign table",
        _ => "table",
    }
}

fn routine(kind: &str) -> &'static str {
    match kind {
        "p" => "procedure",
        "a" => "aggregate",
        "t" => "trigger function",
        _ => "function",
    }
}
