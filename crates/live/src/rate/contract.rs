//! What every adapter of [`RateLimits`] does, as stories.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{Ask, Rate, RateLimits, Taken};

/// Rates under test, with nothing taken.
#[async_trait]
pub trait RateStage: Send + Sync {
    /// As one instance sees them.
    fn rates(&self) -> &dyn RateLimits;
    /// As another instance sees the same.
    fn second(&self) -> &dyn RateLimits;
    /// Moves their clock.
    async fn advance(&self, by: Duration);
}

/// Tells every story on a stage of its own.
pub async fn all<S: RateStage>(open: impl AsyncFn() -> S) {
    as_many_as_there_are_and_no_more(&open().await).await;
    one_more_after_its_interval_and_all_after_the_time(&open().await).await;
    two_hundred_at_once_on_two_instances_get_exactly_the_count(&open().await).await;
    when_one_may_not_nothing_is_counted(&open().await).await;
    keys_do_not_know_each_other(&open().await).await;
    rates_at_the_edges_are_bounded(&open().await).await;
}

/// An hour between two, so that the time a test takes gives nothing back.
const SLOW: Rate = Rate { count: 7, per: Duration::from_secs(7 * 3600) };
/// What a story may take in real time.
const SLACK: Duration = Duration::from_secs(2);

fn ask(key: &str, rate: Rate) -> Ask {
    Ask { key: key.to_owned(), rate }
}

async fn take(rates: &dyn RateLimits, key: &str, rate: Rate) -> Taken {
    rates.take(&[ask(key, rate)]).await.unwrap()[0]
}

fn near(measured: Duration, expected: Duration) -> bool {
    measured <= expected && measured + SLACK >= expected
}

/// Counted down, then told when to come back.
pub async fn as_many_as_there_are_and_no_more(on: &dyn RateStage) {
    for left in (0..SLOW.count).rev() {
        let taken = take(on.rates(), "a", SLOW).await;
        assert!(taken.allowed && taken.remaining == left, "{taken:?}");
        assert!(near(taken.full_after, Duration::from_secs(3600) * (SLOW.count - left)), "{taken:?}");
    }
    let refused = take(on.rates(), "a", SLOW).await;
    assert!(!refused.allowed && refused.remaining == 0, "{refused:?}");
    assert!(near(refused.retry_after, Duration::from_secs(3600)), "{refused:?}");
    assert!(near(refused.full_after, SLOW.per), "being refused costs nothing: {refused:?}");
}

/// Who was refused and waits as told may; after the whole time, everything is as at first.
pub async fn one_more_after_its_interval_and_all_after_the_time(on: &dyn RateStage) {
    for _ in 0..SLOW.count {
        assert!(take(on.rates(), "a", SLOW).await.allowed);
    }
    let refused = take(on.rates(), "a", SLOW).await;
    on.advance(refused.retry_after - SLACK).await;
    assert!(!take(on.rates(), "a", SLOW).await.allowed);
    on.advance(SLACK).await;
    assert!(take(on.rates(), "a", SLOW).await.allowed);
    assert!(!take(on.rates(), "a", SLOW).await.allowed);
    on.advance(SLOW.per).await;
    assert_eq!(take(on.rates(), "a", SLOW).await.remaining, SLOW.count - 1);
}

/// Two handles, two hundred at once.
pub async fn two_hundred_at_once_on_two_instances_get_exactly_the_count(on: &dyn RateStage) {
    let rate = Rate { count: 50, per: Duration::from_secs(24 * 3600) };
    let all = (0..200).map(|number| take(if number % 2 == 0 { on.rates() } else { on.second() }, "a", rate));
    let taken = join_all(all).await;
    assert_eq!(taken.iter().filter(|taken| taken.allowed).count(), 50);
    let mut left: Vec<u32> = taken.iter().filter(|taken| taken.allowed).map(|taken| taken.remaining).collect();
    left.sort_unstable();
    assert_eq!(left, (0..50).collect::<Vec<_>>(), "each took another one");
}

/// A person within limits whose workspace is not.
pub async fn when_one_may_not_nothing_is_counted(on: &dyn RateStage) {
    let small = Rate { count: 1, ..SLOW };
    let both = [ask("person", SLOW), ask("workspace", small)];
    let taken = on.rates().take(&both).await.unwrap();
    assert!(taken.iter().all(|taken| taken.allowed));
    let taken = on.rates().take(&both).await.unwrap();
    assert_eq!(taken.iter().map(|taken| (taken.allowed, taken.remaining)).collect::<Vec<_>>(), [(true, 6), (false, 0)]);
    assert_eq!(take(on.rates(), "person", SLOW).await.remaining, 5);
    assert!(on.rates().take(&[]).await.unwrap().is_empty());
}

/// Whoever they are.
pub async fn keys_do_not_know_each_other(on: &dyn RateStage) {
    let once = Rate { count: 1, ..SLOW };
    for key in ["a", "b", "a b", "a:b", "ä", ""] {
        assert!(take(on.rates(), key, once).await.allowed, "{key:?}");
        assert!(!take(on.second(), key, once).await.allowed, "{key:?}");
    }
}

/// None, no time, for ever.
pub async fn rates_at_the_edges_are_bounded(on: &dyn RateStage) {
    let none = Rate { count: 0, per: Duration::from_secs(3600) };
    assert!(take(on.rates(), "none", none).await.allowed);
    assert!(!take(on.rates(), "none", none).await.allowed);
    let for_ever = Rate { count: 1, per: Duration::MAX };
    assert!(take(on.rates(), "ever", for_ever).await.allowed);
    assert!(take(on.rates(), "ever", for_ever).await.retry_after <= Rate::LONGEST);
    let at_once = Rate { count: u32::MAX, per: Duration::ZERO };
    for _ in 0..3 {
        assert!(take(on.rates(), "once", at_once).await.allowed);
    }
}
