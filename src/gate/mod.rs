//! The gate: which lulls are open, and what mode each session must take.
//!
//! Pure policy. It guarantees that generations only grow, that every change of a lull is a new generation, and that a
//! session's order follows from the view and the session's principal alone, so that a restart gives the same orders.
//! It must not know protocols, sockets, clocks or tasks.

mod fence;
mod lull;
#[cfg(test)]
mod model;
mod scope;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

pub use fence::{Fence, SessionId};
pub use lull::{Fallback, Lull, OnReplicas, Prepared, Request, Stragglers, Unmovable, timestamp};
pub use scope::{MalformedScope, Principal, Scope};

/// The position before any other.
const NOWHERE: &str = "0/0";

/// What a session must be now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Normal,
    /// Read-only on the primary, because of this lull.
    ReadOnly(Arc<Lull>),
    /// Read-only on a replica that has replayed this log position, because of this lull. Where there is none to go to: on
    /// the primary.
    Replica(Arc<Lull>, String),
    /// Normal, but lulls are open on other databases, which a session that can reach them must leave alone.
    Beside(Vec<Arc<Lull>>),
}

impl Mode {
    /// The lull that makes a session read-only, wherever that is.
    pub fn lull(&self) -> Option<&Arc<Lull>> {
        match self {
            Self::ReadOnly(lull) | Self::Replica(lull, _) => Some(lull),
            Self::Normal | Self::Beside(_) => None,
        }
    }
}

/// The gate's instruction to a session to take a mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub generation: u64,
    pub mode: Mode,
}

/// All that the gate says at one generation. Never changes once made: workers share it by reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    pub generation: u64,
    pub lulls: Vec<Arc<Lull>>,
}

impl View {
    /// The order for one session: the most specific lull wins, of equals the newest.
    pub fn order_for(&self, who: &Principal) -> Order {
        let covering = self.lulls.iter().filter(|lull| lull.request.scope.covers(who));
        let mode = match covering.max_by_key(|lull| (lull.request.scope.specificity(), lull.generation)) {
            Some(lull) => match lull.moved.get(&who.cluster) {
                Some(position) => Mode::Replica(Arc::clone(lull), position.clone()),
                None => Mode::ReadOnly(Arc::clone(lull)),
            },
            None => Mode::Normal,
        };
        Order {
            generation: self.generation,
            mode,
        }
    }

    /// The order for a session that can go from one database of its cluster to another, and reach into them by name.
    pub fn roaming_order_for(&self, who: &Principal) -> Order {
        let order = self.order_for(who);
        let beside: Vec<_> = self
            .lulls
            .iter()
            .filter(|lull| lull.request.scope.is_beside(who))
            .cloned()
            .collect();
        match order.mode {
            Mode::Normal if !beside.is_empty() => Order {
                mode: Mode::Beside(beside),
                ..order
            },
            _ => order,
        }
    }

    /// Whether a lull is open on one of the cluster's databases.
    pub fn is_beside(&self, cluster: &str) -> bool {
        let named = |scope: &Scope| scope.database().is_some() && scope.cluster() == Some(cluster);
        self.lulls.iter().any(|lull| named(&lull.request.scope))
    }

    /// Whether some session of the database may be in a lull.
    pub fn reaches(&self, cluster: &str, database: &str) -> bool {
        self.lulls
            .iter()
            .any(|lull| lull.request.scope.reaches(cluster, database))
    }
}

/// The one place where lulls open and close.
#[derive(Debug, Default)]
pub struct Gate {
    view: Arc<View>,
}

impl Gate {
    /// Takes up where an earlier process left off.
    pub fn restored(view: View) -> Self {
        Self { view: Arc::new(view) }
    }

    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view)
    }

    /// Opens a lull, or changes the one that is open on this scope (which stays open since when it was).
    pub fn open(&mut self, request: Request, now_unix_ms: u64) -> Arc<Lull> {
        let generation = self.view.generation + 1;
        let before = self
            .view
            .lulls
            .iter()
            .find(|lull| lull.request.scope == request.scope);
        let since_unix_ms = before.map_or(now_unix_ms, |lull| lull.since_unix_ms);
        // Who is on a replica stays there: the primary may be away.
        let moved = before.filter(|_| request.replicas.is_some());
        let moved = moved.map(|lull| lull.moved.clone()).unwrap_or_default();
        let lull = Arc::new(Lull {
            request,
            since_unix_ms,
            generation,
            moved,
        });
        self.change(|lulls| {
            lulls.retain(|other| other.request.scope != lull.request.scope);
            lulls.push(Arc::clone(&lull));
        });
        lull
    }

    /// The reads of a lull's sessions go to replicas from now on: a new generation. None where the lull is not open any
    /// more.
    pub fn send_to_replicas(
        &mut self,
        lull: &Lull,
        positions: BTreeMap<String, String>,
    ) -> Option<Arc<Lull>> {
        if !self.is_open(&lull.request.scope, lull.generation) {
            return None;
        }
        let sent = Arc::new(Lull {
            generation: self.view.generation + 1,
            moved: positions,
            ..lull.clone()
        });
        self.change(|lulls| {
            lulls.retain(|other| other.request.scope != sent.request.scope);
            lulls.push(Arc::clone(&sent));
        });
        Some(sent)
    }

    /// Positions in the log of a cluster mean nothing any more: its servers have been filled anew.
    pub fn forget_position(&mut self, cluster: &str) {
        if !self
            .view
            .lulls
            .iter()
            .any(|lull| lull.moved.contains_key(cluster))
        {
            return;
        }
        let generation = self.view.generation + 1;
        self.change(|lulls| {
            for lull in lulls.iter_mut().filter(|lull| lull.moved.contains_key(cluster)) {
                let mut changed = Lull {
                    generation,
                    ..(**lull).clone()
                };
                changed.moved.insert(cluster.to_owned(), NOWHERE.to_owned());
                *lull = Arc::new(changed);
            }
        });
    }

    /// Closes the lull on this very scope. None where there was none.
    pub fn close(&mut self, scope: &Scope) -> Option<Arc<Lull>> {
        let closed = self
            .view
            .lulls
            .iter()
            .find(|lull| lull.request.scope == *scope)
            .map(Arc::clone)?;
        self.change(|lulls| lulls.retain(|lull| lull.request.scope != *scope));
        Some(closed)
    }

    /// Whether the lull that was opened at `generation` is still the one on its scope.
    pub fn is_open(&self, scope: &Scope, generation: u64) -> bool {
        self.view
            .lulls
            .iter()
            .any(|lull| lull.request.scope == *scope && lull.generation == generation)
    }

    /// The scopes whose deadline has passed.
    pub fn due(&self, now_unix_ms: u64) -> Vec<Scope> {
        let past = |lull: &&Arc<Lull>| {
            lull.request
                .until_unix_ms
                .is_some_and(|until| until <= now_unix_ms)
        };
        self.view
            .lulls
            .iter()
            .filter(past)
            .map(|lull| lull.request.scope.clone())
            .collect()
    }

    fn change(&mut self, edit: impl FnOnce(&mut Vec<Arc<Lull>>)) {
        let mut lulls = self.view.lulls.clone();
        edit(&mut lulls);
        self.view = Arc::new(View {
            generation: self.view.generation + 1,
            lulls,
        });
    }
}
