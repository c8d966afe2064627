//! The cookie that keeps a browser signed in.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use privacy::Secret;

use crate::settings::ApiSettings;

/// Under TLS browsers bind a name with this beginning to the host (RFC 6265bis, 4.1.3.2).
const UNDER_TLS: &str = "__Host-voicenoob";
const WITHOUT_TLS: &str = "voicenoob";

/// The cookie with the operator token, from the console's sign-in.
pub const OPERATOR: &str = "voicenoob_operator";
/// A browser is the operator's for this long.
const OPERATOR_LIFE: Duration = Duration::from_secs(12 * 3600);

/// The `Set-Cookie` that makes a browser the operator's.
pub fn set_operator(settings: &ApiSettings, token: &Secret) -> Option<HeaderValue> {
    let secure = if settings.under_tls() { "; Secure" } else { "" };
    let text = format!("{OPERATOR}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{secure}", token.expose(), OPERATOR_LIFE.as_secs());
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Its name.
pub fn name(settings: &ApiSettings) -> &'static str {
    if settings.under_tls() { UNDER_TLS } else { WITHOUT_TLS }
}

/// The `Set-Cookie` that signs a browser in for as long as its session may last.
pub fn set(settings: &ApiSettings, session: &Secret, life: Duration) -> Option<HeaderValue> {
    written(settings, session.expose(), life.as_secs())
}

/// The `Set-Cookie` that signs a browser out.
pub fn clear(settings: &ApiSettings) -> Option<HeaderValue> {
    written(settings, "", 0)
}

fn written(settings: &ApiSettings, value: &str, seconds: u64) -> Option<HeaderValue> {
    let secure = if settings.under_tls() { "; Secure" } else { "" };
    let text = format!("{}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}", name(settings));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The value of a cookie. Of several of one name, none: a neighbour's page may have set one.
pub fn given<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut found =
        all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('=')).filter(|(key, _)| *key == name);
    let (_, value) = found.next()?;
    (found.next().is_none() && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_tls_the_cookie_is_bound_to_the_host() {
        let settings = ApiSettings { public_url: Some("https://voice.example.com".into()), ..ApiSettings::default() };
        let cookie = set(&settings, &Secret::from("abc".to_owned()), Duration::from_secs(60)).unwrap();
        assert_eq!(cookie.to_str().unwrap(), "__Host-voicenoob=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure");
        let cookie = set(&ApiSettings::default(), &Secret::from("abc".to_owned()), Duration::from_secs(60)).unwrap();
        assert_eq!(cookie.to_str().unwrap(), "voicenoob=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    }

    #[test]
    fn a_cookie_that_is_given_twice_counts_as_none() {
        let headers = |text: &'static str| [(header::COOKIE, HeaderValue::from_static(text))].into_iter().collect::<HeaderMap>();
        assert_eq!(given(&headers("a=1; voicenoob=x"), "voicenoob"), Some("x"));
        assert_eq!(given(&headers("voicenoob=x; voicenoob=y"), "voicenoob"), None);
        assert_eq!(given(&headers("voicenoob="), "voicenoob"), None);
        assert_eq!(given(&headers("xvoicenoob=x"), "voicenoob"), None);
    }
}
