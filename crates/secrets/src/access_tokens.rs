//! Access tokens: signed JWTs (RFC 7519, RFC 9068) that live for minutes.
//!
//! What a token may look like is narrower than the standard: exactly the members we write, each once, one algorithm, a known key. Everything else
//! (`jwk`, `jku`, `x5u`, `crit`, `b64`, `zip`, another `typ`) is refused before the signature is looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use privacy::Secret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::key_file::is_key_id;
use crate::{SecretsError, SigningKeys, TokenError};

/// Longest token that is looked at. Ours have about 500 bytes.
pub const MAX_TOKEN_BYTES: usize = 8 << 10;
/// What clocks of instances may differ by, in seconds: a token from the near future is taken. None is taken after its end.
pub const CLOCK_SKEW_SECS: i64 = 60;
/// Longest life of an access token, in seconds.
pub const MAX_TOKEN_LIFE_SECS: i64 = 15 * 60;
/// `typ` of an access token (RFC 9068, 2.1): no other kind of token passes for one.
pub const TOKEN_TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// Not valid before, in seconds since 1970.
    pub nbf: i64,
    /// Not valid from then on, in seconds since 1970.
    pub exp: i64,
    /// The token's own id.
    pub jti: Uuid,
    /// Who made it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
}

/// Makes and checks access tokens.
#[derive(Debug, Clone)]
pub struct AccessTokens {
    keys: SigningKeys,
    issuer: String,
    audience: String,
    rules: Validation,
}

/// The header, exactly as we write it. The algorithm is compared with the key's, never followed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    alg: String,
    typ: String,
    kid: String,
}

impl AccessTokens {
    /// Tokens of this issuer for this audience.
    pub fn new(keys: SigningKeys, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let (issuer, audience) = (issuer.into(), audience.into());
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&issuer]);
        rules.set_audience(&[&audience]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Times are checked against the caller's clock below.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        Self { keys, issuer, audience, rules }
    }

    /// Claims for a user's session: valid from now on, for `life` (at most [`MAX_TOKEN_LIFE_SECS`]), with issuer, audience and a new id.
    pub fn claims(&self, user: Uuid, session: Uuid, life: SignedDuration, now: Timestamp) -> Claims {
        let iat = now.as_second();
        let exp = iat + life.as_secs().clamp(0, MAX_TOKEN_LIFE_SECS);
        Claims { sub: user, sid: session, iat, nbf: iat, exp, jti: Uuid::new_v4(), iss: self.issuer.clone(), aud: self.audience.clone() }
    }

    /// A signed token.
    pub fn issue(&self, claims: &Claims, now: Timestamp) -> Result<Secret, SecretsError> {
        let token = self.keys.signer(now, |key| {
            let header = Header { typ: Some(TOKEN_TYPE.to_owned()), kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
            jsonwebtoken::encode(&header, claims, &key.signs)
        });
        token.map(Secret::from).map_err(|_| SecretsError::Crypto { doing: "signing a token" })
    }

    /// What a token says, if it is ours, whole and valid now.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let kid = key_id(token)?;
        let key = self.keys.verifier(&kid).ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.rules).map_err(|error| refusal(error.kind()))?.claims;
        in_time(&claims, now.as_second())?;
        Ok(claims)
    }
}

/// The key a token names, once its header is found to be one of ours. Nothing in it is trusted yet.
fn key_id(token: &str) -> Result<String, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenError::Malformed);
    };
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
    let header: TokenHeader = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
    if header.alg != "EdDSA" {
        return Err(TokenError::Algorithm);
    }
    if header.typ != TOKEN_TYPE {
        return Err(TokenError::Type);
    }
    if signature.is_empty() {
        return Err(TokenError::Signature);
    }
    if is_key_id(&header.kid) { Ok(header.kid) } else { Err(TokenError::UnknownKey) }
}

fn in_time(claims: &Claims, now: i64) -> Result<(), TokenError> {
    let soon = now.saturating_add(CLOCK_SKEW_SECS);
    if now >= claims.exp {
        return Err(TokenError::Expired);
    }
    if claims.nbf > soon || claims.iat > soon {
        return Err(TokenError::NotYet);
    }
    if claims.exp.saturating_sub(claims.iat) > MAX_TOKEN_LIFE_SECS { Err(TokenError::Life) } else { Ok(()) }
}

fn refusal(why: &ErrorKind) -> TokenError {
    match why {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => TokenError::Algorithm,
        _ => TokenError::Malformed,
    }
}

#[cfg(test)]
mod tests;
