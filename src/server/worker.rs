//! A worker: one thread, one runtime, its own sessions.
//!
//! Everything reaches it by message, in order: a view, and the watch for the fence behind it. The first worker also
//! accepts, and gives each client to the worker that has the fewest.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::pending,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use tokio::{
    runtime::RuntimeMetrics,
    sync::{mpsc, oneshot},
    task::{JoinHandle, LocalSet, spawn_local},
};

use super::{
    counting::{AllMetrics, Writer},
    stirring::Stirring,
};
use crate::{
    admin::Session as SessionRow,
    clock::Clock,
    connect::{self, Accepted, Front, Listener, Passed},
    gate::{Scope, Stragglers, View},
    relay::{Interrupt, Live, Need, Place, READ_BUFFER_BYTES, Roster, Worker},
    session::{Answer, Audited, Instruction, Site},
};

/// Out of file descriptors, most likely: others must end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// One listening socket of a cluster.
pub(super) struct Entrance {
    pub(super) id: u64,
    pub(super) listener: Listener,
    pub(super) front: Arc<ArcSwap<Front>>,
    pub(super) bypass: bool,
}

pub(super) enum ToWorker {
    /// A quarter of a second has passed.
    Beat,
    Serve(Passed),
    Listen(Entrance),
    Unlisten(u64),
    View(Arc<View>),
    Watch {
        scope: Scope,
        generation: u64,
        reply: oneshot::Sender<(usize, oneshot::Receiver<()>)>,
    },
    Straggle {
        scope: Scope,
        generation: u64,
        policy: Stragglers,
        again: bool,
    },
    Ask {
        place: Place,
        user: Option<String>,
        text: String,
        reply: oneshot::Sender<Option<oneshot::Receiver<Answer>>>,
    },
    Interrupt(Interrupt),
    Audited {
        place: Place,
        audited: Audited,
    },
    /// Nobody can look into the first database, which sessions in the second have named.
    Unaudited(Place, Place),
    Sessions(oneshot::Sender<Vec<SessionRow>>),
    Close,
}

/// A worker as the others see it.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) to: mpsc::UnboundedSender<ToWorker>,
    /// Clients that it serves, logins included.
    pub(super) load: Arc<AtomicUsize>,
}

impl Handle {
    pub(super) fn send(&self, message: ToWorker) {
        // A worker ends only with the process.
        let _ = self.to.send(message);
    }
}

pub(super) struct Start {
    pub(super) id: usize,
    pub(super) view: Arc<View>,
    pub(super) clock: Clock,
    pub(super) metrics: AllMetrics,
    pub(super) needs: mpsc::UnboundedSender<Need>,
    pub(super) inbox: mpsc::UnboundedReceiver<ToWorker>,
    pub(super) handles: Vec<Handle>,
}

/// Its runtime's own figures come back.
pub(super) fn start(start: Start) -> io::Result<RuntimeMetrics> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (name, figures) = (format!("lull-worker-{}", start.id), runtime.metrics());
    thread::Builder::new().name(name).spawn(move || {
        let tasks = LocalSet::new();
        tasks.spawn_local(run(start));
        // What is blocked on is looked at each time that any session has something to do: this costs nothing.
        tasks.block_on(&runtime, pending::<()>());
    })?;
    Ok(figures)
}

struct Local {
    id: usize,
    worker: Rc<Worker>,
    metrics: Writer,
    handles: Vec<Handle>,
    load: Arc<AtomicUsize>,
    stirring: Stirring,
}

async fn run(start: Start) {
    let Start {
        id,
        view,
        clock,
        metrics,
        needs,
        mut inbox,
        handles,
    } = start;
    let Some(load) = handles.get(id).map(|handle| Arc::clone(&handle.load)) else {
        return;
    };
    let worker = Worker {
        roster: Roster::new(view, needs),
        buffer: RefCell::new(vec![0; READ_BUFFER_BYTES]),
        clock,
    };
    let local = Rc::new(Local {
        id,
        worker: Rc::new(worker),
        metrics: metrics.writer(),
        handles,
        load,
        stirring: Stirring::default(),
    });
    let mut entrances: HashMap<u64, JoinHandle<()>> = HashMap::new();
    while let Some(message) = inbox.recv().await {
        match message {
            ToWorker::Listen(entrance) => {
                let id = entrance.id;
                entrances.insert(id, spawn_local(accept(Rc::clone(&local), entrance)));
            }
            ToWorker::Unlisten(id) => {
                if let Some(task) = entrances.remove(&id) {
                    task.abort();
                }
            }
            other => local.take(other),
        }
    }
}

