//! How often who may ask: counted by address before it is known who asks, then by person or key and by workspace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use live::{Ask, LocalRates, Rate, RateLimits, Taken};

/// What a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budget {
    /// Signing in, counted by address.
    Login,
    /// Reading.
    Read,
    /// Changing.
    Write,
    /// What takes much of the machine: exports, hashing.
    Costly,
    /// Long answers, such as events: how often they are begun.
    Stream,
}

impl Budget {
    /// Its name in the headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Read => "read",
            Self::Write => "write",
            Self::Costly => "costly",
            Self::Stream => "stream",
        }
    }
}

/// How much each budget is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Attempts to sign in, for each address.
    pub login: Rate,
    /// Requests that read, for each person or key.
    pub read: Rate,
    /// Requests that change something, for each person or key.
    pub write: Rate,
    /// Costly requests, for each person or key.
    pub costly: Rate,
    /// Long answers that are begun, for each person or key.
    pub stream: Rate,
    /// All requests of one address; an office behind one address has many people.
    pub address: Rate,
    /// A workspace has so many times what a person has.
    pub workspace: u32,
}

impl Default for Rates {
    /// The settings' defaults. A person who clicks needs a tenth of them; what a machine can do at most is measured by the benchmark of the API.
    fn default() -> Self {
        Self {
            login: Rate::per_minute(10),
            read: Rate::per_minute(600),
            write: Rate::per_minute(120),
            costly: Rate::per_minute(20),
            stream: Rate::per_minute(30),
            address: Rate::per_minute(3000),
            workspace: 10,
        }
    }
}

impl Rates {
    /// Of one budget.
    pub const fn of(&self, budget: Budget) -> Rate {
        match budget {
            Budget::Login => self.login,
            Budget::Read => self.read,
            Budget::Write => self.write,
            Budget::Costly => self.costly,
            Budget::Stream => self.stream,
        }
    }

    /// Of one budget, for a whole workspace.
    pub(crate) const fn of_workspace(&self, budget: Budget) -> Rate {
        let rate = self.of(budget);
        Rate { count: rate.count.saturating_mul(self.workspace), per: rate.per }
    }
}

/// A rate that a request is counted under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Its name in the headers.
    pub(crate) name: &'static str,
    /// Who, and how often.
    pub(crate) ask: Ask,
}

/// What is left of the rates that a request was counted under, for its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) name: &'static str,
    pub(crate) rate: Rate,
    pub(crate) taken: Taken,
}

/// Counts requests: in Redis where there is one, else, or while it is away, in this process. Never not at all.
pub struct Limits {
    shared: Option<Arc<dyn RateLimits>>,
    local: LocalRates,
    rates: Rates,
    away: AtomicBool,
}

impl Limits {
    /// `shared`: what instances count together. While it is away, this process counts by half: how many others count beside it is not known.
    pub fn new(shared: Option<Arc<dyn RateLimits>>, rates: Rates) -> Self {
        Self { shared, local: LocalRates::default(), rates, away: AtomicBool::new(false) }
    }

    /// How much each budget is.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Counts a request under all of these. `Err`: it is one too many for at least one of them, and was not counted.
    pub(crate) async fn take(&self, counted: &[Counted]) -> Result<Vec<Left>, Vec<Left>> {
        let asks: Vec<Ask> = counted.iter().map(|counted| counted.ask.clone()).collect();
        let (asks, taken) = self.taken(asks).await;
        let left: Vec<Left> =
            counted.iter().zip(asks).zip(taken).map(|((counted, ask), taken)| Left { name: counted.name, rate: ask.rate, taken }).collect();
        if left.iter().all(|left| left.taken.allowed) { Ok(left) } else { Err(left) }
    }

    /// Counts something that is no request of the API. `Some`: the place of the first that is asked for too often, and none was counted.
    pub async fn refusing(&self, asks: Vec<Ask>) -> Option<usize> {
        self.taken(asks).await.1.iter().position(|taken| !taken.allowed)
    }

    /// The answers, with the rates that were applied.
    async fn taken(&self, mut asks: Vec<Ask>) -> (Vec<Ask>, Vec<Taken>) {
        if let Some(shared) = &self.shared {
            match shared.take(&asks).await {
                Ok(taken) if taken.len() == asks.len() => {
                    if self.away.swap(false, Ordering::Relaxed) {
                        tracing::info!("requests are counted by all instances together again");
                    }
                    return (asks, taken);
                }
                Ok(_) => self.told_away(&"the answer is too short"),
                Err(fault) => self.told_away(&fault),
            }
            for ask in &mut asks {
                ask.rate = ask.rate.halved();
            }
        }
        let taken = self.local.take_now(&asks);
        (asks, taken)
    }

    fn told_away(&self, fault: &dyn std::fmt::Display) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = %fault, "requests are counted by this instance alone, by half of what is allowed, until live state is back");
        }
    }
}

/// The `RateLimit-Policy` and `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers-11).
pub(crate) fn headers(left: &[Left]) -> [(&'static str, String); 2] {
    let policies = left.iter().map(|left| format!("\"{}\";q={};w={}", left.name, left.rate.count, seconds(left.rate.per)));
    let states = left.iter().map(|left| format!("\"{}\";r={};t={}", left.name, left.taken.remaining, seconds(left.taken.full_after)));
    [("ratelimit-policy", policies.collect::<Vec<_>>().join(", ")), ("ratelimit", states.collect::<Vec<_>>().join(", "))]
}

/// When a refused request may come again: when the last of those that refused it lets it.
pub(crate) fn retry_after(left: &[Left]) -> Duration {
    left.iter().filter(|left| !left.taken.allowed).map(|left| left.taken.retry_after).max().unwrap_or_default()
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
