//! A call centre under test: a server with few lines, callers who occupy them, and what is asked of it again and again.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use call::{Carrier, PhoneNumber};
use dial::{CallReport, DialOptions, Script};
use serde_json::Value;
use testkit::Server;
use testkit::carrier::{CallPlan, CarrierSimulator, Journal, LiveCall, Move};
use testkit::chaos::Scrape;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::program;

/// An agent with short sentences, so that stories are short.
pub(crate) const DESK: &str = r#"
id = "0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a77"
name = "desk"
greeting = "The front desk is speaking."
[prompts]
hold_welcome = "All lines are busy."
hold_callback = "Press one to be called back."
hold_callback_done = "We will call you back soon."
hold_ready = "Here we go."
hold_removed = "Nobody can take your call today."
closing = "We close now, and we will call you."
closing_no_number = "We close now, please call again."
"#;
/// Its id.
pub(crate) const DESK_ID: &str = "0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a77";

/// Nothing in these stories takes longer to come about.
const LONG: Duration = Duration::from_secs(20);
/// How often it is looked for.
const GLANCE: Duration = Duration::from_millis(25);

/// The server, and the carrier that brings its calls.
pub(crate) struct Centre {
    pub(crate) server: Server,
    pub(crate) carrier: CarrierSimulator,
    _agents: tempfile::TempDir,
}

impl Centre {
    /// Starts it with these settings.
    pub(crate) async fn open(settings: &[(&str, &str)]) -> Result<Self> {
        let agents = tempfile::tempdir()?;
        std::fs::write(agents.path().join("desk.toml"), DESK)?;
        let folder = agents.path().to_str().context("path")?.to_owned();
        let settings: Vec<_> = settings.iter().copied().chain([("AGENTS_DIR", folder.as_str())]).collect();
        let server = Server::start_with(program(), &settings).await?;
        Ok(Self { carrier: CarrierSimulator::of(&server)?, server, _agents: agents })
    }

    /// One line, and the queue behind it.
    pub(crate) async fn with_one_line(settings: &[(&str, &str)]) -> Result<Self> {
        let one = [("MAX_CONCURRENT_CALLS", "1"), ("ENABLE_CALL_QUEUE", "true"), ("HEARTBEAT_INTERVAL", "1")];
        Self::open(&[&one, settings].concat()).await
    }

    /// A caller who is talking to this agent until told to leave.
    pub(crate) async fn talking(&self, agent: &str) -> Result<Caller> {
        let caller = self.rings(Carrier::Twilio, agent, 1000);
        until("the call is live", async || Ok(self.live(&caller.id()).await?.is_some_and(|call| call["waiting"] == false))).await?;
        Ok(caller)
    }

    /// A caller who waits for this agent until told to leave; `index` makes the number.
    pub(crate) async fn waiting(&self, carrier: Carrier, agent: &str, index: usize) -> Result<Caller> {
        let caller = self.rings(carrier, agent, index);
        until("the caller waits", async || Ok(self.live(&caller.id()).await?.is_some_and(|call| call["waiting"] == true))).await?;
        Ok(caller)
    }

    /// A caller who calls this agent and does nothing until told to leave.
    pub(crate) fn rings(&self, carrier: Carrier, agent: &str, index: usize) -> Caller {
        self.places(CallPlan { agent: Some(agent.into()), ..CallPlan::new(carrier) }.from_number(index))
    }

    /// The same by a plan.
    pub(crate) fn places(&self, plan: CallPlan) -> Caller {
        let leave = CancellationToken::new();
        Caller { call: self.carrier.place(plan.then(Move::Until(leave.clone()))), leave }
    }

    /// The live call with this id, as operators see it.
    pub(crate) async fn live(&self, call_id: &str) -> Result<Option<Value>> {
        let active = self.server.json("/api/v1/calls/active").await?;
        let calls = active["calls"].as_array().context("no list of calls")?;
        Ok(calls.iter().find(|call| call["record"]["carrier_call_id"] == call_id).cloned())
    }

    /// What the record of a call says.
    pub(crate) async fn record(&self, call_id: &str) -> Result<Value> {
        Ok(self.server.json(&format!("/api/v1/calls/{call_id}")).await?["call"].clone())
    }

    /// The words of the agent's turns.
    pub(crate) async fn said(&self, call_id: &str) -> Result<Vec<String>> {
        let call = self.server.json(&format!("/api/v1/calls/{call_id}")).await?;
        let turns = call["turns"].as_array().context("no turns")?;
        Ok(turns
            .iter()
            .filter(|turn| turn["speaker"] == "agent")
            .map(|turn| turn["text"].as_str().unwrap_or_default().to_owned())
            .collect())
    }

