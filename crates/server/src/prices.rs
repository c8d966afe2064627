//! What services charge. A data file that comes with the program, or the one that PRICES_FILE names in its place.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use call::{Unit, Usage};
use rust_decimal::Decimal;
use serde::Deserialize;
use store::usage::PricedUsage;

/// The file that comes with the program.
const SHIPPED: &str = include_str!("../prices.toml");
/// Longest file that is read, bytes; the program's own has some 8,000.
const MAX_FILE: u64 = 1024 * 1024;

/// Prices by service, model and unit.
#[derive(Debug, Clone)]
pub struct Prices {
    currency: String,
    per_million: HashMap<(String, String, Unit), Decimal>,
}

/// Why prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// The file cannot be read.
    #[error("cannot read the prices in {path}: {source}; correct PRICES_FILE, or leave it out")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error("the prices in {path} cannot be used: {why}; correct the file, or leave PRICES_FILE out")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What is wrong, and with what.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    currency: String,
    #[serde(default)]
    price: Vec<Line>,
    #[serde(default)]
    no_price: Vec<NoPrice>,
}

/// What has no price, said on purpose: a service, one of its models, or one of its units.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoPrice {
    service: String,
    model: Option<String>,
    unit: Option<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    service: String,
    model: String,
    unit: String,
    per_million: String,
    source: String,
    /// Of when it is, as `2025-08` or `2025-08-28`.
    #[serde(default)]
    as_of: Option<String>,
    /// It was not compared with the vendor's own list.
    #[serde(default)]
    #[expect(dead_code, reason = "it is for the file's readers; its form is checked")]
    assumption: bool,
}

