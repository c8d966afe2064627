//! What Deepgram's live transcription says and is told (speech-to-text, `/v1/listen`).

use serde::Deserialize;

/// Keeps an idle socket open. As text: as bytes it would be taken for sound.
pub(super) const KEEP_ALIVE: &str = r#"{"type":"KeepAlive"}"#;
/// Asks for what was heard so far, now.
pub(super) const FINALIZE: &str = r#"{"type":"Finalize"}"#;
/// Says goodbye.
pub(super) const CLOSE_STREAM: &str = r#"{"type":"CloseStream"}"#;

/// One message. Fields that nobody here needs are left out; new kinds of messages are no fault.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Said {
    Results(Results),
    UtteranceEnd {
        /// Seconds of the stream; -1 where it does not know \[unverified\].
        #[serde(default)]
        last_word_end: f64,
    },
    Metadata {},
    Error {},
    #[serde(other)]
    Other,
}

/// What was heard in one slice of the stream.
#[derive(Debug, Deserialize)]
pub(super) struct Results {
    /// Seconds of the stream.
    pub(super) start: f64,
    /// Seconds.
    pub(super) duration: f64,
    /// This slice will not change any more.
    #[serde(default)]
    pub(super) is_final: bool,
    /// The speaker has come to an end.
    #[serde(default)]
    pub(super) speech_final: bool,
    /// The answer to [`FINALIZE`].
    #[serde(default)]
    pub(super) from_finalize: bool,
    pub(super) channel: Channel,
}

#[derive(Debug, Deserialize)]
pub(super) struct Channel {
    #[serde(default)]
    pub(super) alternatives: Vec<Alternative>,
}

/// One way to understand the slice; the first is the best.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Alternative {
    pub(super) transcript: String,
    #[serde(default)]
    pub(super) confidence: f32,
    #[serde(default)]
    pub(super) words: Vec<Spoken>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Spoken {
    pub(super) word: String,
    /// With case and punctuation.
    #[serde(default)]
    pub(super) punctuated_word: Option<String>,
    /// Seconds of the stream.
    #[serde(default)]
    pub(super) end: f64,
    #[serde(default)]
    pub(super) confidence: f32,
}

impl Results {
    /// Where the slice ends, seconds of the stream.
    pub(super) fn end(&self) -> f64 {
        self.start + self.duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_the_vendor_documents_them_and_new_ones_do_no_harm() {
        let results = r#"{"type":"Results","channel_index":[0,1],"duration":1.04,"start":3.2,"is_final":true,"speech_final":false,
            "from_finalize":false,"channel":{"alternatives":[{"transcript":"Two nights","confidence":0.98,"languages":["en"],
            "words":[{"word":"two","start":3.3,"end":3.5,"confidence":0.99,"punctuated_word":"Two","speaker":0}]}]},
            "metadata":{"request_id":"r","model_info":{},"model_uuid":"m"}}"#;
        let Said::Results(results) = serde_json::from_str(results).unwrap() else { panic!("other") };
        assert!(results.is_final && (results.end() - 4.24).abs() < 1e-9);
        assert_eq!(results.channel.alternatives[0].words[0].word, "two");
        let end = serde_json::from_str(r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":2.39}"#).unwrap();
        assert!(matches!(end, Said::UtteranceEnd { last_word_end } if last_word_end == 2.39));
        for (text, kind) in [("Metadata", "Metadata"), ("Error", "Error"), ("SpeechStarted", "Other"), ("Tomorrow", "Other")] {
            let said: Said = serde_json::from_str(&format!(r#"{{"type":"{text}","new":1}}"#)).unwrap();
            assert!(format!("{said:?}").starts_with(kind), "{said:?}");
        }
        assert!(serde_json::from_str::<Said>("{}").is_err());
    }
}
