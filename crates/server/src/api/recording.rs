//! The recording of a call, whole or in parts.

use std::path::{Component, Path};

use api::answers::{Changed, NoSuchPart, NotFound};
use api::{ApiPath, Caller, Problem};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;
use tower_http::services::ServeFile;
use utoipa::IntoParams;

use super::calls::{self, CallParam};
use crate::state::App;

/// A part of it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header that the service of files reads")]
pub(super) struct RangeParam {
    /// One range of bytes (RFC 9110, 14.2).
    #[param(rename = "Range", required = false, pattern = "^bytes=([0-9]+-[0-9]*|-[0-9]+)$", example = "bytes=0-4095")]
    range: String,
}

/// The recording of a call
///
/// Two channels, the caller left and the agent right. Players seek by range.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/recording", operation_id = "getRecording", tag = "Calls",
    params(CallParam, RangeParam),
    responses(
        (status = 200, description = "The recording.", content_type = "audio/wav"),
        (status = 206, description = "The part that was asked for.", content_type = "audio/wav"),
        (status = 304, description = "Not changed since the time of If-Modified-Since."),
        NotFound, Changed, NoSuchPart
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
    Ok(told(response.into_response()))
}

/// The service of files refuses without a word: the same as a problem, with the headers that tell more.
fn told(answer: Response) -> Response {
    let (code, title, detail) = match answer.status() {
        StatusCode::RANGE_NOT_SATISFIABLE => ("range", "No such part", "the recording has no such part; Content-Range says how long it is"),
        StatusCode::PRECONDITION_FAILED => {
            ("changed", "Changed in the meantime", "the recording was changed since the time of If-Unmodified-Since")
        }
        _ => return answer,
    };
    let mut problem = Problem::new(answer.status(), code, title, detail).into_response();
    if let Some(range) = answer.headers().get(header::CONTENT_RANGE) {
        problem.headers_mut().insert(header::CONTENT_RANGE, range.clone());
    }
    problem
}

/// A path of ours is relative and goes down only.
pub(crate) fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn missing() -> Problem {
    Problem::missing("recording")
}
