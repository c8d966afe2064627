//! The state diagram, arrow by arrow.

use proptest::prelude::*;

use super::*;

const POLICY: BreakerPolicy = BreakerPolicy {
    in_a_row: 3,
    share: 0.5,
    volume: 10,
    window: Duration::from_secs(10),
    slow: Some(SlowPolicy { after: Duration::from_secs(2), share: 0.8 }),
    open_for: Duration::from_secs(10),
    open_at_most: Duration::from_secs(60),
    probes: 2,
};
const QUICK: Outcome = Outcome::Answered(Duration::from_millis(50));
const SLOW: Outcome = Outcome::Answered(Duration::from_secs(3));

/// A breaker with a clock of its own.
struct Timed {
    breaker: Breaker,
    now: Instant,
    rng: fastrand::Rng,
}

impl Timed {
    fn new() -> Self {
        let now = Instant::now();
        Self { breaker: Breaker::new(POLICY, now), now, rng: fastrand::Rng::with_seed(1) }
    }

    fn passes(&mut self, seconds: f64) -> &mut Self {
        self.now += Duration::from_secs_f64(seconds);
        self
    }

    fn call(&mut self, outcome: Outcome) -> bool {
        let Ok(ticket) = self.breaker.admit(self.now) else { return false };
        self.breaker.settle(ticket, outcome, self.now, &mut self.rng);
        true
    }

    fn is(&self, state: State) -> bool {
        self.breaker.state() == state
    }

    fn open(&mut self) {
        assert!((0..3).all(|_| self.call(Outcome::Failed)) && self.is(State::Open));
    }
}

#[test]
fn closed_opens_at_so_many_failures_in_a_row_and_an_answer_in_between_begins_anew() {
    let mut timed = Timed::new();
    for outcome in [Outcome::Failed, Outcome::Failed, QUICK, Outcome::Failed, Outcome::Failed] {
        assert!(timed.call(outcome) && timed.is(State::Closed));
    }
    assert!(timed.call(Outcome::Failed) && timed.is(State::Open));
    assert!(!timed.call(QUICK), "an open one lets nothing through");
}

#[test]
fn closed_opens_at_a_share_of_failures_once_there_are_enough_calls() {
    let mut timed = Timed::new();
    for outcome in [Outcome::Failed, QUICK].repeat(4) {
        timed.call(outcome);
    }
    assert!(timed.call(Outcome::Failed) && timed.is(State::Closed), "nine calls are too few to judge");
    timed.call(QUICK);
    assert!(timed.is(State::Open), "five of ten");
}

#[test]
fn failures_of_long_ago_are_not_counted() {
    let mut timed = Timed::new();
    for outcome in [Outcome::Failed, QUICK].repeat(4) {
        timed.call(outcome);
    }
    timed.passes(11.0);
    for outcome in [Outcome::Failed, QUICK, QUICK, QUICK, QUICK, QUICK, QUICK, QUICK, QUICK, Outcome::Failed] {
        timed.call(outcome);
    }
    assert!(timed.is(State::Closed), "two of ten");
}

#[test]
fn closed_opens_when_nearly_all_answers_are_slow() {
    let mut timed = Timed::new();
    for outcome in [SLOW, SLOW, SLOW, SLOW, QUICK].repeat(2) {
        timed.call(outcome);
    }
    assert!(timed.is(State::Open), "eight of ten");
}

#[test]
fn open_becomes_half_open_when_its_time_is_over_and_lets_one_probe_through_at_a_time() {
    let mut timed = Timed::new();
    timed.open();
    let until = timed.breaker.refuses_until(timed.now).unwrap() - timed.now;
    assert!((8.0..=12.0).contains(&until.as_secs_f64()), "{until:?}");
    assert_eq!(timed.breaker.admit(timed.now), Err(Refused { retry_after: until, paused: false }));
    timed.passes(12.1);
    let probe = timed.breaker.admit(timed.now).unwrap();
    assert!(timed.is(State::HalfOpen));
    assert_eq!(timed.breaker.admit(timed.now), Err(Refused { retry_after: PROBE_UNDER_WAY, paused: false }));
    timed.breaker.settle(probe, QUICK, timed.now, &mut timed.rng);
    assert!(timed.is(State::HalfOpen), "one of two probes");
    assert!(timed.call(QUICK) && timed.is(State::Closed));
}

