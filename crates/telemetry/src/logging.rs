//! Log set-up: once per process, to standard error, as JSON for machines or as coloured lines for people.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::queue::{LineQueue, QUEUE_LINES};

/// Longest time [`flush`] waits for the reader of the log.
const FLUSH_LIMIT: Duration = Duration::from_millis(500);
/// What is logged when nobody says otherwise.
const DEFAULT_FILTER: &str = "info";

/// The queue of this process: as global as the subscriber that writes to it.
static QUEUE: OnceLock<LineQueue> = OnceLock::new();

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON everywhere else.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// One readable line, coloured on a terminal.
    Pretty,
}

impl std::str::FromStr for LogFormat {
    type Err = TelemetryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err(TelemetryError::Format { format: text.to_owned() }),
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error("log filter `{filter}` cannot be read ({reason}); write a level (info) or targets with levels (info,server=debug)")]
    Filter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The format is not a known word.
    #[error("log format `{format}` is not known; use auto, json or pretty")]
    Format {
        /// The word as given.
        format: String,
    },
    /// A second set-up in one process.
    #[error("logging is already set up in this process; call it once, first thing in main")]
    AlreadySetUp,
    /// The system refused the thread that writes.
    #[error("the thread that writes the log could not be started")]
    Thread(#[source] io::Error),
}

/// Sets up logging for the whole process. The filter is the first of: `filter`, `RUST_LOG`, `LOG_LEVEL`, `info`. The format is `format`, or what
/// `LOG_FORMAT` says when that is [`LogFormat::Auto`].
///
/// Lines are written by a thread of their own, so call [`flush`] before the process ends.
///
/// # Errors
/// When the filter or `LOG_FORMAT` does not parse, or logging is set up already.
pub fn init(format: LogFormat, filter: Option<&str>) -> Result<(), TelemetryError> {
    let filter = parse_filter(&choose_filter(filter, |name| std::env::var(name).ok()))?;
    let format = choose_format(format, |name| std::env::var(name).ok())?;
    let terminal = io::stderr().is_terminal();
    let queue = LineQueue::start(io::stderr(), QUEUE_LINES).map_err(TelemetryError::Thread)?;
    let subscriber = subscriber(format, filter, terminal, queue.clone());
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadySetUp)?;
    // Only one set-up gets past the line above, so the cell is empty.
    let _ = QUEUE.set(queue);
    Ok(())
}

/// Waits until everything logged so far is written, for at most half a second. True when it is, and when logging was never set up.
pub fn flush() -> bool {
    QUEUE.get().is_none_or(|queue| queue.flush(FLUSH_LIMIT))
}

/// The first filter that says anything; `read` looks up an environment variable.
fn choose_filter(argument: Option<&str>, read: impl Fn(&str) -> Option<String>) -> String {
    argument
        .map(str::to_owned)
        .into_iter()
        .chain(["RUST_LOG", "LOG_LEVEL"].into_iter().filter_map(read))
        .find(|text| !text.trim().is_empty())
        .unwrap_or_else(|| DEFAULT_FILTER.to_owned())
}

/// The format asked for; `read` looks up an environment variable.
fn choose_format(argument: LogFormat, read: impl Fn(&str) -> Option<String>) -> Result<LogFormat, TelemetryError> {
    let setting = read("LOG_FORMAT").filter(|text| argument == LogFormat::Auto && !text.trim().is_empty());
    setting.map_or(Ok(argument), |text| text.trim().parse())
}

fn parse_filter(text: &str) -> Result<EnvFilter, TelemetryError> {
    let refused = |reason: String| TelemetryError::Filter { filter: text.to_owned(), reason };
    // Words of other log systems that people have in their environment.
    let word = match text.trim().to_ascii_lowercase().as_str() {
        "warning" => "warn",
        "critical" | "fatal" => "error",
        _ => text.trim(),
    };
    // A single unknown word would be taken for the only target that may log: a typing error must not silence the rest.
    if !word.contains(['=', ',', '[', ':']) {
        word.parse::<LevelFilter>().map_err(|_| refused("not a level".to_owned()))?;
    }
    EnvFilter::try_new(word).map_err(|error| refused(error.to_string()))
}

/// The subscriber, apart from where it writes: tests write into a buffer.
fn subscriber<W>(format: LogFormat, filter: EnvFilter, terminal: bool, out: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(out);
    match format {
        LogFormat::Auto if terminal => Box::new(base.with_ansi(true).finish()),
        LogFormat::Pretty => Box::new(base.with_ansi(terminal).finish()),
        LogFormat::Auto | LogFormat::Json => Box::new(base.json().flatten_event(true).with_span_list(false).finish()),
    }
}

#[cfg(test)]
#[path = "logging_tests.rs"]
mod tests;
