//! Rates that instances share: one script counts, by the server's clock.

use async_trait::async_trait;

use super::RedisState;
use super::reply::read;
use super::script::SCRIPTS;
use crate::rate::told;
use crate::{Ask, LiveError, RateLimits, Taken};

#[async_trait]
impl RateLimits for RedisState {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Taken>, LiveError> {
        const DOING: &str = "count a request";
        let mut step = self.step(&SCRIPTS.rate);
        for ask in asks {
            let (interval, count) = ask.rate.interval();
            step.arg(&ask.key).arg(interval).arg(count);
        }
        let answers: Vec<(bool, String)> = read(DOING, self.take_step(DOING, &SCRIPTS.rate, step).await?)?;
        let taken = asks.iter().zip(answers).map(|(ask, (allowed, used))| {
            let used = used.parse().map_err(|_| LiveError::Unexpected { doing: DOING, why: "a time is no number".to_owned() })?;
            Ok(told(allowed, used, 0, ask.rate))
        });
        taken.collect()
    }
}
