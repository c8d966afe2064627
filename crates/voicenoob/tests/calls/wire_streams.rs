//! Media streams of both carriers as they should not be: broken, flooded, silent, cut. Each story on Twilio's and on Telnyx's dialect.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use serde_json::Value;
use testkit::carrier::{CallEnd, CallPlan, CarrierSimulator, HangUp, Journal, LiveCall, Move};
use testkit::{Closed, Server};
use tokio::time::{Instant, interval, timeout};

use crate::program;

/// Samples of a frame of 20 ms.
const FRAME: [i16; 160] = [0; 160];
/// The agent that gives back what it hears.
const ECHO: &str = "echo";
/// Nothing on one machine takes this long.
const LONG: Duration = Duration::from_secs(30);
/// A dead line is noticed within this time (15 s without a sign), and freed within another second.
const DEAD_LINE: Duration = Duration::from_secs(18);
/// Messages of a flood.
const FLOOD: usize = 10_000;

on_both_carriers!(
    audio_comes_back_and_a_stop_ends_the_call,
    a_key_reaches_the_agent_and_marks_say_what_was_heard,
    a_farewell_is_heard_to_its_end,
    a_stream_that_breaks_the_rules_is_closed_with_its_code,
    garbage_in_the_middle_of_a_call_is_survived_up_to_its_limit,
    a_message_that_is_too_large_ends_the_stream,
    a_flood_hurts_nobody_else,
    a_reset_connection_frees_its_place_at_once,
    a_half_open_connection_frees_its_place_when_it_shows_no_life,
    a_broken_stream_is_taken_up_again_where_it_was,
);

fn closed(code: u16, reason: &str) -> Closed {
    Closed { code: Some(code), reason: reason.into() }
}

fn echo(carrier: Carrier) -> CallPlan {
    CallPlan { agent: Some(ECHO.into()), ..CallPlan::new(carrier) }
}

async fn record(server: &Server, call_id: &str) -> Result<Value> {
    server.json(&format!("/api/v1/calls/{call_id}")).await
}

/// Waits until the journal says so.
async fn until(call: &LiveCall, what: &str, is: impl Fn(&Journal) -> bool) -> Result<()> {
    let mut look = interval(Duration::from_millis(20));
    let seen = async {
        while !call.look(&is) {
            look.tick().await;
        }
    };
    timeout(LONG, seen).await.with_context(|| format!("never: {what} {:?}", call.journal()))
}

/// Waits until the call's record has this end, and no place is taken.
async fn ended(server: &Server, call_id: &str, reason: &str) -> Result<()> {
    server.expect_idle().await?;
    let record = record(server, call_id).await?;
    ensure!(record["call"]["end_reason"] == reason, "{record}");
    Ok(())
}

async fn audio_comes_back_and_a_stop_ends_the_call(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let mut offered = CarrierSimulator::of(&server)?.offered(&echo(carrier)).await?;
    let mut socket = offered.started().await?;
    for loudness in [1000, 2000, 3000] {
        let sent = offered.media(&[loudness; 160]);
        let sent: Value = serde_json::from_str(&sent)?;
        socket.send(sent.to_string()).await;
        let back: Value = serde_json::from_str(&socket.text().await?)?;
        ensure!(back["event"] == "media" && back["media"]["payload"] == sent["media"]["payload"], "{back}");
    }
    socket.send(offered.far.stop()).await;
    ensure!(socket.closed().await? == closed(1000, "Call ended by caller"));
    ended(&server, &offered.call_id, "caller_hung_up").await?;
    server.stop().await?;
    Ok(())
}

async fn a_key_reaches_the_agent_and_marks_say_what_was_heard(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let plan = CallPlan::new(carrier).then(Move::Listen).then(Move::Press("3".into())).then(Move::Listen);
    let call = CarrierSimulator::of(&server)?.place(plan);
    let journal = call.ended().await?;
    ensure!(!journal.is_lost() && journal.last_mark.is_some(), "{journal:?}");
    let record = record(&server, &journal.call_id).await?;
    let turns: Vec<_> = record["turns"].as_array().context("turns")?.iter().filter(|turn| turn["speaker"] == "agent").collect();
    ensure!(turns.len() == 2 && turns.iter().all(|turn| turn["heard"] == turn["text"]), "greeting and answer, both heard: {record}");
    ensure!(turns[1]["text"].as_str().is_some_and(|text| text.contains("fifteen euros")), "key 3 asks for parking: {record}");
    server.stop().await?;
    Ok(())
}

