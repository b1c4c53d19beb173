//! The listening sockets of all clusters, and how they follow the configuration.
//!
//! Guarantees that a reload either takes effect whole or not at all: everything new is made before anything is
//! changed. Sessions keep what they came in under.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arc_swap::ArcSwap;

use super::{
    Failure,
    worker::{Entrance, Handle, ToWorker},
};
use crate::{
    config::{Address, Cluster, Config},
    connect::{self, Front},
};

/// A cluster's name, an address, and whether lulls reach there.
type Key = (String, Address, bool);

pub(super) struct Entrances {
    fronts: HashMap<String, Arc<ArcSwap<Front>>>,
    /// The listening sockets behind each, by their ids.
    open: HashMap<Key, Vec<u64>>,
    next_id: u64,
    /// Who accepts.
    acceptor: Option<Handle>,
}

impl Entrances {
    pub(super) fn open(config: &Config, workers: &[Handle]) -> Result<Self, Failure> {
        let mut entrances = Self {
            fronts: HashMap::new(),
            open: HashMap::new(),
            next_id: 0,
            acceptor: workers.first().cloned(),
        };
        entrances.follow(config)?;
        Ok(entrances)
    }

    /// Takes up a configuration.
    pub(super) fn follow(&mut self, config: &Config) -> Result<(), Failure> {
        let mut fronts = HashMap::new();
        for cluster in &config.clusters {
            fronts.insert(cluster.name.clone(), self.make_front(cluster)?);
        }
        let wanted: Vec<Key> = config.clusters.iter().flat_map(|cluster| keys(cluster)).collect();
        let mut bound = Vec::new();
        for key in wanted.iter().filter(|key| !self.open.contains_key(*key)) {
            let failed = |source| Failure::Listen {
                address: key.1.clone(),
                source,
            };
            bound.push((key.clone(), connect::bind(&key.1).map_err(failed)?));
        }
        self.replace(fronts);
        self.close_all_but(&wanted.into_iter().collect());
        for (key, listeners) in bound {
            for listener in listeners {
                self.listen(&key, listener);
            }
        }
        Ok(())
    }

    fn make_front(&self, cluster: &Arc<Cluster>) -> Result<Front, Failure> {
        let before = self.fronts.get(&cluster.name);
        let tally = before.map(|front| Arc::clone(&front.load().tally));
        Ok(Front::new(Arc::clone(cluster), tally.unwrap_or_default())?)
    }

    pub(super) fn front(&self, cluster: &str) -> Option<Arc<Front>> {
        Some(self.fronts.get(cluster)?.load_full())
    }

    /// Whether the last attempt to reach the cluster's upstream succeeded.
    pub(super) fn reached(&self, cluster: &str) -> Option<bool> {
        self.fronts.get(cluster)?.load().tally.reached()
    }

    pub(super) fn note_reached(&self, cluster: &str, reached: bool) {
        if let Some(front) = self.fronts.get(cluster) {
            front.load().tally.note_reached(reached);
        }
    }

    /// When the certificates that clients see expire, by cluster, in Unix time.
    pub(super) fn certificate_expiries(&self) -> Vec<(String, i64)> {
        let expiry = |(name, front): (&String, &Arc<ArcSwap<Front>>)| {
            Some((name.clone(), front.load().certificate_expires_unix_s()?))
        };
        self.fronts.iter().filter_map(expiry).collect()
    }

    fn replace(&mut self, fronts: HashMap<String, Front>) {
        self.fronts.retain(|name, _| fronts.contains_key(name));
        for (name, front) in fronts {
            front.tally.replicas.follow(&front.cluster);
            match self.fronts.get(&name) {
                Some(known) => known.swap(Arc::new(front)).retire(),
                None => {
                    self.fronts.insert(name, Arc::new(ArcSwap::from_pointee(front)));
                }
            }
        }
    }

    fn close_all_but(&mut self, wanted: &HashSet<Key>) {
        let gone: Vec<Key> = self
            .open
            .keys()
            .filter(|key| !wanted.contains(*key))
            .cloned()
            .collect();
        for key in gone {
            for id in self.open.remove(&key).unwrap_or_default() {
                self.tell(ToWorker::Unlisten(id));
            }
            if let Address::Unix(path) = &key.1 {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    fn listen(&mut self, key: &Key, listener: connect::Listener) {
        let Some(front) = self.fronts.get(&key.0).map(Arc::clone) else {
            return;
        };
        let id = self.next_id;
        self.next_id += 1;
        self.open.entry(key.clone()).or_default().push(id);
        self.tell(ToWorker::Listen(Entrance {
            id,
            listener,
            front,
            bypass: key.2,
        }));
    }

    fn tell(&self, message: ToWorker) {
        if let Some(acceptor) = &self.acceptor {
            acceptor.send(message);
        }
    }

    /// No client comes in any more.
    pub(super) fn close(&mut self) {
        self.close_all_but(&HashSet::new());
    }
}

fn keys(cluster: &Cluster) -> Vec<Key> {
    let key = |bypass: bool| move |address: &Address| (cluster.name.clone(), address.clone(), bypass);
    let mut keys: Vec<Key> = cluster.listen.iter().map(key(false)).collect();
    keys.extend(cluster.bypass_listen.iter().map(key(true)));
    keys
}
