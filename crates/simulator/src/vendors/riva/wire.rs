//! Connections that can be broken from within.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// A listener that has no handle left has one again soon.
const PATIENCE: Duration = Duration::from_millis(50);

/// Breaks a connection.
#[derive(Debug, Clone)]
pub(super) struct Line(CancellationToken);

impl Line {
    /// No goodbye, for all streams on it.
    pub(super) fn cut(&self) {
        self.0.cancel();
    }
}

/// A connection. It breaks when the simulator stops, too.
pub(super) struct Wire {
    tcp: TcpStream,
    line: Line,
    broken: Pin<Box<WaitForCancellationFutureOwned>>,
}

pub(super) fn connections(listener: TcpListener, stop: CancellationToken) -> impl Stream<Item = io::Result<Wire>> {
    stream::unfold((listener, stop), |(listener, stop)| async move {
        loop {
            if let Ok((tcp, _)) = listener.accept().await {
                // A connection that will not send at once is still one.
                let _ = tcp.set_nodelay(true);
                let token = stop.child_token();
                let broken = Box::pin(token.clone().cancelled_owned());
                return Some((Ok(Wire { tcp, line: Line(token), broken }), (listener, stop)));
            }
            tokio::time::sleep(PATIENCE).await;
        }
    })
}

impl Connected for Wire {
    type ConnectInfo = Line;

    fn connect_info(&self) -> Line {
        self.line.clone()
    }
}

impl Wire {
    fn is_broken(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.broken.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.is_broken(context)?;
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.line.0.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
