//! The way of reads to replicas, and back.
//!
//! Guarantees that no session is sent to a replica before one has replayed the position of the fence. Each session proves
//! the same once more on its own connection. What the way back needs is `primary`'s business.

use std::{
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    task::spawn_local,
    time::{sleep, timeout},
};

use super::{Control, dialects, is_open, millis, open::Notices, primary::answer, view::principal};
use crate::{
    admin::{OnReplicas, Opened, Refused, Stayed},
    config::{Address, Protocol},
    connect::{Front, Seen},
    gate::{self, Fallback, Lull, Request, Unmovable},
    session::Position,
};

/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// How long the sessions that idle may take to move. Who is in a transaction moves at its end.
const MOVE_WAIT: Duration = Duration::from_secs(10);
/// How often a lull that waits for replicas is looked at, whether it is open still.
const KEEP_WAITING_FOR: Duration = Duration::from_secs(2);
/// How often replicas are looked at while nobody waits for them.
const WATCH_EVERY: Duration = Duration::from_secs(1);

impl Control {
    /// Whether what is asked for can be done at all.
    pub(super) fn can_move(&self, request: &Request) -> Result<(), Refused> {
        let some = || self.with_replicas(request).next().is_some();
        if request.replicas.is_none() || some() {
            return Ok(());
        }
        let scope = &request.scope;
        Err(Refused::Policy(format!(
            "there is no replica to move {scope} to: give its cluster replicas = [...] (--replica)"
        )))
    }

    fn with_replicas(&self, request: &Request) -> impl Iterator<Item = Arc<Front>> {
        let names = self.clusters_in(&request.scope);
        let entrances = self.entrances.borrow();
        let fronts: Vec<_> = names.iter().filter_map(|name| entrances.front(name)).collect();
        fronts
            .into_iter()
            .filter(|front| !front.cluster.replicas.is_empty())
    }

    /// Behind the fence. The lull as it is open now.
    pub(super) async fn send_to_replicas(
        self: &Rc<Self>,
        lull: &Arc<Lull>,
        wanted: gate::OnReplicas,
        opened: &mut Opened,
        notices: &Notices,
    ) -> Result<Arc<Lull>, Refused> {
        let began = Instant::now();
        let mut moved = OnReplicas::default();
        let mut positions = lull.moved.clone();
        for front in self.with_replicas(&lull.request) {
            let name = &front.cluster.name;
            if positions.contains_key(name) {
                continue;
            }
            let _ = notices.send(format!(
                "waiting for a replica of {name} to come as far as the fence"
            ));
            let limit = Duration::from_millis(wanted.catch_up_ms);
            match catch_up(&front, opened.positions.get(name), limit).await {
                Ok(position) => drop(positions.insert(name.clone(), position)),
                Err(why) => moved.unfit.push(why),
            }
        }
        moved.caught_up_ms = millis(began.elapsed());
        if !moved.unfit.is_empty() && wanted.fallback == Fallback::Error {
            return Err(Refused::Failed(moved.unfit.join("; ")));
        }
        let waits = wanted.fallback == Fallback::Wait && !moved.unfit.is_empty();
        if positions.is_empty() {
            if waits {
                self.keep_waiting(Arc::clone(lull), opened.positions.clone());
            }
            opened.replicas = Some(moved);
            return Ok(Arc::clone(lull));
        }
        self.require(&positions);
        let sent = self.change(|gate| gate.send_to_replicas(lull, positions))?;
        let Some(sent) = sent else {
            return Ok(Arc::clone(lull));
        };
        if waits {
            self.keep_waiting(Arc::clone(&sent), opened.positions.clone());
        }
        let mut fence = self.watch(&sent).await;
        let _ = timeout(MOVE_WAIT, fence.reached()).await;
        self.count_moved(&sent, &mut moved).await;
        moved.moved_ms = millis(began.elapsed());
        let refused = wanted.unmovable == Unmovable::Refuse && !moved.stayed.is_empty();
        if refused {
            self.change(|gate| gate.close(&sent.request.scope))?;
            self.wait_for_return(&sent.request.scope, true).await;
            let (count, first) = (moved.stayed.len(), moved.stayed.first());
            let why = first.map_or("", |stayed| stayed.why.as_str());
            return Err(Refused::Failed(format!(
                "{count} sessions cannot move to a replica, one because {why}"
            )));
        }
        opened.replicas = Some(moved);
        Ok(sent)
    }

    /// Sends the sessions of clusters whose replicas were not far enough after the others, when they are.
    fn keep_waiting(self: &Rc<Self>, mut lull: Arc<Lull>, fence: BTreeMap<String, String>) {
        let control = Rc::clone(self);
        spawn_local(async move {
            for front in control.with_replicas(&lull.request.clone()) {
                let name = &front.cluster.name;
                while !lull.moved.contains_key(name) {
                    let caught_up = catch_up(&front, fence.get(name), KEEP_WAITING_FOR).await;
                    if !is_open(&control.gate.borrow(), &lull) {
                        return;
                    }
                    let Ok(position) = caught_up else { continue };
                    let mut positions = lull.moved.clone();
                    positions.insert(name.clone(), position);
                    control.require(&positions);
                    match control.change(|gate| gate.send_to_replicas(&lull, positions)) {
                        Ok(Some(sent)) => lull = sent,
                        Ok(None) | Err(_) => return,
                    }
                }
            }
        });
    }

