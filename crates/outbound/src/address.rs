//! Where a service is: under TLS, or on this machine.

use std::net::IpAddr;

use reqwest::Url;

use crate::Fault;

/// True for an address on this machine, the only place that is spoken with in the clear.
pub fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether a service may be there: under TLS, or in the clear on this machine (or anywhere, where an operator said so: `plain`).
///
/// # Errors
/// [`Fault::Address`].
pub fn may_be_asked(text: &str, plain: bool) -> Result<(), Fault> {
    base(text, plain).map(drop)
}

/// Reads the base address of a service: `https`, or `http` on this machine (or anywhere, where an operator said so: `plain`).
pub(crate) fn base(text: &str, plain: bool) -> Result<Url, Fault> {
    let bad = |why: &str| Fault::Address(why.to_owned());
    let mut url = Url::parse(text).map_err(|error| Fault::Address(error.to_string()))?;
    if !(url.scheme() == "https" || (url.scheme() == "http" && (plain || is_local(&url)))) {
        return Err(bad("it must begin with https:// (http:// is for addresses on this machine)"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(bad("it must not hold a user, a password or a fragment"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_spoken_with_under_tls_unless_it_is_on_this_machine() {
        for good in ["https://api.example.com/v1", "http://127.0.0.1:1", "http://localhost:8080/v1/", "http://[::1]:1"] {
            assert!(base(good, false).unwrap().path().ends_with('/'), "{good}");
        }
        for bad in ["http://api.example.com", "http://localhost.example.com", "ftp://127.0.0.1", "https://a:b@example.com", "", "x"] {
            assert!(base(bad, false).is_err(), "{bad}");
        }
        assert!(base("http://models.internal:8000/v1", true).is_ok());
    }
}
