//! From the provider's code to a person: exchange, ID token, and what the token leaves out.

use std::sync::Arc;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreErrorResponseType, CoreGenderClaim, CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, EmptyAdditionalClaims, Nonce, OAuth2TokenResponse, PkceCodeVerifier,
    RequestTokenError, SignatureVerificationError, StandardErrorResponse, TokenResponse, UserInfoClaims, UserInfoError,
};
use privacy::{Pii, Secret};

use super::http::{HttpFault, chain};
use super::provider::{Metadata, Provider, Ready};
use super::under_way::UnderWay;
use super::{Identity, OpenIdError, OpenIdSettings};

/// What the provider's clock may differ from ours.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);
/// Longest subject (OpenID Connect Core 2).
const MAX_SUBJECT_BYTES: usize = 255;
/// Longest address of a mailbox (RFC 5321, 4.5.3.1.3: a path without its brackets).
const MAX_EMAIL_BYTES: usize = 254;
/// Most of a name that is kept.
const MAX_NAME_CHARS: usize = 200;
/// Longest error code that is shown.
const MAX_CODE_CHARS: usize = 64;

/// Signatures that are taken: those by a key only the provider has. `none` and those with our own secret are not among them.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A sign-in whose code came back.
pub(super) struct Exchange<'a> {
    pub(super) provider: &'a Provider,
    pub(super) settings: &'a OpenIdSettings,
    pub(super) metadata: Arc<Metadata>,
    pub(super) now: Timestamp,
}

impl Exchange<'_> {
    /// Who it is.
    pub(super) async fn identity(self, code: &Secret, under_way: &UnderWay) -> Result<Identity, OpenIdError> {
        let client = self.provider.client(&self.metadata, self.settings)?;
        let tokens = self.tokens(&client, code, under_way).await?;
        let id_token = tokens.id_token().ok_or(OpenIdError::Refused { why: "it holds no ID token" })?;
        let nonce = Nonce::new(under_way.nonce.clone());
        let claims = self.claims(client.clone(), id_token, &tokens, &nonce).await?;
        let mut person = Person::of_token(&claims);
        if person.email.is_none() && self.metadata.userinfo_endpoint().is_some() {
            person = person.completed(&self.user_info(&client, &tokens, &claims).await?);
        }
        let subject = claims.subject().as_str();
        if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES || subject.chars().any(char::is_control) {
            return Err(OpenIdError::Refused { why: "its ID token names nobody" });
        }
        Ok(person.identity(claims.issuer().as_str(), subject))
    }

    async fn tokens(&self, client: &Ready, code: &Secret, under_way: &UnderWay) -> Result<CoreTokenResponse, OpenIdError> {
        let fault = |why: String| self.provider.fault("exchange the code", why);
        let request = client.exchange_code(AuthorizationCode::new(code.expose().to_owned())).map_err(|error| fault(chain(&error)))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(under_way.verifier.clone()));
        request.request_async(&self.provider.http).await.map_err(|error| self.no_tokens(error))
    }

    /// What stood in the answer is not shown: it may be tokens.
    fn no_tokens(&self, error: RequestTokenError<HttpFault, StandardErrorResponse<CoreErrorResponseType>>) -> OpenIdError {
        let why = match error {
            RequestTokenError::ServerResponse(said) => match said.error() {
                CoreErrorResponseType::InvalidGrant | CoreErrorResponseType::InvalidRequest => {
                    return OpenIdError::Denied { code: shown(said.error().as_ref()) };
                }
                other => format!("it says {}", shown(other.as_ref())),
            },
            RequestTokenError::Request(fault) => fault.to_string(),
            RequestTokenError::Parse(error, _) => format!("its answer is not as it should be at {}", error.path()),
            RequestTokenError::Other(why) => why,
        };
        self.provider.fault("exchange the code", why)
    }

    /// What the ID token says, once it is found to be the provider's, for us, for this sign-in, and in time.
    async fn claims(
        &self,
        client: Ready,
        id_token: &CoreIdToken,
        tokens: &CoreTokenResponse,
        nonce: &Nonce,
    ) -> Result<CoreIdTokenClaims, OpenIdError> {
        let claims = match self.checked(&client, id_token, tokens, nonce) {
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let unknown = OpenIdError::Refused { why: "its ID token is signed with a key it does not show" };
                let newer = self.provider.newer_keys(&self.metadata, self.now).await?.ok_or(unknown)?;
                self.checked(&self.provider.client(&newer, self.settings)?, id_token, tokens, nonce)
            }
            checked => checked,
        };
        claims.map_err(|error| OpenIdError::Refused { why: refusal(&error) })
    }

    fn checked(
        &self,
        client: &Ready,
        id_token: &CoreIdToken,
        tokens: &CoreTokenResponse,
        nonce: &Nonce,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let verifier = self.verifier(client);
        let claims = id_token.claims(&verifier, nonce)?;
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token.signing_key(&verifier).map_err(ClaimsVerificationError::SignatureVerification)?;
            let algorithm = id_token.signing_alg().map_err(ClaimsVerificationError::SignatureVerification)?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if actual.ok().as_ref() != Some(expected) {
                return Err(ClaimsVerificationError::Other("at_hash".to_owned()));
            }
        }
        Ok(claims.clone())
    }

    fn verifier<'v>(&self, client: &'v Ready) -> CoreIdTokenVerifier<'v> {
        let (past, future) = (self.now - CLOCK_SKEW, (self.now + CLOCK_SKEW).as_second());
        let verifier = client.id_token_verifier().set_allowed_algs(SIGNATURES).set_time_fn(move || SystemTime::from(past).into());
        verifier.set_issue_time_verifier_fn(move |at| if at.timestamp() > future { Err("future".to_owned()) } else { Ok(()) })
    }

    /// Many providers tell the address only here.
    async fn user_info(
        &self,
        client: &Ready,
        tokens: &CoreTokenResponse,
        claims: &CoreIdTokenClaims,
    ) -> Result<UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim>, OpenIdError> {
        let fault = |why: String| self.provider.fault("say who signed in", why);
        let token = tokens.access_token();
        // It goes into a header.
        if token.secret().bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(OpenIdError::Refused { why: "its access token is malformed" });
        }
        // Somebody else's answer must not stand in for this person's.
        let request = client.user_info(token.clone(), Some(claims.subject().clone())).map_err(|error| fault(chain(&error)))?;
        request.request_async(&self.provider.http).await.map_err(|error| match error {
            UserInfoError::ClaimsVerification(error) => OpenIdError::Refused { why: refusal(&error) },
            UserInfoError::Request(error) => fault(error.to_string()),
            UserInfoError::Response(status, ..) => fault(format!("it answers {status}")),
            _ => fault("its answer is not as it should be".to_owned()),
        })
    }
}

