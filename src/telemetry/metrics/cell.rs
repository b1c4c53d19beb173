//! Counters with one writer: a load and a store, both relaxed. Two writers would lose counts, never memory safety.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::Label;

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    pub fn increment(&self) {
        self.add(1);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One counter for each value of a label.
#[derive(Debug)]
pub struct Counters<L> {
    cells: Box<[Counter]>,
    label: PhantomData<L>,
}

impl<L: Label> Default for Counters<L> {
    fn default() -> Self {
        Self {
            cells: L::ALL.iter().map(|_| Counter::default()).collect(),
            label: PhantomData,
        }
    }
}

impl<L: Label> Counters<L> {
    pub fn add(&self, label: L) {
        if let Some(cell) = self.cells.get(label.index()) {
            cell.increment();
        }
    }

    pub fn get(&self, label: L) -> u64 {
        self.cells.get(label.index()).map_or(0, Counter::get)
    }

    pub fn total(&self) -> u64 {
        self.cells.iter().map(Counter::get).sum()
    }
}

/// Durations by upper bounds in seconds, as Prometheus wants them.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is above the last.
    cells: Box<[Counter]>,
    nanos: Counter,
}

impl Histogram {
    pub fn new(bounds: &'static [f64]) -> Self {
        let cells = (0..=bounds.len()).map(|_| Counter::default()).collect();
        Self {
            bounds,
            cells,
            nanos: Counter::default(),
        }
    }

    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let at = self
            .bounds
            .iter()
            .position(|&bound| seconds <= bound)
            .unwrap_or(self.bounds.len());
        if let Some(cell) = self.cells.get(at) {
            cell.increment();
        }
        self.nanos
            .add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// Not cumulative; the last one is what is above every bound.
    pub(super) fn counts(&self) -> impl Iterator<Item = u64> + '_ {
        self.cells.iter().map(Counter::get)
    }

    pub(super) fn seconds(&self) -> f64 {
        Duration::from_nanos(self.nanos.get()).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::super::RefusalClass;
    use super::*;

    #[test]
    fn each_label_has_its_own_counter() {
        let counters = Counters::<RefusalClass>::default();
        counters.add(RefusalClass::Leak);
        counters.add(RefusalClass::Leak);
        counters.add(RefusalClass::Write);
        assert_eq!(
            (counters.get(RefusalClass::Leak), counters.get(RefusalClass::Lift)),
            (2, 0)
        );
        assert_eq!(counters.total(), 3);
    }

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for ms in [100, 101, 5000] {
            histogram.observe(Duration::from_millis(ms));
        }
        assert_eq!(histogram.counts().collect::<Vec<_>>(), [1, 1, 1]);
        assert!((histogram.seconds() - 5.201).abs() < 1e-9);
    }
}
