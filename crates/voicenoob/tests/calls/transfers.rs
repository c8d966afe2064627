//! Callers who are put through to a person, and come back when nobody is there.

mod again;
mod by_command;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::{Carrier, Dial, EndReason, NextStep, PhoneNumber, Timestamp};
use serde_json::Value;
use store::{Database, Records, SqlRecords};
use testkit::Server;
use testkit::carrier::{CallEnd, CallPlan, CarrierSimulator, HangUp, Journal, Move, Person, Verb};
use tokio_util::sync::CancellationToken;

use crate::hand::{Hand, LONG, connect, until};
use crate::program;
use crate::resume::{end_reason, free_port, killed_and_started_again, record, scrape, seen, spoken};

/// Whom the demo hotel puts callers through to.
const DESK: &str = "+12025550143";
/// What a caller hears who comes back.
const SORRY: &str = "nobody could be reached";

/// A caller who wants a person, by the key for it.
fn wants_a_person(carrier: Carrier, people: &[Person]) -> CallPlan {
    CallPlan { people: people.to_vec(), patience: LONG, ..CallPlan::new(carrier) }.then(Move::Listen).then(Move::Press("0".into()))
}

/// The same, who hears that nobody was reached, leaves a message and says goodbye.
async fn leaves_a_message(server: &Server, carrier: &CarrierSimulator, plan: CallPlan) -> Result<Journal> {
    // Not by listening: while it rings the agent is quiet too, and what is said then is said to nobody.
    let told = CancellationToken::new();
    let mut plan = plan.then(Move::Until(told.clone()));
    for words in ["yes", "please call me back about my booking", "Miller", "yes"] {
        plan = plan.then(Move::Say(spoken(words).await?)).then(Move::Listen);
    }
    let call = carrier.place(plan);
    until("the caller is told", async || Ok((said(&record(server, &call.id()).await?, SORRY) == 1).then_some(()))).await?;
    told.cancel();
    call.ended().await
}

async fn status(server: &Server, call_id: &str) -> Result<String> {
    Ok(record(server, call_id).await?["call"]["status"].as_str().context("status")?.to_owned())
}

fn said(record: &Value, words: &str) -> usize {
    let turns = record["turns"].as_array().into_iter().flatten();
    turns.filter(|turn| turn["heard"].as_str().is_some_and(|text| text.contains(words))).count()
}

/// The caller was told, left a message, and hung up; one call, one record.
async fn came_back(server: &Server, journal: &Journal) -> Result<()> {
    ensure!(matches!(journal.end, Some((_, CallEnd::CallerLeft))), "{journal:?}");
    let all = record(server, &journal.call_id).await?;
    ensure!(said(&all, SORRY) == 1 && said(&all, "Harbour View Hotel, ") == 1, "{all}");
    let messages = server.json("/api/v1/messages").await?;
    ensure!(messages["messages"].as_array().is_some_and(|list| list.len() == 1), "{messages} {all}");
    ensure!(end_reason(server, &journal.call_id).await? == "caller_hung_up", "{all}");
    let calls = server.json("/api/v1/calls").await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| calls.len() == 1), "{calls}");
    let turns = all["turns"].as_array().context("turns")?;
    ensure!(turns.iter().enumerate().all(|(index, turn)| turn["index"] == index), "{all}");
    Ok(())
}

#[tokio::test]
async fn a_caller_who_was_put_through_is_the_carriers_until_that_is_over() -> Result<()> {
    let server = Server::start_with(program(), &[("MAX_CONCURRENT_CALLS", "1")]).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let (dial, call) = rings(&carrier, Carrier::Twilio).await?;
    ensure!(matches!(&dial[..], [Verb::Dial { number, action: Some(_) }] if number == DESK), "{dial:?}");
    server.expect_idle().await?;
    ensure!(status(&server, &call).await? == "transferring");
    // The only line is free for another caller.
    let other = carrier.place(CallPlan::new(Carrier::Twilio).from_number(2).then(Move::Listen)).ended().await?;
    ensure!(matches!(other.end, Some((_, CallEnd::CallerLeft))), "{other:?}");

    for _ in 0..2 {
        let over = carrier.ask_after_dial(Carrier::Twilio, &call, "in-progress", "completed").await?;
        ensure!(over == [Verb::Hangup], "{over:?}");
    }
    carrier.report(Carrier::Twilio, &call, "completed").await?;
    let closed = record(&server, &call).await?;
    ensure!(closed["call"]["end_reason"] == "transferred" && closed["call"]["status"] == "completed", "{closed}");
    let ended = scrape(&server).await?.sum("voicenoob_calls_ended_total", &[("reason", "transferred")]);
    ensure!(ended == 1.0, "counted once: {ended}");
    server.stop().await?;
    Ok(())
}

