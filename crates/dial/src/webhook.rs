//! The carrier's HTTP requests: the signed voice webhook, the action after a stream, the status callbacks.

use std::time::Duration;

use call::Carrier;
use reqwest::{Client, Response, StatusCode, Url};
use telephony::{Document, telnyx, twilio};
use uuid::Uuid;

use crate::DialError;
use crate::keys::{DialKeys, variable};
use crate::script::Script;

/// How long one request may take: Twilio's own limit for a voice webhook (twilio.md 3.3).
pub(crate) const REQUEST_LIMIT: Duration = Duration::from_secs(15);
/// Longest document a carrier reads (twilio.md 3.2).
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 10;
/// As much of an error page as fits a message.
const SHOWN_BYTES: usize = 300;

const TWILIO_ACCOUNT: &str = "AC00000000000000000000000000000001";
const TELNYX_ACCOUNT: &str = "00000000-0000-4000-8000-000000000001";

/// One call, as the carrier's web side sees it.
pub(crate) struct CarrierLine<'a> {
    http: &'a Client,
    keys: &'a DialKeys,
    route: &'a Route,
    script: &'a Script,
    pub(crate) call_id: String,
}

/// Where the server is, and under which name it knows itself.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    server: Url,
    public: Option<Url>,
}

impl Route {
    pub(crate) fn new(server: Url, public: Option<Url>) -> Result<Self, DialError> {
        for url in std::iter::once(&server).chain(&public) {
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                return Err(DialError::Address { text: url.to_string(), why: "neither http nor https".to_owned() });
            }
        }
        Ok(Self { server, public })
    }

    /// An address on the server.
    pub(crate) fn to(&self, path: &str) -> Result<Url, DialError> {
        joined(&self.server, path)
    }

    /// Where to really send what is addressed to `text`, which may be relative. The server's public name leads to the server.
    pub(crate) fn resolve(&self, text: &str) -> Result<Url, DialError> {
        let named = joined(self.public.as_ref().unwrap_or(&self.server), text)?;
        match &self.public {
            Some(public) if same_place(public, &named) => Ok(moved(&named, &self.server)),
            _ => Ok(named),
        }
    }

    /// The address as it is signed: under the server's public name.
    pub(crate) fn signed(&self, url: &Url) -> Url {
        match &self.public {
            Some(public) if same_place(&self.server, url) => moved(url, public),
            _ => url.clone(),
        }
    }
}

impl<'a> CarrierLine<'a> {
    pub(crate) fn new(http: &'a Client, keys: &'a DialKeys, route: &'a Route, script: &'a Script) -> Self {
        let random = Uuid::new_v4().simple();
        let call_id = match script.carrier {
            Carrier::Twilio => format!("CA{random}"),
            Carrier::Telnyx => format!("v3:{random}"),
        };
        Self { http, keys, route, script, call_id }
    }

