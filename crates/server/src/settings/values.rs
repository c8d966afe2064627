//! How values are written.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

pub(super) fn parse<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

pub(super) fn optional(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn within<T: FromStr + PartialOrd>(text: &str, low: T, high: T) -> Option<T> {
    text.parse().ok().filter(|value| *value >= low && *value <= high)
}

pub(super) fn seconds(value: u64) -> Duration {
    Duration::from_secs(value)
}

pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A token that fits into a cookie and is long enough not to be guessed.
pub(super) fn token(text: &str) -> bool {
    text.len() >= 16 && text.chars().all(|sign| sign.is_ascii_graphic() && !"\"',;\\".contains(sign))
}

/// Texts separated by commas.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

pub(super) fn addresses(text: &str) -> Option<Vec<IpAddr>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

pub(super) fn public_url(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let fine = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
    fine.then(|| Some(text.to_owned()))
}
