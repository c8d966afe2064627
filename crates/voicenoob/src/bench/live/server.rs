//! The Redis server under measurement: a given one, or one of our own.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::bare;
use crate::bench::place::Place;

/// A server that does not answer within this time does not start.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A server that answers.
pub(super) struct Server {
    url: String,
    own: Option<(Child, Place)>,
}

impl Server {
    /// The given one, or a new one of this machine.
    pub(super) async fn find(url: Option<&str>) -> anyhow::Result<Self> {
        match url {
            Some(url) if url.starts_with("redis://") || url.starts_with("rediss://") => {
                bare::connect(url).await.context("the Redis server at --redis-url does not answer")?;
                Ok(Self { url: url.to_owned(), own: None })
            }
            Some(_) => bail!("--redis-url must be redis://host:port or rediss://host:port: one server is measured"),
            None => Self::start().await,
        }
    }

    async fn start() -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let place = Place::make("live")?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]).arg(place.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().context(
            "cannot start redis-server: install it (Debian package redis-server), or give the address of a server with --redis-url",
        )?;
        let url = format!("redis://127.0.0.1:{port}");
        let deadline = Instant::now() + START_LIMIT;
        while let Err(fault) = bare::connect(&url).await {
            if Instant::now() > deadline {
                return Err(fault.context("redis-server was started and does not answer"));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { url, own: Some((child, place)) })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// For the reader of the figures.
    pub(super) fn told(&self) -> &'static str {
        if self.own.is_some() { "on a redis-server started for it on this machine" } else { "on the server given" }
    }

    /// `SET` a second, as the server's own tool measures it: so many connections, one command at a time on each. Only for a server without
    /// password: the tool takes one on its command line, where others see it.
    pub(super) async fn redis_benchmark(&self, connections: usize, operations: u32) -> Option<f64> {
        let (host, port) = self.url.strip_prefix("redis://")?.trim_end_matches('/').split_once(':')?;
        if host.contains('@') || port.parse::<u16>().is_err() {
            return None;
        }
        let mut command = Command::new("redis-benchmark");
        command.args(["-h", host, "-p", port, "-t", "set", "-q", "-d", "150"]);
        command.args(["-c", &connections.to_string(), "-n", &operations.to_string()]);
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().await.ok()?;
        rate(&String::from_utf8_lossy(&output.stdout))
    }

    /// Ends it, when it is our own.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        if let Some((mut child, _place)) = self.own {
            child.kill().await.context("redis-server could not be ended")?;
        }
        Ok(())
    }
}

/// The figure in `SET: 38022.81 requests per second, p50=0.7 msec`; progress stands before it on the same line.
fn rate(output: &str) -> Option<f64> {
    let before = output.rsplit_once(" requests per second")?.0;
    before.rsplit_once(' ')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_of_the_servers_tool_is_found_behind_its_progress() {
        let output = "SET: rps=0.0 (overall: nan) avg_msec=nan\rSET: 38022.81 requests per second, p50=0.703 msec\n\n";
        assert_eq!(rate(output), Some(38022.81));
        assert_eq!(rate("Could not connect"), None);
    }
}
