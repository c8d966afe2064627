//! Anthropic's SDK talks to the simulated messages, and our adapter asks as the SDK does.

use models::LanguageModel;
use models::anthropic::{Anthropic, Auth, Config, VERSION};
use resilience::{Guard, Service};
use simulator::{Simulator, Vendor};

use crate::chat::{asked, keeper};
use crate::judge::{judge, page};

#[tokio::test]
async fn anthropics_sdk_understands_the_simulated_answers_and_refusals() {
    let simulator = Simulator::quick().await.unwrap();
    judge("anthropic_messages.py", &[&simulator.url(Vendor::Anthropic), &page(&simulator, Vendor::Anthropic)]).await.unwrap();
    let seen = simulator.seen(Vendor::Anthropic);
    assert_eq!((seen.troubled, seen.open), (5, 0), "each was met once: nothing was tried again");
}

#[tokio::test]
async fn our_adapter_asks_as_anthropics_sdk_does() {
    let (url, mut sent) = keeper().await;
    judge("anthropic_asked.py", &[&url]).await.unwrap();
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
