//! The outside services, for operators: how they stand, and a hand on their breakers.

use api::answers::NotFound;
use api::{ApiPath, Caller, Problem};
use axum::Json;
use axum::extract::State;
use resilience::{Guard, State as Breaker, View};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::App;

/// An outside service, as this instance has found it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceBody {
    #[schema(example = "telnyx")]
    name: String,
    /// `closed`: it is asked; `open`: it is left alone; `half_open`: one call finds out whether it is back.
    #[schema(example = "closed")]
    state: &'static str,
    /// An operator opened it: it stays open until it is reset.
    forced: bool,
    failures_in_a_row: u32,
    /// It is asked again after so many seconds, as far as that is known.
    retry_after_seconds: Option<f64>,
    calls_under_way: usize,
    calls_waiting: usize,
    /// What came of its calls since the start.
    calls: CallsBody,
    /// How long it was not closed since the start.
    not_closed_seconds: f64,
}

/// What came of calls.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallsBody {
    /// Answered, be it with a no.
    answered: u64,
    /// It does not take our key: that opens no breaker, and wants a new key.
    key_refused: u64,
    failed: u64,
    timeout: u64,
    /// It wanted to be left alone.
    overloaded: u64,
    /// Given up by us.
    ignored: u64,
    /// Not made.
    rejected: u64,
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServicesBody {
    services: Vec<ServiceBody>,
    /// Those of services that are many, each of which fails on its own: a workspace's tools (`tools/WORKSPACE/NAME`), a vendor by a workspace's own
    /// key (`deepgram/WORKSPACE`). Those that do not work first; at most 500.
    parts: Vec<ServiceBody>,
    /// How many parts there are.
    parts_in_all: usize,
}

/// Most parts that are shown.
const MAX_PARTS: usize = 500;

impl ServiceBody {
    fn of(name: String, view: &View) -> Self {
        let counts = view.counts;
        Self {
            name,
            state: view.state.as_str(),
            forced: view.forced,
            failures_in_a_row: view.failures_in_a_row,
            retry_after_seconds: view.retry_after.map(|after| after.as_secs_f64()),
            calls_under_way: view.in_use,
            calls_waiting: view.waiting,
            calls: CallsBody {
                answered: counts.answered,
                key_refused: counts.key_refused,
                failed: counts.failed,
                timeout: counts.timed_out,
                overloaded: counts.overloaded,
                ignored: counts.ignored,
                rejected: counts.rejected,
            },
            not_closed_seconds: view.not_closed.as_secs_f64(),
        }
    }
}

/// Outside services in use, as this instance has found them
#[utoipa::path(
    get, path = "/api/v1/services", operation_id = "listServices", tag = "Installation",
    responses((status = 200, description = "All that are configured.", body = ServicesBody))
)]
pub(super) async fn list(State(app): State<App>) -> Json<ServicesBody> {
    let services = app.guards.views().iter().map(|view| ServiceBody::of(view.service.as_str().to_owned(), view)).collect();
    let mut parts = app.guards.parts();
    let parts_in_all = parts.len();
    parts.sort_by_key(|(_, view)| view.state == Breaker::Closed);
    let named = |(part, view): &(String, View)| ServiceBody::of(format!("{}/{part}", view.service.as_str()), view);
    Json(ServicesBody { services, parts: parts.iter().take(MAX_PARTS).map(named).collect(), parts_in_all })
}

/// Leave a service alone until it is reset, on this instance
#[utoipa::path(
    post, path = "/api/v1/services/{name}/open", operation_id = "openService", tag = "Installation",
    params(("name" = String, Path, description = "As in the list; the `/` of a part as `%2F`.")),
    responses((status = 200, description = "It is not asked any more.", body = ServiceBody), NotFound)
)]
pub(super) async fn open(State(app): State<App>, caller: Caller, ApiPath(name): ApiPath<String>) -> Result<Json<ServiceBody>, Problem> {
    change(&app, &caller, "service.open", name, Guard::force_open).await
}

/// Ask a service again at once, whatever was before, on this instance
#[utoipa::path(
    post, path = "/api/v1/services/{name}/reset", operation_id = "resetService", tag = "Installation",
    params(("name" = String, Path, description = "As in the list; the `/` of a part as `%2F`.")),
    responses((status = 200, description = "It is asked again.", body = ServiceBody), NotFound)
)]
pub(super) async fn reset(State(app): State<App>, caller: Caller, ApiPath(name): ApiPath<String>) -> Result<Json<ServiceBody>, Problem> {
    change(&app, &caller, "service.reset", name, Guard::reset).await
}

async fn change(app: &App, caller: &Caller, action: &'static str, name: String, what: fn(&Guard)) -> Result<Json<ServiceBody>, Problem> {
    let guard = app.guards.named(&name).ok_or_else(|| Problem::missing("service in use"))?;
    super::noted(app, caller, action, "service", Some(name.clone())).await?;
    what(&guard);
    Ok(Json(ServiceBody::of(name, &guard.view())))
}
