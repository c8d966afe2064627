//! The console: pages for operators, and a telephone in the browser. Server-rendered; scripts only keep lists fresh, seek in recordings and make calls.

mod answer;
mod assets;
mod browser_call;
mod pages;
mod sign_in;
mod views;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use call::{CallId, CallRecord, PhoneNumber, ToolRecord, TurnRecord};
use hotel::ReservationQuery;
use serde::Deserialize;
use store::{CallFilter, Message};
use tracing::error;

use crate::state::App;
use answer::{Page, Problem};
use pages::{AgentChoice, Board, BoardPart, CallPage, Dashboard, MessageView, TalkPage, TranscriptPart};
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
        .route("/console/live", get(board_part))
        .route("/console/calls", post(browser_call::place))
        .route("/console/calls/{id}", get(transcript_part))
        .layer(map_response(answer::with_headers))
}

/// What anybody may ask for: the way in, and the files that make it look right.
pub(crate) fn public_routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(sign_in::sign_in).post(sign_in::submit))
        .layer(map_response(answer::with_headers))
        .route("/assets/{*path}", get(assets::asset))
}

#[derive(Deserialize)]
struct Paging {
    before: Option<CallId>,
}

async fn dashboard(State(app): State<App>, Query(paging): Query<Paging>) -> Result<impl IntoResponse, Problem> {
    let board = board(&app, paging.before).await?;
    Ok(Page(Dashboard { notices: app.notices.clone(), board }))
}

/// The newest bookings. Books that cannot be read must not take the calls off the page.
async fn reservations(app: &App) -> Option<Vec<ReservationView>> {
    match app.pms.find_reservations(&ReservationQuery::Latest).await {
        Ok(found) => Some(found.iter().take(RESERVATIONS_SHOWN).map(ReservationView::of).collect()),
        Err(fault) => {
            error!(error = %fault, "the console could not read the hotel's books");
            None
        }
    }
}

async fn board_part(State(app): State<App>, Query(paging): Query<Paging>) -> Result<impl IntoResponse, Problem> {
    Ok(Page(BoardPart { board: board(&app, paging.before).await? }))
}

async fn board(app: &App, before: Option<CallId>) -> Result<Board, Problem> {
    // Live calls first: a call that ends in between is then shown as live once more, never not at all.
    let live = app.live.list();
    let stored = app.services.records.calls(&CallFilter { limit: CALLS_PER_PAGE, before }).await?;
    let next = stored.last().filter(|_| stored.len() >= CALLS_PER_PAGE as usize).map(|call| call.id.to_string());
    let (finished, open): (Vec<_>, Vec<_>) = stored.iter().partition(|call| call.ended_at.is_some());
    let is_live = |call: &CallRecord| live.iter().any(|live| live.record.id == call.id);
    Ok(Board {
        finished: finished.into_iter().filter(|call| !is_live(call)).map(CallView::of).collect(),
        ringing: open.into_iter().filter(|call| !is_live(call)).map(CallView::of).collect(),
        live: live.iter().map(|live| CallView { since: live.since.to_string(), ..CallView::of(&live.record) }).collect(),
        taken: app.admission.taken(),
        limit: app.admission.limit(),
        next,
        paged: before.is_some(),
        reservations: reservations(app).await,
        messages: app.services.records.messages(MESSAGES_SHOWN).await?.iter().map(message).collect(),
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

async fn told(app: &App, id: &str) -> Result<Told, Problem> {
    let id: CallId = id.parse().map_err(|_| Problem::NoSuchCall)?;
    // Asked first: a call that ends in between is then shown with its whole record.
    let live = app.live.contains(id);
    let records = &app.services.records;
    let call = records.call(id).await?.ok_or(Problem::NoSuchCall)?;
    Ok(Told { call, turns: records.turns(id).await?, tools: records.tools(id).await?, live })
}

async fn call_page(State(app): State<App>, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    let Told { call, turns, tools, live } = told(&app, &id).await?;
    Ok(Page(CallPage {
        waiting: Waiting::of(&turns),
        entries: views::transcript(&turns, &tools),
        has_recording: call.recording.is_some(),
        call: CallView::of(&call),
        live,
    }))
}

async fn transcript_part(State(app): State<App>, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    let Told { call, turns, tools, live } = told(&app, &id).await?;
    Ok(Page(TranscriptPart { entries: views::transcript(&turns, &tools), has_recording: call.recording.is_some(), live }))
}

async fn talk(State(app): State<App>) -> impl IntoResponse {
    let default = app.agents.for_number(&PhoneNumber::new(browser_call::TO)).map(|agent| agent.id);
    let mut agents: Vec<AgentChoice> = app
        .agents
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
    Page(TalkPage { notices: app.notices.clone(), agents })
}

#[cfg(test)]
mod tests;
