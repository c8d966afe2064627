//! Setting up one call for the load generator, as a carrier does it: signed webhook, answer document, WebSocket, start of the stream.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use call::Carrier;
use telephony::{Document, FarEnd, MediaFormat, StreamStart, far_end, twilio};

use super::frames;

/// How long a request, and any answer within it, may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Longest answer to a request that is read.
const MAX_ANSWER: u64 = 64 * 1024;
const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// What is called.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Signs the webhook; none for the bare echo, which has no webhook.
    pub(super) token: Option<String>,
    /// Who is called: an agent's name or id.
    pub(super) agent: String,
}

/// A call whose stream has started and whose first frame is due.
pub(super) struct Call {
    /// The carrier's id of it.
    pub(super) id: String,
    /// Blocking still.
    pub(super) stream: TcpStream,
    /// The carrier's side of it.
    pub(super) far: Box<dyn FarEnd>,
}

impl Target {
    /// Sets up one call.
    pub(super) fn ring(&self) -> anyhow::Result<Call> {
        let random = format!("{:032x}", fastrand::u128(..));
        let call_id = format!("CA{random}");
        let (path, parameters) = match &self.token {
            None => ("/echo".to_owned(), BTreeMap::new()),
            Some(token) => self.webhook(&call_id, token)?,
        };
        let mut stream = self.connect()?;
        upgrade(&mut stream, &path, self.address)?;
        let mut far = far_end(Carrier::Twilio, MediaFormat::PCMU_8K);
        let start = StreamStart {
            stream_id: format!("MZ{random}"),
            carrier_call_id: call_id.clone(),
            account: Some(ACCOUNT.to_owned()),
            from: None,
            to: None,
            parameters,
            format: MediaFormat::PCMU_8K,
        };
        let mut opening = Vec::new();
        for text in [far.connected(), far.start(&start)] {
            frames::write(frames::TEXT, text.as_bytes(), Some(fastrand::u32(..).to_ne_bytes()), &mut opening);
        }
        stream.write_all(&opening).context("cannot send the start of a stream")?;
        Ok(Call { id: call_id, stream, far })
    }

    fn connect(&self) -> anyhow::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, LIMIT).with_context(|| format!("cannot connect to {}", self.address))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(stream)
    }

    /// Asks what to do with the call; answers the stream's path and parameters.
    fn webhook(&self, call_id: &str, token: &str) -> anyhow::Result<(String, BTreeMap<String, String>)> {
        let path = format!("/webhooks/twilio/voice?agent={}", self.agent);
        let form = [
            ("CallSid", call_id),
            ("AccountSid", ACCOUNT),
            ("From", "+15005550006"),
            ("To", "+15005550001"),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
            ("ApiVersion", "2010-04-01"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let signature = twilio::signature::sign(&format!("http://{}{path}", self.address), &form, token);
        // The plus is all that needs to be written otherwise.
        let body = form.map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).join("&");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        let mut stream = self.connect()?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER).read_to_string(&mut answer).context("the voice webhook was not answered")?;
        let (head, xml) = answer.split_once("\r\n\r\n").context("the voice webhook's answer is no HTTP")?;
        ensure!(head.starts_with("HTTP/1.1 200"), "the voice webhook was refused: {}", head.lines().next().unwrap_or_default());
        let Document::ConnectStream { stream_url, parameters, .. } = Document::parse(xml)? else {
            bail!("the call was not answered with a media stream: {xml}");
        };
        let path = stream_url.strip_prefix("ws://").and_then(|url| url.find('/').map(|at| url[at..].to_owned()));
        let path = path.with_context(|| format!("the media stream's address {stream_url} is not one on this machine"))?;
        Ok((path, parameters.into_iter().collect()))
    }
}

fn upgrade(stream: &mut TcpStream, path: &str, host: SocketAddr) -> anyhow::Result<()> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut piece).context("the WebSocket upgrade was not answered")?;
        ensure!(read > 0 && head.len() < 8192, "the WebSocket upgrade was not answered: {}", String::from_utf8_lossy(&head));
        head.extend_from_slice(&piece[..read]);
    }
    let head = String::from_utf8_lossy(&head);
    // The answer to the key above, which is the example of RFC 6455, section 1.3.
    let accepted = head.starts_with("HTTP/1.1 101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    ensure!(accepted, "the WebSocket upgrade was refused: {}", head.lines().next().unwrap_or_default());
    Ok(())
}
