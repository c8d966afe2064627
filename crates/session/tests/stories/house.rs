//! The house at our end: the demo hotel's agent, a voice that notes what it says, a recogniser that hears nothing, a store in memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::{AgentDefinition, AgentKind, Tool, Toolbox};
use async_trait::async_trait;
use call::Meter;
use call::{CallId, CallRecord, CallStatus, Carrier, Direction, PhoneNumber, Timestamp};
use flow::{Dialogue, Input, Output, ToolOutcome};
use serde_json::{Value, json};
use session::{Ending, Order, Services, SessionSetup};
use speech::phrases::Phrases;
use speech::{
    Domain, Listening, Recognition, RecognitionEvent, SpeakRequest, SpeechError, SpeechStream, SpeechToText, TextToSpeech, Transcript,
};
use store::{Database, Progress, Records, SqlRecords};
use telephony::MediaStream;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::far_end::Socket;

/// The voice's only sample.
pub(super) const VOICE: i16 = 16_000;

/// Says everything in 100 ms, or as long as it is told, and notes it.
#[derive(Default)]
pub(super) struct Voice {
    pub(super) said: Mutex<Vec<String>>,
    /// How long it speaks, in ms; zero: 100.
    pub(super) length: AtomicUsize,
    /// Texts with this in them come so much later.
    pub(super) slow: Mutex<Option<(&'static str, Duration)>>,
}

#[async_trait]
impl TextToSpeech for Voice {
    fn name(&self) -> &'static str {
        "noting voice"
    }

    fn voices(&self) -> Vec<String> {
        vec!["slt".into()]
    }

    async fn speak(&self, request: SpeakRequest, _: &Meter) -> Result<SpeechStream, SpeechError> {
        let slow = self.slow.lock().unwrap().filter(|(text, _)| request.text.contains(text));
        self.said.lock().unwrap().push(request.text);
        let ms = Some(self.length.load(Ordering::Relaxed)).filter(|ms| *ms > 0).unwrap_or(100);
        let sound = vec![VOICE; request.rate as usize * ms / 1000];
        let (pieces, stream) = mpsc::channel(1);
        tokio::spawn(async move {
            if let Some((_, late)) = slow {
                tokio::time::sleep(late).await;
            }
            let _ = pieces.send(Ok(sound.into())).await;
        });
        Ok(stream)
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Ok(())
    }
}

/// Hears what is written down for each utterance; nothing when nothing is, so that callers press keys in the middle of a spoken dialogue.
#[derive(Default)]
pub(super) struct Ears {
    pub(super) lines: Arc<Mutex<VecDeque<&'static str>>>,
    /// Samples of each utterance.
    pub(super) pushed: Arc<Mutex<Vec<usize>>>,
    line: Option<&'static str>,
    events: VecDeque<RecognitionEvent>,
}

#[async_trait]
impl SpeechToText for Ears {
    fn name(&self) -> &'static str {
        "script"
    }

    async fn prepare(&self, _: &Arc<Domain>) -> Result<(), SpeechError> {
        Ok(())
    }

    async fn open(&self, _: Listening) -> Result<Box<dyn Recognition>, SpeechError> {
        Ok(Box::new(self.another()))
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Ok(())
    }
}

impl Ears {
    fn another(&self) -> Self {
        Self { lines: Arc::clone(&self.lines), pushed: Arc::clone(&self.pushed), ..Self::default() }
    }

    fn transcript(text: &str) -> Transcript {
        Transcript { text: text.into(), written: text.into(), confidence: 0.9, words: Vec::new(), took: Duration::ZERO }
    }
}

#[async_trait]
impl Recognition for Ears {
    fn expect(&mut self, _: &str) {}

    fn start(&mut self) {
        self.cancel();
        self.line = self.lines.lock().unwrap().pop_front();
        self.pushed.lock().unwrap().push(0);
    }

    fn push(&mut self, pcm: &[i16]) {
        *self.pushed.lock().unwrap().last_mut().unwrap() += pcm.len();
    }

    fn pause(&mut self) {
        self.events.extend(self.line.map(|line| RecognitionEvent::Partial(Self::transcript(line))));
    }

    fn finish(&mut self) {
        self.events.extend(self.line.take().map(|line| RecognitionEvent::Final(Self::transcript(line))));
    }

    fn cancel(&mut self) {
        self.line = None;
        self.events.clear();
    }

