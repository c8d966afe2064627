//! The audit trail, to be read.

use axum::Json;
use axum::extract::State;
use call::Timestamp;
use people::Permission;
use serde::{Deserialize, Serialize};
use store::audit::{self, AuditFilter, AuditRow, Outcome};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::answers::{BadRequest, Invalid};
use super::check::Check;
use crate::extract::{ApiQuery, Caller, Paging};
use crate::problem::Problem;
use crate::state::ApiState;

/// Longest word of a filter.
const WORD_MAX: usize = 100;

/// How an action came out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutcomeName {
    Done,
    Refused,
    Failed,
}

impl From<OutcomeName> for Outcome {
    fn from(name: OutcomeName) -> Self {
        match name {
            OutcomeName::Done => Self::Done,
            OutcomeName::Refused => Self::Refused,
            OutcomeName::Failed => Self::Failed,
        }
    }
}

/// Which entries; all that are given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Id of the account or API key that did it.
    #[param(required = false)]
    actor_id: Option<Uuid>,
    /// An action such as `agent.change`; with a point at the end every action that begins so, such as `agent.`.
    #[param(required = false, min_length = 1, max_length = 100)]
    action: Option<String>,
    /// What it was done to, such as `agent`.
    #[param(required = false, min_length = 1, max_length = 100)]
    target_kind: Option<String>,
    /// Its id.
    #[param(required = false, min_length = 1, max_length = 100)]
    target_id: Option<String>,
    #[param(required = false, inline)]
    outcome: Option<OutcomeName>,
    /// From then on.
    #[param(required = false)]
    since: Option<Timestamp>,
    /// Before then.
    #[param(required = false)]
    until: Option<Timestamp>,
    /// Entries of all workspaces, and those of none; needs the permission `system:admin`.
    #[serde(default)]
    #[param(required = false)]
    everything: bool,
    /// Entries before this number: `next` of the page before.
    #[param(required = false, minimum = 1)]
    before: Option<i64>,
    /// Most items of the answer; 50 unless said otherwise.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// One thing that was done, or tried.
#[derive(Serialize, ToSchema)]
pub(crate) struct Entry {
    /// Its place in the trail of the whole installation.
    number: i64,
    at: Timestamp,
    workspace_id: Option<Uuid>,
    /// `user`, `api_key`, `operator` or `system`.
    actor_kind: &'static str,
    actor_id: Option<String>,
    #[schema(example = "agent.change")]
    action: String,
    #[schema(example = "agent")]
    target_kind: String,
    target_id: Option<String>,
    /// `done`, `refused` or `failed`.
    outcome: &'static str,
    /// SHA-256 of the target before, in hex.
    before: Option<String>,
    /// SHA-256 of the target after, in hex.
    after: Option<String>,
    /// Ids and names of fields.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    request_id: String,
    /// Where the request came from.
    address: String,
    /// Hash of this entry and all before it, in hex.
    hash: String,
}

/// One page of the trail, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Entries {
    items: Vec<Entry>,
    /// What to give as `before` for the next page; `null` when this is the last.
    next: Option<i64>,
}

/// Read the audit trail
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "listAudit", tag = "Audit", params(AuditParams),
    responses((status = 200, description = "One page of it, newest first.", body = Entries), BadRequest, Invalid)
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(params): ApiQuery<AuditParams>,
) -> Result<Json<Entries>, Problem> {
    let mut filter = params.checked(&caller)?;
    let wanted = filter.limit as usize;
    // One more shows whether there is another page; a full last one costs an empty page then.
    filter.limit = (filter.limit + 1).min(Paging::MOST);
    let mut rows = audit::list(&api.db, &filter).await?;
    let more = rows.len() > wanted || (wanted == Paging::MOST as usize && rows.len() == wanted);
    rows.truncate(wanted);
    let next = rows.last().map(|row| row.number).filter(|_| more);
    Ok(Json(Entries { items: rows.into_iter().map(Entry::from).collect(), next }))
}

impl AuditParams {
    fn checked(self, caller: &Caller) -> Result<AuditFilter, Problem> {
        if self.everything && !caller.principal.may(Permission::SystemAdmin) {
            return Err(Problem::forbidden("forbidden", "entries of all workspaces need the permission system:admin"));
        }
        let tenant = if self.everything { None } else { Some(caller.tenant()?) };
        let page = Paging::page(self.limit, None)?;
        let mut check = Check::default();
        for (field, word) in [("action", &self.action), ("target_kind", &self.target_kind), ("target_id", &self.target_id)] {
            if let Some(word) = word {
                check.text(field, word, 1, WORD_MAX);
            }
        }
        if let Some(before) = self.before {
            check.within("before", before, 1, i64::MAX);
        }
        check.done()?;
        Ok(AuditFilter {
            tenant,
            actor_id: self.actor_id.map(|id| id.to_string()),
            action: self.action,
            target_kind: self.target_kind,
            target_id: self.target_id,
            since: self.since,
            until: self.until,
            outcome: self.outcome.map(Into::into),
            before: self.before,
            limit: page.limit,
        })
    }
}

impl From<AuditRow> for Entry {
    fn from(row: AuditRow) -> Self {
        let entry = row.entry;
        Self {
            number: row.number,
            at: entry.at,
            workspace_id: entry.tenant.map(|tenant| tenant.0),
            actor_kind: entry.actor.kind.as_str(),
            actor_id: entry.actor.id,
            action: entry.action,
            target_kind: entry.target.0,
            target_id: entry.target.1,
            outcome: entry.outcome.as_str(),
            before: entry.before,
            after: entry.after,
            detail: entry.detail,
            request_id: entry.request_id,
            address: entry.address.into_inner(),
            hash: hex::encode(row.hash),
        }
    }
}
