//! Calls that are cut off: by a process that dies, a line that breaks, an instance that stops; and how they go on.

mod instances;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use jiff::civil::Weekday;
use reqwest::Url;
use serde_json::Value;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeakRequest, TextToSpeech};
use testkit::carrier::{CallEnd, CallPlan, CarrierSimulator, Errand, HangUp, Journal, LiveCall, Move, Verb, Wish};
use testkit::chaos::Scrape;
use testkit::{CuttingProxy, Server};

use crate::hand::{Hand, LONG, connect, until};
use crate::program;

/// What a caller hears first when a call goes on.
const BRIDGE: &str = "Sorry, we were cut off for a moment.";

pub(crate) fn free_port() -> Result<String> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string())
}

fn plan(carrier: Carrier) -> CallPlan {
    CallPlan { patience: LONG, ..CallPlan::new(carrier) }
}

fn echo(carrier: Carrier) -> CallPlan {
    CallPlan { agent: Some("echo".into()), ..plan(carrier) }
}

pub(crate) async fn spoken(text: &str) -> Result<Arc<[i16]>> {
    let engine = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
    let mut pieces = engine
        .speak(
            SpeakRequest { text: text.to_owned(), voice: "rms".to_owned(), language: "en-US".to_owned(), rate: 8000 },
            &Default::default(),
        )
        .await?;
    let mut samples = Vec::new();
    while let Some(piece) = pieces.recv().await {
        samples.extend_from_slice(&piece?);
    }
    Ok(samples.into())
}

/// Books a double room for two guests and two nights from next Friday.
async fn booking() -> Result<Move> {
    let friday = jiff::Timestamp::now().in_tz("Europe/Lisbon")?.date().nth_weekday(1, Weekday::Friday)?;
    let arrival = format!("{:02}{:02}", friday.day(), friday.month());
    let (opening, name) = (spoken("I'd like to book a room").await?, spoken("Smith").await?);
    Ok(Move::Book(Errand { opening, name, wishes: vec![Wish { arrival, nights: 2, guests: 2, room: 2 }] }))
}

/// Waits until the journal says so.
pub(crate) async fn seen(call: &LiveCall, what: &str, is: impl Fn(&Journal) -> bool) -> Result<()> {
    until(what, async || Ok(call.look(&is).then_some(()))).await.with_context(|| format!("{:?}", call.journal()))
}

/// Waits until the record of a call has ended, and gives the reason.
pub(crate) async fn end_reason(server: &Server, call_id: &str) -> Result<String> {
    until("the record is closed", async || Ok(record(server, call_id).await?["call"]["end_reason"].as_str().map(str::to_owned))).await
}

pub(crate) async fn record(server: &Server, call_id: &str) -> Result<Value> {
    server.json(&format!("/api/v1/calls/{call_id}")).await
}

pub(crate) async fn scrape(server: &Server) -> Result<Scrape> {
    Ok(Scrape::read(&server.http().get(server.url().join("/metrics")?).send().await?.error_for_status()?.text().await?))
}

/// The same server again, on the same data and port.
pub(crate) async fn killed_and_started_again(server: Server, settings: &[(&str, &str)]) -> Result<Server> {
    server.signal("KILL").await?;
    let left = server.ended().await?;
    Server::start_in(program(), left.data, settings).await
}

/// A line between a carrier and a server, and the carrier at its other end.
async fn line(server: &Server) -> Result<(CuttingProxy, CarrierSimulator)> {
    let line = CuttingProxy::start(server.url().socket_addrs(|| None)?[0]).await?;
    let carrier = CarrierSimulator::of(server)?.at(Url::parse(&format!("http://{}", line.address()))?);
    Ok((line, carrier))
}

async fn broken(line: &CuttingProxy) {
    line.cut().await;
    line.heal().await;
}

