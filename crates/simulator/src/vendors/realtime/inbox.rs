//! What the client says.

use audio::g711::{decode_alaw, decode_ulaw};
use audio::resample::Resampler;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::config::Format;
use super::detect::{Edge, pause};
use super::session::{Buffer, End, Session, Understood};
use super::wire::Wrong;

/// Shortest sound that is an utterance, milliseconds.
const MIN_COMMIT_MS: u64 = 100;
/// Longest sound that waits for its commit, milliseconds.
const MAX_BUFFER_MS: u64 = 10 * 60 * 1000;
/// The caller's words are transcribed beside the answer, and come this much after the model has them.
const TRANSCRIPTION_LAG: std::time::Duration = std::time::Duration::from_millis(150);

impl Session {
    pub(super) async fn client(&mut self, event: &Value) -> Result<(), End> {
        let done = match event["type"].as_str().unwrap_or_default() {
            "session.update" => self.update(event).await?,
            "input_audio_buffer.append" => self.append(event).await?,
            "input_audio_buffer.commit" => self.commit().await?,
            "input_audio_buffer.clear" => {
                self.buffer = Buffer::default();
                self.send(json!({ "type": "input_audio_buffer.cleared" })).await?;
                Ok(())
            }
            "conversation.item.create" => self.create(&event["item"]).await?,
            "conversation.item.retrieve" => self.retrieve(event).await?,
            "conversation.item.delete" => self.delete(event).await?,
            "conversation.item.truncate" => self.truncate(event).await?,
            "response.create" => self.respond(&event["response"]).await?,
            "response.cancel" => self.cancel("client_cancelled").await?,
            _ => Err(Wrong::at("invalid_value", "type")),
        };
        match done {
            Ok(()) => Ok(()),
            Err(wrong) if wrong.code == "beta_api_shape_disabled" => {
                super::refuse_beta(&mut self.socket).await;
                Err(End::Left)
            }
            Err(wrong) => self.send(wrong.event(&event["event_id"])).await,
        }
    }

    async fn update(&mut self, event: &Value) -> Result<Result<(), Wrong>, End> {
        if let Err(wrong) = self.config.update(&event["session"], self.spoke) {
            return Ok(Err(wrong));
        }
        self.send(json!({ "type": "session.updated", "session": self.config.0 })).await?;
        Ok(Ok(()))
    }

    async fn append(&mut self, event: &Value) -> Result<Result<(), Wrong>, End> {
        let format = self.config.format("input");
        let Some(bytes) = event["audio"].as_str().and_then(|text| STANDARD.decode(text).ok()) else {
            return Ok(Err(Wrong::at("invalid_value", "audio")));
        };
        let Some(pcm) = self.buffer.take(&bytes, format) else { return Ok(Err(Wrong::at("invalid_value", "audio"))) };
        if self.buffer.millis() > MAX_BUFFER_MS {
            self.buffer = Buffer::default();
            return Ok(Err(Wrong::at("invalid_value", "audio")));
        }
        let detection = self.config.detection().clone();
        if !detection.is_null() {
            for edge in self.detector.hear(&pcm, self.buffer.rate as usize, pause(&detection)) {
                self.edge(edge, &detection).await?;
            }
        }
        Ok(Ok(()))
    }

