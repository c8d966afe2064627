//! Privileged actions: what they change and their line in the audit trail are one transaction. Without the line, the change is not made.

use call::{TenantId, Timestamp};
use privacy::Pii;
use serde::Serialize;
use serde_json::Value;
use store::audit::{self, AuditEntry, Outcome};
use store::{Database, StoreError, Transaction};

use crate::extract::Caller;
use crate::problem::Problem;
use crate::state::ApiState;

/// What is done, to what.
#[derive(Debug, Clone)]
pub struct Act {
    action: &'static str,
    kind: &'static str,
    id: Option<String>,
    tenant: Option<TenantId>,
    detail: Value,
}

impl Act {
    /// `action` such as `user.create`; `kind` of the target, such as `user`. The workspace is the caller's.
    pub fn new(action: &'static str, kind: &'static str) -> Self {
        Self { action, kind, id: None, tenant: None, detail: Value::Object(serde_json::Map::new()) }
    }

    /// The target's id.
    pub fn on(self, id: impl ToString) -> Self {
        Self { id: Some(id.to_string()), ..self }
    }

    /// Another workspace than the caller's.
    pub fn in_tenant(self, tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// More about it: ids and names of fields, nothing personal.
    pub fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }

    fn entry(&self, caller: &Caller, now: Timestamp, outcome: Outcome) -> AuditEntry {
        AuditEntry {
            tenant: self.tenant.or(caller.principal.tenant),
            at: now,
            actor: caller.principal.actor(),
            action: self.action.to_owned(),
            target: (self.kind.to_owned(), self.id.clone()),
            outcome,
            before: None,
            after: None,
            detail: self.detail.clone(),
            request_id: caller.client.request_id.clone(),
            address: Pii::new(caller.client.address.to_string()),
        }
    }
}

/// What an action has done: its answer, and digests of its target before and after.
#[derive(Debug)]
pub struct Done<T> {
    answer: T,
    before: Option<String>,
    after: Option<String>,
    detail: Option<Value>,
}

impl<T> Done<T> {
    /// Something happened that has no before and after.
    pub fn new(answer: T) -> Self {
        Self { answer, before: None, after: None, detail: None }
    }

    /// The target as it was.
    pub fn before(self, target: &impl Serialize) -> Self {
        Self { before: Some(audit::digest(target)), ..self }
    }

    /// The target as it is now.
    pub fn after(self, target: &impl Serialize) -> Self {
        Self { after: Some(audit::digest(target)), ..self }
    }

    /// What turned out on the way, in place of the act's detail.
    pub fn with(self, detail: Value) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

/// Does `work` in a transaction that ends with the line in the audit trail. When `work` fails, nothing is changed, and the failure has a line of
/// its own.
///
/// Nothing slow may happen in `work`: on SQLite it is the only writer.
pub async fn privileged<T, F>(state: &ApiState, caller: &Caller, act: Act, work: F) -> Result<T, Problem>
where
    F: AsyncFnOnce(&mut Transaction) -> Result<Done<T>, Problem>,
{
    let mut tx = state.db.begin().await?;
    match work(&mut tx).await {
        Ok(done) => {
            let mut entry = act.entry(caller, Timestamp::now(), Outcome::Done);
            (entry.before, entry.after) = (done.before, done.after);
            entry.detail = done.detail.unwrap_or(entry.detail);
            if let Some(claim) = caller.client.claim {
                claim.done(&mut tx).await?;
            }
            audit::append(&mut tx, &entry).await?;
            commit(tx).await?;
            Ok(done.answer)
        }
        Err(problem) => {
            drop(tx);
            let mut entry = act.entry(caller, Timestamp::now(), Outcome::Failed);
            entry.detail = noted(entry.detail, problem.code);
            append_alone(&state.db, &entry).await;
            Err(problem)
        }
    }
}

/// Notes that the caller was refused. The refusal stands whether or not it can be noted.
pub(crate) async fn refused(state: &ApiState, caller: &Caller, act: Act, code: &'static str) {
    let mut entry = act.entry(caller, Timestamp::now(), Outcome::Refused);
    entry.detail = noted(entry.detail, code);
    append_alone(&state.db, &entry).await;
}

async fn append_alone(db: &Database, entry: &AuditEntry) {
    let appended = async {
        let mut tx = db.begin().await?;
        audit::append(&mut tx, entry).await?;
        commit(tx).await
    };
    if let Err(fault) = appended.await {
        tracing::error!(error = %fault, action = entry.action, "what was refused or failed could not be noted in the audit trail");
    }
}

async fn commit(tx: Transaction) -> Result<(), StoreError> {
    tx.commit().await.map_err(StoreError::while_doing("commit a transaction"))
}

fn noted(mut detail: Value, code: &'static str) -> Value {
    if let Value::Object(members) = &mut detail {
        members.insert("code".to_owned(), code.into());
    }
    detail
}
