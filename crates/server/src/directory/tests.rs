//! Stories of the directory over a real database, with an engine that learns when it is let, and one that cannot.

use std::sync::atomic::{AtomicBool, AtomicUsize};

use agent::{AgentKind, Mind, Toolbox};
use api::DirectoryHook;
use async_trait::async_trait;
use call::{Carrier, Meter, Tier};
use speech::phrases::Phrases;
use speech::{Listening, Recognition, SpeakRequest, SpeechError, SpeechStream, SpeechToText, TextToSpeech};
use store::agents::{AgentChange, AgentSettings, StoredAgent, TurnDetection};
use store::numbers::PhoneNumberRow;
use store::tenants::{OpeningHours, Retention, Span, Tenant, TenantChange};
use store::{Change, Database};
use tokio::sync::mpsc;
use uuid::Uuid;

mod keys;
mod servers;

use super::row::{SettingProblem, definition};
use super::*;

const HOTEL: &str = include_str!("../../../../agents/hotel.toml");
const DESK: &str = "id = \"0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a77\"\nname = \"desk\"\ngreeting = \"The desk.\"\n";
const ANNEX: TenantId = TenantId(Uuid::from_u128(77));

/// Learns a domain when it is let, and says how often it was asked.
#[derive(Default)]
struct Learner {
    closed: AtomicBool,
    open: Notify,
    fails: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl SpeechToText for Learner {
    fn name(&self) -> &'static str {
        "learner"
    }

    async fn prepare(&self, _: &Arc<Domain>) -> Result<(), SpeechError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            self.open.notified().await;
        }
        if self.fails.load(Ordering::SeqCst) { Err(SpeechError::Stopped { engine: "learner" }) } else { Ok(()) }
    }

    async fn open(&self, _: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        Err(SpeechError::Stopped { engine: "learner" })
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Ok(())
    }
}

struct Voice;

#[async_trait]
impl TextToSpeech for Voice {
    fn name(&self) -> &'static str {
        "short voice"
    }

    fn voices(&self) -> Vec<String> {
        vec!["slt".into(), "rms".into()]
    }

    async fn speak(&self, request: SpeakRequest, _: &Meter) -> Result<SpeechStream, SpeechError> {
        let (pieces, stream) = mpsc::channel(1);
        let _ = pieces.try_send(Ok(vec![1_000; request.rate as usize / 100].into()));
        Ok(stream)
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Ok(())
    }
}

fn maker(learner: Option<&Arc<Learner>>) -> Maker {
    let voice: Arc<dyn TextToSpeech> = Arc::new(Voice);
    let recognizer = learner.map(|learner| Arc::clone(learner) as Arc<dyn SpeechToText>);
    Maker::new(recognizer, Phrases::new(Some(Arc::clone(&voice)), None, 1 << 20), Some(voice.voices()))
}

fn house() -> House {
    let demo = AgentDefinition::from_flow(HOTEL, "hotel.toml".into()).unwrap();
    let default = demo.id;
    let agents = vec![(demo, HOTEL.to_owned()), (AgentDefinition::echo(), String::new())];
    House::new(agents, Some(default), Toolbox::new()).unwrap()
}

