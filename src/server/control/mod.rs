//! The control: the one place where lulls open and close.
//!
//! Runs on the main thread. A change of the gate, its way to disk and the word to the workers happen without a wait in
//! between, so that two operators cannot get in each other's way; what then takes time (drains, audits) runs beside.

mod audits;
mod beforehand;
mod close;
mod dialects;
mod open;
mod prepared;
mod primary;
mod question;
mod reload;
mod replicas;
mod repoint;
mod stragglers;
mod view;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    runtime::RuntimeMetrics,
    sync::{Notify, Semaphore, mpsc, oneshot},
    task::spawn_local,
    time::{MissedTickBehavior, interval},
};

use super::{
    counting::{AllMetrics, Writer},
    entrances::Entrances,
    signals::{Signals, Told},
    state::State,
    worker::{Handle, ToWorker},
};
use crate::{
    admin::{Answer, Call, Command, FenceState, Refused},
    config::{Config, Protocol, Repoints},
    gate::{Gate, Lull, Scope, View},
    relay::{Need, Place},
    telemetry::{
        http::Scrape,
        metrics::{FENCE_BUCKETS, Histogram, Reload},
    },
};
use audits::AuditState;
use beforehand::Known;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

pub(super) struct Control {
    config: RefCell<Config>,
    gate: RefCell<Gate>,
    state: State,
    repoints: RefCell<Repoints>,
    workers: Vec<Handle>,
    entrances: RefCell<Entrances>,
    metrics: AllMetrics,
    /// What the control itself counts.
    counted: Writer,
    /// The workers' runtimes.
    figures: Vec<RuntimeMetrics>,
    audits: RefCell<HashMap<Place, AuditState>>,
    beforehand: RefCell<Known>,
    audit_ended: Notify,
    /// Turns for the audits of databases beside a lull.
    audit_turns: Semaphore,
    audit_wanted: Notify,
    fences: RefCell<Vec<FenceState>>,
    fence_durations: Arc<Histogram>,
    reload: Cell<Reload>,
    stopping: Cell<bool>,
    /// A lull whose time is over waits for its primary.
    returning: Cell<bool>,
}

pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) gate: Gate,
    pub(super) state: State,
    pub(super) repoints: Repoints,
    pub(super) workers: Vec<Handle>,
    pub(super) figures: Vec<RuntimeMetrics>,
    pub(super) entrances: Entrances,
    pub(super) metrics: AllMetrics,
}

pub(super) struct Inputs {
    pub(super) calls: mpsc::Receiver<Call>,
    pub(super) needs: mpsc::UnboundedReceiver<Need>,
    pub(super) scrapes: mpsc::Receiver<oneshot::Sender<Scrape>>,
    pub(super) signals: Signals,
}

