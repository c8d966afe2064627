//! Agents and numbers of the database: every setting of a workspace is heard or read in a call. Rows are written as the API writes them; the server
//! finds them by itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::{AgentId, CallRecord, Carrier, PhoneNumber, TenantId, Timestamp};
use dial::{CallReport, Script};
use store::agents::{AgentChange, AgentSettings, StoredAgent};
use store::numbers::PhoneNumberRow;
use store::tenants::{OpeningHours, RedactionLevel, Retention, Tenant, TenantChange};
use store::{Change, Database, Records, SqlRecords};
use testkit::carrier::{CallPlan, Journal, Move};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::centre::{Caller, Centre, until, within};

/// A change is taken up by every instance within this time.
const TAKEN_UP: Duration = Duration::from_secs(5);

/// A dialogue of its own, which also talks to callers who cannot be understood.
const DESK: &str = r#"
id = "0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a78"
name = "own"
greeting = "The front desk is speaking."
[keypad]
prompt = "Press 1 for more."
1 = { say = "There is no more." }
"#;

/// A server, and the workspaces in its database.
struct House {
    centre: Centre,
    database: Database,
}

impl House {
    async fn open(settings: &[(&str, &str)]) -> Result<Self> {
        let centre = Centre::open(settings).await?;
        let database = Database::open(centre.server.data_dir()).await?;
        Ok(Self { centre, database })
    }

    async fn workspace(&self, name: &str, change: impl FnOnce(&mut Tenant)) -> Result<TenantId> {
        let mut tenant = Tenant {
            id: TenantId(Uuid::now_v7()),
            name: name.into(),
            description: None,
            time_zone: "Europe/Berlin".into(),
            opening_hours: None,
            retention: Retention::default(),
            redaction: RedactionLevel::Cards,
            max_calls: None,
            version: 1,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        };
        change(&mut tenant);
        let mut tx = self.database.begin().await?;
        store::tenants::create(&mut tx, &tenant).await?;
        tx.commit().await?;
        Ok(tenant.id)
    }

    /// An agent with a dialogue of its own that is ready to take calls.
    async fn desk(&self, tenant: TenantId, settings: AgentSettings) -> Result<StoredAgent> {
        self.agent(tenant, Some(DESK), settings).await
    }

    /// An agent that talks as the demo hotel does.
    async fn hotel(&self, settings: AgentSettings) -> Result<StoredAgent> {
        self.agent(TenantId::DEFAULT, None, settings).await
    }

    async fn agent(&self, tenant: TenantId, flow: Option<&str>, settings: AgentSettings) -> Result<StoredAgent> {
        let id = AgentId(Uuid::now_v7());
        let agent = StoredAgent {
            id,
            tenant,
            name: format!("agent {id}"),
            description: None,
            flow: flow.map(str::to_owned),
            base: "hotel".into(),
            settings,
            active: true,
            version: 1,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        };
        let mut tx = self.database.begin().await?;
        store::agents::create(&mut tx, &agent).await?;
        tx.commit().await?;
        until("the agent is ready", async || Ok(self.refusal(id, "busy").await?.is_some())).await?;
        Ok(agent)
    }

    async fn change(&self, agent: &StoredAgent, change: AgentChange) -> Result<()> {
        let mut tx = self.database.begin().await?;
        store::agents::change(&mut tx, agent.tenant, agent.id, &change, None, Timestamp::now()).await?;
        Ok(tx.commit().await?)
    }

    async fn number(&self, tenant: TenantId, number: &str, agent: Option<AgentId>) -> Result<()> {
        let number = PhoneNumberRow {
            id: Uuid::now_v7(),
            tenant,
            number: PhoneNumber::new(number),
            name: None,
            carrier: Carrier::Twilio,
            agent,
            version: 1,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        };
        let mut tx = self.database.begin().await?;
        store::numbers::create(&mut tx, &number).await?;
        Ok(tx.commit().await?)
    }

