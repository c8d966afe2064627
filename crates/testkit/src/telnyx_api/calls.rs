//! The calls the simulated interface knows, and what commands do to them.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use uuid::Uuid;

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallPhase {
    /// It waits for a command.
    Parked,
    /// It is answered and has no media stream.
    Answered,
    /// It has a media stream.
    Streaming,
    /// It is over.
    Ended,
}

/// A command that was obeyed.
#[derive(Debug, Clone)]
pub enum Obeyed {
    /// The call was answered, and its stream is to be opened where one was asked for.
    Answer(Option<StreamWanted>),
    /// A stream is to be opened.
    StartStream(StreamWanted),
    /// The streams are to be ended.
    StopStream,
    /// The carrier's voice says this.
    Speak(String),
    /// Somebody is to be called, and to be connected with the call.
    Transfer(TransferWanted),
    /// The call was ended.
    HangUp,
}

/// The transfer that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferWanted {
    /// Whom to call.
    pub to: String,
    /// What they see.
    pub from: Option<String>,
    /// How long it rings.
    pub timeout_secs: u64,
    /// For the events of the new leg, base64 as it came.
    pub leg_state: Option<String>,
}

/// The media stream that was asked for.
#[derive(Debug, Clone)]
pub struct StreamWanted {
    /// A new id, for the stream's messages and events.
    pub stream_id: String,
    /// Where to.
    pub url: String,
    /// The codec in both directions (`PCMU`); the carrier's defaults where nothing was said.
    pub codec: String,
    /// Samples per second.
    pub rate: u32,
    /// False without `stream_bidirectional_mode` `rtp`: then what the far end sends is dropped, and nobody hears it.
    pub heard: bool,
    /// For the `start` message.
    pub parameters: Vec<(String, String)>,
    /// For later events, base64 as it came.
    pub client_state: Option<String>,
}

/// Why a command was not obeyed.
#[derive(Debug)]
pub(super) enum Refusal {
    UnknownCall,
    UnknownAction,
    Ended,
    NotAnswered,
    Streaming,
    Invalid(&'static str),
}

/// All calls, by their ids.
#[derive(Default)]
pub(super) struct Calls(HashMap<String, Call>);

struct Call {
    phase: CallPhase,
    seen: HashSet<String>,
}

impl Calls {
    pub(super) fn put(&mut self, id: &str, phase: CallPhase) {
        self.0.entry(id.to_owned()).or_insert_with(|| Call { phase, seen: HashSet::new() }).phase = phase;
    }

    pub(super) fn phase(&self, id: &str) -> Option<CallPhase> {
        self.0.get(id).map(|call| call.phase)
    }

    pub(super) fn stream_ends(&mut self, id: &str) {
        if let Some(call) = self.0.get_mut(id).filter(|call| call.phase == CallPhase::Streaming) {
            call.phase = CallPhase::Answered;
        }
    }

    /// Obeys a command once; `Ok(None)` when its id was obeyed before.
    pub(super) fn command(&mut self, id: &str, action: &str, body: &Value) -> Result<Option<Obeyed>, Refusal> {
        let call = self.0.get_mut(id).ok_or(Refusal::UnknownCall)?;
        let fields = body.as_object().ok_or(Refusal::Invalid("The body is not a JSON object"))?;
        let command_id = fields.get("command_id").map(|id| id.as_str().ok_or(Refusal::Invalid("command_id"))).transpose()?;
        if command_id.is_some_and(|id| call.seen.contains(id)) {
            return Ok(None);
        }
        if call.phase == CallPhase::Ended {
            return Err(Refusal::Ended);
        }
        let obeyed = call.obey(action, body)?;
        call.seen.extend(command_id.map(str::to_owned));
        Ok(Some(obeyed))
    }
}

impl Call {
    fn obey(&mut self, action: &str, body: &Value) -> Result<Obeyed, Refusal> {
        if !matches!(action, "answer" | "hangup") && self.phase == CallPhase::Parked {
            return Err(Refusal::NotAnswered);
        }
        client_state(body)?;
        match action {
            "answer" => {
                if self.phase != CallPhase::Parked {
                    return Err(Refusal::Invalid("Call is answered already"));
                }
                let stream = stream(body)?;
                self.phase = if stream.is_some() { CallPhase::Streaming } else { CallPhase::Answered };
                // The SDK lists neither for an answer (telnyx.md 1.1): the real one would not hand them on.
                Ok(Obeyed::Answer(stream.map(|stream| StreamWanted { parameters: Vec::new(), rate: 8000, ..stream })))
            }
            "streaming_start" => {
                let stream = stream(body)?.ok_or(Refusal::Invalid("stream_url"))?;
                if self.phase == CallPhase::Streaming {
                    return Err(Refusal::Streaming);
                }
                self.phase = CallPhase::Streaming;
                Ok(Obeyed::StartStream(stream))
            }
            "streaming_stop" => {
                self.phase = CallPhase::Answered;
                Ok(Obeyed::StopStream)
            }
            "speak" => {
                let text = text(body, "payload")?.filter(|text| text.chars().count() <= 3000).ok_or(Refusal::Invalid("payload"))?;
                text_of(body, "voice")?;
                Ok(Obeyed::Speak(text))
            }
            "transfer" => {
                if self.phase == CallPhase::Streaming {
                    return Err(Refusal::Invalid("Media streaming is in progress"));
                }
                transfer(body).map(Obeyed::Transfer)
            }
            "hangup" => {
                self.phase = CallPhase::Ended;
                Ok(Obeyed::HangUp)
            }
            _ => Err(Refusal::UnknownAction),
        }
    }
}

fn text(body: &Value, name: &'static str) -> Result<Option<String>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::Invalid(name)),
    }
}

