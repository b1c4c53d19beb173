//! The findings in words for the operator: what, why, and how to allow it where refusing its name hits others too.
//!
//! Must not know: how anything was found.

use std::collections::{BTreeMap, HashMap};

use super::question::Node;
use super::reach::Reached;
use super::reading::Why;
use super::survey::Survey;
use super::{Finding, Outcome, Suspect};
use crate::sql::pg::RefusedWords;

struct Report<'a> {
    reached: &'a [Reached],
    by_node: HashMap<&'a Node, &'a Reached>,
    suspects: &'a BTreeMap<Node, Suspect>,
}

pub(super) fn outcome(
    words: RefusedWords,
    reached: &[Reached],
    suspects: &BTreeMap<Node, Suspect>,
    survey: &Survey,
) -> Outcome {
    let report = Report {
        reached,
        by_node: reached.iter().map(|object| (&object.node, object)).collect(),
        suspects,
    };
    let closed = report.closed_extensions();
    let mut findings: Vec<_> = closed
        .iter()
        .map(|(name, count)| extension(name, *count))
        .collect();
    let told = |object: &&Reached| {
        !object
            .extension
            .as_deref()
            .is_some_and(|e| closed.contains_key(e))
    };
    findings.extend(
        reached
            .iter()
            .filter(told)
            .filter_map(|object| report.finding(object)),
    );
    for login in &survey.logins {
        if let Some(function) = report.by_node.get(&login.function).and_then(|f| f.object()) {
            findings.push(Finding {
                object: format!("event trigger {}", login.trigger),
                why: format!("runs {function} at every login, which no statement names and nothing refuses"),
            });
        }
    }
    let by_number = |object: &&Reached| matches!(object.node.catalog.as_str(), "pg_proc" | "pg_type");
    let oids = reached
        .iter()
        .filter(by_number)
        .filter_map(|object| object.node.id.parse().ok())
        .collect();
    Outcome {
        words,
        oids,
        findings,
    }
}

fn extension(name: &str, count: usize) -> Finding {
    Finding {
        object: format!("extension {name}"),
        why: format!("has {count} routines that cannot be read; \"extension:{name}\" allows it"),
    }
}

impl<'a> Report<'a> {
    /// Extensions with routines that cannot be read: one finding each instead of hundreds.
    fn closed_extensions(&self) -> BTreeMap<&'a str, usize> {
        let mut closed = BTreeMap::new();
        for object in self.reached {
            let why = self.suspects.get(&object.node).map(|s| &s.why);
            if let (Some(Why::Unreadable(_)), Some(extension)) = (why, object.extension.as_deref()) {
                *closed.entry(extension).or_insert(0) += 1;
            }
        }
        closed
    }

    fn finding(&self, object: &Reached) -> Option<Finding> {
        let mut why = match self.suspects.get(&object.node) {
            Some(suspect) => self.suspicion(object, &suspect.why),
            None => self.way(object)?,
        };
        if object.writes_only {
            why.push_str(", when something is written to it");
        }
        if let Some(name) = object.allowed_as().filter(|_| object.common) {
            why.push_str(&format!(
                "; a column, keyword or built-in function has the same name and is refused with it, unless \"{name}\" \
                 is allowed"
            ));
        }
        Some(Finding {
            object: object.object()?,
            why,
        })
    }

    fn suspicion(&self, object: &Reached, why: &Why) -> String {
        match why {
            Why::Says(text) => text.clone(),
            Why::Unreadable(language) => format!("is written in {language}, which cannot be read"),
            Why::Mentions(name) => {
                let named = self
                    .reached
                    .iter()
                    .find(|r| r.is_called(name) && r.node != object.node);
                match named.and_then(Reached::object) {
                    Some(named) => format!("reaches {named}"),
                    None => format!("mentions {name}"),
                }
            }
        }
    }

    /// The nearest object with a name on the way to what is suspicious.
    fn way(&self, object: &Reached) -> Option<String> {
        let mut via = object.via.as_ref();
        while let Some(node) = via {
            let step = self.by_node.get(node)?;
            if let Some(name) = step.object() {
                return Some(if step.by_its_types() {
                    format!("stands for {name}, which a statement need not name")
                } else {
                    format!("reaches {name}")
                });
            }
            if let Some(suspect) = self.suspects.get(node) {
                return Some(self.suspicion(step, &suspect.why));
            }
            via = step.via.as_ref();
        }
        None
    }
}
