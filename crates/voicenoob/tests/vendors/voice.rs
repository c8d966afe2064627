//! Agents whose model hears the caller and speaks by itself.

use anyhow::{Result, ensure};
use serde_json::json;
use simulator::{Behaviour, Simulator, Trouble, Vendor};
use testkit::Server;

use crate::program;
use crate::stage::{Stage, pairs, words};

/// Simulated models hear their script, whatever is said.
const SENTENCES: [&str; 4] = ["Good morning.", "I would like a double room for two nights.", "What time is breakfast?", "Goodbye."];

/// A server with OpenAI (Realtime and words) and Gemini, and this machine's ears beside them: simulated ones would share the script.
async fn open() -> Result<Stage> {
    let vendors = Simulator::quick().await?;
    let [openai, gemini] = [Vendor::OpenAi, Vendor::Gemini].map(|vendor| vendors.url(vendor));
    let settings = [
        ("OPENAI_API_URL", openai.as_str()),
        ("OPENAI_API_KEY", "key-of-the-test"),
        ("GEMINI_API_URL", gemini.as_str()),
        ("GEMINI_API_KEY", "key-of-the-test"),
        ("STT_ENGINES", "local"),
        ("TTS_ENGINES", "local"),
    ];
    let server = Server::start_with(program(), &settings).await?;
    let admin = server.administrator().await?;
    Ok(Stage { vendors, server, admin })
}

async fn receptionist(stage: &Stage, tier: &str) -> Result<String> {
    let greeting = "Good morning, Harbour View.";
    stage.agent(json!({ "name": "Receptionist", "tier": tier, "system_prompt": "You are a receptionist.", "greeting": greeting })).await
}

async fn serves_a_call_by_voice(tier: &str, service: &str, vendor: Vendor) -> Result<()> {
    let stage = open().await?;
    let agent = receptionist(&stage, tier).await?;
    let call = stage.call(&agent, &SENTENCES).await?;
    let record = stage.record(&call).await?;
    let (heard, said) = (words(&record, "caller"), words(&record, "agent"));
    ensure!(said.starts_with("Good morning, Harbour View."), "the greeting is the agent's own: {said}");
    ensure!(said.contains("Breakfast is served from seven to ten"), "{said}");
    ensure!(heard.to_lowercase().contains("breakfast"), "{heard}");
    ensure!(record["rungs"].as_array().is_some_and(Vec::is_empty), "nobody had to take over: {}", record["rungs"]);
    let used = pairs(&record["usage"], "service", "unit");
    for unit in ["input_audio_tokens", "output_audio_tokens"] {
        ensure!(used.iter().any(|line| *line == (service.to_owned(), unit.to_owned())), "{service} {unit} is not in {used:?}");
    }
    let seen = stage.freed(vendor, 2).await?;
    ensure!(seen.requests > 0, "{seen:?}");
    stage.close().await
}

#[tokio::test]
async fn an_agent_of_the_tier_premium_speaks_with_its_caller_by_openai_realtime() -> Result<()> {
    serves_a_call_by_voice("premium", "openai_realtime", Vendor::OpenAi).await
}

#[tokio::test]
async fn an_agent_of_the_tier_balanced_speaks_with_its_caller_by_gemini() -> Result<()> {
    serves_a_call_by_voice("balanced", "gemini_live", Vendor::Gemini).await
}

#[tokio::test]
async fn when_the_model_that_hears_is_away_the_call_goes_on_with_ears_words_and_a_voice() -> Result<()> {
    let stage = open().await?;
    let agent = receptionist(&stage, "balanced").await?;
    stage.vendors.behave(Vendor::Gemini, Behaviour::with(Trouble::Cut { after: 1 }));
    let call = stage.call(&agent, &SENTENCES).await?;
    let record = stage.record(&call).await?;
    let said = words(&record, "agent");
    ensure!(said.contains("Breakfast is served from seven to ten"), "{record}");
    let rungs = pairs(&record["rungs"], "from", "to");
    ensure!(rungs.iter().any(|(from, to)| from == "gemini_live" && to == "openai"), "{rungs:?}");
    stage.close().await
}
