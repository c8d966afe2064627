//! So many calls to one service at once, and so many that wait: a service that hangs does not fill the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkheadPolicy {
    /// Calls at once, at least 1.
    pub at_once: usize,
    /// Calls that may wait for a place.
    pub waiting: usize,
    /// Longest wait for a place.
    pub wait: Duration,
}

/// The places of one service.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    policy: BulkheadPolicy,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "it is held, not read")] OwnedSemaphorePermit);

/// No place, and none soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Counted as waiting, however the wait ends.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Bulkhead {
    pub(crate) fn new(policy: BulkheadPolicy) -> Self {
        let at_once = policy.at_once.clamp(1, Semaphore::MAX_PERMITS);
        Self { policy: BulkheadPolicy { at_once, ..policy }, places: Arc::new(Semaphore::new(at_once)), waiting: AtomicUsize::new(0) }
    }

    pub(crate) async fn enter(&self) -> Result<Place, Full> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Place(place));
        }
        let join = |waiting| if waiting < self.policy.waiting { Some(waiting + 1) } else { None };
        self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, join).map_err(|_| Full)?;
        let _waiting = Waiting(&self.waiting);
        match timeout(self.policy.wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(Place(place)),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(Full),
        }
    }

    pub(crate) fn in_use(&self) -> usize {
        self.policy.at_once.saturating_sub(self.places.available_permits())
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// How long a refused call should wait: as long as one in the line would.
    pub(crate) fn wait(&self) -> Duration {
        self.policy.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulkhead() -> Arc<Bulkhead> {
        Arc::new(Bulkhead::new(BulkheadPolicy { at_once: 2, waiting: 1, wait: Duration::from_secs(3) }))
    }

    #[tokio::test(start_paused = true)]
    async fn some_are_inside_some_wait_and_the_rest_is_refused_at_once() {
        let bulkhead = bulkhead();
        let (first, _second) = (bulkhead.enter().await.unwrap(), bulkhead.enter().await.unwrap());
        let waits = tokio::spawn({
            let bulkhead = Arc::clone(&bulkhead);
            async move { bulkhead.enter().await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert_eq!((bulkhead.in_use(), bulkhead.waiting()), (2, 1));
        assert_eq!(bulkhead.enter().await.unwrap_err(), Full);
        drop(first);
        assert!(waits.await.unwrap().is_ok());
        assert_eq!((bulkhead.in_use(), bulkhead.waiting()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_or_gives_up_leaves_the_line() {
        let bulkhead = bulkhead();
        let _inside = (bulkhead.enter().await.unwrap(), bulkhead.enter().await.unwrap());
        let begun = tokio::time::Instant::now();
        assert_eq!(bulkhead.enter().await.unwrap_err(), Full);
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
        assert!(timeout(Duration::from_secs(1), bulkhead.enter()).await.is_err());
        assert_eq!(bulkhead.waiting(), 0);
    }
}
