//! A line between the pool and the simulator: its connections are counted, and can be cut one by one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Connections, in the order they came.
pub(crate) struct Line {
    address: SocketAddr,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    listening: AbortHandle,
}

impl Line {
    pub(crate) async fn to(url: &str) -> Self {
        let there = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, open) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<AbortHandle>>>::default());
        let list = Arc::clone(&open);
        let listening = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let there = there.clone();
                let carrying = tokio::spawn(async move {
                    let mut far = TcpStream::connect(there).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
                list.lock().unwrap().push(carrying.abort_handle());
            }
        });
        Self { address, open, listening: listening.abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.lock().unwrap().iter().filter(|carrying| !carrying.is_finished()).count()
    }

    /// Breaks the connection that came as this one.
    pub(crate) fn cut(&self, number: usize) {
        self.open.lock().unwrap()[number].abort();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
        self.open.lock().unwrap().iter().for_each(AbortHandle::abort);
    }
}
