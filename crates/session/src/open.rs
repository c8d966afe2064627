//! A session is put together: ears, mouth, brain, journal, recording, and for a resumed call where it stood.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use agent::{AgentDefinition, Brain, BrainInput, FlowBrain, LadderBrain, Persona};
use call::{CallId, EndReason, Meter};
use conversation::{Conversation, Ledger};
use flow::Flow;
use jiff::tz::TimeZone;
use store::Progress;
use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::close;
use crate::journal::Journal;
use crate::keypad::Keypad;
use crate::listen::{Listener, open_recognition};
use crate::liveness::Liveness;
use crate::order::Order;
use crate::progress::Snapshot;
use crate::reply::Reply;
use crate::run::{Session, now};
use crate::rungs::Teller;
use crate::setup::{Ending, Minds, OnEnd, Services, SessionSetup, callable};
use crate::socket::MediaSocket;
use crate::speak::{Pace, Speaker};
use crate::traffic::Traffic;
use crate::veil::Veil;

/// A resumed call that has used up its longest duration still has this long.
const SHORTEST_REST: Duration = Duration::from_secs(30);
/// A resumed call whose progress is not known waits this long for its turns.
const TURNS_LIMIT: Duration = Duration::from_secs(1);
/// Where turns are counted from when not even those are known: behind all that a call can have had.
const UNKNOWN_TURNS: u32 = 10_000;

impl<S: MediaSocket> Session<S> {
    pub(crate) async fn open(mut setup: SessionSetup<S>, services: Arc<Services>, flow: Arc<Flow>) -> Result<Self, (S, OnEnd, Ending)> {
        let rate = setup.stream.format().map_or(8000, |format| format.rate);
        let (turns, elapsed_ms) = match &setup.resume {
            Some(progress) => (progress.turns, progress.elapsed_ms),
            None if setup.resumed => so_far(&services, setup.call.id).await,
            None => (0, 0),
        };
        let recording = async {
            match services.recordings.as_ref().filter(|_| setup.agent.keeps.recording) {
                Some(recordings) if setup.resumed => Some(recordings.resume(setup.call.id, rate, elapsed_ms).await),
                recordings => recordings.map(|recordings| (recordings.track(setup.call.id, rate), elapsed_ms)),
            }
        };
        let veil = Veil::new(setup.redaction, &setup.call);
        let journal = Journal::open(Arc::clone(&services.records), setup.call.id, turns, setup.agent.keeps.transcript, veil);
        let meter = Meter::default();
        let teller = Arc::new(Teller {
            rungs: journal.rungs(),
            recorder: services.recorder.clone(),
            span: tracing::Span::current(),
            origin: now(),
            origin_ms: elapsed_ms,
        });
        let ears = services.ears.as_ref().map(|ears| ears.reporting(teller.of_speech()));
        let recognition = open_recognition(ears.as_ref(), setup.domain.as_ref(), rate, &setup.agent.language, &meter);
        let (recording, recognition) = tokio::join!(recording, recognition);
        let (track, origin_ms) = recording.map_or((None, elapsed_ms), |(track, start_ms)| (Some(track), start_ms));
        let keypad_only = recognition.is_none();
        let listener = match Listener::new(rate, recognition, setup.agent.hearing) {
            Ok(listener) => listener,
            Err(fault) => {
                error!(error = %fault, rate, "this stream's audio cannot be listened to");
                return Err((setup.socket, setup.on_end, Ending::new(EndReason::Failed, close::BAD_FORMAT)));
            }
        };
        let caller = callable(&setup.call.from).map(str::to_owned);
        let toolbox = setup.minds.as_ref().map_or_else(|| services.tools.clone(), |minds| minds.tools.clone());
        let thinking = Thinking { flow: &flow, rate, seed: setup.seed, caller, keypad_only, meter: &meter, teller: &teller };
        let (brain, opening) = thinking.brain(setup.minds.take(), setup.resume.take());
        let opening = setup.unreached.map_or(opening, |why| BrainInput::TransferFailed { why });
        let voice = services.phrases.for_call(meter.clone()).reporting(teller.of_speech());
        let now = now();
        Ok(Self {
            conversation: Conversation::new(rules(&flow, &setup.agent, Duration::from_millis(elapsed_ms)), now),
            listener,
            speaker: Speaker::new(voice, &setup.agent, rate, Pace::TALK, Ledger::default()),
            reply: Reply::default(),
            journal,
            toolbox,
            meter,
            track,
            tools: JoinSet::new(),
            utterance: None,
            unwritten: None,
            ears_owe: false,
            late: VecDeque::new(),
            language: setup.agent.language.clone(),
            wait_texts: setup.agent.wait_texts(),
            secret: false,
            keyed: String::new(),
            keyed_from: 0,
            max_keys: 1,
            confidence_floor: flow.confidence_floor(),
            saying_goodbye: false,
            goodbye_timed: false,
            ending: None,
            agent_end_ms: origin_ms,
            flow,
            brain,
            opening,
            voiceless: false,
            replying: false,
            keypad: Keypad::default(),
            liveness: Liveness::new(now),
            time_zone: TimeZone::get(&setup.agent.time_zone).unwrap_or(TimeZone::UTC),
            origin: now,
            origin_ms,
            hangup: setup.hangup,
            orders: setup.orders,
            ordered: Order::GoOn,
            closing: None,
            bad_messages: 0,
            lost_frames: 0,
            traffic: Traffic::new(setup.stream.as_ref(), now),
            playout_due: None,
            on_end: setup.on_end,
            socket: setup.socket,
            stream: setup.stream,
            call: setup.call,
            services,
        })
    }
}

