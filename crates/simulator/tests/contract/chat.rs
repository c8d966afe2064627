//! OpenAI's chat completions, and those of servers that speak alike.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use models::completions::{Completions, Config, Dialect};
use models::{AnswerEvent, ModelError, Stop, ToolCall};
use outbound::Fault;
use resilience::Service;
use simulator::{Simulator, Vendor};

use crate::language::{Case, Making, Model, Scene, asking, caller, stories, text};

fn made(making: &Making<'_>, dialect: Dialect, model: &str) -> Model {
    let key = Some(making.key.to_owned().into());
    let config = Config { first: making.first, stall: making.stall, ..Config::new(dialect, model, key) };
    let model = Arc::new(Completions::new(config, making.guard.clone()).unwrap());
    let counter = Arc::clone(&model);
    Model { model, uncounted: Box::new(move || counter.uncounted()) }
}

fn openai(making: &Making<'_>) -> Model {
    made(making, Dialect::openai("gpt-4.1-mini").at(&making.url), "gpt-4.1-mini")
}

fn azure(making: &Making<'_>) -> Model {
    let resource = making.url.trim_end_matches("/openai/v1").to_owned();
    made(making, Dialect::azure_openai(&resource, "our-deployment", "2024-10-21"), "our-deployment")
}

fn reasoning(making: &Making<'_>) -> Model {
    made(making, Dialect::openai("o4-mini").at(&making.url), "o4-mini")
}

stories!(Case { vendor: Vendor::OpenAi, service: Service::OpenAi, make: openai });

mod on_azure {
    use super::*;

    stories!(Case { vendor: Vendor::OpenAi, service: Service::AzureOpenAi, make: azure };
        a_question_is_answered_word_by_word_and_its_tokens_are_counted,
        a_tool_is_wished_for_and_its_answer_is_told,
        a_check_asks_for_one_word,
        a_vendor_that_takes_no_key_says_so
    );
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
    let case = Case { vendor: Vendor::OpenAi, service: Service::OwnModel, make: |making| made(making, Dialect::own(&making.url), "llama") };
    let mut scene = Scene::with(&case, Simulator::quick().await.unwrap(), "a-key", std::time::Duration::from_secs(5));
    let url = server(answer).await;
    let making = Making {
        url,
        key: "a-key",
        first: std::time::Duration::from_secs(5),
        stall: std::time::Duration::from_secs(5),
        guard: scene.guard.clone(),
    };
    let Model { model, uncounted } = (case.make)(&making);
    (scene.model, scene.uncounted) = (model, uncounted);
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
    assert_eq!(((scene.uncounted)(), scene.meter.usage().len(), scene.guard.view().counts.failed), (1, 0, 0));
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
