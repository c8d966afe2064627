//! The one table of addresses: method, path, who may, how often. What is not in it does not exist.

mod documented;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use people::Permission;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{OpenApi, RefOr};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::docs::Document;
use crate::gate::{Gate, pass};
use crate::headers::{UnderTls, of_data};
use crate::limits::Budget;
use crate::problem::Problem;
use crate::request_id::with_request_id;
use crate::state::ApiState;
use crate::{cors, docs};

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Who is signed in, by whatever means.
    SignedIn,
    /// Who has all of these permissions.
    Needs(&'static [Permission]),
}

/// One address with one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path, with `{names}` in it.
    pub path: String,
    /// The operation's name in the document, and in the audit trail when it is refused.
    pub operation: String,
    /// Who may.
    pub access: Access,
    /// How often.
    pub budget: Budget,
    /// Longest body, bytes.
    pub body_limit: usize,
    /// It makes something: a repeated request with the same `Idempotency-Key` makes it once. So it is for every POST that documents a 201,
    /// unless it is public.
    pub creates: bool,
}

/// Handlers with what they need.
pub struct Table<S = ApiState> {
    entries: Vec<Entry<S>>,
}

struct Entry<S> {
    rows: Vec<Row>,
    schemas: Vec<(String, RefOr<Schema>)>,
    paths: Paths,
    methods: MethodRouter<S>,
}

/// Longest body unless said otherwise, bytes (security.md 8 allows 1 MB; forms of people are small).
pub const BODY: usize = 64 * 1024;
/// Longest body that any row may allow, bytes.
pub const LONGEST_BODY: usize = 1024 * 1024;

impl<S> Table<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// Nothing is answered.
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds what `routes!(handler)` made; all its methods have the same access and budget.
    #[must_use]
    pub fn add(mut self, (schemas, paths, methods): UtoipaMethodRouter<S>, access: Access, budget: Budget) -> Self {
        let rows = documented::rows(&paths, access, budget);
        self.entries.push(Entry { rows, schemas, paths, methods });
        self
    }

    /// What was added last takes bodies of this many bytes, at most [`LONGEST_BODY`].
    #[must_use]
    pub fn with_body(mut self, bytes: usize) -> Self {
        for row in self.entries.last_mut().map(|entry| entry.rows.iter_mut()).into_iter().flatten() {
            row.body_limit = bytes.min(LONGEST_BODY);
        }
        self
    }

    /// Both.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// The same table, its handlers with the state they ask for.
    pub fn with_state<T: Clone + Send + Sync + 'static>(self, state: &S) -> Table<T> {
        let with = |entry: Entry<S>| {
            let Entry { rows, schemas, paths, methods } = entry;
            Entry { rows, schemas, paths, methods: methods.with_state(state.clone()) }
        };
        Table { entries: self.entries.into_iter().map(with).collect() }
    }

    /// Every address with every method.
    pub fn rows(&self) -> Vec<Row> {
        self.entries.iter().flat_map(|entry| entry.rows.iter().cloned()).collect()
    }

    /// The document (OpenAPI 3.1).
    pub fn openapi(&self) -> OpenApi {
        documented::document(self.entries.iter().map(|entry| (&entry.rows[..], &entry.paths, &entry.schemas[..])))
    }

    /// The routes with their steps before them, the document and its pages added. Its server must tell the peer of each socket
    /// (`into_make_service_with_connect_info::<SocketAddr>()`).
    pub fn into_router(self, state: &ApiState) -> Router<S> {
        let table = self.merge(docs::table());
        let document = Arc::new(Document::of(&table.openapi()));
        let mut router = Router::new();
        for Entry { rows, methods, .. } in table.entries {
            let Some(path) = rows.first().map(|row| row.path.clone()) else { continue };
            let limit = rows.iter().map(|row| row.body_limit).max().unwrap_or(BODY);
            let gate = Arc::new(Gate { state: state.clone(), rows });
            // Only methods that are there pass the gate: others are answered 405.
            let methods = methods.route_layer(from_fn_with_state(gate, pass)).route_layer(DefaultBodyLimit::max(limit));
            router = router.route(&path, methods);
        }
        let router = router.method_not_allowed_fallback(not_allowed).layer(axum::Extension(document));
        around(router, state)
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Table<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// The layers around all routes, the innermost first.
fn around<S: Clone + Send + Sync + 'static>(router: Router<S>, state: &ApiState) -> Router<S> {
    let under_tls = UnderTls(state.settings.under_tls());
    let router = router.layer(CatchPanicLayer::custom(panicked));
    let router = match cors::layer(&state.settings.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let router = router.layer(from_fn_with_state(under_tls, of_data)).layer(from_fn(with_request_id));
    // Around the request's id, which is written into problems. Events must come at once: the layer leaves them as they are, and pictures, and what
    // is too short.
    router.layer(CompressionLayer::new())
}

async fn not_allowed(method: Method) -> Problem {
    let detail = format!("this address does not answer {method}; Allow says what it answers");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not this method", detail)
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Problem::internal_because(&"a handler panicked").into_response()
}
