//! Rates on a real server: the promises, and what is left behind.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use live::contract::Stage;
use live::rate::contract::{RateStage, all};
use live::{Ask, Rate, RateLimits, RedisState, Rules};

use super::stage::Place;

struct OnServer {
    place: Place,
    second: Arc<RedisState>,
}

#[async_trait]
impl RateStage for OnServer {
    fn rates(&self) -> &dyn RateLimits {
        &**self.place.redis()
    }

    fn second(&self) -> &dyn RateLimits {
        &*self.second
    }

    async fn advance(&self, by: Duration) {
        self.place.advance(by).await;
    }
}

#[tokio::test]
async fn the_rates_keep_their_promises() {
    all(async || {
        let place = Place::alone(Rules::default()).await;
        let second = place.other();
        OnServer { place, second }
    })
    .await;
}

#[tokio::test]
async fn a_key_lives_until_everything_is_free_again() {
    let mut place = Place::alone(Rules::default()).await;
    let asks = [Ask { key: "a".into(), rate: Rate { count: 10, per: Duration::from_secs(100) } }];
    for _ in 0..2 {
        place.redis().take(&asks).await.unwrap();
    }
    let left: u64 = place.server().ask("PTTL voicenoob:rate:a").await.unwrap()[0].parse().unwrap();
    assert!((15_000..=20_001).contains(&left), "{left}");
    assert_eq!(place.server().ask("DBSIZE").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn without_the_server_it_says_so() {
    let mut place = Place::alone(Rules::default()).await;
    place.server().stop();
    let asks = [Ask { key: "a".into(), rate: Rate::per_minute(1) }];
    assert!(matches!(place.redis().take(&asks).await, Err(live::LiveError::Unavailable { .. })));
}
