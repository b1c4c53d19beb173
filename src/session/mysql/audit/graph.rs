//! How the objects hang together: what reaches what by name, and where a statement could end up that mentions one.
//!
//! Guarantees: whatever the names in bodies can mean is followed, to whatever depth, in time that grows with the number
//! of mentions. What reaches a database that the account cannot see reaches everything, for there could be anything
//! behind it.
//!
//! Must not know: statements, the operator's words.

use std::collections::{BTreeSet, HashMap};

use super::allowed::Allowed;
use super::reading::Reading;
use super::survey::{Follows, Survey, What};
use crate::sql::mysql::may_be_same;

/// Databases in which something could be written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) everywhere: bool,
    pub(super) databases: BTreeSet<Vec<u8>>,
}

impl Targets {
    fn everywhere() -> Self {
        Self {
            everywhere: true,
            databases: BTreeSet::new(),
        }
    }

    /// Whether there is something new.
    fn add(&mut self, others: &Self) -> bool {
        let before = (self.everywhere, self.databases.len());
        self.everywhere |= others.everywhere;
        self.databases.extend(others.databases.iter().cloned());
        before != (self.everywhere, self.databases.len())
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) what: What,
    pub(super) database: Vec<u8>,
    pub(super) name: Vec<u8>,
    reading: Reading,
    /// Nodes that the body names, or that a change of the table changes.
    uses: Vec<usize>,
    /// What gets past the guard by it, in words.
    pub(super) why: Option<String>,
    /// Where something could be written when a routine runs, or a view is read.
    pub(super) runs: Targets,
    /// Where something could be written when a statement writes to it, besides to the table itself.
    pub(super) written: Targets,
}

#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
}

impl Graph {
    /// What the operator allows is left out: it neither is suspicious nor leads anywhere.
    pub(super) fn of(survey: &Survey, seen_elsewhere: &[Follows], allowed: &Allowed) -> Self {
        let mut graph = Self { nodes: Vec::new() };
        for object in &survey.objects {
            let named = if object.what == What::Trigger {
                &object.table
            } else {
                &object.name
            };
            if allowed.object(&object.database, named) || allowed.object(&object.database, &object.name) {
                continue;
            }
            let reading = Reading::of(object, survey);
            graph.push(object.what, &object.database, &object.name, reading);
            if object.what == What::Trigger {
                let trigger = graph.nodes.len() - 1;
                graph.table(&object.database, &object.table, trigger);
            }
        }
        for follows in survey.follows.iter().chain(seen_elsewhere) {
            let ((database, parent), (below, child)) = (&follows.parent, &follows.child);
            if !allowed.object(database, parent) {
                let child = graph.table_node(below, child);
                graph.table(database, parent, child);
            }
        }
        graph.link();
        graph.look_at_databases(survey);
        graph.spread();
        graph
    }

    fn push(&mut self, what: What, database: &[u8], name: &[u8], reading: Reading) {
        let mut node = Node {
            what,
            database: database.to_ascii_lowercase(),
            name: name.to_vec(),
            reading,
            uses: Vec::new(),
            why: None,
            runs: Targets::default(),
            written: Targets::default(),
        };
        if node.reading.unknown {
            node.runs = Targets::everywhere();
            node.written = Targets::everywhere();
        }
        // Where a trigger or a foreign key leads, the table itself is written to.
        if what == What::Table || node.reading.writes {
            let here = Targets {
                everywhere: false,
                databases: BTreeSet::from([node.database.clone()]),
            };
            if what == What::Table {
                node.written.add(&here);
            } else {
                node.runs.add(&here);
            }
        }
        node.why = node.reading.why.take();
        self.nodes.push(node);
    }

    fn table(&mut self, database: &[u8], name: &[u8], leads_to: usize) {
        let table = self.table_node(database, name);
        if let Some(node) = self.nodes.get_mut(table) {
            node.uses.push(leads_to);
        }
    }

    fn table_node(&mut self, database: &[u8], name: &[u8]) -> usize {
        let known = self.nodes.iter().position(|node| {
            node.what == What::Table
                && node.database.eq_ignore_ascii_case(database)
                && node.name.eq_ignore_ascii_case(name)
        });
        known.unwrap_or_else(|| {
            self.push(What::Table, database, name, Reading::default());
            self.nodes.len() - 1
        })
    }

    /// Finds for every body the nodes that it names.
    fn link(&mut self) {
        let mut uses = vec![Vec::new(); self.nodes.len()];
        let mut names = Names::of(&self.nodes);
        for (node, uses) in self.nodes.iter().zip(&mut uses) {
            let reading = &node.reading;
            let databases = std::iter::once(&node.database).chain(reading.databases());
            for database in databases {
                if !names.has(database) {
                    continue;
                }
                for identifier in &reading.mentions.identifiers {
                    uses.extend(names.tables(&self.nodes, database, identifier));
                }
                let called = |(named, name): &(Vec<u8>, Vec<u8>)| {
                    let here = named.is_empty() && *database == node.database || named == database;
                    here.then(|| name.clone())
                };
                for name in reading.calls.iter().filter_map(called) {
                    uses.extend(names.routines(&self.nodes, database, &name));
                }
            }
        }
        for (at, (node, found)) in self.nodes.iter_mut().zip(uses).enumerate() {
            node.uses.extend(found);
            node.uses.sort_unstable();
            node.uses.dedup();
            node.uses.retain(|used| *used != at);
        }
    }

