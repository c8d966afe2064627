//! How a request says who it is from.

use std::collections::BTreeMap;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use agent::{Auth, ToolContext};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use privacy::Secret;
use sha2::Sha256;

use crate::ToolsError;

/// Beginning of a key of Standard Webhooks; what follows is base64.
const KEY_BEGINNING: &str = "whsec_";

/// Ready to be added to requests.
pub(super) enum Proof {
    Headers(HeaderMap),
    Signature(Hmac<Sha256>),
}

impl Proof {
    pub(super) fn new(name: &str, auth: &Auth, secret: Option<&Secret>) -> Result<Self, ToolsError> {
        let needed = || secret.map(Secret::expose).ok_or_else(|| ToolsError::NoSecret { name: name.to_owned() });
        let one = |header: &str, value: &str| -> Result<HeaderMap, ToolsError> {
            let bad = || ToolsError::Header { name: name.to_owned() };
            let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
            value.set_sensitive(true);
            Ok(HeaderMap::from_iter([(header.parse::<HeaderName>().map_err(|_| bad())?, value)]))
        };
        Ok(match auth {
            Auth::None => Self::Headers(HeaderMap::new()),
            Auth::Bearer => Self::Headers(one("authorization", &format!("Bearer {}", needed()?))?),
            Auth::Header { name: header } => Self::Headers(one(header, needed()?)?),
            Auth::Basic { user } => {
                let both = BASE64_STANDARD.encode(format!("{user}:{}", needed()?));
                Self::Headers(one("authorization", &format!("Basic {both}"))?)
            }
            Auth::Signed => {
                let bad = || ToolsError::Key { name: name.to_owned() };
                let key = match needed()?.strip_prefix(KEY_BEGINNING) {
                    Some(encoded) => BASE64_STANDARD.decode(encoded).map_err(|_| bad())?,
                    None => needed()?.as_bytes().to_vec(),
                };
                Self::Signature(Hmac::new_from_slice(&key).map_err(|_| bad())?)
            }
        })
    }

    /// Adds it. A signature is over id, time and body, as Standard Webhooks has it ("v1,").
    pub(super) fn add(&self, context: &ToolContext, body: &[u8], headers: &mut HeaderMap) {
        let mac = match self {
            Self::Headers(fixed) => return headers.extend(fixed.clone()),
            Self::Signature(mac) => mac.clone(),
        };
        let (id, time) = (&context.idempotency_key, context.now.as_second().to_string());
        let signed = mac.chain_update(format!("{id}.{time}.")).chain_update(body).finalize().into_bytes();
        let signature = format!("v1,{}", BASE64_STANDARD.encode(signed));
        for (name, value) in [("webhook-id", id), ("webhook-timestamp", &time), ("webhook-signature", &signature)] {
            // Keys, numbers and base64 are plain characters.
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
    }

    pub(super) fn fixed_headers(&self) -> HeaderMap {
        match self {
            Self::Headers(fixed) => fixed.clone(),
            Self::Signature(_) => HeaderMap::new(),
        }
    }
}

/// The declared headers.
pub(super) fn fixed(name: &str, declared: &BTreeMap<String, String>) -> Result<HeaderMap, ToolsError> {
    let bad = || ToolsError::Header { name: name.to_owned() };
    let mut headers = HeaderMap::new();
    for (header, value) in declared {
        headers.insert(header.parse::<HeaderName>().map_err(|_| bad())?, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    Ok(headers)
}
