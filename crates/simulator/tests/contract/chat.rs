//! OpenAI's chat completions, and those of servers that speak alike.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use models::completions::{Completions, Config, Dialect};
use models::{AnswerEvent, LanguageModel, ModelError, Stop, ToolCall};
use outbound::Fault;
use resilience::Service;
use simulator::{Simulator, Vendor};

use crate::language::{Case, Making, Scene, asking, caller, stories, text};

fn made(making: &Making<'_>, dialect: Dialect, model: &str) -> Arc<dyn LanguageModel> {
    let key = Some(making.key.to_owned().into());
    let config = Config { first: making.first, stall: making.stall, ..Config::new(dialect, model, key) };
    Arc::new(Completions::new(config, making.guard.clone()).unwrap())
}

fn openai(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    made(making, Dialect::openai("gpt-4.1-mini").at(&making.url), "gpt-4.1-mini")
}

fn azure(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    let resource = making.url.trim_end_matches("/openai/v1").to_owned();
    made(making, Dialect::azure_openai(&resource, "our-deployment", "2024-10-21"), "our-deployment")
}

fn cerebras(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    made(making, Dialect::cerebras().at(&making.url), "gpt-oss-120b")
}

fn groq(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    made(making, Dialect::groq().at(&making.url), "llama-3.3-70b-versatile")
}

fn own(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    made(making, Dialect::own(&making.url), "llama")
}

fn reasoning(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    made(making, Dialect::openai("o4-mini").at(&making.url), "o4-mini")
}

stories!(Case { vendor: Vendor::OpenAi, service: Service::OpenAi, make: openai });

mod on_azure {
    use super::*;

    stories!(Case { vendor: Vendor::OpenAi, service: Service::AzureOpenAi, make: azure });
}

mod at_cerebras {
    use super::*;

    stories!(Case { vendor: Vendor::OpenAi, service: Service::Cerebras, make: cerebras });
}

mod at_groq {
    use super::*;

    stories!(Case { vendor: Vendor::OpenAi, service: Service::Groq, make: groq });
}

mod on_a_server_of_ones_own {
    use super::*;

    stories!(Case { vendor: Vendor::OpenAi, service: Service::OwnModel, make: own });
}

#[tokio::test]
async fn models_that_reason_are_asked_without_what_they_refuse() {
    let scene = Scene::new(&Case { vendor: Vendor::OpenAi, service: Service::OpenAi, make: reasoning }).await;
    let (events, error) = scene.whole(asking(vec![caller("breakfast?")])).await;
    assert_eq!((events.last(), error), (Some(&AnswerEvent::Done(Stop::Finished)), None));
}

/// A server that answers every question with this.
async fn server(answer: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/chat/completions", post(async move || ([(CONTENT_TYPE, "text/event-stream")], answer)));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn answered(answer: &'static str) -> (Scene, Vec<AnswerEvent>, Option<ModelError>) {
    let case = Case { vendor: Vendor::OpenAi, service: Service::OwnModel, make: own };
    let mut scene = Scene::with(&case, Simulator::quick().await.unwrap(), "a-key", std::time::Duration::from_secs(5));
    let url = server(answer).await;
    let making = Making {
        url,
        key: "a-key",
        first: std::time::Duration::from_secs(5),
        stall: std::time::Duration::from_secs(5),
        guard: scene.guard.clone(),
    };
    scene.model = (case.make)(&making);
    let (events, error) = scene.whole(asking(vec![caller("hello")])).await;
    (scene, events, error)
}

#[tokio::test]
async fn a_server_without_a_goodbye_and_without_usage_is_understood() {
    let (scene, events, error) = answered(
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi.\",\"reasoning\":\"hm\"}}],\"new_field\":1}\n\n\
         data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"end_call\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}]}\n\n",
    )
    .await;
    assert_eq!((text(&events).as_str(), error), ("Hi.", None));
    let call = ToolCall { id: "call_0_0".into(), name: "end_call".into(), arguments: "{}".into() };
    assert!(events[1..] == [AnswerEvent::Call(call), AnswerEvent::Done(Stop::Tools)], "{events:?}");
    assert_eq!((scene.uncounted(), scene.meter.usage().len(), scene.guard.view().counts.failed), (1, 1, 0));
}

#[tokio::test]
async fn an_end_without_a_reason_is_a_cut() {
    for answer in [
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi.\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi.\"}}]}\n\ndata: [DONE]\n\n",
    ] {
        let (scene, events, error) = answered(answer).await;
        assert_eq!(text(&events), "Hi.");
        assert!(matches!(error, Some(ModelError::Service { fault: Fault::Cut(_), .. })), "{error:?}");
        assert_eq!(scene.guard.view().counts.failed, 1);
    }
}

#[tokio::test]
async fn an_answer_of_nothing_is_no_answer() {
    let (_, events, error) =
        answered("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\ndata: [DONE]\n\n").await;
    assert!(events.is_empty() && matches!(error, Some(ModelError::NoAnswer { .. })), "{error:?}");
}
