//! The circuit breaker: whoever fails again and again is left alone for a while, and then asked by one call at a time.
//!
//! ```text
//!            too many failures in a row, too large a share of failures, or of slow answers
//!   CLOSED ------------------------------------------------------------------------------> OPEN
//!     ^                                                                                     |  its time is over
//!     |        enough probes in a row were answered                                         v
//!     +---------------------------------------------------------------------------- HALF OPEN (one probe at a time)
//!                                                                                           |  a probe fails: OPEN, twice as long
//! ```

mod window;

use std::time::{Duration, Instant};

use self::window::Window;

/// While a probe is out others are refused; they may come again after this time.
const PROBE_UNDER_WAY: Duration = Duration::from_secs(1);
/// Open times are drawn from this part less to this part more, so that instances do not come back all at once.
const JITTER: f64 = 0.2;
/// Longest pause that a service can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// The pause after "too many" of a service that does not say how long.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// When it opens and how it closes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerPolicy {
    /// Opens after so many failures in a row.
    pub in_a_row: u32,
    /// Opens when at least this share of the calls in the window failed (0 to 1).
    pub share: f64,
    /// Fewest calls in the window by which a share is judged.
    pub volume: u32,
    /// How far back shares look.
    pub window: Duration,
    /// Answers that come too late, where that matters.
    pub slow: Option<SlowPolicy>,
    /// Stays open for so long, a fifth less or more. Doubles each time that a probe fails.
    pub open_for: Duration,
    /// Never longer than this.
    pub open_at_most: Duration,
    /// Probes that must be answered, one after the other, before it closes.
    pub probes: u32,
}

/// When answers are too slow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowPolicy {
    /// An answer that took longer is slow.
    pub after: Duration,
    /// Opens when at least this share of the calls in the window was slow (0 to 1).
    pub share: f64,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// One call at a time finds out whether the service is back.
    HalfOpen,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// Its name in metrics and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What came of a call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, be it with a no, after this time.
    Answered(Duration),
    /// It failed.
    Failed,
    /// It says nothing about the service: we gave it up ourselves.
    Ignored,
    /// The service wants to be left alone, for this long where it says so.
    Paused(Option<Duration>),
}

/// The right to make one call. Give it back with [`Breaker::settle`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Ticket {
    /// Results from before the last change of state are not counted.
    generation: u64,
    /// After [`Breaker::began`]: the failures in a row before it, and how many results were counted then.
    began: Option<(u32, u64)>,
}

/// A call is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Ask again after this time.
    pub retry_after: Duration,
    /// True: the service asked for a pause; the breaker itself is closed.
    pub paused: bool,
}

#[derive(Debug, Clone)]
enum Position {
    Closed {
        in_a_row: u32,
        window: Window,
    },
    Open {
        until: Instant,
        times: u32,
    },
    HalfOpen {
        probing: bool,
        answered: u32,
        times: u32,
    },
    /// By an operator, until it is reset.
    Forced,
}

/// A breaker. It holds no clock and no lock.
#[derive(Debug, Clone)]
pub struct Breaker {
    policy: BreakerPolicy,
    position: Position,
    generation: u64,
    /// Results that were counted.
    counted: u64,
    paused_until: Option<Instant>,
}

impl Breaker {
    /// Closed.
    pub fn new(policy: BreakerPolicy, now: Instant) -> Self {
        Self { policy, position: closed(&policy, now), generation: 0, counted: 0, paused_until: None }
    }

