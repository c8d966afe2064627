//! Who may see the console: whoever the API lets in and may see calls. The API's own table is in the crate `api`.

use std::net::SocketAddr;

use api::Problem;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use call::TenantId;
use people::{Permission, Principal};
use subtle::ConstantTimeEq;

use crate::state::App;

/// Lets people pass who may see calls; browsers of others are sent to the sign-in.
pub(crate) async fn console_only(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    if !request.method().is_safe() && is_cross_site(request.headers()) {
        return Problem::forbidden("cross_site", "a page of another site may not change anything here").into_response();
    }
    let problem = match api::authenticated(&app.api, request.headers(), peer).await {
        Ok(principal) if principal.may(Permission::CallView) => {
            request.extensions_mut().insert(principal);
            return next.run(request).await;
        }
        Ok(principal) if principal.tenant.is_none() && is_browser(request.headers()) => return Redirect::to("/workspace").into_response(),
        Ok(_) => Problem::forbidden("permission", "this needs the permission call:view in a workspace; ask its administrator"),
        Err(problem) => problem,
    };
    match problem.status {
        StatusCode::UNAUTHORIZED if is_browser(request.headers()) => Redirect::to("/sign-in").into_response(),
        _ => problem.into_response(),
    }
}

/// A page is asked for, not data.
fn is_browser(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// Browsers say where a request comes from; programs do not.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// Who looks at the console, and in which workspace.
#[derive(Clone)]
pub(crate) struct Viewer {
    pub(crate) principal: Principal,
    pub(crate) tenant: TenantId,
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let principal = parts.extensions.get::<Principal>().cloned();
        let principal = principal.ok_or_else(|| Problem::internal_because(&"a page outside of the console asks who looks at it"))?;
        let tenant =
            principal.tenant.ok_or_else(|| Problem::forbidden("no_workspace", "choose a workspace: POST /api/v1/auth/workspace"))?;
        Ok(Self { principal, tenant })
    }
}

/// True for a request that carries the operator token as its bearer. Needs nothing but the settings: health is asked when the rest is away.
pub(crate) fn is_operator(app: &App, headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let token = app.settings.operator_token.as_ref().map(|token| token.expose().as_bytes());
    token.zip(bearer).is_some_and(|(token, given)| token.ct_eq(given.as_bytes()).into())
}
