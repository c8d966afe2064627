//! Looks through a workspace for one number, step by step.

use call::{CallId, Direction, PhoneNumber, TenantId};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::number_in_text::{pattern, value_without, without};
use super::{Counts, Found, sql};
use crate::{Database, Row, StoreError, query};

/// Calls looked through in one step: some ten thousands of turns, well within what the server gives a statement.
const STEP: u32 = 2_000;
/// Most calls of the person, and most texts elsewhere, that are erased at once: nobody else writes to SQLite meanwhile, so it must be over soon.
pub(super) const MOST_ERASED: usize = 2_000;
/// The same for giving them out, which keeps nobody waiting.
pub(super) const MOST_EXPORTED: usize = 50_000;

/// A call with the person.
#[derive(Clone)]
pub(super) struct PersonCall {
    pub(super) id: CallId,
    pub(super) recording: Option<String>,
}

/// What becomes of a row elsewhere that names the number.
#[derive(Clone)]
pub(super) enum Mention {
    NextStep {
        call: CallId,
    },
    Turn {
        call: CallId,
        index: i64,
        said: String,
        heard: String,
        digits: Option<String>,
    },
    Tool {
        call: CallId,
        id: i64,
        arguments: Value,
        result: Value,
    },
    StatusEvent {
        call: CallId,
        id: i64,
        raw: String,
    },
    /// Somebody else's message that names the number.
    Message {
        call: CallId,
        id: i64,
        said: String,
        name: String,
    },
    /// The person's own, from another telephone.
    OwnMessage {
        id: i64,
    },
    OwnCallback {
        id: i64,
    },
}

impl Mention {
    pub(super) const fn table(&self) -> &'static str {
        match self {
            Self::NextStep { .. } => "calls",
            Self::Turn { .. } => "turns",
            Self::Tool { .. } => "tool_calls",
            Self::StatusEvent { .. } => "status_events",
            Self::Message { .. } | Self::OwnMessage { .. } => "messages",
            Self::OwnCallback { .. } => "callbacks",
        }
    }
}

#[derive(FromRow)]
struct CallRow {
    id: Uuid,
    direction: String,
    from_number: String,
    to_number: String,
    ended_at: Option<jiff_sqlx::Timestamp>,
    recording: Option<String>,
    next_step: Option<Json<Value>>,
}

#[derive(FromRow)]
struct TurnRow {
    call_id: Uuid,
    turn_index: i64,
    said: String,
    heard: String,
    digits: Option<String>,
}

#[derive(FromRow)]
struct ToolRow {
    id: i64,
    call_id: Uuid,
    arguments: Json<Value>,
    result: Json<Value>,
}

#[derive(FromRow)]
struct EventRow {
    id: i64,
    call_id: Uuid,
    raw: String,
}

#[derive(FromRow)]
struct MessageRow {
    id: i64,
    call_id: Uuid,
    name: String,
    phone: String,
    said: String,
}

#[derive(FromRow)]
struct CallbackRow {
    id: i64,
    call_id: Uuid,
    number: String,
}

/// The search as it goes on.
pub(super) struct Search<'a> {
    db: &'a Database,
    digits: String,
    pattern: String,
    most: usize,
    found: Found,
}

impl<'a> Search<'a> {
    pub(super) fn new(db: &'a Database, tenant: TenantId, number: &PhoneNumber, most: usize) -> Self {
        let digits = number.digits();
        Self { db, pattern: pattern(&digits), digits, most, found: Found::nothing(tenant, number.clone()) }
    }

    /// All steps, and the bookings.
    pub(super) async fn run(mut self) -> Result<Found, StoreError> {
        let mut after = Uuid::nil();
        while let Some(upto) = self.step_end(after).await? {
            if self.found.calls.len().max(self.found.mentions.len()) >= self.most {
                self.found.partial = true;
                break;
            }
            self.step(after, upto).await?;
            after = upto;
        }
        self.reservations().await?;
        self.count_parts().await?;
        Ok(self.found)
    }

    async fn step_end(&self, after: Uuid) -> Result<Option<Uuid>, StoreError> {
        let read = query(sql::STEP_END).bind(self.found.tenant.0).bind(after).bind(STEP);
        let row: Option<(Uuid,)> = read.optional(self.db.readers()).await.map_err(doing())?;
        Ok(row.map(|(id,)| id))
    }

    async fn step(&mut self, after: Uuid, upto: Uuid) -> Result<(), StoreError> {
        for row in self.rows::<CallRow>(sql::CALLS, after, upto).await? {
            self.call(row);
        }
        for row in self.rows::<TurnRow>(sql::TURNS, after, upto).await? {
            self.turn(row);
        }
        for row in self.rows::<ToolRow>(sql::TOOLS, after, upto).await? {
            self.tool(row);
        }
        for row in self.rows::<EventRow>(sql::STATUS_EVENTS, after, upto).await? {
            self.event(row);
        }
        for row in self.rows::<MessageRow>(sql::MESSAGES, after, upto).await? {
            self.message(row);
        }
        for row in self.rows::<CallbackRow>(sql::CALLBACKS, after, upto).await? {
            self.callback(row);
        }
        Ok(())
    }