    /// Where it stands. Open stays open until somebody asks after its time.
    pub fn state(&self) -> State {
        match self.position {
            Position::Closed { .. } => State::Closed,
            Position::Open { .. } | Position::Forced => State::Open,
            Position::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Where it stands for whoever asks now: after its time an open one is as good as half open.
    pub fn state_at(&self, now: Instant) -> State {
        match self.position {
            Position::Open { until, .. } if now >= until => State::HalfOpen,
            _ => self.state(),
        }
    }

    /// True when an operator opened it.
    pub fn is_forced(&self) -> bool {
        matches!(self.position, Position::Forced)
    }

    /// Failures in a row; zero when it is not closed.
    pub fn failures_in_a_row(&self) -> u32 {
        if let Position::Closed { in_a_row, .. } = self.position { in_a_row } else { 0 }
    }

    /// What asking for a call would be answered, without asking.
    pub fn would_refuse(&self, now: Instant) -> Option<Refused> {
        let refused = |retry_after| Some(Refused { retry_after, paused: false });
        match self.position {
            Position::Forced => refused(self.policy.open_at_most),
            Position::Open { until, .. } if now < until => refused(until - now),
            Position::HalfOpen { probing: true, .. } => refused(PROBE_UNDER_WAY),
            _ => self.paused_until.filter(|until| now < *until).map(|until| Refused { retry_after: until - now, paused: true }),
        }
    }

    /// Asks for a call.
    pub fn admit(&mut self, now: Instant) -> Result<Ticket, Refused> {
        if let Some(refused) = self.would_refuse(now) {
            return Err(refused);
        }
        match &mut self.position {
            Position::Closed { .. } | Position::Forced => {}
            Position::Open { times, .. } => {
                let times = *times;
                self.go(Position::HalfOpen { probing: true, answered: 0, times });
            }
            Position::HalfOpen { probing, .. } => *probing = true,
        }
        Ok(Ticket { generation: self.generation, began: None })
    }

    /// The service has begun to answer, after this time: that counts as an answer. If the same ticket is settled as failed next, it was none: a
    /// service that breaks off each answer fails in a row.
    pub fn began(&mut self, ticket: &mut Ticket, took: Duration, now: Instant, rng: &mut fastrand::Rng) {
        let before = self.failures_in_a_row();
        self.settle(ticket.clone(), Outcome::Answered(took), now, rng);
        ticket.began = Some((before, self.counted));
    }

    /// Says what came of a call. `rng` draws how long it stays open.
    pub fn settle(&mut self, ticket: Ticket, outcome: Outcome, now: Instant, rng: &mut fastrand::Rng) {
        if let Outcome::Paused(time) = outcome {
            let until = now + time.unwrap_or(PAUSE).min(LONGEST_PAUSE);
            self.paused_until = Some(self.paused_until.map_or(until, |before| before.max(until)));
        }
        if ticket.generation != self.generation {
            return;
        }
        let failed = outcome == Outcome::Failed;
        let slow = matches!((outcome, self.policy.slow), (Outcome::Answered(took), Some(slow)) if took > slow.after);
        let says_nothing = matches!(outcome, Outcome::Ignored | Outcome::Paused(_));
        match &mut self.position {
            Position::Open { .. } | Position::Forced => {}
            Position::Closed { .. } if says_nothing => {}
            Position::Closed { in_a_row, window } => {
                let row = ticket.began.filter(|(_, counted)| *counted == self.counted).map_or(*in_a_row, |(before, _)| before);
                *in_a_row = if failed { row.saturating_add(1) } else { 0 };
                self.counted += 1;
                window.add(now, failed, slow);
                if is_bad(&self.policy, *in_a_row, window, now) {
                    self.open(0, now, rng);
                }
            }
            Position::HalfOpen { times, .. } if failed || slow => {
                let times = times.saturating_add(1);
                self.open(times, now, rng);
            }
            Position::HalfOpen { probing, answered, .. } => {
                *probing = false;
                *answered += u32::from(!says_nothing);
                if *answered >= self.policy.probes.max(1) {
                    self.go(closed(&self.policy, now));
                }
            }
        }
    }

    /// Closes it, whatever was; a pause is over too.
    pub fn reset(&mut self, now: Instant) {
        self.paused_until = None;
        self.go(closed(&self.policy, now));
    }

    /// Opens it until it is reset.
    pub fn force_open(&mut self) {
        self.go(Position::Forced);
    }

    /// When calls are let through again, as far as that is known; `None` while they are.
    pub fn refuses_until(&self, now: Instant) -> Option<Instant> {
        let open = if let Position::Open { until, .. } = self.position { Some(until) } else { None };
        open.max(self.paused_until).filter(|until| *until > now)
    }

    fn open(&mut self, times: u32, now: Instant, rng: &mut fastrand::Rng) {
        let time = self.policy.open_for.saturating_mul(1 << times.min(16)).min(self.policy.open_at_most);
        let until = now + time.mul_f64(1.0 - JITTER + 2.0 * JITTER * rng.f64()).min(self.policy.open_at_most);
        self.go(Position::Open { until, times });
    }

    fn go(&mut self, position: Position) {
        self.position = position;
        self.generation += 1;
    }
}

fn closed(policy: &BreakerPolicy, now: Instant) -> Position {
    Position::Closed { in_a_row: 0, window: Window::new(policy.window, now) }
}

fn is_bad(policy: &BreakerPolicy, in_a_row: u32, window: &Window, now: Instant) -> bool {
    if in_a_row >= policy.in_a_row.max(1) {
        return true;
    }
    let tally = window.tally(now);
    let share = |part: u32| f64::from(part) / f64::from(tally.total.max(1));
    tally.total >= policy.volume.max(1)
        && ((tally.failed > 0 && share(tally.failed) >= policy.share)
            || policy.slow.is_some_and(|slow| tally.slow > 0 && share(tally.slow) >= slow.share))
}

#[cfg(test)]
mod tests;
