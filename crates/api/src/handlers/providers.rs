//! Keys of vendors and carriers. They come in, are sealed, and are never shown again.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{TenantId, Timestamp};
use people::{Principal, Who};
use privacy::Secret;
use serde::{Deserialize, Serialize};
use store::provider_keys;
use utoipa::{IntoParams, ToSchema};

use super::answers::{BadRequest, Invalid, NotFound};
use super::check::Check;
use super::clock::now;
use crate::audited::{Act, Done, privileged};
use crate::extract::{ApiJson, ApiPath, Caller};
use crate::problem::Problem;
use crate::state::ApiState;

/// Longest key, characters; the long ones are the JSON documents of Google's service accounts (some 2,400).
const KEY_MAX: usize = 16 * 1024;
/// Shortest key, characters: an account's name at Twilio has 34, the shortest keys of vendors 32; anything near nothing is a slip.
const KEY_MIN: usize = 8;
/// Of shorter keys no letters are shown: four of them would be too much of the whole.
const ENDING_FROM: usize = 16;
/// Letters that are shown.
const ENDING: usize = 4;

macro_rules! providers {
    ($($(#[$doc:meta])* $name:ident = $text:tt,)*) => {
        // `tt`: the document reads the attribute too, and does not see through a `literal`.
        /// Whose interface a key opens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub enum Provider {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Provider {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in addresses and records.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

providers! {
    /// OpenAI's API key.
    Openai = "openai",
    /// Azure OpenAI's key.
    AzureOpenai = "azure_openai",
    /// Anthropic's API key.
    Anthropic = "anthropic",
    /// Deepgram's API key.
    Deepgram = "deepgram",
    /// ElevenLabs' API key.
    Elevenlabs = "elevenlabs",
    /// Azure Speech's key.
    AzureSpeech = "azure_speech",
    /// Cerebras' API key.
    Cerebras = "cerebras",
    /// Groq's API key.
    Groq = "groq",
    /// Google's API key, or the JSON document of a service account.
    Google = "google",
    /// Telnyx' API key.
    TelnyxApiKey = "telnyx_api_key",
    /// Telnyx' public key, with which its webhooks are verified.
    TelnyxPublicKey = "telnyx_public_key",
    /// The account's name at Twilio.
    TwilioAccountSid = "twilio_account_sid",
    /// The account's token at Twilio, with which its webhooks are verified.
    TwilioAuthToken = "twilio_auth_token",
}

impl Provider {
    /// By its word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|provider| provider.as_str() == text)
    }
}

/// For what, and for whom, a provider's key is sealed: who opens it must say the same.
pub fn sealed_for(tenant: TenantId, provider: Provider) -> String {
    format!("provider-key:{tenant}:{}", provider.as_str())
}

/// What is shown of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderState {
    provider: Provider,
    /// True when there is a key.
    set: bool,
    /// Its last four letters; `null` for short ones.
    ending: Option<String>,
    updated_at: Option<Timestamp>,
    /// Who set it: `user:` or `api_key:` and an id, or `operator`.
    updated_by: Option<String>,
}

/// Every provider there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Providers {
    items: Vec<ProviderState>,
}

/// A key, which is not shown again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSecret {
    #[schema(
        value_type = String, format = Password, min_length = 8, max_length = 16384, write_only,
        pattern = r"^([!-~]([ -~]*[!-~])?|\{[ -~\t\r\n]*\})$"
    )]
    value: Secret,
}

/// Whose key.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProviderParam {
    provider: Provider,
}

/// Which keys are set
#[utoipa::path(
    get, path = "/api/v1/settings/providers", operation_id = "listProviders", tag = "Settings",
    responses((status = 200, description = "Every provider there is, with what may be shown of its key.", body = Providers))
)]
pub(super) async fn list(State(api): State<ApiState>, caller: Caller) -> Result<Json<Providers>, Problem> {
    let keys = provider_keys::list(&api.db, caller.tenant()?).await?;
    let state = |provider: &Provider| {
        let key = keys.iter().find(|key| key.provider == provider.as_str());
        ProviderState {
            provider: *provider,
            set: key.is_some(),
            ending: key.and_then(|key| key.ending.clone()),
            updated_at: key.map(|key| key.updated_at),
            updated_by: key.map(|key| key.updated_by.clone()),
        }
    };
    Ok(Json(Providers { items: Provider::ALL.iter().map(state).collect() }))
}