    fn require(&self, positions: &BTreeMap<String, String>) {
        for (cluster, position) in positions {
            if let Some(front) = self.entrances.borrow().front(cluster)
                && let Some(position) = dialects::read_position(front.cluster.protocol, position)
            {
                front.tally.replicas.require(position);
            }
        }
    }

    /// Looks at all replicas, again and again.
    pub(super) async fn watch_replicas(self: Rc<Self>) {
        let view = self.gate.borrow().view();
        view.lulls.iter().for_each(|lull| self.require(&lull.moved));
        loop {
            let clusters = self.config.borrow().clusters.clone();
            for cluster in clusters.iter().filter(|cluster| !cluster.replicas.is_empty()) {
                let Some(front) = self.entrances.borrow().front(&cluster.name) else {
                    continue;
                };
                if front.cluster.service.is_none() && front.tally.replicas.last_login().is_none() {
                    continue;
                }
                for address in &front.cluster.replicas {
                    let seen = ask(&front, address).await.unwrap_or_else(unreachable);
                    front.tally.replicas.note(address, seen);
                }
            }
            sleep(WATCH_EVERY).await;
        }
    }

    async fn count_moved(&self, lull: &Lull, moved: &mut OnReplicas) {
        for session in self.sessions().await {
            if session.bypass || !lull.request.scope.covers(&principal(&session)) {
                continue;
            }
            match (session.mode.as_str(), session.stays) {
                ("replica", _) => moved.sessions += 1,
                (_, None) => moved.to_follow += 1,
                (_, Some(why)) => moved.stayed.push(Stayed {
                    session: session.id,
                    user: session.user,
                    database: session.database,
                    client: session.client,
                    why,
                }),
            }
        }
    }

    /// Sessions that could not return at once try again until none is left.
    pub(super) fn call_home(self: &Rc<Self>, positions: BTreeMap<String, String>) {
        let control = Rc::clone(self);
        spawn_local(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                let view = control.gate.borrow().view();
                let away = |session: &crate::admin::Session| {
                    let ordered = view.order_for(&principal(session)).mode;
                    let here = matches!(ordered, gate::Mode::Replica(..));
                    session.mode == "replica" && positions.contains_key(&session.cluster) && !here
                };
                if !control.sessions().await.iter().any(away) {
                    return;
                }
                control.tell_all(|| super::ToWorker::View(Arc::clone(&view)));
            }
        });
    }
}

/// Waits for one replica to come as far as the fence; the others are waited for behind. The position, or why none has.
async fn catch_up(front: &Arc<Front>, position: Option<&String>, limit: Duration) -> Result<String, String> {
    let until = Instant::now() + limit;
    let protocol = front.cluster.protocol;
    let position = match position {
        Some(position) if protocol == Protocol::PostgreSql => dialects::read_position(protocol, position),
        // A log that is off has a position too: an empty one.
        _ => ask(front, &front.cluster.primary.address).await?.position,
    };
    let position = position
        .ok_or("the primary does not say where its log is")?
        .as_replayed();
    let replicas = &front.tally.replicas;
    let (outcomes, mut first) = mpsc::unbounded_channel();
    for address in &front.cluster.replicas {
        replicas.note(address, Seen::default());
        let (front, address, outcomes) = (Arc::clone(front), address.clone(), outcomes.clone());
        let position = position.clone();
        spawn_local(async move {
            let outcome = replica_is_fit(&front, &address, &position, until).await;
            let _ = outcomes.send(outcome.map_err(|why| format!("replica {address}: {why}")));
        });
    }
    drop(outcomes);
    let mut whys = Vec::new();
    while let Some(outcome) = first.recv().await {
        match outcome {
            Ok(()) => return Ok(position.to_string()),
            Err(why) => whys.push(why),
        }
    }
    Err(whys.join("; "))
}

async fn replica_is_fit(
    front: &Front,
    address: &Address,
    position: &Position,
    until: Instant,
) -> Result<(), String> {
    let kind = dialects::kind(front.cluster.protocol);
    loop {
        let seen = ask(front, address).await.unwrap_or_else(unreachable);
        let why = match &seen {
            Seen { error: Some(why), .. } => why.clone(),
            seen if !seen.is_replica => format!("it is not {kind}: it is no replica"),
            Seen {
                position: Some(at), ..
            } => format!("it has replayed {at}, behind {position}"),
            _ => format!("it has replayed nothing, behind {position}"),
        };
        let has = seen.position.as_ref().is_some_and(|at| at.has(position));
        let fit = seen.is_replica && has;
        front.tally.replicas.note(address, seen);
        if fit {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(why);
        }
        sleep(ASK_EVERY).await;
    }
}

fn unreachable(why: String) -> Seen {
    Seen {
        error: Some(why),
        ..Seen::default()
    }
}

/// How a server is, and where its log.
pub(super) async fn ask(front: &Front, address: &Address) -> Result<Seen, String> {
    let protocol = front.cluster.protocol;
    let state = answer(front, address, dialects::state(protocol)).await?;
    let replication = match dialects::replication(protocol) {
        // Not every account may see it, and a primary has nothing to say.
        Some(question) => answer(front, address, question).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(dialects::seen(protocol, &state, &replication))
}
