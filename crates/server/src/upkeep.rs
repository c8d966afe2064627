//! What is done beside the calls, from time to time: old data is removed, what is over is swept out, and when keys were used is written down.

mod files;

use std::time::Duration;

use call::{CallId, TenantId, Timestamp};
use jiff::SignedDuration;
use people::People;
use privacy::Pii;
use serde_json::{Value, json};
use session::Recordings;
use store::audit::{Actor, ActorKind, AuditEntry, Outcome};
use store::personal::{Counts, PrivacyKind, PrivacyLog};
use store::retention::Due;
use store::tenants::Tenant;
use store::{Page, StoreError, audit, personal, retention, tenants};
use tracing::{error, info, warn};
use uuid::Uuid;

pub(crate) use self::files::Files;
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
    let (mut page, mut audit_days, mut recordings_days) = (Page { limit: WORKSPACES, after: None }, Some(0), Some(0));
    loop {
        let found = tenants::list(&app.api.db, None, &page).await?;
        for tenant in &found.rows {
            // The trail is one for all: it is kept for as long as any workspace wants it.
            audit_days = longest(audit_days, tenant.retention.audit_days);
            // A file without a row may be anybody's, too.
            recordings_days = longest(recordings_days, tenant.retention.recordings_days.or(tenant.retention.calls_days));
            // One that fails does not keep the others waiting.
            if let Err(fault) = remove_of(app, tenant, now).await {
                error!(error = %fault, workspace = %tenant.id, "old data was not removed; it is tried again");
            }
        }
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    if let Some(days) = recordings_days.filter(|days| *days > 0) {
        remove_strays(app, now, days).await?;
    }
    match audit_days {
        Some(days) if days > 0 => trim_audit(app, now, days).await,
        _ => Ok(()),
    }
}

/// The longer of two times; for ever is the longest.
fn longest(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// One workspace: in steps, each with its files first, then its rows; then it is looked whether anything is left.
async fn remove_of(app: &App, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    let mut removed = Counts::new();
    let outcome = remove_due(app, tenant, now, &mut removed).await;
    if removed.is_empty() {
        return outcome;
    }
    // What is gone is noted, whatever came after it.
    let left = left_over(app, tenant, now).await?;
    info!(workspace = %tenant.id, removed = ?removed, left = ?left, "old data was removed");
    note(app, tenant.id, now, &removed, &left).await?;
    outcome
}

async fn remove_due(app: &App, tenant: &Tenant, now: Timestamp, removed: &mut Counts) -> Result<(), StoreError> {
    let (db, mut after) = (&app.api.db, None);
    loop {
        let due = retention::due(db, tenant.id, &tenant.retention, now, after).await?;
        after = due.next;
        let (files, stuck) = remove_files(app, &due).await;
        if files > 0 {
            *removed.entry("files").or_default() += files;
        }
        let due = due.without(&stuck);
        if !due.is_empty() {
            let mut tx = db.begin().await?;
            let rows = retention::apply(&mut tx, tenant.id, &due).await?;
            tx.commit().await.map_err(StoreError::while_doing("remove what is too old"))?;
            merge(removed, rows);
        }
        if after.is_none() {
            return remove_beside(app, tenant, now, removed).await;
        }
    }
}

/// The files of what is due: how many were there, and the calls whose files cannot be removed.
async fn remove_files(app: &App, due: &Due) -> (u64, Vec<CallId>) {
    let (mut files, mut stuck) = (0, Vec::new());
    for (call, file) in &due.recordings {
        match app.api.recordings.remove(file).await {
            Ok(there) => files += u64::from(there),
            Err(fault) => {
                error!(error = %fault, call.id = %call, "a recording that is too old could not be removed; its call stays, and it is tried again");
                stuck.push(*call);
            }
        }
    }
    (files, stuck)
}

/// What belongs to no call, in steps.
async fn remove_beside(app: &App, tenant: &Tenant, now: Timestamp, removed: &mut Counts) -> Result<(), StoreError> {
    loop {
        let mut tx = app.api.db.begin().await?;
        let step = retention::apply_beside(&mut tx, tenant.id, &tenant.retention, now).await?;
        if step.is_empty() {
            return Ok(());
        }
        tx.commit().await.map_err(StoreError::while_doing("remove what is too old"))?;
        merge(removed, step);
    }
}

/// Recordings that no record names: an instance died between the two, or the database is a copy from before.
async fn remove_strays(app: &App, now: Timestamp, days: u32) -> Result<(), StoreError> {
    let mut removed = 0_u64;
    let old = files::old(&app.settings.data_dir.join(Recordings::FOLDER), Duration::from_secs(u64::from(days) * 24 * 3600)).await;
    for (call, name) in old {
        let file = format!("{}/{name}", Recordings::FOLDER);
        if retention::is_recording(&app.api.db, call, &file).await? {
            continue;
        }
        match app.api.recordings.remove(&file).await {
            Ok(there) => removed += u64::from(there),
            Err(fault) => error!(error = %fault, call.id = %call, "a recording without a record could not be removed; it is tried again"),
        }
    }
    if removed == 0 {
        return Ok(());
    }
    info!(removed, "old recordings without a record were removed");
    let mut tx = app.api.db.begin().await?;
    audit::append(&mut tx, &by_itself("retention.remove", None, now, json!({ "removed": { "strays": removed } }))).await?;
    tx.commit().await.map_err(StoreError::while_doing("note what was removed"))
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