    /// The sound of a refusal, once the agent is ready.
    async fn refusal(&self, agent: AgentId, kind: &str) -> Result<Option<Vec<u8>>> {
        let server = &self.centre.server;
        let answer = server.http().get(server.url().join(&format!("/audio/refusals/{agent}/{kind}.wav"))?).send().await?;
        Ok(if answer.status() == 200 { Some(answer.bytes().await?.to_vec()) } else { None })
    }

    /// What the record of a call says, whosesoever it is.
    async fn record(&self, call_id: &str) -> Result<Option<CallRecord>> {
        Ok(SqlRecords::new(self.database.clone()).call_by_carrier(Carrier::Twilio, call_id).await?)
    }

    /// The agent's words in a call, whosesoever it is.
    async fn said(&self, call_id: &str) -> Result<Vec<String>> {
        let Some(record) = self.record(call_id).await? else { return Ok(Vec::new()) };
        let turns = SqlRecords::new(self.database.clone()).turns(record.id).await?;
        Ok(turns.into_iter().filter(|turn| turn.speaker == call::Speaker::Agent).map(|turn| turn.text).collect())
    }

    /// A caller of this agent who says nothing.
    fn calls(&self, agent: &StoredAgent) -> Caller {
        self.centre.rings(Carrier::Twilio, &agent.id.to_string(), 1)
    }

    /// A call of this number: its record, should there be one, and what the carrier saw.
    async fn rings_at(&self, number: &str) -> Result<(Option<CallRecord>, Journal)> {
        let caller = self.centre.places(CallPlan { to: PhoneNumber::new(number), ..CallPlan::new(Carrier::Twilio) });
        let id = caller.id();
        until("the call is answered or over", async || {
            Ok(caller.look(|journal| journal.end.is_some()) || self.record(&id).await?.is_some_and(|record| record.answered_at.is_some()))
        })
        .await?;
        let journal = caller.leaves().await?;
        Ok((self.record(&id).await?, journal))
    }

    /// Waits until a number leads to this agent.
    async fn until_answered_by(&self, number: &str, agent: &StoredAgent) -> Result<()> {
        until("the number leads to the agent", async || {
            Ok(self.rings_at(number).await?.0.is_some_and(|record| record.agent_id == agent.id))
        })
        .await
    }

    /// The greeting of one call.
    async fn greeting(&self, agent: &StoredAgent) -> Result<String> {
        let caller = self.calls(agent);
        let id = caller.id();
        until("the agent has greeted", async || Ok(!self.said(&id).await?.is_empty())).await?;
        let said = self.said(&id).await?;
        caller.leaves().await?;
        // Where nobody is understood the menu follows in the same turn.
        Ok(said[0].split_inclusive('.').next().unwrap_or_default().to_owned())
    }

    /// A spoken call of this agent.
    async fn talk(&self, agent: &StoredAgent, script: Script) -> Result<CallReport> {
        self.centre.server.call(Script { agent: Some(agent.id.to_string()), ..script }).await
    }

    /// What the agent's side of a finished call sounded like, without the silence around it.
    async fn sound(&self, agent: &StoredAgent) -> Result<Vec<i16>> {
        let caller = self.calls(agent);
        let id = caller.id();
        until("the agent has greeted", async || Ok(!self.said(&id).await?.is_empty())).await?;
        caller.leaves().await?;
        until("the call is over", async || Ok(self.record(&id).await?.is_some_and(|record| record.ended_at.is_some()))).await?;
        let record = self.record(&id).await?.context("no record")?;
        let path = self.centre.server.data_dir().join(record.recording.context("it is not recorded")?);
        let clip = audio::wav::read(&std::fs::read(path)?)?;
        let agent: Vec<i16> = clip.pcm.iter().skip(1).step_by(2).copied().collect();
        let loud = |sample: &i16| sample.unsigned_abs() > 200;
        let (first, last) = (agent.iter().position(loud).context("silent")?, agent.iter().rposition(loud).context("silent")?);
        Ok(agent[first..=last].to_vec())
    }

    async fn closes(self) -> Result<()> {
        self.database.close().await;
        self.centre.server.stop().await?;
        Ok(())
    }
}

