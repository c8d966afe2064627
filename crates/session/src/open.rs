//! A session is put together: ears, mouth, brain, journal, recording, and for a resumed call where it stood.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use agent::{BrainInput, FlowBrain};
use call::{CallId, EndReason};
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
use crate::setup::{Ending, OnEnd, Services, SessionSetup, callable};
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
        let recognition = open_recognition(services.recognizer.as_ref(), setup.domain.as_ref(), rate, &setup.agent.language);
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
        let (mut brain, opening) = brain(&flow, setup.seed, caller, setup.resume.take());
        if keypad_only {
            brain.keypad_only();
        }
        let veil = Veil::new(setup.redaction, &setup.call);
        let now = now();
        Ok(Self {
            conversation: Conversation::new(rules(&flow, Duration::from_millis(elapsed_ms)), now),
            listener,
            speaker: Speaker::new(services.phrases.for_call(call::Meter::default()), &setup.agent, rate, Pace::TALK, Ledger::default()),
            reply: Reply::default(),
            journal: Journal::open(Arc::clone(&services.records), setup.call.id, turns, setup.agent.keeps.transcript, veil),
            track,
            tools: JoinSet::new(),
            utterance: None,
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
            brain: Box::new(brain),
            opening,
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

/// The brain and what it is told first. A conversation that cannot be taken up begins anew: better than a caller who is hung up on.
fn brain(flow: &Arc<Flow>, seed: u64, caller: Option<String>, resume: Option<Progress>) -> (FlowBrain, BrainInput) {
    let fault = match resume.map(|progress| serde_json::from_value::<Snapshot>(progress.snapshot)) {
        None => None,
        Some(Err(fault)) => Some(fault.to_string()),
        Some(Ok(Snapshot { brain, missed })) => match FlowBrain::resume(Arc::clone(flow), brain) {
            Ok(brain) => return (brain, BrainInput::Resumed { missed }),
            Err(fault) => Some(fault.to_string()),
        },
    };
    if let Some(fault) = fault {
        warn!(fault, "the conversation begins anew: it cannot be taken up where it stood");
    }
    (FlowBrain::new(Arc::clone(flow), seed, caller), BrainInput::Started)
}

/// The agent's file over our defaults; what a resumed call has used up of its time is used up.
fn rules(flow: &Flow, elapsed: Duration) -> conversation::TurnTaking {
    let wanted = flow.turn_taking();
    let defaults = conversation::TurnTaking::default();
    let longest = Duration::from_secs(wanted.max_duration_secs);
    let rules = conversation::TurnTaking {
        end_silence: Duration::from_millis(wanted.end_silence_ms),
        barge_in: defaults.barge_in.filter(|_| wanted.barge_in),
        silence: Duration::from_millis(wanted.silence_ms),
        ..defaults
    };
    // What is left of a resumed call is not the measure of its last minute.
    let rest = longest.saturating_sub(elapsed).max(SHORTEST_REST.min(longest));
    conversation::TurnTaking { max_duration: rest, ..rules.lasting(longest) }
}