/// Turns and time of a resumed call whose progress is not known: what it said before must not be overwritten.
async fn so_far(services: &Services, id: CallId) -> (u32, u64) {
    match tokio::time::timeout(TURNS_LIMIT, services.records.turns(id)).await {
        Ok(Ok(turns)) => turns.last().map_or((0, 0), |turn| (turn.index + 1, turn.end_ms)),
        Ok(Err(fault)) => {
            error!(error = %fault, "the turns of a resumed call could not be read");
            (UNKNOWN_TURNS, 0)
        }
        Err(_) => {
            error!(limit = ?TURNS_LIMIT, "the turns of a resumed call could not be read in time");
            (UNKNOWN_TURNS, 0)
        }
    }
}

/// What a brain is made of.
struct Thinking<'a> {
    flow: &'a Arc<Flow>,
    /// Of the call's sound, samples a second.
    rate: u32,
    seed: u64,
    caller: Option<String>,
    /// Nobody can hear the caller.
    keypad_only: bool,
    meter: &'a Meter,
    teller: &'a Arc<Teller>,
}

impl Thinking<'_> {
    /// The brain and what it is told first. A conversation that cannot be taken up begins anew: better than a caller who is hung up on.
    fn brain(&self, minds: Option<Minds>, resume: Option<Progress>) -> (Box<dyn Brain>, BrainInput) {
        let fault = match resume.map(|progress| serde_json::from_value::<Snapshot>(progress.snapshot)) {
            None => None,
            Some(Err(fault)) => Some(fault.to_string()),
            Some(Ok(Snapshot { brain, missed })) => match self.resumed(minds.as_ref(), brain) {
                Ok(brain) => return (brain, BrainInput::Resumed { missed }),
                Err(fault) => Some(fault),
            },
        };
        if let Some(fault) = fault {
            warn!(fault, "the conversation begins anew: it cannot be taken up where it stood");
        }
        (self.new_one(minds), BrainInput::Started)
    }

    fn new_one(&self, minds: Option<Minds>) -> Box<dyn Brain> {
        let mut dialogue = FlowBrain::new(Arc::clone(self.flow), self.seed, self.caller.clone());
        let Some(minds) = minds else {
            if self.keypad_only {
                dialogue.keypad_only();
            }
            return Box::new(dialogue);
        };
        let persona = self.persona(&minds);
        let brain = LadderBrain::new(minds.rungs, dialogue, persona, self.meter.clone(), self.teller.of_mind());
        let mut brain = brain.speaking(minds.voices, self.rate);
        if self.keypad_only {
            brain.keypad_only();
        }
        Box::new(brain)
    }

    fn resumed(&self, minds: Option<&Minds>, snapshot: serde_json::Value) -> Result<Box<dyn Brain>, String> {
        let flow = Arc::clone(self.flow);
        let Some(minds) = minds else {
            let mut dialogue = FlowBrain::resume(flow, snapshot).map_err(|fault| fault.to_string())?;
            if self.keypad_only {
                dialogue.keypad_only();
            }
            return Ok(Box::new(dialogue));
        };
        let (persona, told) = (self.persona(minds), self.teller.of_mind());
        let brain = LadderBrain::resume(minds.rungs.clone(), flow, persona, self.meter.clone(), told, snapshot);
        let mut brain = brain.map_err(|fault| fault.to_string())?.speaking(minds.voices.clone(), self.rate);
        if self.keypad_only {
            brain.keypad_only();
        }
        Ok(Box::new(brain))
    }

    /// For this call: whether the caller can be called back decides what is promised.
    fn persona(&self, minds: &Minds) -> Arc<Persona> {
        Arc::new(Persona { caller_known: self.caller.is_some(), ..(*minds.persona).clone() })
    }
}

/// The agent's file over our defaults; what a resumed call has used up of its time is used up.
fn rules(flow: &Flow, agent: &AgentDefinition, elapsed: Duration) -> conversation::TurnTaking {
    let wanted = flow.turn_taking();
    let defaults = conversation::TurnTaking::default();
    let longest = Duration::from_secs(wanted.max_duration_secs);
    let rules = conversation::TurnTaking {
        end_silence: Duration::from_millis(wanted.end_silence_ms),
        barge_in: defaults.barge_in.filter(|_| wanted.barge_in),
        silence: Duration::from_millis(wanted.silence_ms),
        semantic: agent.hearing.semantic,
        ..defaults
    };
    // What is left of a resumed call is not the measure of its last minute.
    let rest = longest.saturating_sub(elapsed).max(SHORTEST_REST.min(longest));
    conversation::TurnTaking { max_duration: rest, ..rules.lasting(longest) }
}
