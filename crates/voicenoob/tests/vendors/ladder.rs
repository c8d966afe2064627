//! Vendors fail in the middle of calls, and the calls go on.

use anyhow::{Result, ensure};
use simulator::{Behaviour, Trouble, Vendor};

use crate::stage::{Stage, pairs, words};

#[tokio::test]
async fn when_every_vendor_fails_the_call_goes_on_with_what_is_on_this_machine_and_the_record_says_so() -> Result<()> {
    let stage = Stage::open().await?;
    let agent = stage.receptionist().await?;
    for vendor in [Vendor::Deepgram, Vendor::OpenAi, Vendor::ElevenLabs] {
        stage.vendors.behave(vendor, Behaviour::with(Trouble::Unavailable { status: 503 }));
    }
    let call = stage.call(&agent, &["I would like to book a double room.", "Goodbye."]).await?;
    let record = stage.record(&call).await?;
    let (heard, said) = (words(&record, "caller"), words(&record, "agent"));
    ensure!(said.contains("Harbour View"), "{said}");
    ensure!(heard.contains("double room"), "the caller was heard: {heard}");
    let rungs = pairs(&record["rungs"], "part", "to");
    // What the vendor's voice had said before is kept, so another voice may not be needed.
    for rung in [("ears", "pocketsphinx"), ("mind", "dialogue")] {
        ensure!(rungs.iter().any(|(part, to)| part == rung.0 && to.contains(rung.1)), "{rung:?} is not in {rungs:?}");
    }
    stage.close().await
}

#[tokio::test]
async fn a_model_that_falls_silent_in_the_middle_of_a_call_is_followed_by_the_dialogue() -> Result<()> {
    let stage = Stage::open().await?;
    let agent = stage.receptionist().await?;
    stage.vendors.behave(Vendor::OpenAi, Behaviour::with(Trouble::Silent));
    let call = stage.call(&agent, &["Good morning.", "Goodbye."]).await?;
    let record = stage.record(&call).await?;
    let rungs = pairs(&record["rungs"], "part", "why");
    ensure!(rungs.iter().any(|(part, why)| part == "mind" && why == "late"), "{rungs:?}");
    let said = words(&record, "agent");
    ensure!(said.len() > "Good morning, Harbour View.".len(), "{said}");
    stage.freed(Vendor::OpenAi, 0).await?;
    stage.close().await
}
