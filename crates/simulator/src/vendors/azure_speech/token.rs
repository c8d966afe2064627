//! Tokens for ten minutes, in the form of a JSON Web Token. They are signed by nobody: this is no lock, it is its shape.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// How long a token is good.
const LIFE: Duration = Duration::from_secs(600);
/// The third part, by which our own are known.
const SIGNATURE: &str = "simulated";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

pub(super) fn issue() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "alg": "ES256", "typ": "JWT" }));
    let claims = part(json!({ "scope": "speechservices", "exp": now() + LIFE.as_secs() }));
    format!("{header}.{claims}.{SIGNATURE}")
}

pub(super) fn is_good(token: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, claims, SIGNATURE] = parts[..] else { return false };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    claims.is_some_and(|claims| claims["exp"].as_u64().is_some_and(|end| end > now()))
}
