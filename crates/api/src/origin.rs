//! Whether a page of another site is behind a request. Browsers add cookies by themselves; a page must not use that.

use axum::http::{HeaderMap, HeaderValue, Method, header};

use crate::problem::Problem;
use crate::settings::ApiSettings;

/// Refuses a change that a page of another site asks for with what the browser adds by itself. A request with `Authorization` was given its
/// credential by whoever made it: no page can do that for another.
pub(crate) fn check(method: &Method, headers: &HeaderMap, settings: &ApiSettings) -> Result<(), Problem> {
    if method.is_safe() || headers.contains_key(header::AUTHORIZATION) || !is_cross_site(headers, settings) {
        return Ok(());
    }
    Err(Problem::forbidden("cross_site", "a page of another site may not change anything here; open this server's own pages"))
}

/// Browsers say where a request comes from; programs do not.
fn is_cross_site(headers: &HeaderMap, settings: &ApiSettings) -> bool {
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(site), _) => site != "same-origin" && site != "none",
        (None, Some(origin)) => !is_own(origin, headers, settings),
        (None, None) => false,
    }
}

/// The origin is the address that was configured, or the host that was asked.
fn is_own(origin: &HeaderValue, headers: &HeaderMap, settings: &ApiSettings) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let public = settings.public_url.as_deref().map(|url| url.trim_end_matches('/'));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| !host.is_empty());
    let named = origin.split_once("://").map(|(_, host)| host);
    public.is_some_and(|public| origin.eq_ignore_ascii_case(public)) || (host.is_some() && named == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let settings = ApiSettings { public_url: Some("https://voice.example.com".into()), ..ApiSettings::default() };
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check(&method, &headers, &settings).is_ok()
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        for site in ["cross-site", "same-site"] {
            assert!(!passes(Method::POST, &[("sec-fetch-site", site), ("cookie", "a=b")]), "{site}");
        }
        for origin in ["https://evil.example", "null", "https://voice.example.com.evil.example", "https://evilvoice.example.com", ""] {
            assert!(!passes(Method::DELETE, &[("origin", origin), ("host", "localhost:8000")]), "{origin}");
        }
        assert!(!passes(Method::POST, &[("origin", "https://"), ("host", "")]));
    }

    #[test]
    fn own_pages_programs_and_tokens_do() {
        for site in ["same-origin", "none"] {
            assert!(passes(Method::POST, &[("sec-fetch-site", site)]), "{site}");
        }
        assert!(passes(Method::POST, &[("origin", "https://voice.example.com")]));
        assert!(passes(Method::POST, &[("origin", "http://localhost:8000"), ("host", "localhost:8000")]));
        assert!(passes(Method::POST, &[]));
        assert!(passes(Method::GET, &[("sec-fetch-site", "cross-site")]));
        assert!(passes(Method::POST, &[("sec-fetch-site", "cross-site"), ("authorization", "Bearer x")]));
    }
}
