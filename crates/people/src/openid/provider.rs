//! What is known of the provider: its addresses and its keys, asked for when they are needed and kept for a while.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    ProviderMetadata, RedirectUrl,
};
use resilience::Guard;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::http::{Http, chain};
use super::{OpenIdError, OpenIdSettings};

/// How long addresses and keys are used before they are asked for again.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);
/// A key we do not know makes us ask for the keys at most this often.
const KEYS_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// A provider that failed is asked again after this time at the earliest: others wait in line behind the one who asks.
const FAILED_FOR: SignedDuration = SignedDuration::from_secs(5);
/// Most keys of a provider. They have two to five.
const MAX_KEYS: usize = 100;

/// What a provider says of itself beyond the core of OpenID Connect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Further {
    /// RFC 9207: it names itself in every answer.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    /// RFC 8414: how PKCE may be done.
    #[serde(default)]
    pub(super) code_challenge_methods_supported: Option<Vec<String>>,
}

impl AdditionalProviderMetadata for Further {}

pub(super) type Metadata = ProviderMetadata<
    Further,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A client that knows where to send people and codes.
pub(super) type Ready = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The provider.
pub(super) struct Provider {
    pub(super) http: Http,
    issuer: IssuerUrl,
    /// Held while the provider is asked: one asks for all.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, Timestamp)>,
    keys_at: Option<Timestamp>,
    failed: Option<(String, Timestamp)>,
}

impl Provider {
    pub(super) fn new(issuer: &str, guard: Guard) -> Result<Self, OpenIdError> {
        let wrong = |why| OpenIdError::Settings { setting: "OPENID_ISSUER", why };
        let http = Http::new(issuer, guard).map_err(wrong)?;
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { http, issuer, known: Mutex::default() })
    }

    /// What is known of it; asks when that is nothing, or old.
    pub(super) async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, OpenIdError> {
        let mut known = self.known.lock().await;
        if let Some((metadata, at)) = &known.metadata
            && now.duration_since(*at) < KNOWN_FOR
        {
            return Ok(Arc::clone(metadata));
        }
        if let Some((why, at)) = &known.failed
            && now.duration_since(*at) < FAILED_FOR
        {
            return Err(self.fault("say where to sign in", why.clone()));
        }
        match Metadata::discover_async(self.issuer.clone(), &self.http).await.map_err(|error| chain(&error)).and_then(checked) {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *known = Known { metadata: Some((Arc::clone(&metadata), now)), keys_at: None, failed: None };
                Ok(metadata)
            }
            Err(why) => {
                known.failed = Some((why.clone(), now));
                Err(self.fault("say where to sign in", why))
            }
        }
    }

    /// Its keys once more, as a token was signed with one that `seen` does not have. None when they were asked for a moment ago.
    pub(super) async fn newer_keys(&self, seen: &Arc<Metadata>, now: Timestamp) -> Result<Option<Arc<Metadata>>, OpenIdError> {
        let mut known = self.known.lock().await;
        let (current, read_at) = known.metadata.clone().unwrap_or((Arc::clone(seen), now));
        // Another sign-in has asked meanwhile.
        if !Arc::ptr_eq(&current, seen) {
            return Ok(Some(current));
        }
        if known.keys_at.is_some_and(|at| now.duration_since(at) < KEYS_AGAIN) {
            return Ok(None);
        }
        known.keys_at = Some(now);
        let keys = CoreJsonWebKeySet::fetch_async(seen.jwks_uri(), &self.http).await;
        let keys = keys.map_err(|error| self.fault("give its keys", chain(&error)))?;
        let newer = checked(Metadata::clone(seen).set_jwks(keys)).map_err(|why| self.fault("give its keys", why))?;
        let newer = Arc::new(newer);
        known.metadata = Some((Arc::clone(&newer), read_at));
        Ok(Some(newer))
    }

    /// A client of it.
    pub(super) fn client(&self, metadata: &Metadata, settings: &OpenIdSettings) -> Result<Ready, OpenIdError> {
        let secret = settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let redirect = RedirectUrl::new(settings.redirect_url.clone());
        let redirect = redirect.map_err(|error| OpenIdError::Settings { setting: "PUBLIC_URL", why: error.to_string() })?;
        let client = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(settings.client_id.clone()), secret);
        Ok(client.set_redirect_uri(redirect).set_auth_type(how_we_authenticate(metadata)))
    }

    pub(super) fn fault(&self, doing: &'static str, why: String) -> OpenIdError {
        OpenIdError::Provider { issuer: self.issuer.to_string(), doing, why }
    }
}

/// Things that would fail later, or be unsafe.
fn checked(metadata: Metadata) -> Result<Metadata, String> {
    let keys = metadata.jwks().keys().len();
    if !(1..=MAX_KEYS).contains(&keys) {
        return Err(format!("it has {keys} keys we can use; there must be 1 to {MAX_KEYS}"));
    }
    if metadata.token_endpoint().is_none() {
        return Err("it has no token endpoint, so no codes can be exchanged".to_owned());
    }
    let methods = metadata.additional_metadata().code_challenge_methods_supported.as_ref();
    // A provider that lists nothing may still do it: OpenID Connect's own metadata has no such member.
    if methods.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
        return Err("it does not support PKCE with S256".to_owned());
    }
    Ok(metadata)
}

/// In the header, as is the rule, unless the provider takes the secret in the body only.
fn how_we_authenticate(metadata: &Metadata) -> AuthType {
    let Some(ways) = metadata.token_endpoint_auth_methods_supported() else { return AuthType::BasicAuth };
    let body_only = ways.contains(&CoreClientAuthMethod::ClientSecretPost) && !ways.contains(&CoreClientAuthMethod::ClientSecretBasic);
    if body_only { AuthType::RequestBody } else { AuthType::BasicAuth }
}
