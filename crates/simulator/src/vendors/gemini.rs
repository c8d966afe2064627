//! Google's Live sessions.

use axum::Router;

use crate::server::Stage;

pub(crate) fn router(_: &Stage) -> Router {
    Router::new()
}
