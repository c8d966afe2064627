//! What an agent of a tier is made of.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::json;
use simulator::Vendor;
use testkit::Server;

use crate::program;
use crate::stage::{Stage, pairs, words};

#[tokio::test]
async fn an_agent_of_the_tier_budget_hears_thinks_and_speaks_by_its_vendors_and_the_record_says_what_it_used() -> Result<()> {
    let stage = Stage::open().await?;
    let agent = stage.receptionist().await?;
    let call =
        stage.call(&agent, &["Good morning.", "I would like a double room for two nights.", "What time is breakfast?", "Goodbye."]).await?;
    let record = stage.record(&call).await?;
    // Simulated ears hear their script, whatever is said.
    let (heard, said) = (words(&record, "caller"), words(&record, "agent"));
    ensure!(heard.contains("i would like to book a double room for two nights"), "{heard}");
    ensure!(said.starts_with("Good morning, Harbour View."), "the greeting is the agent's own: {said}");
    ensure!(said.contains("Breakfast is served from seven to ten"), "{said}");
    let tools = pairs(&record["tools"], "tool", "outcome");
    ensure!(tools.iter().any(|(tool, _)| tool == "check_availability"), "the model asked the hotel's books: {tools:?}");
    ensure!(record["rungs"].as_array().is_some_and(Vec::is_empty), "nobody had to take over: {}", record["rungs"]);
    let used = pairs(&record["usage"], "service", "unit");
    for line in [("deepgram", "audio_millis"), ("cerebras", "input_tokens"), ("cerebras", "output_tokens"), ("elevenlabs", "characters")] {
        ensure!(used.iter().any(|(service, unit)| (service.as_str(), unit.as_str()) == line), "{line:?} is not in {used:?}");
    }
    for (vendor, standing_by) in [(Vendor::Deepgram, 1), (Vendor::OpenAi, 0), (Vendor::ElevenLabs, 0)] {
        let seen = stage.freed(vendor, standing_by).await?;
        ensure!(seen.requests > 0, "{}: {seen:?}", vendor.as_str());
    }
    stage.close().await
}

#[tokio::test]
async fn a_tier_without_a_configured_model_is_refused_and_says_what_to_do() -> Result<()> {
    let server = Server::start_with(program(), &[]).await?;
    let admin = server.administrator().await?;
    let (status, body) = admin.send(Method::POST, "/api/v1/agents", Some(&json!({ "name": "Poor", "tier": "premium" }))).await?;
    ensure!(status == 422 && body.to_string().contains("OPENAI_API_KEY"), "{status} {body}");
    server.stop().await?;
    Ok(())
}
