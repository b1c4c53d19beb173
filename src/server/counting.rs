//! The counters of all writers, for whoever sums them.
//!
//! Guarantees that each counter has one writer: a worker, or the control, for one cluster.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::telemetry::metrics::WorkerMetrics;

#[derive(Clone, Default)]
pub(super) struct AllMetrics(Arc<Mutex<Vec<Arc<WorkerMetrics>>>>);

impl AllMetrics {
    pub(super) fn all(&self) -> Vec<Arc<WorkerMetrics>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For one writer.
    pub(super) fn writer(&self) -> Writer {
        Writer {
            all: self.clone(),
            by_cluster: RefCell::default(),
        }
    }
}

/// What one thread counts, by cluster.
pub(super) struct Writer {
    all: AllMetrics,
    by_cluster: RefCell<HashMap<String, Arc<WorkerMetrics>>>,
}

impl Writer {
    pub(super) fn of(&self, cluster: &str) -> Arc<WorkerMetrics> {
        let mut by_cluster = self.by_cluster.borrow_mut();
        if let Some(metrics) = by_cluster.get(cluster) {
            return Arc::clone(metrics);
        }
        let metrics = Arc::new(WorkerMetrics::new(cluster));
        by_cluster.insert(cluster.to_owned(), Arc::clone(&metrics));
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(&metrics));
        metrics
    }
}
