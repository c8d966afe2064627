//! Live state in Redis: for several instances. One server, a master that sentinels name, or a cluster.
//!
//! Every step is one Lua script and so atomic; the clock is the server's. All keys begin with the prefix; in a cluster it is in braces, so that
//! they live on one server and a script may touch them all. No step looks through the key space.

mod address;
mod hints;
mod link;
mod phrases;
mod rate;
mod reply;
mod script;
mod state;
mod steps;

use std::fmt;
use std::sync::Arc;
#[cfg(any(test, feature = "testing"))]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};

use resilience::{Guard, Service};

use crate::{LiveError, Rules};
use address::Address;
use hints::Hints;
use link::{Fault, Link};
pub use phrases::KeptPhrases;
use script::Script;
pub use steps::RawStep;

/// Longest key prefix, bytes.
const MAX_PREFIX: usize = 128;
/// How long a command waits for its instance.
const COMMAND_LIFE: Duration = Duration::from_secs(60);

/// Live state in Redis.
///
/// An operation takes at most about a second, whatever the server does; while the server is known to be away it fails at once, and a task in the
/// background looks for it. A step whose answer was lost may have happened: it is repeated only where twice does no harm.
pub struct RedisState {
    link: Link,
    prefix: String,
    /// The key by which a cluster finds the server; it also is the count of calls.
    live: String,
    rules: Rules,
    hints: Arc<Hints>,
    #[cfg(any(test, feature = "testing"))]
    ahead: Arc<AtomicU64>,
}

impl RedisState {
    /// Longest time that one operation takes.
    pub const OPERATION_LIMIT: Duration = link::OPERATION_LIMIT;

    /// Takes the address of the server: `redis://[user:pass@]host:port/db`, `rediss://` for TLS,
    /// `redis+sentinel://[user:pass@]host:port,host:port/master[/db]` or `redis+cluster://[user:pass@]host:port,host:port`. Nothing is connected
    /// before the first operation, so this fails for a bad address or prefix only.
    pub fn connect(url: &str, prefix: &str, rules: Rules) -> Result<Self, LiveError> {
        Self::behind(Guard::new(Service::Redis, Service::Redis.policy()), url, prefix, rules)
    }

    /// The same behind a guard that others see.
    pub fn behind(guard: Guard, url: &str, prefix: &str, rules: Rules) -> Result<Self, LiveError> {
        let address = Address::parse(url)?;
        check_prefix(prefix, matches!(address, Address::Cluster(_)))?;
        Ok(Self {
            link: Link::new(address, guard),
            prefix: prefix.to_owned(),
            live: format!("{prefix}:live"),
            rules,
            hints: Arc::default(),
            #[cfg(any(test, feature = "testing"))]
            ahead: Arc::default(),
        })
    }

    /// The numbers it works with.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// For tests: a clock that is so many microseconds ahead of the server's. The times to live of keys do not know of it.
    #[cfg(any(test, feature = "testing"))]
    pub fn with_clock(mut self, ahead: Arc<AtomicU64>) -> Self {
        self.ahead = ahead;
        self
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// A script with prefix and clock; its own arguments follow.
    fn step(&self, script: &Script) -> Cmd {
        let mut command = script.by_hash(&self.live);
        command.arg(&self.prefix).arg(self.ahead());
        command
    }

    #[cfg(any(test, feature = "testing"))]
    fn ahead(&self) -> u64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// The program's clock is the server's.
    #[cfg(not(any(test, feature = "testing")))]
    #[expect(clippy::unused_self, reason = "same signature with and without a test's clock")]
    const fn ahead(&self) -> u64 {
        0
    }

    /// Runs a script; its text is sent when the server does not know the hash (any more).
    async fn take_step(&self, doing: &'static str, script: &Script, command: Cmd) -> Result<Value, LiveError> {
        let mut done = self.link.run(&command, script.again).await;
        if matches!(done, Err(Fault::UnknownScript)) {
            done = self.link.run(&script.by_text(&command), script.again).await;
        }
        done.map_err(|fault| told(doing, fault))
    }

    /// Runs commands that only read, in one go.
    async fn read_all(&self, doing: &'static str, commands: &Pipeline) -> Result<Value, LiveError> {
        self.link.read_all(commands).await.map_err(|fault| told(doing, fault))
    }

    /// Runs a plain command. `again`: twice does no harm.
    async fn run(&self, doing: &'static str, command: &Cmd, again: bool) -> Result<Value, LiveError> {
        self.link.run(command, again).await.map_err(|fault| told(doing, fault))
    }
}

impl fmt::Debug for RedisState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("RedisState").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn told(doing: &'static str, fault: Fault) -> LiveError {
    match fault {
        Fault::Away(why) => LiveError::Unavailable { doing, why },
        Fault::Refused(why) => LiveError::Unexpected { doing, why },
        Fault::UnknownScript => LiveError::Unexpected { doing, why: "the server forgets scripts as they are sent".to_owned() },
    }
}

fn limit(limit: Option<u32>) -> String {
    limit.map(|limit| limit.to_string()).unwrap_or_default()
}

/// Microseconds; what is longer than 70 years counts as that, so that a script's arithmetic stays exact.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).min(1 << 51)
}

fn millis(duration: Duration) -> i64 {
    micros(duration) / 1000
}

/// All keys of a cluster must live on one server: their common part must be in braces.
fn check_prefix(prefix: &str, cluster: bool) -> Result<(), LiveError> {
    let unusable = |why: &str| Err(LiveError::Address { why: why.to_owned() });
    if prefix.is_empty() || prefix.len() > MAX_PREFIX || prefix.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return unusable("its key prefix must be 1 to 128 bytes without spaces");
    }
    let tag = prefix.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    match tag {
        Some(tag) if !tag.is_empty() => Ok(()),
        _ if cluster => unusable("a cluster needs the key prefix in braces, like {voicenoob}, so that all keys are on one server"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bad_address_or_prefix_is_told_at_once_and_a_silent_server_is_not_waited_for() {
        assert!(RedisState::connect("redis://127.0.0.1:1", "voicenoob", Rules::default()).is_ok());
        assert!(RedisState::connect("redis+cluster://127.0.0.1:1", "{voicenoob}", Rules::default()).is_ok());
        for (url, prefix, word) in [
            ("redis+cluster://127.0.0.1:1", "voicenoob", "braces"),
            ("redis+cluster://127.0.0.1:1", "{}voicenoob", "braces"),
            ("redis://127.0.0.1:1", "", "prefix"),
            ("redis://127.0.0.1:1", "two words", "prefix"),
            ("localhost", "voicenoob", "scheme"),
        ] {
            let told = RedisState::connect(url, prefix, Rules::default()).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }

    #[test]
    fn it_does_not_print_its_password() {
        let state = RedisState::connect("redis://:secret@127.0.0.1:1", "voicenoob", Rules::default()).unwrap();
        assert!(!format!("{state:?}").contains("secret"));
    }
}
