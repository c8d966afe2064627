//! How late the runtime's tasks run: the one number that shows a blocked or overloaded event loop before callers hear it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Metrics;

/// How often the lateness is measured: often enough to meet a block of one tenth of a second, rare enough to cost nothing.
const TICK: Duration = Duration::from_millis(100);

/// Measures for as long as it is polled, and never returns: spawn it once, and abort it when the process stops.
///
/// The runtime's timers count in whole milliseconds, so an idle process shows about one.
pub async fn watch_event_loop(metrics: Metrics) {
    loop {
        let due = Instant::now() + TICK;
        sleep_until(due).await;
        metrics.event_loop_lag(due.elapsed());
    }
}