    async fn next(&mut self) -> RecognitionEvent {
        match self.events.pop_front() {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

/// Everything a process has.
pub(super) struct House {
    pub(super) services: Arc<Services>,
    pub(super) records: Arc<dyn Records>,
    pub(super) voice: Arc<Voice>,
    pub(super) ears: Ears,
    pub(super) agent: Arc<AgentDefinition>,
    pub(super) call: CallRecord,
}

impl House {
    pub(super) async fn open(tools: Vec<Arc<dyn Tool>>) -> Self {
        let records: Arc<dyn Records> = Arc::new(SqlRecords::new(Database::in_memory().await.unwrap()));
        let agent = AgentDefinition::from_flow(include_str!("../../../../agents/hotel.toml"), "hotel.toml".into()).unwrap();
        let call = records.open_call(&record(&agent)).await.unwrap();
        Self::over(records, tools, agent, call)
    }

    /// Another process over the same records.
    pub(super) fn again(&self, tools: Vec<Arc<dyn Tool>>) -> Self {
        Self::over(Arc::clone(&self.records), tools, (*self.agent).clone(), self.call.clone())
    }

    fn over(records: Arc<dyn Records>, tools: Vec<Arc<dyn Tool>>, agent: AgentDefinition, call: CallRecord) -> Self {
        let voice = Arc::new(Voice::default());
        let ears = Ears::default();
        let mut toolbox = Toolbox::new();
        tools.into_iter().for_each(|tool| toolbox.add(tool));
        let services = Services {
            ears: Some(speech::ladder::ears::Ears::new(vec![
                speech::ladder::Rung::here(Arc::new(ears.another()) as Arc<dyn SpeechToText>),
            ])),
            phrases: Phrases::new(Some(Arc::clone(&voice) as Arc<dyn TextToSpeech>), None, 1 << 20),
            tools: toolbox,
            records: Arc::clone(&records),
            recordings: None,
            recorder: telemetry::CallRecorder::new(),
            price: Box::new(|_| Vec::new()),
        };
        Self { services: Arc::new(services), records, voice, ears, agent: Arc::new(agent), call }
    }

    /// A session's setup, the sender of its orders, and the ending it reports before it closes the socket.
    pub(super) fn setup(
        &self,
        socket: Socket,
        stream: Box<dyn MediaStream>,
        resume: Option<Progress>,
    ) -> (Box<SessionSetup<Socket>>, watch::Sender<Order>, mpsc::UnboundedReceiver<Ending>) {
        let (orders, told) = watch::channel(Order::GoOn);
        let (report, reported) = mpsc::unbounded_channel();
        let domain = Domain { name: "hotel".into(), states: Default::default(), background: Vec::new() };
        let setup = SessionSetup {
            socket,
            stream,
            call: self.call.clone(),
            agent: Arc::clone(&self.agent),
            minds: None,
            domain: Some(Arc::new(domain)),
            seed: 3,
            hangup: CancellationToken::new(),
            orders: told,
            resumed: resume.is_some(),
            resume,
            unreached: None,
            redaction: privacy::Level::Cards,
            on_end: Box::new(move |ending| {
                let _ = report.send(ending);
                Box::pin(std::future::ready(()))
            }),
        };
        (Box::new(setup), orders, reported)
    }

    /// Everything the voice said so far.
    pub(super) fn said(&self) -> String {
        self.voice.said.lock().unwrap().join(" ")
    }

    /// A stored conversation that has just read a booking back.
    pub(super) fn at_the_read_back(&self) -> Progress {
        let AgentKind::Flow(flow) = &self.agent.kind else { panic!("the hotel has a dialogue") };
        let now = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let mut dialogue = Dialogue::new(Arc::clone(flow), 3, Some("+12025550199".into()));
        dialogue.handle(Input::Started, now);
        let words = "a double room for two people for two nights from tomorrow under the name smith";
        dialogue.handle(Input::Heard { text: words.into(), confidence: 0.9 }, now);
        let mut asked = None;
        while let Some(output) = dialogue.poll_output() {
            match output {
                Output::CallTool { id, .. } => {
                    let free = json!({ "total": "200.00", "nightly": "100.00", "rooms_left": 3, "currency": "EUR", "room_type": "double" });
                    dialogue.handle(Input::ToolAnswered { id, outcome: ToolOutcome::Ok(free) }, now);
                }
                Output::Listen { state, .. } => asked = Some(state),
                _ => {}
            }
        }
        assert_eq!(asked.as_deref(), Some("confirm"));
        Progress { snapshot: json!({ "brain": dialogue.snapshot(), "missed": false }), turns: 5, elapsed_ms: 40_000 }
    }
}

fn record(agent: &AgentDefinition) -> CallRecord {
    CallRecord {
        id: CallId(uuid::Uuid::from_u128(1)),
        tenant: call::TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: "CA1".into(),
        direction: Direction::Inbound,
        from: PhoneNumber::new("+12025550199"),
        to: PhoneNumber::new("+12025550100"),
        agent_id: agent.id,
        agent_name: agent.name.clone(),
        status: CallStatus::InProgress,
        offered_at: Timestamp::now(),
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    }
}

/// Waits until something holds; fails when it does not come to hold.
pub(super) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it never came to hold");
}

pub(super) fn booked() -> Value {
    json!({ "code": "427109", "total": "200.00", "currency": "EUR" })
}
