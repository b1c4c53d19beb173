//! What audits learn from each other: one database's sessions see what those of another do not.
//!
//! A foreign key is told by the database whose tables follow, since only an account that sees the child sees the key;
//! what follows a table of another database is the business of that one's audit. A statement that names a database
//! which its own audit has not followed waits for that one's audit, or has its own one follow it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

use tokio::time::timeout;

use super::{
    Control,
    audits::AuditState,
    dialects::{Beforehand, Follows},
};
use crate::{relay::Place, server::worker::ToWorker};

/// How long the audit of a database beside a lull waits for those of the databases in it.
const COVERED_WAIT: Duration = Duration::from_secs(2);
/// How long a statement waits for the audit of the database that it names.
const OTHER_WAIT: Duration = Duration::from_secs(2);
/// Databases that one audit follows because statements have named them.
const ALSO_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Known {
    /// Databases that have told theirs at least once. An audit that is made again does not take back what it has told.
    told: HashSet<Place>,
    /// By the database whose tables follow others.
    follows: HashMap<Place, Vec<Follows>>,
    /// Databases that statements of sessions here have named, in lower case.
    also: HashMap<Place, BTreeSet<String>>,
}

impl Known {
    pub(super) fn of(&self, place: &Place) -> Beforehand {
        let others = self
            .follows
            .iter()
            .filter(|(other, _)| other.0 == place.0 && *other != place);
        Beforehand {
            also: self.also.get(place).cloned().unwrap_or_default(),
            follows: others.flat_map(|(_, follows)| follows.iter().cloned()).collect(),
        }
    }

    /// The places whose tables are followed from here, if that is news.
    pub(super) fn learn(&mut self, place: &Place, follows: Vec<Follows>) -> BTreeSet<Place> {
        self.told.insert(place.clone());
        let before = self.follows.remove(place).unwrap_or_default();
        let is_new = |follows: &&Follows| !before.contains(follows);
        let parents = follows.iter().filter(is_new).map(|follows| &follows.parent.0);
        let shown = |name: &Vec<u8>| String::from_utf8_lossy(name).into_owned();
        let places: BTreeSet<Place> = parents.map(|name| (place.0.clone(), shown(name))).collect();
        if !follows.is_empty() {
            self.follows.insert(place.clone(), follows);
        }
        places.into_iter().filter(|other| other != place).collect()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Place) -> bool) {
        self.told.retain(|place| keep(place));
        self.follows.retain(|place, _| keep(place));
        self.also.retain(|place, _| keep(place));
    }

    /// False where it was asked for before, or there are too many.
    fn follow(&mut self, place: &Place, database: String) -> bool {
        let also = self.also.entry(place.clone()).or_default();
        also.len() < ALSO_MAX && also.insert(database)
    }
}

impl Control {
    /// What a session in one database waits for: what is in another, whose name is in lower case.
    pub(super) async fn audit_of(self: Rc<Self>, (cluster, named): Place, asks: Place) {
        let sessions = self.sessions().await;
        let here = |session: &&crate::admin::Session| {
            !session.bypass && session.cluster == cluster && session.database.eq_ignore_ascii_case(&named)
        };
        let places: BTreeSet<Place> = sessions
            .iter()
            .filter(here)
            .map(|session| (session.cluster.clone(), session.database.clone()))
            .collect();
        if places.len() == 1 {
            let places = Vec::from_iter(places);
            places.iter().for_each(|place| self.need_audit(place.clone()));
            let ended = timeout(OTHER_WAIT, self.audits_of(&places)).await.is_ok();
            if !ended {
                // It is heard of when it has ended. Until then nobody knows.
                return self.nobody_knows(&cluster, &named, &asks);
            }
            if !self.done_of(&places).is_empty() {
                return;
            }
        }
        let followed = self.beforehand.borrow_mut().follow(&asks, named.clone());
        if followed {
            let of_asks = [asks.clone()];
            // What runs now has begun without it.
            let _ = timeout(OTHER_WAIT, self.audits_of(&of_asks)).await;
            self.audit_again(asks.clone());
            let _ = timeout(OTHER_WAIT, self.audits_of(&of_asks)).await;
        }
        // Where the audit has not followed it, that is the answer.
        self.nobody_knows(&cluster, &named, &asks);
    }

    fn nobody_knows(&self, cluster: &str, named: &str, asks: &Place) {
        self.tell_all(|| ToWorker::Unaudited((cluster.to_owned(), named.to_owned()), asks.clone()));
    }

    /// Audits of databases beside a lull come after those of the databases in it, of which they must know.
    pub(super) async fn wait_for_covered(self: &Rc<Self>, cluster: &str) {
        let sessions = self.sessions().await;
        let covered: BTreeSet<Place> = sessions
            .into_iter()
            .filter(|session| !session.bypass && session.cluster == cluster)
            .map(|session| (session.cluster, session.database))
            .filter(|place| self.is_covered(place) && !self.beforehand.borrow().told.contains(place))
            .collect();
        let covered = Vec::from_iter(covered);
        let unasked = |place: &&Place| !self.audits.borrow().contains_key(*place);
        let unasked: Vec<Place> = covered.iter().filter(unasked).cloned().collect();
        unasked.into_iter().for_each(|place| self.need_audit(place));
        let _ = timeout(COVERED_WAIT, self.audits_of(&covered)).await;
    }

    /// Those that are audited.
    pub(super) fn done_of<'a>(&self, places: impl IntoIterator<Item = &'a Place>) -> Vec<Place> {
        let audits = self.audits.borrow();
        let done = |place: &&Place| matches!(audits.get(*place), Some(AuditState::Done { .. }));
        places.into_iter().filter(done).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(database: &str) -> Place {
        ("main".to_owned(), database.to_owned())
    }

    #[test]
    fn what_one_database_knows_of_foreign_keys_the_others_hear_once() {
        let mut known = Known::default();
        let pair = |database: &str, table: &str| (database.into(), table.into());
        let follows = vec![Follows {
            parent: pair("erp", "parts"),
            child: pair("shop", "lines"),
        }];
        assert_eq!(
            known.learn(&place("shop"), follows.clone()),
            [place("erp")].into()
        );
        assert!(known.learn(&place("shop"), follows.clone()).is_empty(), "no news");
        assert_eq!(known.of(&place("erp")).follows, follows);
        assert!(known.of(&place("shop")).follows.is_empty(), "it is its own");
        let elsewhere = ("other".to_owned(), "erp".to_owned());
        assert!(known.of(&elsewhere).follows.is_empty(), "another server");
        known.retain(|place| place.1 != "shop");
        assert!(known.of(&place("erp")).follows.is_empty());
    }
}
