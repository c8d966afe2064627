//! What goes wrong, and what the caller is told.

use std::sync::Arc;

use async_trait::async_trait;
use call::Meter;
use dial::{DialError, DialKeys, DialOptions, Expect, Step, Url, run};
use speech::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};
use tokio::sync::mpsc;

use super::server::{AgentSide, Server};
use super::{Carrier, Script, ms, say, twilio};

#[tokio::test]
async fn a_server_that_is_not_there_can_be_started() {
    // A port that was free a moment ago, and nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let options = DialOptions::new(server, DialKeys::given(Some("x".into()), None)).unwrap();
    let error = run(twilio(), options).await.unwrap_err();
    assert!(matches!(error, DialError::Unreachable { .. }) && error.to_string().contains("./run"), "{error}");
}

#[tokio::test]
async fn a_wrong_key_is_explained() {
    let server = Server::start(async |_: AgentSide| {}).await;
    let (mut options, _) = server.options();
    options.keys = DialKeys::given(Some("another".into()), None);
    let error = run(twilio(), options.clone()).await.unwrap_err().to_string();
    assert!(error.contains("refused the signature") && error.contains("TWILIO_AUTH_TOKEN"), "{error}");
    let error = run(Script::new(Carrier::Telnyx), options).await.unwrap_err().to_string();
    assert!(error.contains("no telnyx key") && error.contains("TELNYX_PRIVATE_KEY"), "{error}");
}

#[tokio::test]
async fn a_stream_that_does_not_open_is_no_call() {
    let server = Server::start(async |_: AgentSide| {}).await;
    let document = format!("<Response><Connect><Stream url=\"ws://{}/nothing\"/></Connect></Response>", server.url().authority());
    server.will_answer(Carrier::Twilio, &telephony::Document::parse(&document).unwrap());
    let (options, _) = server.options();
    let error = run(twilio(), options).await.unwrap_err();
    assert!(matches!(error, DialError::Stream { .. }), "{error}");
    assert!(server.seen().last().unwrap().path.ends_with("/status"), "the carrier still reports the end");
}

#[tokio::test]
async fn a_silent_agent_fails_the_call() {
    let server = Server::start(async |mut side: AgentSide| {
        side.rest().await;
    })
    .await;
    server.will_connect(Carrier::Twilio);
    let (options, _) = server.options();
    let listen = Step::WaitForAgent { timeout: ms(300), quiet: ms(500) };
    let report = run(twilio().step(listen).step(say(100)), options).await.unwrap();
    assert_eq!(report.failures, ["wait_for_agent: the agent did not speak and finish within 300 ms"]);
}

#[tokio::test]
async fn a_call_has_a_longest_duration() {
    let server = Server::start(async |mut side: AgentSide| {
        side.rest().await;
    })
    .await;
    server.will_connect(Carrier::Twilio);
    let (options, _) = server.options();
    let mut script = twilio().step(Step::wait());
    script.timeout = ms(400);
    let report = run(script, options).await.unwrap();
    assert_eq!((report.frames_sent, report.failures.len()), (20, 1));
    assert!(report.failures[0].contains("lasted longer"), "{:?}", report.failures);
}

#[tokio::test]
async fn a_caller_who_is_called_away_hangs_up_at_once() {
    let server = Server::start(async |mut side: AgentSide| {
        side.rest().await;
    })
    .await;
    server.will_connect(Carrier::Twilio);
    let (mut options, _) = server.options();
    let hang_up = options.hang_up.clone();
    options.observer = Arc::new(move |event| {
        if matches!(event, dial::DialEvent::Said { .. }) {
            hang_up.cancel();
        }
    });
    let report = run(twilio().step(say(2000)), options).await.unwrap();
    assert_eq!(report.frames_sent, 1);
    assert!(server.seen().last().unwrap().path.ends_with("/status"));
}

#[tokio::test]
async fn an_agent_that_breaks_the_protocol_is_reported() {
    let server = Server::start(async |mut side: AgentSide| {
        side.started().await;
        side.send(serde_json::json!({"event": "media", "media": {"payload": "*"}})).await;
        side.rest().await;
    })
    .await;
    server.will_connect(Carrier::Twilio);
    let (options, _) = server.options();
    let report = run(twilio().step(Step::Silence(ms(2000))), options).await.unwrap();
    assert!(report.failures[0].contains("broke the twilio media protocol"), "{:?}", report.failures);
}

#[tokio::test]
async fn an_agent_that_leaves_early_is_reported() {
    let server = Server::start(async |mut side: AgentSide| {
        side.started().await;
        side.close(4003).await;
    })
    .await;
    server.will_connect(Carrier::Twilio);
    let (options, _) = server.options();
    let report = run(twilio().step(Step::wait()).step(say(100)), options).await.unwrap();
    assert_eq!(report.closed_code, Some(4003));
    assert_eq!(report.failures, ["the call was over before the caller could speak"]);
}

#[tokio::test]
async fn a_record_that_is_not_shown_fails_only_what_needs_it() {
    let server = Server::start(async |mut side: AgentSide| {
        side.rest().await;
    })
    .await;
    let (mut options, _) = server.options();
    options.watch = true;
    options.operator_token = Some("wrong".into());
    server.will_connect(Carrier::Twilio);
    assert!(run(twilio(), options.clone()).await.unwrap().passed());
    server.will_connect(Carrier::Twilio);
    let mut script = twilio();
    script.expect = Expect { agent_says: vec!["x".into()], ..Expect::default() };
    let report = run(script, options).await.unwrap();
    assert!(report.failures[0].contains("OPERATOR_TOKEN"), "{:?}", report.failures);
}

/// An engine that says a tone of 50 ms for each word.
struct Humming;

#[async_trait]
impl TextToSpeech for Humming {
    fn name(&self) -> &'static str {
        "humming"
    }

    fn voices(&self) -> Vec<String> {
        vec!["slt".into()]
    }

    async fn speak(&self, request: SpeakRequest, _: &Meter) -> Result<SpeechStream, SpeechError> {
        let (pieces, stream) = mpsc::channel(64);
        for _ in request.text.split(' ') {
            let tone: Arc<[i16]> = (0..request.rate / 20).map(|at| if at % 16 < 8 { 5000 } else { -5000 }).collect();
            pieces.send(Ok(tone)).await.unwrap();
        }
        Ok(stream)
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Ok(())
    }
}

#[tokio::test]
async fn words_need_an_engine_and_a_voice_it_has() {
    let server = Server::start(async |mut side: AgentSide| {
        side.rest().await;
    })
    .await;
    let (mut options, _) = server.options();
    let mut script = twilio().step(Step::say("one two three four"));
    let error = run(script.clone(), options.clone()).await.unwrap_err().to_string();
    assert!(error.contains("install flite"), "{error}");
    options.tts = Some(Arc::new(Humming));
    script.voice = "nobody".into();
    let error = run(script.clone(), options.clone()).await.unwrap_err().to_string();
    assert!(error.contains("\"nobody\"") && error.contains("slt"), "{error}");
    assert!(server.seen().is_empty(), "nobody is called before the caller can speak");
    script.voice = "slt".into();
    server.will_connect(Carrier::Twilio);
    let report = run(script, options).await.unwrap();
    assert!(report.passed(), "{:?}", report.failures);
    let audio = report.audio.unwrap();
    let spoken = audio.samples.chunks(2).filter(|pair| pair[0].abs() > 1000).count() / 8;
    assert_eq!(spoken, 200, "ms");
}