/// Set a key
///
/// It takes the place of the one before.
#[utoipa::path(
    put, path = "/api/v1/settings/providers/{provider}", operation_id = "setProvider", tag = "Settings", params(ProviderParam),
    request_body = ProviderSecret,
    responses((status = 200, description = "It is set.", body = ProviderState), BadRequest, NotFound, Invalid)
)]
pub(super) async fn set(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<ProviderParam>,
    ApiJson(body): ApiJson<ProviderSecret>,
) -> Result<Json<ProviderState>, Problem> {
    let (tenant, provider, now) = (caller.tenant()?, path.provider, now());
    checked(&body.value)?;
    let ending = ending(body.value.expose());
    let by = by(&caller.principal);
    let sealed = api.sealer.seal(&sealed_for(tenant, provider), body.value.expose().as_bytes()).await;
    let sealed = sealed.map_err(|fault| Problem::internal_because(&fault))?;
    let act = Act::new("provider_key.set", "provider_key").on(provider.as_str());
    let done = privileged(&api, &caller, act, async |tx| {
        provider_keys::set(tx, tenant, provider.as_str(), &sealed, ending.as_deref(), &by, now).await?;
        Ok(Done::new(()).after(&sealed))
    });
    done.await?;
    api.directory.changed();
    Ok(Json(ProviderState { provider, set: true, ending, updated_at: Some(now), updated_by: Some(by) }))
}

/// Forget a key
#[utoipa::path(
    delete, path = "/api/v1/settings/providers/{provider}", operation_id = "removeProvider", tag = "Settings", params(ProviderParam),
    responses((status = 204, description = "It is gone."), NotFound)
)]
pub(super) async fn remove(
    State(api): State<ApiState>,
    caller: Caller,
    ApiPath(path): ApiPath<ProviderParam>,
) -> Result<StatusCode, Problem> {
    let (tenant, provider) = (caller.tenant()?, path.provider);
    let act = Act::new("provider_key.remove", "provider_key").on(provider.as_str());
    let done = privileged(&api, &caller, act, async |tx| {
        let there = provider_keys::remove(tx, tenant, provider.as_str()).await?;
        if there { Ok(Done::new(())) } else { Err(Problem::missing("key")) }
    });
    done.await?;
    api.directory.changed();
    Ok(StatusCode::NO_CONTENT)
}

fn checked(value: &Secret) -> Result<(), Problem> {
    let mut check = Check::default();
    let text = value.expose();
    if !(KEY_MIN..=KEY_MAX).contains(&text.chars().count()) {
        check.wrong("/value", format!("must have {KEY_MIN} to {KEY_MAX} characters"));
    }
    if !is_line(text) && !is_document(text) {
        check.wrong("/value", "must be one line of ASCII letters without spaces around it, or the JSON document of a service account");
    }
    check.done()
}

/// What can stand in a header of HTTP.
fn is_line(text: &str) -> bool {
    text.trim_matches(' ') == text && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn is_document(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

/// The last letters, unless they would be too much of the whole.
fn ending(text: &str) -> Option<String> {
    let letters = text.chars().count();
    (letters >= ENDING_FROM).then(|| text.chars().skip(letters - ENDING).collect())
}

fn by(principal: &Principal) -> String {
    match principal.who {
        Who::User { id, .. } => format!("user:{id}"),
        Who::ApiKey { id } => format!("api_key:{id}"),
        Who::Operator => "operator".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_short_key_nothing_is_shown() {
        assert_eq!(ending("sk-0123456789abcdef"), Some("cdef".into()));
        assert_eq!(ending("0123456789abcde"), None);
    }

    #[test]
    fn every_provider_is_found_by_its_word_and_sealed_for_itself() {
        for provider in Provider::ALL {
            assert_eq!(Provider::parse(provider.as_str()), Some(*provider));
            assert_eq!(serde_json::to_value(provider).unwrap(), provider.as_str());
        }
        assert_ne!(sealed_for(TenantId::DEFAULT, Provider::Openai), sealed_for(TenantId::DEFAULT, Provider::Groq));
    }
}
