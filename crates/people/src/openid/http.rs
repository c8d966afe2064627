//! Requests to the provider: encrypted, short, small, and never sent on to another place.

use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode, Url, redirect};
use resilience::{CallError, Classify, Failure, Guard, Guarded, Rejected, Repeat};

/// For a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Longest answer that is read: key sets and metadata have some kilobytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpFault {
    #[error("the address {0} is not https")]
    Plain(String),
    #[error("the answer has more than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    #[error("no request could be made of it: {0}")]
    Request(#[from] http::Error),
    #[error("{0}")]
    Client(String),
    #[error("it answered with the status {0}")]
    Status(u16),
    #[error("it asked us to come again later")]
    Overloaded(Option<Duration>),
    #[error("it did not answer in time")]
    Timeout,
    #[error(transparent)]
    NotAsked(#[from] Rejected),
}

impl Classify for HttpFault {
    fn failure(&self) -> Failure {
        match self {
            Self::Client(_) | Self::Status(_) | Self::Timeout => Failure::Transient,
            Self::Overloaded(after) => Failure::Overloaded(*after),
            Self::TooLong => Failure::Broken,
            // Ours, and not the provider's.
            Self::Plain(_) | Self::Request(_) | Self::NotAsked(_) => Failure::Refused,
        }
    }
}

impl From<CallError<HttpFault>> for HttpFault {
    fn from(error: CallError<HttpFault>) -> Self {
        match error {
            CallError::Failed(fault) => fault,
            CallError::Timeout { .. } => Self::Timeout,
            CallError::Rejected(rejected) => Self::NotAsked(rejected),
        }
    }
}

impl From<reqwest::Error> for HttpFault {
    /// The whole chain says what happened; the address goes, it may carry a code.
    fn from(error: reqwest::Error) -> Self {
        Self::Client(chain(&error.without_url()))
    }
}

/// An error with what is behind it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(source) = behind {
        text = format!("{text}: {source}");
        behind = source.source();
    }
    text
}

/// True for an address on this machine, the only place plain http is spoken with.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A client for one provider.
#[derive(Clone)]
pub(super) struct Http {
    client: Guarded<Client>,
    local: bool,
}

impl Http {
    /// For the provider at this address. The error says what is wrong with the address.
    pub(super) fn new(issuer: &str, guard: Guard) -> Result<Self, String> {
        let url = Url::parse(issuer).map_err(|error| error.to_string())?;
        let local = is_local(&url);
        if !(url.scheme() == "https" || (url.scheme() == "http" && local)) {
            return Err("it must begin with https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("it must not hold a user, a query or a fragment".to_owned());
        }
        let mut builder = Client::builder()
            .user_agent(concat!("voicenoob/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            // A redirect would take our client secret, or the code, to another place.
            .redirect(redirect::Policy::none());
        if local {
            // A proxy does not reach our own loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| chain(&error))?;
        Ok(Self { client: Guarded::new(Arc::new(client), guard), local })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        // A code is good once: whether it was taken is not known after a failure.
        let repeat = if request.method().is_safe() { Repeat::Safe } else { Repeat::Never };
        Ok(self.client.call("a request", repeat, |client| self.attempt(client, request.clone())).await?)
    }

    async fn attempt(&self, client: Arc<Client>, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        let request = reqwest::Request::try_from(request)?;
        let url = request.url();
        // The provider's metadata names further addresses.
        if !(url.scheme() == "https" || (self.local && is_local(url))) {
            return Err(HttpFault::Plain(url.host_str().unwrap_or_default().to_owned()));
        }
        let mut answer = client.execute(request).await?;
        match answer.status() {
            StatusCode::TOO_MANY_REQUESTS => return Err(HttpFault::Overloaded(retry_after(&answer))),
            status if status.is_server_error() => return Err(HttpFault::Status(status.as_u16())),
            _ => {}
        }
        let mut parts = http::Response::builder().status(answer.status());
        if let Some(headers) = parts.headers_mut() {
            *headers = answer.headers().clone();
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(HttpFault::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(parts.body(body)?)
    }
}

/// Seconds only; a date counts as not said.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use resilience::Service;

    use super::*;

    fn guard() -> Guard {
        Guard::new(Service::OpenId, Service::OpenId.policy())
    }

    #[test]
    fn a_provider_is_spoken_with_under_tls_unless_it_is_on_this_machine() {
        for good in [
            "https://accounts.example.com",
            "https://example.com/realms/x",
            "http://127.0.0.1:1/",
            "http://localhost:8080",
            "http://[::1]:1",
        ] {
            assert!(Http::new(good, guard()).is_ok(), "{good}");
        }
        let bad = [
            "http://accounts.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://a:b@example.com",
        ];
        for bad in bad.into_iter().chain(["", "example.com", "https://example.com/?a=b", "https://example.com/#a"]) {
            assert!(Http::new(bad, guard()).is_err(), "{bad}");
        }
    }
}
