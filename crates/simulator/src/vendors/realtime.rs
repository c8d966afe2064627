//! OpenAI's Realtime sessions.

use axum::Router;

use crate::server::Stage;

pub(crate) fn router(_: &Stage) -> Router {
    Router::new()
}
