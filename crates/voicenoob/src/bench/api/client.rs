//! Clients that keep their connections and ask one request after the other. Reading is as little as HTTP needs: they share a machine with what
//! they measure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::cases::{Case, With};

/// Before each measurement.
const WARM_UP: Duration = Duration::from_secs(1);
/// An answer that does not come within this time does not come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer, bytes.
const LARGEST: usize = 4 * 1024 * 1024;
/// Of the histogram, microseconds: twenty seconds.
const LONGEST_US: u64 = 20_000_000;

/// What the clients saw.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) a_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// Numbers of requests: no two of a run are the same.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Asks for so long; `mark` is told when the window opens and when it is over.
pub(super) async fn load(
    address: SocketAddr,
    case: &'static Case,
    with: &With,
    connections: u64,
    window: Duration,
    mut mark: impl FnMut(bool) -> anyhow::Result<()>,
) -> anyhow::Result<Load> {
    let begin = Instant::now() + WARM_UP;
    let with = Arc::new(With { token: with.token.clone(), key: with.key.clone(), call: with.call.clone() });
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        clients.spawn(client(address, case, Arc::clone(&with), begin, begin + window));
    }
    tokio::time::sleep_until(begin.into()).await;
    mark(false)?;
    tokio::time::sleep_until((begin + window).into()).await;
    mark(true)?;
    let mut all = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
    while let Some(times) = clients.join_next().await {
        all.add(times??)?;
    }
    ensure!(!all.is_empty(), "nothing was answered within {window:?}");
    let ms = |share| all.value_at_quantile(share) as f64 / 1000.0;
    Ok(Load { requests: all.len(), a_second: all.len() as f64 / window.as_secs_f64(), p50_ms: ms(0.5), p99_ms: ms(0.99) })
}

/// One connection's times, microseconds: of what was answered in the window.
async fn client(address: SocketAddr, case: &'static Case, with: Arc<With>, begin: Instant, end: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut times = Histogram::new_with_bounds(1, LONGEST_US, 3)?;
    let mut connection = Connection::open(address).await?;
    while Instant::now() < end {
        let request = case.request(&with, NUMBER.fetch_add(1, Relaxed));
        let asked = Instant::now();
        let status = tokio::time::timeout(PATIENCE, connection.ask(&request)).await.context("no answer")??;
        ensure!(status == case.status, "answered with {status}: {}", String::from_utf8_lossy(&connection.answer));
        let now = Instant::now();
        if now >= begin && now < end {
            times.saturating_record(u64::try_from((now - asked).as_micros())?.max(1));
        }
    }
    Ok(times)
}

struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// The status of the answer, which is read whole.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the connection was closed");
            match whole(&self.answer)? {
                Some((status, length)) if self.answer.len() >= length => return Ok(status),
                _ if self.answer.len() > LARGEST => bail!("an answer has more than {LARGEST} bytes"),
                _ => {}
            }
        }
    }
}

/// The status and how long the whole answer is, once its head is there.
fn whole(answer: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).context("a head is no text")?;
    let status = head.get(9..12).and_then(|status| status.parse().ok()).context("a head has no status")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    Ok(Some((status, end + 4 + length.context("an answer does not say how long it is")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap(), None);
        assert_eq!(whole(b"HTTP/1.1 401 No\r\ncontent-length: 3\r\n\r\na").unwrap(), Some((401, 41)));
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
