//! Why signing in with a provider did not work.

use secrets::SecretsError;
use store::StoreError;

/// Why somebody could not be signed in with an OpenID provider.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdError {
    /// A setting is wrong.
    #[error("the setting {setting} is wrong: {why}")]
    Settings {
        /// Its name.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The provider does not answer, or not as OpenID Connect says.
    #[error("the OpenID provider {issuer} did not {doing}: {why}; check that it can be reached and knows this client, then sign in again")]
    Provider {
        /// The provider.
        issuer: String,
        /// What it was to do.
        doing: &'static str,
        /// What came instead. Never a token, never anything about a person.
        why: String,
    },
    /// The person or the provider said no.
    #[error("the OpenID provider did not sign you in ({code}); sign in again")]
    Denied {
        /// Its error code.
        code: String,
    },
    /// Never begun, taken before, too late, or another browser: which of them is not said.
    #[error("this sign-in was not begun in this browser, or is over; sign in again")]
    UnknownState,
    /// What the provider says about the person cannot be trusted.
    #[error("the answer of the OpenID provider is refused: {why}; sign in again, and tell the administrator if it goes on")]
    Refused {
        /// Which check failed.
        why: &'static str,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealing.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}
