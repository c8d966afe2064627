//! A real `voicenoob serve`, as a process, with a data directory of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use dial::{CallReport, DialKeys, DialOptions, Script, Url};
use serde_json::Value;
use speech::TextToSpeech;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::ApiClient;
use crate::api_client::ADMINISTRATOR;

/// A server that does not start within this time does not start. The first start of a machine trains language models.
const START_LIMIT: Duration = Duration::from_secs(120);
/// A call that is over frees everything within this time.
const FREE_LIMIT: Duration = Duration::from_secs(1);
/// A server that does not stop within this time hangs.
const STOP_LIMIT: Duration = Duration::from_secs(45);

/// A setting of the tests themselves: a folder, in which the files `stdout` and `stderr` get all that the server writes.
pub const OUTPUT: &str = "TESTKIT_OUTPUT";

/// A server process. It is killed when the test is over; [`Server::stop`] lets it go properly and looks at what is left.
pub struct Server {
    program: PathBuf,
    settings: Vec<(String, String)>,
    child: Child,
    url: Url,
    data: TempDir,
    http: reqwest::Client,
    /// The first administrator, once signed in: from then on nobody else sees calls.
    administrator: OnceLock<ApiClient>,
}

/// What a stopped server left.
#[derive(Debug)]
pub struct Hung {
    /// How the process ended.
    pub status: ExitStatus,
    /// The data directory, still there.
    pub data: TempDir,
}

impl Server {
    /// Starts the program with defaults: free port, empty data directory, language models shared with other tests.
    pub async fn start(program: &Path) -> Result<Self> {
        Self::start_with(program, &[]).await
    }

    /// The same with settings from the environment.
    pub async fn start_with(program: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_in(program, tempfile::tempdir()?, settings).await
    }