/// The conversation of a call that was cut off `times` times and forgot nothing.
fn went_on(record: &Value, times: usize) -> Result<()> {
    let turns = record["turns"].as_array().context("turns")?;
    ensure!(turns.iter().enumerate().all(|(index, turn)| turn["index"] == index), "turns are numbered through: {record}");
    let saying = |words: &str| turns.iter().filter(|turn| turn["text"].as_str().is_some_and(|text| text.contains(words))).count();
    ensure!(saying("Harbour View Hotel, ") <= 1, "the caller is greeted once: {record}");
    ensure!(saying(BRIDGE) == times, "each break is bridged: {record}");
    Ok(())
}

/// Booked once, as wished, in one call with one record.
async fn booked_once(server: &Server, journal: &Journal) -> Result<()> {
    ensure!(!journal.is_lost() && journal.booked.told == [0] && journal.booked.forgotten == 0, "{journal:?}");
    let books = server.reservations().await?;
    ensure!(books.len() == 1 && books[0]["nights"] == 2 && books[0]["room_type"] == "double", "{books:?}");
    let calls = server.json("/api/v1/calls").await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| calls.len() == 1), "one call, one record: {calls}");
    ensure!(end_reason(server, &journal.call_id).await? == "caller_hung_up");
    let record = record(server, &journal.call_id).await?;
    let created = record["tools"].as_array().context("tools")?.iter().filter(|tool| tool["tool"] == "create_booking").count();
    ensure!(created == 1, "{record}");
    went_on(&record, 1)
}

/// The whole conversation is recorded, on both channels.
async fn recorded_whole(server: &Server, call_id: &str) -> Result<()> {
    let record = record(server, call_id).await?;
    let last_ms = record["turns"].as_array().and_then(|turns| turns.last()).and_then(|turn| turn["start_ms"].as_u64()).context("turns")?;
    recorded(&server.data_dir().join(record["call"]["recording"].as_str().context("no recording")?), last_ms)
}

