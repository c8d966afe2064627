//! The console: pages for operators, and a telephone in the browser. Server-rendered; scripts only keep lists fresh, seek in recordings and make calls.

mod answer;
mod assets;
mod browser_call;
mod own;
mod pages;
mod sign_in;
mod views;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use call::{CallId, CallRecord, PhoneNumber, TenantId, ToolRecord, TurnRecord};
use hotel::ReservationQuery;
use serde::Deserialize;
use store::calls::{self, CallQuery, NumberPage};
use store::{Message, Page as Part, Paged};
use tracing::error;

use crate::access::Viewer;
use crate::directory::Answers;
use crate::state::App;
use answer::{Page, Problem};
pub(crate) use browser_call::is_browser_call;
use pages::{AgentChoice, Board, BoardPart, CallPage, Dashboard, MessageView, TalkPage, Top, TranscriptPart};
use views::{CallView, Moment, ReservationView, Waiting};

/// Calls on one page of the dashboard.
const CALLS_PER_PAGE: u32 = 50;
/// Messages on the dashboard.
const MESSAGES_SHOWN: u32 = 20;
/// Reservations on the dashboard.
const RESERVATIONS_SHOWN: usize = 20;

/// Pages for operators; the caller puts the check in front.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(dashboard))
        .route("/calls/{id}", get(call_page))
        .route("/talk", get(talk))
        .route("/people", get(own::people))
        .route("/console/live", get(board_part))
        .route("/console/calls", post(browser_call::place))
        .route("/console/calls/{id}", get(transcript_part))
        .layer(map_response(answer::with_headers))
}

/// What anybody may ask for: the way in, and the files that make it look right.
pub(crate) fn public_routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(sign_in::sign_in).post(sign_in::submit))
        .route("/sign-in/openid", get(sign_in::returned))
        .route("/account", get(own::account))
        .route("/account/qr", post(own::qr))
        .route("/workspace", get(sign_in::workspace))
        .route("/first-admin", get(sign_in::first_admin))
        .route("/invitation", get(sign_in::invitation))
        .route("/reset", get(sign_in::reset))
        .layer(map_response(answer::with_headers))
        .route("/assets/{*path}", get(assets::asset))
}

#[derive(Deserialize)]
struct Paging {
    before: Option<CallId>,
}

async fn dashboard(State(app): State<App>, viewer: Viewer, Query(paging): Query<Paging>) -> Result<impl IntoResponse, Problem> {
    let board = board(&app, viewer.tenant, paging.before).await?;
    Ok(Page(Dashboard { top: Top::of(&viewer.principal), notices: app.notices(), board }))
}

/// The newest bookings, when the books are this workspace's. Books that cannot be read must not take the calls off the page.
async fn reservations(app: &App, tenant: TenantId) -> Option<Vec<ReservationView>> {
    let found = match app.pms.property().await {
        Ok(property) if property.tenant != tenant => return Some(Vec::new()),
        Ok(_) => app.pms.find_reservations(&ReservationQuery::Latest).await,
        Err(fault) => Err(fault),
    };
    match found {
        Ok(found) => Some(found.iter().take(RESERVATIONS_SHOWN).map(ReservationView::of).collect()),
        Err(fault) => {
            error!(error = %fault, "the console could not read the hotel's books");
            None
        }
    }
}

async fn board_part(State(app): State<App>, viewer: Viewer, Query(paging): Query<Paging>) -> Result<impl IntoResponse, Problem> {
    Ok(Page(BoardPart { board: board(&app, viewer.tenant, paging.before).await? }))
}

async fn board(app: &App, tenant: TenantId, before: Option<CallId>) -> Result<Board, Problem> {
    // Live calls first: a call that ends in between is then shown as live once more, never not at all.
    let mut live = app.live.list();
    live.retain(|call| call.record.tenant == tenant);
    let page = Part { limit: CALLS_PER_PAGE, after: before.map(|id| id.0) };
    let Paged { rows: stored, next } = calls::list(&app.api.db, &CallQuery::all(tenant, page)).await?;
    let messages = calls::messages(&app.api.db, tenant, &NumberPage { limit: MESSAGES_SHOWN, before: None }).await?;
    let (finished, open): (Vec<_>, Vec<_>) = stored.iter().partition(|call| call.ended_at.is_some());
    let is_live = |call: &CallRecord| live.iter().any(|live| live.record.id == call.id);
    Ok(Board {
        finished: finished.into_iter().filter(|call| !is_live(call)).map(CallView::of).collect(),
        ringing: open.into_iter().filter(|call| !is_live(call)).map(CallView::of).collect(),
        live: live.iter().map(|live| CallView { since: live.since.to_string(), ..CallView::of(&live.record) }).collect(),
        taken: app.admission.taken(),
        limit: app.admission.limit(),
        next: next.map(|id| id.to_string()),
        paged: before.is_some(),
        reservations: reservations(app, tenant).await,
        messages: messages.rows.iter().map(message).collect(),
        refresh_path: before.map_or_else(|| "/console/live".to_owned(), |id| format!("/console/live?before={id}")),
    })
}

fn message(message: &Message) -> MessageView {
    MessageView {
        call_id: message.call_id.to_string(),
        at: Moment(message.at),
        name: message.name.clone(),
        phone: message.phone.clone(),
        text: message.text.clone(),
    }
}

struct Told {
    call: CallRecord,
    turns: Vec<TurnRecord>,
    tools: Vec<ToolRecord>,
    live: bool,
}

async fn told(app: &App, tenant: TenantId, id: &str) -> Result<Told, Problem> {
    let id: CallId = id.parse().map_err(|_| Problem::NoSuchCall)?;
    // Asked first: a call that ends in between is then shown with its whole record.
    let live = app.live.contains(id);
    let db = &app.api.db;
    let call = calls::get(db, tenant, id).await?.ok_or(Problem::NoSuchCall)?;
    Ok(Told { call, turns: calls::turns(db, tenant, id).await?, tools: calls::tools(db, tenant, id).await?, live })
}

async fn call_page(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    let Told { call, turns, tools, live } = told(&app, viewer.tenant, &id).await?;
    Ok(Page(CallPage {
        top: Top::of(&viewer.principal),
        waiting: Waiting::of(&turns),
        entries: views::transcript(&turns, &tools),
        has_recording: call.recording.is_some(),
        call: CallView::of(&call),
        live,
    }))
}

async fn transcript_part(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    let Told { call, turns, tools, live } = told(&app, viewer.tenant, &id).await?;
    Ok(Page(TranscriptPart { entries: views::transcript(&turns, &tools), has_recording: call.recording.is_some(), live }))
}

async fn talk(State(app): State<App>, viewer: Viewer) -> impl IntoResponse {
    let default = match app.directory.for_number(&PhoneNumber::new(browser_call::TO)) {
        Some(Answers::Agent(agent)) => Some(agent.id),
        Some(Answers::Nobody) | None => None,
    };
    let mut agents: Vec<AgentChoice> = app
        .directory
        .of(viewer.tenant)
        .iter()
        .filter(|agent| agent.active)
        .map(|agent| AgentChoice {
            id: agent.id.to_string(),
            name: agent.name.clone(),
            first: Some(agent.id) == default,
            echo: matches!(agent.kind, agent::AgentKind::Echo),
        })
        .collect();
    agents.sort_by_key(|agent| !agent.first);
    Page(TalkPage { top: Top::of(&viewer.principal), notices: app.notices(), agents })
}

#[cfg(test)]
mod tests;
