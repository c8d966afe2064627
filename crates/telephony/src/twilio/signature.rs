//! Twilio's request signature: HMAC over the address and the form (twilio.md 2).
//!
//! The address is the one Twilio requested, rebuilt from configuration by whoever calls; here only the spellings are tried that Twilio is
//! known to sign. Every comparison takes the same time whatever the outcome.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::webhook::{MAX_BODY_BYTES, MAX_FORM_FIELDS};

/// Most addresses that are tried in one check; more are not looked at.
pub const MAX_URLS: usize = 8;
/// Longest address that is tried. Addresses come from a request line.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// The query parameter that carries the hash of a body that is not a form (twilio.md 2.2).
const BODY_HASH: &str = "bodySHA256";

/// The hash under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// What the account's auth token signs with.
    #[default]
    Sha1,
    /// What a shared key may sign with (twilio.md 2.4). Chosen by the account's configuration, never by a request header.
    Sha256,
}

/// Signs a request as Twilio does: user, password and fragment of the address are left out, repeated parameters count once per distinct
/// value. For a JSON body use [`sign_json`]; for a GET or a WebSocket upgrade give no form.
pub fn sign(url: &str, form: &[(String, String)], token: &str) -> String {
    sign_with(Algorithm::Sha1, url, form, token)
}

/// [`sign`] with the hash chosen.
pub fn sign_with(algorithm: Algorithm, url: &str, form: &[(String, String)], token: &str) -> String {
    let fields = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    STANDARD.encode(algorithm.mac(token, &Address::split(url).signed_url(), &canonical(fields)))
}

/// Signs a request whose body is not a form. Answers the address to request, which carries the hash of the body, and the signature.
pub fn sign_json(url: &str, raw_body: &[u8], token: &str) -> (String, String) {
    let Address { scheme, user, host, port, path, query, .. } = Address::split(url);
    let mark = if query.is_empty() { "?" } else { "&" };
    let hash = hex::encode(Sha256::digest(raw_body));
    let url = format!("{scheme}{user}{host}{port}{path}{query}{mark}{BODY_HASH}={hash}");
    let signature = sign(&url, &[], token);
    (url, signature)
}

/// True when the request comes from Twilio.
///
/// `urls` are the public addresses the request may have had ([`MAX_URLS`]); each is tried with and without port, a `wss` address also with a
/// slash at the end and as `https` (twilio.md 2.1, 2.3). A form is signed field by field; any other body only by its hash in the query, and is
/// refused without it. `content_type` decides which. `signature` is the header `X-Twilio-Signature`, `token` the account's auth token.
pub fn verify(urls: &[&str], raw_body: &[u8], content_type: Option<&str>, signature: &str, token: &str) -> bool {
    verify_with(Algorithm::Sha1, urls, raw_body, content_type, signature, token)
}

/// [`verify`] with the hash that the account is configured for.
pub fn verify_with(algorithm: Algorithm, urls: &[&str], raw_body: &[u8], content_type: Option<&str>, signature: &str, token: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else { return false };
    // An empty token would make every signature computable.
    if raw_body.len() > MAX_BODY_BYTES || token.is_empty() {
        return false;
    }
    let is_form = content_type.is_some_and(is_form);
    let Some(fields) = form_fields(raw_body, is_form) else { return false };
    let mut genuine = false;
    for url in urls.iter().take(MAX_URLS).filter(|url| url.len() <= MAX_URL_BYTES) {
        let address = Address::split(url);
        let body_is_signed = is_form || raw_body.is_empty() || address.hash_matches(raw_body);
        for spelling in address.spellings() {
            genuine |= algorithm.matches(token, &spelling, &fields, &signature) & body_is_signed;
        }
    }
    genuine
}

fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The signed part of a form; `None` when it has too many fields.
fn form_fields(raw_body: &[u8], is_form: bool) -> Option<String> {
    if !is_form {
        return Some(String::new());
    }
    let fields: Vec<_> = form_urlencoded::parse(raw_body).take(MAX_FORM_FIELDS + 1).collect();
    if fields.len() > MAX_FORM_FIELDS {
        return None;
    }
    Some(canonical(fields.iter().map(|(name, value)| (&**name, &**value)).collect()))
}

/// Names and values, sorted by bytes, equal pairs once, without separators.
fn canonical(mut fields: Vec<(&str, &str)>) -> String {
    fields.sort_unstable();
    fields.dedup();
    fields.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

impl Algorithm {
    fn mac(self, token: &str, url: &str, fields: &str) -> Vec<u8> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(token, url, fields).map(|mac| mac.finalize().into_bytes().to_vec()),
            Self::Sha256 => mac::<Hmac<Sha256>>(token, url, fields).map(|mac| mac.finalize().into_bytes().to_vec()),
        }
        .unwrap_or_default()
    }

    fn matches(self, token: &str, url: &str, fields: &str, signature: &[u8]) -> bool {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(token, url, fields).is_some_and(|mac| mac.verify_slice(signature).is_ok()),
            Self::Sha256 => mac::<Hmac<Sha256>>(token, url, fields).is_some_and(|mac| mac.verify_slice(signature).is_ok()),
        }
    }
}

/// `None` never happens: an HMAC key may have any length.
fn mac<M: hmac::Mac + hmac::KeyInit>(token: &str, url: &str, fields: &str) -> Option<M> {
    let mut mac = <M as hmac::KeyInit>::new_from_slice(token.as_bytes()).ok()?;
    mac.update(url.as_bytes());
    mac.update(fields.as_bytes());
    Some(mac)
}

/// An address, cut at its seams and not re-encoded.
struct Address<'a> {
    /// With `://`; empty when there is none.
    scheme: &'a str,
    /// With `@`.
    user: &'a str,
    host: &'a str,
    /// With `:`.
    port: &'a str,
    path: &'a str,
    /// With `?`.
    query: &'a str,
}

impl<'a> Address<'a> {
    fn split(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, host_and_port) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        // The colons of an IPv6 address stand inside brackets.
        let after_bracket = host_and_port.rfind(']').unwrap_or(0);
        let colon = host_and_port[after_bracket..].find(':').map_or(host_and_port.len(), |at| after_bracket + at);
        let (host, port) = host_and_port.split_at(colon);
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        Self { scheme, user, host, port, path, query }
    }

    /// What Twilio signs of the address as it stands.
    fn signed_url(&self) -> String {
        let Self { scheme, host, port, path, query, .. } = self;
        format!("{scheme}{host}{port}{path}{query}")
    }

    /// Every spelling that Twilio may have signed.
    fn spellings(&self) -> Vec<String> {
        let is = |scheme: &str| self.scheme.eq_ignore_ascii_case(scheme);
        let socket = is("wss://") || is("ws://");
        let default_port = if is("https://") || is("wss://") { ":443" } else { ":80" };
        let given = if self.port.is_empty() { default_port } else { self.port };
        let as_http = if is("wss://") { "https://" } else { "http://" };
        let schemes: &[&str] = if socket { &[self.scheme, as_http] } else { &[self.scheme] };
        let slashes: &[&str] = if socket { &["", "/"] } else { &[""] };
        let mut found = Vec::with_capacity(8);
        for scheme in schemes {
            for port in ["", given] {
                for slash in slashes {
                    found.push(format!("{scheme}{}{port}{}{slash}{}", self.host, self.path, self.query));
                }
            }
        }
        found
    }

    /// True when the query carries the hash of this body.
    fn hash_matches(&self, raw_body: &[u8]) -> bool {
        let query = self.query.strip_prefix('?').unwrap_or_default();
        let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == BODY_HASH).map(|(_, hash)| hash);
        let computed = hex::encode(Sha256::digest(raw_body));
        given.is_some_and(|given| given.as_bytes().ct_eq(computed.as_bytes()).into())
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
