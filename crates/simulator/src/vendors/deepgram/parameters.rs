//! The query of `/v1/listen`, checked as Deepgram checks it.

use super::refusal::Refusal;

/// How sound comes that we can decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Linear16,
    Mulaw,
    Alaw,
    /// One that Deepgram knows and this simulator has no ears for, or none: then the sound should have a container.
    Unheard,
}

/// Encodings that Deepgram takes and that are not decoded here.
const OTHER_ENCODINGS: [&str; 8] = ["linear32", "flac", "amr-nb", "amr-wb", "opus", "ogg-opus", "speex", "g729"];
/// Deepgram's default for `endpointing`, milliseconds.
const ENDPOINTING_MS: u64 = 10;

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters {
    pub(super) model: String,
    pub(super) encoding: Encoding,
    pub(super) rate: u32,
    pub(super) interim: bool,
    /// Silence that ends what is said, milliseconds; `None`: nothing does.
    pub(super) endpointing: Option<u64>,
    pub(super) utterance_end: Option<u64>,
    pub(super) vad_events: bool,
    pub(super) punctuate: bool,
}

impl Parameters {
    pub(super) fn read(query: &[(String, String)]) -> Result<Self, Refusal> {
        let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let flag = |name: &str| match value(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::parameter(format!("{name} must be true or false"))),
        };
        let number = |name: &str| match value(name).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(Refusal::parameter(format!("{name} must be a number"))),
        };
        let encoding = encoding(value("encoding"))?;
        let rate = number("sample_rate")?;
        if encoding != Encoding::Unheard && rate.is_none() {
            return Err(Refusal::parameter("sample_rate is required for raw audio"));
        }
        let endpointing = if value("endpointing") == Some("false") { None } else { Some(number("endpointing")?.unwrap_or(ENDPOINTING_MS)) };
        let parameters = Self {
            model: value("model").unwrap_or("base-general").to_owned(),
            encoding,
            rate: rate.and_then(|rate| u32::try_from(rate).ok()).unwrap_or(0),
            interim: flag("interim_results")?,
            endpointing,
            utterance_end: number("utterance_end_ms")?,
            vad_events: flag("vad_events")?,
            punctuate: flag("punctuate")? || flag("smart_format")?,
        };
        parameters.checked(value("keyterm").is_some())
    }

    fn checked(self, key_terms: bool) -> Result<Self, Refusal> {
        if self.utterance_end.is_some() && !self.interim {
            return Err(Refusal::parameter("utterance_end_ms requires interim_results=true"));
        }
        if key_terms && !self.model.starts_with("nova-3") {
            return Err(Refusal::parameter("keyterm is only supported by nova-3"));
        }
        if self.encoding != Encoding::Unheard && !audio::resample::RATES.contains(&self.rate) {
            return Err(Refusal::parameter("sample_rate is not supported"));
        }
        Ok(self)
    }
}

fn encoding(name: Option<&str>) -> Result<Encoding, Refusal> {
    match name {
        Some("linear16") => Ok(Encoding::Linear16),
        Some("mulaw") => Ok(Encoding::Mulaw),
        Some("alaw") => Ok(Encoding::Alaw),
        None => Ok(Encoding::Unheard),
        Some(other) if OTHER_ENCODINGS.contains(&other) => Ok(Encoding::Unheard),
        Some(_) => Err(Refusal::parameter("encoding is not supported")),
    }
}

impl Encoding {
    /// Samples of these bytes; `None`: they are no such sound.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Vec<i16>> {
        let mut pcm = Vec::with_capacity(bytes.len());
        match self {
            Self::Mulaw => audio::g711::decode_ulaw(bytes, &mut pcm),
            Self::Alaw => audio::g711::decode_alaw(bytes, &mut pcm),
            Self::Linear16 => pcm.extend(bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair))),
            Self::Unheard => return None,
        }
        Some(pcm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Parameters, Refusal> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Parameters::read(&pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn wrong_parameters_are_refused_and_defaults_are_deepgrams() {
        let plain = read("model=nova-3&encoding=mulaw&sample_rate=8000").unwrap();
        assert_eq!((plain.endpointing, plain.interim, plain.utterance_end), (Some(10), false, None));
        assert_eq!(read("encoding=mulaw&sample_rate=8000&endpointing=false").unwrap().endpointing, None);
        assert_eq!(read("model=nova-3").unwrap().encoding, Encoding::Unheard);
        for wrong in [
            "encoding=mulaw",
            "encoding=nonsense&sample_rate=8000",
            "encoding=mulaw&sample_rate=8000&utterance_end_ms=1000",
            "encoding=mulaw&sample_rate=8000&interim_results=maybe",
            "model=nova-2&keyterm=suite&encoding=mulaw&sample_rate=8000",
            "encoding=mulaw&sample_rate=12345",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
