//! Telnyx calls that are steered by command: events come in, commands go out to a simulated interface of the carrier, and the media stream is real.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use call::Carrier;
use serde_json::{Value, json};
use telephony::MediaFormat;
use telephony::telnyx::signature;
use testkit::Server;
use testkit::carrier::{CarrierKeys, CarrierSimulator, Connect};
use testkit::telnyx_api::{ApiFault, CallPhase, Obeyed, StreamWanted, TelnyxApi, event_body};

use crate::hand::{Hand, until};
use crate::program;
use crate::resume::killed_and_started_again;

const API_KEY: &str = "KEY-of-these-tests";
/// The carrier signs with this.
const SEED: [u8; 32] = [29; 32];
/// What a caller hears first when a call goes on.
const BRIDGE: &str = "Sorry, we were cut off for a moment.";
/// Tries of one command (as `resilience::Service::Telnyx` has it).
pub(crate) const TRIES: usize = 3;
/// Failures in a row after which the interface is left alone.
const IN_A_ROW: usize = 5;

/// A server that answers by command, and the carrier it commands.
pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) api: TelnyxApi,
    settings: Vec<(String, String)>,
}

impl Desk {
    pub(crate) async fn open(settings: &[(&str, &str)]) -> Result<Self> {
        let api = TelnyxApi::start(API_KEY).await?;
        let keys = CarrierKeys::given("unused".to_owned(), SEED);
        let [_, (name, public_key)] = keys.settings();
        let mut all = vec![("TELNYX_API_KEY", API_KEY), ("TELNYX_API_URL", api.url()), (name, &public_key)];
        all.extend(settings);
        let server = Server::start_with(program(), &all).await?;
        let settings = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { server, api, settings })
    }

    /// The process dies, and starts again.
    pub(crate) async fn killed_and_started_again(self) -> Result<Self> {
        let settings: Vec<_> = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(Self { server: killed_and_started_again(self.server, &settings).await?, ..self })
    }

    /// Brings an event, and gives the status of the answer.
    pub(crate) async fn event(&self, id: &str, kind: &str, call: &str, more: Value) -> Result<u16> {
        let body = event_body(id, kind, call, &more);
        let now = jiff::Timestamp::now().as_second();
        let request = self.server.http().post(self.server.url().join("/webhooks/telnyx/voice")?).header("content-type", "application/json");
        let signed = request
            .header("telnyx-signature-ed25519", signature::sign(body.as_bytes(), now, &SEED))
            .header("telnyx-timestamp", now.to_string());
        Ok(signed.body(body).send().await?.status().as_u16())
    }

    /// The phone rings.
    async fn rings(&self, call: &str) -> Result<u16> {
        if self.api.phase(call).is_none() {
            self.api.call_arrives(call);
        }
        let more = json!({ "from": "+15005550006", "to": "+15005550010", "direction": "incoming", "state": "parked" });
        self.event(&format!("{call}-initiated"), "call.initiated", call, more).await
    }

    /// The stream of a call failed.
    async fn failed(&self, call: &str, stream_id: &str) -> Result<u16> {
        let more = json!({ "stream_id": stream_id, "failure_reason": "connection_failed" });
        self.event(&format!("{stream_id}-failed"), "streaming.failed", call, more).await
    }

    /// The call is over.
    pub(crate) async fn hung_up(&self, call: &str) -> Result<()> {
        self.api.call_ends(call);
        let status = self.event(&format!("{call}-hangup"), "call.hangup", call, json!({ "hangup_cause": "normal_clearing" })).await?;
        ensure!(status == 200, "{status}");
        Ok(())
    }

    /// The stream that was asked for with the next command.
    pub(crate) async fn wanted(&self) -> Result<StreamWanted> {
        let order = self.api.order().await?;
        match order.obeyed {
            Obeyed::Answer(Some(stream)) | Obeyed::StartStream(stream) => {
                ensure!(stream.heard && stream.codec == "PCMU" && stream.rate == 8000, "nobody would hear the agent: {stream:?}");
                Ok(stream)
            }
            other => bail!("no stream but {other:?}"),
        }
    }

    pub(crate) async fn answered(&self, call: &str) -> Result<Hand> {
        ensure!(self.rings(call).await? == 200);
        open(call, &self.wanted().await?).await
    }

    pub(crate) async fn record(&self, call: &str) -> Result<Value> {
        self.server.json(&format!("/api/v1/calls/{call}")).await
    }

    /// The commands that the carrier got, with those that it had obeyed before.
    fn commands(&self) -> Vec<(String, bool)> {
        self.api.commands().into_iter().map(|command| (command.action, command.repeated)).collect()
    }
}