    /// The account the call belongs to.
    pub(crate) const fn account(&self) -> &'static str {
        match self.script.carrier {
            Carrier::Twilio => TWILIO_ACCOUNT,
            Carrier::Telnyx => TELNYX_ACCOUNT,
        }
    }

    /// A name for the next stream.
    pub(crate) fn new_stream_id(&self) -> String {
        match self.script.carrier {
            Carrier::Twilio => format!("MZ{}", Uuid::new_v4().simple()),
            Carrier::Telnyx => Uuid::new_v4().to_string(),
        }
    }

    /// Asks the server what to do with the call.
    pub(crate) async fn ring(&self) -> Result<Document, DialError> {
        let mut url = self.route.to(&format!("/webhooks/{}/voice", self.script.carrier))?;
        if let Some(agent) = &self.script.agent {
            url.query_pairs_mut().append_pair("agent", agent);
        }
        self.document(url, self.form("ringing")).await
    }

    /// Tells the server that its stream is over, and asks what comes next.
    pub(crate) async fn action(&self, address: &str) -> Result<Document, DialError> {
        self.document(self.route.resolve(address)?, self.form("in-progress")).await
    }

    /// Tells the server that the person who was dialled has answered, and that this call is over; asks what comes next.
    pub(crate) async fn dialled(&self, address: &str) -> Result<Document, DialError> {
        let mut form = self.form("in-progress");
        form.extend([("DialCallStatus", "completed"), ("DialCallDuration", "0")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.document(self.route.resolve(address)?, form).await
    }

    /// Asks where a document sent the call. Before its first verb that answers, a call still rings.
    pub(crate) async fn redirected(&self, address: &str, answered: bool) -> Result<Document, DialError> {
        let status = if answered { "in-progress" } else { "ringing" };
        self.document(self.route.resolve(address)?, self.form(status)).await
    }

    /// Reports the end of the call.
    pub(crate) async fn completed(&self, status: &str, talked: Duration) -> Result<(), DialError> {
        let url = self.route.to(&format!("/webhooks/{}/status", self.script.carrier))?;
        let mut form = self.form(status);
        form.push(("CallDuration".to_owned(), talked.as_secs_f64().round().to_string()));
        form.push(("Timestamp".to_owned(), jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()));
        form.push(("SequenceNumber".to_owned(), "0".to_owned()));
        form.push(("CallbackSource".to_owned(), "call-progress-events".to_owned()));
        self.post(url, form).await.map(drop)
    }

    /// Reports what became of a stream (`stream-started`, `stream-stopped`).
    pub(crate) async fn stream_event(&self, address: &str, stream_id: &str, event: &str) -> Result<(), DialError> {
        let form = [
            ("AccountSid", self.account()),
            ("CallSid", &self.call_id),
            ("StreamSid", stream_id),
            ("StreamName", stream_id),
            ("StreamEvent", event),
            ("Timestamp", &jiff::Timestamp::now().to_string()),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        self.post(self.route.resolve(address)?, form).await.map(drop)
    }

    /// The handshake's signature over the stream's address (Twilio signs it, Telnyx does not).
    pub(crate) fn stream_signature(&self, url: &str) -> Result<Option<(&'static str, String)>, DialError> {
        match self.script.carrier {
            Carrier::Twilio => Ok(Some(("x-twilio-signature", twilio::signature::sign(url, &[], self.keys.twilio()?)))),
            Carrier::Telnyx => Ok(None),
        }
    }

    fn form(&self, status: &str) -> Vec<(String, String)> {
        let form = [
            ("CallSid", self.call_id.as_str()),
            ("AccountSid", self.account()),
            ("From", self.script.from.expose()),
            ("To", self.script.to.expose()),
            ("CallStatus", status),
            ("Direction", "inbound"),
            ("ApiVersion", "2010-04-01"),
        ];
        form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    async fn document(&self, url: Url, form: Vec<(String, String)>) -> Result<Document, DialError> {
        let answer = self.post(url.clone(), form).await?;
        let text = read_bounded(answer, MAX_ANSWER_BYTES).await?;
        let text = String::from_utf8_lossy(&text);
        Document::parse(&text).map_err(|error| DialError::Document { url: url.to_string(), why: error.to_string() })
    }

    async fn post(&self, url: Url, form: Vec<(String, String)>) -> Result<Response, DialError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
        let mut request = self.http.post(url.clone()).timeout(REQUEST_LIMIT).header("content-type", "application/x-www-form-urlencoded");
        match self.script.carrier {
            Carrier::Twilio => {
                let signature = twilio::signature::sign(self.route.signed(&url).as_str(), &form, self.keys.twilio()?);
                request = request.header("x-twilio-signature", signature);
            }
            Carrier::Telnyx => {
                let now = jiff::Timestamp::now().as_second();
                let signature = telnyx::signature::sign(body.as_bytes(), now, self.keys.telnyx()?);
                request = request.header("telnyx-signature-ed25519", signature).header("telnyx-timestamp", now.to_string());
            }
        }
        let answer = request.body(body).send().await.map_err(|source| DialError::Unreachable { url: url.to_string(), source })?;
        self.accepted(answer).await
    }

    async fn accepted(&self, answer: Response) -> Result<Response, DialError> {
        let (status, url) = (answer.status(), answer.url().to_string());
        match status {
            _ if status.is_success() => Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let carrier = self.script.carrier;
                Err(DialError::Forbidden { url, status: status.as_u16(), carrier, variable: variable(carrier) })
            }
            _ => Err(refused(answer).await),
        }
    }
}

/// An answer with an unwanted status, with the beginning of its text.
pub(crate) async fn refused(answer: Response) -> DialError {
    let (status, url) = (answer.status().as_u16(), answer.url().to_string());
    let body = read_bounded(answer, MAX_ANSWER_BYTES).await.unwrap_or_default();
    let shown = &body[..body.len().min(SHOWN_BYTES)];
    DialError::Status { url, status, body: String::from_utf8_lossy(shown).trim().to_owned() }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_bounded(mut answer: Response, limit: usize) -> Result<Vec<u8>, DialError> {
    let url = answer.url().to_string();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|source| DialError::Unreachable { url: url.clone(), source })? {
        if body.len() + piece.len() > limit {
            return Err(DialError::TooLong { url, limit });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn joined(base: &Url, text: &str) -> Result<Url, DialError> {
    base.join(text).map_err(|error| DialError::Address { text: text.to_owned(), why: error.to_string() })
}

/// True when both lead to the same host and port, whether as http or ws.
fn same_place(a: &Url, b: &Url) -> bool {
    let secure = |url: &Url| matches!(url.scheme(), "https" | "wss");
    let port = |url: &Url| url.port().unwrap_or(if secure(url) { 443 } else { 80 });
    a.host_str() == b.host_str() && port(a) == port(b) && secure(a) == secure(b)
}

/// `url` at another host; http stays http or becomes https, ws becomes wss, as the new place has it.
fn moved(url: &Url, place: &Url) -> Url {
    let socket = matches!(url.scheme(), "ws" | "wss");
    let scheme = match (socket, place.scheme() == "https") {
        (false, false) => "http",
        (false, true) => "https",
        (true, false) => "ws",
        (true, true) => "wss",
    };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Url::parse(&format!("{scheme}://{}{}{query}", place.authority(), url.path())).unwrap_or_else(|_| url.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_server_with_a_public_name_is_reached_directly_and_signed_for_publicly() {
        let route = Route::new(url("http://127.0.0.1:8000"), Some(url("https://voice.example.test"))).unwrap();
        let voice = route.to("/webhooks/twilio/voice?agent=x").unwrap();
        assert_eq!(voice.as_str(), "http://127.0.0.1:8000/webhooks/twilio/voice?agent=x");
        assert_eq!(route.signed(&voice).as_str(), "https://voice.example.test/webhooks/twilio/voice?agent=x");
        assert_eq!(route.resolve("wss://voice.example.test/ws/1").unwrap().as_str(), "ws://127.0.0.1:8000/ws/1");
        assert_eq!(route.resolve("/a/b").unwrap().as_str(), "http://127.0.0.1:8000/a/b");
        assert_eq!(route.resolve("https://other.example.test/a").unwrap().as_str(), "https://other.example.test/a");
    }

    #[test]
    fn without_a_public_name_addresses_stay_as_they_are() {
        let route = Route::new(url("http://127.0.0.1:8000"), None).unwrap();
        assert_eq!(route.resolve("ws://127.0.0.1:8000/ws/1").unwrap().as_str(), "ws://127.0.0.1:8000/ws/1");
        assert_eq!(route.signed(&url("http://127.0.0.1:8000/a")).as_str(), "http://127.0.0.1:8000/a");
        assert!(Route::new(url("ftp://127.0.0.1"), None).unwrap_err().to_string().contains("neither http nor https"));
    }
}
