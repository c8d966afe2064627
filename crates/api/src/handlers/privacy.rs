//! One caller's data: given out, erased, and what was done about it.

mod body;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use call::{CallId, PhoneNumber, TenantId};
use privacy::pseudonym;
use store::personal::{self, PrivacyKind, PrivacyLog};
use uuid::Uuid;

use self::body::{Erasure, ErasureRequest, ExportRequest, LogEntry, PersonalData};
use super::answers::{BadRequest, Conflict, Invalid, Listing, PageParams};
use super::clock::now;
use crate::audited::{Act, Done, privileged};
use crate::extract::{ApiJson, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// Most rounds of one erasure; each takes up to 10,000 calls.
const ROUNDS: u32 = 10;

/// The files of recorded calls.
#[async_trait::async_trait]
pub trait RecordingFiles: Send + Sync {
    /// Removes a file by its name in the call's record. False when it is not there (any more).
    async fn remove(&self, path: &str) -> Result<bool, std::io::Error>;
}

/// Hand out what is kept about one caller
#[utoipa::path(
    post, path = "/api/v1/privacy/export", operation_id = "exportPersonalData", tag = "Privacy", request_body = ExportRequest,
    responses((status = 200, description = "All of it; empty lists when there is nothing.", body = PersonalData), BadRequest, Invalid)
)]
pub(super) async fn export(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<ExportRequest>,
) -> Result<Json<PersonalData>, Problem> {
    let tenant = caller.tenant()?;
    let number = body.checked()?;
    let now = now();
    let data = personal::export(&api.db, tenant, &number).await?;
    let subject = pseudonym(&api.pseudonym_key, "phone", &number.digits());
    let data = PersonalData::new(subject.clone(), data);
    let entry = PrivacyLog {
        id: Uuid::now_v7(),
        tenant,
        at: now,
        kind: PrivacyKind::Export,
        subject: Some(subject.clone()),
        removed: serde_json::json!({}),
        left_over: data.counts(),
    };
    let act = Act::new("privacy.export", "caller").on(&subject).with(serde_json::json!({ "rows": data.counts() }));
    let noted = privileged(&api, &caller, act, async |tx| {
        personal::log(tx, &entry).await?;
        Ok(Done::new(()))
    });
    noted.await?;
    Ok(Json(data))
}

/// Erase what is kept about one caller
///
/// Calls stay for counting, without numbers and texts. What is left is searched for afterwards; calls that go on now are left out.
#[utoipa::path(
    post, path = "/api/v1/privacy/erase", operation_id = "erasePersonalData", tag = "Privacy", request_body = ErasureRequest,
    responses((status = 200, description = "What was removed, and what a search found afterwards.", body = Erasure), BadRequest, Conflict, Invalid)
)]
pub(super) async fn erase(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<ErasureRequest>,
) -> Result<Json<Erasure>, Problem> {
    let tenant = caller.tenant()?;
    let number = body.checked()?;
    let subject = pseudonym(&api.pseudonym_key, "phone", &number.digits());
    let erased = erased(&api, &caller, tenant, &number, &subject).await?;
    let left_over = personal::search(&api.db, tenant, &number).await?;
    let entry = PrivacyLog {
        id: Uuid::now_v7(),
        tenant,
        at: now(),
        kind: PrivacyKind::Erasure,
        subject: Some(subject.clone()),
        removed: serde_json::json!(erased.removed),
        left_over: serde_json::json!(left_over),
    };
    let act = Act::new("privacy.proof", "caller").on(&subject).with(serde_json::json!({ "log": entry.id, "left_over": left_over }));
    let noted = privileged(&api, &caller, act, async |tx| {
        personal::log(tx, &entry).await?;
        Ok(Done::new(()))
    });
    noted.await?;
    Ok(Json(Erasure::new(entry, left_over.is_empty(), &erased.open)))
}

/// What was erased in all rounds.
#[derive(Default)]
struct Erased {
    removed: BTreeMap<&'static str, u64>,
    /// Calls that go on, of the last round.
    open: Vec<CallId>,
}

/// Erases in rounds: of somebody who called very often, one round finds only a part.
async fn erased(api: &ApiState, caller: &Caller, tenant: TenantId, number: &PhoneNumber, subject: &str) -> Result<Erased, Problem> {
    let mut all = Erased::default();
    for _ in 0..ROUNDS {
        let found = personal::find(&api.db, tenant, number).await?;
        // Files go first: once the rows are blank, nobody knows which files were the caller's.
        let recordings = remove_recordings(api, found.recordings()).await?;
        let act = Act::new("privacy.erase", "caller").on(subject);
        let counts = privileged(api, caller, act, async |tx| {
            let erased = personal::erase(tx, &found).await?;
            let detail = serde_json::json!({ "rows": erased.counts, "recordings": recordings });
            Ok(Done::new(erased.counts).with(detail))
        });
        for (kind, rows) in counts.await?.into_iter().chain([("recordings", recordings)]) {
            *all.removed.entry(kind).or_default() += rows;
        }
        all.open = found.open_calls().to_vec();
        if !found.is_partial() {
            break;
        }
    }
    Ok(all)
}

/// Exports, erasures, and what retention removed
#[utoipa::path(
    get, path = "/api/v1/privacy/log", operation_id = "listPrivacyLog", tag = "Privacy", params(PageParams),
    responses((status = 200, description = "One page, newest first.", body = Listing<LogEntry>), BadRequest, Invalid)
)]
pub(super) async fn log(
    State(api): State<ApiState>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Listing<LogEntry>>, Problem> {
    Ok(Listing::of(personal::logged(&api.db, caller.tenant()?, &page.page()?).await?))
}

/// How many files were there. One that cannot be removed ends the erasure before its rows are touched.
async fn remove_recordings(api: &ApiState, paths: impl Iterator<Item = &str>) -> Result<u64, Problem> {
    let mut removed = 0;
    for path in paths {
        let there = api.recordings.remove(path).await.map_err(|fault| {
            tracing::error!(error = %fault, "a recording could not be removed");
            let detail = "a recording could not be removed, and its calls were not erased from the database; see the log, and try again";
            Problem::unavailable("recordings", detail)
        })?;
        removed += u64::from(there);
    }
    Ok(removed)
}