fn text_of(body: &Value, name: &'static str) -> Result<String, Refusal> {
    text(body, name)?.filter(|text| !text.is_empty()).ok_or(Refusal::Invalid(name))
}

/// One of the words a field may have (telnyx.md 1.1), or the first when there is none.
fn word(body: &Value, name: &'static str, words: &[&str]) -> Result<String, Refusal> {
    match text(body, name)? {
        None => Ok(words[0].to_owned()),
        Some(word) if words.contains(&word.as_str()) => Ok(word),
        Some(_) => Err(Refusal::Invalid(name)),
    }
}

fn client_state(body: &Value) -> Result<Option<String>, Refusal> {
    let state = text(body, "client_state")?;
    match &state {
        Some(text) if STANDARD.decode(text).is_err() => Err(Refusal::Invalid("client_state")),
        _ => Ok(state),
    }
}

fn transfer(body: &Value) -> Result<TransferWanted, Refusal> {
    let to = text_of(body, "to")?;
    let leg_state = text(body, "target_leg_client_state")?;
    if leg_state.as_ref().is_some_and(|state| STANDARD.decode(state).is_err()) {
        return Err(Refusal::Invalid("target_leg_client_state"));
    }
    let timeout_secs = match body.get("timeout_secs") {
        None => 30,
        Some(secs) => secs.as_u64().filter(|secs| (5..=600).contains(secs)).ok_or(Refusal::Invalid("timeout_secs"))?,
    };
    Ok(TransferWanted { to, from: text(body, "from")?, timeout_secs, leg_state })
}

/// The stream that is asked for; `None` without an address.
fn stream(body: &Value) -> Result<Option<StreamWanted>, Refusal> {
    let Some(url) = text(body, "stream_url")? else { return Ok(None) };
    if !url.starts_with("wss://") && !url.starts_with("ws://") {
        return Err(Refusal::Invalid("stream_url"));
    }
    word(body, "stream_track", &["inbound_track", "outbound_track", "both_tracks"])?;
    word(body, "stream_codec", &["default", "PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"])?;
    let mode = word(body, "stream_bidirectional_mode", &["mp3", "rtp"])?;
    let rate = match body.get("stream_bidirectional_sampling_rate") {
        None => 8000,
        Some(rate) => rate.as_u64().filter(|rate| [8000, 16000, 22050, 24000, 48000].contains(rate)).ok_or(Refusal::Invalid("rate"))?,
    };
    Ok(Some(StreamWanted {
        stream_id: Uuid::new_v4().to_string(),
        url,
        codec: word(body, "stream_bidirectional_codec", &["PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"])?,
        rate: u32::try_from(rate).unwrap_or(8000),
        heard: mode == "rtp",
        parameters: parameters(body)?,
        client_state: client_state(body)?,
    }))
}

fn parameters(body: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let Some(list) = body.get("custom_parameters") else { return Ok(Vec::new()) };
    let pair = |entry: &Value| Ok((text_of(entry, "name")?, text(entry, "value")?.unwrap_or_default()));
    list.as_array().ok_or(Refusal::Invalid("custom_parameters"))?.iter().map(pair).collect()
}
