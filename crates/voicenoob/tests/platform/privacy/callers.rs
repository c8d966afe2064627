//! Calls: numbers in all spellings, words, keys, cards; and webhooks with more in them than there should be.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::{Carrier, PhoneNumber};
use reqwest::Method;
use serde_json::Value;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeakRequest, TextToSpeech};
use telephony::twilio;
use testkit::carrier::{CallPlan, Journal, LiveCall, Move};
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use super::canary::{Canary, card};
use super::stage::{Stage, TWILIO_TOKEN};

/// Who leaves a message, and is erased at the end.
pub(crate) const CALLER: &str = "+4930901820461";
/// Who waits, and wants to be called back.
const WAITING: &str = "+4930901899317";
/// The same line, as carriers and private exchanges spell it.
const SPELLED: [&str; 2] = ["+49 (30) 9018-75 53", "4930901833208"];

/// Where a caller's number may be: in records, and in live state while the call lasts.
const NUMBER: &[&str] = &[
    "db:calls.from_number",
    "db:calls.progress",
    "db:messages.phone",
    "db:callbacks.number",
    "db:tool_calls.",
    "db:turns.",
    "redis value",
    "file:voicenoob.",
];
/// Where words of a caller may be. An example in the API's document has the same name.
const WORDS: &[&str] = &["db:turns.", "db:tool_calls.", "db:messages.", "db:calls.progress", "file:voicenoob.", "openapi"];

/// Nothing a caller waits for takes longer.
const LONG: Duration = Duration::from_secs(40);

/// All of them, one after the other: there is one line.
pub(crate) async fn all(stage: &mut Stage) -> Result<()> {
    for (name, number) in [
        ("the caller's number", CALLER),
        ("the number of who waits", WAITING),
        ("a number with spaces", SPELLED[0]),
        ("bare digits", SPELLED[1]),
    ] {
        stage.canaries.push(Canary::number(name, number, NUMBER));
    }
    message(stage).await?;
    cards_by_keys(stage).await?;
    waits(stage).await?;
    webhooks(stage).await?;
    streams(stage).await
}

fn plan(from: &str) -> CallPlan {
    CallPlan { from: PhoneNumber::new(from), ..CallPlan::new(Carrier::Twilio) }
}

pub(crate) async fn spoken(text: &str) -> Result<Move> {
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
    Ok(Move::Say(Arc::from(samples)))
}

pub(crate) async fn until(what: &str, mut is: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let (deadline, mut look) = (Instant::now() + LONG, interval(Duration::from_millis(50)));
    while !is().await? {
        ensure!(Instant::now() < deadline, "never: {what}");
        look.tick().await;
    }
    Ok(())
}

pub(crate) async fn over(call: LiveCall) -> Result<Journal> {
    tokio::time::timeout(LONG * 3, call.ended()).await.context("the call does not end")?
}

/// Words, a name, and what a tool is told.
async fn message(stage: &mut Stage) -> Result<()> {
    let mut call = plan(CALLER);
    for words in ["I'd like to leave a message", "please call me back about my booking", "Miller", "yes"] {
        call = call.then(Move::Listen).then(spoken(words).await?);
    }
    let placed = stage.carrier.place(call.then(Move::Listen));
    until("live state knows the call", async || Ok(stage.redis.ask("KEYS *calls:*").await?.iter().any(|key| key.contains(&placed.id()))))
        .await?;
    stage.places.redis(&stage.redis).await?;
    over(placed).await?;
    let messages = stage.operator().get("/api/v1/messages").await?;
    let left = &messages["messages"][0];
    ensure!(left["phone"] == CALLER, "{messages}");
    let text = left["text"].as_str().context("no text")?;
    ensure!(text.len() > 12, "too little was understood: {text}");
    stage.canaries.push(Canary::personal("what was said", text, WORDS));
    stage.canaries.push(Canary::personal("a caller's name", left["name"].as_str().context("no name")?, WORDS));
    Ok(())
}

