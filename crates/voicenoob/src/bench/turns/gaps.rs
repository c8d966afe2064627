//! What lay between the vendors' own times in each turn: ours.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use simulator::{Event, Moment};

/// Letters of the word by which a turn is known in everything that is said of it; its first are always [`MARK`], as in no English word.
const KEY_LETTERS: usize = 8;
const MARK: &str = "qz";
/// What the rules may wait after the caller's last voice, ms: after a finished sentence, without knowing, within one.
const RULES_MS: [u64; 3] = [super::QUIET_MS / 2, super::QUIET_MS, super::QUIET_MS * 2];

/// The word of turn number `number`.
pub(super) fn key(number: usize) -> String {
    let letters = (0..(KEY_LETTERS - MARK.len()) as u32).map(|place| char::from(b'a' + (number / 26_usize.pow(place) % 26) as u8));
    MARK.chars().chain(letters).collect()
}

/// The word by which a turn is known, in a text.
fn key_in(text: &str) -> Option<String> {
    let words = text.split(|sign: char| !sign.is_ascii_alphabetic()).map(str::to_ascii_lowercase);
    words.into_iter().find(|word| word.len() == KEY_LETTERS && word.starts_with(MARK))
}

/// What the vendors saw of one turn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chain {
    heard: Option<Instant>,
    asked: Option<Instant>,
    answered: Option<Instant>,
    wanted: Option<Instant>,
    sounded: Option<Instant>,
}

/// What the vendors saw of all turns.
pub(super) fn chains(moments: &[Moment]) -> HashMap<String, Chain> {
    let mut chains: HashMap<String, Chain> = HashMap::new();
    for moment in moments {
        let Some(key) = key_in(&moment.words) else { continue };
        let chain = chains.entry(key).or_default();
        if moment.event == Event::Heard && chain.asked.is_none() {
            chain.heard = Some(moment.at); // That there is nothing more may be told later than the words.
            continue;
        }
        let place = match moment.event {
            Event::Heard => &mut chain.heard,
            Event::Asked => &mut chain.asked,
            Event::Answered => &mut chain.answered,
            Event::Wanted => &mut chain.wanted,
            Event::Sounded => &mut chain.sounded,
        };
        place.get_or_insert(moment.at);
    }
    chains
}

/// What the caller saw of one turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waited {
    /// The last frame was sent that the detector takes for voice.
    pub(super) spoken: Instant,
    /// The first frame of the answer came.
    pub(super) sounded: Instant,
}

/// What the server's record says of one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    key: String,
    endpoint_ms: u64,
}

/// The turns of a record that the caller began and that were answered, in their order.
pub(super) fn told(record: &Value) -> Vec<Told> {
    let turns: Vec<&Value> = record["turns"].as_array().into_iter().flatten().collect();
    let pairs = turns.windows(2).filter(|pair| pair[0]["speaker"] == "caller" && pair[1]["speaker"] == "agent");
    let told = pairs.filter_map(|pair| {
        let key = key_in(pair[0]["text"].as_str()?)?;
        Some(Told { key, endpoint_ms: pair[1]["latency"]["endpoint_ms"].as_u64()? })
    });
    told.collect()
}

/// Where the time of one turn went, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gaps {
    /// From all that the end of the turn depends on (the rule's wait, and the last words when they come later) to the model being asked.
    pub(super) ears: f64,
    /// From the model's last token of the sentence to the voice being given it.
    pub(super) mind: f64,
    /// From the voice's first sound to the caller hearing it.
    pub(super) voice: f64,
    /// The rule's wait.
    pub(super) rule: f64,
    /// The vendors' own times.
    pub(super) vendors: f64,
    /// From the caller's last voice to the answer's first frame.
    pub(super) total: f64,
}

impl Gaps {
    /// Of one turn; `None` when a vendor saw nothing of it.
    pub(super) fn of(waited: &Waited, told: &Told, chain: &Chain) -> Option<Self> {
        let (heard, asked, answered) = (chain.heard?, chain.asked?, chain.answered?);
        let (wanted, sounded) = (chain.wanted?, chain.sounded?);
        let rule = RULES_MS.into_iter().rev().find(|rule| told.endpoint_ms >= *rule).unwrap_or(RULES_MS[0]);
        let decided = waited.spoken + Duration::from_millis(rule);
        let known = decided.max(heard);
        Some(Self {
            ears: between(known, asked),
            mind: between(answered, wanted),
            voice: between(sounded, waited.sounded),
            rule: rule as f64,
            vendors: between(decided, known) + between(asked, answered) + between(wanted, sounded),
            total: between(waited.spoken, waited.sounded),
        })
    }

    /// All that is ours.
    pub(super) fn ours(&self) -> f64 {
        self.ears + self.mind + self.voice
    }
}

impl Told {
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// Milliseconds; less than nothing when the second was first.
fn between(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64() * 1000.0,
        None => -(from.duration_since(to).as_secs_f64() * 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_turn_has_a_word_of_its_own_that_is_found_again() {
        let keys: std::collections::HashSet<String> = (0..100_000).map(key).collect();
        assert_eq!(keys.len(), 100_000);
        assert_eq!(key_in(&format!("You said: one room {}.", key(4711))), Some(key(4711)));
        assert_eq!(key_in("a quick question"), None);
    }

    #[test]
    fn what_is_ours_lies_between_the_vendors_times_and_the_rules_wait() {
        let origin = Instant::now();
        let at = |ms: u64| origin + Duration::from_millis(ms);
        let word = key(7);
        let moment = |ms, event, words: &str| Moment { at: at(ms), event, words: words.to_owned() };
        let moments = [
            moment(400, Event::Heard, &format!("One room {word}.")),
            moment(403, Event::Asked, &format!("one room {word}")),
            moment(700, Event::Answered, &format!("Yes, {word}.")),
            moment(702, Event::Wanted, &format!("Yes, {word}.")),
            moment(800, Event::Sounded, &format!("Yes, {word}.")),
            moment(900, Event::Asked, "nobody's"),
        ];
        let record = json!({"turns": [
            {"speaker": "agent", "text": "Hello."},
            {"speaker": "caller", "text": format!("one room {word}")},
            {"speaker": "agent", "text": "Yes.", "latency": {"endpoint_ms": 401}},
            {"speaker": "caller", "text": "goodbye"},
        ]});
        let told = told(&record);
        assert_eq!(told.len(), 1);
        let waited = Waited { spoken: at(0), sounded: at(805) };
        let gaps = Gaps::of(&waited, &told[0], &chains(&moments)[told[0].key()]).unwrap();
        let rounded = [gaps.ears, gaps.mind, gaps.voice, gaps.rule, gaps.vendors, gaps.total].map(|ms| ms.round());
        assert_eq!(rounded, [3.0, 2.0, 5.0, 300.0, 100.0 + 297.0 + 98.0, 805.0]);
        assert!((gaps.ours() + gaps.rule + gaps.vendors - gaps.total).abs() < 0.01, "nothing is counted twice and nothing is left out");
    }
}