async fn a_farewell_is_heard_to_its_end(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let stay = Move::Stay(LONG);
    let call = CarrierSimulator::of(&server)?.place(CallPlan::new(carrier).then(Move::Listen).then(Move::Press("9".into())).then(stay));
    let journal = call.ended().await?;
    ensure!(matches!(journal.end, Some((_, CallEnd::HungUp))) && journal.breaks[0].code == Some(1000), "{journal:?}");
    let record = record(&server, &journal.call_id).await?;
    let last = record["turns"].as_array().and_then(|turns| turns.last()).context("turns")?.clone();
    ensure!(record["call"]["end_reason"] == "agent_hung_up" && last["heard"] == last["text"], "{record}");
    ensure!(last["text"].as_str().is_some_and(|text| text.contains("Goodbye")), "{record}");
    server.stop().await?;
    Ok(())
}

async fn a_stream_that_breaks_the_rules_is_closed_with_its_code(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let simulator = CarrierSimulator::of(&server)?;
    let (protocol, token) = (closed(4002, "Media stream protocol error"), closed(4001, "Call token missing, wrong or expired"));

    let mut offered = simulator.offered(&echo(carrier)).await?;
    for wrong in [&[("token", "0123456789")][..], &[("token", "")], &[]] {
        let mut socket = offered.socket().await?;
        socket.send(offered.start_with(wrong)).await;
        ensure!(socket.closed().await? == token, "{wrong:?}");
    }
    let broken = [offered.media(&FRAME), "not json".to_owned(), "{\"event\":\"start\"}".to_owned(), "[]".to_owned()];
    for broken in broken {
        let mut socket = offered.socket().await?;
        socket.send(broken.as_str()).await;
        ensure!(socket.closed().await? == protocol, "{broken}");
    }
    let mut binary = offered.socket().await?;
    binary.send_binary(vec![0; 160]).await;
    ensure!(binary.closed().await? == protocol);

    // All that has not used up the offer, nor its place. The messages of before were counted: a new stream counts anew.
    offered.begin_anew();
    let mut socket = offered.started().await?;
    socket.send(offered.media(&FRAME)).await;
    socket.text().await?;
    let mut second = offered.socket().await?;
    second.send(offered.start_message()).await;
    ensure!(second.closed().await? == token, "a token opens one stream");
    socket.send(offered.start_message()).await;
    ensure!(socket.closed().await? == protocol, "a stream starts once");
    server.expect_idle().await?;
    Ok(())
}

async fn garbage_in_the_middle_of_a_call_is_survived_up_to_its_limit(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let simulator = CarrierSimulator::of(&server)?;
    let mut offered = simulator.offered(&echo(carrier)).await?;
    let mut socket = offered.started().await?;
    for _ in 0..20 {
        let good = offered.media(&FRAME);
        let base64 = good.replacen("\"payload\":\"", "\"payload\":\"*~!", 1);
        for garbage in [base64.as_str(), "{ not json", "{\"event\":\"something new\",\"x\":1}", "{\"no\":\"event\"}"] {
            socket.send(garbage).await;
        }
        socket.send(good).await;
        socket.text().await?;
    }
    for _ in 0..60 {
        socket.send("{ not json").await;
    }
    ensure!(socket.closed().await? == closed(4002, "Media stream protocol error"));
    ended(&server, &offered.call_id, "protocol_error").await?;

    // A conversation is worth more than a line test: it survives some binary messages too.
    let mut offered = simulator.offered(&CallPlan::new(carrier)).await?;
    let mut socket = offered.started().await?;
    for _ in 0..20 {
        socket.send_binary(vec![0xDE, 0xAD]).await;
        socket.send(offered.media(&FRAME)).await;
    }
    let greeting: Value = serde_json::from_str(&socket.text().await?)?;
    ensure!(greeting["event"] == "media", "{greeting}");
    for _ in 0..60 {
        socket.send_binary(vec![0xDE, 0xAD]).await;
    }
    ensure!(socket.closed().await? == closed(4002, "Media stream protocol error"));
    ended(&server, &offered.call_id, "protocol_error").await?;
    server.stop().await?;
    Ok(())
}

async fn a_message_that_is_too_large_ends_the_stream(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let mut offered = CarrierSimulator::of(&server)?.offered(&echo(carrier)).await?;
    let mut socket = offered.started().await?;
    socket.send(offered.media(&FRAME)).await;
    socket.text().await?;
    socket.send("x".repeat(100_000)).await;
    ensure!(socket.closed().await? == closed(1009, "Message too big"));
    ended(&server, &offered.call_id, "protocol_error").await?;
    server.stop().await?;
    Ok(())
}

