//! Google's Live sessions (BidiGenerateContent).

mod session;
mod speaker;
mod wire;

use std::collections::HashMap;

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::server::Stage;
use crate::{Act, Vendor};
use session::Saved;

/// What the routes share.
#[derive(Clone)]
struct Google {
    stage: Stage,
    saved: Saved,
}

const MAX_MESSAGE: usize = 16 << 20;
const READ_BUFFER: usize = 16 * 1024;

pub(crate) fn router(stage: &Stage) -> Router {
    let method = |version: &str| {
        format!("{}/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent", Vendor::Gemini.path())
    };
    // The version is part of the method's name; Google's SDK (3.4.0) asks for v1.
    let mut router = Router::new();
    for version in ["v1", "v1beta", "v1alpha"] {
        router = router.route(&method(version), get(enter));
    }
    router.with_state(Google { stage: stage.clone(), saved: Saved::default() })
}

async fn enter(
    State(google): State<Google>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let act = google.stage.plan.begin(Vendor::Gemini);
    if let Some((status, after)) = act.refusal() {
        return refusal(status, after);
    }
    let key = headers.get("x-goog-api-key").and_then(|value| value.to_str().ok()).or(query.get("key").map(String::as_str));
    match key {
        // No key at all is refused as forbidden.
        None | Some("") => refusal(403, None),
        Some("wrong-key") => refusal(401, None),
        Some(_) => upgrade
            .max_message_size(MAX_MESSAGE)
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .on_upgrade(move |socket| serve(google, act, socket)),
    }
}

async fn serve(google: Google, act: Act, socket: WebSocket) {
    session::run(google.stage, google.saved, act, socket).await;
}

/// An error as Google's services write it.
fn refusal(status: u16, after: Option<u64>) -> Response {
    let (word, message) = match status {
        401 => ("UNAUTHENTICATED", "API key not valid. Please pass a valid API key."),
        403 => {
            ("PERMISSION_DENIED", "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity.")
        }
        429 => ("RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
        503 => ("UNAVAILABLE", "The service is currently unavailable."),
        _ => ("INTERNAL", "An internal error has occurred."),
    };
    let body = json!({ "error": { "code": status, "message": message, "status": word } });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(seconds) = after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
