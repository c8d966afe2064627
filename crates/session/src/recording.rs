//! Recordings: two-channel WAV, caller left, agent right, on one clock, written as the call goes on.
//!
//! A call never waits for the disk: samples go through a bounded channel to one writer thread for all calls. The file is valid at every
//! moment, also after `kill -9`: its header is brought up to date with each write, and what stands behind the promised length is ignored by readers.
//!
//! A call that was resumed goes on in the same file where that is at hand (same machine, or a shared folder): nothing recorded is overwritten,
//! and the call clock is set to the file's end, so that turns and sound stay on one clock. Where it is not, the file begins with silence up to
//! the moment of the resume.

mod timeline;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use call::CallId;
pub(crate) use timeline::Timeline;
use tracing::error;

/// Why recording is not possible.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The folder cannot be made.
    #[error("cannot make the folder for recordings {path}: {source}; check the data directory's permissions")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The writer thread cannot be started.
    #[error("cannot start the thread that writes recordings: {0}")]
    Thread(std::io::Error),
}

/// Blocks that may wait for the disk, all calls together: one per call and second, so this is a thousand calls and a disk that hangs for two seconds.
const WAITING_BLOCKS: usize = 2048;

/// A resumed call waits this long for the length of what is recorded.
const LENGTH_LIMIT: std::time::Duration = std::time::Duration::from_millis(500);

/// The recorder of this process.
#[derive(Clone)]
pub struct Recordings {
    folder: Arc<Path>,
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

/// What the writer thread is asked to do.
enum Order {
    /// Append interleaved samples (little-endian bytes) to a call's file, which is made when it is not there. `at`: the place of the first one
    /// on the call clock, in samples; a gap before it becomes silence.
    Append { call: CallId, path: PathBuf, rate: u32, at: u64, bytes: Vec<u8> },
    /// Say how many samples of each side a call's file has; what was ordered before counts.
    Length { path: PathBuf, rate: u32, length: tokio::sync::oneshot::Sender<u64> },
    /// Close a call's file and say when that is done.
    Close { call: CallId, done: tokio::sync::oneshot::Sender<()> },
}

/// One call's recording.
pub struct Track {
    call: CallId,
    path: PathBuf,
    rate: u32,
    timeline: Timeline,
    recordings: Recordings,
}

impl Recordings {
    /// Where recordings stand within the data directory.
    pub const FOLDER: &'static str = "recordings";

    /// Makes the folder and starts the writer thread.
    pub fn start(data_dir: &Path) -> Result<Self, RecordingError> {
        let folder = data_dir.join(Self::FOLDER);
        std::fs::create_dir_all(&folder).map_err(|source| RecordingError::Folder { path: folder.clone(), source })?;
        let (orders, inbox) = sync_channel(WAITING_BLOCKS);
        std::thread::Builder::new().name("recordings".into()).spawn(move || writer::run(&inbox)).map_err(RecordingError::Thread)?;
        Ok(Self { folder: folder.into(), orders, lost: Arc::default() })
    }

    /// A call's path, relative to the data directory.
    pub fn relative_path(call: CallId) -> String {
        format!("{}/{call}.wav", Self::FOLDER)
    }

    /// Begins a recording; `rate` in samples a second.
    pub fn track(&self, call: CallId, rate: u32) -> Track {
        self.track_from(call, rate, 0)
    }

    /// Goes on with a resumed call's recording. `elapsed_ms`: how far the call was, as far as is known. Also gives the time on the call clock
    /// at which it goes on: not before the end of what is recorded, which may be later.
    pub async fn resume(&self, call: CallId, rate: u32, elapsed_ms: u64) -> (Track, u64) {
        let (length, known) = tokio::sync::oneshot::channel();
        self.order(Order::Length { path: self.path(call), rate, length });
        let samples = match tokio::time::timeout(LENGTH_LIMIT, known).await {
            Ok(Ok(samples)) => samples,
            Ok(Err(_)) | Err(_) => 0, // The writer is behind and says so itself; what comes is put behind what is there.
        };
        let start_ms = elapsed_ms.max((samples * 1000).div_ceil(u64::from(rate.max(1))));
        (self.track_from(call, rate, start_ms), start_ms)
    }

    fn track_from(&self, call: CallId, rate: u32, start_ms: u64) -> Track {
        Track { call, path: self.path(call), rate, timeline: Timeline::starting(rate, start_ms), recordings: self.clone() }
    }

    fn path(&self, call: CallId) -> PathBuf {
        self.folder.join(format!("{call}.wav"))
    }

    /// Blocks that were lost because the disk was too slow, since the start.
    pub fn lost_blocks(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn order(&self, order: Order) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.orders.try_send(order)
            && self.lost.fetch_add(1, Ordering::Relaxed) == 0
        {
            error!(limit = WAITING_BLOCKS, "recordings lose audio: the disk is too slow");
        }
    }
}

impl Track {
    /// Enters the caller's audio, heard at this time on the call clock.
    pub fn caller(&mut self, at_ms: u64, pcm: &[i16]) {
        self.timeline.caller(at_ms, pcm);
        self.write_ready(at_ms);
    }

    /// Enters the agent's audio, which will be played at this time on the call clock.
    pub fn agent(&mut self, at_ms: u64, pcm: &[i16]) {
        self.timeline.agent(at_ms, pcm);
    }

    /// The far end was cleared: what was to be played after this time was not.
    pub fn cut_agent(&mut self, at_ms: u64) {
        self.timeline.cut_agent(at_ms);
    }

    /// Lets time pass when no audio comes.
    pub fn write_ready(&mut self, now_ms: u64) {
        let at = self.timeline.written();
        if let Some(bytes) = self.timeline.take_ready(now_ms) {
            self.append(at, bytes);
        }
    }

    /// Writes the rest and waits until the file is closed (at most two seconds).
    pub async fn close(mut self, now_ms: u64) {
        let at = self.timeline.written();
        if let Some(bytes) = self.timeline.take_rest(now_ms) {
            self.append(at, bytes);
        }
        let (done, closed) = tokio::sync::oneshot::channel();
        self.recordings.order(Order::Close { call: self.call, done });
        // An error means that the writer dropped the order; it has said so itself.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), closed).await;
    }

    fn append(&self, at: u64, bytes: Vec<u8>) {
        self.recordings.order(Order::Append { call: self.call, path: self.path.clone(), rate: self.rate, at, bytes });
    }
}

#[cfg(test)]
#[path = "recording/tests.rs"]
mod tests;