    /// Waits until the call's record has this end.
    pub(crate) async fn ended(&self, call_id: &str, reason: &str) -> Result<()> {
        until(&format!("the call ends as {reason}"), async || {
            let record = self.record(call_id).await?;
            ensure!(record["end_reason"].is_null() || record["end_reason"] == reason, "{record}");
            Ok(record["end_reason"] == reason)
        })
        .await
    }

    /// The ids of waiting callers in order.
    pub(crate) async fn queue(&self) -> Result<Vec<String>> {
        let queue = self.server.json("/api/v1/queue").await?;
        let calls = queue["calls"].as_array().context("no list of calls")?;
        Ok(calls.iter().map(|entry| entry["call_id"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Who was promised to be called back.
    pub(crate) async fn callbacks(&self) -> Result<Vec<Value>> {
        Ok(self.server.json("/api/v1/callbacks").await?["callbacks"].as_array().context("no list of callbacks")?.clone())
    }

    /// A number of `/metrics`.
    pub(crate) async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        let text = self.server.http().get(self.server.url().join("/metrics")?).send().await?.error_for_status()?.text().await?;
        Ok(Scrape::read(&text).sum(name, labels))
    }

    /// Sends a request and gives status and body.
    pub(crate) async fn ask(&self, method: reqwest::Method, path: &str) -> Result<(u16, Value)> {
        let answer = self.server.http().request(method, self.server.url().join(path)?).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).with_context(|| text.clone())? }))
    }

    /// `GET`, the same.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, Value)> {
        self.ask(reqwest::Method::GET, path).await
    }
}

/// A caller on the line.
pub(crate) struct Caller {
    call: LiveCall,
    leave: CancellationToken,
}

impl Caller {
    /// The carrier's id of the call.
    pub(crate) fn id(&self) -> String {
        self.call.id()
    }

    /// Reads from the journal.
    pub(crate) fn look<T>(&self, read: impl FnOnce(&Journal) -> T) -> T {
        self.call.look(read)
    }

    /// Waits until the journal says so.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Journal) -> bool) -> Result<()> {
        let seen = until(what, async || Ok(self.call.look(&is))).await;
        seen.with_context(|| format!("{:?}", self.call.journal()))
    }

    /// Waits until something is heard after now.
    pub(crate) async fn hears_something(&self) -> Result<()> {
        let now = Instant::now();
        self.until("something is heard", |journal| journal.last_sound.is_some_and(|last| last > now)).await
    }

    /// Does the rest of the plan, and then hangs up.
    pub(crate) fn go_on(&self) {
        self.leave.cancel();
    }

    /// Hangs up (or goes on), and gives the story of the call.
    pub(crate) async fn leaves(self) -> Result<Journal> {
        self.go_on();
        self.over().await
    }

    /// Waits until the call is over without hanging up.
    pub(crate) async fn over(self) -> Result<Journal> {
        tokio::time::timeout(LONG, self.call.ended()).await.context("the call does not end")?
    }
}

/// A call whose sound is kept, to the desk.
pub(crate) struct Listener {
    call: JoinHandle<Result<CallReport, dial::DialError>>,
    options: DialOptions,
}

impl Listener {
    pub(crate) async fn calls(centre: &Centre, script: Script) -> Result<Self> {
        let options = centre.server.dial_options().await?;
        let script = Script { agent: Some("desk".into()), ..script };
        Ok(Self { call: tokio::spawn(dial::run(script, options.clone())), options })
    }

    pub(crate) async fn hangs_up(self) -> Result<CallReport> {
        self.options.hang_up.cancel();
        self.ended().await
    }

    pub(crate) async fn ended(self) -> Result<CallReport> {
        Ok(tokio::time::timeout(LONG, self.call).await.context("the call does not end")???)
    }
}

/// A number that nobody else has.
pub(crate) fn number(index: usize) -> PhoneNumber {
    CallPlan::new(Carrier::Twilio).from_number(index).from
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, is: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    within(LONG, what, is).await.map(drop)
}

/// Waits until it is so, at most for this long; how long it took.
pub(crate) async fn within(limit: Duration, what: &str, mut is: impl AsyncFnMut() -> Result<bool>) -> Result<Duration> {
    let (began, mut glance) = (Instant::now(), interval(GLANCE));
    loop {
        if is().await? {
            return Ok(began.elapsed());
        }
        if began.elapsed() > limit {
            bail!("not within {limit:?}: {what}");
        }
        glance.tick().await;
    }
}