/// A card, at once and in parts, which nothing keeps.
async fn cards_by_keys(stage: &mut Stage) -> Result<()> {
    let (whole, parts) = (card("455673758689985"), card("453201511283036"));
    stage.canaries.push(Canary::number("a card by keys", &whole, &[]));
    stage.canaries.push(Canary::number("a card by keys in two parts", &parts, &[]));
    for half in [&parts[..8], &parts[8..]] {
        stage.canaries.push(Canary::number("half a card by keys", half, &[]));
    }
    over(stage.carrier.place(plan(CALLER).then(Move::Listen).then(Move::Press(whole)).then(Move::Listen))).await?;
    let (first, second) = parts.split_at(8);
    let call = plan(CALLER).then(Move::Listen).then(Move::Press(first.into())).then(Move::Listen).then(Move::Press(second.into()));
    let journal = over(stage.carrier.place(call.then(Move::Listen))).await?;
    let record = stage.operator().get(&format!("/api/v1/calls/{}", journal.call_id)).await?;
    ensure!(record["turns"].as_array().is_some_and(|turns| turns.iter().any(|turn| turn["digits"].is_string())), "no keys in {record}");
    Ok(())
}

/// A caller in the queue, who asks to be called back.
async fn waits(stage: &mut Stage) -> Result<()> {
    let leave = CancellationToken::new();
    let echo = CallPlan { agent: Some("echo".into()), ..plan(CALLER) };
    let talking = stage.carrier.place(echo.then(Move::Until(leave.clone())));
    let operator = stage.operator();
    until("the line is taken", async || Ok(operator.get("/api/v1/calls/active").await?["taken"] == 1)).await?;
    let waiting = plan(WAITING).then(Move::Stay(Duration::from_secs(2))).then(Move::Press("1".into()));
    let waiting = stage.carrier.place(waiting.then(Move::Until(leave.clone())));
    until("somebody waits", async || Ok(operator.get("/api/v1/queue").await?["depth"] == 1)).await?;
    ensure!(stage.places.redis(&stage.redis).await? > 0, "live state is not in Redis");
    until("a callback is noted", async || Ok(operator.get("/api/v1/callbacks").await?["callbacks"][0]["number"] == WAITING)).await?;
    over(waiting).await?;
    leave.cancel();
    over(talking).await?;
    until("nobody is left", async || Ok(operator.get("/api/v1/calls/active").await?["taken"] == 0)).await
}

/// Signed, and with a card and a name in fields we never asked for; other spellings of numbers; and what is no webhook at all.
async fn webhooks(stage: &mut Stage) -> Result<()> {
    let (number, name) = (card("471604820931761"), "Araminta Featherstone");
    stage.canaries.push(Canary::number("a card in a webhook", &number, &[]));
    stage.canaries.push(Canary::personal("a name in a webhook", name, &[]));
    for (index, from) in SPELLED.into_iter().enumerate() {
        let id = format!("CA{index:032}");
        let more = [("SipHeader_X-Card", number.as_str()), ("CallerName", name), ("FromCity", name)];
        let answer = webhook(stage, "voice", &id, from, "ringing", &more).await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        stage.places.add("document", answer.bytes().await?.to_vec());
        for status in [number.as_str(), name, "completed"] {
            let answer = webhook(stage, "status", &id, from, status, &more).await?;
            stage.places.add("problem of a status", answer.bytes().await?.to_vec());
        }
    }
    let torn = [("CallStatus", number.as_str()), ("From", name)];
    let answer = posted(stage, "voice", &torn, true).await?;
    ensure!(answer.status() == 400, "{}", answer.status());
    stage.places.add("problem of a webhook", answer.bytes().await?.to_vec());
    let answer = posted(stage, "voice", &torn, false).await?;
    ensure!(answer.status() == 403, "{}", answer.status());
    stage.places.add("problem of a webhook", answer.bytes().await?.to_vec());
    Ok(())
}

async fn webhook(stage: &Stage, path: &str, id: &str, from: &str, status: &str, more: &[(&str, &str)]) -> Result<reqwest::Response> {
    let form =
        [("CallSid", id), ("AccountSid", "AC1"), ("From", from), ("To", "+15005550010"), ("CallStatus", status), ("Direction", "inbound")];
    posted(stage, path, &[&form[..], more].concat(), true).await
}

