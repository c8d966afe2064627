//! What is done beside the calls, from time to time: old data is removed, what is over is swept out, and when keys were used is written down.

use std::path::{Path, PathBuf};
use std::time::Duration;

use api::RecordingFiles;
use async_trait::async_trait;
use call::{TenantId, Timestamp};
use jiff::SignedDuration;
use people::People;
use privacy::Pii;
use serde_json::{Value, json};
use store::audit::{Actor, ActorKind, AuditEntry, Outcome};
use store::personal::{Counts, PrivacyKind, PrivacyLog};
use store::tenants::Tenant;
use store::{Page, StoreError, audit, personal, retention, tenants};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::state::App;

/// Workspaces that are looked at together.
const WORKSPACES: u32 = 200;
/// Answers to requests that may be repeated are kept this long; see [`api::IDEMPOTENCY_LIFE`].
const SWEEP: Duration = Duration::from_secs(3600);

/// Until everything is over.
pub(crate) async fn run(app: App) {
    let mut soon = tokio::time::interval(People::UPKEEP);
    let mut sweep = tokio::time::interval(SWEEP);
    let mut old = tokio::time::interval(app.settings.people.retention_interval);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => break,
            _ = soon.tick() => if let Err(fault) = app.api.people.upkeep(Timestamp::now()).await {
                warn!(error = %fault, "what is over was not swept out; it is tried again in a minute");
            },
            _ = sweep.tick() => if let Err(fault) = api::sweep_idempotency(&app.api.db, Timestamp::now()).await {
                warn!(error = %fault, "answers to repeated requests were not swept out; it is tried again in an hour");
            },
            _ = old.tick() => if let Err(fault) = remove_old(&app, Timestamp::now()).await {
                error!(error = %fault, "old data was not removed; it is tried again");
            },
        }
    }
    if let Err(fault) = app.api.people.upkeep(Timestamp::now()).await {
        warn!(error = %fault, "when API keys were last used was not written down");
    }
}

/// Removes, workspace by workspace, what is older than it is to be kept.
pub(crate) async fn remove_old(app: &App, now: Timestamp) -> Result<(), StoreError> {
    let (mut page, mut audit_days) = (Page { limit: WORKSPACES, after: None }, Some(0));
    loop {
        let found = tenants::list(&app.api.db, None, &page).await?;
        for tenant in &found.rows {
            // The trail is one for all: it is kept for as long as any workspace wants it.
            audit_days = audit_days.zip(tenant.retention.audit_days).map(|(longest, days): (u32, u32)| longest.max(days));
            remove_of(app, tenant, now).await?;
        }
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    match audit_days {
        Some(days) if days > 0 => trim_audit(app, now, days).await,
        _ => Ok(()),
    }
}

/// One workspace: in steps, each with its files first, then its rows; then it is looked whether anything is left.
async fn remove_of(app: &App, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    let (db, mut removed, mut after) = (&app.api.db, Counts::new(), None);
    loop {
        let due = retention::due(db, tenant.id, &tenant.retention, now, after).await?;
        let mut files = 0;
        for (_, file) in &due.recordings {
            match app.api.recordings.remove(file).await {
                Ok(there) => files += u64::from(there),
                Err(fault) => {
                    error!(error = %fault, "a recording that is too old could not be removed; its name stays in the log below as left over")
                }
            }
        }
        if !due.is_empty() {
            let mut tx = db.begin().await?;
            merge(&mut removed, retention::apply(&mut tx, tenant.id, &due).await?);
            tx.commit().await.map_err(StoreError::while_doing("remove what is too old"))?;
        }
        if files > 0 {
            *removed.entry("files").or_default() += files;
        }
        after = due.next;
        if after.is_none() {
            break;
        }
    }
    if removed.is_empty() {
        return Ok(());
    }
    let left = left_over(app, tenant, now).await?;
    info!(workspace = %tenant.id, removed = ?removed, left = ?left, "old data was removed");
    note(app, tenant.id, now, &removed, &left).await
}

/// What a second look finds: nothing, unless something could not be removed.
async fn left_over(app: &App, tenant: &Tenant, now: Timestamp) -> Result<Counts, StoreError> {
    let due = retention::due(&app.api.db, tenant.id, &tenant.retention, now, None).await?;
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let all = [("calls", due.calls.len()), ("transcripts", due.transcripts.len()), ("recordings", due.recordings.len())];
    Ok(all.into_iter().filter(|(_, rows)| *rows > 0).map(|(kind, rows)| (kind, count(rows))).collect())
}

async fn note(app: &App, tenant: TenantId, now: Timestamp, removed: &Counts, left: &Counts) -> Result<(), StoreError> {
    let entry = PrivacyLog {
        id: Uuid::now_v7(),
        tenant,
        at: now,
        kind: PrivacyKind::Retention,
        subject: None,
        removed: json!(removed),
        left_over: json!(left),
    };
    let mut tx = app.api.db.begin().await?;
    personal::log(&mut tx, &entry).await?;
    audit::append(&mut tx, &by_itself("retention.remove", Some(tenant), now, json!({ "removed": removed, "left_over": left }))).await?;
    tx.commit().await.map_err(StoreError::while_doing("note what was removed"))
}

/// In steps; each notes itself in the trail.
async fn trim_audit(app: &App, now: Timestamp, days: u32) -> Result<(), StoreError> {
    let Ok(before) = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))) else { return Ok(()) };
    loop {
        let mut tx = app.api.db.begin().await?;
        if audit::trim(&mut tx, before, now).await? == 0 {
            return Ok(());
        }
        tx.commit().await.map_err(StoreError::while_doing("shorten the audit trail"))?;
    }
}

/// The installation did it, nobody asked.
fn by_itself(action: &str, tenant: Option<TenantId>, at: Timestamp, detail: Value) -> AuditEntry {
    AuditEntry {
        tenant,
        at,
        actor: Actor { kind: ActorKind::System, id: None },
        action: action.to_owned(),
        target: ("workspace".to_owned(), tenant.map(|tenant| tenant.to_string())),
        outcome: Outcome::Done,
        before: None,
        after: None,
        detail,
        request_id: Uuid::now_v7().to_string(),
        address: Pii::new(String::new()),
    }
}

fn merge(all: &mut Counts, more: Counts) {
    for (kind, rows) in more {
        *all.entry(kind).or_default() += rows;
    }
}

/// The files of recorded calls, in the data directory.
pub(crate) struct Files(pub(crate) PathBuf);

#[async_trait]
impl RecordingFiles for Files {
    async fn remove(&self, path: &str) -> std::io::Result<bool> {
        if !crate::api::is_inside(Path::new(path)) {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the name of a recording leads out of the data directory"));
        }
        match tokio::fs::remove_file(self.0.join(path)).await {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}
