//! The carrier's requests of one call: signed, retried once, and what came back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use reqwest::{Client, Response, Url};
use telephony::MAX_DOCUMENT_BYTES;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::document::{Verb, read_document};
use super::keys::CarrierKeys;
use super::plan::CallPlan;

/// How long one request may take (twilio.md 3.3).
const REQUEST_LIMIT: Duration = Duration::from_secs(15);
/// How long connecting may take (twilio.md 3.3).
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Between two tries of a patient carrier.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// Most bytes of a sound that is played.
const MAX_SOUND_BYTES: usize = 8 << 20;

const TWILIO_ACCOUNT: &str = "AC00000000000000000000000000000001";
const TELNYX_ACCOUNT: &str = "00000000-0000-4000-8000-000000000001";

/// One call's web side.
pub(super) struct Web {
    pub(super) http: Client,
    pub(super) server: Url,
    keys: CarrierKeys,
    pub(super) carrier: Carrier,
    pub(super) call_id: String,
    pub(super) from: String,
    pub(super) to: String,
    agent: Option<String>,
    patience: Duration,
}

impl Web {
    pub(super) fn new(http: Client, server: Url, keys: CarrierKeys, plan: &CallPlan) -> Self {
        let random = Uuid::new_v4().simple();
        let call_id = match plan.carrier {
            Carrier::Twilio => format!("CA{random}"),
            Carrier::Telnyx => format!("v3:{random}"),
        };
        let (from, to) = (plan.from.expose().to_owned(), plan.to.expose().to_owned());
        Self { http, server, keys, carrier: plan.carrier, call_id, from, to, agent: plan.agent.clone(), patience: plan.patience }
    }

    pub(super) const fn account(&self) -> &'static str {
        match self.carrier {
            Carrier::Twilio => TWILIO_ACCOUNT,
            Carrier::Telnyx => TELNYX_ACCOUNT,
        }
    }

    pub(super) fn new_stream_id(&self) -> String {
        match self.carrier {
            Carrier::Twilio => format!("MZ{}", Uuid::new_v4().simple()),
            Carrier::Telnyx => Uuid::new_v4().to_string(),
        }
    }

    /// The voice webhook's address.
    pub(super) fn voice_url(&self) -> Result<Url> {
        let mut url = self.server.join(&format!("/webhooks/{}/voice", self.carrier))?;
        if let Some(agent) = &self.agent {
            url.query_pairs_mut().append_pair("agent", agent);
        }
        Ok(url)
    }

    /// Asks for a document. `retried` is told when the first try failed.
    pub(super) async fn ask(&self, url: &str, status: &str, more: &[(&str, &str)], retried: impl FnOnce()) -> Result<Vec<Verb>> {
        let url = self.server.join(url).with_context(|| format!("{url} is no address"))?;
        let mut form = self.form(status);
        form.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let answer = self.twice(&url, &form, retried).await?;
        let text = answer.text().await?;
        ensure!(text.len() <= MAX_DOCUMENT_BYTES, "the document of {url} has {} bytes", text.len());
        read_document(&text).with_context(|| format!("the document of {url} is not understood: {text}"))
    }

    /// Tells the server something. `retried` is told when the first try failed.
    pub(super) async fn tell(&self, path: &str, status: &str, more: &[(&str, &str)], retried: impl FnOnce()) -> Result<()> {
        let url = self.server.join(path)?;
        let mut form = self.form(status);
        form.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.twice(&url, &form, retried).await.map(drop)
    }

    /// Brings a Call Control event, once.
    pub(super) async fn event(&self, body: &str) -> Result<()> {
        let url = self.voice_url()?;
        let (signature, time) = self.keys.telnyx(body.as_bytes());
        let request = self.http.post(url.clone()).timeout(REQUEST_LIMIT).header("content-type", "application/json");
        let signed = request.header("telnyx-signature-ed25519", signature).header("telnyx-timestamp", time);
        let answer = signed.body(body.to_owned()).send().await.with_context(|| format!("{url} cannot be reached"))?;
        ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
        Ok(())
    }

    /// Fetches a sound, which must be one.
    pub(super) async fn sound(&self, url: &str) -> Result<usize> {
        let url = self.server.join(url)?;
        let answer = self.http.get(url.clone()).timeout(REQUEST_LIMIT).send().await?.error_for_status()?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        ensure!(kind.starts_with("audio/"), "{url} is no sound but {kind}");
        let bytes = answer.bytes().await?;
        ensure!(!bytes.is_empty() && bytes.len() <= MAX_SOUND_BYTES, "{url} has {} bytes", bytes.len());
        Ok(bytes.len())
    }

    /// The handshake's signature (Twilio signs it, Telnyx does not).
    pub(super) fn stream_signature(&self, url: &str) -> Option<String> {
        (self.carrier == Carrier::Twilio).then(|| self.keys.twilio(url, &[]))
    }

    fn form(&self, status: &str) -> Vec<(String, String)> {
        let form = [
            ("CallSid", self.call_id.as_str()),
            ("AccountSid", self.account()),
            ("From", &self.from),
            ("To", &self.to),
            ("CallStatus", status),
            ("Direction", "inbound"),
            ("ApiVersion", "2010-04-01"),
        ];
        form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// One retry, at once: what a carrier does by itself (`rc=1`). More of them when the plan has patience.
    async fn twice(&self, url: &Url, form: &[(String, String)], retried: impl FnOnce()) -> Result<Response> {
        let patient_until = Instant::now() + self.patience;
        if let Ok(answer) = self.post(url, form).await {
            return Ok(answer);
        }
        retried();
        loop {
            match self.post(url, form).await {
                Err(_) if Instant::now() < patient_until => sleep(TRY_AGAIN).await,
                outcome => return outcome,
            }
        }
    }

    async fn post(&self, url: &Url, form: &[(String, String)]) -> Result<Response> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = self.http.post(url.clone()).timeout(REQUEST_LIMIT).header("content-type", "application/x-www-form-urlencoded");
        match self.carrier {
            Carrier::Twilio => request = request.header("x-twilio-signature", self.keys.twilio(url.as_str(), form)),
            Carrier::Telnyx => {
                let (signature, time) = self.keys.telnyx(body.as_bytes());
                request = request.header("telnyx-signature-ed25519", signature).header("telnyx-timestamp", time);
            }
        }
        let answer = request.body(body).send().await.with_context(|| format!("{url} cannot be reached"))?;
        ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
        Ok(answer)
    }

    /// Connects to where a stream goes.
    pub(super) async fn connect(&self, url: &Url) -> Result<tokio::net::TcpStream> {
        let host = url.host_str().context("the stream's address has no host")?;
        let port = url.port_or_known_default().context("the stream's address has no port")?;
        let stream = tokio::time::timeout(CONNECT_LIMIT, tokio::net::TcpStream::connect((host, port))).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
