//! Connections that are open before they are needed: the time to connect is on the caller's ear.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::Fault;

/// How many stand by, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandbyPolicy {
    /// Connections that stand by at once; 0: none.
    pub cap: usize,
    /// One that is older is closed.
    pub max_age: Duration,
    /// When nobody took one for so long, no new ones are opened.
    pub idle: Duration,
}

/// A connection that can wait.
pub trait Warm: Send + 'static {
    /// Keeps it alive until it breaks. May be dropped at any time; the connection is used then.
    fn wait(&mut self) -> impl Future<Output = Fault> + Send;
}

type Make<T> = dyn Fn() -> BoxFuture<'static, Result<T, Fault>> + Send + Sync;

/// Connections of one kind that stand by. Cheap to clone.
pub struct Standby<T>(Arc<Inner<T>>);

struct Inner<T> {
    make: Box<Make<T>>,
    policy: StandbyPolicy,
    state: Mutex<State<T>>,
}

struct State<T> {
    ready: VecDeque<Waiting<T>>,
    /// Being opened.
    coming: usize,
    last_taken: Option<Instant>,
}

/// One that stands by: whoever sends a sender gets it back.
type Waiting<T> = oneshot::Sender<oneshot::Sender<T>>;

impl<T> Clone for Standby<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Warm> Standby<T> {
    /// None stand by before the first was taken.
    pub fn new(policy: StandbyPolicy, make: impl Fn() -> BoxFuture<'static, Result<T, Fault>> + Send + Sync + 'static) -> Self {
        let state = State { ready: VecDeque::new(), coming: 0, last_taken: None };
        Self(Arc::new(Inner { make: Box::new(make), policy, state: Mutex::new(state) }))
    }

    /// One that stands by, or a new one.
    pub async fn take(&self) -> Result<T, Fault> {
        self.lock().last_taken = Some(Instant::now());
        loop {
            let next = self.lock().ready.pop_front();
            let Some(waiting) = next else { break };
            let (hand, over) = oneshot::channel();
            // One that broke or grew old in the meantime is not there any more.
            if waiting.send(hand).is_ok()
                && let Ok(one) = over.await
            {
                self.refill();
                return Ok(one);
            }
        }
        let one = (self.0.make)().await?;
        self.refill();
        Ok(one)
    }

    /// How many stand by now.
    pub fn ready(&self) -> usize {
        self.lock().ready.iter().filter(|waiting| !waiting.is_closed()).count()
    }

    /// Opens what is missing, beside.
    fn refill(&self) {
        let wanted = {
            let mut state = self.lock();
            state.ready.retain(|waiting| !waiting.is_closed());
            let recent = state.last_taken.is_some_and(|at| at.elapsed() < self.0.policy.idle);
            let have = state.ready.len() + state.coming;
            let wanted = if recent { self.0.policy.cap.saturating_sub(have) } else { 0 };
            state.coming += wanted;
            wanted
        };
        for _ in 0..wanted {
            tokio::spawn(self.clone().open());
        }
    }

    async fn open(self) {
        let made = (self.0.make)().await;
        let (waiting, wanted) = oneshot::channel();
        {
            let mut state = self.lock();
            state.coming = state.coming.saturating_sub(1);
            if made.is_ok() {
                state.ready.push_back(waiting);
            }
        }
        if let Ok(one) = made {
            self.stand_by(one, wanted).await;
        }
    }

    async fn stand_by(self, mut one: T, wanted: oneshot::Receiver<oneshot::Sender<T>>) {
        let old = Instant::now() + self.0.policy.max_age;
        let handed = tokio::select! {
            handed = wanted => handed.ok(),
            _ = one.wait() => None,
            () = sleep_until(old) => None,
        };
        match handed {
            // Whoever wanted it may be gone; then it is closed.
            Some(hand) => drop(hand.send(one)),
            None => {
                drop(one);
                self.refill();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct One(usize);

    impl Warm for One {
        async fn wait(&mut self) -> Fault {
            std::future::pending().await
        }
    }

    fn standby(made: &Arc<AtomicUsize>) -> Standby<One> {
        let made = Arc::clone(made);
        let policy = StandbyPolicy { cap: 2, max_age: Duration::from_secs(10), idle: Duration::from_secs(25) };
        Standby::new(policy, move || {
            let number = made.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { Ok(One(number)) })
        })
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn some_stand_by_grow_old_and_are_replaced_while_they_are_needed() {
        let made = Arc::new(AtomicUsize::new(0));
        let standby = standby(&made);
        assert_eq!(standby.take().await.unwrap().0, 0);
        settle().await;
        assert_eq!((standby.ready(), made.load(Ordering::SeqCst)), (2, 3));
        assert_eq!(standby.take().await.unwrap().0, 1, "the one that waited longest");
        settle().await;
        tokio::time::sleep(Duration::from_secs(11)).await;
        settle().await;
        assert_eq!((standby.ready(), made.load(Ordering::SeqCst)), (2, 6), "the old ones were replaced");
        tokio::time::sleep(Duration::from_secs(60)).await;
        settle().await;
        assert_eq!(standby.ready(), 0, "nobody needs them any more");
    }
}
