//! What handlers ask for.

mod json;
mod reader;
#[cfg(test)]
mod tests;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use call::TenantId;
use people::{Client, Principal};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use store::Page;
use uuid::Uuid;

use crate::problem::{FieldProblem, Problem};
use reader::Form;

/// Who asks, and from where. There is one on every row of the table that is not public.
#[derive(Clone)]
pub struct Caller {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub client: Client,
}

impl Caller {
    /// The workspace they act in; a problem when they have none.
    pub fn tenant(&self) -> Result<TenantId, Problem> {
        self.principal
            .tenant
            .ok_or_else(|| Problem::forbidden("no_workspace", "you are in no workspace; ask for an invitation, or choose one of yours"))
    }

    /// The person; a problem for keys and the operator, who have no account.
    pub fn user(&self) -> Result<Uuid, Problem> {
        self.principal.user().ok_or_else(not_a_person)
    }

    /// The person's session; a problem for keys and the operator.
    pub fn session(&self) -> Result<Uuid, Problem> {
        self.principal.session().ok_or_else(not_a_person)
    }
}

fn not_a_person() -> Problem {
    Problem::forbidden("not_a_person", "only people who signed in can do this; API keys and the operator have no account")
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::internal_because(&"a handler outside of the table asks for its caller"))
    }
}

/// From where a request comes; also on public rows.
#[derive(Clone)]
pub struct ClientInfo(pub Client);

impl<S: Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::internal_because(&"a handler outside of the table asks for its client"))
    }
}

/// A JSON body. Unknown members are refused, and every field that cannot be read is told at once.
#[derive(Debug, Clone)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body must be JSON; send it with Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "Not JSON", detail));
        }
        let body = Bytes::from_request(request, state).await.map_err(not_read)?;
        let value = json::parse(&body)?;
        reader::read(&value, Form::Json).map(Self).map_err(Problem::invalid)
    }
}

/// The query. Unknown and repeated parameters are refused, and every one that cannot be read is told at once.
#[derive(Debug, Clone)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Parts of the path. An id that cannot be one is an id of nothing: 404.
#[derive(Debug, Clone)]
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // PostgreSQL keeps no U+0000: nothing has such a name.
        if parts.uri.path().contains("%00") {
            return Err(Problem::missing("thing"));
        }
        Path::<T>::from_request_parts(parts, state).await.map(|path| Self(path.0)).map_err(|_| Problem::missing("thing"))
    }
}

/// `limit` and `after` of a list that has no other parameters.
#[derive(Debug, Clone)]
pub struct Paging(pub Page);

impl Paging {
    /// Rows in an answer, unless said otherwise.
    pub const USUAL: u32 = 50;
    /// Most rows in an answer.
    pub const MOST: u32 = 200;

    /// For lists with more parameters: a page of `limit` rows after a cursor, or what is wrong with it.
    pub fn page(limit: Option<u32>, after: Option<Uuid>) -> Result<Page, Problem> {
        let limit = limit.unwrap_or(Self::USUAL);
        if !(1..=Self::MOST).contains(&limit) {
            return Err(Problem::invalid_field("limit", format!("must be from 1 to {}", Self::MOST)));
        }
        Ok(Page { limit, after })
    }
}

impl<S: Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        /// Its names in the query.
        #[derive(Deserialize)]
        struct Asked {
            limit: Option<u32>,
            after: Option<Uuid>,
        }
        let ApiQuery(asked) = ApiQuery::<Asked>::from_request_parts(parts, state).await?;
        Self::page(asked.limit, asked.after).map(Self)
    }
}

/// `application/json` or a type with that structure, in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let kind = kind.trim().to_ascii_lowercase();
    let utf8 = parameters
        .split(';')
        .filter_map(|one| one.trim().split_once('='))
        .all(|(name, value)| !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    utf8 && (kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")))
}

fn not_read(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", "the body is longer than this address takes; send less")
        }
        _ => Problem::bad_request("body", "the body ended before it was there; send it again"),
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let (mut values, mut faults) = (Map::new(), Vec::new());
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if values.insert(name.to_string(), Value::from(value.into_owned())).is_some() {
            faults.push(FieldProblem { field: name.into_owned(), message: "is given twice; give it once".to_owned() });
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    reader::read(&Value::Object(values), Form::Text).map_err(|mut faults| {
        for fault in &mut faults {
            // A parameter has a name, not a place in a document.
            fault.field = fault.field.trim_start_matches('/').to_owned();
        }
        Problem::invalid(faults)
    })
}
