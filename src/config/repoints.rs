//! Primaries that are elsewhere than is written, since `lull repoint`.
//!
//! Guarantees that a repoint holds, over restarts and reloads, until another primary is written than was then: the last
//! word of an operator counts, wherever it was said.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Address, Cluster, Config};

/// By the names of clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Repoints(BTreeMap<String, Elsewhere>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    /// What was written at the time.
    written: Address,
    primary: Address,
}

impl Repoints {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is written of the cluster's primary, where that does not hold.
    pub fn overrule(&self, cluster: &str) -> Option<&Address> {
        self.0.get(cluster).map(|elsewhere| &elsewhere.written)
    }

    /// The primary of a cluster, as that stands now, is another one.
    pub fn note(&mut self, cluster: &Cluster, primary: &Address) {
        let before = self.0.remove(&cluster.name);
        let written = before.map_or_else(|| cluster.primary.address.clone(), |before| before.written);
        if written != *primary {
            let primary = primary.clone();
            self.0
                .insert(cluster.name.clone(), Elsewhere { written, primary });
        }
    }

    /// Makes them hold in a configuration as written; forgets those that it overrules.
    pub fn apply(&mut self, config: &mut Config) {
        let mut hold = |name: &String, elsewhere: &mut Elsewhere| {
            let mut clusters = config.clusters.iter_mut();
            let found = clusters.find(|cluster| cluster.name == *name);
            let Some(cluster) = found.filter(|cluster| cluster.primary.address == elsewhere.written) else {
                return false;
            };
            *cluster = Arc::new(cluster.with_primary(&elsewhere.primary));
            true
        };
        self.0.retain(&mut hold);
    }
}

impl Cluster {
    /// The same with another primary, which may have been one of the replicas.
    #[must_use]
    pub fn with_primary(&self, primary: &Address) -> Self {
        let mut cluster = self.clone();
        cluster.primary.address = primary.clone();
        cluster.replicas.retain(|replica| replica != primary);
        cluster
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(primary: &str) -> Config {
        let text = format!(
            "[[cluster]]\nname = \"shop\"\nprotocol = \"postgresql\"\nlisten = [\"127.0.0.1:1\"]\n\
             primary = \"{primary}\"\nreplicas = [\"b:1\", \"c:1\"]\n"
        );
        Config::parse(&text, "test").unwrap()
    }

    fn primary(config: &Config) -> (String, usize) {
        let cluster = &config.clusters[0];
        (cluster.primary.address.to_string(), cluster.replicas.len())
    }

    #[test]
    fn a_repoint_holds_until_another_primary_is_written_than_was_then() {
        let mut repoints = Repoints::default();
        repoints.note(&written("a:1").clusters[0], &"b:1".parse().unwrap());
        let mut again = written("a:1");
        repoints.apply(&mut again);
        assert_eq!(primary(&again), ("b:1".to_owned(), 1));
        // What was written counts, not what holds now.
        repoints.note(&again.clusters[0], &"d:1".parse().unwrap());
        let mut again = written("a:1");
        repoints.apply(&mut again);
        assert_eq!(primary(&again), ("d:1".to_owned(), 2));
        assert_eq!(repoints.overrule("shop"), Some(&"a:1".parse().unwrap()));
        let mut changed = written("e:1");
        repoints.apply(&mut changed);
        assert_eq!(primary(&changed), ("e:1".to_owned(), 2));
        assert!(repoints.is_empty());
    }

    #[test]
    fn who_goes_back_to_what_is_written_has_not_gone_anywhere() {
        let mut repoints = Repoints::default();
        let config = written("a:1");
        repoints.note(&config.clusters[0], &"b:1".parse().unwrap());
        let at_b = config.clusters[0].with_primary(&"b:1".parse().unwrap());
        repoints.note(&at_b, &"a:1".parse().unwrap());
        assert!(repoints.is_empty());
    }
}