pub(crate) async fn open(call: &str, wanted: &StreamWanted) -> Result<Hand> {
    let connect = Connect {
        action: None,
        url: wanted.url.clone(),
        parameters: wanted.parameters.iter().cloned().collect::<BTreeMap<_, _>>(),
        status_callback: None,
        format: MediaFormat::PCMU_8K,
    };
    Hand::open(Carrier::Telnyx, call, &connect).await
}

fn bridges(record: &Value) -> usize {
    record["turns"].as_array().into_iter().flatten().filter(|turn| turn["text"].as_str().is_some_and(|text| text.contains(BRIDGE))).count()
}

#[tokio::test]
async fn a_call_is_answered_and_hung_up_by_command() -> Result<()> {
    let desk = Desk::open(&[]).await?;
    let mut stream = desk.answered("v3:one").await?;
    ensure!(desk.event("v3:one-answered", "call.answered", "v3:one", json!({})).await? == 200);
    stream.sentence().await?;
    stream.press('9').await;
    let stream_id = stream.stream_id.clone();
    ensure!(stream.closed().await?.code == Some(1000));
    desk.api.stream_ends("v3:one");
    ensure!(desk.event("e-stopped", "streaming.stopped", "v3:one", json!({ "stream_id": stream_id })).await? == 200);
    ensure!(matches!(desk.api.order().await?.obeyed, Obeyed::HangUp));
    desk.hung_up("v3:one").await?;
    let record = desk.record("v3:one").await?;
    ensure!(record["call"]["end_reason"] == "agent_hung_up" && record["call"]["status"] == "completed", "{record}");
    ensure!(desk.commands() == [("answer".to_owned(), false), ("hangup".to_owned(), false)], "{:?}", desk.commands());
    desk.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_stream_that_fails_is_started_again_and_the_call_goes_on() -> Result<()> {
    let desk = Desk::open(&[]).await?;
    let mut stream = desk.answered("v3:two").await?;
    stream.sentence().await?;
    let stream_id = stream.stream_id.clone();
    drop(stream);
    desk.server.expect_idle().await?;
    desk.api.stream_ends("v3:two");
    ensure!(desk.failed("v3:two", &stream_id).await? == 200);
    let mut stream = open("v3:two", &desk.wanted().await?).await?;
    stream.sentence().await?;
    until("the break is bridged", async || Ok((bridges(&desk.record("v3:two").await?) == 1).then_some(()))).await?;
    ensure!(stream.stop().await?.code == Some(1000));
    desk.hung_up("v3:two").await?;
    let record = desk.record("v3:two").await?;
    ensure!(record["call"]["end_reason"] == "caller_hung_up", "{record}");
    let calls = desk.server.json("/api/v1/calls").await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| calls.len() == 1), "{calls}");
    desk.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_caller_who_finds_every_line_busy_is_told_so() -> Result<()> {
    let desk = Desk::open(&[("MAX_CONCURRENT_CALLS", "1")]).await?;
    let mut first = desk.answered("v3:first").await?;
    first.sentence().await?;
    ensure!(desk.rings("v3:second").await? == 200);
    ensure!(matches!(desk.api.order().await?.obeyed, Obeyed::Answer(None)), "answered, but without a stream");
    ensure!(desk.event("e-answered", "call.answered", "v3:second", json!({})).await? == 200);
    let said = match desk.api.order().await?.obeyed {
        Obeyed::Speak(said) => said,
        other => bail!("nothing said but {other:?}"),
    };
    ensure!(said.contains("busy"), "{said}");
    ensure!(desk.event("e-ended", "call.speak.ended", "v3:second", json!({})).await? == 200);
    ensure!(matches!(desk.api.order().await?.obeyed, Obeyed::HangUp));
    desk.hung_up("v3:second").await?;
    ensure!(desk.record("v3:second").await?["call"]["end_reason"] == "refused");
    first.audio().await?;
    ensure!(first.stop().await?.code == Some(1000));
    desk.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn an_event_that_comes_twice_does_nothing_twice() -> Result<()> {
    let desk = Desk::open(&[]).await?;
    ensure!(desk.rings("v3:twice").await? == 200 && desk.rings("v3:twice").await? == 200);
    // The carrier obeyed the first answer, and opens the stream that stood in it.
    let mut stream = open("v3:twice", &desk.wanted().await?).await?;
    stream.sentence().await?;
    ensure!(desk.rings("v3:twice").await? == 200, "the event may come once more, while the call is live");
    let active = desk.server.json("/api/v1/calls/active").await?;
    ensure!(active["taken"] == 1, "{active}");

    let first_id = stream.stream_id.clone();
    drop(stream);
    desk.server.expect_idle().await?;
    desk.api.stream_ends("v3:twice");
    for _ in 0..4 {
        ensure!(desk.failed("v3:twice", &first_id).await? == 200);
    }
    let mut stream = open("v3:twice", &desk.wanted().await?).await?;
    stream.sentence().await?;
    until("the break is bridged", async || Ok((bridges(&desk.record("v3:twice").await?) == 1).then_some(()))).await?;
    // Old news, and news about the first stream from another source.
    ensure!(desk.failed("v3:twice", &first_id).await? == 200);
    ensure!(desk.event("e-stopped", "streaming.stopped", "v3:twice", json!({ "stream_id": first_id })).await? == 200);
    let (answers, starts): (Vec<_>, Vec<_>) = desk.commands().into_iter().partition(|(action, _)| action == "answer");
    let obeyed = |commands: &[(String, bool)]| commands.iter().filter(|(_, repeated)| !repeated).count();
    ensure!(obeyed(&answers) == 1 && obeyed(&starts) == 1, "{:?}", desk.commands());
    stream.audio().await.context("the call goes on")?;
    ensure!(stream.stop().await?.code == Some(1000));
    desk.hung_up("v3:twice").await?;
    let record = desk.record("v3:twice").await?;
    ensure!(record["call"]["end_reason"] == "caller_hung_up" && bridges(&record) == 1, "{record}");
    desk.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn while_the_interface_is_down_events_are_refused_so_that_they_come_again() -> Result<()> {
    let desk = Desk::open(&[("MAX_CONCURRENT_CALLS", "1")]).await?;
    desk.api.will_fail(vec![ApiFault::Status(503); TRIES]);
    ensure!(desk.rings("v3:down").await? == 503, "the carrier must bring it again");
    ensure!(desk.api.faults_left() == 0 && desk.api.phase("v3:down") == Some(CallPhase::Parked));
    // The second time it is obeyed, but the answer is lost.
    desk.api.will_fail([ApiFault::ObeyThenBreak]);
    ensure!(desk.rings("v3:down").await? == 200);
    let mut stream = open("v3:down", &desk.wanted().await?).await?;
    stream.sentence().await?;

    // A carrier whose interface is down for long is no call that breaks again and again.
    let stream_id = stream.stream_id.clone();
    drop(stream);
    desk.server.expect_idle().await?;
    desk.api.stream_ends("v3:down");
    desk.api.will_fail(vec![ApiFault::Status(503); IN_A_ROW]);
    for _ in 0..3 {
        ensure!(desk.failed("v3:down", &stream_id).await? == 503);
    }
    // By then it is left alone; the event comes again until it is asked again.
    until("the stream is asked for", async || Ok((desk.failed("v3:down", &stream_id).await? == 200).then_some(()))).await?;
    let mut stream = open("v3:down", &desk.wanted().await?).await?;
    stream.sentence().await?;
    ensure!(stream.stop().await?.code == Some(1000));
    desk.hung_up("v3:down").await?;
    ensure!(desk.record("v3:down").await?["call"]["end_reason"] == "caller_hung_up");
    desk.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn calls_of_documents_are_answered_with_documents_all_the_same() -> Result<()> {
    let desk = Desk::open(&[]).await?;
    let keys = CarrierKeys::given("unused".to_owned(), SEED);
    let carrier = CarrierSimulator::new(desk.server.url().clone(), keys)?;
    let offered = carrier.offered(&testkit::carrier::CallPlan::new(Carrier::Telnyx)).await?;
    let mut stream = Hand::open(Carrier::Telnyx, &offered.call_id, &offered.connect).await?;
    stream.sentence().await?;
    ensure!(stream.stop().await?.code == Some(1000) && desk.commands().is_empty());
    desk.server.stop().await?;
    Ok(())
}