impl Local {
    fn take(self: &Rc<Self>, message: ToWorker) {
        let roster = &self.worker.roster;
        match message {
            ToWorker::Beat => self.stirring.beat(self.load.load(Ordering::Relaxed)),
            ToWorker::Serve(passed) => match passed.take_up() {
                Ok(accepted) => self.serve(accepted),
                Err(error) => self.give_up(&error),
            },
            ToWorker::View(view) => roster.take_view(view),
            ToWorker::Watch {
                scope,
                generation,
                reply,
            } => {
                let _ = reply.send(roster.watch(scope, generation));
            }
            ToWorker::Straggle {
                scope,
                generation,
                policy,
                again,
            } => roster.straggle(&scope, generation, policy, again),
            ToWorker::Ask {
                place,
                user,
                text,
                reply,
            } => {
                let _ = reply.send(roster.ask(&place, user.as_deref(), text));
            }
            ToWorker::Interrupt(interrupt) => {
                roster.interrupt(&interrupt);
            }
            ToWorker::Audited { place, audited } => roster.audited(place, &audited),
            ToWorker::Unaudited(named, place) => roster.unaudited(&named, &place),
            ToWorker::Sessions(reply) => {
                let now = Instant::now();
                let _ = reply.send(roster.all().iter().map(|live| self.row(live, now)).collect());
            }
            ToWorker::Close => roster.all().iter().for_each(|live| live.tell(Instruction::Close)),
            ToWorker::Listen(_) | ToWorker::Unlisten(_) => {}
        }
    }

    fn serve(self: &Rc<Self>, accepted: Accepted) {
        let metrics = self.metrics.of(&accepted.front.cluster.name);
        let (worker, load) = (Rc::clone(&self.worker), Arc::clone(&self.load));
        spawn_local(async move {
            connect::serve(worker, metrics, accepted).await;
            load.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn row(&self, live: &Live, now: Instant) -> SessionRow {
        let (facts, report) = (&live.facts, live.report());
        let principal = live.principal();
        let generation = self.worker.roster.generation();
        SessionRow {
            id: format!("{}.{}", self.id, live.id),
            cluster: principal.cluster.clone(),
            database: principal.database.clone(),
            user: principal.user.clone(),
            application_name: facts.application_name.to_string(),
            client: facts.client.to_string(),
            bypass: facts.bypass,
            mode: match (report.site, report.read_only) {
                (Site::Replica, _) => "replica",
                (Site::Primary, true) => "read-only",
                (Site::Primary, false) => "normal",
            }
            .to_owned(),
            stays: report.stays.map(|why| why.to_string()),
            standing: report.stands_at >= generation,
            generation: report.stands_at,
            born_at: live.born_at,
            transaction: report.activity.as_str().to_owned(),
            wrote: report.wrote,
            age_ms: u64::try_from(now.duration_since(facts.since).as_millis()).unwrap_or(u64::MAX),
            transaction_ms: live.busy_for_ms(now),
            last_tag: report.last_tag.to_owned(),
        }
    }

    fn place(self: &Rc<Self>, accepted: Accepted, to: usize) {
        let Some(handle) = self.handles.get(to) else {
            return;
        };
        handle.load.fetch_add(1, Ordering::Relaxed);
        if to == self.id {
            return self.serve(accepted);
        }
        match accepted.pass() {
            Ok(passed) => handle.send(ToWorker::Serve(passed)),
            Err(error) => {
                handle.load.fetch_sub(1, Ordering::Relaxed);
                tracing::warn!("a client cannot be passed to its worker: {error}");
            }
        }
    }

    fn give_up(&self, error: &io::Error) {
        self.load.fetch_sub(1, Ordering::Relaxed);
        tracing::warn!("a client cannot be served: {error}");
    }

    /// The worker with the fewest clients; this one among equals, because it need not be woken.
    fn least_loaded(&self) -> usize {
        let load = |id: &usize| {
            self.handles
                .get(*id)
                .map_or(usize::MAX, |h| h.load.load(Ordering::Relaxed))
        };
        (0..self.handles.len())
            .min_by_key(|id| (load(id), *id != self.id))
            .unwrap_or(self.id)
    }
}

async fn accept(local: Rc<Local>, entrance: Entrance) {
    let acceptor = match entrance.listener.into_acceptor() {
        Ok(acceptor) => acceptor,
        Err(error) => return tracing::error!("a listener cannot be used: {error}"),
    };
    loop {
        match acceptor.accept().await {
            Ok(socket) => {
                let accepted = Accepted {
                    socket,
                    front: entrance.front.load_full(),
                    bypass: entrance.bypass,
                };
                let to = local.least_loaded();
                local.place(accepted, to);
            }
            Err(error) => {
                tracing::warn!("a client cannot be accepted: {error}");
                local.worker.clock.pause(ACCEPT_PAUSE).await;
            }
        }
    }
}