    async fn rows<R: Row>(&self, statement: &'static str, after: Uuid, upto: Uuid) -> Result<Vec<R>, StoreError> {
        let read = query(statement).bind(self.found.tenant.0).bind(after).bind(upto).bind(&self.pattern);
        read.all(self.db.readers()).await.map_err(doing())
    }

    /// The person is who called us, or whom we called; the other side is the house's own number.
    fn call(&mut self, row: CallRow) {
        let outbound = row.direction == Direction::Outbound.as_str();
        let person = PhoneNumber::new(if outbound { row.to_number } else { row.from_number });
        let id = CallId(row.id);
        if person.same_line(&self.found.number) {
            match row.ended_at {
                Some(_) => self.found.calls.push(PersonCall { id, recording: row.recording }),
                None => self.found.open.push(id),
            }
        } else if row.ended_at.is_some() && row.next_step.is_some_and(|Json(next)| value_without(&next, &self.digits).is_some()) {
            self.found.mentions.push(Mention::NextStep { call: id });
        }
    }

    fn turn(&mut self, row: TurnRow) {
        let (said, heard) = (without(&row.said, &self.digits), without(&row.heard, &self.digits));
        let digits = row.digits.as_ref().and_then(|keys| without(keys, &self.digits));
        if self.of_person(row.call_id) || (said.is_none() && heard.is_none() && digits.is_none()) {
            return;
        }
        self.found.mentions.push(Mention::Turn {
            call: CallId(row.call_id),
            index: row.turn_index,
            said: said.unwrap_or(row.said),
            heard: heard.unwrap_or(row.heard),
            digits: digits.or(row.digits),
        });
    }

    fn tool(&mut self, row: ToolRow) {
        let (arguments, result) = (value_without(&row.arguments, &self.digits), value_without(&row.result, &self.digits));
        if self.of_person(row.call_id) || (arguments.is_none() && result.is_none()) {
            return;
        }
        let (arguments, result) = (arguments.unwrap_or(row.arguments.0), result.unwrap_or(row.result.0));
        self.found.mentions.push(Mention::Tool { call: CallId(row.call_id), id: row.id, arguments, result });
    }

    fn event(&mut self, row: EventRow) {
        let Some(raw) = without(&row.raw, &self.digits).filter(|_| !self.of_person(row.call_id)) else { return };
        self.found.mentions.push(Mention::StatusEvent { call: CallId(row.call_id), id: row.id, raw });
    }

    fn message(&mut self, row: MessageRow) {
        if self.of_person(row.call_id) {
            return;
        }
        if PhoneNumber::new(row.phone.as_str()).same_line(&self.found.number) || without(&row.phone, &self.digits).is_some() {
            self.found.mentions.push(Mention::OwnMessage { id: row.id });
            return;
        }
        let (said, name) = (without(&row.said, &self.digits), without(&row.name, &self.digits));
        if said.is_some() || name.is_some() {
            let (said, name) = (said.unwrap_or(row.said), name.unwrap_or(row.name));
            self.found.mentions.push(Mention::Message { call: CallId(row.call_id), id: row.id, said, name });
        }
    }

    fn callback(&mut self, row: CallbackRow) {
        if !self.of_person(row.call_id) && PhoneNumber::new(row.number).same_line(&self.found.number) {
            self.found.mentions.push(Mention::OwnCallback { id: row.id });
        }
    }

    /// The call is the person's, so all its parts are; also while it is going on.
    fn of_person(&self, call: Uuid) -> bool {
        let id = CallId(call);
        // Both are in the order of ids.
        self.found.calls.binary_search_by_key(&id, |call| call.id).is_ok() || self.found.open.binary_search(&id).is_ok()
    }

    async fn reservations(&mut self) -> Result<(), StoreError> {
        let most = u32::try_from(self.most).unwrap_or(u32::MAX);
        let read = query(sql::RESERVATIONS).bind(self.found.tenant.0).bind(&self.digits).bind(most);
        let rows: Vec<(Uuid,)> = read.all(self.db.readers()).await.map_err(doing())?;
        self.found.partial |= rows.len() >= self.most;
        self.found.reservations = rows.into_iter().map(|(id,)| id).collect();
        Ok(())
    }

    /// The parts of the person's calls.
    async fn count_parts(&mut self) -> Result<(), StoreError> {
        let mut parts = Counts::new();
        for call in &self.found.calls {
            for (table, statement) in [
                ("turns", sql::COUNT_TURNS),
                ("tool_calls", sql::COUNT_TOOLS),
                ("status_events", sql::COUNT_STATUS_EVENTS),
                ("messages", sql::COUNT_MESSAGES),
                ("callbacks", sql::COUNT_CALLBACKS),
            ] {
                let read = query(statement).bind(self.found.tenant.0).bind(call.id.0);
                let (rows,): (i64,) = read.one(self.db.readers()).await.map_err(doing())?;
                super::add(&mut parts, table, u64::try_from(rows).unwrap_or(0));
            }
        }
        self.found.parts = parts;
        Ok(())
    }
}

fn doing() -> impl FnOnce(sqlx::Error) -> StoreError {
    StoreError::while_doing("look for a person's data")
}
