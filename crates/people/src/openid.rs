//! Sign-in with an OpenID Connect provider: authorization code with PKCE, state and nonce.
//!
//! [`OpenId::begin`] makes the address a browser is sent to, [`OpenId::finish`] takes what the provider sent back and says who it is. What lies
//! between the two is a ticket in the store, sealed, taken once, and bound to the browser by a value in a short cookie.

mod error;
mod exchange;
mod http;
mod provider;
mod under_way;

use std::sync::Arc;

use call::TenantId;
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use privacy::{Pii, Secret};
use resilience::Guard;
use secrets::{Sealer, random_token};
use store::Database;

use crate::Role;
pub use error::OpenIdError;
use exchange::{Exchange, shown};
use provider::Provider;
use under_way::UnderWay;

/// How long a person may take at the provider. The cookie of [`Begun::binding`] lives as long.
pub const SIGN_IN_LIMIT: SignedDuration = SignedDuration::from_mins(10);

/// Longest code that is exchanged. Providers' have up to some hundred bytes; those that put it all into the code, some thousand.
const MAX_CODE_BYTES: usize = 8 << 10;

/// A provider, and what its word is worth here.
#[derive(Debug, Clone)]
pub struct OpenIdSettings {
    /// The provider's name in documents of its own: `https://accounts.example.com`.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// Our password there; None for a public client.
    pub client_secret: Option<Secret>,
    /// Where the provider sends the browser back to, as registered there.
    pub redirect_url: String,
    /// Domains of e-mail addresses for which an account is made at the first sign-in. Empty: for none.
    pub allowed_domains: Vec<String>,
    /// What a new person becomes.
    pub default_role: Role,
    /// The workspace a new person comes into.
    pub tenant: TenantId,
    /// The provider's name on the button.
    pub name: String,
}

/// Where to send the browser.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The provider's page.
    pub url: String,
    /// For a cookie (`__Host-`, HttpOnly, Secure, SameSite=Lax) that lives [`SIGN_IN_LIMIT`].
    pub binding: Secret,
    /// Then it is too late.
    pub ends_at: Timestamp,
}

/// What the provider's redirect carried.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    /// `code`.
    pub code: Option<Secret>,
    /// `state`.
    pub state: Option<Secret>,
    /// `iss` (RFC 9207).
    pub iss: Option<String>,
    /// `error`: the person or the provider said no.
    pub error: Option<String>,
}

/// Who signed in, in the provider's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// The person's lasting id there.
    pub subject: String,
    /// The person's address.
    pub email: Option<Pii<String>>,
    /// Whether the provider has seen that the address is the person's. Only then it says which account is meant.
    pub email_verified: bool,
    /// The person's name.
    pub name: Option<Pii<String>>,
}

/// Sign-in with one provider. Clones share what is known of it.
#[derive(Clone)]
pub struct OpenId(Arc<Inner>);

struct Inner {
    settings: OpenIdSettings,
    provider: Provider,
}

impl OpenId {
    /// Checks the settings. The provider is asked when somebody signs in, so that it may be away when we start.
    pub fn new(settings: OpenIdSettings, guard: Guard) -> Result<Self, OpenIdError> {
        let provider = Provider::new(&settings.issuer, guard)?;
        if settings.client_id.is_empty() {
            return Err(OpenIdError::Settings { setting: "OPENID_CLIENT_ID", why: "it is empty".to_owned() });
        }
        RedirectUrl::new(settings.redirect_url.clone())
            .map_err(|error| OpenIdError::Settings { setting: "PUBLIC_URL", why: error.to_string() })?;
        if let Some(wrong) = settings.allowed_domains.iter().find(|domain| domain.is_empty() || domain.contains(['@', '*', ' ', '/'])) {
            let why = format!("{wrong:?} is no domain; write them as example.com");
            return Err(OpenIdError::Settings { setting: "OPENID_DOMAINS", why });
        }
        Ok(Self(Arc::new(Inner { settings, provider })))
    }

    /// The settings.
    pub fn settings(&self) -> &OpenIdSettings {
        &self.0.settings
    }

    /// Begins: asks the provider for its addresses unless they are known, and keeps a ticket.
    pub async fn begin(&self, db: &Database, sealer: &dyn Sealer, now: Timestamp) -> Result<Begun, OpenIdError> {
        let Inner { settings, provider } = &*self.0;
        let metadata = provider.metadata(now).await?;
        let client = provider.client(&metadata, settings)?;
        let (state, nonce, verifier, binding) = (random_token()?, random_token()?, random_token()?, random_token()?);
        let under_way = UnderWay::new(&settings.issuer, &nonce, &verifier, &binding);
        let ends_at = under_way.keep(db, sealer, &state, now).await?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.expose().to_owned()));
        let (state, nonce) = (CsrfToken::new(state.expose().to_owned()), Nonce::new(nonce.expose().to_owned()));
        let page = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce);
        let scopes = ["email", "profile"].map(|scope| Scope::new(scope.to_owned()));
        let (url, ..) = page.add_scopes(scopes).set_pkce_challenge(challenge).url();
        Ok(Begun { url: url.into(), binding, ends_at })
    }

    /// Ends it: who signed in. `binding` is the cookie's value. Whatever comes of it, the same redirect works no second time.
    pub async fn finish(
        &self,
        db: &Database,
        sealer: &dyn Sealer,
        returned: &Returned,
        binding: &Secret,
        now: Timestamp,
    ) -> Result<Identity, OpenIdError> {
        let Inner { settings, provider } = &*self.0;
        let state = returned.state.as_ref().ok_or(OpenIdError::UnknownState)?;
        let under_way = UnderWay::take(db, sealer, state, binding, now).await?;
        if under_way.issuer != settings.issuer {
            return Err(OpenIdError::UnknownState);
        }
        let metadata = provider.metadata(now).await?;
        let names_itself = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        // RFC 9207: an answer of another provider that shares our redirect address.
        if returned.iss.as_ref().map_or(names_itself, |iss| *iss != settings.issuer) {
            return Err(OpenIdError::Refused { why: "it is of another issuer" });
        }
        if let Some(code) = &returned.error {
            return Err(OpenIdError::Denied { code: shown(code) });
        }
        let code = returned.code.as_ref().filter(|code| (1..=MAX_CODE_BYTES).contains(&code.expose().len()));
        let code = code.ok_or(OpenIdError::Refused { why: "it holds no code" })?;
        Exchange { provider, settings, metadata, now }.identity(code, &under_way).await
    }

    /// True when an account may be made for this person: a verified address of an allowed domain.
    pub fn may_create(&self, identity: &Identity) -> bool {
        let Some((_, domain)) = identity.email.as_ref().and_then(|email| email.expose().rsplit_once('@')) else { return false };
        identity.email_verified && self.settings().allowed_domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
    }
}

impl std::fmt::Debug for OpenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenId").field("issuer", &self.0.settings.issuer).finish_non_exhaustive()
    }
}