    /// The vendor's own turn taking.
    async fn edge(&mut self, edge: Edge, detection: &Value) -> Result<(), End> {
        match edge {
            Edge::Started(at) => {
                let item = self.id("item");
                self.buffer.item = Some(item.clone());
                self.send(json!({ "type": "input_audio_buffer.speech_started", "audio_start_ms": at, "item_id": item })).await?;
                if detection["interrupt_response"] != false && self.running.is_some() {
                    // It cannot be that none is under way.
                    let _ = self.cancel("turn_detected").await?;
                }
            }
            Edge::Stopped(at) => {
                let item = self.buffer.item.clone();
                self.send(json!({ "type": "input_audio_buffer.speech_stopped", "audio_end_ms": at, "item_id": item })).await?;
                if self.commit().await?.is_ok() && detection["create_response"] != false && self.running.is_none() {
                    // Nothing is under way that could refuse it.
                    let _ = self.respond(&Value::Null).await?;
                }
            }
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Result<(), Wrong>, End> {
        let millis = self.buffer.millis();
        if millis < MIN_COMMIT_MS {
            return Ok(Err(Wrong::new("input_audio_buffer_commit_empty")));
        }
        let buffer = std::mem::take(&mut self.buffer);
        let id = match buffer.item {
            Some(item) => item,
            None => self.id("item"),
        };
        let previous = self.items.last().map(|item| item.id.clone());
        self.send(json!({ "type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": id })).await?;
        let item = json!({ "id": id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user",
            "content": [{ "type": "input_audio", "transcript": null }] });
        self.put(item, false).await?;
        self.new_audio_ms += millis;
        self.hearing += 1;
        let (ears, report, transcribes) = (self.stage.ears.clone(), self.hearings.0.clone(), self.config.transcribes());
        tokio::spawn(async move {
            let heard = ears.hear(&buffer.pcm, buffer.rate).await.ok();
            let early = Understood { item: id.clone(), heard: heard.clone(), millis, late: false };
            // A session that is over needs no words.
            if report.send(early).await.is_ok() && transcribes {
                tokio::time::sleep(TRANSCRIPTION_LAG).await;
                let _ = report.send(Understood { item: id, heard, millis, late: true }).await;
            }
        });
        Ok(Ok(()))
    }

    pub(super) async fn understood(&mut self, understood: Understood) -> Result<(), End> {
        if understood.late {
            return self.transcribed(understood).await;
        }
        self.hearing = self.hearing.saturating_sub(1);
        if let Some(heard) = &understood.heard {
            self.talk.heard(&heard.text);
        }
        self.launch();
        Ok(())
    }

    async fn transcribed(&mut self, understood: Understood) -> Result<(), End> {
        let about = "conversation.item.input_audio_transcription";
        let Understood { item, heard, millis, .. } = understood;
        let Some(heard) = heard else {
            let error = json!({ "type": "transcription_error", "code": "audio_unintelligible", "message": "The audio could not be transcribed.",
                "param": null });
            return self.send(json!({ "type": format!("{about}.failed"), "item_id": item, "content_index": 0, "error": error })).await;
        };
        self.send(json!({ "type": format!("{about}.delta"), "item_id": item, "content_index": 0, "delta": heard.text })).await?;
        let (input, output) = (millis / 100, heard.text.len() as u64 / 4 + 1);
        let usage = json!({ "type": "tokens", "total_tokens": input + output, "input_tokens": input, "output_tokens": output,
            "input_token_details": { "text_tokens": 0, "audio_tokens": input } });
        let event =
            json!({ "type": format!("{about}.completed"), "item_id": item, "content_index": 0, "transcript": heard.text, "usage": usage });
        self.send(event).await
    }

    async fn create(&mut self, item: &Value) -> Result<Result<(), Wrong>, End> {
        let mut item = item.clone();
        let parts = item["content"].as_array().into_iter().flatten();
        let text: Vec<&str> = parts.filter_map(|part| part["text"].as_str()).collect();
        let text = text.join(" ");
        match (item["type"].as_str().unwrap_or_default(), item["role"].as_str().unwrap_or_default()) {
            ("message", role @ ("user" | "system" | "assistant")) => {
                let wanted = if role == "assistant" { "output_text" } else { "input_text" };
                let kinds = item["content"].as_array().into_iter().flatten().map(|part| part["type"].as_str().unwrap_or_default());
                if kinds.clone().count() == 0 || kinds.clone().any(|kind| !kind.ends_with("audio") && kind != wanted) {
                    return Ok(Err(Wrong::at("invalid_value", "item.content[0].type")));
                }
                if role == "assistant" { self.talk.said(&text) } else { self.talk.heard(&text) }
            }
            ("function_call", _) => {
                self.talk.called(item["call_id"].as_str().unwrap_or_default(), item["name"].as_str().unwrap_or_default())
            }
            ("function_call_output", _) => {
                let Some(output) = item["output"].as_str() else { return Ok(Err(Wrong::at("missing_required_parameter", "item.output"))) };
                if !self.talk.answered(item["call_id"].as_str().unwrap_or_default(), output) {
                    return Ok(Err(Wrong::at("invalid_tool_call_id", "item.call_id")));
                }
            }
            _ => return Ok(Err(Wrong::at("invalid_value", "item.type"))),
        }
        if !item["id"].is_string() {
            item["id"] = json!(self.id("item"));
        }
        item["object"] = json!("realtime.item");
        item["status"] = json!("completed");
        self.put(item, false).await?;
        Ok(Ok(()))
    }

    async fn retrieve(&mut self, event: &Value) -> Result<Result<(), Wrong>, End> {
        let Some(item) = self.items.iter().find(|item| event["item_id"] == item.id.as_str()) else {
            return Ok(Err(Wrong::at("invalid_value", "item_id")));
        };
        let event = json!({ "type": "conversation.item.retrieved", "item": item.value });
        self.send(event).await?;
        Ok(Ok(()))
    }

    async fn delete(&mut self, event: &Value) -> Result<Result<(), Wrong>, End> {
        let Some(place) = self.items.iter().position(|item| event["item_id"] == item.id.as_str()) else {
            return Ok(Err(Wrong::at("invalid_value", "item_id")));
        };
        let item = self.items.remove(place);
        self.send(json!({ "type": "conversation.item.deleted", "item_id": item.id })).await?;
        Ok(Ok(()))
    }

    async fn truncate(&mut self, event: &Value) -> Result<Result<(), Wrong>, End> {
        let (id, index) = (event["item_id"].as_str().unwrap_or_default(), &event["content_index"]);
        let Some(end) = event["audio_end_ms"].as_u64() else {
            return Ok(Err(Wrong::at("missing_required_parameter", "audio_end_ms")));
        };
        let Some(item) = self.items.iter_mut().find(|item| item.agent && item.id == id) else {
            return Ok(Err(Wrong::at("item_truncate_invalid_item_id", "item_id")));
        };
        if end > item.audio_ms || *index != 0 {
            return Ok(Err(Wrong::at("invalid_value", if *index == 0 { "audio_end_ms" } else { "content_index" })));
        }
        item.audio_ms = end;
        // The words go with the sound: the model cannot remember what was not heard.
        if let Some(part) = item.value.pointer_mut("/content/0") {
            part["transcript"] = json!("");
        }
        self.send(json!({ "type": "conversation.item.truncated", "item_id": id, "content_index": 0, "audio_end_ms": end })).await?;
        Ok(Ok(()))
    }
}

impl Buffer {
    /// Adds sound, and returns it as it was understood; `None` when it is no such sound.
    fn take(&mut self, bytes: &[u8], format: Format) -> Option<Vec<i16>> {
        let mut pcm = Vec::with_capacity(bytes.len());
        self.rate = 8000;
        match format {
            Format::Ulaw => decode_ulaw(bytes, &mut pcm),
            Format::Alaw => decode_alaw(bytes, &mut pcm),
            Format::Pcm => {
                if !bytes.len().is_multiple_of(2) {
                    return None;
                }
                let wide: Vec<i16> = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
                if self.resampler.is_none() {
                    self.resampler = Resampler::new(24_000, 16_000).ok();
                }
                self.resampler.as_mut()?.process(&wide, &mut pcm);
                self.rate = 16_000;
            }
        }
        self.pcm.extend_from_slice(&pcm);
        Some(pcm)
    }

    fn millis(&self) -> u64 {
        self.pcm.len() as u64 * 1000 / u64::from(self.rate.max(1))
    }
}
