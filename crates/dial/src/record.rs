//! The server's record of a call, watched while the call runs: what both sides said, and which tools were used.

use std::time::Duration;

use call::{EndReason, TurnRecord};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use crate::DialError;
use crate::report::{DialEvent, Tell, ToolCall};
use crate::webhook::{read_bounded, refused};

/// From one look to the next.
pub(crate) const POLL: Duration = Duration::from_millis(250);
/// How long the record may take to be complete after the call.
pub(crate) const SETTLE_LIMIT: Duration = Duration::from_secs(5);
/// How long one look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// Longest record that is read.
const MAX_RECORD_BYTES: usize = 4 << 20;

/// What `GET /api/v1/calls/{carrier_call_id}` gives; what is not named here is not needed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Record {
    #[serde(default)]
    call: CallPart,
    #[serde(default)]
    pub(crate) turns: Vec<TurnRecord>,
    #[serde(default)]
    pub(crate) tools: Vec<ToolCall>,
    #[serde(default)]
    live: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct CallPart {
    end_reason: Option<EndReason>,
}

impl Record {
    pub(crate) const fn end_reason(&self) -> Option<EndReason> {
        self.call.end_reason
    }

    const fn is_complete(&self) -> bool {
        !self.live && self.call.end_reason.is_some()
    }
}

/// Looks at one call's record.
pub(crate) struct Watcher<'a> {
    pub(crate) http: &'a Client,
    pub(crate) url: Url,
    pub(crate) token: Option<&'a str>,
}

/// What the watcher has shown, and why it could not look.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) record: Record,
    pub(crate) trouble: Option<String>,
    shown: usize,
}

impl Watcher<'_> {
    /// Tells every new turn until the call is over and its record complete. Never ends on its own before that, except when the server refuses
    /// to show the call.
    pub(crate) async fn watch(&self, watched: &mut Watched, tell: Tell<'_>) {
        let mut ticks = interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while watched.trouble.is_none() && !watched.record.is_complete() {
            ticks.tick().await;
            match self.look().await {
                Ok(Some(record)) => watched.take(record, tell),
                // Not stored yet; or the server restarts, and the call goes on.
                Ok(None) | Err(DialError::Unreachable { .. }) => {}
                Err(error) => {
                    let why = error.to_string();
                    tell(DialEvent::Unwatched { why: why.clone() });
                    watched.trouble = Some(why);
                }
            }
        }
    }

    /// Waits a short time for the complete record, after the call.
    pub(crate) async fn settle(&self, watched: &mut Watched, tell: Tell<'_>) {
        let deadline = Instant::now() + SETTLE_LIMIT;
        if timeout_at(deadline, self.watch(watched, tell)).await.is_err() && watched.trouble.is_none() {
            watched.trouble = Some(format!("the server had no complete record of the call after {} s", SETTLE_LIMIT.as_secs()));
        }
    }

    /// The record as it is now; `None` when the server does not know the call (yet).
    async fn look(&self) -> Result<Option<Record>, DialError> {
        let mut request = self.http.get(self.url.clone()).timeout(LOOK_LIMIT);
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|source| DialError::Unreachable { url: self.url.to_string(), source })?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(DialError::RecordForbidden { url: self.url.to_string() }),
            status if status.is_success() => {
                let body = read_bounded(answer, MAX_RECORD_BYTES).await?;
                let unreadable = |error: serde_json::Error| DialError::Record { url: self.url.to_string(), why: error.to_string() };
                serde_json::from_slice(&body).map(Some).map_err(unreadable)
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                sleep(POLL).await;
                Ok(None)
            }
            _ => Err(refused(answer).await),
        }
    }
}

impl Watched {
    /// Turns are stored when they end, so each is shown once, whole.
    fn take(&mut self, record: Record, tell: Tell<'_>) {
        for turn in record.turns.iter().skip(self.shown) {
            tell(DialEvent::Turn(turn.clone()));
        }
        self.shown = self.shown.max(record.turns.len());
        self.record = record;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn the_records_json_is_read_and_each_turn_shown_once() {
        let text = r#"{"call":{"id":"x","status":"completed","end_reason":"agent_hung_up","more":1},
            "turns":[{"index":0,"speaker":"agent","text":"Hello","heard":"Hello","interrupted":false,"start_ms":0,"end_ms":900,"confidence":null,"latency":null},
                     {"index":1,"speaker":"caller","text":"a room","heard":"a room","interrupted":false,"start_ms":1500,"end_ms":2400,"confidence":0.9,
                      "latency":{"endpoint_ms":500,"recognition_ms":20,"brain_ms":3,"first_audio_ms":40}}],
            "tools":[{"tool":"quote","arguments":{"nights":2},"outcome":"ok","result":{"total":"240.00"}}],"live":false}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert!(record.is_complete());
        assert_eq!(record.end_reason(), Some(EndReason::AgentHungUp));
        assert_eq!(record.turns[1].latency.unwrap().total_ms(), 563);
        let told = Mutex::new(Vec::new());
        let mut watched = Watched::default();
        watched.take(record.clone(), &|event| told.lock().unwrap().push(event));
        watched.take(record, &|event| told.lock().unwrap().push(event));
        assert_eq!(told.lock().unwrap().len(), 2);
    }
}
