//! What the table adds to the document: how to sign in, what is answered to those who may not, and what of it is counted.

mod headers;

use axum::http::{Method, StatusCode};
use people::Permission;
use serde_json::json;
use utoipa::openapi::extensions::{Extensions, ExtensionsBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, PathItem, Paths};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::{Access, BODY, Row};
use crate::limits::Budget;
use crate::problem::{FieldProblem, MEDIA_TYPE, Written};

const METHODS: [(Method, HttpMethod); 5] = [
    (Method::GET, HttpMethod::Get),
    (Method::POST, HttpMethod::Post),
    (Method::PUT, HttpMethod::Put),
    (Method::PATCH, HttpMethod::Patch),
    (Method::DELETE, HttpMethod::Delete),
];

const ABOUT: &str = "Voice agents that answer telephone calls: people, workspaces, agents, calls.\n\n\
    Errors are problem details (RFC 9457); every answer has an X-Request-Id. Lists are paged by cursor: give `next` as `after`. \
    PATCH leaves what is absent and clears what is `null`. With `If-Match`, a change is refused when somebody else was faster. \
    A POST that makes something may be repeated with the same `Idempotency-Key`.\n\n\
    No text holds U+0000. Names are one line, without control characters, and not only spaces; longer texts may have line breaks and tabs.";

type Schemas = [(String, RefOr<Schema>)];

/// The rows that these handlers are.
pub(super) fn rows(paths: &Paths, access: Access, budget: Budget) -> Vec<Row> {
    let of_path = |(path, item): (&String, &PathItem)| {
        let row = |method: &Method, operation: &Operation| Row {
            method: method.clone(),
            path: path.clone(),
            operation: operation.operation_id.clone().unwrap_or_else(|| format!("{method} {path}")),
            access,
            budget,
            body_limit: BODY,
            creates: *method == Method::POST && access != Access::Public && operation.responses.responses.contains_key("201"),
        };
        METHODS.iter().filter_map(|(method, _)| Some(row(method, of_method(item, method)?))).collect::<Vec<_>>()
    };
    paths.paths.iter().flat_map(of_path).collect()
}

fn of_method<'a>(item: &'a PathItem, method: &Method) -> Option<&'a Operation> {
    let operation = match *method {
        Method::GET => &item.get,
        Method::POST => &item.post,
        Method::PUT => &item.put,
        Method::PATCH => &item.patch,
        Method::DELETE => &item.delete,
        _ => &None,
    };
    operation.as_ref()
}

/// One document of all.
pub(super) fn document<'a>(entries: impl Iterator<Item = (&'a [Row], &'a Paths, &'a Schemas)>) -> OpenApi {
    let mut all = Paths::new();
    let mut components = ComponentsBuilder::new()
        .schema(<Written<'static> as ToSchema>::name(), <Written<'static> as PartialSchema>::schema())
        .schema(FieldProblem::name(), FieldProblem::schema());
    for (rows, paths, schemas) in entries {
        components = components.schemas_from_iter(schemas.iter().cloned());
        for row in rows {
            let operation = paths.paths.get(&row.path).and_then(|item| of_method(item, &row.method)).cloned();
            let method = METHODS.iter().find(|(method, _)| *method == row.method).map(|(_, method)| method.clone());
            if let Some((mut operation, method)) = operation.zip(method) {
                complete(&mut operation, row);
                all.add_path_operation(&row.path, vec![method], operation);
            }
        }
    }
    let info = InfoBuilder::new()
        .title("voicenoob")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()));
    OpenApiBuilder::new().info(info.build()).paths(all).components(Some(schemes(components).build())).build()
}

fn schemes(components: ComponentsBuilder) -> ComponentsBuilder {
    let bearer = |format: &str, about: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format).description(Some(about)).build())
    };
    let cookie = ApiKeyValue::with_description("__Host-voicenoob", "A browser's session. Without TLS the cookie's name is voicenoob.");
    components
        .security_scheme("token", bearer("JWT", "An access token of a person who signed in."))
        .security_scheme("key", bearer("vnk_", "An API key of a workspace; its scopes are what it may do."))
        .security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
}

/// What all operations of a row's kind have. What the handler has documented itself stays.
fn complete(operation: &mut Operation, row: &Row) {
    for (applies, status, about) in common(row, operation.request_body.is_some()) {
        if applies {
            let response = || RefOr::T(problem(about));
            operation.responses.responses.entry(status.as_u16().to_string()).or_insert_with(response);
        }
    }
    headers::add(operation, row);
    operation.security = Some(security(row.access));
    operation.extensions = Some(extensions(row));
}

/// Answers that do not come from the handler, and whether the row has them.
fn common(row: &Row, has_body: bool) -> [(bool, StatusCode, &'static str); 11] {
    let public = row.access == Access::Public;
    [
        (true, StatusCode::TOO_MANY_REQUESTS, "Too many requests; Retry-After says when to come again."),
        (true, StatusCode::SERVICE_UNAVAILABLE, "Something that is needed is away; Retry-After says when to come again."),
        (true, StatusCode::INTERNAL_SERVER_ERROR, "A fault of this program; the log has more under the request's id."),
        (!public, StatusCode::UNAUTHORIZED, "Nobody is signed in, or not any more."),
        (!public || row.method != Method::GET, StatusCode::FORBIDDEN, "Not allowed, or asked for by a page of another site."),
        (row.path.contains('{'), StatusCode::NOT_FOUND, "There is no such thing here."),
        (row.creates, StatusCode::CONFLICT, "The request with this Idempotency-Key is still at work, or was done and its answer is lost."),
        (has_body || row.creates, StatusCode::BAD_REQUEST, "The request cannot be read."),
        (has_body || row.creates, StatusCode::PAYLOAD_TOO_LARGE, "The body is too long."),
        (has_body, StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not of a type that is read here."),
        (has_body || row.creates, StatusCode::UNPROCESSABLE_ENTITY, "Fields are not right, or the Idempotency-Key is another request's."),
    ]
}

fn security(access: Access) -> Vec<SecurityRequirement> {
    match access {
        Access::Public => Vec::new(),
        Access::SignedIn | Access::Needs(_) => {
            ["token", "key", "cookie"].map(|scheme| SecurityRequirement::new(scheme, std::iter::empty::<String>())).into()
        }
    }
}

fn extensions(row: &Row) -> Extensions {
    let needs: Vec<&str> = match row.access {
        Access::Public | Access::SignedIn => Vec::new(),
        Access::Needs(needed) => needed.iter().map(|permission| Permission::as_str(*permission)).collect(),
    };
    ExtensionsBuilder::new().add("x-permissions", json!(needs)).add("x-rate-limit", json!(row.budget.as_str())).build()
}

fn problem(about: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(<Written<'static> as ToSchema>::name()))).build();
    ResponseBuilder::new().description(about).content(MEDIA_TYPE, body).build()
}