fn greeting(text: &str) -> AgentSettings {
    AgentSettings { greeting: Some(text.into()), ..AgentSettings::default() }
}

#[tokio::test]
async fn a_greeting_that_is_changed_is_heard_in_the_next_call_within_five_seconds() -> Result<()> {
    let house = House::open(&[]).await?;
    let agent = house.desk(TenantId::DEFAULT, greeting("This is the annex.")).await?;
    assert_eq!(house.greeting(&agent).await?, "This is the annex.");
    house.change(&agent, AgentChange { greeting: Change::Set("Now it is the tower.".into()), ..AgentChange::default() }).await?;
    let changed = Instant::now();
    let mut began = changed;
    until("the new greeting is heard", async || {
        began = Instant::now();
        Ok(house.greeting(&agent).await? == "Now it is the tower.")
    })
    .await?;
    ensure!(began - changed < TAKEN_UP, "the call that heard it began after {:?}", began - changed);
    house.change(&agent, AgentChange { greeting: Change::Clear, ..AgentChange::default() }).await?;
    until("the file's own greeting is heard", async || Ok(house.greeting(&agent).await? == "The front desk is speaking.")).await?;
    house.closes().await
}

#[tokio::test]
async fn another_voice_says_the_same_words_with_another_sound() -> Result<()> {
    let house = House::open(&[]).await?;
    let voice = |voice: &str| AgentSettings { voice: Some(voice.into()), ..AgentSettings::default() };
    let one = house.desk(TenantId::DEFAULT, voice("slt")).await?;
    let same = house.desk(TenantId::DEFAULT, voice("slt")).await?;
    let other = house.desk(TenantId::DEFAULT, voice("rms")).await?;
    let (one_sound, same_sound, other_sound) = (house.sound(&one).await?, house.sound(&same).await?, house.sound(&other).await?);
    ensure!(likeness(&one_sound, &same_sound) > 0.9, "{}", likeness(&one_sound, &same_sound));
    ensure!(likeness(&one_sound, &other_sound) < 0.5, "{}", likeness(&one_sound, &other_sound));
    let busy = house.refusal(one.id, "busy").await?;
    ensure!(
        busy == house.refusal(same.id, "busy").await? && busy != house.refusal(other.id, "busy").await?,
        "refusals are in its voice too"
    );
    house.closes().await
}

/// From 0, nothing alike, to 1, the same: the best correlation of their first half second over 20 ms of shift.
fn likeness(one: &[i16], other: &[i16]) -> f64 {
    let length = 4000.min(one.len()).min(other.len().saturating_sub(320));
    let energy = |pcm: &[i16]| pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>().sqrt();
    let at = |shift: usize| {
        let part = &other[shift..shift + length];
        let sum: f64 = one[..length].iter().zip(part).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        sum / (energy(&one[..length]) * energy(part)).max(1.0)
    };
    (0..320).map(at).fold(0.0, f64::max)
}

#[tokio::test]
async fn an_agent_that_does_not_record_leaves_no_file_and_its_neighbour_does() -> Result<()> {
    let house = House::open(&[]).await?;
    let silent = house.desk(TenantId::DEFAULT, AgentSettings { recording: Some(false), ..AgentSettings::default() }).await?;
    let kept = house.desk(TenantId::DEFAULT, AgentSettings { recording: Some(true), ..AgentSettings::default() }).await?;
    for (agent, recorded) in [(&silent, false), (&kept, true)] {
        let caller = house.calls(agent);
        let id = caller.id();
        until("the agent has greeted", async || Ok(!house.said(&id).await?.is_empty())).await?;
        caller.leaves().await?;
        until("the call is over", async || Ok(house.record(&id).await?.is_some_and(|record| record.ended_at.is_some()))).await?;
        let record = house.record(&id).await?.context("no record")?;
        let file = house.centre.server.data_dir().join(format!("recordings/{}.wav", record.id));
        ensure!(
            record.recording.is_some() == recorded && std::fs::metadata(&file).is_ok() == recorded,
            "{recorded}: {:?} {}",
            record.recording,
            std::fs::metadata(&file).is_ok()
        );
    }
    house.closes().await
}

