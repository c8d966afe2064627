//! Signing in with an OpenID provider.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use call::{TenantId, Timestamp};
use people::{OpenId, OpenIdError, Returned, SIGN_IN_LIMIT};
use privacy::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{answer, kind};
use crate::cookie;
use crate::extract::{ApiJson, ClientInfo};
use crate::handlers::answers::{BadRequest, Invalid, NotFound, WrongCredentials};
use crate::handlers::check::Check;
use crate::handlers::clock::now;
use crate::problem::Problem;
use crate::settings::ApiSettings;
use crate::state::ApiState;

/// The cookie that binds a sign-in to the browser that began it.
const UNDER_TLS: &str = "__Host-voicenoob-openid";
const WITHOUT_TLS: &str = "voicenoob-openid";
/// Longest code, state or error that a provider sends, characters; the common ones have some hundreds.
const RETURNED_MAX: usize = 4_096;

/// Where to send the browser.
#[derive(Serialize, ToSchema)]
pub(crate) struct Redirection {
    /// The provider's page.
    url: String,
    /// Then it is too late.
    ends_at: Timestamp,
}

/// What the provider sent back in the address of the page it returned to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnedRequest {
    #[schema(value_type = Option<String>, max_length = 4096)]
    code: Option<Secret>,
    #[schema(value_type = Option<String>, max_length = 4096)]
    state: Option<Secret>,
    #[schema(max_length = 4096)]
    iss: Option<String>,
    /// When the person or the provider said no.
    #[schema(max_length = 4096)]
    error: Option<String>,
    /// The workspace to work in. Left out: the first of the person's.
    workspace_id: Option<Uuid>,
    /// True for a browser: the session is a cookie, and the answer holds no token.
    #[serde(default)]
    cookie: bool,
}

/// Begin to sign in with the OpenID provider
///
/// The cookie of this answer binds the sign-in to the browser.
#[utoipa::path(
    post, path = "/api/v1/auth/openid/begin", operation_id = "beginOpenId", tag = "Signing in",
    responses((status = 200, description = "Where to send the browser.", body = Redirection), NotFound)
)]
pub(crate) async fn begin(State(api): State<ApiState>) -> Result<Response, Problem> {
    let begun = provider(&api)?.begin(&api.db, api.sealer.as_ref(), now()).await.map_err(told)?;
    let cookie = binding_cookie(&api.settings, begun.binding.expose(), SIGN_IN_LIMIT.as_secs())?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Redirection { url: begun.url, ends_at: begun.ends_at })).into_response())
}

/// Sign in with what the OpenID provider sent back
#[utoipa::path(
    post, path = "/api/v1/auth/openid/finish", operation_id = "finishOpenId", tag = "Signing in", request_body = ReturnedRequest,
    responses(
        (status = 200, description = "Signed in.", body = super::told::SignedIn),
        (status = 202, description = "A code of the second factor is wanted.", body = super::told::SecondFactorNeeded),
        BadRequest, WrongCredentials, NotFound, Invalid
    )
)]
pub(crate) async fn finish(
    State(api): State<ApiState>,
    ClientInfo(client): ClientInfo,
    headers: HeaderMap,
    ApiJson(body): ApiJson<ReturnedRequest>,
) -> Result<Response, Problem> {
    let openid = provider(&api)?;
    body.check()?;
    let now = now();
    let binding = cookie::given(&headers, binding_name(&api.settings)).ok_or_else(|| told(OpenIdError::UnknownState))?;
    let binding = Secret::from(binding.to_owned());
    let (tenant, kind) = (body.workspace_id.map(TenantId), kind(body.cookie));
    let returned = Returned { code: body.code, state: body.state, iss: body.iss, error: body.error };
    let identity = openid.finish(&api.db, api.sealer.as_ref(), &returned, &binding, now).await.map_err(told)?;
    let login = api.people.login_by_identity(openid, &identity, tenant, kind, &client, now).await?;
    let mut response = answer(&api, login);
    response.headers_mut().append(header::SET_COOKIE, binding_cookie(&api.settings, "", 0)?);
    Ok(response)
}

impl ReturnedRequest {
    fn check(&self) -> Result<(), Problem> {
        let mut check = Check::default();
        let secret = |secret: &Option<Secret>| secret.as_ref().map_or(0, |text| text.expose().chars().count());
        let text = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
        let all =
            [("/code", secret(&self.code)), ("/state", secret(&self.state)), ("/iss", text(&self.iss)), ("/error", text(&self.error))];
        for (field, length) in all {
            if length > RETURNED_MAX {
                check.wrong(field, format!("must have at most {RETURNED_MAX} characters"));
            }
        }
        check.done()
    }
}

fn provider(api: &ApiState) -> Result<&OpenId, Problem> {
    api.openid.as_ref().ok_or_else(|| Problem::missing("OpenID provider"))
}

fn binding_name(settings: &ApiSettings) -> &'static str {
    if settings.under_tls() { UNDER_TLS } else { WITHOUT_TLS }
}

fn binding_cookie(settings: &ApiSettings, value: &str, seconds: i64) -> Result<HeaderValue, Problem> {
    let secure = if settings.under_tls() { "; Secure" } else { "" };
    let text = format!("{}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}", binding_name(settings));
    HeaderValue::from_str(&text).map_err(|fault| Problem::internal_because(&fault))
}

/// What the person may know of it. What the provider said wrong goes to the log.
fn told(error: OpenIdError) -> Problem {
    match error {
        OpenIdError::Denied { .. } | OpenIdError::UnknownState => Problem::unauthenticated(error.to_string()),
        OpenIdError::Refused { .. } => {
            tracing::warn!(%error, "a sign-in with the OpenID provider was refused");
            Problem::unauthenticated("the OpenID provider's answer was refused; sign in again, and look into the log if it goes on")
        }
        OpenIdError::Provider { .. } => {
            tracing::warn!(%error, "the OpenID provider failed");
            Problem::unavailable(
                "openid_provider",
                "the OpenID provider does not answer as it should; try again, or sign in with a password",
            )
        }
        OpenIdError::Store(error) => error.into(),
        OpenIdError::Settings { .. } | OpenIdError::Secrets(_) => Problem::internal_because(&error),
    }
}
