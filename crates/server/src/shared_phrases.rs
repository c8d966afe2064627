//! Where fixed phrases are kept: in a folder, or in Redis when instances share one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use live::{LiveError, RedisState};
use resilience::{Guards, Service};
use speech::SpeechError;
use speech::phrases::{FileStore, Holding, MAX_FILE_BYTES, PhraseStore};
use tokio::time::{Instant, timeout};

use crate::ServerError;
use crate::settings::Settings;

/// Bytes of phrases in Redis: more than an hour of sound at 8 kHz.
const MAX_SHARED_BYTES: u64 = 64 << 20;
/// The largest phrase that is shared, bytes: a minute at 8 kHz. A larger one would hold up the others on the connection; each instance makes it.
const MAX_SHARED_ENTRY: usize = 1 << 20;
/// How long Redis is waited for: a caller may wait for the phrase.
const LOOK_LIMIT: Duration = Duration::from_millis(50);
/// After a failure it is not asked for so long, so that a Redis that hangs costs a caller its limit once.
const LEFT_ALONE: Duration = Duration::from_secs(2);

/// The store by the settings. Redis gets a connection of its own: a phrase on its way holds up no heartbeat.
pub(crate) fn store(settings: &Settings, guards: &Guards) -> Result<Arc<dyn PhraseStore>, ServerError> {
    let centre = &settings.call_centre;
    match &centre.redis_url {
        None => Ok(Arc::new(FileStore::new(&settings.cache_dir.join("phrases"), MAX_FILE_BYTES))),
        Some(url) => {
            let redis = RedisState::behind(guards.of(Service::Redis), url.expose(), &centre.redis_key_prefix, centre.rules.clone())?;
            Ok(Arc::new(SharedPhrases::new(redis)))
        }
    }
}

/// Phrases in Redis.
struct SharedPhrases {
    redis: RedisState,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    holding: Holding,
    alone_until: Option<Instant>,
}

impl SharedPhrases {
    fn new(redis: RedisState) -> Self {
        Self { redis, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_left_alone(&self) -> bool {
        self.state().alone_until.is_some_and(|until| Instant::now() < until)
    }

    fn failed(&self, detail: String) -> SpeechError {
        self.state().alone_until = Some(Instant::now() + LEFT_ALONE);
        SpeechError::Store { detail }
    }

    fn told(&self, fault: &LiveError) -> SpeechError {
        self.failed(fault.to_string())
    }
}

#[async_trait]
impl PhraseStore for SharedPhrases {
    fn level(&self) -> &'static str {
        "redis"
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, SpeechError> {
        if self.is_left_alone() {
            return Ok(None);
        }
        match timeout(LOOK_LIMIT, self.redis.phrase(name)).await {
            Ok(found) => found.map_err(|fault| self.told(&fault)),
            Err(_) => Err(self.failed(format!("Redis did not answer within {} ms", LOOK_LIMIT.as_millis()))),
        }
    }

    async fn put(&self, name: &str, entry: Vec<u8>, life: Duration) -> Result<(), SpeechError> {
        if entry.len() > MAX_SHARED_ENTRY || self.is_left_alone() {
            return Ok(());
        }
        let kept = self.redis.keep_phrase(name, &entry, life, MAX_SHARED_BYTES).await.map_err(|fault| self.told(&fault))?;
        let holding = &mut self.state().holding;
        (holding.bytes, holding.entries) = (Some(kept.bytes), Some(kept.entries));
        holding.evictions += kept.evicted;
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), SpeechError> {
        self.redis.forget_phrase(name).await.map_err(|fault| self.told(&fault))
    }

    fn holds(&self) -> Holding {
        self.state().holding
    }
}

#[cfg(test)]
mod tests {
    use live::Rules;

    use super::*;

    /// An address where connections are accepted by the system and nobody answers.
    async fn mute() -> (tokio::net::TcpListener, SharedPhrases) {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        (listener, SharedPhrases::new(RedisState::connect(&url, "voicenoob", Rules::default()).unwrap()))
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_costs_some_milliseconds_once() {
        let (_listener, phrases) = mute().await;
        let began = std::time::Instant::now();
        assert!(phrases.get("a").await.is_err());
        assert!(began.elapsed() >= LOOK_LIMIT, "it was asked");
        let began = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(phrases.get("a").await.unwrap(), None, "it is left alone for a while");
        }
        assert!(began.elapsed() < LOOK_LIMIT, "{:?}", began.elapsed());
    }
}
