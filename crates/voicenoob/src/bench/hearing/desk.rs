//! The hotel behind a task: the real tools on a database in memory, on a fixed day.

use std::sync::Arc;

use agent::{AgentDefinition, ToolAnswer, ToolContext, Toolbox};
use anyhow::{Context, bail};
use call::{CallId, CallRecord, CallStatus, Carrier, Direction, PhoneNumber, Timestamp};
use flow::ToolOutcome;
use hotel::{BuiltInPms, Pms, Property, Reservation, ReservationQuery};
use serde_json::{Map, Value, json};
use store::{Database, Records, SqlRecords};

use super::caller::Task;

/// The caller's number.
pub(super) const CALLER: &str = "+15005550006";
/// A Thursday at noon, when Lisbon keeps UTC.
const NOW: &str = "2027-01-14T12:00:00Z";

/// One call's view of the hotel.
pub(super) struct Desk {
    tools: Toolbox,
    pms: Arc<dyn Pms>,
    context: ToolContext,
    /// The code of what was booked before the call.
    pub(super) code: Option<String>,
    before: Vec<Map<String, Value>>,
}

/// How a task came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Books {
    /// As they should be.
    Right,
    /// As before the call, though something should have changed.
    Unchanged,
    /// Something else was done.
    Wrong,
}

impl Desk {
    /// Opens the hotel with what the task says is booked.
    pub(super) async fn open(task: &Task) -> anyhow::Result<Self> {
        let now: Timestamp = NOW.parse()?;
        let database = Database::in_memory().await?;
        let property = Property::harbour_view().context("this machine has no time zone data (package tzdata)")?;
        let pms = BuiltInPms::open(database.clone(), Arc::new(move || now), fastrand::Rng::with_seed(7), &property).await?;
        let (pms, records): (Arc<dyn Pms>, Arc<dyn Records>) = (Arc::new(pms), Arc::new(SqlRecords::new(database)));
        let agent = AgentDefinition::echo().id;
        let call = records.open_call(&record(now)?).await?.id;
        let mut tools = Toolbox::new();
        for tool in hotel::toolbox(Arc::clone(&pms), records) {
            tools.add(tool);
        }
        let context = ToolContext { call, agent, caller: Some(PhoneNumber::new(CALLER)), idempotency_key: String::new(), now };
        let mut desk = Self { tools, pms, context, code: None, before: Vec::new() };
        if let Some(booked) = &task.booked {
            let ToolOutcome::Ok(made) = desk.call(0, "create_booking", &Value::Object(booked.clone())).await else {
                bail!("the task {:?} begins with a booking that the hotel does not take", task.name);
            };
            desk.code = made["code"].as_str().map(str::to_owned);
        }
        desk.before = desk.bookings().await?;
        Ok(desk)
    }

    /// Calls a tool as the session does: one key for each request of the call.
    pub(super) async fn call(&mut self, id: u32, tool: &str, arguments: &Value) -> ToolOutcome {
        self.context.idempotency_key = format!("{}:{id}", self.context.call);
        match self.tools.call(tool, &self.context, arguments).await {
            ToolAnswer::Ok(fields) => ToolOutcome::Ok(fields),
            ToolAnswer::Refused { code, fields } => ToolOutcome::Refused { code: code.to_owned(), fields },
            ToolAnswer::Failed(_) => ToolOutcome::Failed,
        }
    }

    async fn bookings(&self) -> anyhow::Result<Vec<Map<String, Value>>> {
        let found = self.pms.find_reservations(&ReservationQuery::Phone(PhoneNumber::new(CALLER))).await?;
        Ok(found.iter().map(fields).collect())
    }

    /// The books after the call, beside what the task wants in them.
    pub(super) async fn books(&self, wanted: &[Map<String, Value>]) -> anyhow::Result<Books> {
        let now = self.bookings().await?;
        let same = |(booking, wanted): (&Map<String, Value>, &Map<String, Value>)| {
            wanted.iter().all(|(name, value)| booking.get(name) == Some(value))
        };
        Ok(match () {
            () if now.len() == wanted.len() && now.iter().zip(wanted).all(same) => Books::Right,
            () if now == self.before => Books::Unchanged,
            () => Books::Wrong,
        })
    }
}

fn fields(booking: &Reservation) -> Map<String, Value> {
    let fields = json!({
        "arrival": booking.stay.arrival.to_string(),
        "nights": booking.stay.nights(),
        "guests": booking.stay.guests,
        "room_type": booking.room_type,
        "name": booking.name,
        "status": booking.status.as_str(),
    });
    fields.as_object().cloned().unwrap_or_default()
}

fn record(now: Timestamp) -> anyhow::Result<CallRecord> {
    let agent = AgentDefinition::echo();
    Ok(CallRecord {
        id: "01900000-0000-7000-8000-000000000001".parse::<CallId>()?,
        tenant: call::TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: "CA00000000000000000000000000000001".into(),
        direction: Direction::Inbound,
        from: PhoneNumber::new(CALLER),
        to: PhoneNumber::new("+15005550001"),
        agent_id: agent.id,
        agent_name: "hotel".into(),
        status: CallStatus::InProgress,
        offered_at: now,
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    })
}
