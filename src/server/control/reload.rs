//! Reads the configuration again. Whole or not at all.

use std::sync::Arc;

use super::{Control, now_unix_ms};
use crate::{
    config::{Cluster, Config},
    telemetry::metrics::Reload,
};

impl Control {
    /// What was done, or why nothing was.
    pub(super) async fn reload(&self) -> Result<String, String> {
        let outcome = self.try_reload().await;
        self.reload.set(Reload {
            at_unix_ms: now_unix_ms(),
            succeeded: outcome.is_ok(),
        });
        match &outcome {
            Ok(done) => tracing::info!("reload: {done}"),
            Err(why) => tracing::error!("reload failed, everything stays as it was: {why}"),
        }
        outcome
    }

    async fn try_reload(&self) -> Result<String, String> {
        let now = self.config.borrow().clone();
        let mut repoints = self.repoints.borrow().clone();
        let mut new = match &now.source {
            Some(file) => {
                let mut new = Config::load(file).map_err(|error| error.to_string())?;
                repoints.apply(&mut new);
                new
            }
            // Certificates may have changed all the same.
            None => now.clone(),
        };
        // The command line may have had the last word on these.
        (new.admin_socket, new.log) = (now.admin_socket.clone(), now.log);
        let restart = now.restart_needed_for(&new);
        let repointed = repointed(&now, &new);
        let mut done = vec!["the configuration is read again".to_owned()];
        for cluster in &repointed {
            done.extend(self.left_behind(cluster).await?);
        }
        self.entrances
            .borrow_mut()
            .follow(&new)
            .map_err(|error| error.to_string())?;
        (new.workers, new.state_dir, new.metrics_listen) =
            (now.workers, now.state_dir.clone(), now.metrics_listen);
        *self.config.borrow_mut() = new;
        // Otherwise an old word would count again if the file said once more what it said then.
        if *self.repoints.borrow() != repoints {
            let view = self.gate.borrow().view();
            *self.repoints.borrow_mut() = repoints;
            let saved = self.state.save(&view, &self.repoints.borrow());
            saved.map_err(|error| error.to_string())?;
        }
        if !restart.is_empty() {
            done.push(format!("a restart is needed for {}", restart.join(", ")));
        }
        Ok(done.join("; "))
    }

    /// Who stays on the server that was the cluster's primary. While reads are on replicas nobody may: with the end of the
    /// lull he would write there.
    async fn left_behind(&self, was: &Cluster) -> Result<Option<String>, String> {
        let (name, address) = (&was.name, &was.primary.address);
        let left = self.sessions_on_primary(name).await;
        if left == 0 {
            return Ok(None);
        }
        let view = self.gate.borrow().view();
        if view.lulls.iter().any(|lull| lull.moved.contains_key(name)) {
            return Err(super::repoint::still_there(left, name, address));
        }
        Ok(Some(format!(
            "{left} sessions of {name} stay on {address}, its primary before, until they end"
        )))
    }
}

/// The clusters, as they are now, whose primary is another one in the new configuration.
fn repointed(now: &Config, new: &Config) -> Vec<Arc<Cluster>> {
    let elsewhere = |was: &&Arc<Cluster>| {
        let is = new.clusters.iter().find(|cluster| cluster.name == was.name);
        is.is_some_and(|is| is.primary.address != was.primary.address)
    };
    now.clusters.iter().filter(elsewhere).cloned().collect()
}
