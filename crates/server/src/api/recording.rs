//! The recording of a call, whole or in parts.

use std::path::{Component, Path};

use api::answers::NotFound;
use api::{ApiPath, Caller, Problem};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::calls::{self, CallParam};
use crate::state::App;

/// The recording of a call
///
/// Two channels, the caller left and the agent right. Players seek by range.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/recording", operation_id = "getRecording", tag = "Calls",
    params(CallParam, ("Range" = Option<String>, Header, description = "One range of bytes (RFC 9110, 14.2).", example = "bytes=0-4095")),
    responses(
        (status = 200, description = "The recording.", content_type = "audio/wav"),
        (status = 206, description = "The part that was asked for.", content_type = "audio/wav"),
        (status = 304, description = "Not changed since the time of If-Modified-Since."),
        (status = 412, description = "Changed since the time of If-Unmodified-Since."),
        (status = 416, description = "The recording has no such part."),
        NotFound
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    ApiPath(path): ApiPath<CallParam>,
    request: Request,
) -> Result<Response, Problem> {
    let call = calls::find(&app, &caller, &path).await?;
    let relative = call.recording.filter(|relative| is_inside(Path::new(relative))).ok_or_else(missing)?;
    let file = app.settings.data_dir.join(relative);
    tokio::fs::metadata(&file).await.map_err(|_| missing())?;
    let Ok(response) = ServeFile::new(file).oneshot(request).await;
    Ok(response.into_response())
}

/// A path of ours is relative and goes down only.
pub(crate) fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn missing() -> Problem {
    Problem::missing("recording")
}
