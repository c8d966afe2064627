//! Which address did the request come to, as the far end sees it? Signatures and stream URLs depend on it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri};

use crate::settings::Settings;

/// The far end's view of our address: `https://host`, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    /// `PUBLIC_URL` when it is set; else the request's own scheme and host, or what a trusted proxy says of them.
    pub(crate) fn of(settings: &Settings, peer: SocketAddr, headers: &HeaderMap) -> Option<Self> {
        if let Some(url) = &settings.public_url {
            return Some(Self(url.clone()));
        }
        let trusted = is_trusted(settings, peer.ip());
        let forwarded = |name: &str| headers.get(name).filter(|_| trusted).and_then(|value| value.to_str().ok()).and_then(first);
        let scheme = match forwarded("x-forwarded-proto") {
            Some("https") => "https",
            _ => "http", // We speak no TLS ourselves: a request that reached us directly came without it.
        };
        let host = forwarded("x-forwarded-host").or_else(|| headers.get("host")?.to_str().ok())?;
        is_host(host).then(|| Self(format!("{scheme}://{host}")))
    }

    /// An address that was set: another instance's, or this one's own.
    pub(crate) fn at(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// The whole URL of a request to us.
    pub(crate) fn url(&self, uri: &Uri) -> String {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        format!("{}{path}", self.0)
    }

    /// A URL of ours with this path.
    pub(crate) fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The same for WebSockets: `wss` under TLS, `ws` without.
    pub(crate) fn socket_url(&self, path: &str) -> String {
        match self.0.split_once("://") {
            Some(("https", host)) => format!("wss://{host}{path}"),
            Some((_, host)) => format!("ws://{host}{path}"),
            None => path.to_owned(),
        }
    }
}

/// True when this peer's forwarding headers are believed.
fn is_trusted(settings: &Settings, peer: IpAddr) -> bool {
    settings.trusted_proxies.iter().any(|proxy| proxy.to_canonical() == peer.to_canonical())
}

/// A proxy chain lists the outermost first.
fn first(list: &str) -> Option<&str> {
    list.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

/// Host and port only: what would break out of a URL is refused.
fn is_host(host: &str) -> bool {
    !host.is_empty() && host.len() <= 255 && host.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-:[]_".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::load(None, |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())).unwrap()
    }

    fn origin(pairs: &[(&str, &str)], headers: &[(&'static str, &'static str)]) -> Option<String> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap())).collect();
        Origin::of(&settings(pairs), "10.0.0.9:5000".parse().unwrap(), &headers).map(|origin| origin.0)
    }

    #[test]
    fn forwarded_headers_of_a_stranger_are_not_believed() {
        let headers = [("host", "inner:8000"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")];
        assert_eq!(origin(&[], &headers).unwrap(), "http://inner:8000");
        assert_eq!(origin(&[("TRUSTED_PROXIES", "10.0.0.9")], &headers).unwrap(), "https://evil.example");
    }

    #[test]
    fn the_public_url_wins() {
        let set = [("PUBLIC_URL", "https://voice.example.com/")];
        assert_eq!(origin(&set, &[("host", "inner:8000")]).unwrap(), "https://voice.example.com");
    }

    #[test]
    fn a_host_that_is_no_host_is_refused() {
        assert_eq!(origin(&[], &[("host", "a\"b")]), None);
        assert_eq!(origin(&[], &[]), None);
    }

    #[test]
    fn sockets_follow_the_scheme() {
        assert_eq!(Origin("https://h".into()).socket_url("/ws"), "wss://h/ws");
        assert_eq!(Origin("http://h:8000".into()).socket_url("/ws"), "ws://h:8000/ws");
    }
}
