//! The call queue as its users see it: the functions of the reference, which never fail, over [`LiveState`], which may.

use std::collections::BTreeMap;
use std::sync::Arc;

use call::{PhoneNumber, Timestamp};
use serde::Serialize;

use crate::{Enqueued, Leaving, Limits, LiveState, NewQueueEntry, QueueEntry, QueueStats};

/// The queue by the reference's names. Callers who wait on a media stream go through [`LiveState`] itself, since they have a holder and limits;
/// what is entered here has neither, and is served by whoever dequeues it.
pub struct CallQueue {
    state: Arc<dyn LiveState>,
    enabled: bool,
}

/// What [`CallQueue::get_queue_stats`] tells. With the queue off only `enabled` and `depth` are written; when live state fails, `error` beside
/// them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct QueueReport {
    /// 1 when the queue is on.
    pub enabled: u8,
    /// Callers who wait.
    pub depth: u64,
    /// All numbers, `depth` among them; none when the queue is off or does not answer.
    #[serde(flatten, serialize_with = "without_depth")]
    pub stats: Option<QueueStats>,
    /// 1 when live state does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u8>,
}

/// `depth` stands beside them already.
fn without_depth<S: serde::Serializer>(stats: &Option<QueueStats>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Numbers {
        max_size: u64,
        total_queued: u64,
        total_dequeued: u64,
        abandoned: u64,
        callbacks: u64,
        lapsed: u64,
        wait_total_ms: u64,
        wait_max_ms: u64,
        within_threshold: u64,
        oldest_ms: u64,
    }
    let numbers = stats.map(|stats| Numbers {
        max_size: stats.max_size,
        total_queued: stats.total_queued,
        total_dequeued: stats.total_dequeued,
        abandoned: stats.abandoned,
        callbacks: stats.callbacks,
        lapsed: stats.lapsed,
        wait_total_ms: stats.wait_total_ms,
        wait_max_ms: stats.wait_max_ms,
        within_threshold: stats.within_threshold,
        oldest_ms: stats.oldest_ms,
    });
    numbers.serialize(serializer)
}

impl CallQueue {
    /// With `enabled` off nobody waits, and every answer is that of an empty queue.
    pub fn new(state: Arc<dyn LiveState>, enabled: bool) -> Self {
        Self { state, enabled }
    }

    /// A caller begins to wait. False when the queue is off, full, or live state fails. One call waits once: asking again is true, and changes
    /// nothing.
    pub async fn enqueue_call(
        &self,
        call_id: &str,
        agent_id: &str,
        phone_number: Option<PhoneNumber>,
        priority: i32,
        metadata: Option<BTreeMap<String, String>>,
    ) -> bool {
        if !self.enabled {
            return false;
        }
        let entry = NewQueueEntry {
            call_id: call_id.to_owned(),
            agent_id: agent_id.to_owned(),
            phone_number,
            priority,
            metadata,
            holder: None,
            tenant: String::new(),
            limits: Limits::default(),
            queued_at: None,
        };
        match self.state.enqueue(&entry).await {
            Ok(Enqueued::Queued(place) | Enqueued::Already(place)) => {
                tracing::info!(call.id = call_id, priority, position = place.position, "call_queued");
                true
            }
            Ok(Enqueued::Full) => {
                tracing::warn!(call.id = call_id, "queue_full");
                false
            }
            Err(error) => {
                tracing::error!(call.id = call_id, %error, "call_enqueue_failed");
                false
            }
        }
    }

    /// Takes the first caller for good, as the reference does: it is handed out and confirmed in one go, so what crashes after this answer has
    /// lost the caller. Who can, uses [`Self::take`] and [`Self::confirm`].
    ///
    /// Nothing when nobody waits, the queue is off, or live state fails before a caller was handed out. When it fails after that, the caller is
    /// returned all the same: it may come back to its place and be handed out once more, but it is not lost.
    pub async fn dequeue_call(&self) -> Option<QueueEntry> {
        let entry = self.take().await?;
        match self.state.confirm(&entry.call_id).await {
            Ok(confirmed) => confirmed.then_some(entry),
            Err(error) => {
                tracing::error!(call.id = entry.call_id, %error, "call_confirm_failed");
                Some(entry)
            }
        }
    }

    /// Hands out the first caller for [`crate::Rules::grant_lease`]. Who does not [`Self::confirm`] in that time, because it crashed or failed,
    /// gives the caller back to its place.
    pub async fn take(&self) -> Option<QueueEntry> {
        if !self.enabled {
            return None;
        }
        let entry = self.state.dequeue().await.unwrap_or_else(|error| {
            tracing::error!(%error, "call_dequeue_failed");
            None
        })?;
        let waited = Timestamp::now().as_microsecond() as f64 / 1e6 - entry.queued_at;
        let wait_time_seconds = (waited.max(0.0) * 100.0).round() / 100.0;
        tracing::info!(call.id = entry.call_id, wait_time_seconds, "call_dequeued");
        Some(entry)
    }

    /// What was taken is being served. False when the lease had run out, or live state fails: somebody else may serve the caller.
    pub async fn confirm(&self, call_id: &str) -> bool {
        if !self.enabled {
            return false;
        }
        self.state.confirm(call_id).await.unwrap_or_else(|error| {
            tracing::error!(call.id = call_id, %error, "call_confirm_failed");
            false
        })
    }

    /// The first callers in the order in which they are served; all of them for 0. [`Self::PEEK`] is what the reference shows.
    pub async fn peek_queue(&self, count: usize) -> Vec<QueueEntry> {
        if !self.enabled {
            return Vec::new();
        }
        self.state.peek(count).await.unwrap_or_else(|error| {
            tracing::error!(%error, "queue_peek_failed");
            Vec::new()
        })
    }

    /// How many callers [`Self::peek_queue`] shows when nobody says how many.
    pub const PEEK: usize = 10;

    /// Callers who wait; 0 when live state fails.
    pub async fn get_queue_depth(&self) -> u64 {
        if !self.enabled {
            return 0;
        }
        self.state.depth().await.unwrap_or_else(|error| {
            tracing::error!(%error, "queue_depth_failed");
            0
        })
    }

    /// Numbers of the queue.
    pub async fn get_queue_stats(&self) -> QueueReport {
        if !self.enabled {
            return QueueReport::default();
        }
        match self.state.stats().await {
            Ok(stats) => QueueReport { enabled: 1, depth: stats.depth, stats: Some(stats), error: None },
            Err(error) => {
                tracing::error!(%error, "queue_stats_failed");
                QueueReport { enabled: 1, depth: 0, stats: None, error: Some(1) }
            }
        }
    }

    /// Takes a caller out. False when it does not wait, the queue is off, or live state fails.
    pub async fn remove_from_queue(&self, call_id: &str) -> bool {
        if !self.enabled {
            return false;
        }
        match self.state.remove(call_id, Leaving::Removed).await {
            Ok(true) => {
                tracing::info!(call.id = call_id, "call_removed_from_queue");
                true
            }
            Ok(false) => {
                tracing::warn!(call.id = call_id, "call_not_in_queue");
                false
            }
            Err(error) => {
                tracing::error!(call.id = call_id, %error, "call_remove_failed");
                false
            }
        }
    }

    /// Takes all waiting callers out. How many; 0 when the queue is off or live state fails. The totals are kept.
    pub async fn clear_queue(&self) -> u64 {
        if !self.enabled {
            return 0;
        }
        self.state.clear().await.unwrap_or_else(|error| {
            tracing::error!(%error, "queue_clear_failed");
            0
        })
    }
}