    /// The same in a data directory that an earlier server left.
    pub async fn start_in(program: &Path, data: TempDir, settings: &[(&str, &str)]) -> Result<Self> {
        one_tls_provider();
        let kept = settings.iter().find(|(name, _)| *name == OUTPUT).map(|(_, folder)| PathBuf::from(folder));
        let mut starting = command(program, data.path());
        starting.arg("serve").envs(settings.iter().copied()).stdout(Stdio::piped());
        let mut copy = match &kept {
            Some(folder) => {
                starting.stderr(appended(&folder.join("stderr"))?);
                Some(appended(&folder.join("stdout"))?)
            }
            None => None,
        };
        let mut child = starting.spawn()?;
        let out = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(out).lines();
        let first = tokio::time::timeout(START_LIMIT, lines.next_line()).await.context("the server did not start in time")??;
        let Some(first) = first else {
            bail!("the server ended at once: {}", child.wait().await?);
        };
        let address = first.split_whitespace().last().with_context(|| format!("no address in {first:?}"))?;
        // The pipe must be read on, or a full one would stop the server.
        let mut line = Some(first.clone());
        tokio::spawn(async move {
            while let Some(text) = line {
                // A copy that cannot be written is missed by the test that reads it.
                let _ = copy.as_mut().map(|copy| writeln!(copy, "{text}"));
                line = lines.next_line().await.ok().flatten();
            }
        });
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { program: program.to_owned(), settings, child, url: Url::parse(address)?, data, http, administrator: OnceLock::new() })
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Its data directory.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// The process, for signals.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// A client for its addresses.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Another command of the program with the server's own settings and data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.program, self.data.path());
        command.args(arguments).envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes the first account, as an operator does on the command line, and signs in with it: administrator of the installation, owner of its
    /// first workspace.
    pub async fn administrator(&self) -> Result<ApiClient> {
        let mut making =
            self.command(&["user", "create-admin", "--email", ADMINISTRATOR.0]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let mut input = making.stdin.take().context("no input")?;
        input.write_all(ADMINISTRATOR.1.as_bytes()).await?;
        drop(input);
        let made = tokio::time::timeout(START_LIMIT, making.wait()).await.context("the account was not made in time")??;
        ensure!(made.success(), "the account was not made: {made}");
        self.administrator_again().await
    }

    /// Signs in as the first administrator of an earlier run.
    pub async fn administrator_again(&self) -> Result<ApiClient> {
        let client = self.sign_in_again().await?;
        Ok(self.administrator.get_or_init(|| client).clone())
    }

    /// The first administrator with a token of its own, for work that lasts longer than a token lives.
    pub async fn sign_in_again(&self) -> Result<ApiClient> {
        ApiClient::sign_in(&self.http, &self.url, ADMINISTRATOR.0, ADMINISTRATOR.1).await
    }

    /// How to call it.
    pub async fn dial_options(&self) -> Result<DialOptions> {
        let keys = DialKeys::load(|_| None, self.data.path())?;
        let mut options = DialOptions::new(self.url.clone(), keys)?;
        let voice: Arc<dyn TextToSpeech> = Arc::new(LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?);
        options.tts = Some(voice);
        Ok(options)
    }

    /// Makes a call and gives what came of it; a call whose expectations fail is an error that shows the conversation.
    pub async fn call(&self, script: Script) -> Result<CallReport> {
        let report = dial::run(script, self.dial_options().await?).await?;
        ensure!(report.passed(), "{}\n{}", report.failures.join("\n"), dial::summary(&report) + &conversation(&report));
        Ok(report)
    }

    /// Reads JSON.
    pub async fn json(&self, path: &str) -> Result<Value> {
        let response = self.http.get(self.url.join(path)?).send().await?.error_for_status()?;
        Ok(response.json().await?)
    }

    /// The hotel's books, newest change first.
    pub async fn reservations(&self) -> Result<Vec<Value>> {
        let books = self.json("/api/v1/hotel/reservations").await?;
        Ok(books["reservations"].as_array().context("no reservations in the answer")?.clone())
    }

    /// Fails when a call or a place is left over a second after the last caller has hung up.
    pub async fn expect_idle(&self) -> Result<()> {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + FREE_LIMIT;
        loop {
            tick.tick().await;
            let active = match self.administrator.get() {
                Some(client) => client.get("/api/v1/calls/active").await?,
                None => self.json("/api/v1/calls/active").await?,
            };
            if active["calls"].as_array().is_some_and(Vec::is_empty) && active["taken"] == 0 {
                return Ok(());
            }
            ensure!(tokio::time::Instant::now() < deadline, "calls are left over: {active}");
        }
    }

    /// Sends a signal by name (`TERM`, `KILL`).
    pub async fn signal(&self, name: &str) -> Result<()> {
        let pid = self.pid().context("the server has ended already")?;
        let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().await?;
        ensure!(sent.success(), "kill -{name} {pid} failed");
        Ok(())
    }

    /// Waits for the process to end.
    pub async fn ended(mut self) -> Result<Hung> {
        let status = tokio::time::timeout(STOP_LIMIT, self.child.wait()).await.context("the server did not stop in time")??;
        Ok(Hung { status, data: self.data })
    }

    /// Stops it properly: nothing may be left over, and it must say that all went well.
    pub async fn stop(self) -> Result<Hung> {
        self.expect_idle().await?;
        self.signal("TERM").await?;
        let hung = self.ended().await?;
        ensure!(hung.status.success(), "the server ended with {}", hung.status);
        Ok(hung)
    }
}

fn command(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().kill_on_drop(true);
    let kept = ["PATH", "HOME", "LANG", "TMPDIR", "VOICENOOB_TEST_LOG"];
    command.envs(kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    let log = std::env::var("VOICENOOB_TEST_LOG").unwrap_or_else(|_| "error".into());
    command.env("HOST", "127.0.0.1").env("PORT", "0").env("DATA_DIR", data).env("CACHE_DIR", shared_cache()).env("LOG_LEVEL", log);
    // Tests ask again and again until something has happened; limits have tests of their own.
    command.env("CALLS_PER_MINUTE_PER_CALLER", "");
    for rate in ["RATE_LIMIT_READ", "RATE_LIMIT_WRITE", "RATE_LIMIT_ADDRESS"] {
        command.env(rate, "1000000");
    }
    command
}

fn appended(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)
}

/// Language models and phrases are the same for every test; they are made once.
fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/testkit-cache")
}

fn one_tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A test that has installed one already has the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

fn conversation(report: &CallReport) -> String {
    report.turns.iter().map(|turn| format!("\n  {:?}: {}", turn.speaker, turn.text)).collect()
}
