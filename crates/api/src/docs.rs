//! The document of the API, and a page to read it.

mod page;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa_axum::routes;

use crate::limits::Budget;
use crate::table::{Access, Table};

/// The document as it is sent.
pub(crate) struct Document {
    json: Bytes,
}

impl Document {
    pub(crate) fn of(document: &OpenApi) -> Self {
        // Only types that can be written are in it.
        Self { json: serde_json::to_vec(document).unwrap_or_default().into() }
    }
}

/// Document and page. The page's parts are in the table too: nothing is answered that is not.
pub(crate) fn table<S: Clone + Send + Sync + 'static>() -> Table<S> {
    Table::new()
        .add(routes!(document), Access::Public, Budget::Read)
        .add(routes!(page::html), Access::Public, Budget::Read)
        .add(routes!(page::script), Access::Public, Budget::Read)
        .add(routes!(page::style), Access::Public, Budget::Read)
}

/// This document
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "getDocument", tag = "Documentation",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value))
)]
async fn document(Extension(document): Extension<Arc<Document>>) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([kind, (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], document.json.clone()).into_response()
}