impl Control {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            config,
            gate,
            state,
            repoints,
            workers,
            figures,
            entrances,
            metrics,
        } = parts;
        let counted = metrics.writer();
        for cluster in &config.clusters {
            // A rate needs a first sample, before the first client.
            counted.of(&cluster.name);
        }
        Self {
            config: RefCell::new(config),
            gate: RefCell::new(gate),
            state,
            repoints: RefCell::new(repoints),
            workers,
            entrances: RefCell::new(entrances),
            metrics,
            counted,
            figures,
            audits: RefCell::default(),
            beforehand: RefCell::default(),
            audit_ended: Notify::new(),
            audit_turns: Semaphore::new(audits::BESIDE_MAX),
            audit_wanted: Notify::new(),
            fences: RefCell::default(),
            fence_durations: Arc::new(Histogram::new(FENCE_BUCKETS)),
            reload: Cell::new(Reload {
                at_unix_ms: now_unix_ms(),
                succeeded: true,
            }),
            stopping: Cell::new(false),
            returning: Cell::new(false),
        }
    }

    /// Runs until lull has stopped.
    pub(super) async fn run(self: Rc<Self>, mut inputs: Inputs) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let stopped = Rc::new(Notify::new());
        spawn_local(Rc::clone(&self).watch_replicas());
        loop {
            // Every arm is cancel-safe: channels keep what is not taken, and a tick comes again.
            tokio::select! {
                Some(call) = inputs.calls.recv() => self.answer(call, &stopped),
                Some(need) = inputs.needs.recv() => match need {
                    Need::Audit(place) => self.need_audit(place),
                    Need::AuditAgain(place) => self.audit_again(place),
                    Need::AuditOf(of, asks) => {
                        spawn_local(Rc::clone(&self).audit_of(of, asks));
                    }
                    Need::Interrupt(interrupt) => self.tell_all(|| ToWorker::Interrupt(interrupt.clone())),
                },
                Some(scrape) = inputs.scrapes.recv() => {
                    let control = Rc::clone(&self);
                    spawn_local(async move {
                        let _ = scrape.send(control.scrape().await);
                    });
                }
                _ = ticks.tick() => {
                    self.close_due();
                    self.tell_all(|| ToWorker::Beat);
                }
                told = inputs.signals.next() => match told {
                    Told::Reload => {
                        let control = Rc::clone(&self);
                        // The outcome is in the log and in the metrics.
                        spawn_local(async move { drop(control.reload().await) });
                    }
                    Told::Stop if self.stopping.get() => return,
                    Told::Stop => self.stop(&stopped),
                },
                () = stopped.notified() => return,
            }
        }
    }

    fn answer(self: &Rc<Self>, call: Call, stopped: &Rc<Notify>) {
        let Call {
            command,
            notices,
            mut reply,
        } = call;
        let control = Rc::clone(self);
        let stopped = Rc::clone(stopped);
        spawn_local(async move {
            let answer = match command {
                Command::On(request) => match control.on(request, &notices, &mut reply).await {
                    Some(answer) => answer.map(|opened| Answer::Opened(Box::new(opened))),
                    None => return,
                },
                Command::Off { scope } => control.off(&scope).await.map(Answer::Closed),
                Command::Status { scope } => Ok(Answer::Status(control.status(&scope).await)),
                Command::Sessions => Ok(Answer::Sessions(control.sessions().await)),
                Command::Upstreams => Ok(Answer::Upstreams(control.upstreams().await)),
                Command::Repoint(wanted) => control.repoint(&wanted).await.map(Answer::Repointed),
                Command::Reload => control.reload().await.map(Answer::Done).map_err(Refused::Failed),
                Command::Shutdown => {
                    control.stop(&stopped);
                    Ok(Answer::Done(
                        "lull stops: sessions end at their next idle moment".to_owned(),
                    ))
                }
            };
            // A caller who has gone does not want to know.
            let _ = reply.send(answer);
        });
    }

    /// Stops accepting, lets sessions end when they idle, and stops when none is left or the time is over.
    fn stop(self: &Rc<Self>, stopped: &Rc<Notify>) {
        if self.stopping.replace(true) {
            return;
        }
        tracing::info!("lull stops");
        self.entrances.borrow_mut().close();
        self.tell_all(|| ToWorker::Close);
        let clusters = self.config.borrow().clusters.clone();
        let limit = clusters
            .iter()
            .map(|cluster| cluster.limits.shutdown_timeout)
            .max()
            .unwrap_or_default();
        let (control, stopped) = (Rc::clone(self), Rc::clone(stopped));
        spawn_local(async move {
            let drained = async {
                while control
                    .workers
                    .iter()
                    .any(|w| w.load.load(std::sync::atomic::Ordering::Relaxed) > 0)
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    // Who was logging in when the word went round hears it now.
                    control.tell_all(|| ToWorker::Close);
                }
            };
            if tokio::time::timeout(limit, drained).await.is_err() {
                tracing::warn!("sessions are left after {limit:?} (shutdown_timeout); they are cut off");
            }
            // The answer to whoever asked for this goes out first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stopped.notify_one();
        });
    }

    fn tell_all(&self, message: impl Fn() -> ToWorker) {
        self.workers.iter().for_each(|worker| worker.send(message()));
    }

    /// A change of the gate: on disk, then to the workers. An error leaves everything as it was.
    fn change<R>(&self, change: impl FnOnce(&mut Gate) -> R) -> Result<R, Refused> {
        let before = self.gate.borrow().view();
        let result = change(&mut self.gate.borrow_mut());
        let view = self.gate.borrow().view();
        if let Err(error) = self.state.save(&view, &self.repoints.borrow()) {
            *self.gate.borrow_mut() = Gate::restored((*before).clone());
            return Err(Refused::Failed(error.to_string()));
        }
        self.audits
            .borrow_mut()
            .retain(|place, _| self.is_concerned(&view, place));
        self.beforehand
            .borrow_mut()
            .retain(|place| self.is_concerned(&view, place));
        self.fences
            .borrow_mut()
            .retain(|fence| view.lulls.iter().any(|lull| lull.request.scope == fence.scope));
        self.tell_all(|| ToWorker::View(Arc::clone(&view)));
        Ok(result)
    }

    fn known(&self, scope: &Scope) -> Result<(), Refused> {
        scope.cluster().map_or(Ok(()), |name| self.known_cluster(name))
    }

    fn known_cluster(&self, name: &str) -> Result<(), Refused> {
        let config = self.config.borrow();
        let names: Vec<&str> = config
            .clusters
            .iter()
            .map(|cluster| cluster.name.as_str())
            .collect();
        if names.contains(&name) {
            return Ok(());
        }
        Err(Refused::Policy(format!(
            "there is no cluster {name:?}; there is {}",
            names.join(", ")
        )))
    }

    fn protocol(&self, cluster: &str) -> Protocol {
        let config = self.config.borrow();
        let found = config.clusters.iter().find(|known| known.name == cluster);
        found.map_or(Protocol::PostgreSql, |cluster| cluster.protocol)
    }

    /// Whether the cluster's sessions can reach from one database into another.
    fn roams(&self, cluster: &str) -> bool {
        self.protocol(cluster) == Protocol::MySql
    }

    /// Whether what is in a database matters to some lull.
    fn is_concerned(&self, view: &View, (cluster, database): &Place) -> bool {
        view.reaches(cluster, database) || self.roams(cluster) && view.is_beside(cluster)
    }

    fn clusters_in(&self, scope: &Scope) -> Vec<String> {
        let config = self.config.borrow();
        let names = config.clusters.iter().map(|cluster| cluster.name.clone());
        names
            .filter(|name| scope.cluster().is_none_or(|wanted| wanted == name))
            .collect()
    }
}

fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn is_open(gate: &Gate, lull: &Lull) -> bool {
    gate.is_open(&lull.request.scope, lull.generation)
}
