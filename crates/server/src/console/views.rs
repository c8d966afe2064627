//! Records in the words and shapes of the pages. Pure: what is shown depends on nothing but the record.

use std::fmt;

use call::{CallRecord, CallStatus, EndReason, LatencyParts, PhoneNumber, Speaker, Timestamp, ToolOutcome, ToolRecord, TurnRecord};
use hotel::{Reservation, ReservationStatus};
use serde_json::Value;

/// Width of a latency bar in its own units.
const BAR_UNITS: u32 = 1000;
/// A bar is full at the slowest answer of the call, but never at less than this: quick answers shall look quick.
const SHORTEST_FULL_BAR_MS: u32 = 1000;

/// A point in time, written in UTC for readers without scripts; scripts put it into the reader's zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "<time datetime=\"{}\">{shown}</time>", self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// How a call ended, in words, with the badge that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) words: &'static str,
    pub(super) class: &'static str,
}

impl End {
    fn of(call: &CallRecord) -> Self {
        let (words, class) = match call.end_reason {
            Some(EndReason::AgentHungUp) => ("agent said goodbye", "badge-good"),
            Some(EndReason::CallerHungUp) => ("caller hung up", "badge-good"),
            Some(EndReason::Transferred) => ("handed to a person", "badge-good"),
            Some(EndReason::TransferLost) => ("handed to a person, end unknown", "badge-warn"),
            Some(EndReason::Silence) => ("caller was silent", "badge-warn"),
            Some(EndReason::MaxDuration) => ("longest duration reached", "badge-warn"),
            Some(EndReason::Drained) => ("server stopped", "badge-warn"),
            Some(EndReason::Refused) => ("refused", "badge-warn"),
            Some(EndReason::NotConnected) => ("not connected", "badge-warn"),
            Some(EndReason::CallbackRequested) => ("wants to be called back", "badge-warn"),
            Some(EndReason::InstanceLost) => ("lost with its server", "badge-bad"),
            Some(EndReason::ConnectionLost) => ("connection lost", "badge-bad"),
            Some(EndReason::ProtocolError) => ("protocol error", "badge-bad"),
            Some(EndReason::Failed) => ("failed", "badge-bad"),
            None if call.status == CallStatus::Transferring => ("with a person", ""),
            None if call.answered_at.is_some() => ("open", ""),
            None => ("ringing", ""),
        };
        Self { words, class }
    }
}

/// A call in a list and at the head of its page.
#[derive(Debug, Clone)]
pub(super) struct CallView {
    pub(super) id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) agent: String,
    pub(super) direction: &'static str,
    pub(super) carrier: &'static str,
    pub(super) carrier_call_id: String,
    pub(super) offered: Moment,
    /// When the talk began, for the page's clock.
    pub(super) since: String,
    pub(super) talked: String,
    pub(super) end: End,
}

impl CallView {
    pub(super) fn of(call: &CallRecord) -> Self {
        let talked = match (call.answered_at, call.ended_at) {
            (Some(from), Some(to)) => length_ms(u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)),
            _ => "–".to_owned(),
        };
        Self {
            id: call.id.to_string(),
            from: line(&call.from),
            to: line(&call.to),
            agent: call.agent_name.clone(),
            direction: call.direction.as_str(),
            carrier: call.carrier.as_str(),
            carrier_call_id: call.carrier_call_id.clone(),
            offered: Moment(call.offered_at),
            since: call.answered_at.unwrap_or(call.offered_at).to_string(),
            talked,
            end: End::of(call),
        }
    }
}

/// A number as people read it; `client:` stands before lines that are programs.
pub(super) fn line(number: &PhoneNumber) -> String {
    let text = number.expose();
    match text.strip_prefix("client:").unwrap_or(text) {
        "" => "unknown".to_owned(),
        shown => shown.to_owned(),
    }
}

/// A booked stay.
#[derive(Debug, Clone)]
pub(super) struct ReservationView {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) arrival: String,
    pub(super) nights: u32,
    pub(super) room_type: String,
    pub(super) guests: u32,
    pub(super) total: String,
    pub(super) status: &'static str,
    pub(super) class: &'static str,
}

impl ReservationView {
    pub(super) fn of(booked: &Reservation) -> Self {
        Self {
            code: booked.code.clone(),
            name: booked.name.clone(),
            phone: booked.phone.as_ref().map(line).unwrap_or_default(),
            arrival: booked.stay.arrival.strftime("%a %-d %b %Y").to_string(),
            nights: booked.stay.nights(),
            room_type: booked.room_type.replace('_', " "),
            guests: booked.stay.guests,
            total: booked.total.to_string(),
            status: booked.status.as_str(),
            class: match booked.status {
                ReservationStatus::Confirmed => "badge-good",
                ReservationStatus::Cancelled => "",
            },
        }
    }
}

/// How long the caller waited for answers to spoken words. Keys are answered at once: they would make it look better than it sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) median_ms: u32,
    pub(super) slowest_ms: u32,
}

impl Waiting {
    /// `None` when no turn answers spoken words.
    pub(super) fn of(turns: &[TurnRecord]) -> Option<Self> {
        let spoken = turns.iter().filter_map(|turn| turn.latency.as_ref()).filter(|latency| latency.endpoint_ms > 0);
        let mut totals: Vec<u32> = spoken.map(LatencyParts::total_ms).collect();
        totals.sort_unstable();
        Some(Self { median_ms: *totals.get(totals.len() / 2)?, slowest_ms: *totals.last()? })
    }
}

/// One part of a latency bar, in the bar's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BarPart {
    pub(super) name: &'static str,
    pub(super) ms: u32,
    pub(super) at: u32,
    pub(super) width: u32,
}

