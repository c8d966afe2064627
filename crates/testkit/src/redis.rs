//! Real Redis servers of a test's own: one alone, a cluster, a master with a replica and sentinels.

mod cluster;
mod sentinels;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub use cluster::RedisCluster;
pub use sentinels::RedisSentinels;

/// A server, or a group of servers, that is not ready within this time will not be.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often a start is tried: another process may take the free port between our look and the start.
const STARTS: u32 = 5;

/// A Redis server with nothing in it that keeps nothing. It is killed when it is dropped.
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one on a free port of loopback and waits until it answers.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more settings, as on the command line of `redis-server`.
    pub async fn start_with(arguments: &[&str]) -> Result<Self> {
        let mut last = None;
        for _ in 0..STARTS {
            match Self::start_on(free_port()?, arguments).await {
                Ok(server) => return Ok(server),
                Err(fault) => last = Some(fault),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no start was tried")))
    }

    async fn start_on(port: u16, arguments: &[&str]) -> Result<Self> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut server = Self { child: None, port, arguments, folder: tempfile::tempdir()? };
        server.restart().await?;
        Ok(server)
    }

    /// Starts it again on its port, after [`Self::stop`]. It has forgotten everything, as it keeps nothing.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop();
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
        command.arg(self.folder.path()).args(&self.arguments);
        self.child = Some(spawn(command, "redis-server", "redis-server")?);
        let deadline = Instant::now() + READY_LIMIT;
        while self.ask("PING").await.ok().as_deref() != Some(&["PONG".to_owned()]) {
            if let Some(ended) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                bail!("redis-server on port {} ended at once: {ended}", self.port);
            }
            ensure!(Instant::now() < deadline, "redis-server on port {} does not answer", self.port);
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; either way it is waited for, so that no zombie stays.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Lets it hang: connections stay, nothing is answered.
    pub fn freeze(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same as an address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The same for the setting of a program.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a command, its words separated by spaces, and gives the answer, a list in one list. A complaint is an error.
    pub async fn ask(&self, command: &str) -> Result<Vec<String>> {
        wire::ask(self.address(), command).await
    }

    fn signal(&self, name: &str) -> Result<()> {
        let pid = self.child.as_ref().context("the server does not run")?.id();
        let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status()?;
        ensure!(sent.success(), "kill -{name} {pid} failed");
        Ok(())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program of a Debian package, quiet.
fn spawn(mut command: Command, program: &str, package: &str) -> Result<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("cannot start {program}: install the Debian package {package} (apt install {package})"))
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?.local_addr()?.port())
}

/// Looks until it is so.
async fn until<F, Fut>(what: &str, mut look: F) -> Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<bool>>,
{
    let deadline = Instant::now() + READY_LIMIT;
    loop {
        let seen = look().await;
        if matches!(seen, Ok(true)) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{what}: not within {} s ({seen:?})", READY_LIMIT.as_secs());
        sleep(LOOK_AGAIN).await;
    }
}

/// A path as text.
fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the temporary folder's name is no text")
}
