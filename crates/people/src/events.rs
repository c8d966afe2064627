//! Entries in the audit trail.

use call::TenantId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::audit::{Actor, ActorKind, AuditEntry, Outcome};
use store::{Database, StoreError, Transaction};
use uuid::Uuid;

use crate::{Client, PeopleError, Principal};

/// Something that happened, to be noted.
pub(crate) struct Event {
    action: &'static str,
    actor: Actor,
    tenant: Option<TenantId>,
    target: (&'static str, Option<String>),
    outcome: Outcome,
    before: Option<String>,
    after: Option<String>,
    detail: Value,
}

impl Event {
    /// The caller did something.
    pub(crate) fn by(caller: &Principal, action: &'static str, target: &'static str, id: Option<Uuid>) -> Self {
        Self::of(caller.actor(), caller.tenant, action, target, id)
    }

    /// A person did something who is not signed in yet, or shows it by doing this.
    pub(crate) fn by_person(user: Option<Uuid>, tenant: Option<TenantId>, action: &'static str) -> Self {
        let actor = Actor { kind: ActorKind::User, id: user.map(|id| id.to_string()) };
        Self::of(actor, tenant, action, "user", user)
    }

    pub(crate) fn of(actor: Actor, tenant: Option<TenantId>, action: &'static str, target: &'static str, id: Option<Uuid>) -> Self {
        let target = (target, id.map(|id| id.to_string()));
        Self { action, actor, tenant, target, outcome: Outcome::Done, before: None, after: None, detail: json!({}) }
    }

    /// It did not work.
    pub(crate) fn failed(self, why: &'static str) -> Self {
        Self { outcome: Outcome::Failed, ..self }.with("why", why)
    }

    /// It was not allowed.
    pub(crate) fn refused(self, why: &'static str) -> Self {
        Self { outcome: Outcome::Refused, ..self }.with("why", why)
    }

    /// A detail: no personal data.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.detail[name] = value.into();
        self
    }

    /// What it was done to, before and after.
    pub(crate) fn change(mut self, before: &impl Serialize, after: &impl Serialize) -> Self {
        self.before = Some(store::audit::digest(before));
        self.after = Some(store::audit::digest(after));
        self
    }

    /// Notes it as the last step of a transaction, and commits that.
    pub(crate) async fn commit(self, mut tx: Transaction, client: &Client, now: Timestamp) -> Result<(), PeopleError> {
        if let (Outcome::Done, Some(claim)) = (self.outcome, client.claim) {
            claim.done(&mut tx).await?;
        }
        store::audit::append(&mut tx, &self.entry(client, now)).await?;
        Ok(tx.commit().await.map_err(StoreError::while_doing("commit a change and its entry in the audit trail"))?)
    }

    /// Notes it in a transaction of its own.
    pub(crate) async fn commit_alone(self, db: &Database, client: &Client, now: Timestamp) -> Result<(), PeopleError> {
        self.commit(db.begin().await?, client, now).await
    }

    fn entry(self, client: &Client, now: Timestamp) -> AuditEntry {
        AuditEntry {
            tenant: self.tenant,
            at: now,
            actor: self.actor,
            action: self.action.to_owned(),
            target: (self.target.0.to_owned(), self.target.1),
            outcome: self.outcome,
            before: self.before,
            after: self.after,
            detail: self.detail,
            request_id: client.request_id.clone(),
            address: client.address.to_canonical().to_string().into(),
        }
    }
}