impl Prices {
    /// Those of `file`; those of the program without.
    pub fn load(file: Option<&Path>) -> Result<Self, PricesError> {
        let Some(path) = file else { return Self::parse(SHIPPED).map_err(|why| wrong(Path::new("prices.toml"), why)) };
        let read = |source| PricesError::Read { path: path.into(), source };
        if std::fs::metadata(path).map_err(read)?.len() > MAX_FILE {
            return Err(wrong(path, format!("it is longer than {MAX_FILE} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        Self::parse(&text).map_err(|why| wrong(path, why))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|fault| fault.to_string())?;
        if file.currency.len() != 3 || !file.currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(format!("the currency {:?} is not three capital letters (ISO 4217)", file.currency));
        }
        let mut per_million = HashMap::new();
        for line in file.price {
            let name = format!("the price of {} {} {}", line.service, line.model, line.unit);
            let price = line.read().map_err(|why| format!("{name}: {why}"))?;
            if per_million.insert(price.0, price.1).is_some() {
                return Err(format!("{name} stands there twice"));
            }
        }
        for none in file.no_price {
            none.check(&per_million)?;
        }
        Ok(Self { currency: file.currency, per_million })
    }

    /// What was used, with what it cost. What has no price has no cost.
    pub fn price(&self, used: &[Usage]) -> Vec<PricedUsage> {
        used.iter().map(|usage| self.priced(usage)).collect()
    }

    /// As calls take it.
    pub(crate) fn into_price(self) -> session::Price {
        Box::new(move |used| self.price(used))
    }

    fn priced(&self, usage: &Usage) -> PricedUsage {
        let key = (usage.service.clone(), usage.model.clone(), usage.unit);
        let price = self.per_million.get(&key).copied();
        let cost = price.and_then(|price| price.checked_mul(Decimal::from(usage.amount))?.checked_div(Decimal::from(1_000_000)));
        PricedUsage { usage: usage.clone(), price, cost: cost.map(|cost| cost.normalize()), currency: self.currency.clone() }
    }
}

impl NoPrice {
    fn is_of(&self, (service, model, unit): &(String, String, Unit)) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        self.service == *service && is(&self.model, model) && is(&self.unit, unit.as_str())
    }

    fn check(&self, per_million: &HashMap<(String, String, Unit), Decimal>) -> Result<(), String> {
        let name = format!("no_price of {}", self.service);
        if self.service.is_empty() || self.why.trim().is_empty() {
            return Err(format!("{name}: service and why must not be empty"));
        }
        if self.unit.as_ref().is_some_and(|unit| Unit::parse(unit).is_none()) {
            return Err(format!("{name}: the unit is none"));
        }
        match per_million.keys().find(|key| self.is_of(key)) {
            Some((service, model, unit)) => Err(format!("{name}: there is a price of {service} {model} {}", unit.as_str())),
            None => Ok(()),
        }
    }
}

impl Line {
    fn read(self) -> Result<((String, String, Unit), Decimal), String> {
        if self.service.is_empty() || self.model.is_empty() || self.source.trim().is_empty() {
            return Err("service, model and source must not be empty".into());
        }
        let is_date = |text: &String| matches!(text.len(), 7 | 10) && text.bytes().all(|sign| sign.is_ascii_digit() || sign == b'-');
        if let Some(wrong) = self.as_of.as_ref().filter(|text| !is_date(text)) {
            return Err(format!("as_of is {wrong:?}; write a month or a day, such as \"2025-08\""));
        }
        let known = || Unit::ALL.map(Unit::as_str).join(", ");
        let unit = Unit::parse(&self.unit).ok_or_else(|| format!("the unit must be one of: {}", known()))?;
        let price = Decimal::from_str_exact(&self.per_million).ok().filter(|price| !price.is_sign_negative());
        let price = price.ok_or_else(|| format!("per_million is {:?}; write a decimal from 0, such as \"4.00\"", self.per_million))?;
        Ok(((self.service, self.model, unit), price))
    }
}

fn wrong(path: &Path, why: String) -> PricesError {
    PricesError::Wrong { path: path.into(), why }
}

#[cfg(test)]
mod tests {
    use resilience::Service;
    use speech::vendor::{aura, azure, deepgram, elevenlabs, openai, riva};

    use super::*;
    use crate::settings::{Settings, Vendors};

    const LINE: &str = "[[price]]\nservice = \"a\"\nmodel = \"m\"\nunit = \"characters\"\nper_million = \"12.5\"\nsource = \"a bill\"\n";

    fn used(service: &str, unit: Unit, amount: u64) -> Usage {
        Usage { service: service.into(), model: "m".into(), unit, amount }
    }

    #[test]
    fn a_cost_is_exact_and_what_has_no_price_has_none() {
        let prices = Prices::parse(&format!("currency = \"EUR\"\n{LINE}")).unwrap();
        let priced = prices.price(&[used("a", Unit::Characters, 3), used("a", Unit::OutputTokens, 3), used("b", Unit::Characters, 3)]);
        let costs: Vec<_> = priced.iter().map(|line| line.cost.map(|cost| cost.to_string())).collect();
        assert_eq!(costs, [Some("0.0000375".to_owned()), None, None]);
        assert_eq!((priced[0].currency.as_str(), priced[0].price), ("EUR", Some(Decimal::new(125, 1))));
        assert!(priced[1].price.is_none());
        assert!(prices.price(&[used("a", Unit::Characters, u64::MAX)])[0].cost.is_some(), "a large sum is one too");
    }

    #[test]
    fn a_slip_in_the_file_is_an_error_that_names_it() {
        let line = |from: &str, to: &str| format!("currency = \"USD\"\n{}", LINE.replace(from, to));
        for (text, named) in [
            (LINE.to_owned(), "currency"),
            (format!("currency = \"usd\"\n{LINE}"), "three capital letters"),
            (format!("currency = \"USD\"\ncurency = 1\n{LINE}"), "curency"),
            (line("source", "sauce"), "sauce"),
            (line("characters", "letters"), "a m letters: the unit must be one of"),
            (line("12.5", "-1"), "per_million"),
            (line("12.5", "a lot"), "per_million"),
            (line("\"12.5\"", "12.5"), "per_million"),
            (line("a bill", " "), "must not be empty"),
            (format!("currency = \"USD\"\n{LINE}{LINE}"), "twice"),
            (format!("currency = \"USD\"\n{LINE}as_of = \"soon\"\n"), "as_of"),
            (format!("currency = \"USD\"\n{LINE}[[no_price]]\nservice = \"a\"\nwhy = \"b\"\n"), "there is a price of a m characters"),
            ("currency = \"USD\"\n[[no_price]]\nservice = \"a\"\nwhy = \"\"\n".to_owned(), "must not be empty"),
            ("currency = \"USD\"\n[[no_price]]\nservice = \"a\"\nunit = \"b\"\nwhy = \"c\"\n".to_owned(), "the unit is none"),
        ] {
            let error = Prices::parse(&text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    /// What an adapter writes into a call's meter: service, model by the settings, units.
    type Metered = (&'static str, String, &'static [Unit]);

    const WORDS: &[Unit] = &[Unit::InputTokens, Unit::CachedInputTokens, Unit::OutputTokens];
    const VOICE: &[Unit] = &[
        Unit::InputTokens,
        Unit::CachedInputTokens,
        Unit::OutputTokens,
        Unit::InputAudioTokens,
        Unit::CachedInputAudioTokens,
        Unit::OutputAudioTokens,
        Unit::AudioMillis,
    ];

    /// Every service that there is: a new one does not compile until it is said here what it counts.
    fn metered(service: Service, vendors: &Vendors) -> Vec<Metered> {
        let model = |name: &str| name.to_owned();
        let listens = |name, model| vec![(name, model, &[Unit::AudioMillis][..])];
        let speaks = |name, model| vec![(name, model, &[Unit::Characters][..])];
        let thinks = |model| vec![(service.as_str(), model, WORDS)];
        match service {
            Service::Telnyx | Service::Twilio | Service::OpenId | Service::Tools | Service::Database | Service::Redis => Vec::new(),
            Service::DeepgramListen => listens(deepgram::NAME, vendors.deepgram_model.clone()),
            Service::DeepgramSpeak => speaks(aura::NAME, model("aura-2")),
            Service::Riva => listens(riva::NAME, model("of the server")),
            Service::ElevenLabs => speaks(elevenlabs::NAME, vendors.elevenlabs_model.clone()),
            Service::AzureSpeech => speaks(azure::NAME, model(azure::MODEL)),
            Service::OpenAiListen => listens(openai::LISTEN_NAME, model(openai::LISTEN_MODEL)),
            Service::OpenAiSpeak => speaks(openai::SPEAK_NAME, model(openai::SPEAK_MODEL)),
            Service::OpenAi => thinks(vendors.openai_model.clone()),
            Service::AzureOpenAi => thinks(model("a deployment")),
            Service::Cerebras => thinks(vendors.cerebras_model.clone()),
            Service::Groq => thinks(vendors.groq_model.clone()),
            Service::OwnModel => thinks(vendors.own_model_name.clone()),
            Service::Anthropic => thinks(vendors.anthropic_model.clone()),
            Service::OpenAiRealtime => vendors.realtime_models.iter().map(|model| (service.as_str(), model.clone(), VOICE)).collect(),
            Service::AzureRealtime => vec![(service.as_str(), model("a deployment"), VOICE)],
            Service::GeminiLive => vec![(service.as_str(), vendors.gemini_model.clone(), VOICE)],
        }
    }

    #[test]
    fn whatever_an_adapter_counts_has_a_price_or_a_word_why_it_has_none() {
        let place = tempfile::tempdir().unwrap();
        let data_dir = place.path().to_str().unwrap().to_owned();
        let vendors = Settings::load(None, |name| (name == "DATA_DIR").then(|| data_dir.clone())).unwrap().vendors;
        let (prices, file) = (Prices::load(None).unwrap(), toml::from_str::<File>(SHIPPED).unwrap());
        let mut without = Vec::new();
        for (service, model, units) in Service::ALL.iter().flat_map(|service| metered(*service, &vendors)) {
            for unit in units {
                let key = (service.to_owned(), model.clone(), *unit);
                if !prices.per_million.contains_key(&key) && !file.no_price.iter().any(|none| none.is_of(&key)) {
                    without.push(key);
                }
            }
        }
        assert!(without.is_empty(), "add a price or a no_price to prices.toml: {without:?}");
        let undated: Vec<_> = file.price.iter().filter(|line| line.as_of.is_none()).map(|line| &line.service).collect();
        assert!(undated.is_empty(), "these do not say of when they are: {undated:?}");
    }

    #[test]
    fn the_programs_own_prices_are_read_and_a_file_takes_their_place() {
        let own = Prices::load(None).unwrap();
        assert!(own.currency == "USD" && own.per_million.len() >= 6);
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("prices.toml");
        assert!(matches!(Prices::load(Some(&path)), Err(PricesError::Read { .. })));
        std::fs::write(&path, format!("currency = \"EUR\"\n{LINE}")).unwrap();
        assert_eq!(Prices::load(Some(&path)).unwrap().per_million.len(), 1);
        std::fs::write(&path, "currency = 1").unwrap();
        assert!(matches!(Prices::load(Some(&path)), Err(PricesError::Wrong { .. })));
    }
}
