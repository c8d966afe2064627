//! One command to a server and its answer, by hand: readiness is asked before there is a client.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Longest text in an answer.
const MAX_TEXT: usize = 64 * 1024 * 1024;

/// Sends an inline command; lists are answered flat.
pub(super) async fn ask(address: SocketAddr, command: &str) -> Result<Vec<String>> {
    let asked = timeout(LIMIT, async {
        let mut stream = BufReader::new(TcpStream::connect(address).await?);
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        answer(&mut stream).await
    });
    asked.await.with_context(|| format!("no answer to {command} from {address}"))?
}

async fn answer(stream: &mut BufReader<TcpStream>) -> Result<Vec<String>> {
    let (mut found, mut open) = (Vec::new(), 1_usize);
    // Counting what is still to come does for nested lists, too.
    while open > 0 {
        open -= 1;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end();
        match (line.get(..1), line.get(1..)) {
            (Some("+" | ":"), Some(text)) => found.push(text.to_owned()),
            (Some("-"), Some(text)) => bail!("{text}"),
            (Some("*"), Some(count)) => open += count.parse::<usize>().unwrap_or(0),
            (Some("$"), Some("-1")) => found.push(String::new()),
            (Some("$"), Some(length)) => {
                let length: usize = length.parse().context("no length")?;
                anyhow::ensure!(length <= MAX_TEXT, "an answer of {length} bytes is too long");
                let mut text = vec![0; length + 2];
                stream.read_exact(&mut text).await?;
                text.truncate(length);
                found.push(String::from_utf8_lossy(&text).into_owned());
            }
            _ => bail!("{line:?} is no answer of a Redis server"),
        }
    }
    Ok(found)
}
