//! A call that was answered and whose stream a test opens by hand, to say on it what no carrier would.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use reqwest::Url;
use telephony::{FarEnd, StreamStart, far_end};

use super::CarrierSimulator;
use super::document::{Connect, Verb};
use super::plan::CallPlan;
use super::web::Web;
use crate::Socket;

/// A call between its document and its stream.
pub struct Offered {
    /// The carrier's id of the call.
    pub call_id: String,
    /// The document's stream.
    pub connect: Connect,
    /// Writes the carrier's messages.
    pub far: Box<dyn FarEnd>,
    carrier: call::Carrier,
    start: StreamStart,
}

impl CarrierSimulator {
    /// Asks the voice webhook, and leaves the rest to the test.
    pub async fn offered(&self, plan: &CallPlan) -> Result<Offered> {
        let web = Web::new(self.http().clone(), self.server().clone(), self.keys.clone(), plan);
        let verbs = web.ask(web.voice_url()?.as_str(), "ringing", &[], || {}).await?;
        let Some(Verb::Connect(connect)) = verbs.first().cloned() else { bail!("no stream is offered but {verbs:?}") };
        let start = StreamStart {
            stream_id: web.new_stream_id(),
            carrier_call_id: web.call_id.clone(),
            account: Some(web.account().to_owned()),
            from: Some(web.from.clone()),
            to: Some(web.to.clone()),
            parameters: connect.parameters.clone(),
            format: connect.format,
        };
        Ok(Offered { far: far_end(plan.carrier, connect.format), call_id: web.call_id, carrier: plan.carrier, connect, start })
    }
}

impl Offered {
    /// Opens the socket and says nothing yet.
    pub async fn socket(&self) -> Result<Socket> {
        let url = Url::parse(&self.connect.url).context("the stream's address")?;
        let mut server = url.clone();
        server.set_path("/");
        // `Socket` takes the server as http.
        let server = Url::parse(&server.as_str().replacen("ws", "http", 1))?;
        Socket::open(&server, url.path()).await
    }

    /// Opens the socket and starts the stream.
    pub async fn started(&mut self) -> Result<Socket> {
        let mut socket = self.socket().await?;
        socket.send(self.far.connected()).await;
        socket.send(self.start_message()).await;
        Ok(socket)
    }

    /// The `start` message.
    pub fn start_message(&mut self) -> String {
        self.far.start(&self.start)
    }

    /// The `start` message with these parameters instead of the document's.
    pub fn start_with(&mut self, parameters: &[(&str, &str)]) -> String {
        let parameters: BTreeMap<_, _> = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.far.start(&StreamStart { parameters, ..self.start.clone() })
    }

    /// Numbers the messages from one again, as for a new stream.
    pub fn begin_anew(&mut self) {
        self.far = far_end(self.carrier, self.connect.format);
    }

    /// A frame of 20 ms.
    pub fn media(&mut self, pcm: &[i16]) -> String {
        let mut text = String::new();
        self.far.media(pcm, &mut text);
        text
    }
}
