//! `LULL OFF`, and the deadline that closes a lull by itself.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout};

use super::{Control, millis, now_unix_ms};
use crate::{
    admin::{Closed, Refused},
    gate::Scope,
    server::worker::ToWorker,
};

/// Idle sessions return within milliseconds; the others at the end of their transaction, which nobody waits for.
const RETURN_WAIT: Duration = Duration::from_secs(1);

impl Control {
    pub(super) async fn off(&self, scope: &Scope) -> Result<Closed, Refused> {
        self.known(scope)?;
        let began = Instant::now();
        let existed = self
            .gate
            .borrow()
            .view()
            .lulls
            .iter()
            .any(|lull| lull.request.scope == *scope);
        let mut closed = Closed {
            scope: scope.clone(),
            existed,
            ..Closed::default()
        };
        if existed {
            self.change(|gate| gate.close(scope))?;
            tracing::info!(%scope, "lull ends");
        }
        closed.generation = self.gate.borrow().view().generation;
        let words = self
            .watch_return(scope, closed.generation, &mut closed.sessions)
            .await;
        let all = async {
            for word in words {
                let _ = word.await;
            }
        };
        let _ = timeout(RETURN_WAIT, all).await;
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
            match self.change(|gate| gate.close(&scope)) {
                Ok(_) => tracing::info!(%scope, "lull ends: its time is over"),
                Err(error) => tracing::error!(%scope, "a lull whose time is over cannot be closed: {error}"),
            }
        }
    }
}
