//! Wires everything together, starts it and stops it.
//!
//! Workers serve clients; the main thread runs the control: gate, admin socket, metrics, signals. Guarantees the order
//! of the start: the open lulls are read from disk before the first listener opens, so that no session is born in the
//! wrong mode.

mod control;
mod counting;
mod entrances;
mod signals;
mod state;
mod stirring;
mod worker;

use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, atomic::AtomicUsize},
};

use tokio::{net::TcpListener, runtime::RuntimeMetrics, sync::mpsc, task::LocalSet};

use crate::{
    admin::{self, AdminSocket, SocketError},
    clock::Clock,
    config::{Address, Config},
    connect::Unfit,
    gate::{Gate, Request},
    telemetry::http,
};
use control::{Control, Inputs};
use counting::AllMetrics;
use entrances::Entrances;
use state::{Kept, State};
use worker::Handle;

pub use state::StateError;

/// Why lull did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Admin(#[from] SocketError),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: Address, source: io::Error },
    #[error("cannot serve metrics on {address}: {source}")]
    Metrics { address: SocketAddr, source: io::Error },
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

/// Runs until it is told to stop.
pub fn run(mut config: Config) -> Result<(), Failure> {
    let (state, mut kept) = State::open(&config.state_dir)?;
    kept.repoints.apply(&mut config);
    for cluster in &config.clusters {
        if let Some(written) = kept.repoints.overrule(&cluster.name) {
            let (cluster, primary) = (&cluster.name, &cluster.primary.address);
            tracing::warn!(cluster, %primary, %written, "the primary is where `lull repoint` has put it");
        }
    }
    for lull in &kept.view.lulls {
        let Request { scope, reason, .. } = &lull.request;
        tracing::warn!(%scope, reason, "a lull is open since before the start");
    }
    let admin = AdminSocket::bind(&config.admin_socket)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, serve(config, state, kept, admin))
}

async fn serve(config: Config, state: State, kept: Kept, admin: AdminSocket) -> Result<(), Failure> {
    let Kept { view, repoints } = kept;
    let gate = Gate::restored(view);
    let metrics = AllMetrics::default();
    let (needs_in, needs) = mpsc::unbounded_channel();
    let (workers, figures) = start_workers(&config, &gate, &metrics, &needs_in)?;
    let entrances = Entrances::open(&config, &workers)?;
    let (calls_in, calls) = mpsc::channel(64);
    tokio::spawn(admin::serve(admin, calls_in));
    let (scrapes_in, scrapes) = mpsc::channel(64);
    if let Some(address) = config.metrics_listen {
        let failed = |source| Failure::Metrics { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        tokio::spawn(http::serve(listener, scrapes_in));
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        workers = workers.len(),
        "lull is ready"
    );
    let control = Rc::new(Control::new(control::Parts {
        config,
        gate,
        state,
        repoints,
        workers,
        figures,
        entrances,
        metrics,
    }));
    control
        .run(Inputs {
            calls,
            needs,
            scrapes,
            signals: signals::Signals::new()?,
        })
        .await;
    Ok(())
}

fn start_workers(
    config: &Config,
    gate: &Gate,
    metrics: &AllMetrics,
    needs: &mpsc::UnboundedSender<crate::relay::Need>,
) -> io::Result<(Vec<Handle>, Vec<RuntimeMetrics>)> {
    let channels: Vec<_> = (0..config.workers).map(|_| mpsc::unbounded_channel()).collect();
    let (senders, inboxes): (Vec<_>, Vec<_>) = channels.into_iter().unzip();
    let handle = |to| Handle {
        to,
        load: Arc::new(AtomicUsize::new(0)),
    };
    let handles: Vec<Handle> = senders.into_iter().map(handle).collect();
    let mut figures = Vec::new();
    for (id, inbox) in inboxes.into_iter().enumerate() {
        figures.push(worker::start(worker::Start {
            id,
            view: gate.view(),
            clock: Clock::here(),
            metrics: metrics.clone(),
            needs: needs.clone(),
            inbox,
            handles: handles.clone(),
        })?);
    }
    Ok((handles, figures))
}