/// What is said about a person.
struct Person {
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
}

impl Person {
    fn of_token(claims: &CoreIdTokenClaims) -> Self {
        Self {
            email: claims.email().map(|email| email.as_str().to_owned()),
            email_verified: claims.email_verified() == Some(true),
            name: claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned()),
        }
    }

    /// Address and proof always come from one place.
    fn completed(self, info: &UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim>) -> Self {
        Self {
            email: info.email().map(|email| email.as_str().to_owned()),
            email_verified: info.email_verified() == Some(true),
            name: self.name.or_else(|| Some(info.name()?.get(None)?.as_str().to_owned())),
        }
    }

    fn identity(self, issuer: &str, subject: &str) -> Identity {
        let email = self.email.filter(|email| is_mailbox(email));
        let name = self.name.map(|name| name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect::<String>());
        Identity {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            email_verified: self.email_verified && email.is_some(),
            email: email.map(Pii::new),
            name: name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).map(Pii::new),
        }
    }
}

/// Something before and after one `@`, without blanks.
fn is_mailbox(email: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let parts = email.split_once('@');
    email.len() <= MAX_EMAIL_BYTES
        && !email.contains(odd)
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

/// An error code as the provider wrote it, with nothing in it that could be more than a word.
pub(super) fn shown(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(MAX_CODE_CHARS).collect()
}

/// What a failed check means. The library's own words hold what stood in the token.
fn refusal(error: &ClaimsVerificationError) -> &'static str {
    use ClaimsVerificationError as Error;
    use SignatureVerificationError as Signature;
    match error {
        Error::Expired(_) => "its ID token has expired, or our clock is wrong",
        Error::InvalidAudience(_) => "its ID token is for another client",
        Error::InvalidIssuer(_) => "its ID token is of another issuer",
        Error::InvalidNonce(_) => "its ID token is of another sign-in (nonce)",
        Error::InvalidSubject(_) => "ID token and user info are about different people",
        Error::SignatureVerification(Signature::NoMatchingKey) => "its ID token is signed with a key it does not show",
        Error::SignatureVerification(Signature::DisallowedAlg(_) | Signature::UnsupportedAlg(_) | Signature::NoSignature) => {
            "its ID token is signed in a way that is not taken"
        }
        Error::SignatureVerification(_) => "the signature of its ID token is wrong",
        Error::Other(why) if why == "at_hash" => "ID token and access token do not belong together",
        _ => "its ID token breaks a rule of OpenID Connect",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_mailbox_is_taken_for_one() {
        for good in ["a@b.example", "Anna.Berg+x@hotel.example", "ä@ü.example"] {
            assert!(is_mailbox(good), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: x", &format!("{}@b", "a".repeat(254))] {
            assert!(!is_mailbox(bad), "{bad}");
        }
    }

    #[test]
    fn an_unverified_or_odd_address_proves_nothing() {
        let person =
            |email: &str, verified| Person { email: Some(email.to_owned()), email_verified: verified, name: Some(" A\u{7}nna ".into()) };
        assert!(person("a@b.example", true).identity("i", "s").email_verified);
        assert!(!person("a@b.example", false).identity("i", "s").email_verified);
        let odd = person("a@b@c", true).identity("i", "s");
        assert!(!odd.email_verified && odd.email.is_none());
        assert_eq!(odd.name, Some(Pii::new("Anna".to_owned())));
    }

    #[test]
    fn an_error_code_is_a_word() {
        assert_eq!(shown("access_denied"), "access_denied");
        assert_eq!(shown("<script>\r\nx: y"), "scriptxy");
        assert_eq!(shown(&"a".repeat(1000)).len(), MAX_CODE_CHARS);
    }
}
