//! `LULL REPOINT`: another server is a cluster's primary from now on.
//!
//! Guarantees that it can be one (see `primary`), that it has the data of the one before, as far as that can be found
//! out, and that no session is left on that one, where it would write as soon as its lull ends. On disk before it is
//! answered.

use std::{rc::Rc, sync::Arc};

use super::{
    Control,
    primary::{Looked, Read, look},
};
use crate::{
    admin::{Refused, Repoint, Repointed},
    config::{Address, Cluster, Protocol},
    connect::Front,
};

impl Control {
    pub(super) async fn repoint(self: &Rc<Self>, wanted: &Repoint) -> Result<Repointed, Refused> {
        let Repoint {
            cluster: name,
            primary,
            other_system,
        } = wanted;
        let front = self.front_to_repoint(name, primary)?;
        let before = front.cluster.primary.address.clone();
        let looked = self
            .candidate(&front, wanted)
            .await
            .map_err(|why| Refused::Failed(format!("{primary} cannot be the primary of {name}: {why}")))?;
        let left = self.sessions_on_primary(name).await;
        if before != *primary && left > 0 {
            return Err(Refused::Failed(still_there(left, name, &before)));
        }
        self.adopt(&front.cluster, primary)?;
        if *other_system {
            // Where the log of the one is says nothing of the other's.
            self.change(|gate| gate.forget_position(name))?;
        }
        let mut note = self.repoints.borrow().overrule(name).map(|written| {
            format!(
                "The configuration says {written}: change it there too. Until it names another primary, this holds, \
                 over reloads and restarts."
            )
        });
        let late = self.sessions_on_primary(name).await;
        if before != *primary && late > 0 {
            note = Some(format!(
                "{late} sessions have come to the primary meanwhile, some perhaps to {before}: see lull sessions"
            ));
        }
        tracing::info!(cluster = name, %primary, %before, "the primary is another one");
        Ok(Repointed {
            cluster: name.clone(),
            primary: primary.to_string(),
            before: before.to_string(),
            position: looked.position.map(|position| position.to_string()),
            timeline: looked.timeline,
            system: looked.system,
            note,
        })
    }

    fn front_to_repoint(&self, name: &str, primary: &Address) -> Result<Arc<Front>, Refused> {
        self.known_cluster(name)?;
        let front = self.entrances.borrow().front(name);
        let front = front.filter(|front| front.cluster.protocol == Protocol::PostgreSql);
        let front = front.ok_or_else(|| {
            Refused::Policy(format!(
                "{name} is no cluster of PostgreSQL: change its primary in the configuration, and reload"
            ))
        })?;
        let config = self.config.borrow();
        let mut ours = config
            .clusters
            .iter()
            .flat_map(|cluster| cluster.listen.iter().chain(&cluster.bypass_listen));
        if ours.any(|address| address == primary) {
            return Err(Refused::Policy(format!("{primary} is lull itself")));
        }
        Ok(front)
    }

    /// The server that is to be the primary, if it can be.
    async fn candidate(&self, front: &Front, wanted: &Repoint) -> Result<Looked, String> {
        let looked = look(front, &wanted.primary).await?;
        // In another system, positions say nothing.
        let mut read = Read::default();
        if !wanted.other_system {
            is_of_same_system(front, &wanted.primary, &looked).await?;
            read = self.read_from(front);
        }
        let was_replica = front.cluster.replicas.contains(&wanted.primary);
        looked.is_unfit(read, was_replica).map_or(Ok(looked), Err)
    }

    /// Who is not on a replica.
    pub(super) async fn sessions_on_primary(&self, cluster: &str) -> usize {
        let sessions = self.sessions().await;
        let there = sessions
            .iter()
            .filter(|session| session.cluster == cluster && session.mode != "replica");
        there.count()
    }

    fn adopt(&self, cluster: &Cluster, primary: &Address) -> Result<(), Refused> {
        let failed = |error: &dyn std::fmt::Display| Refused::Failed(error.to_string());
        let before = self.repoints.borrow().clone();
        let mut repoints = before.clone();
        repoints.note(cluster, primary);
        let mut config = self.config.borrow().clone();
        for known in &mut config.clusters {
            if known.name == cluster.name {
                *known = Arc::new(known.with_primary(primary));
            }
        }
        let view = self.gate.borrow().view();
        self.state
            .save(&view, &repoints)
            .map_err(|error| failed(&error))?;
        if let Err(error) = self.entrances.borrow_mut().follow(&config) {
            let saved = self.state.save(&view, &before);
            return Err(saved.map_or_else(|saved| failed(&saved), |()| failed(&error)));
        }
        *self.repoints.borrow_mut() = repoints;
        *self.config.borrow_mut() = config;
        Ok(())
    }
}

pub(super) fn still_there(left: usize, cluster: &str, primary: &Address) -> String {
    format!(
        "{left} sessions of {cluster} are on the primary that it has, {primary}, and would be left there (lull \
         sessions lists them, those of the bypass too): end them, or open the lull with --mode replica \
         --unmovable close"
    )
}

/// Asks whoever can be asked of the cluster's other servers.
async fn is_of_same_system(front: &Front, candidate: &Address, looked: &Looked) -> Result<(), String> {
    let Cluster {
        primary, replicas, ..
    } = &*front.cluster;
    let others = std::iter::once(&primary.address)
        .chain(replicas)
        .filter(|other| *other != candidate);
    for other in others {
        let Ok(known) = look(front, other).await else {
            continue;
        };
        if known.system == looked.system {
            return Ok(());
        }
        let name = |looked: &Looked| looked.system.clone().unwrap_or_default();
        return Err(format!(
            "its system identifier is {}, and that of {other} {}: it is no copy of that. pg_upgrade makes a new one: \
             if you know that it has the data, say --other-system",
            name(looked),
            name(&known)
        ));
    }
    // The configuration vouches for these.
    if *candidate == primary.address || replicas.contains(candidate) {
        return Ok(());
    }
    Err(
        "none of the cluster's servers can be asked whether it is a copy of theirs: if you know that it has the \
         data, say --other-system"
            .to_owned(),
    )
}
