//! The fence: the moment at which every session in scope stands at generation N.
//!
//! Counts the sessions of one worker that one lull still waits for. A session leaves the count only by standing at N
//! or later, or by ending; nothing is assumed from an order having been sent.

use std::collections::HashSet;

use super::Scope;

/// A session's place on its worker. Unique among the worker's living sessions.
pub type SessionId = usize;

#[derive(Debug)]
pub struct Fence {
    pub scope: Scope,
    pub generation: u64,
    waiting: HashSet<SessionId>,
}

impl Fence {
    /// Waits for those of `sessions` that do not stand at `generation` yet.
    pub fn new(scope: Scope, generation: u64, sessions: impl Iterator<Item = (SessionId, u64)>) -> Self {
        let waiting = sessions
            .filter(|&(_, stands_at)| stands_at < generation)
            .map(|(id, _)| id)
            .collect();
        Self {
            scope,
            generation,
            waiting,
        }
    }

    pub fn stood(&mut self, session: SessionId, generation: u64) {
        if generation >= self.generation {
            self.waiting.remove(&session);
        }
    }

    pub fn ended(&mut self, session: SessionId) {
        self.waiting.remove(&session);
    }

    pub fn is_reached(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn waiting(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.waiting.iter().copied()
    }

    pub fn waiting_count(&self) -> usize {
        self.waiting.len()
    }
}
