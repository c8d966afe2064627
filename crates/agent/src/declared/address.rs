//! The address of a declared tool. Only path and query may come from arguments: whom we talk to is the workspace's to say, and no caller's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Longest address, bytes.
const MAX: usize = 2_000;

/// What is wrong with an address, in words that follow "the address".
pub(super) fn fault(url: &str, private: bool) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    if url.len() > MAX {
        return Some(format!("must have at most {MAX} bytes"));
    }
    let Some((scheme, authority, rest)) = parts(url) else { return text("must begin with https:// and a host") };
    // Nothing that one reader of addresses takes for a part of the host and another does not.
    if authority.is_empty() || !authority.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter)) {
        return text("must have a host of letters, digits, dots and hyphens, and a port at most; arguments stand in path and query only");
    }
    if rest.contains('#') {
        return text("must not have a fragment (#)");
    }
    let Some(names) = placeholders(rest) else { return text("has a brace without its counterpart, or an argument without a name") };
    let filled = names.iter().fold(url.to_owned(), |url, name| url.replacen(&format!("{{{name}}}"), "x", 1));
    let Some(host) = filled.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)) else { return text("cannot be read") };
    let own = is_own(&host);
    match (scheme, private) {
        ("https", _) if !own || private => None,
        ("http", true) if is_loopback(&host) => None,
        ("http", _) => text("must begin with https://; http is for this machine, where ALLOW_PRIVATE_TOOL_ADDRESSES is set"),
        ("https", _) => text("is of this machine or of a private network, and ALLOW_PRIVATE_TOOL_ADDRESSES is not set"),
        _ => text("must begin with https://"),
    }
}

/// Scheme, host with port, and what follows.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    Some((scheme, authority, rest))
}

/// Everything before the path.
pub(super) fn origin(url: &str) -> &str {
    parts(url).map_or(url, |(_, _, rest)| &url[..url.len() - rest.len()])
}

/// The names in braces; `None` when braces do not fit.
pub(super) fn placeholders(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let inner = rest[open..].strip_prefix('{')?;
        let (name, after) = inner.split_once('}')?;
        if !super::rules::is_argument(name) {
            return None;
        }
        names.push(name);
        rest = after;
    }
    Some(names)
}

fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || ip(host).is_some_and(|ip| ip.is_loopback())
}

/// This machine, or a network of one's own, as far as the text shows it. Names are looked at again when they are resolved.
fn is_own(host: &str) -> bool {
    is_loopback(host)
        || match ip(host) {
            Some(IpAddr::V4(ip)) => is_own_v4(ip),
            Some(IpAddr::V6(ip)) => ip.to_ipv4().map_or_else(|| is_own_v6(ip), is_own_v4),
            // What is all digits and dots and yet no address is one in an older writing, such as 127.1 or 2130706433.
            None => host.rsplit('.').next().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit())),
        }
}

/// This network, 100.64/10 (RFC 6598), and what the standard library knows.
fn is_own_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
        || first == 0
        || (first == 100 && (64..128).contains(&second))
}

fn is_own_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_multicast()
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
