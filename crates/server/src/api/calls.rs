//! Calls: the list, one with its turns, and hanging up.

use api::answers::{BadRequest, Conflict, Invalid, NotFound};
use api::{ApiPath, ApiQuery, Caller, Paging, Problem};
use axum::Json;
use axum::extract::State;
use call::{AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, PhoneNumber, RungChange, Timestamp};
use live::{Command, InstanceName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::calls::{self, CallQuery};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::bodies::{Call, ToolUse, Turn};
use super::usage::{Cost, UsageLine};
use crate::state::App;

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Most calls of the answer; 50 unless said otherwise.
    #[param(minimum = 1, maximum = 200, required = false)]
    limit: Option<u32>,
    /// The calls that are older than this one: `next` of the page before.
    #[param(required = false)]
    before: Option<Uuid>,
    /// Served by this agent.
    #[param(required = false)]
    agent_id: Option<Uuid>,
    /// The carrier's view.
    #[param(required = false, schema_with = statuses)]
    status: Option<String>,
    /// `inbound` or `outbound`.
    #[param(required = false, schema_with = directions)]
    direction: Option<String>,
    /// Why it was over.
    #[param(required = false, schema_with = end_reasons)]
    end_reason: Option<String>,
    /// The calling number, E.164.
    #[param(required = false)]
    from: Option<String>,
    /// The called number, E.164.
    #[param(required = false)]
    to: Option<String>,
    /// Offered at this time or later.
    #[param(required = false, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Offered before this time.
    #[param(required = false, value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// Words of closed lists.
pub(super) fn statuses() -> Object {
    words("The carrier's view.", CallStatus::ALL.map(CallStatus::as_str))
}

pub(super) fn directions() -> Object {
    words("Who called whom.", [Direction::Inbound, Direction::Outbound].map(Direction::as_str))
}

pub(super) fn end_reasons() -> Object {
    words("Why it was over.", EndReason::ALL.map(EndReason::as_str))
}

fn words<const N: usize>(about: &str, all: [&'static str; N]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).description(Some(about)).enum_values(Some(all)).build()
}

impl Filter {
    fn query(self, caller: &Caller) -> Result<CallQuery, Problem> {
        Ok(CallQuery {
            agent: self.agent_id.map(AgentId),
            status: word::<CallStatus>("status", self.status)?,
            direction: word::<Direction>("direction", self.direction)?,
            end_reason: word::<EndReason>("end_reason", self.end_reason)?,
            from: self.from.map(PhoneNumber::new),
            to: self.to.map(PhoneNumber::new),
            since: self.since,
            until: self.until,
            ..CallQuery::all(caller.tenant()?, Paging::page(self.limit, self.before)?)
        })
    }
}

/// A word of a closed list.
fn word<T: DeserializeOwned>(field: &'static str, given: Option<String>) -> Result<Option<T>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let read = serde_json::from_value(Value::String(given));
    read.map(Some).map_err(|wrong: serde_json::Error| {
        // What stands before repeats the value.
        let text = wrong.to_string();
        let wanted = text.rsplit_once(", expected ").map_or("a word of the list in the document", |(_, wanted)| wanted);
        Problem::invalid_field(field, format!("must be {wanted}"))
    })
}

/// A page of calls, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallList {
    calls: Vec<Call>,
    /// What to give as `before` for the next page; `null` when this is the last.
    next: Option<Uuid>,
}

/// Calls of the workspace
#[utoipa::path(
    get, path = "/api/v1/calls", operation_id = "listCalls", tag = "Calls", params(Filter),
    responses((status = 200, description = "One page of them, newest first.", body = CallList), BadRequest, Invalid)
)]
pub(super) async fn list(State(app): State<App>, caller: Caller, ApiQuery(filter): ApiQuery<Filter>) -> Result<Json<CallList>, Problem> {
    let found = calls::list(&app.api.db, &filter.query(&caller)?).await?;
    Ok(Json(CallList { calls: found.rows.into_iter().map(Call::from).collect(), next: found.next }))
}

/// A call by our id, or the carrier's.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CallParam {
    /// Our id of the call, or the carrier's.
    #[param(max_length = 255)]
    id: String,
}

/// A change of who listens, thinks or speaks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rung {
    /// On the call clock, ms.
    #[schema(example = 5200)]
    at_ms: u64,
    /// `ears`, `mind` or `voice`.
    part: &'static str,
    /// Who did it before.
    #[schema(example = "deepgram")]
    from: String,
    /// Who does it now.
    #[schema(example = "local")]
    to: String,
    /// `not_let_through`, `no_voice`, `failed`, `late`, `stalled`, `deaf`, `silent`, or `recovered`.
    why: &'static str,
}

