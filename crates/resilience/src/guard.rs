//! Runs the machines around a call.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::bulkhead::{Bulkhead, Place};
use crate::{Breaker, Classify, Counts, Failure, Outcome, Pace, Policy, Service, State, Ticket, View};

/// Whether a call may be made again when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It has no effect, or one key for all tries.
    Safe,
    /// It might be done twice.
    Never,
}

/// Why a call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It failed too often.
    Open,
    /// It asked to be left alone.
    Paused,
    /// As many calls as may be are under way.
    Full,
    /// It was asked as often as it may be.
    Paced,
    /// The call's own deadline was over while it waited.
    Late,
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open => "it failed too often",
            Self::Paused => "it asked us to wait",
            Self::Full => "too many calls to it are under way",
            Self::Paced => "it was asked as often as it may be",
            Self::Late => "there is no time left",
        })
    }
}

/// A call that was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} is not asked, because {why}; try again in {} s", service.as_str(), retry_after.as_secs_f64().ceil())]
pub struct Rejected {
    /// Which service.
    pub service: Service,
    /// Why.
    pub why: Why,
    /// When it may work again.
    pub retry_after: Duration,
}

/// What may become of a guarded call.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// It was not made.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// It was not answered in time.
    #[error("{} did not answer {what} within {} ms", service.as_str(), limit.as_millis())]
    Timeout {
        /// Which service.
        service: Service,
        /// Which call.
        what: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// It failed.
    #[error(transparent)]
    Failed(E),
}

/// What stands before one service. Cheap to clone; all clones are one guard.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    service: Service,
    /// Which of the many that the service stands for.
    part: Option<String>,
    policy: Policy,
    bulkhead: Bulkhead,
    moving: Mutex<Moving>,
}

struct Moving {
    breaker: Breaker,
    pace: Option<Pace>,
    rng: fastrand::Rng,
    counts: Counts,
    transitions: Vec<(State, State, u64)>,
    /// When it last left the state "closed".
    left: Option<std::time::Instant>,
    not_closed: Duration,
}

/// A call under way. Say what came of it; dropped, it counts as given up by us.
#[must_use]
pub struct Begun {
    guard: Guard,
    ticket: Option<Ticket>,
    /// It was answered, and goes on.
    alive: bool,
    since: Instant,
    _place: Place,
}

impl Begun {
    /// The service answered.
    pub fn answered(mut self) {
        self.alive();
        self.ticket = None;
    }

    /// Only now is the whole question asked: the time to the answer counts from here.
    pub fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// The service has begun to answer: that counts now, with the time it took, and the place is kept. What comes later may still fail, and
    /// counts then as well.
    pub fn alive(&mut self) {
        if !std::mem::replace(&mut self.alive, true) {
            let took = self.since.elapsed();
            let Some(ticket) = self.ticket.as_mut() else { return };
            let mut moving = self.guard.moving();
            moving.counts.answered += 1;
            self.guard.change(&mut moving, |breaker, now, rng| breaker.began(ticket, took, now, rng));
        }
    }

    /// It failed.
    pub fn failed(mut self, failure: Failure) {
        let took = self.since.elapsed();
        match failure {
            Failure::Refused if self.alive => self.ticket = None,
            Failure::Refused => self.settle(Outcome::Answered(took), |counts| counts.answered += 1),
            Failure::KeyRefused if self.alive => {
                self.ticket = None;
                self.guard.moving().counts.key_refused += 1;
            }
            Failure::KeyRefused => self.settle(Outcome::Answered(took), |counts| counts.key_refused += 1),
            Failure::Overloaded(time) => self.settle(Outcome::Paused(time), |counts| counts.overloaded += 1),
            Failure::Transient | Failure::Broken => self.settle(Outcome::Failed, |counts| counts.failed += 1),
        }
    }

    /// It did not answer in time.
    pub fn timed_out(mut self) {
        self.settle(Outcome::Failed, |counts| counts.timed_out += 1);
    }

    fn settle(&mut self, outcome: Outcome, count: impl FnOnce(&mut Counts)) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut moving = self.guard.moving();
        count(&mut moving.counts);
        self.guard.change(&mut moving, |breaker, now, rng| breaker.settle(ticket, outcome, now, rng));
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.alive {
            self.settle(Outcome::Ignored, |counts| counts.ignored += 1);
        }
    }
}

