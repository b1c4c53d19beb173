//! Sees to it that the memory of clients that have left is given back.
//!
//! The allocator gives back what has been free for a second, but looks for that only when it hands out or takes back a
//! large piece. When the last of many clients has left, nobody asks it for one. Looked after by each worker, because
//! the allocator keeps house by thread.

use std::{cell::Cell, hint::black_box};

/// How many beats after a client has left the allocator is still asked: three of its seconds.
const STIRS: u32 = 12;
const STIR_BYTES: usize = 2 << 20;

#[derive(Debug, Default)]
pub(super) struct Stirring {
    clients: Cell<usize>,
    stirs: Cell<u32>,
}

impl Stirring {
    /// With how many clients there are now.
    pub(super) fn beat(&self, clients: usize) {
        if clients < self.clients.replace(clients) {
            self.stirs.set(STIRS);
        }
        if self.stirs.get() > 0 {
            self.stirs.set(self.stirs.get() - 1);
            drop(black_box(Vec::<u8>::with_capacity(STIR_BYTES)));
        }
    }
}
