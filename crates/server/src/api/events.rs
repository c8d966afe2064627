//! What happens in a call, while it happens (server-sent events).
//!
//! Told from the records, so it is told the same on every instance, wherever the call is.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::answers::NotFound;
use api::{ApiPath, Caller, Problem};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use call::{CallId, CallRecord, CallStatus, TenantId, ToolRecord, TurnRecord};
use futures_util::stream;
use serde::Serialize;
use store::{Database, StoreError, calls as stored};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use super::bodies::{Call, ToolUse, Turn};
use super::calls::{self, CallParam};
use crate::state::App;

/// Streams of events at once, on one instance; each reads the records twice a second.
pub(crate) const STREAMS: usize = 100;
/// Between two looks at the records.
const LOOK: Duration = Duration::from_millis(500);
/// A stream ends after this long; browsers then come again with the last event's id.
const LONGEST: Duration = Duration::from_secs(3600);
/// Proxies close what is silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The records may be away for this long before the stream ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a stream broke off.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header that the handler reads")]
pub(super) struct LastEventParam {
    /// The id of the last event that was received; any other text is no id, and all is told.
    #[param(rename = "Last-Event-ID", required = false, example = "3.1")]
    last_event_id: String,
}

/// What happens in a call, while it happens
///
/// Events: `status` with the call, `turn` and `tool` as they are stored (again when one changes), and `ended` with the call as the last. The id of an
/// event tells how many turns and tools were told before; sent back as `Last-Event-ID`, the stream goes on from there.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/events", operation_id = "followCall", tag = "Calls",
    params(CallParam, LastEventParam),
    responses((status = 200, description = "The events.", content_type = "text/event-stream"), NotFound)
)]
pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    ApiPath(path): ApiPath<CallParam>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let call = calls::find(&app, &caller, &path).await?;
    let Ok(permit) = Arc::clone(&app.event_streams).try_acquire_owned() else {
        let detail = format!("{STREAMS} streams of events are open here; close some, or ask another instance");
        return Err(Problem::unavailable("too_many_streams", detail));
    };
    let (turns, tools) = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(told).unwrap_or_default();
    let follower = Follower {
        db: app.api.db.clone(),
        tenant: call.tenant,
        id: call.id,
        stop: app.stop.clone(),
        ends: Instant::now() + LONGEST,
        status: None,
        turns: Told { before: turns, told: Vec::new() },
        tools: Told { before: tools, told: Vec::new() },
        over: false,
        _permit: permit,
    };
    let events = stream::unfold((follower, Vec::new()), next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// `3.1`: three turns and one tool were told.
fn told(id: &str) -> Option<(usize, usize)> {
    let (turns, tools) = id.split_once('.')?;
    Some((turns.parse().ok()?, tools.parse().ok()?))
}

struct Follower {
    db: Database,
    tenant: TenantId,
    id: CallId,
    stop: CancellationToken,
    ends: Instant,
    status: Option<CallStatus>,
    turns: Told<TurnRecord>,
    tools: Told<ToolRecord>,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

/// What was told of a list that grows, and whose last ones may change.
struct Told<T> {
    /// Told by an earlier stream.
    before: usize,
    told: Vec<T>,
}

impl<T: Clone + PartialEq> Told<T> {
    /// Those that are new or changed.
    fn news(&mut self, all: Vec<T>) -> Vec<T> {
        let is_news = |(index, one): &(usize, &T)| match self.told.get(*index) {
            Some(told) => told != *one,
            None => *index >= self.before,
        };
        let news = all.iter().enumerate().filter(is_news).map(|(_, one)| one.clone()).collect();
        self.told = all;
        news
    }

    fn count(&self) -> usize {
        self.told.len().max(self.before)
    }
}

type Pending = Vec<Event>;

/// The next event, waited for; nothing when the stream is over. `pending` is in reverse order.
async fn next((mut follower, mut pending): (Follower, Pending)) -> Option<(Result<Event, Infallible>, (Follower, Pending))> {
    let mut silent_since = Instant::now();
    loop {
        if let Some(event) = pending.pop() {
            return Some((Ok(event), (follower, pending)));
        }
        if follower.over || Instant::now() > follower.ends || silent_since.elapsed() > PATIENCE {
            return None;
        }
        match follower.look().await {
            Ok(news) => {
                silent_since = Instant::now();
                pending = news;
                pending.reverse();
            }
            Err(fault) => tracing::warn!(error = %fault, "what happens in a call could not be read"),
        }
        if pending.is_empty() && !follower.over {
            tokio::select! {
                () = follower.stop.cancelled() => return None,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

impl Follower {
    /// What is new in the records. The call itself is read first: when it is over, nothing comes after what is read then.
    async fn look(&mut self) -> Result<Vec<Event>, StoreError> {
        let Some(call) = stored::get(&self.db, self.tenant, self.id).await? else {
            self.over = true; // It was erased.
            return Ok(Vec::new());
        };
        let turns = self.turns.news(stored::turns(&self.db, self.tenant, self.id).await?);
        let tools = self.tools.news(stored::tools(&self.db, self.tenant, self.id).await?);
        let mut events = Vec::new();
        if self.status.replace(call.status) != Some(call.status) {
            events.extend(self.event("status", &body(&call)));
        }
        events.extend(turns.into_iter().filter_map(|turn| self.event("turn", &Turn::from(turn))));
        events.extend(tools.into_iter().filter_map(|tool| self.event("tool", &ToolUse::from(tool))));
        if call.ended_at.is_some() {
            self.over = true;
            events.extend(self.event("ended", &body(&call)));
        }
        Ok(events)
    }

    fn event(&self, name: &str, body: &impl Serialize) -> Option<Event> {
        let id = format!("{}.{}", self.turns.count(), self.tools.count());
        Event::default().event(name).id(id).json_data(body).ok()
    }
}

fn body(call: &CallRecord) -> Call {
    Call::from(call.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_or_changed_is_told() {
        let mut turns = Told { before: 1, told: Vec::new() };
        assert_eq!(turns.news(vec!["hello", "two roo"]), ["two roo"], "the first was told before");
        assert_eq!(turns.news(vec!["hello", "two roo"]), Vec::<&str>::new());
        assert_eq!(turns.news(vec!["hello", "two rooms", "yes"]), ["two rooms", "yes"]);
        assert_eq!(turns.count(), 3);
    }

    #[test]
    fn the_id_of_the_last_event_tells_where_to_go_on() {
        assert_eq!(told("3.1"), Some((3, 1)));
        assert_eq!(told("3"), None);
        assert_eq!(told("-1.0"), None);
    }
}