/// Where the wait before an answer went.
#[derive(Debug, Clone)]
pub(super) struct LatencyBar {
    pub(super) parts: Vec<BarPart>,
    pub(super) total_ms: u32,
    pub(super) words: String,
}

impl LatencyBar {
    fn of(latency: &LatencyParts, full_ms: u32) -> Self {
        let units = |ms: u32| u32::try_from(u64::from(ms) * u64::from(BAR_UNITS) / u64::from(full_ms.max(1))).unwrap_or(BAR_UNITS);
        let mut before = 0;
        let parts = [
            ("endpoint", latency.endpoint_ms),
            ("recognition", latency.recognition_ms),
            ("brain", latency.brain_ms),
            ("first-audio", latency.first_audio_ms),
        ]
        .map(|(name, ms)| {
            let at = units(before);
            before += ms;
            BarPart { name, ms, at, width: units(before) - at }
        });
        let words = format!(
            "answered in {} ms: end of speech {}, recognition {}, thinking and tools {}, first sound {}",
            latency.total_ms(),
            latency.endpoint_ms,
            latency.recognition_ms,
            latency.brain_ms,
            latency.first_audio_ms
        );
        Self { parts: parts.into(), total_ms: latency.total_ms(), words }
    }
}

/// A turn in the transcript.
#[derive(Debug, Clone)]
pub(super) struct TurnView {
    pub(super) speaker: &'static str,
    pub(super) who: &'static str,
    pub(super) heard: String,
    pub(super) unheard: String,
    pub(super) interrupted: bool,
    pub(super) digits: Option<String>,
    /// Percent.
    pub(super) confidence: Option<u32>,
    pub(super) start: String,
    pub(super) start_s: String,
    pub(super) end_s: String,
    pub(super) length: String,
    pub(super) latency: Option<LatencyBar>,
}

impl TurnView {
    fn of(turn: &TurnRecord, full_ms: u32) -> Self {
        let (heard, unheard) = heard_part(turn);
        Self {
            speaker: turn.speaker.as_str(),
            who: match turn.speaker {
                Speaker::Caller => "Caller",
                Speaker::Agent => "Agent",
            },
            heard,
            unheard,
            interrupted: turn.interrupted,
            digits: turn.digits.clone().filter(|digits| !digits.is_empty()),
            confidence: turn.confidence.map(percent),
            start: length_ms(turn.start_ms),
            start_s: seconds(turn.start_ms),
            end_s: seconds(turn.end_ms),
            length: format!(
                "{}.{} s",
                turn.end_ms.saturating_sub(turn.start_ms) / 1000,
                turn.end_ms.saturating_sub(turn.start_ms) % 1000 / 100
            ),
            latency: turn.latency.as_ref().map(|latency| LatencyBar::of(latency, full_ms)),
        }
    }
}

/// What was heard of an agent's words, and what was not. Words that cannot be split (the heard part is no beginning of them) count as heard as recorded.
fn heard_part(turn: &TurnRecord) -> (String, String) {
    match turn.text.strip_prefix(turn.heard.as_str()) {
        Some(rest) if turn.speaker == Speaker::Agent => (turn.heard.clone(), rest.to_owned()),
        _ if turn.speaker == Speaker::Agent => (turn.heard.clone(), String::new()),
        _ => (turn.text.clone(), String::new()),
    }
}

/// A tool call in the transcript.
#[derive(Debug, Clone)]
pub(super) struct ToolView {
    pub(super) name: String,
    pub(super) outcome: &'static str,
    pub(super) class: &'static str,
    pub(super) start: String,
    pub(super) took_ms: u64,
    pub(super) arguments: Vec<(String, String)>,
    pub(super) result: Vec<(String, String)>,
    pub(super) key: String,
}

impl ToolView {
    fn of(tool: &ToolRecord) -> Self {
        let (outcome, class) = match tool.outcome {
            ToolOutcome::Pending => ("outcome not known", "badge-warn"),
            ToolOutcome::Ok => ("done", "badge-good"),
            ToolOutcome::Refused => ("refused", "badge-warn"),
            ToolOutcome::Failed => ("failed", "badge-bad"),
        };
        Self {
            name: tool.tool.clone(),
            outcome,
            class,
            start: length_ms(tool.start_ms),
            took_ms: tool.took_ms,
            arguments: fields(&tool.arguments),
            result: fields(&tool.result),
            key: tool.idempotency_key.clone(),
        }
    }
}

/// The first level of a JSON value as names and texts; deeper levels stay JSON.
fn fields(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Object(fields) => {
            fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), text(value))).collect()
        }
        Value::Null => Vec::new(),
        other => vec![("value".to_owned(), text(other))],
    }
}

/// What stands in a transcript.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Turn(TurnView),
    Tool(ToolView),
}

/// Turns and tool calls in the order of the call's clock.
pub(super) fn transcript(turns: &[TurnRecord], tools: &[ToolRecord]) -> Vec<Entry> {
    let slowest = turns.iter().filter_map(|turn| turn.latency.as_ref()).map(LatencyParts::total_ms).max().unwrap_or(0);
    let full_ms = slowest.max(SHORTEST_FULL_BAR_MS);
    let said = turns.iter().map(|turn| (turn.start_ms, Entry::Turn(TurnView::of(turn, full_ms))));
    let mut entries: Vec<_> = said.chain(tools.iter().map(|tool| (tool.start_ms, Entry::Tool(ToolView::of(tool))))).collect();
    entries.sort_by_key(|(start, _)| *start);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// `1:05`; with hours from the first hour on.
fn length_ms(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 before")]
fn percent(share: f32) -> u32 {
    (share * 100.0).round().clamp(0.0, 100.0) as u32
}

#[cfg(test)]
#[path = "views_tests.rs"]
mod tests;