#[test]
fn a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_cap() {
    let mut timed = Timed::new();
    timed.open();
    let mut waits = Vec::new();
    for _ in 0..5 {
        timed.passes(72.1);
        assert!(timed.call(Outcome::Failed) && timed.is(State::Open));
        waits.push((timed.breaker.refuses_until(timed.now).unwrap() - timed.now).as_secs_f64());
    }
    for (wait, expected) in waits.iter().zip([20.0, 40.0, 60.0, 60.0, 60.0]) {
        assert!((expected * 0.8..=expected * 1.2).contains(wait), "{waits:?}");
    }
    timed.passes(72.1);
    assert!(timed.call(QUICK) && timed.call(QUICK) && timed.is(State::Closed));
    timed.open();
    let wait = (timed.breaker.refuses_until(timed.now).unwrap() - timed.now).as_secs_f64();
    assert!(wait <= 12.0, "once it was closed it begins anew: {wait}");
}

#[test]
fn a_slow_answer_does_not_close_it() {
    let mut timed = Timed::new();
    timed.open();
    assert!(timed.passes(12.1).call(SLOW) && timed.is(State::Open));
}

#[test]
fn a_probe_that_we_gave_up_lets_the_next_one_through() {
    let mut timed = Timed::new();
    timed.open();
    assert!(timed.passes(12.1).call(Outcome::Ignored) && timed.is(State::HalfOpen));
    assert!(timed.call(QUICK) && timed.call(QUICK) && timed.is(State::Closed));
}

#[test]
fn what_began_before_it_opened_says_nothing_about_now() {
    let mut timed = Timed::new();
    let early = timed.breaker.admit(timed.now).unwrap();
    timed.open();
    timed.passes(12.1);
    let probe = timed.breaker.admit(timed.now).unwrap();
    timed.breaker.settle(early, Outcome::Failed, timed.now, &mut timed.rng);
    assert!(timed.is(State::HalfOpen), "a late failure is none of the probe's");
    timed.breaker.settle(probe, QUICK, timed.now, &mut timed.rng);
    assert!(timed.call(QUICK) && timed.is(State::Closed));
}

#[test]
fn too_many_requests_pause_it_without_opening_it() {
    let mut timed = Timed::new();
    for _ in 0..5 {
        assert!(timed.call(Outcome::Paused(Some(Duration::from_secs(7)))) && timed.is(State::Closed));
        assert_eq!(timed.breaker.admit(timed.now), Err(Refused { retry_after: Duration::from_secs(7), paused: true }));
        timed.passes(7.0);
    }
    timed.call(Outcome::Paused(Some(Duration::from_secs(86_400))));
    assert_eq!(timed.breaker.admit(timed.now).unwrap_err().retry_after, LONGEST_PAUSE, "nobody pauses us for a day");
    timed.passes(120.0);
    timed.call(Outcome::Paused(None));
    assert_eq!(timed.breaker.admit(timed.now).unwrap_err().retry_after, PAUSE);
}

#[test]
fn an_operator_opens_it_until_it_is_reset() {
    let mut timed = Timed::new();
    timed.breaker.force_open();
    timed.passes(86_400.0);
    assert!(!timed.call(QUICK) && timed.is(State::Open) && timed.breaker.is_forced());
    timed.breaker.reset(timed.now);
    assert!(timed.call(QUICK) && timed.is(State::Closed));
    timed.open();
    timed.breaker.reset(timed.now);
    assert!(timed.call(QUICK) && timed.is(State::Closed));
}

proptest! {
    /// Whatever happens in whatever order: it never lets two probes out at once, and it never stays shut for ever.
    #[test]
    fn it_probes_alone_and_always_comes_back(steps in proptest::collection::vec((0u8..6, 0u16..20_000), 1..200)) {
        let mut timed = Timed::new();
        let mut out: Vec<(Ticket, State)> = Vec::new();
        for (what, millis) in steps {
            timed.passes(f64::from(millis) / 1000.0);
            match what {
                0 | 1 => {
                    if let Ok(ticket) = timed.breaker.admit(timed.now) {
                        let state = timed.breaker.state();
                        let probes = out.iter().filter(|(other, state)| *state == State::HalfOpen && other.generation == ticket.generation);
                        prop_assert!(state != State::HalfOpen || probes.count() == 0);
                        out.push((ticket, state));
                    }
                }
                _ if !out.is_empty() => {
                    let outcome = [Outcome::Failed, QUICK, SLOW, Outcome::Paused(None)][usize::from(what) - 2];
                    let (ticket, _) = out.swap_remove(usize::from(millis) % out.len());
                    timed.breaker.settle(ticket, outcome, timed.now, &mut timed.rng);
                }
                _ => {}
            }
        }
        for (ticket, _) in out {
            timed.breaker.settle(ticket, Outcome::Ignored, timed.now, &mut timed.rng);
        }
        timed.passes(121.0);
        prop_assert!(timed.call(QUICK));
    }
}