#[tokio::test]
async fn where_the_installation_does_not_record_no_agent_can() -> Result<()> {
    let house = House::open(&[("RECORD_CALLS", "false")]).await?;
    let agent = house.desk(TenantId::DEFAULT, AgentSettings { recording: Some(true), ..AgentSettings::default() }).await?;
    let caller = house.calls(&agent);
    let id = caller.id();
    until("the agent has greeted", async || Ok(!house.said(&id).await?.is_empty())).await?;
    caller.leaves().await?;
    ensure!(house.record(&id).await?.context("no record")?.recording.is_none());
    house.closes().await
}

#[tokio::test]
async fn without_a_transcript_the_caller_is_answered_and_no_word_and_no_key_is_stored() -> Result<()> {
    let house = House::open(&[]).await?;
    let agent = house.hotel(AgentSettings { transcript: Some(false), ..AgentSettings::default() }).await?;
    let plan = CallPlan { agent: Some(agent.id.to_string()), ..CallPlan::new(Carrier::Twilio) };
    let caller = house.centre.places(plan.then(Move::Listen).then(Move::Press("2".into())).then(Move::Listen));
    let (id, records) = (caller.id(), SqlRecords::new(house.database.clone()));
    let mut turns = Vec::new();
    within(Duration::from_secs(60), "the key is answered", async || {
        let Some(record) = house.record(&id).await? else { return Ok(false) };
        turns = records.turns(record.id).await?;
        Ok(turns.iter().any(|turn| turn.latency.is_some()))
    })
    .await?;
    caller.leaves().await?;
    ensure!(turns.len() >= 3 && turns.iter().all(|turn| turn.text.is_empty() && turn.heard.is_empty()), "{turns:?}");
    ensure!(turns.iter().any(|turn| turn.digits.as_deref() == Some("")), "that a key was pressed is known: {turns:?}");
    until("the call is over", async || Ok(house.record(&id).await?.is_some_and(|record| record.ended_at.is_some()))).await?;
    let record = house.record(&id).await?.context("no record")?;
    ensure!(records.progress(record.id).await?.is_none(), "nor where the conversation stood");
    house.closes().await
}

#[tokio::test]
async fn the_longest_call_ends_with_a_hint_and_a_goodbye() -> Result<()> {
    let house = House::open(&[]).await?;
    let agent = house.desk(TenantId::DEFAULT, AgentSettings { max_call_seconds: Some(20), ..AgentSettings::default() }).await?;
    // Half of the time is over: the hint comes with the next words, which a star asks for.
    let plan = CallPlan { agent: Some(agent.id.to_string()), ..CallPlan::new(Carrier::Twilio) };
    let caller = house.centre.places(plan.then(Move::Listen).then(Move::Stay(Duration::from_secs(10))).then(Move::Press("*".into())));
    let (id, began) = (caller.id(), Instant::now());
    within(Duration::from_secs(30), "the agent ends the call", async || Ok(caller.look(|journal| journal.end.is_some()))).await?;
    let talked = began.elapsed();
    let said = house.said(&id).await?;
    let (hint, last) = (said.iter().position(|text| text.contains("less than a minute left")), said.last().cloned().unwrap_or_default());
    ensure!(hint.is_some_and(|at| at > 0 && at + 1 < said.len()), "{said:?}");
    ensure!(last.contains("our time is up") && last.contains("Goodbye"), "{said:?}");
    ensure!((Duration::from_secs(15)..Duration::from_secs(22)).contains(&talked), "{talked:?}");
    let record = house.record(&id).await?.context("no record")?;
    assert_eq!(record.end_reason, Some(call::EndReason::AgentHungUp));
    caller.leaves().await?;
    house.closes().await
}

