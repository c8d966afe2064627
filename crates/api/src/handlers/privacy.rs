//! One caller's data: given out, erased, and what was done about it.

mod body;
mod erasure;

use axum::Json;
use axum::extract::State;
use privacy::pseudonym;
use store::personal::{self, PrivacyKind, PrivacyLog};
use uuid::Uuid;

use self::body::{Erasure, ErasureRequest, ExportRequest, LogEntry, PersonalData};
pub use self::erasure::Erasures;
use super::answers::{BadRequest, Conflict, Invalid, Listing, PageParams};
use super::clock::now;
use crate::audited::{Act, Done, privileged};
use crate::extract::{ApiJson, ApiQuery, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

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
/// Calls stay for counting, without numbers and texts. What is left is searched for afterwards; calls that go on now are left out. What is begun
/// is finished, also when nobody waits for it any more.
#[utoipa::path(
    post, path = "/api/v1/privacy/erase", operation_id = "erasePersonalData", tag = "Privacy", request_body = ErasureRequest,
    responses((status = 200, description = "What was removed, and what a search found afterwards.", body = Erasure), BadRequest, Conflict, Invalid)
)]
pub(super) async fn erase(
    State(api): State<ApiState>,
    caller: Caller,
    ApiJson(body): ApiJson<ErasureRequest>,
) -> Result<Json<Erasure>, Problem> {
    let number = body.checked()?;
    erasure::begin(&api, caller, number).await.map(Json)
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