/// A caller who is being put through: the phone of the person rings.
async fn rings(carrier: &CarrierSimulator, brand: Carrier) -> Result<(Vec<Verb>, String)> {
    let offered = carrier.offered(&CallPlan::new(brand)).await?;
    let mut stream = Hand::open(brand, &offered.call_id, &offered.connect).await?;
    stream.sentence().await?;
    stream.press('0').await;
    ensure!(stream.closed().await?.code == Some(1000));
    Ok((carrier.ask_action(brand, &offered.call_id).await?, offered.call_id))
}

/// The agent speaks again on a new stream.
async fn back(brand: Carrier, call: &str, verbs: &[Verb]) -> Result<Hand> {
    let mut stream = Hand::open(brand, call, connect(verbs)?).await?;
    stream.sentence().await?;
    Ok(stream)
}

#[tokio::test]
async fn a_busy_line_brings_the_caller_back_and_a_message_is_left_on_twilio() -> Result<()> {
    let server = Server::start(program()).await?;
    let journal = leaves_a_message(&server, &CarrierSimulator::of(&server)?, wants_a_person(Carrier::Twilio, &[Person::Busy])).await?;
    came_back(&server, &journal).await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn nobody_answers_and_the_caller_comes_back_on_telnyx() -> Result<()> {
    let server = Server::start(program()).await?;
    let misses = wants_a_person(Carrier::Telnyx, &[Person::Misses(Duration::from_secs(2))]);
    came_back(&server, &leaves_a_message(&server, &CarrierSimulator::of(&server)?, misses).await?).await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn who_hangs_up_while_it_rings_has_hung_up() -> Result<()> {
    let server = Server::start(program()).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let call = carrier.place(wants_a_person(Carrier::Twilio, &[Person::Rings]).then(Move::Stay(LONG)));
    seen(&call, "it rings", |journal| journal.followed.iter().any(|followed| followed.verb == "Dial")).await?;
    ensure!(status(&server, &call.id()).await? == "transferring");
    call.hang_up();
    let journal = call.ended().await?;
    ensure!(end_reason(&server, &journal.call_id).await? == "caller_hung_up");
    // What comes late changes nothing.
    let late = carrier.ask_after_dial(Carrier::Twilio, &journal.call_id, "completed", "no-answer").await?;
    ensure!(late == [Verb::Hangup] && end_reason(&server, &journal.call_id).await? == "caller_hung_up", "{late:?}");

    // The question after the dial may be the first to tell it, and the line's end may be told before the dial's.
    let (_, second) = rings(&carrier, Carrier::Telnyx).await?;
    let gone = carrier.ask_after_dial(Carrier::Telnyx, &second, "completed", "canceled").await?;
    ensure!(gone == [Verb::Hangup] && end_reason(&server, &second).await? == "caller_hung_up", "{gone:?}");
    let (_, third) = rings(&carrier, Carrier::Twilio).await?;
    carrier.report(Carrier::Twilio, &third, "completed").await?;
    carrier.ask_after_dial(Carrier::Twilio, &third, "completed", "completed").await?;
    ensure!(end_reason(&server, &third).await? == "transferred", "they had talked");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn who_hangs_up_while_the_agent_leaves_has_hung_up() -> Result<()> {
    let server = Server::start(program()).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let offered = carrier.offered(&CallPlan::new(Carrier::Twilio)).await?;
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, &offered.connect).await?;
    stream.sentence().await?;
    stream.press('0').await;
    carrier.report(Carrier::Twilio, &offered.call_id, "completed").await?;
    ensure!(stream.closed().await?.code == Some(1000));
    ensure!(end_reason(&server, &offered.call_id).await? == "caller_hung_up");
    server.expect_idle().await?;
    let ended = scrape(&server).await?.sum("voicenoob_calls_ended_total", &[("reason", "caller_hung_up")]);
    ensure!(ended == 1.0, "counted once: {ended}");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_question_that_came_twice_keeps_no_place_while_the_caller_is_with_a_person() -> Result<()> {
    let server = Server::start(program()).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let plan = CallPlan::new(Carrier::Twilio);
    let offered = carrier.offered(&plan).await?;
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, &offered.connect).await?;
    stream.sentence().await?;
    connect(&carrier.ask_voice(&plan, &offered.call_id).await?)?;
    stream.press('0').await;
    ensure!(stream.closed().await?.code == Some(1000));
    server.expect_idle().await?;
    ensure!(status(&server, &offered.call_id).await? == "transferring");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_process_that_starts_again_while_it_rings_takes_the_caller_back() -> Result<()> {
    let port = free_port()?;
    let settings = [("PORT", port.as_str()), ("HEARTBEAT_INTERVAL", "1"), ("RESUME_WINDOW", "5")];
    let server = Server::start_with(program(), &settings).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let (_, call) = rings(&carrier, Carrier::Twilio).await?;
    let lost = carrier.offered(&CallPlan { agent: Some("echo".into()), ..CallPlan::new(Carrier::Twilio) }).await?;
    let mut stream = Hand::open(Carrier::Twilio, &lost.call_id, &lost.connect).await?;
    stream.audio().await?;
    let server = killed_and_started_again(server, &settings).await?;
    let carrier = CarrierSimulator::of(&server)?;
    // A call that was cut off, and that nobody asks for, is given up by then.
    end_reason(&server, &lost.call_id).await?;
    ensure!(status(&server, &call).await? == "transferring");
    let verbs = carrier.ask_after_dial(Carrier::Twilio, &call, "in-progress", "no-answer").await?;
    ensure!(status(&server, &call).await? == "in_progress");
    // A carrier that did not get the answer asks again; the stream in it is the one that counts.
    let again = carrier.ask_after_dial(Carrier::Twilio, &call, "in-progress", "no-answer").await?;
    ensure!(connect(&again)?.url == connect(&verbs)?.url, "{again:?}");
    let stream = back(Carrier::Twilio, &call, &again).await?;
    until("the caller is told", async || Ok((said(&record(&server, &call).await?, SORRY) == 1).then_some(()))).await?;
    ensure!(stream.stop().await?.code == Some(1000));
    ensure!(end_reason(&server, &call).await? == "caller_hung_up");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn whom_the_version_before_was_about_to_put_through_is_put_through() -> Result<()> {
    let server = Server::start(program()).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let (_, call) = rings(&carrier, Carrier::Twilio).await?;
    // It did not say since when, and the record was over before the carrier asked.
    let records = SqlRecords::new(Database::open(server.data_dir()).await?);
    let stored = records.call_by_carrier(Carrier::Twilio, &call).await?.context("no such call")?;
    let dial = Dial { number: PhoneNumber::new(DESK), language: "en-US".into(), since: None, stream: None, bridged: None };
    records.set_next(stored.id, &NextStep::Dial(dial)).await?;
    records.end_call(stored.id, Timestamp::now(), EndReason::Transferred).await?;
    let verbs = carrier.ask_action(Carrier::Twilio, &call).await?;
    ensure!(matches!(&verbs[..], [Verb::Dial { number, .. }] if number == DESK), "{verbs:?}");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_line_that_breaks_after_the_return_dials_nobody_again() -> Result<()> {
    let server = Server::start(program()).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let (_, call) = rings(&carrier, Carrier::Telnyx).await?;
    let verbs = carrier.ask_after_dial(Carrier::Telnyx, &call, "in-progress", "failed").await?;
    drop(back(Carrier::Telnyx, &call, &verbs).await?);
    server.expect_idle().await?;
    let verbs = carrier.ask_action(Carrier::Telnyx, &call).await?;
    let stream = back(Carrier::Telnyx, &call, &verbs).await?;
    ensure!(stream.stop().await?.code == Some(1000));
    ensure!(end_reason(&server, &call).await? == "caller_hung_up");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_full_house_has_no_place_for_who_comes_back() -> Result<()> {
    let server = Server::start_with(program(), &[("MAX_CONCURRENT_CALLS", "1")]).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let (_, call) = rings(&carrier, Carrier::Twilio).await?;
    server.expect_idle().await?;
    let other = carrier.place(CallPlan { hang_up: HangUp::Stop, ..CallPlan::new(Carrier::Twilio) }.from_number(2).then(Move::Stay(LONG)));
    seen(&other, "the line is taken", |journal| journal.first_sound.is_some()).await?;
    let verbs = carrier.ask_after_dial(Carrier::Twilio, &call, "in-progress", "busy").await?;
    ensure!(matches!(&verbs[..], [Verb::Play(_) | Verb::Say(_), Verb::Hangup]), "{verbs:?}");
    ensure!(end_reason(&server, &call).await? == "refused");
    other.hang_up();
    other.ended().await?;
    server.stop().await?;
    Ok(())
}
