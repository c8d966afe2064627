//! The scenarios and their names.

use std::fmt;
use std::str::FromStr;

/// What happens under live calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One of two instances is told to stop (SIGTERM).
    Sigterm,
    /// One of two instances is killed (`kill -9`).
    Kill,
    /// The only instance is killed and started again on its file.
    Restart,
    /// Redis is gone for a while and comes back empty.
    RedisStopped,
    /// Redis' master dies; the sentinels make the replica the master.
    SentinelFailover,
    /// One instance's connections to Redis are broken and refused for a while.
    RedisCut,
    /// One instance's connections to Redis stay, and nothing moves on them for a while.
    RedisSilent,
    /// PostgreSQL is gone for a while.
    PostgresStopped,
    /// One instance's wall clock jumps an hour ahead.
    ClockJump,
    /// Half as many calls again as there are places.
    Overload,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Sigterm,
        Self::Kill,
        Self::Restart,
        Self::RedisStopped,
        Self::SentinelFailover,
        Self::RedisCut,
        Self::RedisSilent,
        Self::PostgresStopped,
        Self::ClockJump,
        Self::Overload,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sigterm => "sigterm",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::RedisStopped => "redis-stopped",
            Self::SentinelFailover => "sentinel-failover",
            Self::RedisCut => "redis-cut",
            Self::RedisSilent => "redis-silent",
            Self::PostgresStopped => "postgres-stopped",
            Self::ClockJump => "clock-jump",
            Self::Overload => "overload",
        }
    }

    /// What happens, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sigterm => "SIGTERM of one of two instances",
            Self::Kill => "`kill -9` of one of two instances",
            Self::Restart => "`kill -9` of the only instance (embedded), started again",
            Self::RedisStopped => "Redis stopped for 10 s, back empty",
            Self::SentinelFailover => "Redis master killed, failover by Sentinel",
            Self::RedisCut => "one instance's line to Redis cut for 10 s",
            Self::RedisSilent => "one instance's line to Redis silent for 10 s",
            Self::PostgresStopped => "PostgreSQL stopped for 10 s",
            Self::ClockJump => "one instance's wall clock jumps +1 h",
            Self::Overload => "150 % offered load",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name)
            .ok_or_else(|| anyhow::anyhow!("no scenario {name}; there are {}", names()))
    }
}