    /// What bodies say of other databases.
    fn look_at_databases(&mut self, survey: &Survey) {
        for node in &mut self.nodes {
            let mut named = Targets::default();
            for database in node.reading.databases().filter(|name| **name != node.database) {
                named.databases.insert(database.clone());
                if survey.knows(database) || !node.reading.is_database(database) {
                    continue;
                }
                let shown = String::from_utf8_lossy(database);
                let why = if survey.visible.contains_key(database) {
                    format!("reaches the database {shown}, which was not followed")
                } else {
                    format!(
                        "reaches the database {shown}, which {} cannot see",
                        survey.account
                    )
                };
                node.why.get_or_insert(why);
                named.everywhere = true;
            }
            if node.what == What::View {
                node.written.add(&named);
                node.runs.everywhere |= named.everywhere;
            } else if node.reading.writes || named.everywhere {
                node.runs.add(&named);
            }
        }
    }

    /// Until nothing is new.
    fn spread(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for at in 0..self.nodes.len() {
                again |= self.spread_to(at);
            }
        }
    }

    fn spread_to(&mut self, at: usize) -> bool {
        let Some(node) = self.nodes.get(at) else {
            return false;
        };
        let (mut why, mut runs, mut written) = (None, Targets::default(), Targets::default());
        for used in node.uses.iter().filter_map(|used| self.nodes.get(*used)) {
            let table = matches!(used.what, What::Table | What::Trigger);
            if !table && used.why.is_some() {
                why.get_or_insert_with(|| format!("reaches {}", used.shown()));
            }
            match (node.what, used.what) {
                // A table leads on only when it is written to.
                (What::Table, What::Trigger) => {
                    written.add(&used.runs);
                }
                (What::Table | What::View, What::Table | What::View) => {
                    written.add(&used.written);
                    runs.add(&used.runs);
                }
                (_, What::Table | What::View) => {
                    runs.add(&used.runs);
                    if node.reading.writes {
                        runs.add(&used.written);
                    }
                }
                _ => {
                    runs.add(&used.runs);
                }
            }
        }
        let Some(node) = self.nodes.get_mut(at) else {
            return false;
        };
        if node.what == What::View {
            written.add(&runs);
        }
        let leads = !matches!(node.what, What::Table | What::Trigger);
        let suspicious = leads && node.why.is_none() && why.is_some();
        if suspicious {
            node.why = why;
        }
        suspicious | node.runs.add(&runs) | node.written.add(&written)
    }
}

impl Node {
    /// As the operator knows it, and would write to allow it.
    pub(super) fn shown(&self) -> String {
        let what = match self.what {
            What::View => "view",
            What::Function => "function",
            What::Procedure => "procedure",
            What::Trigger => "trigger",
            What::Table => "table",
        };
        let name = |bytes| String::from_utf8_lossy(bytes).into_owned();
        format!("{what} {}.{}", name(&self.database), name(&self.name))
    }
}

/// Nodes by name, each name looked for once.
struct Names {
    plain: HashMap<Vec<u8>, HashMap<Vec<u8>, Vec<usize>>>,
    /// Names with letters above ASCII, which can be spelled in several ways.
    foreign: HashMap<Vec<u8>, Vec<usize>>,
    all: HashMap<Vec<u8>, Vec<usize>>,
    /// What was found for identifiers that had to be compared one by one.
    known: HashMap<(Vec<u8>, Vec<u8>), Vec<usize>>,
}

impl Names {
    fn of(nodes: &[Node]) -> Self {
        let mut names = Self {
            plain: HashMap::new(),
            foreign: HashMap::new(),
            all: HashMap::new(),
            known: HashMap::new(),
        };
        for (at, node) in nodes.iter().enumerate().filter(|(_, n)| n.what != What::Trigger) {
            let database = node.database.clone();
            names.all.entry(database.clone()).or_default().push(at);
            if node.name.is_ascii() {
                let plain = names.plain.entry(database).or_default();
                plain.entry(node.name.to_ascii_lowercase()).or_default().push(at);
            } else {
                names.foreign.entry(database).or_default().push(at);
            }
        }
        names
    }

    fn has(&self, database: &[u8]) -> bool {
        self.all.contains_key(database)
    }

    fn tables(&mut self, nodes: &[Node], database: &[u8], name: &[u8]) -> Vec<usize> {
        self.find(nodes, database, name, |what| {
            matches!(what, What::Table | What::View)
        })
    }

    fn routines(&mut self, nodes: &[Node], database: &[u8], name: &[u8]) -> Vec<usize> {
        self.find(nodes, database, name, |what| {
            matches!(what, What::Function | What::Procedure)
        })
    }

    fn find(&mut self, nodes: &[Node], database: &[u8], name: &[u8], counts: fn(What) -> bool) -> Vec<usize> {
        let same = |at: &usize| nodes.get(*at).is_some_and(|node| may_be_same(&node.name, name));
        let counts = |at: &usize| nodes.get(*at).is_some_and(|node| counts(node.what));
        let (list, plain) = if name.is_ascii() {
            let plain = self.plain.get(database).and_then(|names| names.get(name));
            (self.foreign.get(database), plain.cloned().unwrap_or_default())
        } else {
            (self.all.get(database), Vec::new())
        };
        let mut found = plain;
        if let Some(list) = list {
            let known = self.known.entry((database.to_vec(), name.to_vec()));
            let others = known.or_insert_with(|| list.iter().copied().filter(same).collect());
            found.extend(others.iter());
        }
        found.retain(counts);
        found
    }
}
