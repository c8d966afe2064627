//! Admission: a call holds a permit before it is answered, and gives it back by being dropped.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many calls this process takes at once.
#[derive(Clone)]
pub struct Admission {
    limit: usize,
    permits: Arc<Semaphore>,
}

/// The right to one call. Dropping it frees the place.
#[derive(Debug)]
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Admission {
    /// Admits at most `limit` calls at once.
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self { limit, permits: Arc::new(Semaphore::new(limit)) }
    }

    /// A permit, or `None` when every place is taken.
    pub fn admit(&self) -> Option<Permit> {
        Arc::clone(&self.permits).try_acquire_owned().ok().map(Permit)
    }

    /// Places in all.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Places taken now: answered calls and calls whose stream is expected.
    pub fn taken(&self) -> usize {
        self.limit - self.permits.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_the_permit_is_dropped() {
        let admission = Admission::new(1);
        let permit = admission.admit().unwrap();
        assert!(admission.admit().is_none());
        assert_eq!(admission.taken(), 1);
        drop(permit);
        assert!(admission.admit().is_some());
    }
}