impl From<RungChange> for Rung {
    fn from(change: RungChange) -> Self {
        Self { at_ms: change.at_ms, part: change.part.as_str(), from: change.from, to: change.to, why: change.why.as_str() }
    }
}

/// One call with everything that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeCall {
    call: Call,
    turns: Vec<Turn>,
    tools: Vec<ToolUse>,
    /// Who took over listening, thinking or speaking in it, and why.
    rungs: Vec<Rung>,
    /// What it used of outside services; counted when the call, or a part of it, is over.
    usage: Vec<UsageLine>,
    /// What that cost.
    cost: Cost,
    /// It is on the line at this instance.
    live: bool,
}

/// One call, with its turns, latencies and tool calls
#[utoipa::path(
    get, path = "/api/v1/calls/{id}", operation_id = "getCall", tag = "Calls", params(CallParam),
    responses((status = 200, description = "The call.", body = WholeCall), NotFound)
)]
pub(super) async fn get(State(app): State<App>, caller: Caller, ApiPath(path): ApiPath<CallParam>) -> Result<Json<WholeCall>, Problem> {
    let call = find(&app, &caller, &path).await?;
    // Asked first: a call that ends in between is then shown with its whole record, not as ended without its last turns.
    let (live, db, tenant) = (app.live.contains(call.id), &app.api.db, call.tenant);
    let (turns, tools) = (calls::turns(db, tenant, call.id).await?, calls::tools(db, tenant, call.id).await?);
    let used = store::usage::of(db, tenant, call.id).await?;
    let rungs = store::rungs::of(db, tenant, call.id).await?.into_iter().map(Rung::from).collect();
    let call = calls::get(db, tenant, call.id).await?.ok_or_else(missing)?;
    let (turns, tools) = (turns.into_iter().map(Turn::from).collect(), tools.into_iter().map(ToolUse::from).collect());
    let (cost, usage) = (Cost::of(&used), used.into_iter().map(UsageLine::from).collect());
    Ok(Json(WholeCall { call: call.into(), turns, tools, rungs, usage, cost, live }))
}

/// What was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HangingUp {
    /// `hanging_up`.
    status: &'static str,
}

/// Hang a call up, wherever it is served
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/hangup", operation_id = "hangUpCall", tag = "Calls", params(CallParam),
    responses((status = 200, description = "It ends in a moment.", body = HangingUp), NotFound, Conflict)
)]
pub(super) async fn hang_up(State(app): State<App>, caller: Caller, ApiPath(path): ApiPath<CallParam>) -> Result<Json<HangingUp>, Problem> {
    let call = find(&app, &caller, &path).await?;
    super::noted(&app, &caller, "call.hang_up", "call", Some(call.id.to_string())).await?;
    if !app.live.hang_up(call.id) {
        // A caller with a person, or on the way, is the carrier's: no instance has the line.
        let is_served = call.ended_at.is_none() && call.status != CallStatus::Transferring;
        let elsewhere = app.services.records.claimed_by(call.id).await?.filter(|_| is_served && app.shares_live_state());
        let Some(instance) = elsewhere.and_then(|name| InstanceName::new(&name).ok()).filter(|name| name != app.instance()) else {
            return Err(Problem::conflict("not_live", "the call is not live"));
        };
        let command = Command::Hangup { call_id: call.carrier_call_id };
        app.live_state.send(&instance, &command).await.map_err(super::unreachable)?;
    }
    Ok(Json(HangingUp { status: "hanging_up" }))
}

/// By our id or the carrier's, when it is the caller's workspace's.
pub(super) async fn find(app: &App, caller: &Caller, path: &CallParam) -> Result<CallRecord, Problem> {
    let (records, tenant) = (&app.services.records, caller.tenant()?);
    if let Ok(id) = path.id.parse::<CallId>() {
        return calls::get(&app.api.db, tenant, id).await?.ok_or_else(missing);
    }
    for carrier in [Carrier::Twilio, Carrier::Telnyx] {
        if let Some(call) = records.call_by_carrier(carrier, &path.id).await?.filter(|call| call.tenant == tenant) {
            return Ok(call);
        }
    }
    Err(missing())
}

pub(super) fn missing() -> Problem {
    Problem::missing("call")
}