fn recorded(path: &Path, at_least_ms: u64) -> Result<()> {
    let clip = audio::wav::read(&std::fs::read(path)?)?;
    ensure!(clip.channels == 2 && clip.pcm.len() as u64 >= at_least_ms * 16, "the recording ends before the call: {}", clip.pcm.len());
    for channel in [0, 1] {
        let side: Vec<i16> = clip.pcm.iter().skip(channel).step_by(2).copied().collect();
        let level = audio::level::Level::of(&side);
        ensure!(level.rms_dbfs > -50.0, "channel {channel} is silent: {level:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_booking_goes_on_after_kill_9() -> Result<()> {
    let port = free_port()?;
    let settings = [("PORT", port.as_str()), ("HEARTBEAT_INTERVAL", "1")];
    let server = Server::start_with(program(), &settings).await?;
    let call = CarrierSimulator::of(&server)?.place(plan(Carrier::Twilio).then(booking().await?));
    seen(&call, "the caller is in the middle of the booking", |journal| journal.booked.answers >= 3).await?;
    let server = killed_and_started_again(server, &settings).await?;
    let journal = call.ended().await?;
    ensure!(journal.breaks.len() == 1 && journal.streams == 2, "{journal:?}");
    booked_once(&server, &journal).await?;
    recorded_whole(&server, &journal.call_id).await?;
    ensure!(scrape(&server).await?.sum("voicenoob_calls_resumed_total", &[]) == 1.0);
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_booking_goes_on_after_its_line_broke() -> Result<()> {
    let server = Server::start(program()).await?;
    let (line, carrier) = line(&server).await?;
    let call = carrier.place(plan(Carrier::Telnyx).then(booking().await?));
    seen(&call, "the caller is in the middle of the booking", |journal| journal.booked.answers >= 2).await?;
    broken(&line).await;
    let journal = call.ended().await?;
    ensure!(journal.breaks.len() == 1, "{journal:?}");
    booked_once(&server, &journal).await?;
    recorded_whole(&server, &journal.call_id).await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn what_was_decided_before_a_crash_is_done_after_it() -> Result<()> {
    let port = free_port()?;
    let settings = [("PORT", port.as_str())];
    let server = Server::start_with(program(), &settings).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let mut calls = Vec::new();
    for (key, brand) in [('9', Carrier::Twilio), ('0', Carrier::Telnyx)] {
        let offered = carrier.offered(&CallPlan::new(brand)).await?;
        let mut stream = Hand::open(brand, &offered.call_id, &offered.connect).await?;
        stream.sentence().await?;
        stream.press(key).await;
        ensure!(stream.closed().await?.code == Some(1000));
        calls.push((brand, offered.call_id));
    }
    // The carriers have not asked yet how the calls go on.
    let server = killed_and_started_again(server, &settings).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let ended = carrier.ask_action(calls[0].0, &calls[0].1).await?;
    ensure!(ended == [Verb::Hangup], "{ended:?}");
    let transferred = carrier.ask_action(calls[1].0, &calls[1].1).await?;
    ensure!(matches!(&transferred[..], [Verb::Dial { number, .. }] if number == "+12025550143"), "{transferred:?}");
    ensure!(end_reason(&server, &calls[0].1).await? == "agent_hung_up");
    let over = carrier.ask_after_dial(calls[1].0, &calls[1].1, "in-progress", "completed").await?;
    ensure!(over == [Verb::Hangup] && end_reason(&server, &calls[1].1).await? == "transferred", "{over:?}");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_call_that_breaks_again_and_again_is_ended_politely() -> Result<()> {
    let server = Server::start(program()).await?;
    let (line, carrier) = line(&server).await?;
    let call = carrier.place(plan(Carrier::Twilio).then(Move::Listen).then(Move::Stay(LONG * 4)));
    seen(&call, "the greeting is over", |journal| !journal.sounds.is_empty()).await?;
    for times in 1..=2 {
        broken(&line).await;
        seen(&call, "the agent speaks again", |journal| journal.breaks.len() == times && journal.breaks[times - 1].talking.is_some())
            .await?;
    }
    broken(&line).await;
    let journal = call.ended().await?;
    ensure!(matches!(journal.end, Some((_, CallEnd::HungUp))) && journal.said.len() == 1 && journal.streams == 3, "{journal:?}");
    ensure!(journal.said[0].ends_with("/fault.wav"), "{journal:?}");
    ensure!(end_reason(&server, &journal.call_id).await? == "failed");
    went_on(&record(&server, &journal.call_id).await?, 2)?;
    let scrape = scrape(&server).await?;
    ensure!(scrape.sum("voicenoob_calls_refused_total", &[("reason", "resumed_too_often")]) == 1.0, "{scrape:?}");
    ensure!(scrape.sum("voicenoob_calls_ended_total", &[("reason", "failed")]) == 1.0, "{scrape:?}");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_carrier_that_reports_the_end_of_an_interrupted_call_closes_it() -> Result<()> {
    let server = Server::start(program()).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let plan = CallPlan { hang_up: HangUp::Reset, ..CallPlan::new(Carrier::Twilio) };
    let journal = carrier.place(plan.then(Move::Listen)).ended().await?;
    server.expect_idle().await?;
    let open = record(&server, &journal.call_id).await?;
    ensure!(open["call"]["ended_at"].is_null(), "it may be asked for again: {open}");
    carrier.report(Carrier::Twilio, &journal.call_id, "completed").await?;
    let closed = record(&server, &journal.call_id).await?;
    ensure!(closed["call"]["end_reason"] == "caller_hung_up" && closed["call"]["status"] == "completed", "{closed}");
    let scrape = scrape(&server).await?;
    let counted = ["initiated", "completed", "interrupted"].map(|what| scrape.sum(&format!("voicenoob_calls_{what}_total"), &[]));
    ensure!(counted == [1.0, 1.0, 1.0], "{scrape:?}");
    let asked = carrier.ask_action(Carrier::Twilio, &journal.call_id).await?;
    ensure!(asked == [Verb::Hangup], "a call that is over is not taken up: {asked:?}");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn the_line_test_goes_on_too() -> Result<()> {
    let server = Server::start(program()).await?;
    let (line, carrier) = line(&server).await?;
    let offered = carrier.offered(&echo(Carrier::Twilio)).await?;
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, &offered.connect).await?;
    stream.audio().await?;
    broken(&line).await;
    ensure!(stream.closed().await?.code.is_none());
    let verbs = carrier.ask_action(Carrier::Twilio, &offered.call_id).await?;
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, connect(&verbs)?).await?;
    stream.audio().await?;
    ensure!(stream.stop().await?.code == Some(1000));
    ensure!(end_reason(&server, &offered.call_id).await? == "caller_hung_up");
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_waiting_caller_whose_line_breaks_keeps_the_place() -> Result<()> {
    let settings = [("MAX_CONCURRENT_CALLS", "1"), ("ENABLE_CALL_QUEUE", "true"), ("RESUME_WINDOW", "5"), ("HEARTBEAT_INTERVAL", "1")];
    let server = Server::start_with(program(), &settings).await?;
    let carrier = CarrierSimulator::of(&server)?;
    let first = carrier.place(plan(Carrier::Twilio).then(Move::Listen).then(Move::Stay(LONG * 4)));
    seen(&first, "the first caller talks", |journal| journal.first_sound.is_some()).await?;
    let (line, behind) = line(&server).await?;
    let second = behind.place(plan(Carrier::Telnyx).from_number(2).then(Move::Stay(LONG * 4)));
    seen(&second, "the second caller hears the welcome", |journal| journal.first_sound.is_some()).await?;
    let third = carrier.place(plan(Carrier::Twilio).from_number(3).then(Move::Stay(LONG * 4)));
    seen(&third, "the third caller hears the welcome", |journal| journal.first_sound.is_some()).await?;
    // This one never comes back.
    let plan = CallPlan { hang_up: HangUp::Reset, ..plan(Carrier::Twilio).from_number(4) };
    let fourth = carrier.place(plan.then(Move::Stay(LONG * 4)));
    seen(&fourth, "the fourth caller hears the welcome", |journal| journal.first_sound.is_some()).await?;
    fourth.hang_up();
    let fourth = fourth.ended().await?;

    broken(&line).await;
    seen(&second, "the second caller is told again", |journal| journal.breaks.iter().any(|broken| broken.talking.is_some())).await?;
    let queue = server.json("/api/v1/queue").await?;
    let waiting: Vec<_> =
        queue["calls"].as_array().context("queue")?.iter().map(|entry| entry["call_id"].as_str().unwrap_or_default()).collect();
    ensure!(waiting.starts_with(&[second.id().as_str(), third.id().as_str()]), "{queue}");
    ensure!(end_reason(&server, &fourth.call_id).await? == "caller_hung_up", "nobody came back for it");

    first.hang_up();
    until("the second caller talks", async || {
        let record = record(&server, &second.id()).await?;
        Ok(record["turns"].as_array().is_some_and(|turns| !turns.is_empty()).then_some(()))
    })
    .await?;
    ensure!(record(&server, &third.id()).await?["call"]["answered_at"].is_null(), "who came later waits on");
    second.hang_up();
    third.hang_up();
    for (call, reason) in [(first, "caller_hung_up"), (second, "caller_hung_up"), (third, "caller_hung_up")] {
        let journal = call.ended().await?;
        ensure!(!journal.is_lost() && end_reason(&server, &journal.call_id).await? == reason, "{journal:?}");
    }
    let calls = server.json("/api/v1/calls").await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| calls.len() == 4), "{calls}");
    server.stop().await?;
    Ok(())
}
