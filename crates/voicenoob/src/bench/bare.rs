//! The reference of `bench media`: one thread, one epoll loop, and nothing but framing, JSON, base64 and G.711, both ways.
//!
//! No call record, no token, no liveness, no runtime. What the server costs above this is what it costs to be a server.

use std::borrow::Cow;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context;
use base64::Engine;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::frames::{self, Frame};
use crate::say;

const LISTENER: Token = Token(usize::MAX);
/// Bytes read at once: a frame has some 400.
const READ: usize = 4096;
/// Longest head of an upgrade request.
const MAX_HEAD: usize = 8192;
/// Bytes that may wait for a client that does not read; more ends its connection.
const MAX_UNSENT: usize = 256 * 1024;

/// A media message, as far as an echo needs it.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, rename = "streamSid", default)]
    stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

struct Connection {
    stream: TcpStream,
    upgraded: bool,
    /// The beginning of a frame whose rest has not come; empty nearly always.
    partial: Vec<u8>,
    unsent: Vec<u8>,
}

/// Buffers that all connections use, one after the other.
struct Echo {
    base64: Base64,
    bytes: Vec<u8>,
    pcm: Vec<i16>,
    text: String,
    out: Vec<u8>,
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Base64 = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Base64 = base64::engine::GeneralPurpose;

/// The engine that the server uses too.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn base64_engine() -> Base64 {
    Base64::standard(base64::engine::general_purpose::PAD)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn base64_engine() -> Base64 {
    base64::engine::general_purpose::STANDARD
}

/// Listens on a free port, says which, and echoes until it is ended.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).context("cannot listen on loopback")?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    say(&format!("bare echo at http://{}", listener.local_addr()?));
    let mut events = Events::with_capacity(1024);
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut echo = Echo { base64: base64_engine(), bytes: Vec::new(), pcm: Vec::new(), text: String::new(), out: Vec::new() };
    loop {
        match poll.poll(&mut events, None) {
            Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
            done => done.context("cannot wait for sockets")?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
            } else if let Some(place) = connections.get_mut(event.token().0)
                && place.as_mut().is_some_and(|connection| connection.serve(&mut echo).is_err())
            {
                *place = None;
            }
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, connections: &mut Vec<Option<Connection>>) -> anyhow::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(fault) => return Err(fault).context("cannot accept a connection"),
        };
        stream.set_nodelay(true)?;
        let free = connections.iter().position(Option::is_none).unwrap_or(connections.len());
        poll.registry().register(&mut stream, Token(free), Interest::READABLE | Interest::WRITABLE)?;
        let connection = Some(Connection { stream, upgraded: false, partial: Vec::new(), unsent: Vec::new() });
        if free == connections.len() {
            connections.push(connection);
        } else {
            connections[free] = connection;
        }
    }
}

impl Connection {
    /// Reads all there is and answers it. An error ends the connection.
    fn serve(&mut self, echo: &mut Echo) -> anyhow::Result<()> {
        self.flush()?;
        let mut buffer = [0; READ];
        loop {
            let read = match self.stream.read(&mut buffer) {
                Ok(0) => anyhow::bail!("closed"),
                Ok(read) => read,
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                Err(fault) => return Err(fault.into()),
            };
            if self.partial.is_empty() {
                self.take(&mut buffer[..read], echo)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(&buffer[..read]);
                self.take(&mut whole, echo)?;
            }
            // A short read has emptied the socket; the next bytes raise a new event.
            if read < READ {
                return Ok(());
            }
        }
    }

    fn take(&mut self, bytes: &mut [u8], echo: &mut Echo) -> anyhow::Result<()> {
        if !self.upgraded {
            return self.upgrade(bytes);
        }
        let mut start = 0;
        echo.out.clear();
        while let Some(frame) = Frame::first(&bytes[start..])? {
            let rest = &mut bytes[start..];
            start += frame.end;
            let payload = frame.open(rest);
            match frame.opcode {
                frames::TEXT => echo.answer(std::str::from_utf8(payload)?)?,
                frames::PING => frames::write(frames::PONG, payload, None, &mut echo.out),
                frames::CLOSE => anyhow::bail!("closed"),
                _ => {}
            }
        }
        self.partial.extend_from_slice(&bytes[start..]);
        self.send(&echo.out)
    }

