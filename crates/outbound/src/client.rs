//! A client of one service.

mod stranger;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use privacy::Secret;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, Url, multipart, redirect};
use resilience::{Begun, Classify, Guard, Guarded, Repeat};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{Body, Content, Fault, Request, Socket, Watch, address};

/// For a connection, TLS included: a caller waits.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// A connection that nobody needed for so long is closed.
const IDLE_LIMIT: Duration = Duration::from_secs(90);
/// Idle connections kept for the next request.
const IDLE_CONNECTIONS: usize = 16;
/// Longest error answer that is looked at for the vendor's word.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// An error's body is waited for this long.
const ERROR_LIMIT: Duration = Duration::from_secs(1);
/// Largest whole answer.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// Where a service is, and how we are known there.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Base address; requests name paths below it.
    pub base_url: String,
    /// Headers of every request, keys among them.
    pub headers: Vec<(&'static str, Secret)>,
    /// Query parameters of every request, where a vendor wants its key there.
    pub query: Vec<(&'static str, Secret)>,
    /// Plain http is allowed although the service is not on this machine: an operator said so.
    pub plain: bool,
}

impl Setup {
    /// With one header that holds the key.
    pub fn with_key(base_url: impl Into<String>, header: &'static str, value: Secret) -> Self {
        Self { base_url: base_url.into(), headers: vec![(header, value)], query: Vec::new(), plain: false }
    }
}

/// A client of one service, behind its guard. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    road: Guarded<reqwest::Client>,
    base: Url,
    headers: HeaderMap,
    query: Arc<[(&'static str, Secret)]>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status, a success.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// # Errors
    /// [`Fault::Address`], [`Fault::SetUp`].
    pub fn new(setup: &Setup, guard: Guard) -> Result<Self, Fault> {
        crate::tls();
        let base = address::base(&setup.base_url, setup.plain)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("voicenoob/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tcp_nodelay(true)
            // A redirect would take our key to another place.
            .redirect(redirect::Policy::none());
        if address::is_local(&base) {
            // A proxy does not reach our own loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| Fault::SetUp(crate::fault::chain(&error)))?;
        let headers = headers(&setup.headers)?;
        Ok(Self { road: Guarded::new(Arc::new(client), guard), base, headers, query: setup.query.clone().into() })
    }

    /// One request and its whole answer (at most 4 MiB), within the guard's limits, repeated where that is safe.
    pub async fn whole(&self, what: &'static str, repeat: Repeat, request: &Request) -> Result<Answer, Fault> {
        Ok(self.road.call(what, repeat, |client| self.attempt(client, request)).await?)
    }

    /// One request, and its answer as it comes. Never repeated: whoever asks has another way to go on.
    pub async fn stream(&self, request: &Request, watch: Watch) -> Result<Body, Fault> {
        let (client, begun) = self.road.begin().await?;
        let due = Instant::now() + watch.first;
        match timeout_at(due, self.send(&client, request)).await {
            Ok(Ok(response)) => Ok(Body::new(response, begun, watch, due)),
            Ok(Err(fault)) => Err(failed(begun, fault)),
            Err(_) => {
                begun.timed_out();
                Err(Fault::NoAnswer(watch.first))
            }
        }
    }

    /// A WebSocket to a path below the base address. `limit`: for the connection and the upgrade.
    pub async fn socket(&self, request: &Request, limit: Duration) -> Result<Socket, Fault> {
        let (_, begun) = self.road.begin().await?;
        let (url, headers) = (self.url(request)?, self.all_headers(request)?);
        match timeout(limit, crate::socket::connect(url, headers)).await {
            Ok(Ok(stream)) => Ok(Socket::new(stream, begun)),
            Ok(Err(fault)) => Err(failed(begun, fault)),
            Err(_) => {
                begun.timed_out();
                Err(Fault::NoAnswer(limit))
            }
        }
    }

    async fn attempt(&self, client: Arc<reqwest::Client>, request: &Request) -> Result<Answer, Fault> {
        let mut response = self.send(&client, request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(Fault::of_request)? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(Fault::TooLong(MAX_ANSWER_BYTES));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, headers, body })
    }

    /// Sends it; an answer that is no success is a fault.
    async fn send(&self, client: &reqwest::Client, request: &Request) -> Result<Response, Fault> {
        let response = self.ask(client, request).await?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    async fn ask(&self, client: &reqwest::Client, request: &Request) -> Result<Response, Fault> {
        let builder = client.request(request.method.clone(), self.url(request)?).headers(self.all_headers(request)?);
        let builder = match &request.content {
            Content::Empty => builder,
            Content::Bytes { kind, bytes } => builder.header(http::header::CONTENT_TYPE, *kind).body(bytes.clone()),
            Content::Form(parts) => builder.multipart(form(parts)?),
        };
        builder.send().await.map_err(Fault::of_request)
    }

    fn url(&self, request: &Request) -> Result<Url, Fault> {
        let mut url = self.base.join(&request.path).map_err(|error| Fault::Address(error.to_string()))?;
        // A path that leads to another host would take our key there.
        if url.origin() != self.base.origin() {
            return Err(Fault::Address("the path leads to another host".to_owned()));
        }
        if !(request.query.is_empty() && self.query.is_empty()) {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(&request.query).extend_pairs(self.query.iter().map(|(name, value)| (*name, value.expose())));
        }
        Ok(url)
    }

    fn all_headers(&self, request: &Request) -> Result<HeaderMap, Fault> {
        let mut all = self.headers.clone();
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value).map_err(|_| Fault::SetUp(format!("the header {name} cannot be sent")))?;
            all.insert(HeaderName::from_static(name), value);
        }
        all.extend(request.more.clone());
        Ok(all)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.road).finish()
    }
}

fn headers(list: &[(&'static str, Secret)]) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for (name, secret) in list {
        let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| Fault::SetUp(format!("the header {name} cannot hold it")))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

fn form(parts: &[Part]) -> Result<multipart::Form, Fault> {
    let mut form = multipart::Form::new();
    for part in parts {
        let mut field = multipart::Part::stream(part.bytes.clone());
        if let Some(file) = part.file {
            field = field.file_name(file);
        }
        if let Some(kind) = part.kind {
            field = field.mime_str(kind).map_err(|error| Fault::SetUp(error.to_string()))?;
        }
        form = form.part(part.name, field);
    }
    Ok(form)
}

use crate::Part;

pub(crate) fn failed(begun: Begun, fault: Fault) -> Fault {
    begun.failed(fault.failure());
    fault
}

/// Reads what a refusal says: its status, when to come again, and the vendor's word for it.
async fn refusal(response: Response) -> Fault {
    let (status, after) = (response.status().as_u16(), retry_after(response.headers()));
    let body = timeout(ERROR_LIMIT, error_body(response)).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    Fault::of_status(status, code(&body), after)
}

async fn error_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        if body.len() + piece.len() > MAX_ERROR_BYTES {
            break;
        }
        body.extend_from_slice(&piece);
    }
    body
}

/// The vendor's word for an error, where vendors put it.
fn code(body: &Value) -> Option<&str> {
    let places = ["/error/code", "/error/type", "/error/status", "/detail/status", "/err_code", "/error_code", "/code"];
    places.into_iter().find_map(|place| body.pointer(place)?.as_str())
}

/// `retry-after-ms` as OpenAI has it, or `Retry-After` in seconds; a date counts as not said.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok().filter(|number| *number >= 0.0);
    let millis = number("retry-after-ms").map(|ms| ms / 1000.0);
    Duration::try_from_secs_f64(millis.or_else(|| number(RETRY_AFTER.as_str()))?).ok()
}
