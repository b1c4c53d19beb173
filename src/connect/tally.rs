//! What all workers know of a cluster together: how many clients it has, and whether its upstream was reached last.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use zeroize::Zeroizing;

use super::{Replicas, throttle::Throttle};
use crate::{auth::Secret, fault::Fault};

const UP: u8 = 1;
const DOWN: u8 = 2;

/// What users are asked for: strangers must look like them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Md5,
    /// SCRAM with so many iterations.
    Scram(u32),
    /// MySQL's and MariaDB's old method.
    Native,
    /// MySQL's new one.
    Sha2,
    /// The password itself is known: whatever the client likes.
    Plain,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub(super) throttle: Throttle,
    process_secret: OnceLock<Secret>,
    /// How the user was asked whom auth_query has found last.
    pub(super) asked: Mutex<Option<Asked>>,
    clients: AtomicUsize,
    reached: AtomicU8,
    pub replicas: Arc<Replicas>,
    /// When the primary was last asked for the sake of sessions whose replica had gone, and where its log was then.
    pub(super) floor: tokio::sync::Mutex<Option<(Instant, u64)>>,
}

impl Tally {
    /// A place among `max`.
    pub(super) fn place(self: &Arc<Self>, max: usize) -> Option<Place> {
        let taken = self.clients.fetch_add(1, Relaxed);
        let place = Place(Arc::clone(self));
        (taken < max).then_some(place)
    }

    /// Random, and the same as long as lull runs.
    pub(super) fn process_secret(&self) -> Result<&Secret, Fault> {
        if let Some(secret) = self.process_secret.get() {
            return Ok(secret);
        }
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut()).map_err(Fault::proxy)?;
        Ok(self.process_secret.get_or_init(|| Secret::new(*random)))
    }

    /// None until someone has tried.
    pub fn reached(&self) -> Option<bool> {
        match self.reached.load(Relaxed) {
            UP => Some(true),
            DOWN => Some(false),
            _ => None,
        }
    }

    pub fn note_reached(&self, reached: bool) {
        self.reached.store(if reached { UP } else { DOWN }, Relaxed);
    }
}

pub(super) struct Place(Arc<Tally>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Relaxed);
    }
}