fn row(id: u128, name: &str, settings: AgentSettings) -> StoredAgent {
    StoredAgent {
        id: AgentId(Uuid::from_u128(id)),
        tenant: ANNEX,
        name: name.into(),
        description: None,
        flow: None,
        base: "hotel".into(),
        settings,
        active: true,
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn number(id: u128, number: &str, agent: Option<AgentId>) -> PhoneNumberRow {
    PhoneNumberRow {
        id: Uuid::from_u128(id),
        tenant: ANNEX,
        number: PhoneNumber::new(number),
        name: None,
        carrier: Carrier::Twilio,
        agent,
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// A database with a second workspace, and the directory over it.
struct Town {
    database: Database,
    learner: Arc<Learner>,
    directory: AgentDirectory,
    stop: CancellationToken,
}

impl Town {
    async fn open() -> Self {
        Self::with(|maker| maker).await
    }

    /// With a maker that can more.
    async fn with(more: impl Fn(Maker) -> Maker) -> Self {
        let database = Database::in_memory().await.unwrap();
        let annex = Tenant {
            id: ANNEX,
            name: "annex".into(),
            description: None,
            time_zone: "Europe/Berlin".into(),
            opening_hours: None,
            retention: Retention::default(),
            redaction: store::tenants::RedactionLevel::Cards,
            max_calls: None,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let mut tx = database.begin().await.unwrap();
        store::tenants::create(&mut tx, &annex).await.unwrap();
        tx.commit().await.unwrap();
        let learner = Arc::new(Learner::default());
        let metrics = CallRecorder::new();
        let directory = AgentDirectory::open(house(), more(maker(Some(&learner))), Some(database.clone()), metrics).await.unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(directory.clone().watch(stop.clone()));
        Self { database, learner, directory, stop }
    }

    async fn add(&self, row: &StoredAgent) {
        let mut tx = self.database.begin().await.unwrap();
        store::agents::create(&mut tx, row).await.unwrap();
        tx.commit().await.unwrap();
        self.directory.changed();
    }

    async fn add_number(&self, row: &PhoneNumberRow) {
        let mut tx = self.database.begin().await.unwrap();
        store::numbers::create(&mut tx, row).await.unwrap();
        tx.commit().await.unwrap();
        self.directory.changed();
    }

    async fn change(&self, row: &StoredAgent, change: AgentChange) {
        let mut tx = self.database.begin().await.unwrap();
        store::agents::change(&mut tx, ANNEX, row.id, &change, None, Timestamp::UNIX_EPOCH).await.unwrap();
        tx.commit().await.unwrap();
        self.directory.changed();
    }

    async fn change_annex(&self, change: TenantChange) {
        let mut tx = self.database.begin().await.unwrap();
        store::tenants::change(&mut tx, ANNEX, &change, None, Timestamp::UNIX_EPOCH).await.unwrap();
        tx.commit().await.unwrap();
        self.directory.changed();
    }

    fn greeting(&self, row: &StoredAgent) -> Option<String> {
        let agent = self.directory.get(row.id)?;
        let AgentKind::Flow(flow) = &agent.kind else { return None };
        flow.fixed_texts().into_iter().next()
    }

    async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            let mut look = tokio::time::interval(Duration::from_millis(5));
            while !is() {
                look.tick().await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("not in time: {what}"));
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn greeting(text: &str) -> AgentSettings {
    AgentSettings { greeting: Some(text.into()), ..AgentSettings::default() }
}

fn answers(directory: &AgentDirectory, number: &str) -> String {
    match directory.for_number(&PhoneNumber::new(number)) {
        Some(Answers::Agent(agent)) => agent.name.clone(),
        Some(Answers::Nobody) => "nobody".into(),
        None => "unknown".into(),
    }
}

#[test]
fn a_row_becomes_an_agent_with_everything_the_workspace_set() {
    let settings = AgentSettings {
        voice: Some("rms".into()),
        language: Some("en-GB".into()),
        greeting: Some("The annex speaking.".into()),
        tools: Some(vec!["check_availability".into()]),
        silence_duration_ms: Some(900),
        turn_detection_threshold: Some(0.8),
        prefix_padding_ms: Some(500),
        interruptions: Some(false),
        recording: Some(false),
        transcript: Some(false),
        max_call_seconds: Some(120),
        tier: Some(Tier::Balanced),
        system_prompt: Some("Be kind and brief.".into()),
        temperature: Some(0.5),
        max_tokens: Some(400),
        turn_detection_mode: Some(TurnDetection::Normal),
    };
    let (agent, digest) = definition(&row(1, "annex desk", settings), &[], &[], &house(), &maker(None)).unwrap();
    assert_eq!((agent.tenant, agent.name.as_str(), agent.voice.as_str(), agent.language.as_str()), (ANNEX, "annex desk", "rms", "en-GB"));
    assert_eq!((agent.hearing.threshold, agent.hearing.preroll), (Some(0.8), Some(Duration::from_millis(500))));
    assert!(!agent.keeps.recording && !agent.keeps.transcript && !agent.hearing.semantic);
    let tools = Some(vec!["check_availability".to_owned()]);
    let mind =
        Mind { tier: Tier::Balanced, prompt: Some("Be kind and brief.".into()), temperature: Some(0.5), max_tokens: Some(400), tools };
    assert_eq!(agent.mind, Some(mind));
    let AgentKind::Flow(flow) = &agent.kind else { panic!("it has a dialogue") };
    let timing = flow.turn_taking();
    assert_eq!((timing.end_silence_ms, timing.barge_in, timing.max_duration_secs), (900, false, 120));
    assert_eq!(flow.tools().collect::<Vec<_>>(), ["check_availability"]);
    assert_eq!(flow.fixed_texts()[0], "The annex speaking.");
    let (plain, same) = definition(&row(2, "other", AgentSettings::default()), &[], &[], &house(), &maker(None)).unwrap();
    assert_eq!((digest, plain.voice.as_str()), (same, "slt"), "what is learned of the same dialogue is shared");
    assert!(plain.mind.is_none() && plain.hearing.semantic);
}

#[test]
fn a_model_may_use_tools_that_a_dialogue_cannot() {
    let built = |tools: &[&str], tier: Option<Tier>| {
        let tools = Some(tools.iter().map(|tool| (*tool).to_owned()).collect());
        let settings = AgentSettings { tools, tier, ..AgentSettings::default() };
        let built = definition(&row(1, "desk", settings), &["find_order".into()], &[], &house(), &maker(None));
        built.map(|_| ()).map_err(|problems| problems.iter().map(|problem| problem.field).collect::<Vec<_>>())
    };
    let all = ["check_availability", "find_order", "end_call"];
    assert_eq!(built(&all, Some(Tier::Budget)), Ok(()));
    assert_eq!(built(&all, None), Err(vec!["tools", "tools"]), "both are a model's");
    assert_eq!(built(&["find_order", "fly"], Some(Tier::Budget)), Err(vec!["tools"]), "nobody has that one");
    assert_eq!(built(&["check_availability"], None), Ok(()));
    assert_eq!(built(&["find_order"], Some(Tier::Budget)), Ok(()));
}

#[test]
fn what_only_a_model_could_follow_needs_one() {
    let prompt = AgentSettings { system_prompt: Some("Be kind and brief.".into()), temperature: Some(1.0), ..AgentSettings::default() };
    let problems = |row: StoredAgent| -> Vec<&'static str> {
        let problems = definition(&row, &[], &[], &house(), &maker(None)).err().unwrap_or_default();
        problems.iter().map(|problem| problem.field).collect()
    };
    assert_eq!(problems(row(1, "desk", prompt.clone())), ["system_prompt", "temperature"]);
    let with_model = AgentSettings { tier: Some(Tier::Premium), ..prompt };
    assert_eq!(problems(row(1, "desk", with_model.clone())), [""; 0]);
    let ranges = AgentSettings { system_prompt: Some("short".into()), temperature: Some(3.0), max_tokens: Some(1), ..with_model.clone() };
    assert_eq!(problems(row(1, "desk", ranges)), ["system_prompt", "temperature", "max_tokens"]);
    assert_eq!(problems(StoredAgent { base: "echo".into(), ..row(1, "line", with_model) }), ["tier"]);
}

#[test]
fn what_cannot_work_is_said_field_by_field() {
    let fields = |row: StoredAgent| -> Vec<&'static str> {
        let problems: Vec<SettingProblem> = definition(&row, &[], &[], &house(), &maker(None)).err().unwrap_or_default();
        problems.iter().map(|problem| problem.field).collect()
    };
    let bad = AgentSettings {
        voice: Some("shimmer".into()),
        language: Some("de-DE".into()),
        greeting: Some("Hello {name}".into()),
        tools: Some(vec!["fly".into()]),
        silence_duration_ms: Some(0),
        turn_detection_threshold: Some(1.0),
        prefix_padding_ms: Some(5000),
        max_call_seconds: Some(1),
        ..AgentSettings::default()
    };
    let all = [
        "voice",
        "language",
        "silence_duration_ms",
        "turn_detection_threshold",
        "prefix_padding_ms",
        "max_call_seconds",
        "greeting",
        "tools",
    ];
    assert_eq!(fields(row(1, "bad", bad)), all);
    assert_eq!(fields(StoredAgent { base: "motel".into(), ..row(1, "bad", AgentSettings::default()) }), ["base"]);
    assert_eq!(fields(StoredAgent { flow: Some("name = 1".into()), ..row(1, "bad", AgentSettings::default()) }), ["flow"]);
    let foreign = format!("language = \"de-DE\"\n{DESK}");
    assert_eq!(fields(StoredAgent { flow: Some(foreign), ..row(1, "bad", AgentSettings::default()) }), ["flow"]);
    let tool = format!(
        "{DESK}[[intents]]\nname = \"a\"\nlabel = \"a\"\nphrases = [\"a\"]\n[intents.action]\ntool = \"x\"\nconfirm = \"A?\"\nok = \"B.\"\n"
    );
    assert_eq!(fields(StoredAgent { flow: Some(tool), ..row(1, "bad", AgentSettings::default()) }), ["flow"]);
    assert_eq!(fields(StoredAgent { base: "echo".into(), ..row(1, "bad", greeting("Hello.")) }), ["greeting"]);
    assert_eq!(fields(StoredAgent { flow: Some(DESK.into()), ..row(1, "good", greeting("Hello.")) }), [""; 0]);
}

#[tokio::test]
async fn a_workspaces_number_is_answered_by_its_agent_or_by_nobody_and_never_by_the_demo() {
    let town = Town::open().await;
    let desk = row(1, "annex desk", greeting("The annex."));
    town.add(&desk).await;
    town.add_number(&number(2, "+4930111", Some(desk.id))).await;
    town.add_number(&number(3, "+4930222", None)).await;
    town.until("the numbers are known", || answers(&town.directory, "4930222") == "nobody").await;
    town.until("the agent is ready", || town.greeting(&desk).is_some()).await;
    assert_eq!(answers(&town.directory, "+49 30 111"), "annex desk");
    assert_eq!(answers(&town.directory, "+4930333"), "hotel");
    assert_eq!(town.directory.get(desk.id).unwrap().tenant, ANNEX);
    assert_eq!(town.directory.named("ANNEX DESK").unwrap().id, desk.id);
    assert_eq!(town.learner.asked.load(Ordering::SeqCst), 1, "the hotel's dialogue is learned once");
    let mut tx = town.database.begin().await.unwrap();
    store::agents::remove(&mut tx, ANNEX, desk.id, None).await.unwrap();
    tx.commit().await.unwrap();
    town.directory.changed();
    town.until("it is gone", || answers(&town.directory, "+4930111") == "nobody").await;
    assert!(town.directory.get(desk.id).is_none());
}

#[tokio::test]
async fn a_call_keeps_the_agent_it_began_with_and_what_was_learned_for_it() {
    let town = Town::open().await;
    let desk = StoredAgent { flow: Some(DESK.into()), ..row(1, "annex desk", AgentSettings::default()) };
    town.add(&desk).await;
    town.until("the agent is ready", || town.greeting(&desk).is_some()).await;
    let call = town.directory.get(desk.id).unwrap();
    let learned = town.directory.domain(&call).unwrap();
    let other = DESK.replace("The desk.", "Another desk.");
    town.change(&desk, AgentChange { flow: Change::Set(other), ..AgentChange::default() }).await;
    town.until("it has changed", || town.greeting(&desk).as_deref() == Some("Another desk.")).await;
    let now = town.directory.get(desk.id).unwrap();
    assert!(!Arc::ptr_eq(&call, &now) && Arc::ptr_eq(&town.directory.domain(&call).unwrap(), &learned));
    assert!(!Arc::ptr_eq(&town.directory.domain(&now).unwrap(), &learned));
}

#[tokio::test]
async fn while_one_agent_is_learned_calls_find_it_as_it_was_and_another_is_changed() {
    let town = Town::open().await;
    let (slow, quick) = (row(1, "slow", greeting("Slow.")), row(2, "quick", greeting("Quick.")));
    town.add(&slow).await;
    town.add(&quick).await;
    town.until("both are ready", || town.greeting(&slow).is_some() && town.greeting(&quick).is_some()).await;
    town.learner.closed.store(true, Ordering::SeqCst);
    town.change(&slow, AgentChange { flow: Change::Set(DESK.into()), greeting: Change::Clear, ..AgentChange::default() }).await;
    town.until("it is being learned", || town.learner.asked.load(Ordering::SeqCst) == 2).await;
    town.change(&quick, AgentChange { greeting: Change::Set("Quicker.".into()), ..AgentChange::default() }).await;
    town.until("the other one has changed", || town.greeting(&quick).as_deref() == Some("Quicker.")).await;
    assert_eq!(town.greeting(&slow).as_deref(), Some("Slow."));
    town.learner.open.notify_one();
    town.until("it is learned", || town.greeting(&slow).as_deref() == Some("The desk.")).await;
}

#[tokio::test]
async fn an_agent_that_cannot_be_made_stays_as_it_was_is_reported_and_can_be_switched_off() {
    let town = Town::open().await;
    let desk = row(1, "annex desk", greeting("The annex."));
    town.add(&desk).await;
    town.until("the agent is ready", || town.greeting(&desk).is_some()).await;
    town.change(&desk, AgentChange { voice: Change::Set("shimmer".into()), ..AgentChange::default() }).await;
    town.until("it is reported", || {
        town.directory.notices().iter().any(|notice| notice.contains("annex desk") && notice.contains("shimmer"))
    })
    .await;
    assert_eq!(town.directory.get(desk.id).unwrap().voice, "slt");
    town.change(&desk, AgentChange { active: Change::Set(false), ..AgentChange::default() }).await;
    town.until("it is off", || !town.directory.get(desk.id).unwrap().active).await;
    town.change(&desk, AgentChange { voice: Change::Set("rms".into()), active: Change::Set(true), ..AgentChange::default() }).await;
    town.until("it is as wanted", || town.directory.get(desk.id).is_some_and(|agent| agent.voice == "rms" && agent.active)).await;
    assert!(town.directory.notices().is_empty());
}

#[tokio::test]
async fn an_engine_that_fails_is_a_report_and_not_an_agent() {
    let town = Town::open().await;
    town.learner.fails.store(true, Ordering::SeqCst);
    let desk = StoredAgent { flow: Some(DESK.into()), ..row(1, "annex desk", AgentSettings::default()) };
    town.add(&desk).await;
    town.until("it is reported", || !town.directory.notices().is_empty()).await;
    assert!(town.directory.get(desk.id).is_none());
    let changed = town.directory.check(&StoredAgent { base: "motel".into(), ..row(2, "x", AgentSettings::default()) }, &[], &[]);
    assert_eq!(changed.unwrap_err()[0].field, "/base");
}

#[tokio::test]
async fn what_another_instance_made_is_found_by_whoever_asks_and_else_within_five_seconds() {
    let town = Town::open().await;
    let (one, other) = (row(1, "one", greeting("One.")), row(2, "other", greeting("Other.")));
    let mut tx = town.database.begin().await.unwrap();
    store::agents::create(&mut tx, &one).await.unwrap();
    tx.commit().await.unwrap();
    let began = std::time::Instant::now();
    while town.directory.find(one.id).await.is_none() {
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    let mut tx = town.database.begin().await.unwrap();
    store::agents::create(&mut tx, &other).await.unwrap();
    tx.commit().await.unwrap();
    let began = std::time::Instant::now();
    town.until("it is known", || town.directory.get(other.id).is_some()).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn opening_hours_are_in_the_workspaces_own_time_zone() {
    let town = Town::open().await;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    // A Monday; Berlin is an hour ahead.
    let (before, open) = (at("2026-11-23T07:59:00Z"), at("2026-11-23T08:00:00Z"));
    assert!(town.directory.is_open(ANNEX, before));
    let mut hours = OpeningHours::default();
    hours.0[0] = vec![Span { from: "09:00".parse().unwrap(), to: "17:00".parse().unwrap() }];
    town.change_annex(TenantChange { opening_hours: Change::Set(hours), max_calls: Change::Set(3), ..TenantChange::default() }).await;
    town.until("the hours are known", || !town.directory.is_open(ANNEX, before)).await;
    assert!(town.directory.is_open(ANNEX, open) && !town.directory.is_open(ANNEX, at("2026-11-23T16:00:00Z")));
    assert!(town.directory.is_open(TenantId::DEFAULT, before));
    assert_eq!((town.directory.max_calls(ANNEX), town.directory.max_calls(TenantId::DEFAULT)), (Some(3), None));
}