async fn posted(stage: &Stage, path: &str, form: &[(&str, &str)], is_signed: bool) -> Result<reqwest::Response> {
    let url = stage.server.url().join(&format!("/webhooks/twilio/{path}"))?;
    let owned: Vec<(String, String)> = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let token = if is_signed { TWILIO_TOKEN } else { "guessed" };
    let signature = twilio::signature::sign(url.as_str(), &owned, token);
    // A form has the shape of a query.
    let mut body = url.clone();
    body.query_pairs_mut().extend_pairs(form);
    let asked = stage.request(Method::POST, url.path())?.header("content-type", "application/x-www-form-urlencoded");
    Ok(asked.header("x-twilio-signature", signature).body(body.query().unwrap_or_default().to_owned()).send().await?)
}

/// Streams nobody offered, with a number in the parameters and things no carrier says.
async fn streams(stage: &mut Stage) -> Result<()> {
    let token = "canary-stream-token-9b74c9897bac770ffc029102a200c5de";
    stage.secret("a stream's token", token);
    // Not the one who is erased: a call that goes on would be left.
    let mut offered = stage.carrier.offered(&plan(SPELLED[1])).await?;
    let mut socket = offered.socket().await?;
    socket.send(offered.far.connected()).await;
    socket.send(offered.start_with(&[("token", token), ("from", CALLER)])).await;
    socket.send(format!("{{\"event\":\"{token}\",\"{CALLER}\":[")).await;
    let closed = tokio::time::timeout(LONG, async {
        while socket.hear().await?.is_ok() {}
        anyhow::Ok(())
    })
    .await;
    closed.context("the stream stays open")??;
    // Nobody comes with the right one: the carrier says that the caller has gone.
    let gone = webhook(stage, "status", &offered.call_id, SPELLED[1], "completed", &[]).await?;
    ensure!(gone.status().is_success(), "{}", gone.status());
    let path = format!("/ws/telephony/twilio/{token}?token={token}");
    let answer = stage.request(Method::GET, &path)?.send().await?;
    ensure!(answer.status().is_client_error(), "{}", answer.status());
    stage.places.add("problem of a stream", answer.bytes().await?.to_vec());
    Ok(())
}

/// Somebody calls, and somebody writes, while the database is away.
pub(crate) async fn in_an_outage(stage: &mut Stage, admin: &testkit::ApiClient) -> Result<()> {
    let (number, name) = ("+4930901855521", "Cordelia Ashworth");
    stage.canaries.push(Canary::number("a number in an outage", number, &[]));
    stage.canaries.push(Canary::personal("a name in an outage", name, &[]));
    stage.canaries.push(Canary::personal("a mail address in an outage", "cordelia@example.com", &[]));
    for path in ["voice", "status"] {
        let answer = webhook(stage, path, "CA77", number, "ringing", &[("CallerName", name)]).await?;
        stage.places.add("problem in an outage", answer.bytes().await?.to_vec());
    }
    let invited = serde_json::json!({ "email": "cordelia@example.com", "role": "viewer", "name": name });
    stage.refused(503, admin.request(Method::POST, "/api/v1/users")?.json(&invited)).await?;
    let wanted = serde_json::json!({ "phone_number": number, "confirmation": number });
    stage.refused(503, admin.request(Method::POST, "/api/v1/privacy/erase")?.json(&wanted)).await
}

/// The number's record of what was done about it, without the number.
pub(crate) async fn given_out_and_erased(stage: &mut Stage, admin: &testkit::ApiClient) -> Result<()> {
    let data = admin.post("/api/v1/privacy/export", &serde_json::json!({ "phone_number": CALLER })).await?;
    ensure!(data["messages"][0]["phone"] == CALLER && !data["turns"].as_array().is_none_or(Vec::is_empty), "{data}");
    let erased: Value = admin.post("/api/v1/privacy/erase", &serde_json::json!({ "phone_number": CALLER, "confirmation": CALLER })).await?;
    ensure!(erased["complete"] == true && erased["removed"]["messages"] == 1, "{erased}");
    let log = admin.get("/api/v1/privacy/log").await?;
    stage.places.add("privacy log", log.to_string());
    Ok(())
}
