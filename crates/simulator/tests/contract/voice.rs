//! What both speech-to-speech contracts are tried with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use call::Meter;
use models::{Message, ModelError, SpeechToSpeech, ToolCall, ToolSpec, VoiceConfig, VoiceEvent, VoiceSession};
use outbound::Fault;
use serde_json::json;
use simulator::{Config, Ears, Mind, Mouth, Simulator, Vendor};
use tokio::sync::Notify;

/// Nothing in these tests takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// A caller who says `callers`, one after the other, and a model that follows `script`.
pub(super) async fn simulator(callers: &[&str], script: &str) -> Simulator {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let ears = Ears::script(callers.iter().map(|&line| line.to_owned()).collect());
    let mind = Mind::parse(script).unwrap();
    Simulator::start(Config { address: local, riva: local, mouth: Mouth::Hum, ears, mind }).await.unwrap()
}

pub(super) fn call(rate: u32) -> VoiceConfig {
    let parameters = json!({ "type": "object", "properties": { "day": { "type": "string" } } });
    let tool = ToolSpec { name: "look".into(), description: "Looks for free rooms.".into(), parameters };
    VoiceConfig {
        instructions: "You are a receptionist.".into(),
        voice: None,
        language: "en-US".into(),
        tools: Arc::new([tool]),
        max_tokens: Some(1000),
        temperature: None,
        rate,
        history: Vec::new(),
        meter: Meter::new(),
    }
}

/// The caller says something for so long.
pub(super) fn say(session: &mut dyn VoiceSession, rate: u32, millis: u32) {
    session.start();
    let frame: Vec<i16> = (0..rate / 50).map(|at| if at / 20 % 2 == 0 { 4000 } else { -4000 }).collect();
    (0..millis / 20).for_each(|_| session.push(&frame));
}

/// What came of an answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) samples: usize,
    pub(super) words: String,
    pub(super) caller: Vec<String>,
    pub(super) calls: Vec<ToolCall>,
    /// The caller's words came after the answer's first sound.
    pub(super) late: bool,
    pub(super) going: bool,
}

pub(super) async fn next(session: &mut dyn VoiceSession) -> VoiceEvent {
    tokio::time::timeout(PATIENCE, session.next()).await.expect("nothing was reported")
}

/// The answer, to its end.
pub(super) async fn answer(session: &mut dyn VoiceSession) -> Answer {
    let mut answer = Answer::default();
    loop {
        let event = next(session).await;
        secret(&event, "when is breakfast served from seven lobby zebra giraffe please monday");
        match event {
            VoiceEvent::Audio(pcm) => answer.samples += pcm.len(),
            VoiceEvent::AgentText(words) => answer.words.push_str(&words),
            VoiceEvent::CallerText(words) => {
                answer.late |= answer.samples > 0;
                answer.caller.push(words);
            }
            VoiceEvent::Call(call) => answer.calls.push(call),
            VoiceEvent::Answered { tools } => {
                assert_eq!(tools, !answer.calls.is_empty());
                return answer;
            }
            VoiceEvent::GoingAway => answer.going = true,
            other => panic!("{other:?}"),
        }
    }
}

/// The caller speaks, and hears the answer.
pub(super) async fn turn(session: &mut dyn VoiceSession, rate: u32) -> Answer {
    say(session, rate, 400);
    session.finish();
    answer(session).await
}

/// The first sound of the answer.
pub(super) async fn first_sound(session: &mut dyn VoiceSession) -> Arc<[i16]> {
    loop {
        match next(session).await {
            VoiceEvent::Audio(pcm) => return pcm,
            VoiceEvent::Failed(error) | VoiceEvent::Trouble(error) => panic!("{error}"),
            _ => {}
        }
    }
}

/// What is reported prints no word of what was said.
pub(super) fn secret(event: &VoiceEvent, words: &str) {
    let printed = format!("{event:?}").to_lowercase();
    words.to_lowercase().split_whitespace().filter(|word| word.len() > 4).for_each(|word| assert!(!printed.contains(word), "{printed}"));
}

/// The error that ends the answer or the session.
pub(super) async fn error(session: &mut dyn VoiceSession) -> (bool, ModelError) {
    loop {
        match next(session).await {
            VoiceEvent::Failed(error) => return (true, error),
            VoiceEvent::Trouble(error) => return (false, error),
            VoiceEvent::Answered { .. } => panic!("it was answered"),
            _ => {}
        }
    }
}

pub(super) fn fault(error: ModelError) -> Fault {
    match error {
        ModelError::Service { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

pub(super) async fn refused(model: &dyn SpeechToSpeech) -> Fault {
    fault(model.open(call(8000)).await.err().expect("it was opened"))
}

/// Waits until no connection is open, at most so long.
pub(super) async fn gone(simulator: &Simulator, vendor: Vendor, within: Duration) {
    let since = Instant::now();
    while simulator.seen(vendor).open > 0 {
        assert!(since.elapsed() < within, "{:?} is still open", simulator.seen(vendor));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(super) fn history() -> Vec<Message> {
    vec![
        Message::Caller { text: "Is there a room?".into() },
        Message::Agent { text: String::new(), calls: vec![ToolCall { id: "old1".into(), name: "look".into(), arguments: "{}".into() }] },
        Message::Tool { id: "old1".into(), name: "look".into(), content: "{\"free\":2}".into() },
        Message::Agent { text: "Yes, two.".into(), calls: Vec::new() },
        Message::Caller { text: "tell me about breakfast".into() },
    ]
}

/// A vendor that opens every session, with `hello` before it is configured and with `ready` after, and has nothing more to say; and who is told of a
/// ping.
pub(super) async fn quiet_vendor(hello: Option<&'static str>, ready: &'static str) -> (String, Arc<Notify>) {
    let pinged = Arc::new(Notify::new());
    let told = Arc::clone(&pinged);
    let open = move |upgrade: WebSocketUpgrade| {
        let told = Arc::clone(&told);
        async move {
            upgrade.on_upgrade(move |mut socket: WebSocket| async move {
                if let Some(hello) = hello {
                    socket.send(Frame::text(hello)).await.unwrap();
                }
                while let Some(Ok(message)) = socket.recv().await {
                    match message {
                        Frame::Text(_) => socket.send(Frame::text(ready)).await.unwrap(),
                        Frame::Ping(_) => told.notify_one(),
                        _ => {}
                    }
                }
            })
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(open)).await });
    (url, pinged)
}

/// Minutes in which nobody says anything: they pass at once, for from here on the clock stands still while anything happens.
pub(super) async fn kept_alive(session: Box<dyn VoiceSession>, pinged: &Notify) {
    tokio::time::pause();
    tokio::time::timeout(Duration::from_secs(600), pinged.notified()).await.expect("there was no ping");
    drop(session);
}