#[tokio::test]
async fn a_number_leads_to_the_agent_of_its_workspace_whose_call_it_is() -> Result<()> {
    let house = House::open(&[]).await?;
    let annex = house.workspace("annex", |_| ()).await?;
    let agent = house.desk(annex, greeting("This is the annex.")).await?;
    house.number(annex, "+493011122", Some(agent.id)).await?;
    house.number(annex, "+493011133", None).await?;
    house.until_answered_by("+493011122", &agent).await?;
    let (record, journal) = house.rings_at("+493011122").await?;
    let record = record.context("no record")?;
    ensure!(record.tenant == annex && record.agent_name == agent.name && journal.streams == 1, "{record:?} {journal:?}");
    ensure!(house.greeting(&agent).await? == "This is the annex.");
    // A number without an agent is nobody's, and not the demo hotel's.
    let (record, journal) = house.rings_at("+493011133").await?;
    ensure!(record.is_none() && journal.streams == 0 && journal.said[0].contains("nobody answers this number"), "{journal:?}");
    let (record, _) = house.rings_at("+493011144").await?;
    let record = record.context("no record")?;
    ensure!(record.tenant == TenantId::DEFAULT && record.agent_name == "hotel", "{record:?}");
    house.closes().await
}

#[tokio::test]
async fn outside_opening_hours_the_caller_hears_so_and_inside_them_the_agent() -> Result<()> {
    let house = House::open(&[]).await?;
    // No day has an hour.
    let annex = house.workspace("annex", |annex| annex.opening_hours = Some(OpeningHours::default())).await?;
    let agent = house.desk(annex, greeting("This is the annex.")).await?;
    house.number(annex, "+493011122", Some(agent.id)).await?;
    house.until_answered_by("+493011122", &agent).await?;
    let (record, refused) = house.rings_at("+493011122").await?;
    let closed = format!("/audio/refusals/{}/closed.wav", agent.id);
    ensure!(refused.streams == 0 && refused.said.len() == 1 && refused.said[0].ends_with(&closed), "{refused:?}");
    ensure!(house.refusal(agent.id, "closed").await?.context("no sound")?.len() > 8000, "it is a sentence");
    let record = record.context("no record")?;
    ensure!(record.tenant == annex && record.end_reason == Some(call::EndReason::Refused) && record.answered_at.is_none(), "{record:?}");
    ensure!(house.centre.metric("voicenoob_calls_refused_total", &[("reason", "closed")]).await? >= 1.0);
    let mut tx = house.database.begin().await?;
    let open = TenantChange { opening_hours: Change::Clear, ..TenantChange::default() };
    store::tenants::change(&mut tx, annex, &open, None, Timestamp::now()).await?;
    tx.commit().await?;
    until("it is open", async || Ok(house.rings_at("+493011122").await?.1.streams == 1)).await?;
    ensure!(house.greeting(&agent).await? == "This is the annex.");
    house.closes().await
}

#[tokio::test]
async fn an_agent_that_is_switched_off_takes_no_call_until_it_is_switched_on() -> Result<()> {
    let house = House::open(&[]).await?;
    let agent = house.desk(TenantId::DEFAULT, AgentSettings::default()).await?;
    house.number(TenantId::DEFAULT, "+493011122", Some(agent.id)).await?;
    house.until_answered_by("+493011122", &agent).await?;
    let live = house.calls(&agent);
    until("a call is live", async || Ok(!house.said(&live.id()).await?.is_empty())).await?;
    house.change(&agent, AgentChange { active: Change::Set(false), ..AgentChange::default() }).await?;
    until("the agent refuses", async || Ok(house.rings_at("+493011122").await?.1.streams == 0)).await?;
    let (record, refused) = house.rings_at("+493011122").await?;
    ensure!(record.is_none() && refused.said.len() == 1 && refused.said[0].contains("nobody answers this number"), "{refused:?}");
    ensure!(house.centre.metric("voicenoob_calls_refused_total", &[("reason", "agent_inactive")]).await? >= 1.0);
    // Who talks already may finish: the agent asks whether anybody is there.
    live.hears_something().await?;
    house.change(&agent, AgentChange { active: Change::Set(true), ..AgentChange::default() }).await?;
    until("the agent answers again", async || Ok(house.rings_at("+493011122").await?.1.streams == 1)).await?;
    live.leaves().await?;
    house.closes().await
}

