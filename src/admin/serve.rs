//! Accepts admin clients, as many as one operator and some scripts need.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{UnixListener, UnixStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use super::{AdminSocket, Calls, session};

const CONNECTIONS_MAX: usize = 64;

/// Runs until it is dropped; then every admin connection ends. Must be called inside a runtime.
pub async fn serve(socket: AdminSocket, calls: Calls) -> io::Result<()> {
    let shared = Shared {
        calls,
        cancels: Cancels::default(),
        next_pid: Arc::new(AtomicI32::new(1)),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut acceptors = JoinSet::new();
    for listener in &socket.listeners {
        let listener = UnixListener::from_std(listener.try_clone()?)?;
        acceptors.spawn(accept(listener, shared.clone(), Arc::clone(&places)));
    }
    while acceptors.join_next().await.is_some() {}
    Ok(())
}

async fn accept(listener: UnixListener, shared: Shared, places: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Takes finished tasks away.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(one(
                    stream,
                    shared.clone(),
                    Arc::clone(&places).try_acquire_owned().ok(),
                ));
            }
            Err(error) => {
                tracing::warn!("the admin socket cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn one(stream: UnixStream, shared: Shared, place: Option<OwnedSemaphorePermit>) {
    let ended = session::run(stream, shared, place.is_some()).await;
    if let Err(error) = ended {
        tracing::debug!("an admin connection ended: {error}");
    }
}

/// What all admin connections have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) calls: Calls,
    cancels: Cancels,
    next_pid: Arc<AtomicI32>,
}

type Cancels = Arc<Mutex<HashMap<i32, (i32, Arc<Notify>)>>>;

impl Shared {
    /// A key for cancel requests, valid until it is dropped.
    pub(super) fn cancel_key(&self) -> CancelKey {
        let pid = self.next_pid.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        // Random to others: the hasher's keys come from the system.
        let [a, b, c, d, ..] = RandomState::new().hash_one(pid).to_be_bytes();
        let secret = i32::from_be_bytes([a, b, c, d]);
        let wish = Arc::new(Notify::new());
        self.locked(|cancels| cancels.insert(pid, (secret, Arc::clone(&wish))));
        CancelKey {
            shared: self.clone(),
            pid,
            secret,
            wish,
        }
    }

    pub(super) fn cancel(&self, pid: i32, secret: i32) {
        let wish = self.locked(|cancels| {
            cancels
                .get(&pid)
                .filter(|(real, _)| *real == secret)
                .map(|(_, w)| Arc::clone(w))
        });
        if let Some(wish) = wish {
            wish.notify_waiters();
        }
    }

    fn locked<T>(&self, work: impl FnOnce(&mut HashMap<i32, (i32, Arc<Notify>)>) -> T) -> T {
        work(&mut self.cancels.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) struct CancelKey {
    shared: Shared,
    pub(super) pid: i32,
    pub(super) secret: i32,
    pub(super) wish: Arc<Notify>,
}

impl Drop for CancelKey {
    fn drop(&mut self) {
        self.shared.locked(|cancels| cancels.remove(&self.pid));
    }
}
