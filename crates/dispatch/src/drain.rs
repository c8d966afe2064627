//! The way to a stop: `Running -> Settling -> Refusing -> HandingOver -> Stopped`.
//!
//! The machine is pure (time is an argument); [`Drain`] is the handle that everybody is given, a value and never a global.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

/// Where an instance stands on its way to a stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DrainState {
    /// It works.
    #[default]
    Running,
    /// Readiness says no, and everything still works: balancers take notice.
    Settling,
    /// New calls are sent elsewhere or told; live calls go on.
    Refusing,
    /// The deadline: each remaining call is handed over, or closed politely.
    HandingOver,
    /// No call is left.
    Stopped,
}

impl DrainState {
    /// The word in bodies, labels and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Settling => "settling",
            Self::Refusing => "refusing",
            Self::HandingOver => "handover",
            Self::Stopped => "stopped",
        }
    }

    /// True when new calls are answered as usual.
    pub const fn takes_calls(self) -> bool {
        matches!(self, Self::Running | Self::Settling)
    }
}

/// How long each part takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainRules {
    /// Balancers are given this long to take notice.
    pub settle: Duration,
    /// Live calls may go on for this long, the settling included.
    pub timeout: Duration,
    /// A handed-over or closed call may take this long to end; after that its socket is cut.
    pub handover: Duration,
}

/// The machine.
#[derive(Debug, Clone, Copy)]
pub struct DrainMachine {
    rules: DrainRules,
    state: DrainState,
    began: Option<Instant>,
    handing_since: Option<Instant>,
}

impl DrainMachine {
    /// An instance at work.
    pub const fn new(rules: DrainRules) -> Self {
        Self { rules, state: DrainState::Running, began: None, handing_since: None }
    }

    /// Where it stands.
    pub const fn state(&self) -> DrainState {
        self.state
    }

    /// A stop is asked for. False when one is under way.
    pub fn begin(&mut self, now: Instant) -> bool {
        if self.state != DrainState::Running {
            return false;
        }
        (self.state, self.began) = (DrainState::Settling, Some(now));
        true
    }

    /// The stop is called off. False when it is too late: calls are being handed over.
    pub fn cancel(&mut self) -> bool {
        let reversible = matches!(self.state, DrainState::Settling | DrainState::Refusing);
        if reversible {
            (self.state, self.began) = (DrainState::Running, None);
        }
        reversible
    }

    /// Moves on when it is time. `calls`: live calls, waiting callers and expected streams of this instance.
    pub fn step(&mut self, calls: usize, now: Instant) -> Option<DrainState> {
        let began = self.began?;
        let since = now.saturating_duration_since(began);
        let next = match self.state {
            DrainState::Settling if since >= self.rules.settle.min(self.rules.timeout) => DrainState::Refusing,
            DrainState::Refusing if calls == 0 => DrainState::Stopped,
            DrainState::Refusing if since >= self.rules.timeout => {
                self.handing_since = Some(now);
                DrainState::HandingOver
            }
            DrainState::HandingOver if calls == 0 => DrainState::Stopped,
            _ => return None,
        };
        self.state = next;
        Some(next)
    }

    /// True when what is left must be cut.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.state == DrainState::HandingOver
            && self.handing_since.is_some_and(|since| now.saturating_duration_since(since) >= self.rules.handover)
    }

    /// When live calls are handed over.
    pub fn deadline(&self) -> Option<Instant> {
        self.began.map(|began| began + self.rules.timeout)
    }
}

/// The handle on an instance's drain.
#[derive(Clone)]
pub struct Drain(Arc<Shared>);

struct Shared {
    machine: Mutex<DrainMachine>,
    state: watch::Sender<DrainState>,
    wake: Notify,
    calls: TaskTracker,
}

impl Drain {
    /// An instance at work.
    pub fn new(rules: DrainRules) -> Self {
        let shared = Shared {
            machine: Mutex::new(DrainMachine::new(rules)),
            state: watch::Sender::new(DrainState::Running),
            wake: Notify::new(),
            calls: TaskTracker::new(),
        };
        Self(Arc::new(shared))
    }

    /// Where it stands.
    pub fn state(&self) -> DrainState {
        *self.0.state.borrow()
    }

    /// Tells every change.
    pub fn watch(&self) -> watch::Receiver<DrainState> {
        self.0.state.subscribe()
    }