#[tokio::test]
async fn a_workspace_has_as_many_calls_at_once_as_it_wants() -> Result<()> {
    let house = House::open(&[]).await?;
    let annex = house.workspace("annex", |annex| annex.max_calls = Some(1)).await?;
    let agent = house.desk(annex, greeting("This is the annex.")).await?;
    let first = house.calls(&agent);
    until("the first is greeted", async || Ok(!house.said(&first.id()).await?.is_empty())).await?;
    let second = house.calls(&agent);
    let refused = second.over().await?;
    ensure!(refused.streams == 0 && refused.said[0].ends_with("busy.wav"), "{refused:?}");
    ensure!(house.centre.metric("voicenoob_calls_refused_total", &[("reason", "tenant_limit")]).await? == 1.0);
    first.leaves().await?;
    house.centre.server.expect_idle().await?;
    ensure!(house.greeting(&agent).await? == "This is the annex.");
    house.closes().await
}

#[tokio::test]
async fn a_tool_that_is_taken_away_leads_to_a_spoken_no() -> Result<()> {
    let house = House::open(&[]).await?;
    let tools = ["check_availability", "create_booking", "find_booking", "quote_change", "change_booking", "leave_message"];
    let settings = AgentSettings { tools: Some(tools.map(str::to_owned).to_vec()), ..AgentSettings::default() };
    let agent = house.hotel(settings).await?;
    let report = house.talk(&agent, Script::saying(Carrier::Telnyx, ["i want to cancel my booking"])).await?;
    let said = report.words_of(call::Speaker::Agent);
    ensure!(said.contains("I'm sorry, I can't cancel a booking."), "{said}");
    house.closes().await
}

#[tokio::test]
async fn the_silence_that_ends_a_turn_is_the_agents_own() -> Result<()> {
    let house = House::open(&[]).await?;
    let mut waits = Vec::new();
    for silence in [400, 1500] {
        let settings = AgentSettings { silence_duration_ms: Some(silence), ..AgentSettings::default() };
        let agent = house.hotel(settings).await?;
        let report = house.talk(&agent, Script::saying(Carrier::Twilio, ["what time is breakfast"])).await?;
        let latency = report.turns.iter().find_map(|turn| turn.latency).with_context(|| format!("no answer: {:?}", report.turns))?;
        waits.push(latency.endpoint_ms);
    }
    ensure!((400..800).contains(&waits[0]) && (1500..1900).contains(&waits[1]), "{waits:?}");
    house.closes().await
}

#[tokio::test]
async fn an_agent_that_may_not_be_interrupted_says_its_sentence_to_the_end() -> Result<()> {
    let house = House::open(&[]).await?;
    let long = "Harbour View Hotel, where the lighthouse has been shining for a hundred and twenty years and the sea is at your door.";
    for may in [true, false] {
        let settings = AgentSettings { interruptions: Some(may), ..greeting(long) };
        let agent = house.hotel(settings).await?;
        let plan = CallPlan { agent: Some(agent.id.to_string()), ..CallPlan::new(Carrier::Twilio) };
        let press = CancellationToken::new();
        let caller = house.centre.places(plan.then(Move::Until(press.clone())).then(Move::Press("2".into())));
        caller.until("the greeting begins", |journal| journal.first_sound.is_some()).await?;
        press.cancel();
        let (id, records) = (caller.id(), SqlRecords::new(house.database.clone()));
        let mut first = None;
        within(Duration::from_secs(40), "the greeting is over", async || {
            let Some(record) = house.record(&id).await? else { return Ok(false) };
            first = records.turns(record.id).await?.into_iter().find(|turn| turn.speaker == call::Speaker::Agent);
            Ok(first.is_some())
        })
        .await?;
        let first = first.context("no greeting")?;
        ensure!(first.interrupted == may && (first.heard == first.text) != may, "{may}: {first:?}");
        caller.leaves().await?;
    }
    house.closes().await
}
