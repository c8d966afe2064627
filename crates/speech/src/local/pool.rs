//! A bounded pool of recogniser processes. Work waits in one bounded queue; a process that crashes or is late is killed and replaced.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use pocketsphinx::Hypothesis;
use pocketsphinx::protocol::{self, Outcome, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use super::clean::clean;
use crate::SpeechError;

/// The engine's name in errors, logs and on the console.
pub(crate) const ENGINE: &str = "pocketsphinx";
/// Wait before a worker is replaced for the second time in a row; doubles from there. The first replacement is at once.
const BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait before a worker is replaced.
const BACKOFF_CAP: Duration = Duration::from_secs(5);

/// The part of the deadline after which work is not begun any more.
const LAST_START: f32 = 0.75;

/// One utterance on its way through the pool.
pub(crate) struct Job {
    pub(crate) request: Request,
    /// Audio as it came from the call, and its rate.
    pub(crate) pcm: Arc<[i16]>,
    pub(crate) rate: u32,
    pub(crate) submitted: Instant,
    pub(crate) reply: oneshot::Sender<Result<Option<Hypothesis>, SpeechError>>,
}

/// The way into the pool. Workers end when it is dropped.
pub(crate) struct Pool {
    jobs: mpsc::Sender<Job>,
    limit: usize,
}

impl Pool {
    /// Starts the workers' tasks; the processes start with their first work.
    pub(crate) fn start(command: Vec<OsString>, workers: usize, queue_limit: usize, deadline: Duration) -> Self {
        let (jobs, queue) = mpsc::channel(queue_limit.max(1));
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..workers.max(1) {
            let worker = Worker { command: command.clone(), deadline, process: None, failures: 0 };
            tokio::spawn(worker.run(Arc::clone(&queue)));
        }
        Self { jobs, limit: queue_limit.max(1) }
    }

    /// Puts an utterance into the queue, without waiting.
    pub(crate) fn submit(&self, job: Job) -> Result<(), SpeechError> {
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SpeechError::Overloaded { engine: ENGINE, waiting: self.limit },
            mpsc::error::TrySendError::Closed(_) => SpeechError::Stopped { engine: ENGINE },
        })
    }
}

/// One place in the pool: at most one process at a time.
struct Worker {
    command: Vec<OsString>,
    deadline: Duration,
    process: Option<Process>,
    /// Failures in a row.
    failures: u32,
}

struct Process {
    // Dropping it kills the process.
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Worker {
    async fn run(mut self, queue: Arc<Mutex<mpsc::Receiver<Job>>>) {
        loop {
            let job = queue.lock().await.recv().await;
            let Some(job) = job else { return };
            // Whoever asked may have hung up or gone on speaking while the job waited.
            if job.reply.is_closed() {
                continue;
            }
            // Too little time left: the waiting was too long, the worker is not to blame.
            if job.submitted.elapsed() > self.deadline.mul_f32(LAST_START) {
                let _ = job.reply.send(Err(SpeechError::Timeout { engine: ENGINE, after: self.deadline }));
                continue;
            }
            let outcome = self.serve(&job).await;
            let failed = self.process.is_none();
            let _ = job.reply.send(outcome);
            self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
            if self.failures > 1 {
                sleep(BACKOFF.saturating_mul(1 << (self.failures - 2).min(16)).min(BACKOFF_CAP)).await;
            }
        }
    }

    /// Serves one job. Afterwards `process` is there only if it can be trusted with the next.
    async fn serve(&mut self, job: &Job) -> Result<Option<Hypothesis>, SpeechError> {
        let until = job.submitted + self.deadline;
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.spawn()?,
        };
        match timeout_at(until, process.exchange(job)).await {
            Ok(Ok(outcome)) => {
                self.process = Some(process);
                heard(outcome)
            }
            Ok(Err(detail)) => Err(process.crashed(detail).await),
            Err(_) => {
                process.stop().await;
                Err(SpeechError::Timeout { engine: ENGINE, after: self.deadline })
            }
        }
    }

    fn spawn(&self) -> Result<Process, SpeechError> {
        let missing =
            |detail: String| SpeechError::NotInstalled { engine: "the recogniser's worker program", package: "voicenoob", detail };
        let (program, arguments) = self.command.split_first().ok_or_else(|| missing("no command is configured".to_owned()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| missing(format!("{}: {error}", program.to_string_lossy())))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Process { child, input, output }),
            _ => Err(SpeechError::Crashed { engine: ENGINE, detail: "its pipes could not be opened".to_owned() }),
        }
    }
}

impl Process {
    /// Sends the request and waits for its answer. An error means that the process cannot be used any more.
    async fn exchange(&mut self, job: &Job) -> Result<Outcome, String> {
        let cleaned = match clean(&job.pcm, job.rate, job.request.id) {
            Ok(cleaned) => cleaned,
            Err(error) => return Ok(Outcome::Failed(error.to_string())),
        };
        let request = Request { own_mean: cleaned.noisy, ..job.request.clone() };
        let frame = match protocol::encode(&request, &cleaned.pcm) {
            Ok(frame) => frame,
            Err(error) => return Ok(Outcome::Failed(error.to_string())),
        };
        self.input.write_all(&frame).await.map_err(|error| error.to_string())?;
        let mut head = [0; protocol::HEADER];
        self.output.read_exact(&mut head).await.map_err(|error| error.to_string())?;
        let (json, samples) = protocol::header(head).map_err(|error| error.to_string())?;
        let mut body = vec![0; json + 2 * samples];
        self.output.read_exact(&mut body).await.map_err(|error| error.to_string())?;
        let response: Response = protocol::decode(&body[..json]).map_err(|error| error.to_string())?;
        if response.id != job.request.id {
            return Err(format!("it answered request {} instead of {}", response.id, job.request.id));
        }
        Ok(response.outcome)
    }

    async fn crashed(mut self, detail: String) -> SpeechError {
        let _ = self.child.start_kill();
        let detail = match self.child.wait().await {
            Ok(status) => format!("{status} ({detail})"),
            Err(_) => detail,
        };
        SpeechError::Crashed { engine: ENGINE, detail }
    }

    async fn stop(mut self) {
        // Killing waits for the end, so that no dead process is left behind.
        let _ = self.child.kill().await;
    }
}

fn heard(outcome: Outcome) -> Result<Option<Hypothesis>, SpeechError> {
    match outcome {
        Outcome::Heard(heard) => Ok(heard),
        Outcome::NoLibrary(detail) => Err(SpeechError::NotInstalled { engine: "PocketSphinx", package: "libpocketsphinx3", detail }),
        Outcome::NoModel(detail) => {
            Err(SpeechError::NotInstalled { engine: "the US English acoustic model", package: "pocketsphinx-en-us", detail })
        }
        Outcome::Failed(detail) => Err(SpeechError::Model { engine: ENGINE, detail }),
    }
}
