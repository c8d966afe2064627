//! Which model listens, and what sound it wants.

use std::collections::HashMap;

use riva::asr::RivaSpeechRecognitionConfigResponse;
use riva::base::AudioEncoding;

use super::NAME;
use crate::SpeechError;

/// What models want that do not say it: Riva's are trained on 16 kHz.
const USUAL_RATE: u32 = 16_000;
/// The telephone's rate.
const TELEPHONE_RATE: u32 = 8000;
/// Models that are remembered.
const MAX_MODELS: usize = 200;

/// The server's streaming models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Models(Vec<Offered>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Offered {
    name: String,
    /// A model of many languages names them all, separated by commas \[U\].
    languages: Vec<String>,
    rate: u32,
}

/// The model of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) name: String,
    /// As the server writes it.
    pub(super) language: String,
    /// Samples a second: 8000 or 16000.
    pub(super) rate: u32,
}

impl Models {
    /// Those that stream. The parameters' names are those of Riva's own examples (`type`, `language_code`, `sample_rate`).
    pub(super) fn of(answer: RivaSpeechRecognitionConfigResponse) -> Self {
        let streams = |parameters: &HashMap<String, String>| parameters.get("type").is_none_or(|kind| kind == "online");
        let all = answer.model_config.into_iter().filter(|config| streams(&config.parameters)).take(MAX_MODELS);
        let offered = all.map(|config| {
            let said = |name: &str| config.parameters.get(name).map(String::as_str).unwrap_or_default();
            let languages = said("language_code").split(',').map(str::trim).filter(|language| !language.is_empty());
            let rate = if said("sample_rate").trim() == "8000" { TELEPHONE_RATE } else { USUAL_RATE };
            Offered { languages: languages.map(str::to_owned).collect(), rate, name: config.model_name }
        });
        Self(offered.collect())
    }

    /// The model of this name, or the first one, for a language: the same one, or else one of another country.
    pub(super) fn choose(&self, name: Option<&str>, language: &str) -> Result<Model, SpeechError> {
        let primary = |language: &str| language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let same = |known: &str| known.eq_ignore_ascii_case(language);
        let near = |known: &str| primary(known) == primary(language);
        let found = self.find(name, same).or_else(|| self.find(name, near));
        found.ok_or_else(|| self.missing(name, language))
    }

    /// Any model, in any of its languages.
    pub(super) fn any(&self, name: Option<&str>) -> Result<Model, SpeechError> {
        self.find(name, |_| true).ok_or_else(|| self.missing(name, "any language"))
    }

    fn find(&self, name: Option<&str>, fits: impl Fn(&str) -> bool) -> Option<Model> {
        let named = self.0.iter().filter(|offered| name.is_none_or(|name| offered.name == name));
        let pairs = named.flat_map(|offered| offered.languages.iter().map(move |language| (offered, language)));
        let (offered, language) = pairs.into_iter().find(|(_, language)| fits(language))?;
        Some(Model { name: offered.name.clone(), language: language.clone(), rate: offered.rate })
    }

    fn missing(&self, name: Option<&str>, language: &str) -> SpeechError {
        let mut known: Vec<&str> = self.0.iter().flat_map(|offered| &offered.languages).map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        let which = name.unwrap_or("a model");
        let detail =
            format!("it has no streaming {which} for {language}, but for: {}; deploy one, or choose another engine", known.join(", "));
        SpeechError::Model { engine: NAME, detail }
    }
}

impl Model {
    /// The telephone's own coding where the model has its rate; plain samples where they must be made more.
    pub(super) fn encoding(&self) -> AudioEncoding {
        if self.rate == TELEPHONE_RATE { AudioEncoding::Mulaw } else { AudioEncoding::LinearPcm }
    }

    pub(super) fn bytes_a_second(&self) -> usize {
        self.rate as usize * if self.rate == TELEPHONE_RATE { 1 } else { 2 }
    }
}

#[cfg(test)]
mod tests {
    use riva::asr::riva_speech_recognition_config_response::Config;

    use super::*;

    fn model(name: &str, parameters: &[(&str, &str)]) -> Config {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config { model_name: name.into(), parameters }
    }

    #[test]
    fn the_first_streaming_model_of_the_language_listens_at_its_own_rate() {
        let models = Models::of(RivaSpeechRecognitionConfigResponse {
            model_config: vec![
                model("clips", &[("type", "offline"), ("language_code", "en-US")]),
                model("wide", &[("type", "online"), ("language_code", "en-US"), ("sample_rate", "16000")]),
                model("narrow", &[("type", "online"), ("language_code", "de-DE, es-US"), ("sample_rate", "8000")]),
            ],
        });
        let chosen = |name, language| models.choose(name, language).map(|model| (model.name, model.language, model.rate));
        assert_eq!(chosen(None, "en-US").unwrap(), ("wide".into(), "en-US".into(), 16_000));
        assert_eq!(chosen(None, "en-GB").unwrap(), ("wide".into(), "en-US".into(), 16_000), "better than none");
        assert_eq!(chosen(None, "es-us").unwrap(), ("narrow".into(), "es-US".into(), 8000));
        assert!(chosen(Some("narrow"), "en-US").unwrap_err().to_string().contains("de-DE, en-US, es-US"));
        assert!(chosen(Some("clips"), "en-US").is_err());
    }
}
