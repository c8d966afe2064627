//! Tries at the same account from the same network, one after the other: of many at once all would be looked at before the first counts as a failure.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use tokio::sync::{Mutex, MutexGuard};

use crate::PeopleError;
use crate::throttle::Gate;

/// Lanes that go on beside each other. Nobody can tell which lane an account has: it is drawn at the start.
const LANES: usize = 256;
/// Tries that may wait in one lane. A person sends one.
const WAITING: usize = 4;
/// When to come again while a lane is full.
const COME_AGAIN: SignedDuration = SignedDuration::from_secs(1);

pub(crate) struct Turns {
    drawn: RandomState,
    lanes: Vec<Lane>,
}

#[derive(Default)]
struct Lane {
    turn: Mutex<()>,
    inside: AtomicUsize,
}

/// One's turn, until it is dropped.
pub(crate) struct Turn<'a> {
    _turn: MutexGuard<'a, ()>,
    _inside: Inside<'a>,
}

struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self { drawn: RandomState::new(), lanes: (0..LANES).map(|_| Lane::default()).collect() }
    }

    /// Waits for the tries before.
    pub(crate) async fn wait(&self, gate: &Gate) -> Result<Turn<'_>, PeopleError> {
        let drawn = self.drawn.hash_one(gate.pair()) % LANES as u64;
        let lane = &self.lanes[usize::try_from(drawn).unwrap_or_default()];
        let enter = |inside| if inside <= WAITING { Some(inside + 1) } else { None };
        let entered = lane.inside.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter);
        entered.map_err(|_| PeopleError::Throttled { retry_after: COME_AGAIN })?;
        let inside = Inside(&lane.inside);
        Ok(Turn { _turn: lane.turn.lock().await, _inside: inside })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::task::Poll;

    use jiff::Timestamp;

    use super::*;
    use crate::throttle::Guess;

    #[tokio::test]
    async fn one_is_looked_at_some_wait_and_the_rest_come_again() {
        let turns = Turns::new();
        let gate = Gate::new(Guess::Password, "a@b.example", Ipv4Addr::LOCALHOST.into(), Timestamp::UNIX_EPOCH);
        let first = turns.wait(&gate).await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(turns.wait(&gate))).collect();
        for one in &mut waiting {
            assert!(matches!(futures_poll(one).await, Poll::Pending));
        }
        assert!(matches!(turns.wait(&gate).await, Err(PeopleError::Throttled { .. })));
        drop(first);
        assert!(matches!(futures_poll(&mut waiting[0]).await, Poll::Ready(Ok(_))));
        drop(waiting);
        assert!(turns.wait(&gate).await.is_ok());
    }

    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        std::future::poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context))).await
    }
}
