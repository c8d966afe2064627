//! Requests whose signature was checked. A handler that takes one cannot be reached by an unsigned request.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use call::Carrier;
use jiff::Timestamp;
use serde_json::json;
use telephony::{MAX_BODY_BYTES, telnyx, twilio};
use tracing::warn;

use crate::origin::Origin;
use crate::state::App;

/// A webhook that its carrier has signed.
pub(crate) trait Signed: FromRequest<App, Rejection = Response> + Send {
    /// Whose signature.
    const CARRIER: Carrier;
    /// The raw body.
    fn body(&self) -> &[u8];
    /// Its media type.
    fn content_type(&self) -> Option<&str>;
    /// The address the carrier knows us by.
    fn origin(&self) -> &Origin;
}

struct Checked {
    body: Bytes,
    content_type: Option<String>,
    origin: Origin,
}

/// Signed by Twilio.
pub(crate) struct SignedTwilio(Checked);
/// Signed by Telnyx.
pub(crate) struct SignedTelnyx(Checked);

macro_rules! signed {
    ($name:ident, $carrier:expr) => {
        impl Signed for $name {
            const CARRIER: Carrier = $carrier;
            fn body(&self) -> &[u8] {
                &self.0.body
            }
            fn content_type(&self) -> Option<&str> {
                self.0.content_type.as_deref()
            }
            fn origin(&self) -> &Origin {
                &self.0.origin
            }
        }

        impl FromRequest<App> for $name {
            type Rejection = Response;
            async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
                check($carrier, request, app).await.map(Self)
            }
        }
    };
}
signed!(SignedTwilio, Carrier::Twilio);
signed!(SignedTelnyx, Carrier::Telnyx);

async fn check(carrier: Carrier, request: Request, app: &App) -> Result<Checked, Response> {
    let (mut parts, body) = request.into_parts();
    let uri = OriginalUri::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?.0;
    let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
    let Some(origin) = Origin::of(&app.settings, peer, &parts.headers) else {
        return Err(refuse(StatusCode::BAD_REQUEST, carrier, "The Host header is missing or malformed").into());
    };
    let body = axum::body::to_bytes(Body::new(body), MAX_BODY_BYTES)
        .await
        .map_err(|_| refuse(StatusCode::PAYLOAD_TOO_LARGE, carrier, "The body is too large or did not arrive"))?;
    let content_type = text(&parts.headers, header::CONTENT_TYPE.as_str()).map(str::to_owned);
    match carrier {
        Carrier::Twilio => {
            // A carrier that was sent to this very instance signs the address it was sent to.
            let own = app.settings.call_centre.instance_url.as_deref().map(|url| Origin::at(url).url(&uri));
            let urls: Vec<_> = std::iter::once(origin.url(&uri)).chain(own).collect();
            let urls: Vec<_> = urls.iter().map(String::as_str).collect();
            twilio_signature(app, &parts.headers, &urls, &body, content_type.as_deref())?;
        }
        Carrier::Telnyx => telnyx_signature(app, &parts.headers, &body)?,
    }
    Ok(Checked { body, content_type, origin })
}

fn twilio_signature(app: &App, headers: &HeaderMap, urls: &[&str], body: &[u8], content_type: Option<&str>) -> Result<(), Refusal> {
    let missing = || refuse(StatusCode::FORBIDDEN, Carrier::Twilio, "Missing Twilio signature");
    let signature = text(headers, "x-twilio-signature").ok_or_else(missing)?;
    let valid = twilio::signature::verify(urls, body, content_type, signature, app.keys.twilio_auth_token.expose());
    if valid { Ok(()) } else { Err(refuse(StatusCode::FORBIDDEN, Carrier::Twilio, "Invalid Twilio signature")) }
}

fn telnyx_signature(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let missing = || refuse(StatusCode::FORBIDDEN, Carrier::Telnyx, "Missing Telnyx signature");
    let signature = text(headers, "telnyx-signature-ed25519").ok_or_else(missing)?;
    let timestamp = text(headers, "telnyx-timestamp").ok_or_else(missing)?;
    telnyx::signature::verify(body, timestamp, signature, &app.keys.telnyx_public_key, Timestamp::now().as_second()).map_err(|fault| {
        warn!(error = %fault, "webhook refused");
        refuse(StatusCode::FORBIDDEN, Carrier::Telnyx, "Invalid Telnyx signature")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn refuse(status: StatusCode, carrier: Carrier, detail: &'static str) -> Refusal {
    warn!(carrier = carrier.as_str(), status = status.as_u16(), detail, "webhook refused");
    Refusal(status, detail)
}

/// Why a webhook is not taken.
#[derive(Debug, Clone, Copy)]
struct Refusal(StatusCode, &'static str);

impl From<Refusal> for Response {
    fn from(Refusal(status, detail): Refusal) -> Self {
        (status, axum::Json(json!({ "detail": detail }))).into_response()
    }
}