    /// Begins a stop. False when one is under way.
    pub fn begin(&self, now: Instant) -> bool {
        let begun = self.machine().begin(now);
        self.publish();
        begun
    }

    /// Calls a stop off. False when it is too late.
    pub fn cancel(&self) -> bool {
        let cancelled = self.machine().cancel();
        self.publish();
        cancelled
    }

    /// When live calls are handed over, while a stop is under way.
    pub fn deadline(&self) -> Option<Instant> {
        self.machine().deadline()
    }

    /// Moves on when it is time; the new state, when there is one.
    pub fn step(&self, calls: usize, now: Instant) -> Option<DrainState> {
        let next = self.machine().step(calls, now);
        self.publish();
        next
    }

    /// True when what is left must be cut.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.machine().is_overdue(now)
    }

    /// Resolves when the state may have changed or a call has ended.
    pub async fn changed(&self) {
        self.0.wake.notified().await;
    }

    /// Runs a call so that the stop waits for it. HTTP's own graceful shutdown does not wait for WebSockets.
    pub async fn track<F: Future>(&self, call: F) -> F::Output {
        let output = self.0.calls.track_future(call).await;
        self.0.wake.notify_one();
        output
    }

    /// Calls whose tasks are not over.
    pub fn tracked(&self) -> usize {
        self.0.calls.len()
    }

    fn machine(&self) -> std::sync::MutexGuard<'_, DrainMachine> {
        self.0.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self) {
        let state = self.machine().state();
        if self.0.state.send_if_modified(|shown| std::mem::replace(shown, state) != state) {
            self.0.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: DrainRules =
        DrainRules { settle: Duration::from_secs(5), timeout: Duration::from_secs(120), handover: Duration::from_secs(20) };

    fn second(origin: Instant, second: u64) -> Instant {
        origin + Duration::from_secs(second)
    }

    #[test]
    fn an_idle_instance_settles_and_stops() {
        let (mut drain, origin) = (DrainMachine::new(RULES), Instant::now());
        assert_eq!(drain.step(0, origin), None, "nobody asked for a stop");
        assert!(drain.begin(origin) && !drain.begin(origin));
        assert_eq!(drain.step(0, second(origin, 4)), None, "balancers have not taken notice yet");
        assert!(drain.state().takes_calls());
        assert_eq!(drain.step(0, second(origin, 5)), Some(DrainState::Refusing));
        assert!(!drain.state().takes_calls());
        assert_eq!(drain.step(0, second(origin, 5)), Some(DrainState::Stopped));
    }

    #[test]
    fn live_calls_go_on_until_the_deadline_and_are_then_handed_over() {
        let (mut drain, origin) = (DrainMachine::new(RULES), Instant::now());
        drain.begin(origin);
        drain.step(2, second(origin, 5));
        assert_eq!(drain.step(2, second(origin, 119)), None);
        assert_eq!(drain.step(2, second(origin, 120)), Some(DrainState::HandingOver));
        assert!(!drain.is_overdue(second(origin, 139)) && drain.is_overdue(second(origin, 140)));
        assert_eq!(drain.step(0, second(origin, 121)), Some(DrainState::Stopped));
    }

    #[test]
    fn a_stop_can_be_called_off_until_calls_are_handed_over() {
        let (mut drain, origin) = (DrainMachine::new(RULES), Instant::now());
        assert!(!drain.cancel(), "nothing to call off");
        drain.begin(origin);
        drain.step(1, second(origin, 5));
        assert!(drain.cancel());
        assert_eq!((drain.state(), drain.deadline()), (DrainState::Running, None));
        drain.begin(second(origin, 200));
        drain.step(1, second(origin, 205));
        drain.step(1, second(origin, 320));
        assert!(!drain.cancel(), "calls are on their way elsewhere");
    }

    #[test]
    fn a_settle_time_longer_than_the_deadline_does_not_delay_it() {
        let rules = DrainRules { settle: Duration::from_secs(300), ..RULES };
        let (mut drain, origin) = (DrainMachine::new(rules), Instant::now());
        drain.begin(origin);
        assert_eq!(drain.step(1, second(origin, 120)), Some(DrainState::Refusing));
        assert_eq!(drain.step(1, second(origin, 120)), Some(DrainState::HandingOver));
    }
}
