//! A master, its replica, and three sentinels that put the replica in the master's place when it dies.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::{RedisServer, free_port, spawn, text, until, wire};

/// The name under which the sentinels know the master.
const MASTER: &str = "calls";
/// Sentinels, and how many of them must agree.
const SENTINELS: usize = 3;
const QUORUM: usize = 2;
/// Silence of a master after which it counts as dead, ms.
const DOWN_AFTER_MS: u32 = 1000;

/// Five servers; they are killed when this is dropped.
pub struct RedisSentinels {
    master: RedisServer,
    replica: RedisServer,
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl RedisSentinels {
    /// Starts them and waits until the replica has everything and the sentinels know each other: a failover before that loses every key.
    pub async fn start() -> Result<Self> {
        let no_delay = ["--repl-diskless-sync-delay", "0"];
        let master = RedisServer::start_with(&no_delay).await?;
        let port = master.port().to_string();
        let replica = RedisServer::start_with(&[&no_delay[..], &["--replicaof", "127.0.0.1", &port]].concat()).await?;
        let sentinels = (0..SENTINELS).map(|_| Sentinel::start(master.port())).collect::<Result<_>>()?;
        let all = Self { master, replica, sentinels };
        until("the replica has everything", || async {
            Ok(all.replica.ask("INFO replication").await?.concat().contains("master_link_status:up"))
        })
        .await?;
        until("the sentinels know each other and the replica", || all.is_watched()).await?;
        Ok(all)
    }

    async fn is_watched(&self) -> Result<bool> {
        for sentinel in &self.sentinels {
            let told = sentinel.ask(&format!("SENTINEL MASTER {MASTER}")).await?;
            let is = |name: &str, value: &str| told.windows(2).any(|pair| pair[0] == name && pair[1] == value);
            if !is("num-other-sentinels", "2") || !is("num-slaves", "1") || !is("flags", "master") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The sentinels for the setting of a program.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.sentinels.iter().map(|sentinel| sentinel.address().to_string()).collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// The first master.
    pub fn master(&self) -> &RedisServer {
        &self.master
    }

    /// Who is the master after [`Self::fail_over`].
    pub fn replica(&self) -> &RedisServer {
        &self.replica
    }

    /// Waits until the replica has all that the master has by now.
    pub async fn replicated(&self) -> Result<()> {
        let written =
            |info: Vec<String>| info.concat().lines().find_map(|line| Some(line.strip_prefix("master_repl_offset:")?.trim().to_owned()));
        let master = written(self.master.ask("INFO replication").await?).context("the master does not say how much it has written")?;
        let master: u64 = master.parse()?;
        let look = || async {
            let replica = written(self.replica.ask("INFO replication").await?);
            Ok(replica.is_some_and(|offset| offset.parse::<u64>().is_ok_and(|offset| offset >= master)))
        };
        until("the replica has what the master has", look).await
    }

    /// Kills the master. It takes some seconds until the replica is in its place: see [`Self::failed_over`].
    pub fn fail_over(&mut self) {
        self.master.stop();
    }

    /// Waits until the replica is the master.
    pub async fn failed_over(&self) -> Result<()> {
        until("the replica is the master", || async { Ok(self.replica.ask("ROLE").await?.first().is_some_and(|role| role == "master")) })
            .await
    }
}

impl Sentinel {
    fn start(master: u16) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (port, path) = (free_port()?, folder.path().join("sentinel.conf"));
        // A sentinel writes what it learns into its settings, so it must have them in a file.
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {master} {QUORUM}\n\
             sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\nsentinel failover-timeout {MASTER} 3000\n",
            text(folder.path())?
        );
        std::fs::write(&path, settings).context("cannot write a sentinel's settings")?;
        let mut command = Command::new("redis-sentinel");
        command.arg(&path);
        Ok(Self { child: spawn(command, "redis-sentinel", "redis-sentinel")?, port, _folder: folder })
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    async fn ask(&self, command: &str) -> Result<Vec<String>> {
        wire::ask(self.address(), command).await
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
