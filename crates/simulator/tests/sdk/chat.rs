//! OpenAI's SDK talks to the simulated chat completions, and our adapter asks as the SDK does.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use models::completions::{Completions, Config, Dialect};
use models::{ChatRequest, LanguageModel, Message, ToolCall, ToolSpec};
use resilience::{Guard, Service};
use serde_json::{Value, json};
use simulator::{Simulator, Vendor};
use tokio::sync::mpsc;

use crate::judge::{judge, page};

/// One request, as far as it matters.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// A server that keeps what it is sent, and answers nothing that helps.
pub(crate) async fn keeper() -> (String, mpsc::Receiver<Sent>) {
    let (sender, sent) = mpsc::channel(16);
    let keep = async |State(sender): State<mpsc::Sender<Sent>>, uri: Uri, headers: HeaderMap, body: Bytes| {
        let body = serde_json::from_slice(&body).unwrap_or_default();
        sender.send(Sent { path: uri.to_string(), headers, body }).await.unwrap();
        axum::http::StatusCode::BAD_REQUEST
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(keep).with_state(sender)).await });
    (url, sent)
}

/// The conversation that the scripts ask with too.
pub(crate) fn asked() -> ChatRequest {
    let parameters = json!({ "type": "object", "properties": { "nights": { "type": "integer" } }, "required": ["nights"] });
    let tool = ToolSpec { name: "check_availability".into(), description: "Looks for free rooms.".into(), parameters };
    let call = ToolCall { id: "call_1".into(), name: "check_availability".into(), arguments: "{\"nights\":2}".into() };
    ChatRequest {
        system: "You are the hotel.".into(),
        messages: vec![
            Message::Caller { text: "A room, please.".into() },
            Message::Agent { text: "One moment.".into(), calls: vec![call] },
            Message::Tool { id: "call_1".into(), name: "check_availability".into(), content: "{\"free\":2}".into() },
        ],
        tools: Arc::new([tool]),
        temperature: Some(0.5),
        max_tokens: 100,
    }
}

#[tokio::test]
async fn openais_sdk_understands_the_simulated_answers_and_refusals() {
    let simulator = Simulator::quick().await.unwrap();
    judge("chat.py", &[&simulator.url(Vendor::OpenAi), &page(&simulator, Vendor::OpenAi)]).await.unwrap();
    let seen = simulator.seen(Vendor::OpenAi);
    assert_eq!((seen.troubled, seen.open), (5, 0), "each was met once: nothing was tried again");
}

#[tokio::test]
async fn our_adapter_asks_as_openais_sdk_does() {
    let (url, mut sent) = keeper().await;
    let base = format!("{url}/v1");
    judge("chat_asked.py", &[&base, &url]).await.unwrap();
    let (theirs, azures) = (sent.recv().await.unwrap(), sent.recv().await.unwrap());

    let guard = || Guard::new(Service::OpenAi, Service::OpenAi.policy());
    let key = || Some("a-key".to_owned().into());
    let ours = Completions::new(Config::new(Dialect::openai("gpt-4.1").at(&base), "gpt-4.1", key()), guard()).unwrap();
    assert!(ours.answer(asked(), &Default::default()).await.is_err());
    let azure = Dialect::azure_openai(&url, "gpt-4.1", "2024-10-21");
    let azure = Completions::new(Config::new(azure, "gpt-4.1", key()), guard()).unwrap();
    assert!(azure.answer(asked(), &Default::default()).await.is_err());

    for (theirs, header) in [(theirs, "authorization"), (azures, "api-key")] {
        let ours = sent.recv().await.unwrap();
        assert_eq!(ours.body, theirs.body);
        assert_eq!((ours.path, &ours.headers[header]), (theirs.path, &theirs.headers[header]));
        assert_eq!(ours.headers["content-type"], theirs.headers["content-type"]);
    }
}
