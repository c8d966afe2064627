//! Workspaces as they lie in the table.

use call::TenantId;
use jiff_sqlx::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::{RedactionLevel, Tenant};
use crate::{Query, StoreError, Target};

/// The columns of a workspace, named: one that a later version adds changes no statement of this one.
macro_rules! columns {
    () => {
        "id, name, description, time_zone, opening_hours, retention, redaction, max_calls, version, created_at, updated_at"
    };
}
pub(super) use columns;

#[derive(FromRow)]
pub(super) struct TenantRow {
    id: Uuid,
    name: String,
    description: Option<String>,
    time_zone: String,
    opening_hours: Option<Json<Value>>,
    retention: Json<Value>,
    redaction: String,
    max_calls: Option<i64>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> Result<Self, StoreError> {
        let redaction = [RedactionLevel::Cards, RedactionLevel::All].into_iter().find(|level| level.as_str() == row.redaction);
        let calls = |count: i64| u32::try_from(count).map_err(|_| StoreError::corrupt("limit of calls", count.to_string()));
        Ok(Self {
            id: TenantId(row.id),
            name: row.name,
            description: row.description,
            time_zone: row.time_zone,
            opening_hours: row.opening_hours.map(|Json(hours)| meaning("opening hours", hours)).transpose()?,
            retention: meaning("retention", row.retention.0)?,
            redaction: redaction.ok_or_else(|| StoreError::corrupt("redaction", row.redaction))?,
            max_calls: row.max_calls.map(calls).transpose()?,
            version: row.version,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// What a stored JSON value says.
fn meaning<T: DeserializeOwned>(what: &'static str, stored: Value) -> Result<T, StoreError> {
    T::deserialize(&stored).map_err(|_| StoreError::corrupt(what, stored.to_string()))
}

/// The workspace that a query gives.
pub(super) async fn one<'c>(read: Query<'_>, target: impl Into<Target<'c>>) -> Result<Option<Tenant>, StoreError> {
    let row: Result<Option<TenantRow>, _> = read.optional(target).await;
    row.map_err(StoreError::while_doing("read a workspace"))?.map(Tenant::try_from).transpose()
}
