//! Who is on the phone, and which instances there are.

use std::collections::BTreeMap;

use api::{Caller, Problem};
use axum::Json;
use axum::extract::State;
use call::Timestamp;
use live::{CallEntry, InstanceInfo};
use serde::Serialize;
use utoipa::ToSchema;

use super::bodies::Call;
use crate::state::App;

/// A call that is on the line at this instance.
#[derive(Debug, Serialize, ToSchema)]
struct LiveCall {
    record: Call,
    /// When its stream began.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// It waits for an agent.
    waiting: bool,
}

/// A call in the registry.
#[derive(Debug, Serialize, ToSchema)]
struct RegisteredCall {
    /// The carrier's id of the call.
    call_id: String,
    /// Who serves it.
    agent_id: String,
    /// Unix seconds.
    started_at: f64,
    /// The other side's number.
    phone_number: Option<String>,
    /// `provider`, `session_id` and `tenant`, and what else is kept.
    metadata: Option<BTreeMap<String, String>>,
    /// Where it is served.
    instance: String,
}

impl From<CallEntry> for RegisteredCall {
    fn from(entry: CallEntry) -> Self {
        Self {
            call_id: entry.call_id,
            agent_id: entry.agent_id,
            started_at: entry.started_at,
            phone_number: entry.phone_number.map(|number| number.expose().to_owned()),
            metadata: entry.metadata,
            instance: entry.instance.as_str().to_owned(),
        }
    }
}

/// Who is on the phone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Active {
    /// This instance.
    instance: String,
    /// Calls of the workspace at this instance.
    calls: Vec<LiveCall>,
    /// Calls of the workspace in the registry of all instances; `null` when that is not known.
    registered: Option<Vec<RegisteredCall>>,
    /// Places of this instance that are taken, by calls of all workspaces.
    taken: usize,
    /// Places of this instance.
    limit: usize,
}

/// Calls that are on the line
#[utoipa::path(
    get, path = "/api/v1/calls/active", operation_id = "listActiveCalls", tag = "Calls",
    responses((status = 200, description = "Who is on the phone.", body = Active))
)]
pub(super) async fn active(State(app): State<App>, caller: Caller) -> Result<Json<Active>, Problem> {
    let tenant = caller.tenant()?;
    let registered = match app.settings.call_centre.registry {
        true => app.live_state.active_calls().await.ok(),
        false => Some(Vec::new()),
    };
    let of_tenant = |entry: &CallEntry| dispatch::tenant(entry) == tenant;
    let calls = app.live.list().into_iter().filter(|call| call.record.tenant == tenant);
    Ok(Json(Active {
        instance: app.instance().to_string(),
        calls: calls.map(|call| LiveCall { record: call.record.into(), since: call.since, waiting: call.waiting }).collect(),
        registered: registered.map(|all| all.into_iter().filter(of_tenant).map(RegisteredCall::from).collect()),
        taken: app.admission.taken(),
        limit: app.admission.limit(),
    }))
}

/// One instance.
#[derive(Debug, Serialize, ToSchema)]
struct Instance {
    /// Its name.
    instance: String,
    /// Calls it takes at once.
    limit: u32,
    /// Calls it has.
    taken: u32,
    /// It takes no new calls.
    draining: bool,
    /// Its own address, when it has one.
    url: Option<String>,
    /// Seconds since it was last heard.
    silent_for: f64,
}

impl From<InstanceInfo> for Instance {
    fn from(info: InstanceInfo) -> Self {
        Self {
            instance: info.instance.as_str().to_owned(),
            limit: info.limit,
            taken: info.taken,
            draining: info.draining,
            url: info.url,
            silent_for: info.silent_for.as_secs_f64(),
        }
    }
}

/// All instances.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Instances {
    /// The one that answers.
    instance: String,
    /// All that share live state, that one included.
    instances: Vec<Instance>,
}

/// Instances that share live state
#[utoipa::path(
    get, path = "/api/v1/instances", operation_id = "listInstances", tag = "Installation",
    responses((status = 200, description = "All of them.", body = Instances))
)]
pub(super) async fn instances(State(app): State<App>) -> Result<Json<Instances>, Problem> {
    let instances = app.live_state.instances().await.map_err(super::unreachable)?;
    Ok(Json(Instances { instance: app.instance().to_string(), instances: instances.into_iter().map(Instance::from).collect() }))
}
