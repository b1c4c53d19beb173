//! Reads the configuration again. Whole or not at all.

use std::rc::Rc;

use super::{Control, now_unix_ms};
use crate::{config::Config, telemetry::metrics::Reload};

impl Control {
    /// What was done, or why nothing was.
    pub(super) fn reload(&self) -> Result<String, String> {
        let outcome = self.try_reload();
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

    pub(super) fn reload_by_signal(self: &Rc<Self>) {
        // The outcome is in the log and in the metrics.
        let _ = self.reload();
    }

    fn try_reload(&self) -> Result<String, String> {
        let now = self.config.borrow().clone();
        let mut new = match &now.source {
            Some(file) => Config::load(file).map_err(|error| error.to_string())?,
            // Certificates may have changed all the same.
            None => now.clone(),
        };
        // The command line may have had the last word on these.
        (new.admin_socket, new.log) = (now.admin_socket.clone(), now.log);
        let restart = now.restart_needed_for(&new);
        self.entrances
            .borrow_mut()
            .follow(&new)
            .map_err(|error| error.to_string())?;
        (new.workers, new.state_dir, new.metrics_listen) =
            (now.workers, now.state_dir.clone(), now.metrics_listen);
        *self.config.borrow_mut() = new;
        if restart.is_empty() {
            return Ok("the configuration is read again".to_owned());
        }
        Ok(format!(
            "the configuration is read again; a restart is needed for {}",
            restart.join(", ")
        ))
    }
}
