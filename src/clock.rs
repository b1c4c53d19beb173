//! Time for those who wait on a worker's thread, kept by the control's.
//!
//! Guarantees that no timer is ever set on a worker's own event loop: one that has any asks what time it is, and has
//! the kernel set an alarm, each time that it waits for traffic, which is twice a query. The control's loop has a beat,
//! so that a later timer does not disturb it either. A worker's runtime has no timers at all: whoever took tokio's
//! would panic there, and the shape test finds them.
//! It must not know what is waited for.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, Sleep, sleep_until, timeout_at},
};

/// A handle to whoever keeps the time: cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Handle);

impl Clock {
    /// The clock of the runtime that this is called on, which must have timers.
    pub fn here() -> Self {
        Self(Handle::current())
    }

    /// None when the time is over.
    pub async fn timeout<T>(&self, limit: Duration, wait: impl Future<Output = T>) -> Option<T> {
        self.timeout_at(Instant::now() + limit, wait).await
    }

    /// None when the time is over.
    pub async fn timeout_at<T>(&self, at: Instant, wait: impl Future<Output = T>) -> Option<T> {
        // A timer belongs to the runtime that is entered when it is made. What is waited for is polled in its own.
        let timed = {
            let _entered = self.0.enter();
            timeout_at(at, wait)
        };
        timed.await.ok()
    }

    pub async fn pause(&self, length: Duration) {
        self.alarm(Instant::now() + length).await;
    }

    /// Boxed, because a timer may not be moved once it runs.
    pub fn alarm(&self, at: Instant) -> Pin<Box<Sleep>> {
        let _entered = self.0.enter();
        Box::pin(sleep_until(at))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::mpsc, thread};

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn a_runtime_without_timers_waits_by_the_clock_of_another() {
        let keeper = Builder::new_current_thread().enable_time().build().unwrap();
        let (clock_out, clock_in) = mpsc::channel();
        // Ends with the process.
        thread::spawn(move || {
            keeper.block_on(async {
                clock_out.send(Clock::here()).unwrap();
                pending::<()>().await;
            });
        });
        let clock = clock_in.recv().unwrap();
        let without = Builder::new_current_thread().enable_io().build().unwrap();
        without.block_on(async {
            let limit = Duration::from_millis(1);
            assert_eq!(clock.timeout(limit, pending::<()>()).await, None);
            assert_eq!(clock.timeout(Duration::from_secs(60), async { 1 }).await, Some(1));
            clock.alarm(Instant::now() + limit).await;
        });
    }
}
