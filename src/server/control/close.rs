//! `LULL OFF`, and the deadline that closes a lull by itself.

use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, task::spawn_local, time::timeout};

use super::{Control, millis, now_unix_ms};
use crate::{
    admin::{Closed, Refused},
    gate::{Lull, Scope},
    server::worker::ToWorker,
};

/// Idle sessions return within milliseconds; the others at the end of their transaction, which nobody waits for.
const RETURN_WAIT: Duration = Duration::from_secs(1);
/// A thousand sessions need as many new connections.
const RETURN_FROM_REPLICAS_WAIT: Duration = Duration::from_secs(10);

impl Control {
    pub(super) async fn off(self: &Rc<Self>, scope: &Scope) -> Result<Closed, Refused> {
        self.known(scope)?;
        let began = Instant::now();
        let view = self.gate.borrow().view();
        let open = view.lulls.iter().find(|lull| lull.request.scope == *scope);
        let mut closed = Closed {
            scope: scope.clone(),
            existed: open.is_some(),
            ..Closed::default()
        };
        let moved = open.as_ref().map(|lull| lull.moved.clone()).unwrap_or_default();
        if let Some(lull) = &open {
            self.primaries_are_back(lull).await?;
            self.change(|gate| gate.close(scope))?;
            tracing::info!(%scope, "lull ends");
        }
        closed.generation = self.gate.borrow().view().generation;
        closed.sessions = self.wait_for_return(scope, !moved.is_empty()).await;
        if !moved.is_empty() {
            self.call_home(moved);
        }
        let waits =
            |session: &crate::admin::Session| !session.bypass && session.generation < closed.generation;
        let waiting = self
            .sessions_in(scope)
            .await
            .iter()
            .filter(|session| waits(session))
            .count();
        closed.waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
        closed.closed_ms = millis(began.elapsed());
        Ok(closed)
    }

    /// Waits a moment until the sessions that a lull has left are as before. How many there are.
    pub(super) async fn wait_for_return(&self, scope: &Scope, from_replicas: bool) -> u64 {
        let generation = self.gate.borrow().view().generation;
        let mut sessions = 0;
        let words = self.watch_return(scope, generation, &mut sessions).await;
        let all = async {
            for word in words {
                let _ = word.await;
            }
        };
        let limit = if from_replicas {
            RETURN_FROM_REPLICAS_WAIT
        } else {
            RETURN_WAIT
        };
        let _ = timeout(limit, all).await;
        sessions
    }

    async fn watch_return(
        &self,
        scope: &Scope,
        generation: u64,
        sessions: &mut u64,
    ) -> Vec<oneshot::Receiver<()>> {
        let mut words = Vec::new();
        for worker in &self.workers {
            let (reply, watch) = oneshot::channel();
            worker.send(ToWorker::Watch {
                scope: scope.clone(),
                generation,
                reply,
            });
            if let Ok((count, word)) = watch.await {
                *sessions += u64::try_from(count).unwrap_or(0);
                words.push(word);
            }
        }
        words
    }

    pub(super) fn close_due(self: &Rc<Self>) {
        let due = self.gate.borrow().due(now_unix_ms());
        for scope in due {
            let view = self.gate.borrow().view();
            let on_replicas = |lull: &&Arc<Lull>| lull.request.scope == scope && !lull.moved.is_empty();
            if let Some(lull) = view.lulls.iter().find(on_replicas) {
                self.close_when_primary_is_back(Arc::clone(lull));
                continue;
            }
            match self.change(|gate| gate.close(&scope)) {
                Ok(_) => tracing::info!(%scope, "lull ends: its time is over"),
                Err(error) => tracing::error!(%scope, "a lull whose time is over cannot be closed: {error}"),
            }
        }
    }

    /// The lull stays open while the primary is away: it is tried again with the next look at deadlines.
    fn close_when_primary_is_back(self: &Rc<Self>, lull: Arc<Lull>) {
        if self.returning.replace(true) {
            return;
        }
        let control = Rc::clone(self);
        spawn_local(async move {
            let scope = &lull.request.scope;
            match control.off(scope).await {
                Ok(_) => tracing::info!(%scope, "lull ends: its time is over"),
                Err(why) => tracing::error!(%scope, "a lull whose time is over goes on: {why}"),
            }
            control.returning.set(false);
        });
    }
}
