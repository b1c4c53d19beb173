//! What all workers know of a cluster's replicas together: which are fit to be gone to, how many sessions each has, and
//! where the sessions are that have left the server of their login.
//!
//! Locked when a session is logged in, moves or cancels, never for a message.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    config::{Address, Cluster},
    session::Position,
};

/// What was last seen of a replica.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub up: bool,
    /// It takes no writes: it is in recovery, or read_only.
    pub is_replica: bool,
    /// How far it has replayed.
    pub position: Option<Position>,
    pub replay_paused: bool,
    pub lag_ms: Option<u64>,
    pub timeline: Option<u32>,
    pub error: Option<String>,
}

#[derive(Debug, Default)]
struct Known {
    seen: Seen,
    sessions: usize,
}

/// A key that a client holds, as a cancel request brings it.
type Key = Box<[u8]>;

#[derive(Debug, Default)]
struct Inner {
    /// How far a replica must be: what the fence has seen.
    required: Option<Position>,
    known: BTreeMap<Address, Known>,
    routes: HashMap<Key, (Arc<Address>, Key)>,
    /// As the configuration has them now: a session may have come under an earlier one.
    primary: Option<Arc<Address>>,
    replicas: Vec<Address>,
    /// The last user who was logged in, and the database.
    last_login: Option<(String, String)>,
    /// As far as any replica has been seen since then.
    farthest: Option<Position>,
}

#[derive(Debug, Default)]
pub struct Replicas(Mutex<Inner>);

impl Replicas {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a configuration.
    pub fn follow(&self, cluster: &Cluster) {
        let mut inner = self.lock();
        inner.primary = Some(Arc::new(cluster.primary.address.clone()));
        inner.replicas.clone_from(&cluster.replicas);
        inner
            .known
            .retain(|address, known| cluster.replicas.contains(address) || known.sessions > 0);
    }

    pub(super) fn primary(&self) -> Option<Arc<Address>> {
        self.lock().primary.clone()
    }

    /// A seat on the fit one that has the fewest sessions.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        self.seat_rather_than_on(None)
    }

    /// The same, on another than that one if there is any.
    pub(super) fn seat_rather_than_on(self: &Arc<Self>, that: Option<&Address>) -> Option<Seat> {
        let mut inner = self.lock();
        let is_fit = |address: &&Address| {
            let known = inner.known.get(*address);
            known.is_some_and(|known| fits(&known.seen, inner.required.as_ref()))
        };
        let sessions = |address: &&Address| inner.known.get(*address).map(|known| known.sessions);
        let rank = |address: &&Address| (that == Some(*address), sessions(address));
        let address = inner.replicas.iter().filter(is_fit).min_by_key(rank)?;
        let address = address.clone();
        inner.known.entry(address.clone()).or_default().sessions += 1;
        Some(Seat {
            replicas: Arc::clone(self),
            address: Arc::new(address),
        })
    }

    pub fn note(&self, address: &Address, seen: Seen) {
        let mut inner = self.lock();
        let farther = |at: &&Position| inner.farthest.as_ref().is_none_or(|before| at.has(before));
        if let Some(at) = seen.position.as_ref().filter(farther) {
            inner.farthest = Some(at.clone());
        }
        inner.known.entry(address.clone()).or_default().seen = seen;
    }

    /// Nobody could reach it just now.
    pub(super) fn note_unreachable(&self, address: &Address, why: &str) {
        let unreachable = Seen {
            error: Some(why.to_owned()),
            ..Seen::default()
        };
        self.note(address, unreachable);
    }

    /// As far as any of them has been seen in the lull, the gone ones too.
    pub(super) fn farthest(&self) -> Option<Position> {
        self.lock().farthest.clone()
    }

    /// No session goes to a replica that is not as far as this.
    pub fn require(&self, position: Position) {
        let mut inner = self.lock();
        inner.farthest = Some(position.clone());
        inner.required = Some(position);
    }

    /// Whether sessions may go to a replica, by what was last seen of it.
    pub fn is_fit(&self, seen: &Seen) -> bool {
        fits(seen, self.lock().required.as_ref())
    }

    /// What was last seen of a replica, and how many sessions it has.
    pub fn seen(&self, address: &Address) -> (Option<Seen>, usize) {
        match self.lock().known.get(address) {
            Some(known) => (Some(known.seen.clone()), known.sessions),
            None => (None, 0),
        }
    }

    pub(super) fn note_login(&self, user: &str, database: &str) {
        self.lock().last_login = Some((user.to_owned(), database.to_owned()));
    }

    /// As whom, and in which database, a server can be asked.
    pub fn last_login(&self) -> Option<(String, String)> {
        self.lock().last_login.clone()
    }

    /// Where the session of this key is, and its key there. None where it is where it was logged in.
    pub(super) fn route(&self, key: &[u8]) -> Option<(Arc<Address>, Key)> {
        self.lock().routes.get(key).cloned()
    }

    pub(super) fn put_route(&self, key: &[u8], server: Arc<Address>, key_there: Key) {
        self.lock().routes.insert(key.into(), (server, key_there));
    }

    pub(super) fn drop_route(&self, key: &[u8]) {
        self.lock().routes.remove(key);
    }
}

fn fits(seen: &Seen, required: Option<&Position>) -> bool {
    let has = |required: &Position| seen.position.as_ref().is_some_and(|at| at.has(required));
    seen.up && seen.is_replica && required.is_none_or(has)
}

/// A session's place on a replica.
#[derive(Debug)]
pub(super) struct Seat {
    replicas: Arc<Replicas>,
    pub(super) address: Arc<Address>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(known) = self.replicas.lock().known.get_mut(&*self.address) {
            known.sessions = known.sessions.saturating_sub(1);
        }
    }
}
