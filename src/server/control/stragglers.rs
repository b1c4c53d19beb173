//! The end of a drain: who does not stand in time, what is done about it, and what became of it.
//!
//! Guarantees an end: the policy acts, what does not obey in `straggler_grace` is ended, and what then still is in the way
//! is named.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{Control, open::Fence, view::principal};
use crate::{
    admin::{Session, Straggler},
    gate::{Lull, Stragglers},
    server::worker::ToWorker,
    session::Activity,
    telemetry::metrics::{Label, LimitHit, StragglerEnd},
};

/// How often a policy is applied again within its grace, where what runs is interrupted by another session.
const AGAIN_EVERY: Duration = Duration::from_millis(500);

impl Control {
    /// The drain is over: the policy acts, and what it does not bring to stand in time is ended.
    pub(super) async fn enforce(
        &self,
        lull: &Lull,
        fence: &mut Fence,
        stragglers: &mut Vec<Straggler>,
    ) -> bool {
        let policy = lull.request.stragglers;
        let late = self.waiting(lull).await;
        let mut stands = false;
        for policy in [policy, Stragglers::Terminate] {
            if policy == Stragglers::Report {
                break;
            }
            stands = self.apply(lull, policy, fence).await;
            if stands {
                break;
            }
            for session in self.waiting(lull).await {
                let metrics = self.counted.of(&session.cluster);
                metrics.limit_hits.add(LimitHit::StragglerGrace);
            }
        }
        let all = self.sessions().await;
        let here: BTreeSet<&str> = all.iter().map(|session| session.id.as_str()).collect();
        let still = self.waiting(lull).await;
        stragglers.extend(late.into_iter().map(|session| {
            let now = still.iter().find(|waiting| waiting.id == session.id);
            let fate = match policy {
                Stragglers::Report if now.is_some() => "reported",
                _ if now.is_some() => "waiting",
                _ if !here.contains(session.id.as_str()) => "terminated",
                Stragglers::Abort => "aborted",
                _ => "finished",
            };
            self.count_end(&session.cluster, fate);
            let why = now
                .filter(|_| fate == "waiting")
                .and_then(|now| self.why_it_waits(lull, now, &all));
            Straggler {
                session,
                fate: fate.to_owned(),
                why,
            }
        }));
        stands
    }

    /// Lets a policy act, for as long as its grace lasts. True when the fence is reached.
    async fn apply(&self, lull: &Lull, policy: Stragglers, fence: &mut Fence) -> bool {
        let until = Instant::now() + self.grace();
        let mut again = false;
        loop {
            self.tell_all(|| ToWorker::Straggle {
                scope: lull.request.scope.clone(),
                generation: lull.generation,
                policy,
                again,
            });
            let left = until.saturating_duration_since(Instant::now());
            if timeout(left.min(AGAIN_EVERY), fence.reached()).await.is_ok() {
                return true;
            }
            if left <= AGAIN_EVERY {
                return false;
            }
            again = true;
        }
    }

    /// Why the policy has not brought a session to stand, where that is known.
    fn why_it_waits(&self, lull: &Lull, session: &Session, all: &[Session]) -> Option<String> {
        if !lull.request.scope.covers(&principal(session)) {
            return Some(
                "it is in another database, has written and not committed, and its account may write in this one; \
                 the fence waits until it ends its transaction"
                    .to_owned(),
            );
        }
        let runs = session.transaction == Activity::Active.as_str();
        let could_interrupt = |other: &Session| {
            let same = other.cluster == session.cluster && other.user == session.user;
            same && !other.bypass && other.id != session.id && other.transaction == Activity::Idle.as_str()
        };
        let alone = self.roams(&session.cluster) && runs && !all.iter().any(could_interrupt);
        alone.then(|| {
            let user = &session.user;
            format!(
                "its statement runs on, and only another session of {user} could interrupt it (KILL QUERY), of which \
                 none is idle; the fence waits until it ends"
            )
        })
    }

    fn count_end(&self, cluster: &str, fate: &str) {
        let how = StragglerEnd::ALL.iter().find(|how| how.as_str() == fate);
        // One that still waits has not ended.
        if let Some(&how) = how {
            self.counted.of(cluster).stragglers_ended.add(how);
        }
    }

    fn grace(&self) -> Duration {
        let config = self.config.borrow();
        config
            .clusters
            .iter()
            .map(|cluster| cluster.limits.straggler_grace)
            .max()
            .unwrap_or_default()
    }

    /// The sessions that the fence waits for: in scope, without those that are being born into the lull, or beside it
    /// with something written that may be in it.
    pub(super) async fn waiting(&self, lull: &Lull) -> Vec<Session> {
        let (scope, then) = (&lull.request.scope, lull.generation);
        let mut sessions = self.sessions().await;
        sessions.retain(|session| {
            let who = principal(session);
            let concerned = scope.covers(&who) || self.roams(&session.cluster) && scope.is_beside(&who);
            concerned && !session.bypass && session.generation < then && session.born_at < then
        });
        sessions
    }
}
