//! What follows from the graph: names for the judges, findings for people.
//!
//! Must not know: how anything was found.

use super::allowed::Allowed;
use super::graph::{Graph, Node, Targets};
use super::reading::Reading;
use super::survey::{Follows, Survey, What};
use super::{Audited, Finding, Outcome, Reach, Ways};
use crate::sql::mysql::SqlModes;

/// Of loadable functions that come with the server and do no harm.
const HARMLESS: &[&[u8]] = &[
    b"mysqlx_",
    b"statement_digest",
    b"service_get_",
    b"service_release_",
];

pub(super) fn outcome(survey: &Survey, graph: &Graph, allowed: &Allowed) -> Outcome {
    let mut outcome = Outcome::default();
    let own = survey.database.to_ascii_lowercase();
    for node in &graph.nodes {
        let here = node.database == own;
        if here {
            outcome.audited.guard(node, &mut outcome.findings);
        } else if node.why.is_some() && matches!(node.what, What::View | What::Function) {
            let database = String::from_utf8_lossy(&node.database).into_owned();
            let words = outcome.audited.words_beyond.entry(database);
            words.or_default().refuse(&node.name);
        }
        let runs = node.runs.everywhere || !node.runs.databases.is_empty();
        if runs && matches!(node.what, What::View | What::Function) {
            outcome.audited.running.refuse(&node.name);
        }
        let shown = String::from_utf8_lossy(&node.database).into_owned();
        let reach = if here {
            &mut outcome.audited.reach
        } else {
            outcome.audited.beyond.entry(shown).or_default()
        };
        reach.add(node, here);
    }
    // What the operator allows is not in the graph.
    for object in &survey.objects {
        if object.what == What::Procedure && object.database == own && allowed.object(&own, &object.name) {
            outcome.audited.callable.insert(object.name.to_ascii_lowercase());
        }
    }
    outcome.audited.beyond.retain(|_, reach| !reach.is_empty());
    if survey.sees_more {
        outcome.audited.known = Some(survey.known());
    }
    outcome.follows = follows(survey, &own);
    loadable(survey, allowed, &mut outcome);
    events(survey, &mut outcome.findings);
    outcome
}

impl Audited {
    /// What gets past the guard of this database's sessions.
    fn guard(&mut self, node: &Node, findings: &mut Vec<Finding>) {
        let name = node.name.to_ascii_lowercase();
        match (node.what, &node.why) {
            (What::Procedure, None) => {
                self.callable.insert(name);
            }
            (What::Procedure, Some(why)) => findings.push(Finding {
                object: node.shown(),
                why: format!("{why}; it cannot be called in a lull"),
            }),
            (What::View | What::Function, Some(why)) => {
                self.words.refuse(&node.name);
                findings.push(Finding {
                    object: node.shown(),
                    why: why.clone(),
                });
            }
            _ => {}
        }
    }
}

impl Reach {
    /// `here`: the sessions that this is for are in the node's database, so what is written there is their own affair.
    fn add(&mut self, node: &Node, here: bool) {
        let (writing, reading) = match node.what {
            What::Trigger => return,
            What::Table => (Some(&node.written), None),
            What::View => (Some(&node.written), Some(&node.runs)),
            What::Function => (Some(&node.runs), Some(&node.runs)),
            What::Procedure => (Some(&node.runs), None),
        };
        let mut each = |targets: Option<&Targets>, refuse: fn(&mut Ways, &[u8])| {
            let Some(targets) = targets else { return };
            if targets.everywhere {
                refuse(&mut self.anywhere, &node.name);
            }
            for database in &targets.databases {
                // A table's own database is named where the table is.
                let itself = *database == node.database && (here || node.what == What::Table);
                if !itself {
                    let into = String::from_utf8_lossy(database).into_owned();
                    refuse(self.into.entry(into).or_default(), &node.name);
                }
            }
        };
        each(writing, |ways, name| ways.writing.refuse(name));
        each(reading, |ways, name| ways.reading.refuse(name));
    }

    fn is_empty(&self) -> bool {
        self.into.is_empty() && self.anywhere.writing.is_empty() && self.anywhere.reading.is_empty()
    }
}

/// For the audits of other databases.
fn follows(survey: &Survey, own: &[u8]) -> Vec<Follows> {
    let is_own = |(database, _): &(Vec<u8>, Vec<u8>)| database.eq_ignore_ascii_case(own);
    let ours = || survey.follows.iter().filter(|follows| is_own(&follows.child));
    if ours().all(|follows| is_own(&follows.parent)) {
        return Vec::new();
    }
    ours().cloned().collect()
}

fn loadable(survey: &Survey, allowed: &Allowed, outcome: &mut Outcome) {
    for name in &survey.loadable {
        let lower = name.to_ascii_lowercase();
        if HARMLESS.iter().any(|known| lower.starts_with(known)) || allowed.object(b"", name) {
            continue;
        }
        outcome.audited.words.refuse(name);
        outcome.findings.push(Finding {
            object: format!("loadable function {}", String::from_utf8_lossy(name)),
            why: "is a library on the server, which cannot be read".to_owned(),
        });
    }
}

fn events(survey: &Survey, findings: &mut Vec<Finding>) {
    for event in &survey.events {
        let only_reads = event.body.as_deref().is_some_and(|body| {
            let reading = Reading::of_routine(body, SqlModes::from_value(&event.modes), survey);
            reading.why.is_none() && !reading.unknown && !reading.writes && reading.calls.is_empty()
        });
        if !only_reads {
            let name = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let object = format!("event {}.{}", name(&survey.database), name(&event.name));
            let why =
                "is run by the server's scheduler, in no session, and can write in a lull: ALTER EVENT ... \
                       DISABLE stops it"
                    .to_owned();
            findings.push(Finding { object, why });
        }
    }
}
