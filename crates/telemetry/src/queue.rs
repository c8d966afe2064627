//! A bounded queue between the code that logs and the stream that is written to.
//!
//! Standard error may be a pipe whose reader is slow. Audio must not wait for it, so a line is handed over without waiting, a thread
//! writes it, and when the queue is full the line is dropped and counted; the count is written as soon as there is room again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::redaction::{encode_controls, mask};

/// Lines that may wait for the stream. At 200 bytes a line: two megabytes, some seconds of a busy server.
pub(crate) const QUEUE_LINES: usize = 10_000;

enum Item {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The sending end of the queue; what the subscriber writes to.
#[derive(Clone)]
pub(crate) struct LineQueue {
    lines: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

impl LineQueue {
    /// Starts the thread that owns `out`. It ends when the last sender is gone.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(crate) fn start(out: impl Write + Send + 'static, capacity: usize) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(capacity);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        thread::Builder::new().name("log".to_owned()).spawn(move || write_lines(out, &waiting, &counter))?;
        Ok(Self { lines, lost })
    }

    /// Waits until all that was logged before is written, at most `limit`. False when it was not.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let (done, written) = sync_channel(1);
        // A full queue is retried within the limit: its reader makes room or is stuck.
        let step = Duration::from_millis(5);
        let mut left = limit;
        let mut item = Item::Flush(done);
        loop {
            match self.lines.try_send(item) {
                Ok(()) => return written.recv_timeout(left).is_ok(),
                Err(TrySendError::Full(back)) if left > step => item = back,
                Err(_) => return false,
            }
            thread::sleep(step);
            left -= step;
        }
    }

    fn offer(&self, mut line: Vec<u8>) {
        mask(&mut line);
        encode_controls(&mut line);
        if self.lines.try_send(Item::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread's work. A stream that cannot be written to loses lines and nothing else: there is nowhere left to report it.
fn write_lines(mut out: impl Write, waiting: &Receiver<Item>, lost: &AtomicU64) {
    for item in waiting {
        match item {
            Item::Line(line) => {
                let _ = out.write_all(&line);
            }
            Item::Flush(done) => {
                let _ = out.flush();
                let _ = done.send(());
            }
        }
        let dropped = lost.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let _ =
                writeln!(out, "{{\"level\":\"WARN\",\"message\":\"log lines dropped, the log was read too slowly\",\"lines\":{dropped}}}");
        }
    }
}

/// One event's text; handed over as a whole when it is dropped, as the formatter may write it in pieces.
pub(crate) struct Line<'a> {
    queue: &'a LineQueue,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.queue.offer(std::mem::take(&mut self.text));
        }
    }
}

impl<'a> MakeWriter<'a> for LineQueue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { queue: self, text: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// A stream that reports each write and then waits to be told to go on.
    struct Slow {
        began: Sender<()>,
        go_on: Receiver<()>,
        text: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            let _ = self.began.send(());
            let _ = self.go_on.recv();
            self.text.lock().unwrap().extend_from_slice(piece);
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_slow_reader_costs_lines_and_not_time() {
        let (began, writing) = channel();
        let (release, go_on) = channel();
        let text = Arc::new(Mutex::new(Vec::new()));
        let queue = LineQueue::start(Slow { began, go_on, text: Arc::clone(&text) }, 2).unwrap();
        queue.offer(b"first\n".to_vec());
        writing.recv_timeout(Duration::from_secs(10)).unwrap();
        for line in ["second\n", "third\n", "fourth\n", "fifth\n"] {
            queue.offer(line.as_bytes().to_vec());
        }
        assert!(!queue.flush(Duration::from_millis(6)), "the queue is full and its reader is stuck");
        drop(release);
        assert!(queue.flush(Duration::from_secs(10)));
        let written = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!(lines[0], "first");
        assert!(lines[1].contains("\"lines\":2"), "{written}");
        assert_eq!(&lines[2..], ["second", "third"]);
    }
}