impl Guard {
    /// A guard that is on no list: the program's own come from [`crate::Guards`].
    pub fn new(service: Service, policy: Policy) -> Self {
        Self::named(service, None, policy)
    }

    pub(crate) fn of_part(service: Service, part: &str) -> Self {
        Self::named(service, Some(part.to_owned()), service.policy())
    }

    fn named(service: Service, part: Option<String>, policy: Policy) -> Self {
        let moving = Moving {
            breaker: Breaker::new(policy.breaker, Instant::now().into_std()),
            pace: policy.pace.map(Pace::new),
            rng: fastrand::Rng::new(),
            counts: Counts::default(),
            transitions: Vec::new(),
            left: None,
            not_closed: Duration::ZERO,
        };
        Self(Arc::new(Inner { service, part, policy, bulkhead: Bulkhead::new(policy.bulkhead), moving: Mutex::new(moving) }))
    }

    /// Makes a call: waits for a place, passes the breaker, has each try answered within its limit, and repeats what is safe while that may
    /// help and the deadline is not over.
    pub async fn call<R, E, F>(&self, what: &'static str, repeat: Repeat, mut work: impl FnMut() -> F) -> Result<R, CallError<E>>
    where
        E: Classify,
        F: Future<Output = Result<R, E>>,
    {
        let deadline = Instant::now() + self.0.policy.deadline;
        let (mut repeats, mut before) = (0, None);
        loop {
            let begun = match self.begun_by(deadline, repeat).await {
                Ok(begun) => begun,
                // A try was made: what came of it is more than that there was no other.
                Err(rejected) => return Err(before.unwrap_or(CallError::Rejected(rejected))),
            };
            let (error, failure) = match self.tried(begun, what, deadline, work()).await {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            let delay = self.0.policy.retry.delay(repeats, failure, &mut self.moving().rng);
            match delay.filter(|delay| repeat == Repeat::Safe && Instant::now() + *delay < deadline) {
                Some(delay) => sleep(delay).await,
                None => return Err(error),
            }
            (repeats, before) = (repeats + 1, Some(error));
        }
    }

    /// Begins, and waits for the end of a pause where there is time for it and the call may be made late.
    async fn begun_by(&self, deadline: Instant, repeat: Repeat) -> Result<Begun, Rejected> {
        loop {
            let begun = timeout_at(deadline, self.begin()).await.unwrap_or_else(|_| Err(self.reject(Why::Late, Duration::ZERO)));
            match begun {
                Err(rejected)
                    if rejected.why == Why::Paused && repeat == Repeat::Safe && Instant::now() + rejected.retry_after < deadline =>
                {
                    sleep(rejected.retry_after).await;
                }
                begun => return begun,
            }
        }
    }

    /// One try.
    async fn tried<R, E: Classify>(
        &self,
        begun: Begun,
        what: &'static str,
        deadline: Instant,
        work: impl Future<Output = Result<R, E>>,
    ) -> Result<R, (CallError<E>, Failure)> {
        let limit = self.0.policy.attempt.min(deadline.saturating_duration_since(Instant::now()));
        match timeout(limit, work).await {
            Ok(Ok(done)) => {
                begun.answered();
                Ok(done)
            }
            Ok(Err(error)) => {
                let failure = error.failure();
                begun.failed(failure);
                Err((CallError::Failed(error), failure))
            }
            Err(_) => {
                // A try that had less time than it should says nothing about the service.
                if limit == self.0.policy.attempt {
                    begun.timed_out();
                }
                Err((CallError::Timeout { service: self.0.service, what, limit }, Failure::Transient))
            }
        }
    }

    /// Begins a call of one's own making, such as a stream: its place and its say about the service last as long as the [`Begun`].
    pub async fn begin(&self) -> Result<Begun, Rejected> {
        // First the cheap look: whoever is refused does not wait for a place.
        self.look()?;
        let place = self.0.bulkhead.enter().await.map_err(|_| self.reject(Why::Full, self.0.bulkhead.wait()))?;
        let admitted = {
            let mut moving = self.moving();
            let now = Instant::now().into_std();
            // Who is refused takes nothing of the pace.
            match moving.breaker.would_refuse(now) {
                Some(refused) => Err(why(&refused)),
                None => match moving.pace.as_mut().map_or(Ok(()), |pace| pace.take(now)) {
                    Err(wait) => Err((Why::Paced, wait)),
                    Ok(()) => self.change(&mut moving, |breaker, now, _| breaker.admit(now)).map_err(|refused| why(&refused)),
                },
            }
        };
        let ticket = admitted.map_err(|(why, after)| self.reject(why, after))?;
        Ok(Begun { guard: self.clone(), ticket: Some(ticket), alive: false, since: Instant::now(), _place: place })
    }

    /// Closes the breaker, whatever was.
    pub fn reset(&self) {
        self.change(&mut self.moving(), |breaker, now, _| breaker.reset(now));
    }

    /// True when it is open or half open, its time is over and no operator opened it: a check outside of calls may find out whether the service
    /// is back, before a caller does.
    pub fn wants_probe(&self) -> bool {
        let moving = self.moving();
        let now = Instant::now().into_std();
        !moving.breaker.is_forced() && moving.breaker.state_at(now) == State::HalfOpen && moving.breaker.would_refuse(now).is_none()
    }

    /// True when a call would be let through now, as far as the breaker is concerned.
    pub fn lets_through(&self) -> bool {
        self.moving().breaker.would_refuse(Instant::now().into_std()).is_none()
    }

    /// True when somebody beside the list holds it.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Opens the breaker until it is reset.
    pub fn force_open(&self) {
        self.change(&mut self.moving(), |breaker, _, _| breaker.force_open());
    }

    /// How it stands.
    pub fn view(&self) -> View {
        let moving = self.moving();
        let now = Instant::now().into_std();
        View {
            service: self.0.service,
            state: moving.breaker.state_at(now),
            forced: moving.breaker.is_forced(),
            failures_in_a_row: moving.breaker.failures_in_a_row(),
            retry_after: moving.breaker.refuses_until(now).map(|until| until - now),
            in_use: self.0.bulkhead.in_use(),
            waiting: self.0.bulkhead.waiting(),
            counts: moving.counts,
            transitions: moving.transitions.clone(),
            not_closed: moving.not_closed + moving.left.map_or(Duration::ZERO, |left| now.saturating_duration_since(left)),
        }
    }

    fn look(&self) -> Result<(), Rejected> {
        let refused = {
            let moving = self.moving();
            moving.breaker.would_refuse(Instant::now().into_std()).map(|refused| why(&refused))
        };
        refused.map_or(Ok(()), |(why, after)| Err(self.reject(why, after)))
    }

    fn reject(&self, why: Why, retry_after: Duration) -> Rejected {
        self.moving().counts.rejected += 1;
        Rejected { service: self.0.service, why, retry_after }
    }

    fn moving(&self) -> MutexGuard<'_, Moving> {
        self.0.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the breaker, and notes it when its state is another one then.
    fn change<R>(&self, moving: &mut Moving, what: impl FnOnce(&mut Breaker, std::time::Instant, &mut fastrand::Rng) -> R) -> R {
        let (now, before) = (Instant::now().into_std(), moving.breaker.state());
        let result = what(&mut moving.breaker, now, &mut moving.rng);
        let after = moving.breaker.state();
        if before != after {
            moving.note(before, after, now);
            let (service, part) = (self.0.service.as_str(), self.0.part.as_deref());
            match after {
                State::Open => tracing::warn!(service, part, forced = moving.breaker.is_forced(), "the service is not asked for a while"),
                State::HalfOpen => tracing::info!(service, part, "one call finds out whether the service is back"),
                State::Closed => tracing::info!(service, part, "the service is asked again"),
            }
        }
        result
    }
}

impl Moving {
    fn note(&mut self, before: State, after: State, now: std::time::Instant) {
        match self.transitions.iter_mut().find(|(from, to, _)| (*from, *to) == (before, after)) {
            Some((_, _, count)) => *count += 1,
            None => self.transitions.push((before, after, 1)),
        }
        if before == State::Closed {
            self.left = Some(now);
        }
        if let (State::Closed, Some(left)) = (after, self.left.take_if(|_| after == State::Closed)) {
            self.not_closed += now.saturating_duration_since(left);
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guard").field("service", &self.0.service).field("state", &self.moving().breaker.state()).finish()
    }
}

fn why(refused: &crate::Refused) -> (Why, Duration) {
    (if refused.paused { Why::Paused } else { Why::Open }, refused.retry_after)
}
