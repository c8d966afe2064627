//! What the client says after the set-up.

use audio::resample::resample;
use serde_json::{Value, json};

use super::{End, Session, Understood};
use crate::vendors::gemini::wire;
use crate::vendors::realtime::detect::Edge;

/// What is heard.
const RATE: u32 = 16_000;
/// Longest utterance, samples: ten minutes.
const MAX_UTTERANCE: usize = RATE as usize * 600;

const INVALID: &str = "Request contains an invalid argument.";

impl Session {
    pub(super) async fn client(&mut self, message: &Value) -> Result<(), End> {
        let fields = message.as_object().filter(|fields| fields.len() == 1).ok_or(End::Close(1007, INVALID))?;
        match fields.keys().next().map(String::as_str) {
            Some("realtimeInput") => self.realtime(&message["realtimeInput"]).await,
            Some("clientContent") => self.content(&message["clientContent"]).await,
            Some("toolResponse") => self.tools(&message["toolResponse"]).await,
            Some("setup") => Err(End::Close(1007, "setup must be the first message and only the first")),
            _ => Err(End::Close(1007, INVALID)),
        }
    }

    async fn realtime(&mut self, input: &Value) -> Result<(), End> {
        if input.get("activityStart").is_some() {
            self.by_hand()?;
            if self.utterance.is_some() {
                return Err(End::Close(1007, "Activity start was sent twice."));
            }
            self.utterance = Some(Vec::new());
            if self.setup.interrupts {
                self.interrupt().await?;
            }
        }
        if input["audio"].is_object() {
            self.sound(&input["audio"]).await?;
        }
        if let Some(text) = input["text"].as_str() {
            self.talk.heard(text);
            self.interrupt().await?;
            self.begin();
        }
        if input.get("activityEnd").is_some() {
            self.by_hand()?;
            let utterance = self.utterance.take().ok_or(End::Close(1007, "Activity end without a start."))?;
            self.listen(utterance);
        }
        if input.get("audioStreamEnd").is_some()
            && let Some(utterance) = self.utterance.take()
        {
            self.listen(utterance);
        }
        Ok(())
    }

    /// Marks of activity are for sessions whose detection is off.
    fn by_hand(&self) -> Result<(), End> {
        if self.setup.detects {
            return Err(End::Close(1007, "Explicit activity control is not supported when automatic activity detection is enabled."));
        }
        Ok(())
    }

    async fn sound(&mut self, audio: &Value) -> Result<(), End> {
        let rate = audio["mimeType"].as_str().and_then(wire::rate).ok_or(End::Close(1007, INVALID))?;
        let bytes = audio["data"].as_str().and_then(wire::bytes).ok_or(End::Close(1007, INVALID))?;
        let pcm: Vec<i16> = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let pcm = resample(&pcm, rate, RATE).map_err(|_| End::Close(1007, INVALID))?;
        self.audio_ms += pcm.len() as u64 * 1000 / u64::from(RATE);
        if self.setup.detects {
            for edge in self.detector.hear(&pcm, RATE as usize, self.setup.silence_ms) {
                match edge {
                    Edge::Started(_) => {
                        self.utterance = Some(Vec::new());
                        if self.setup.interrupts {
                            self.interrupt().await?;
                        }
                    }
                    Edge::Stopped(_) => {
                        let utterance = self.utterance.take().unwrap_or_default();
                        self.listen(utterance);
                    }
                }
            }
        }
        // Sound outside of an activity is not heard.
        if let Some(utterance) = self.utterance.as_mut().filter(|utterance| utterance.len() < MAX_UTTERANCE) {
            utterance.extend_from_slice(&pcm);
        }
        Ok(())
    }

    /// Understands an utterance, beside.
    fn listen(&mut self, utterance: Vec<i16>) {
        self.hearing += 1;
        let (ears, report) = (self.stage.ears.clone(), self.hearings.0.clone());
        tokio::spawn(async move {
            let millis = utterance.len() as u64 * 1000 / u64::from(RATE);
            let heard = ears.hear(&utterance, RATE).await.ok();
            // A session that is over needs no words.
            let _ = report.send(Understood { heard, millis }).await;
        });
    }

    pub(super) async fn understood(&mut self, understood: Understood) -> Result<(), End> {
        self.hearing = self.hearing.saturating_sub(1);
        let Some(heard) = understood.heard.filter(|_| understood.millis > 0) else { return Ok(()) };
        self.talk.heard(&heard.text);
        if self.setup.hears {
            for word in heard.text.split_inclusive(' ') {
                self.send(json!({ "serverContent": { "inputTranscription": { "text": word } } })).await?;
            }
        }
        if self.hearing == 0 && self.utterance.is_none() {
            self.begin();
        }
        Ok(())
    }

    async fn content(&mut self, content: &Value) -> Result<(), End> {
        for turn in content["turns"].as_array().into_iter().flatten() {
            for part in turn["parts"].as_array().into_iter().flatten() {
                match (turn["role"].as_str(), part["text"].as_str()) {
                    (Some("model"), Some(text)) => self.talk.said(text),
                    (_, Some(text)) => self.talk.heard(text),
                    (Some("model"), None) => {
                        let call = &part["functionCall"];
                        self.talk.called(call["id"].as_str().unwrap_or_default(), call["name"].as_str().unwrap_or_default());
                    }
                    (_, None) => self.answered(&part["functionResponse"])?,
                }
            }
        }
        self.interrupt().await?;
        if content["turnComplete"] == true {
            self.begin();
        }
        Ok(())
    }

    fn answered(&mut self, response: &Value) -> Result<(), End> {
        let id = response["id"].as_str().unwrap_or_default();
        self.waiting.retain(|waiting| waiting != id);
        if self.talk.answered(id, &response["response"].to_string()) { Ok(()) } else { Err(End::Close(1007, INVALID)) }
    }

    async fn tools(&mut self, response: &Value) -> Result<(), End> {
        let answers = response["functionResponses"].as_array().filter(|all| !all.is_empty()).ok_or(End::Close(1007, INVALID))?;
        for answer in answers {
            self.answered(answer)?;
        }
        // It goes on by itself when all have answered.
        if self.waiting.is_empty() && self.running.is_none() && self.utterance.is_none() {
            self.begin();
        }
        Ok(())
    }
}
