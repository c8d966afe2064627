//! What the server answers to strangers, to broken carriers, and to a full house.

use anyhow::{Context, Result};
use call::Carrier;
use dial::{Script, Step};
use serde_json::{Value, json};
use telephony::{Document, twilio};
use testkit::{Closed, Server, Socket};

use crate::program;

const ECHO: &str = "0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2aec";

fn closed(code: u16, reason: &str) -> Closed {
    Closed { code: Some(code), reason: reason.into() }
}

fn start(call: &str, token: &str) -> String {
    let format = json!({ "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 });
    start_with(call, token, format)
}

fn start_with(call: &str, token: &str, format: Value) -> String {
    let start = json!({
        "accountSid": "AC1", "streamSid": "MZ1", "callSid": call, "tracks": ["inbound"], "mediaFormat": format,
        "customParameters": { "token": token },
    });
    json!({ "event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": start }).to_string()
}

fn media(chunk: u32) -> String {
    let media = json!({ "track": "inbound", "chunk": chunk.to_string(), "timestamp": (chunk * 20).to_string(), "payload": "/////w==" });
    json!({ "event": "media", "sequenceNumber": (chunk + 1).to_string(), "streamSid": "MZ1", "media": media }).to_string()
}

/// A signed voice webhook, as Twilio sends it.
async fn webhook(server: &Server, call: &str, query: &str) -> Result<(u16, String)> {
    let keys = std::fs::read_to_string(server.data_dir().join("dev-keys.toml"))?;
    let token = keys.lines().find_map(|line| line.strip_prefix("twilio_auth_token = ")).context("no token")?.trim_matches('"').to_owned();
    let form: Vec<(String, String)> = [
        ("CallSid", call),
        ("AccountSid", "AC1"),
        ("From", "+15005550006"),
        ("To", "+15005550010"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let url = server.url().join(&format!("/webhooks/twilio/voice{query}"))?;
    let signature = twilio::signature::sign(url.as_str(), &form, &token);
    let body: String = form.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).collect::<Vec<_>>().join("&");
    let request =
        server.http().post(url).header("X-Twilio-Signature", signature).header("Content-Type", "application/x-www-form-urlencoded");
    let response = request.body(body).send().await?;
    Ok((response.status().as_u16(), response.text().await?))
}

/// Offers a call to the echo agent and gives its token.
async fn offer(server: &Server, call: &str) -> Result<String> {
    let (_, xml) = webhook(server, call, "?agent=echo").await?;
    let Document::ConnectStream { parameters, .. } = Document::parse(&xml)? else { anyhow::bail!("no stream: {xml}") };
    Ok(parameters.into_iter().find(|(name, _)| name == "token").context("no token")?.1)
}

async fn echo_socket(server: &Server) -> Result<Socket> {
    Socket::open(server.url(), &format!("/ws/telephony/twilio/{ECHO}")).await
}

#[tokio::test]
async fn every_refusal_of_a_socket_has_its_code_and_no_socket_stays_open() -> Result<()> {
    let agents = tempfile::tempdir()?;
    let inactive = "1f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a11";
    let text = include_str!("../../../../agents/hotel.toml").replacen("0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a10", inactive, 1);
    let text = text.replacen("name = \"hotel\"", "name = \"closed house\"", 1).replacen("active = true", "active = false", 1);
    std::fs::write(agents.path().join("closed.toml"), text)?;
    let server = Server::start_with(program(), &[("AGENTS_DIR", agents.path().to_str().context("path")?)]).await?;
    let open = async |path: &str| Socket::open(server.url(), path).await;

    for carrier in ["twilio", "telnyx"] {
        assert_eq!(open(&format!("/ws/telephony/{carrier}/no-uuid")).await?.closed().await?, closed(4000, "Malformed agent id"));
        let unknown = format!("/ws/telephony/{carrier}/00000000-0000-4000-8000-000000000000");
        assert_eq!(open(&unknown).await?.closed().await?, closed(4004, "Agent not found"));
        let inactive = format!("/ws/telephony/{carrier}/{inactive}");
        assert_eq!(open(&inactive).await?.closed().await?, closed(4003, "Agent is not active"));
    }

    let bad_token = closed(4001, "Call token missing, wrong or expired");
    let mut stranger = echo_socket(&server).await?;
    stranger.send(start("CA-unknown", "0123")).await;
    assert_eq!(stranger.closed().await?, bad_token);
    offer(&server, "CA-wrong").await?;
    let mut guesser = echo_socket(&server).await?;
    guesser.send(start("CA-wrong", "guess")).await;
    assert_eq!(guesser.closed().await?, bad_token);

    let protocol = closed(4002, "Media stream protocol error");
    for broken in ["not json".to_owned(), media(1)] {
        let mut socket = echo_socket(&server).await?;
        socket.send(broken).await;
        assert_eq!(socket.closed().await?, protocol);
    }
    let mut binary = echo_socket(&server).await?;
    binary.send_binary(vec![0; 160]).await;
    assert_eq!(binary.closed().await?, protocol);
    let mut huge = echo_socket(&server).await?;
    huge.send("x".repeat(100_000)).await;
    assert_eq!(huge.closed().await?, closed(1009, "Message too big"));
    let mut odd = echo_socket(&server).await?;
    odd.send(start_with("CA-odd", "", json!({ "encoding": "audio/opus", "sampleRate": 48000, "channels": 2 }))).await;
    assert_eq!(odd.closed().await?, closed(4006, "Media format not supported"));
    Ok(())
}

#[tokio::test]
async fn a_socket_that_never_starts_is_closed() -> Result<()> {
    let server = Server::start(program()).await?;
    let mut idle = echo_socket(&server).await?;
    idle.send(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#).await;
    assert_eq!(idle.closed().await?, closed(4005, "No start message in time"));
    Ok(())
}

#[tokio::test]
async fn a_token_opens_one_stream_and_a_second_start_ends_it() -> Result<()> {
    let server = Server::start(program()).await?;
    let token = offer(&server, "CA-once").await?;
    let mut first = echo_socket(&server).await?;
    first.send(start("CA-once", &token)).await;
    first.send(media(1)).await;
    let echoed: Value = serde_json::from_str(&first.text().await?)?;
    assert_eq!((echoed["event"].as_str(), echoed["media"]["payload"].as_str()), (Some("media"), Some("/////w==")));

    let mut second = echo_socket(&server).await?;
    second.send(start("CA-once", &token)).await;
    assert_eq!(second.closed().await?.code, Some(4001));
    first.send(start("CA-once", &token)).await;
    assert_eq!(first.closed().await?, closed(4002, "Media stream protocol error"));
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn garbage_in_a_live_stream_is_survived_up_to_its_limit() -> Result<()> {
    let server = Server::start(program()).await?;
    let token = offer(&server, "CA-garbage").await?;
    let mut socket = echo_socket(&server).await?;
    socket.send(start("CA-garbage", &token)).await;
    for chunk in 1..=20 {
        socket.send("{\"event\":\"media\",\"media\":{\"payload\":\"!!!\"}}").await;
        socket.send("{ not json").await;
        socket.send("{\"event\":\"something new\"}").await;
        socket.send(media(chunk)).await;
    }
    for _ in 1..=20 {
        socket.text().await?;
    }
    for _ in 0..200 {
        socket.send("{ not json").await;
    }
    assert_eq!(socket.closed().await?.code, Some(4002));
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn an_unsigned_or_changed_webhook_is_refused_before_it_is_read() -> Result<()> {
    let server = Server::start(program()).await?;
    for (path, header, detail) in [
        ("/webhooks/twilio/voice", None, "Missing Twilio signature"),
        ("/webhooks/twilio/status", Some(("X-Twilio-Signature", "AAAA")), "Invalid Twilio signature"),
        ("/webhooks/telnyx/voice", None, "Missing Telnyx signature"),
    ] {
        let mut request = server.http().post(server.url().join(path)?).body("CallSid=CA1&From=a&To=b&CallStatus=ringing");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        assert_eq!(response.status().as_u16(), 403, "{path}");
        assert_eq!(response.json::<Value>().await?["detail"], detail);
    }
    let calls = server.json("/api/v1/calls").await?;
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(0), "a refused webhook leaves no record");
    Ok(())
}

#[tokio::test]
async fn a_repeated_webhook_makes_one_record_and_takes_one_place() -> Result<()> {
    let server = Server::start_with(program(), &[("MAX_CONCURRENT_CALLS", "1")]).await?;
    for _ in 0..3 {
        assert!(webhook(&server, "CA-twice", "").await?.1.contains("<Stream"));
    }
    let calls = server.json("/api/v1/calls").await?;
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(1));
    let (status, refused) = webhook(&server, "CA-other", "").await?;
    assert_eq!(status, 200);
    heard_as_busy(&server, &refused).await?;
    // A full instance still tells callers so, and still hears how its own calls go on: a balancer must not take it out.
    let ready = server.http().get(server.url().join("/health/ready")?).send().await?;
    assert_eq!(ready.status().as_u16(), 200);
    Ok(())
}

/// The refusal is a sentence rendered at start, in the agent's own voice: the carrier can fetch it, and it sounds.
async fn heard_as_busy(server: &Server, document: &str) -> Result<()> {
    let url = document.split("<Play>").nth(1).and_then(|rest| rest.split("</Play>").next()).context("nothing is played")?;
    assert!(document.contains("<Hangup"), "{document}");
    let wav = server.http().get(url).send().await?.error_for_status()?.bytes().await?;
    let clip = audio::wav::read(&wav)?;
    let samples = clip.mono_at(8000)?;
    let level = audio::level::Level::of(&samples);
    assert!(samples.len() > 2 * 8000 && level.rms_dbfs > -40.0, "{} samples at {level:?}", samples.len());
    Ok(())
}

#[tokio::test]
async fn a_second_call_finds_the_line_busy_and_a_third_one_free_again() -> Result<()> {
    let server = Server::start_with(program(), &[("MAX_CONCURRENT_CALLS", "1")]).await?;
    let token = offer(&server, "CA-first").await?;
    let mut first = echo_socket(&server).await?;
    first.send(start("CA-first", &token)).await;
    first.send(media(1)).await;
    first.text().await?;
    let busy = dial::run(Script::new(Carrier::Telnyx), server.dial_options().await?).await?;
    assert!(busy.announcements.iter().any(|said| said.contains("busy.wav")), "{:?}", busy.announcements);
    first.send(r#"{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA-first"}}"#).await;
    first.closed().await?;
    let free = server.call(Script::new(Carrier::Telnyx).step(Step::wait()).step(Step::HangUp)).await?;
    assert!(free.first_audio_ms.is_some());
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn health_probes_answer_in_words_that_operators_rely_on() -> Result<()> {
    let server = Server::start(program()).await?;
    assert_eq!(server.json("/health/live").await?, json!({ "status": "alive" }));
    assert_eq!(server.json("/health/ready").await?, json!({ "status": "ready" }));
    assert_eq!(server.json("/health").await?["status"], "healthy");
    Ok(())
}