    fn upgrade(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.partial.extend_from_slice(bytes);
        let head = String::from_utf8_lossy(&self.partial).into_owned();
        anyhow::ensure!(head.len() <= MAX_HEAD, "the head of a request is longer than {MAX_HEAD} bytes");
        if !head.ends_with("\r\n\r\n") {
            return Ok(());
        }
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let key = lines.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, key)| key.trim());
        let accept = derive_accept_key(key.context("the request is no WebSocket upgrade")?.as_bytes());
        self.partial = Vec::new();
        self.upgraded = true;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.send(answer.as_bytes())
    }

    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.flush()?;
        let sent = if self.unsent.is_empty() { write_some(&mut self.stream, bytes)? } else { 0 };
        self.unsent.extend_from_slice(&bytes[sent..]);
        anyhow::ensure!(self.unsent.len() <= MAX_UNSENT, "the client does not read");
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if !self.unsent.is_empty() {
            let sent = write_some(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        Ok(())
    }
}

/// Writes as much as the socket takes; says how much.
pub(super) fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(more) => sent += more,
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => break,
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(sent)
}

impl Echo {
    /// Appends the answer to one message: its audio, decoded to samples and encoded again.
    fn answer(&mut self, text: &str) -> anyhow::Result<()> {
        let message: Message<'_> = serde_json::from_str(text)?;
        let (Some(media), "media") = (&message.media, &*message.event) else { return Ok(()) };
        self.bytes.clear();
        self.base64.decode_vec(&*media.payload, &mut self.bytes)?;
        self.pcm.clear();
        audio::g711::decode_ulaw(&self.bytes, &mut self.pcm);
        self.bytes.clear();
        audio::g711::encode_ulaw(&self.pcm, &mut self.bytes);
        self.text.clear();
        self.text.push_str("{\"event\":\"media\",\"streamSid\":\"");
        self.text.push_str(&message.stream_sid);
        self.text.push_str("\",\"media\":{\"payload\":\"");
        self.base64.encode_string(&self.bytes, &mut self.text);
        self.text.push_str("\"}}");
        frames::write(frames::TEXT, self.text.as_bytes(), None, &mut self.out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_audio_comes_back_and_other_messages_do_not() {
        let mut echo = Echo { base64: base64_engine(), bytes: Vec::new(), pcm: Vec::new(), text: String::new(), out: Vec::new() };
        let mut far = telephony::far_end(call::Carrier::Twilio, telephony::MediaFormat::PCMU_8K);
        let start = telephony::StreamStart {
            stream_id: "MZ1".into(),
            carrier_call_id: "CA1".into(),
            account: None,
            from: None,
            to: None,
            parameters: std::collections::BTreeMap::new(),
            format: telephony::MediaFormat::PCMU_8K,
        };
        for text in [far.connected(), far.start(&start)] {
            echo.answer(&text).unwrap();
        }
        assert!(echo.out.is_empty());
        let pcm: Vec<i16> = (0..160).map(|at| (at * 40) as i16).collect();
        let mut text = String::new();
        far.media(&pcm, &mut text);
        echo.answer(&text).unwrap();
        let frame = Frame::first(&echo.out).unwrap().unwrap();
        let payload = String::from_utf8(frame.open(&mut echo.out).to_vec()).unwrap();
        let sent = text.rsplit('"').nth(1).unwrap();
        assert_eq!(payload.rsplit('"').nth(1).unwrap(), sent);
        assert!(matches!(far.handle_text(&payload).unwrap(), telephony::FarEndEvent::Media(pcm) if pcm.len() == 160));
    }
}
