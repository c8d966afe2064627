//! The journal of a call: turns are stored as they end, in order, by a task of their own, so that a slow database never delays audio.

use std::sync::Arc;
use std::time::Duration;

use call::{CallId, TurnRecord};
use store::Records;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{Instrument, error};

/// Turns that may wait for the database. A conversation makes one every few seconds.
const WAITING_TURNS: usize = 64;
/// At the end of a call its turns are waited for this long.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// Where a call's turns go.
pub(crate) struct Journal {
    turns: mpsc::Sender<TurnRecord>,
    writer: JoinHandle<()>,
    next_index: u32,
}

impl Journal {
    pub(crate) fn open(records: Arc<dyn Records>, id: CallId) -> Self {
        let (turns, mut waiting) = mpsc::channel::<TurnRecord>(WAITING_TURNS);
        let write = async move {
            while let Some(turn) = waiting.recv().await {
                if let Err(fault) = records.add_turn(id, &turn).await {
                    error!(turn = turn.index, error = %fault, "turn not stored");
                }
            }
        };
        Self { turns, writer: tokio::spawn(write.in_current_span()), next_index: 0 }
    }

    /// Stores a turn under the next index.
    pub(crate) fn add(&mut self, mut turn: TurnRecord) {
        turn.index = self.next_index;
        self.next_index += 1;
        if self.turns.try_send(turn).is_err() {
            error!(turn = self.next_index - 1, limit = WAITING_TURNS, "turn not stored: the database is too far behind");
        }
    }

    /// How many turns there were.
    pub(crate) fn count(&self) -> u32 {
        self.next_index
    }

    /// Waits until everything is stored.
    pub(crate) async fn close(self) {
        drop(self.turns);
        if tokio::time::timeout(FLUSH_LIMIT, self.writer).await.is_err() {
            error!(limit = ?FLUSH_LIMIT, "turns not stored at the end of the call: the database did not answer in time");
        }
    }
}
