//! Reading the trail.

use call::{TenantId, Timestamp};
use jiff::SignedDuration;

use super::rows::{EntryRow, columns};
use super::{AuditRow, Outcome};
use crate::{Database, StoreError, query};

/// A list by one index, which the first condition names; the others are looked at row by row, newest first. Entries lie in the order of time,
/// but for what clocks differ: a span of time is a span of numbers, from the smallest of its first hour to the largest of its last. (`+ 0`: to look
/// at that hour, and not through all numbers.)
macro_rules! list_by {
    ($first:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM audit WHERE ",
            $first,
            " AND number < $1 AND (tenant_id = $2 OR $2 IS NULL) AND (actor_id = $3 OR $3 IS NULL) \
             AND (action = $4 OR SUBSTR(action, 1, LENGTH($5)) = $5 OR $4 IS NULL) AND (target_kind = $6 OR $6 IS NULL) \
             AND (target_id = $7 OR $7 IS NULL) AND (at >= $8 OR $8 IS NULL) AND (at < $9 OR $9 IS NULL) AND (outcome = $10 OR $10 IS NULL) \
             AND number >= COALESCE((SELECT MIN(hour.number + 0) FROM audit AS hour WHERE hour.at >= $8 AND hour.at < $12), 0) \
             AND number <= COALESCE((SELECT MAX(hour.number + 0) FROM audit AS hour WHERE hour.at < $9 AND hour.at >= $13), $1) \
             ORDER BY number DESC LIMIT $11"
        )
    };
}

crate::statements! {
    FIRST = "SELECT at FROM audit WHERE at >= $1 ORDER BY at LIMIT 1";
    LAST_BEFORE = "SELECT at FROM audit WHERE at < $1 ORDER BY at DESC LIMIT 1";
    BY_TARGET = list_by!("target_kind = $6 AND target_id = $7");
    BY_ACTOR = list_by!("actor_id = $3");
    OF_TENANT_BY_ACTION = list_by!("tenant_id = $2 AND action = $4");
    OF_TENANT_BY_AREA = list_by!("tenant_id = $2 AND area = $14");
    OF_TENANT_BY_KIND = list_by!("tenant_id = $2 AND target_kind = $6");
    OF_TENANT_BY_OUTCOME = list_by!("tenant_id = $2 AND outcome = $10");
    BY_ACTION = list_by!("action = $4");
    BY_TENANT = list_by!("tenant_id = $2");
    BY_NUMBER = list_by!("number > 0");
}

/// Which entries are asked for; what is none does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Of this workspace.
    pub tenant: Option<TenantId>,
    /// By this actor.
    pub actor_id: Option<String>,
    /// This action; one that ends with a point is the beginning of actions, such as `user.`.
    pub action: Option<String>,
    /// Done to this kind of thing.
    pub target_kind: Option<String>,
    /// Done to the thing with this id.
    pub target_id: Option<String>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
    /// Which came out like this.
    pub outcome: Option<Outcome>,
    /// Before this number: the smallest of the page before.
    pub before: Option<i64>,
    /// Most entries, 1 to 200.
    pub limit: u32,
}

/// Clocks of instances differ by less: an entry that is further from its place is missed when a span of time is asked for.
const CLOCKS: SignedDuration = SignedDuration::from_hours(1);
/// Most entries of one list.
const MAX_LIST: u32 = 200;

impl AuditFilter {
    /// The list whose index leaves the fewest rows to look at.
    fn statement(&self) -> &'static str {
        match self {
            Self { target_kind: Some(_), target_id: Some(_), .. } => BY_TARGET,
            Self { actor_id: Some(_), .. } => BY_ACTOR,
            Self { action: Some(_), tenant: Some(_), .. } if self.beginning().is_none() => OF_TENANT_BY_ACTION,
            Self { action: Some(_), .. } if self.beginning().is_none() => BY_ACTION,
            // Few are; most actions are done.
            Self { tenant: Some(_), outcome: Some(Outcome::Refused | Outcome::Failed), .. } => OF_TENANT_BY_OUTCOME,
            Self { tenant: Some(_), action: Some(_), .. } => OF_TENANT_BY_AREA,
            Self { tenant: Some(_), target_kind: Some(_), .. } => OF_TENANT_BY_KIND,
            Self { tenant: Some(_), .. } => BY_TENANT,
            _ => BY_NUMBER,
        }
    }

    /// What actions begin with.
    fn beginning(&self) -> Option<&String> {
        self.action.as_ref().filter(|action| action.ends_with('.'))
    }

    /// The column of that name holds what stands before an action's first point.
    fn area(&self) -> Option<&str> {
        self.beginning().and_then(|beginning| beginning.split('.').next())
    }
}

/// Entries, newest first.
pub async fn list(db: &Database, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
    let (first, last) = (nearest(db, FIRST, filter.since).await?, nearest(db, LAST_BEFORE, filter.until).await?);
    if first.is_none() && filter.since.is_some() || last.is_none() && filter.until.is_some() {
        return Ok(Vec::new());
    }
    let read = query(filter.statement())
        .bind(filter.before.unwrap_or(i64::MAX))
        .bind(filter.tenant.map(|tenant| tenant.0))
        .bind(filter.actor_id.as_ref())
        .bind(filter.action.as_ref())
        .bind(filter.beginning())
        .bind(filter.target_kind.as_ref())
        .bind(filter.target_id.as_ref())
        .bind(filter.since)
        .bind(filter.until)
        .bind(filter.outcome.map(Outcome::as_str))
        .bind(filter.limit.clamp(1, MAX_LIST))
        .bind(first.and_then(|first| first.saturating_add(CLOCKS).ok()))
        .bind(last.and_then(|last| last.saturating_sub(CLOCKS).ok()))
        .bind(filter.area());
    let rows: Vec<EntryRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list the audit trail"))?;
    rows.into_iter().map(AuditRow::try_from).collect()
}

/// The time of the entry that comes next to an end of a span of time.
async fn nearest(db: &Database, statement: &'static str, end: Option<Timestamp>) -> Result<Option<Timestamp>, StoreError> {
    let Some(end) = end else { return Ok(None) };
    let found: Result<Option<(jiff_sqlx::Timestamp,)>, _> = query(statement).bind(end).optional(db.readers()).await;
    Ok(found.map_err(StoreError::while_doing("find a time in the audit trail"))?.map(|(at,)| at.to_jiff()))
}
