//! In step: whether live state has what this instance has. A change that failed, or whose answer was lost, puts it out of step, and the next
//! heartbeat that gets through tells everything anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Shared by everybody who changes live state and the heart that repairs it.
#[derive(Clone, Default)]
pub struct InStep(Arc<Inner>);

struct Inner {
    /// Changes that may not have arrived.
    lost: AtomicU64,
    /// As many of them as have been made good.
    settled: AtomicU64,
    wake: Notify,
}

impl Default for Inner {
    /// A process that has just begun has told nothing yet.
    fn default() -> Self {
        Self { lost: AtomicU64::new(1), settled: AtomicU64::new(0), wake: Notify::new() }
    }
}

impl InStep {
    /// A change may not have arrived.
    pub fn lost(&self) {
        self.0.lost.fetch_add(1, Ordering::SeqCst);
        self.0.wake.notify_one();
    }

    /// Whether live state has what this instance has.
    pub fn holds(&self) -> bool {
        self.mark() == self.0.settled.load(Ordering::SeqCst)
    }

    /// Taken before everything is told anew, for [`Self::settled`].
    pub(crate) fn mark(&self) -> u64 {
        self.0.lost.load(Ordering::SeqCst)
    }

    /// Everything was told anew since the mark was taken. What was lost meanwhile still is.
    pub(crate) fn settled(&self, mark: u64) {
        self.0.settled.store(mark, Ordering::SeqCst);
    }

    /// Resolves when something was lost since the last time.
    pub(crate) async fn disturbed(&self) {
        self.0.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_while_everything_is_told_is_not_made_good_by_it() {
        let step = InStep::default();
        assert!(!step.holds(), "nothing was told yet");
        let mark = step.mark();
        step.settled(mark);
        assert!(step.holds());
        let mark = step.mark();
        step.lost();
        step.settled(mark);
        assert!(!step.holds());
    }
}
