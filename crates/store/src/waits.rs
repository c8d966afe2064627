//! How often, and how long, somebody waited for a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Error, Pool};

/// Counts those who found every connection taken. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    waits: AtomicU64,
    micros: AtomicU64,
}

impl Waits {
    /// A connection of the pool.
    pub(crate) async fn acquire<D: Database>(&self, pool: &Pool<D>) -> Result<PoolConnection<D>, Error> {
        self.watch(pool, pool.acquire()).await
    }

    /// Counts the time `asked` takes, when every connection of the pool is taken at its beginning.
    pub(crate) async fn watch<D: Database, T>(&self, pool: &Pool<D>, asked: impl Future<Output = T>) -> T {
        if pool.num_idle() > 0 || pool.size() < pool.options().get_max_connections() {
            return asked.await;
        }
        let begun = Waiting { counted: &self.0, since: Instant::now() };
        let given = asked.await;
        drop(begun);
        given
    }

    /// How many waited since the start.
    pub(crate) fn count(&self) -> u64 {
        self.0.waits.load(Ordering::Relaxed)
    }

    /// How long they waited, all together.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_micros(self.0.micros.load(Ordering::Relaxed))
    }
}

/// A wait; it is counted when it ends, also for those who give up.
struct Waiting<'a> {
    counted: &'a Counted,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counted.micros.fetch_add(micros, Ordering::Relaxed);
        self.counted.waits.fetch_add(1, Ordering::Relaxed);
    }
}
