//! What callers left behind: messages, requests to be called back, reservations.

use api::answers::Invalid;
use api::{ApiQuery, Caller, Paging, Problem};
use axum::Json;
use axum::extract::State;
use call::Timestamp;
use hotel::{Reservation, ReservationQuery};
use serde::{Deserialize, Serialize};
use store::calls::{self, NumberPage};
use store::{CallbackRequest, Message};
use tracing::error;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::state::App;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Most of the answer; 50 unless said otherwise.
    #[param(minimum = 1, maximum = 200, required = false)]
    limit: Option<u32>,
    /// Those that are older: `next` of the page before.
    #[param(required = false)]
    before: Option<i64>,
}

impl Part {
    fn page(&self) -> Result<NumberPage, Problem> {
        Ok(NumberPage { limit: Paging::page(self.limit, None)?.limit, before: self.before })
    }
}

/// A message of a caller.
#[derive(Debug, Serialize, ToSchema)]
struct MessageBody {
    /// The call it was left in.
    call_id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who left it, as said.
    name: String,
    /// How to reach them.
    phone: String,
    /// What they said.
    text: String,
}

impl From<Message> for MessageBody {
    fn from(message: Message) -> Self {
        Self { call_id: message.call_id.0, at: message.at, name: message.name, phone: message.phone, text: message.text }
    }
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Messages {
    messages: Vec<MessageBody>,
    /// What to give as `before` for the next page; `null` when this is the last.
    next: Option<i64>,
}

/// Messages that callers left, newest first
#[utoipa::path(
    get, path = "/api/v1/messages", operation_id = "listMessages", tag = "Calls", params(Part),
    responses((status = 200, description = "One page of them.", body = Messages), Invalid)
)]
pub(super) async fn messages(State(app): State<App>, caller: Caller, ApiQuery(part): ApiQuery<Part>) -> Result<Json<Messages>, Problem> {
    let found = calls::messages(&app.api.db, caller.tenant()?, &part.page()?).await?;
    Ok(Json(Messages { messages: found.rows.into_iter().map(MessageBody::from).collect(), next: found.next }))
}

/// A caller who was promised to be called back.
#[derive(Debug, Serialize, ToSchema)]
struct CallbackBody {
    call_id: Uuid,
    agent_id: Uuid,
    number: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `queue` (they pressed 1), `drain` (the service stopped) or `asked` (they asked the agent for it).
    why: String,
}

impl From<CallbackRequest> for CallbackBody {
    fn from(request: CallbackRequest) -> Self {
        Self {
            call_id: request.call_id.0,
            agent_id: request.agent_id.0,
            number: request.number.expose().to_owned(),
            at: request.at,
            why: request.why.as_str().to_owned(),
        }
    }
}

/// A page of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Callbacks {
    callbacks: Vec<CallbackBody>,
    /// What to give as `before` for the next page; `null` when this is the last.
    next: Option<i64>,
}

/// Callers who were promised to be called back, newest first
#[utoipa::path(
    get, path = "/api/v1/callbacks", operation_id = "listCallbacks", tag = "Queue", params(Part),
    responses((status = 200, description = "One page of them.", body = Callbacks), Invalid)
)]
pub(super) async fn callbacks(State(app): State<App>, caller: Caller, ApiQuery(part): ApiQuery<Part>) -> Result<Json<Callbacks>, Problem> {
    let found = calls::callbacks(&app.api.db, caller.tenant()?, &part.page()?).await?;
    Ok(Json(Callbacks { callbacks: found.rows.into_iter().map(CallbackBody::from).collect(), next: found.next }))
}

/// A reservation in the hotel's books.
#[derive(Debug, Serialize, ToSchema)]
struct ReservationBody {
    code: String,
    /// `booked` or `cancelled`.
    status: String,
    room_type: String,
    #[schema(value_type = String, format = Date)]
    arrival: jiff::civil::Date,
    #[schema(value_type = String, format = Date)]
    departure: jiff::civil::Date,
    nights: u32,
    guests: u32,
    name: String,
    phone: Option<String>,
    /// Units of the currency, with its decimals.
    total: String,
    currency: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&Reservation> for ReservationBody {
    fn from(found: &Reservation) -> Self {
        Self {
            code: found.code.clone(),
            status: found.status.as_str().to_owned(),
            room_type: found.room_type.clone(),
            arrival: found.stay.arrival,
            departure: found.stay.departure,
            nights: found.stay.nights(),
            guests: found.stay.guests,
            name: found.name.clone(),
            phone: found.phone.as_ref().map(|number| number.expose().to_owned()),
            total: found.total.plain(),
            currency: found.total.currency.clone(),
            created_at: found.created_at,
            changed_at: found.changed_at,
        }
    }
}

/// The latest reservations.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reservations {
    reservations: Vec<ReservationBody>,
}

/// The latest reservations in the hotel's books
#[utoipa::path(
    get, path = "/api/v1/hotel/reservations", operation_id = "listReservations", tag = "Hotel",
    responses((status = 200, description = "The latest ones; none when the books are another workspace's.", body = Reservations))
)]
pub(super) async fn reservations(State(app): State<App>, caller: Caller) -> Result<Json<Reservations>, Problem> {
    if app.pms.property().await.map_err(unreadable)?.tenant != caller.tenant()? {
        return Ok(Json(Reservations { reservations: Vec::new() }));
    }
    let found = app.pms.find_reservations(&ReservationQuery::Latest).await.map_err(unreadable)?;
    Ok(Json(Reservations { reservations: found.iter().map(ReservationBody::from).collect() }))
}

fn unreadable(fault: hotel::PmsError) -> Problem {
    error!(error = %fault, "the hotel's books could not be read");
    Problem::unavailable("hotel", "the hotel's books cannot be read at the moment")
}
