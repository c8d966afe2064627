//! Entries as they lie in the table.

use call::TenantId;
use jiff_sqlx::Timestamp;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Actor, ActorKind, AuditEntry, AuditRow, Outcome};
use crate::StoreError;

/// The columns of an entry, named: one that a later version adds changes no statement of this one.
macro_rules! columns {
    () => {
        "number, tenant_id, at, actor_kind, actor_id, action, target_kind, target_id, outcome, before_digest, after_digest, detail, request_id, \
         address, previous, hash"
    };
}
pub(super) use columns;

#[derive(FromRow)]
pub(super) struct EntryRow {
    pub(super) number: i64,
    pub(super) tenant_id: Option<Uuid>,
    pub(super) at: Timestamp,
    pub(super) actor_kind: String,
    pub(super) actor_id: Option<String>,
    pub(super) action: String,
    pub(super) target_kind: String,
    pub(super) target_id: Option<String>,
    pub(super) outcome: String,
    pub(super) before_digest: Option<String>,
    pub(super) after_digest: Option<String>,
    pub(super) detail: Json<Value>,
    pub(super) request_id: String,
    pub(super) address: String,
    pub(super) previous: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl TryFrom<EntryRow> for AuditRow {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let kind = ActorKind::ALL.into_iter().find(|kind| kind.as_str() == row.actor_kind);
        let kind = kind.ok_or_else(|| StoreError::corrupt("kind of actor", row.actor_kind))?;
        let outcome = Outcome::parse(&row.outcome).ok_or_else(|| StoreError::corrupt("outcome of an action", row.outcome))?;
        let entry = AuditEntry {
            tenant: row.tenant_id.map(TenantId),
            at: row.at.to_jiff(),
            actor: Actor { kind, id: row.actor_id },
            action: row.action,
            target: (row.target_kind, row.target_id),
            outcome,
            before: row.before_digest,
            after: row.after_digest,
            detail: row.detail.0,
            request_id: row.request_id,
            address: row.address.into(),
        };
        Ok(Self { number: row.number, entry, hash: hash(&row.hash)? })
    }
}

/// 32 bytes out of the database.
pub(super) fn hash(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::corrupt("hash of the audit trail", hex::encode(bytes)))
}
