//! Anthropic's SDK talks to the simulated messages, and our adapter asks as the SDK does.

use models::LanguageModel;
use models::anthropic::{Anthropic, Auth, Config, VERSION};
use resilience::{Guard, Service};
use simulator::{Simulator, Vendor};

use crate::chat::{asked, keeper};
use crate::judged::judged;

#[tokio::test]
async fn anthropics_sdk_understands_the_simulated_answers_and_refusals() {
    let simulator = Simulator::quick().await.unwrap();
    judged("anthropic_messages.py", &[&simulator.url(Vendor::Anthropic)]).await;
    assert_eq!(simulator.seen(Vendor::Anthropic).open, 0);
}

#[tokio::test]
async fn our_adapter_asks_as_anthropics_sdk_does() {
    let (url, mut sent) = keeper().await;
    judged("anthropic_asked.py", &[&url]).await;
    let theirs = sent.recv().await.unwrap();
    let guard = Guard::new(Service::Anthropic, Service::Anthropic.policy());
    let config = Config { base_url: url, auth: Auth::Bearer, ..Config::new("claude-haiku-5-5", "a-key".to_owned().into()) };
    let model = Anthropic::new(config, guard).unwrap();
    assert!(model.answer(asked(), &Default::default()).await.is_err());
    let ours = sent.recv().await.unwrap();
    assert_eq!((ours.body, ours.path), (theirs.body, theirs.path));
    assert_eq!(ours.headers["content-type"], theirs.headers["content-type"]);
    // The SDK of today speaks a later version, and ours is the one that takes a temperature.
    assert_eq!(ours.headers["anthropic-version"], VERSION);
    let key = if theirs.headers.contains_key("x-api-key") { "x-api-key" } else { "authorization" };
    assert_eq!((key, &ours.headers["authorization"]), ("authorization", &theirs.headers[key]));
}
