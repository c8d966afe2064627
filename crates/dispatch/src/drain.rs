//! Stopping: no new calls, then a word to every live one, then an end. A value that is handed out, never a global.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

/// The process's way to a stop. HTTP's own graceful shutdown does not wait for WebSockets, so calls are tracked here.
#[derive(Clone, Default)]
pub struct Drain {
    requested: CancellationToken,
    calls: TaskTracker,
}

impl Drain {
    /// No new calls from now on; live ones say goodbye.
    pub fn request(&self) {
        self.requested.cancel();
        self.calls.close();
    }

    /// True once a stop was asked for.
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Resolves when a stop is asked for.
    pub fn requested(&self) -> WaitForCancellationFuture<'_> {
        self.requested.cancelled()
    }

    /// A token that is cancelled when a stop is asked for.
    pub fn token(&self) -> CancellationToken {
        self.requested.clone()
    }

    /// Runs a call so that the stop waits for it.
    pub async fn track<F: Future>(&self, call: F) -> F::Output {
        self.calls.track_future(call).await
    }

    /// Waits until every tracked call is over, at most `limit`. True when all are.
    pub async fn wait(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.calls.wait()).await.is_ok()
    }
}