async fn a_flood_hurts_nobody_else(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let simulator = CarrierSimulator::of(&server)?;
    let neighbour = simulator.place(CallPlan::new(carrier).then(Move::Browse));
    until(&neighbour, "the neighbour's agent speaks", |journal| journal.first_sound.is_some()).await?;

    let mut offered = simulator.offered(&CallPlan::new(carrier).from_number(1)).await?;
    let mut socket = offered.started().await?;
    let messages: Vec<String> = (0..FLOOD).map(|_| offered.media(&FRAME)).collect();
    let began = Instant::now();
    for message in messages {
        socket.send(message).await;
    }
    // It takes them all, at a rate of its own; what matters is that nobody else waits for it.
    let took = began.elapsed();
    socket.send(offered.far.stop()).await;
    let end = socket.closed().await?;
    ensure!(end.code.is_some(), "the flooded stream ends with a code: {end:?}");
    ensure!(took < LONG, "the flood took {took:?}");

    let heard = neighbour.look(|journal| journal.sounds.len());
    until(&neighbour, "the neighbour's agent goes on", |journal| journal.sounds.len() > heard).await?;
    let late = neighbour.look(|journal| journal.late_ms.iter().max().copied().unwrap_or(0));
    ensure!(late < 200, "the neighbour's audio came {late} ms late");
    neighbour.hang_up();
    ensure!(!neighbour.ended().await?.is_lost());
    server.stop().await?;
    Ok(())
}

async fn a_reset_connection_frees_its_place_at_once(carrier: Carrier) -> Result<()> {
    let server = Server::start_with(program(), &[("RESUME_WINDOW", "5")]).await?;
    let plan = CallPlan { hang_up: HangUp::Reset, ..CallPlan::new(carrier) };
    let call = CarrierSimulator::of(&server)?.place(plan.then(Move::Listen));
    let id = call.id();
    call.ended().await?;
    server.expect_idle().await?;
    let open = record(&server, &id).await?;
    ensure!(open["call"]["ended_at"].is_null(), "its carrier may ask for it again: {open}");

    let mut look = interval(Duration::from_millis(250));
    let forgotten = async {
        loop {
            look.tick().await;
            let record = record(&server, &id).await?;
            if let Some(reason) = record["call"]["end_reason"].as_str() {
                return Ok::<_, anyhow::Error>(reason.to_owned());
            }
        }
    };
    let reason = timeout(LONG, forgotten).await.context("the record is never closed")??;
    ensure!(reason == "connection_lost", "{reason}");
    server.stop().await?;
    Ok(())
}

async fn a_half_open_connection_frees_its_place_when_it_shows_no_life(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let plan = CallPlan { hang_up: HangUp::HalfOpen, ..CallPlan::new(carrier) };
    let call = CarrierSimulator::of(&server)?.place(plan.then(Move::Listen));
    call.ended().await?;
    let silent = Instant::now();
    let active = server.json("/api/v1/calls/active").await?;
    ensure!(active["calls"].as_array().is_some_and(|calls| calls.len() == 1), "nobody has said that the call is over: {active}");
    let mut look = interval(Duration::from_millis(250));
    loop {
        look.tick().await;
        let active = server.json("/api/v1/calls/active").await?;
        if active["calls"].as_array().is_some_and(Vec::is_empty) && active["taken"] == 0 {
            break;
        }
        ensure!(silent.elapsed() < DEAD_LINE, "the dead line still has its place: {active}");
    }
    Ok(())
}

async fn a_broken_stream_is_taken_up_again_where_it_was(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let simulator = CarrierSimulator::of(&server)?;
    // The line between carrier and server breaks, not the call.
    let target = server.url().socket_addrs(|| None)?[0];
    let line = testkit::CuttingProxy::start(target).await?;
    let through = simulator.at(format!("http://{}", line.address()).parse()?);
    let call = through.place(CallPlan::new(carrier).then(Move::Listen).then(Move::Stay(LONG)));
    until(&call, "the greeting is over", |journal| !journal.sounds.is_empty()).await?;
    line.cut().await;
    line.heal().await;
    until(&call, "the agent is heard again", |journal| journal.breaks.iter().any(|broken| broken.talking.is_some())).await?;
    call.hang_up();
    let journal = call.ended().await?;
    let record = record(&server, &journal.call_id).await?;
    let greeted = |turn: &&Value| turn["text"].as_str().is_some_and(|text| text.contains("Harbour View Hotel"));
    let greetings = record["turns"].as_array().context("turns")?.iter().filter(greeted).count();
    ensure!(greetings == 1, "the caller is greeted once: {record}");
    ended(&server, &journal.call_id, "caller_hung_up").await?;
    server.stop().await?;
    Ok(())
}
