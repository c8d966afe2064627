//! A guard around a service that a test plays, with paused time.

use std::cell::RefCell;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use resilience::{
    BreakerPolicy, BulkheadPolicy, CallError, Classify, Failure, Guard, Guarded, Guards, PacePolicy, Policy, Repeat, RetryPolicy, Service,
    State, Why,
};
use tokio::time::{Instant, advance, sleep};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault(Failure);

impl Classify for Fault {
    fn failure(&self) -> Failure {
        self.0
    }
}

const DOWN: Fault = Fault(Failure::Transient);
const POLICY: Policy = Policy {
    attempt: Duration::from_secs(2),
    deadline: Duration::from_secs(5),
    retry: RetryPolicy { times: 2, base: Duration::from_millis(100), cap: Duration::from_secs(1) },
    breaker: BreakerPolicy {
        in_a_row: 3,
        share: 1.0,
        volume: 100,
        window: Duration::from_secs(60),
        slow: None,
        open_for: Duration::from_secs(10),
        open_at_most: Duration::from_secs(60),
        probes: 1,
    },
    bulkhead: BulkheadPolicy { at_once: 1, waiting: 1, wait: Duration::from_secs(1) },
    pace: None,
};

fn guard(policy: Policy) -> Guard {
    Guard::new(Service::Telnyx, policy)
}

/// Answers in this order; the calls it got are counted.
struct Plays(RefCell<(Vec<Result<u32, Fault>>, u32)>);

impl Plays {
    fn new(answers: &[Result<u32, Fault>]) -> Self {
        Self(RefCell::new((answers.iter().rev().copied().collect(), 0)))
    }

    async fn answer(&self) -> Result<u32, Fault> {
        let mut plays = self.0.borrow_mut();
        plays.1 += 1;
        plays.0.pop().unwrap_or(Err(DOWN))
    }

