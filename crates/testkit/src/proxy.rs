//! A TCP proxy that can be told to fail: between an instance and its stores, for outages, hangs and slow lines.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Connections at once; one more is closed as soon as it comes.
pub const MAX_PROXIED: usize = 1024;
/// Bytes moved at once.
const CHUNK: usize = 16 * 1024;
/// After a cut, the port may still be taken for a moment: it is tried again after this time.
const BIND_AGAIN: Duration = Duration::from_millis(20);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// What the line does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    state: State,
    latency: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Cut,
    Frozen,
}

/// A proxy in front of one address. It stops when it is dropped.
pub struct CuttingProxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
    open: watch::Receiver<bool>,
    accepting: JoinHandle<()>,
}

impl CuttingProxy {
    /// Listens on a free port of loopback and passes everything on to `upstream`.
    pub async fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("the proxy cannot listen")?;
        let address = listener.local_addr()?;
        let (line, news) = watch::channel(Line { state: State::Whole, latency: Duration::ZERO });
        let (listening, open) = watch::channel(true);
        let accepting = tokio::spawn(accept(listener, address, upstream, news, listening));
        Ok(Self { address, line, open, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks every connection and refuses new ones. Returns when new connections are refused.
    pub async fn cut(&self) {
        self.state(State::Cut);
        let mut open = self.open.clone();
        // The other end lives as long as the proxy.
        let _ = open.wait_for(|open| !*open).await;
    }

    /// Moves nothing any more, in no direction; connections are accepted and stay. Nobody is told: only silence tells.
    pub fn freeze(&self) {
        self.state(State::Frozen);
    }

    /// Everything works again; what was frozen goes on where it stopped. Returns when connections are taken.
    pub async fn heal(&self) {
        self.state(State::Whole);
        let mut open = self.open.clone();
        let _ = open.wait_for(|open| *open).await;
    }

    /// Delays every piece of data by this time, in each direction.
    pub fn latency(&self, latency: Duration) {
        self.line.send_modify(|line| line.latency = latency);
    }

    fn state(&self, state: State) {
        self.line.send_modify(|line| line.state = state);
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    first: TcpListener,
    address: SocketAddr,
    upstream: SocketAddr,
    mut line: watch::Receiver<Line>,
    listening: watch::Sender<bool>,
) {
    let places = Arc::new(Semaphore::new(MAX_PROXIED));
    let mut listener = Some(first);
    loop {
        let cut = line.borrow_and_update().state == State::Cut;
        match &listener {
            Some(_) if cut => listener = None, // Dropped: connecting is refused by the system.
            None if !cut => listener = bind(address).ok(),
            _ => {}
        }
        listening.send_replace(listener.is_some());
        tokio::select! {
            changed = line.changed() => if changed.is_err() { return },
            () = sleep(BIND_AGAIN), if listener.is_none() && !cut => {}
            accepted = accepted(listener.as_ref()) => {
                let Ok((client, _)) = accepted else { continue };
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let line = line.clone();
                tokio::spawn(async move {
                    carry(client, upstream, line).await;
                    drop(place);
                });
            }
        }
    }
}

async fn accepted(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The old connections linger in the system's table.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// One connection, until a side ends it or the line is cut.
async fn carry(client: TcpStream, upstream: SocketAddr, mut line: watch::Receiver<Line>) {
    let mut cut = line.clone();
    let work = async {
        until_moving(&mut line).await?;
        let server = TcpStream::connect(upstream).await.ok()?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let back = pump(from_server, to_client, line.clone());
        tokio::join!(pump(from_client, to_server, line), back);
        Some(())
    };
    // At a cut the halves are dropped with whatever they hold: that is what a broken line does.
    tokio::select! {
        _ = work => {}
        _ = cut.wait_for(|line| line.state == State::Cut) => {}
    }
}

/// Waits while the line is frozen. `None`: the proxy is gone.
async fn until_moving(line: &mut watch::Receiver<Line>) -> Option<Duration> {
    line.wait_for(|line| line.state != State::Frozen).await.ok().map(|line| line.latency)
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) -> Option<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await.ok()?;
        let latency = until_moving(&mut line).await?;
        if read == 0 {
            return to.shutdown().await.ok();
        }
        if latency > Duration::ZERO {
            sleep(latency).await;
            until_moving(&mut line).await?;
        }
        to.write_all(&buffer[..read]).await.ok()?;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    /// Far longer than anything on loopback takes.
    const LONG: Duration = Duration::from_secs(10);

    /// An address that gives every byte back.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut guest, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = guest.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn echoed(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(b"x").await?;
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        Ok(byte[0])
    }

    #[tokio::test]
    async fn a_cut_line_drops_and_refuses_until_it_is_healed() {
        let proxy = CuttingProxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(echoed(&mut stream).await.unwrap(), b'x');
        proxy.cut().await;
        assert!(timeout(LONG, echoed(&mut stream)).await.unwrap().is_err(), "the connection is broken");
        assert!(TcpStream::connect(proxy.address()).await.is_err(), "a new one is refused");
        proxy.heal().await;
        let mut again = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(echoed(&mut again).await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_frozen_line_takes_everything_and_moves_nothing() {
        let proxy = CuttingProxy::start(echo().await).await.unwrap();
        let mut old = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(echoed(&mut old).await.unwrap(), b'x');
        proxy.freeze();
        let mut new = TcpStream::connect(proxy.address()).await.unwrap();
        new.write_all(b"n").await.unwrap();
        old.write_all(b"o").await.unwrap();
        let mut byte = [0];
        for stream in [&mut old, &mut new] {
            let moved = timeout(Duration::from_millis(100), stream.read_exact(&mut byte)).await;
            assert!(moved.is_err(), "a byte came through");
        }
        proxy.heal().await;
        for (stream, sent) in [(&mut old, b'o'), (&mut new, b'n')] {
            timeout(LONG, stream.read_exact(&mut byte)).await.unwrap().unwrap();
            assert_eq!(byte[0], sent, "what was frozen goes on where it stopped");
        }
    }

    #[tokio::test]
    async fn latency_delays_each_direction() {
        let proxy = CuttingProxy::start(echo().await).await.unwrap();
        proxy.latency(Duration::from_millis(40));
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let asked = Instant::now();
        echoed(&mut stream).await.unwrap();
        assert!(asked.elapsed() >= Duration::from_millis(80), "{:?}", asked.elapsed());
    }

    #[tokio::test]
    async fn an_end_is_passed_on() {
        let proxy = CuttingProxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"last").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = String::new();
        timeout(LONG, stream.read_to_string(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, "last");
    }
}
