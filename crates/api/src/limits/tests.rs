//! Which rates a request is counted under, and what its answer says of them.

use std::sync::Mutex;

use async_trait::async_trait;
use live::LiveError;

use super::*;

/// Live state that can go away.
struct Shared {
    rates: LocalRates,
    away: Mutex<bool>,
}

#[async_trait]
impl RateLimits for Shared {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Taken>, LiveError> {
        match *self.away.lock().unwrap() {
            true => Err(LiveError::Unavailable { doing: "count a request", why: "it is away".into() }),
            false => Ok(self.rates.take_now(asks)),
        }
    }
}

fn counted(name: &'static str, count: u32) -> Counted {
    Counted { name, ask: Ask { key: name.to_owned(), rate: Rate { count, per: Duration::from_secs(3600) } } }
}

async fn passing(limits: &Limits, counted: &[Counted]) -> usize {
    let mut passing = 0;
    while limits.take(counted).await.is_ok() {
        passing += 1;
    }
    passing
}

#[tokio::test(start_paused = true)]
async fn without_shared_counting_the_whole_budget_is_this_process_s() {
    assert_eq!(passing(&Limits::new(None, Rates::default()), &[counted("read", 10)]).await, 10);
}

#[tokio::test(start_paused = true)]
async fn while_shared_counting_is_away_half_is_allowed_and_never_all() {
    let shared = Arc::new(Shared { rates: LocalRates::default(), away: Mutex::new(false) });
    let limits = Limits::new(Some(shared.clone()), Rates::default());
    assert_eq!(passing(&limits, &[counted("read", 10)]).await, 10);
    *shared.away.lock().unwrap() = true;
    assert_eq!(passing(&limits, &[counted("read", 10)]).await, 5);
    assert_eq!(passing(&limits, &[counted("login", 1)]).await, 1, "never none at all");
    *shared.away.lock().unwrap() = false;
    assert_eq!(passing(&limits, &[counted("read", 10)]).await, 0, "what was counted together is still counted");
}

#[tokio::test(start_paused = true)]
async fn the_headers_say_what_is_allowed_what_is_left_and_when_all_is_back() {
    let limits = Limits::new(None, Rates::default());
    let left = limits.take(&[counted("read", 10), counted("workspace", 2)]).await.unwrap();
    let [policy, state] = headers(&left);
    assert_eq!(policy, ("ratelimit-policy", "\"read\";q=10;w=3600, \"workspace\";q=2;w=3600".into()));
    assert_eq!(state, ("ratelimit", "\"read\";r=9;t=360, \"workspace\";r=1;t=1800".into()));
    limits.take(&[counted("workspace", 2)]).await.unwrap();
    let refusing = limits.take(&[counted("read", 10), counted("workspace", 2)]).await.unwrap_err();
    assert_eq!(retry_after(&refusing), Duration::from_secs(1800));
    assert_eq!(refusing[0].taken.remaining, 9, "who is refused for the workspace is not counted himself");
}