    fn calls(&self) -> u32 {
        self.0.borrow().1
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_safe_is_repeated_and_what_is_not_is_not() {
    let (guard, plays) = (guard(POLICY), Plays::new(&[Err(DOWN), Ok(7)]));
    assert_eq!(guard.call("ask", Repeat::Safe, || plays.answer()).await.unwrap(), 7);
    assert_eq!(plays.calls(), 2);
    let plays = Plays::new(&[Err(DOWN), Ok(7)]);
    assert!(matches!(guard.call("book", Repeat::Never, || plays.answer()).await, Err(CallError::Failed(DOWN))));
    assert_eq!(plays.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_no_is_an_answer() {
    let (guard, no) = (guard(POLICY), Fault(Failure::Refused));
    let plays = Plays::new(&[Err(no); 10]);
    for _ in 0..10 {
        assert!(matches!(guard.call("ask", Repeat::Safe, || plays.answer()).await, Err(CallError::Failed(fault)) if fault == no));
    }
    assert_eq!((guard.view().state, guard.view().counts.answered, plays.calls()), (State::Closed, 10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_is_counted_by_itself_and_opens_no_breaker() {
    let (guard, no) = (guard(POLICY), Fault(Failure::KeyRefused));
    let plays = Plays::new(&[Err(no); 10]);
    for _ in 0..10 {
        assert!(matches!(guard.call("ask", Repeat::Safe, || plays.answer()).await, Err(CallError::Failed(fault)) if fault == no));
    }
    let view = guard.view();
    assert_eq!((view.state, view.counts.key_refused, view.counts.answered, plays.calls()), (State::Closed, 10, 0, 10));
    // A stream that had begun was answered, and says so as well.
    let mut stream = guard.begin().await.unwrap();
    stream.alive();
    stream.failed(no.0);
    let view = guard.view();
    assert_eq!((view.state, view.counts.key_refused, view.counts.answered), (State::Closed, 11, 1));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_is_given_up_counted_and_then_left_alone() {
    let patient = Policy { deadline: Duration::from_secs(8), ..POLICY };
    let guard = guard(patient);
    let begun = Instant::now();
    let hung = guard.call("ask", Repeat::Safe, pending::<Result<(), Fault>>).await;
    assert!(matches!(hung, Err(CallError::Timeout { service: Service::Telnyx, what: "ask", .. })), "{hung:?}");
    assert!(begun.elapsed() <= patient.deadline);
    let view = guard.view();
    assert_eq!((view.state, view.counts.timed_out), (State::Open, 3));
    let left_alone = guard.call("ask", Repeat::Safe, pending::<Result<(), Fault>>).await;
    assert!(matches!(left_alone, Err(CallError::Rejected(rejected)) if rejected.why == Why::Open && rejected.retry_after > Duration::ZERO));
    assert_eq!(guard.view().counts.rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_by_a_probe_and_says_how_long_it_was_away() {
    let guard = guard(POLICY);
    let plays = Plays::new(&[Err(DOWN), Err(DOWN), Err(DOWN), Ok(1), Ok(2)]);
    assert!(guard.call("ask", Repeat::Safe, || plays.answer()).await.is_err());
    assert_eq!(guard.view().state, State::Open);
    advance(Duration::from_secs(13)).await;
    assert_eq!(guard.call("ask", Repeat::Safe, || plays.answer()).await.unwrap(), 1);
    let view = guard.view();
    assert_eq!(view.state, State::Closed);
    assert!(view.not_closed >= Duration::from_secs(13) && view.not_closed < Duration::from_secs(14), "{:?}", view.not_closed);
    let expected = [(State::Closed, State::Open, 1), (State::Open, State::HalfOpen, 1), (State::HalfOpen, State::Closed, 1)];
    assert_eq!(view.transitions, expected);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_says_nothing_about_the_service_and_frees_the_place() {
    let guard = guard(POLICY);
    for _ in 0..10 {
        let call = guard.call("ask", Repeat::Safe, pending::<Result<(), Fault>>);
        assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
    }
    let view = guard.view();
    assert_eq!((view.state, view.counts.ignored, view.in_use, view.waiting), (State::Closed, 10, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_are_refused_and_the_service_is_not_blamed() {
    let guard = guard(POLICY);
    let (_first, waits) = (guard.begin().await.unwrap(), guard.begin());
    let refused = tokio::join!(waits, guard.begin()).1;
    assert_eq!(refused.err().map(|rejected| rejected.why), Some(Why::Full));
    assert_eq!(guard.view().state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_pause_the_road_for_as_long_as_the_service_says() {
    let (guard, busy) = (guard(POLICY), Fault(Failure::Overloaded(Some(Duration::from_secs(30)))));
    let plays = Plays::new(&[Err(busy), Ok(1)]);
    assert!(matches!(guard.call("ask", Repeat::Safe, || plays.answer()).await, Err(CallError::Failed(_))), "longer than a call may take");
    assert_eq!((guard.view().state, guard.view().retry_after), (State::Closed, Some(Duration::from_secs(30))));
    assert!(matches!(guard.call("ask", Repeat::Safe, || plays.answer()).await, Err(CallError::Rejected(_))));
    advance(Duration::from_secs(30)).await;
    assert_eq!(guard.call("ask", Repeat::Safe, || plays.answer()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_waited_for_by_whoever_has_the_time() {
    let (guard, busy) =
        (guard(Policy { bulkhead: BulkheadPolicy { at_once: 9, ..POLICY.bulkhead }, ..POLICY }), Fault(Failure::Overloaded(None)));
    let (first, second) = (Plays::new(&[Err(busy), Ok(1)]), Plays::new(&[Err(busy), Ok(2)]));
    let early = guard.call("ask", Repeat::Safe, || first.answer());
    let late = async {
        sleep(Duration::from_millis(400)).await;
        // Begun before the first one's pause; its own makes that longer.
        let begun = guard.begin().await;
        (begun.map(|begun| begun.failed(busy.0)).is_err(), guard.call("ask", Repeat::Safe, || second.answer()).await)
    };
    let (early, (paused, late)) = tokio::join!(early, late);
    assert!(paused && early.unwrap() == 1);
    assert_eq!(late.unwrap(), 2);
    let plays = Plays::new(&[Err(busy), Ok(3)]);
    assert!(guard.call("book", Repeat::Never, || plays.answer()).await.is_err());
    let refused = guard.call("book", Repeat::Never, || plays.answer()).await;
    assert!(matches!(refused, Err(CallError::Rejected(rejected)) if rejected.why == Why::Paused), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_try_that_was_made_is_told_of_even_when_there_is_no_other() {
    let breaker = BreakerPolicy { in_a_row: 1, ..POLICY.breaker };
    let (guard, plays) = (guard(Policy { breaker, ..POLICY }), Plays::new(&[Err(DOWN)]));
    assert!(matches!(guard.call("ask", Repeat::Safe, || plays.answer()).await, Err(CallError::Failed(DOWN))));
    assert_eq!((guard.view().state, plays.calls()), (State::Open, 1));
}

#[tokio::test]
async fn nobody_waits_longer_for_a_service_than_for_an_answer_of_ours() {
    const ANSWER: Duration = Duration::from_secs(10);
    // A tool runs beside a call, and not in a request of ours.
    for service in Service::ALL.iter().copied().filter(|service| *service != Service::Tools) {
        let policy = service.policy();
        assert!(policy.attempt < policy.deadline && policy.deadline < ANSWER, "{service:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_plan_is_kept_on_our_side() {
    let guard = guard(Policy { pace: Some(PacePolicy { count: 2, per: Duration::from_secs(1) }), ..POLICY });
    let plays = Plays::new(&[Ok(1), Ok(2), Ok(3)]);
    for expected in [1, 2] {
        assert_eq!(guard.call("ask", Repeat::Never, || plays.answer()).await.unwrap(), expected);
    }
    let early = guard.call("ask", Repeat::Never, || plays.answer()).await;
    assert!(matches!(early, Err(CallError::Rejected(rejected)) if rejected.why == Why::Paced), "{early:?}");
    advance(Duration::from_millis(500)).await;
    assert_eq!(guard.call("ask", Repeat::Never, || plays.answer()).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_open_it_and_reset_it() {
    let guards = Guards::default();
    let telnyx = Guarded::new(Arc::new(5_u32), guards.of(Service::Telnyx));
    let ask = async || telnyx.call("ask", Repeat::Safe, |five| async move { Ok::<_, Fault>(*five) }).await;
    assert_eq!(ask().await.unwrap(), 5);
    let named = guards.named("telnyx").unwrap();
    named.force_open();
    assert!(matches!(ask().await, Err(CallError::Rejected(_))));
    assert!(guards.views()[0].forced && guards.named("unknown").is_none());
    named.reset();
    assert_eq!(ask().await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_stream_counts_when_it_begins_keeps_its_place_and_counts_again_when_it_breaks() {
    let breaker = BreakerPolicy { in_a_row: 1, ..POLICY.breaker };
    let guard = guard(Policy { breaker, ..POLICY });
    let mut stream = guard.begin().await.unwrap();
    stream.alive();
    let view = guard.view();
    assert_eq!((view.counts.answered, view.in_use, view.state), (1, 1, State::Closed));
    stream.failed(Failure::Transient);
    let view = guard.view();
    assert_eq!((view.counts.answered, view.counts.failed, view.in_use, view.state), (1, 1, 0, State::Open));
    assert!(!guard.wants_probe() && !guard.lets_through());
    advance(Duration::from_secs(120)).await;
    assert!(guard.wants_probe() && guard.lets_through());
    let mut probe = guard.begin().await.unwrap();
    assert!(!guard.wants_probe(), "one is out");
    probe.alive();
    drop(probe);
    assert_eq!((guard.view().state, guard.view().counts.ignored), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_breaks_off_each_answer_fails_in_a_row() {
    let guard = guard(POLICY);
    for times in 1..=3 {
        let mut stream = guard.begin().await.unwrap();
        stream.alive();
        stream.failed(Failure::Transient);
        assert_eq!(guard.view().state, if times < 3 { State::Closed } else { State::Open }, "{times}");
    }
    // One that is answered to its end is not in that row.
    let guard = self::guard(POLICY);
    for _ in 0..5 {
        for failing in [true, true, false] {
            let mut stream = guard.begin().await.unwrap();
            stream.alive();
            if failing {
                stream.failed(Failure::Transient);
            }
        }
    }
    assert_eq!(guard.view().state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_part_fails_for_itself_and_is_listed_while_somebody_holds_it() {
    let guards = Guards::default();
    let (one, other, all) =
        (guards.part(Service::DeepgramListen, "annex"), guards.part(Service::DeepgramListen, "house"), guards.of(Service::DeepgramListen));
    one.force_open();
    assert!(!one.lets_through() && other.lets_through() && all.lets_through());
    assert!(!guards.part(Service::DeepgramListen, "annex").lets_through(), "a part has one guard");
    let names = || guards.parts().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(), ["annex", "house"]);
    drop(other);
    assert_eq!(names(), ["annex"]);
    guards.named("deepgram_listen/annex").unwrap().reset();
    assert!(one.lets_through());
}
