//! Who listened, thought and spoke in a call, as far as that changed. It holds no personal data, and goes with the call's record.

use call::{CallId, Part, RungChange, RungWhy, TenantId};
use sqlx::FromRow;

use crate::sql_records::rows::count;
use crate::times::integer;
use crate::{Database, SqlRecords, StoreError, query};

crate::statements! {
    ADD = "INSERT INTO call_rungs (call_id, tenant_id, n, at_ms, part, from_rung, to_rung, why) \
        SELECT id, tenant_id, (SELECT COALESCE(MAX(n) + 1, 0) FROM call_rungs WHERE call_id = $1), $2, $3, $4, $5, $6 FROM calls WHERE id = $1";
    OF_CALL = "SELECT at_ms, part, from_rung, to_rung, why FROM call_rungs WHERE call_id = $1 ORDER BY n LIMIT $2";
    OF_TENANTS_CALL = "SELECT at_ms, part, from_rung, to_rung, why FROM call_rungs WHERE tenant_id = $1 AND call_id = $2 ORDER BY n LIMIT $3";
}

#[derive(FromRow)]
struct RungRow {
    at_ms: i64,
    part: String,
    from_rung: String,
    to_rung: String,
    why: String,
}

impl TryFrom<RungRow> for RungChange {
    type Error = StoreError;

    fn try_from(row: RungRow) -> Result<Self, StoreError> {
        Ok(Self {
            at_ms: count("time of a change of rung", row.at_ms)?,
            part: Part::parse(&row.part).ok_or_else(|| StoreError::corrupt("part of a change of rung", row.part))?,
            from: row.from_rung,
            to: row.to_rung,
            why: RungWhy::parse(&row.why).ok_or_else(|| StoreError::corrupt("reason of a change of rung", row.why))?,
        })
    }
}

/// Adds a change. Each call has one writer, so its changes come in order.
pub(crate) async fn add(db: &Database, id: CallId, change: &RungChange) -> Result<u64, StoreError> {
    let add = query(ADD)
        .bind(id.0)
        .bind(integer(change.at_ms))
        .bind(change.part.as_str())
        .bind(&change.from)
        .bind(&change.to)
        .bind(change.why.as_str());
    add.execute(db.writer()).await.map_err(StoreError::while_doing("store a change of rung"))
}

/// The changes of a call, in their order.
pub(crate) async fn of_call(db: &Database, id: CallId) -> Result<Vec<RungChange>, StoreError> {
    let read = query(OF_CALL).bind(id.0).bind(SqlRecords::MAX_PARTS);
    changes(read.all(db.readers()).await.map_err(StoreError::while_doing("read the changes of rung of a call"))?)
}

/// The same; none for another workspace's call.
pub async fn of(db: &Database, tenant: TenantId, id: CallId) -> Result<Vec<RungChange>, StoreError> {
    let read = query(OF_TENANTS_CALL).bind(tenant.0).bind(id.0).bind(SqlRecords::MAX_PARTS);
    changes(read.all(db.readers()).await.map_err(StoreError::while_doing("read the changes of rung of a call"))?)
}

fn changes(rows: Vec<RungRow>) -> Result<Vec<RungChange>, StoreError> {
    rows.into_iter().map(RungChange::try_from).collect()
}
