//! Live state on a real server whose clock can be moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use live::contract::{Stage, Stages};
use live::{LiveState, RedisState, Rules};
use testkit::redis::RedisServer;

/// Lets the keys under a prefix age: their times to live do not know of a clock that a test moved.
const AGE: &str = "
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 and left <= tonumber(ARGV[2]) then
    redis.call('DEL', key)
  elseif left > 0 then
    redis.call('PEXPIRE', key, left - ARGV[2])
  end
end";

/// A server for each stage.
pub(crate) struct OnServer;

#[async_trait]
impl Stages for OnServer {
    async fn open(&self, rules: Rules) -> Box<dyn Stage> {
        let server = RedisServer::start().await.unwrap();
        let (url, direct) = (server.url(), server.url());
        Box::new(Place::new(url, direct, "voicenoob".into(), rules, Some(server)))
    }
}

/// One prefix on a server.
pub(crate) struct Place {
    url: String,
    /// The one server that has the keys.
    direct: String,
    prefix: String,
    rules: Rules,
    ahead: Arc<AtomicU64>,
    state: Arc<RedisState>,
    server: Option<RedisServer>,
}

impl Place {
    pub(crate) fn new(url: String, direct: String, prefix: String, rules: Rules, server: Option<RedisServer>) -> Self {
        let ahead = Arc::default();
        let state = Arc::new(connect(&url, &prefix, rules.clone(), &ahead));
        Self { url, direct, prefix, rules, ahead, state, server }
    }

    /// A server with this adapter on it, for stories of its own.
    pub(crate) async fn alone(rules: Rules) -> Self {
        let server = RedisServer::start().await.unwrap();
        Self::new(server.url(), server.url(), "voicenoob".into(), rules, Some(server))
    }

    pub(crate) fn redis(&self) -> &Arc<RedisState> {
        &self.state
    }

    /// A handle with a connection of its own.
    pub(crate) fn other(&self) -> Arc<RedisState> {
        Arc::new(connect(&self.url, &self.prefix, self.rules.clone(), &self.ahead))
    }

    pub(crate) fn server(&mut self) -> &mut RedisServer {
        self.server.as_mut().unwrap()
    }
}

#[async_trait]
impl Stage for Place {
    fn state(&self) -> Arc<dyn LiveState> {
        Arc::clone(&self.state) as Arc<dyn LiveState>
    }

    async fn second(&self) -> Arc<dyn LiveState> {
        self.other()
    }

    async fn advance(&self, by: Duration) {
        self.ahead.fetch_add(u64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
        let client = ::redis::Client::open(self.direct.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut age = ::redis::cmd("EVAL");
        age.arg(AGE).arg(1).arg(format!("{}:live", self.prefix)).arg(&self.prefix).arg(u64::try_from(by.as_millis()).unwrap());
        age.query_async::<()>(&mut connection).await.unwrap();
    }
}

fn connect(url: &str, prefix: &str, rules: Rules, ahead: &Arc<AtomicU64>) -> RedisState {
    RedisState::connect(url, prefix, rules).unwrap().with_clock(Arc::clone(ahead))
}
