//! What callers hear outside the conversation: while they wait in line, when no line is free, and when the service stops.

use std::time::Duration;

use crate::definition::Prompts;
use crate::load::standard_prompts;
use crate::template::Prompt;
use crate::words::spoken;

/// The sentences of the queue and of the end of service. An agent's file words them in `[prompts]`: `hold_welcome`, `hold_position`
/// (`{position}`), `hold_next`, `hold_wait` (`{minutes}`), `hold_wait_short`, `hold_callback`, `hold_callback_done`, `hold_ready`,
/// `hold_removed`, `closing`, `closing_no_number`, `busy`, `closed`. Of several variants the first is said: a caller who waits should know each sentence again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldTexts {
    /// The first words of a wait.
    pub welcome: String,
    /// The caller is first in line.
    pub next: String,
    /// The wait is shorter than a minute.
    pub wait_short: String,
    /// The offer of a callback by key 1.
    pub callback: String,
    /// The callback is noted; ends the call.
    pub callback_done: String,
    /// The wait is over: the conversation follows.
    pub ready: String,
    /// An operator took the caller out of the queue; ends the call.
    pub removed: String,
    /// The service stops and the caller will be called back; ends the call.
    pub closing: String,
    /// The service stops and there is no number to call back; ends the call.
    pub closing_no_number: String,
    /// No line is free and nobody can wait: the refusal.
    pub busy: String,
    /// It is outside the business's opening hours: the refusal.
    pub closed: String,
    position: Prompt,
    wait: Prompt,
}

impl HoldTexts {
    /// Places in line that are rendered ahead.
    pub const PLACES_AHEAD: u64 = 20;
    /// Minutes of waiting that are rendered ahead.
    pub const MINUTES_AHEAD: u64 = 30;

    pub(crate) fn new(prompts: &Prompts) -> Self {
        let text = |name| fill(prompts.get(name), "", 0);
        Self {
            welcome: text("hold_welcome"),
            next: text("hold_next"),
            wait_short: text("hold_wait_short"),
            callback: text("hold_callback"),
            callback_done: text("hold_callback_done"),
            ready: text("hold_ready"),
            removed: text("hold_removed"),
            closing: text("closing"),
            closing_no_number: text("closing_no_number"),
            busy: text("busy"),
            closed: text("closed"),
            position: prompts.get("hold_position").clone(),
            wait: prompts.get("hold_wait").clone(),
        }
    }

    /// Our own English: for agents without a file.
    pub fn english() -> Self {
        Self::new(&Prompts(standard_prompts().collect()))
    }

    /// The place in line, from 1.
    pub fn position(&self, position: u64) -> String {
        if position <= 1 { self.next.clone() } else { fill(&self.position, "position", position) }
    }

    /// How long it will take, rounded up to whole minutes.
    pub fn wait(&self, expected: Duration) -> String {
        match expected.as_millis().div_ceil(60_000) {
            0 | 1 => self.wait_short.clone(),
            minutes => fill(&self.wait, "minutes", u64::try_from(minutes).unwrap_or(u64::MAX)),
        }
    }

    /// Everything that is worth rendering ahead: the fixed sentences, the first places and the first minutes.
    pub fn fixed(&self) -> Vec<String> {
        let fixed = [
            &self.welcome,
            &self.next,
            &self.wait_short,
            &self.callback,
            &self.callback_done,
            &self.ready,
            &self.removed,
            &self.closing,
            &self.closing_no_number,
            &self.busy,
            &self.closed,
        ];
        let places = (2..=Self::PLACES_AHEAD).map(|place| self.position(place));
        let minutes = (2..=Self::MINUTES_AHEAD).map(|minutes| self.wait(Duration::from_secs(minutes * 60)));
        fixed.into_iter().cloned().chain(places).chain(minutes).filter(|text| !text.is_empty()).collect()
    }
}

/// What is said while the agent owes an answer: `filler`, `filler_tool` (while a tool works) and `apology` in `[prompts]`. Lists are gone through
/// from the beginning; an empty one is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitTexts {
    /// After a moment of silence.
    pub filler: Vec<String>,
    /// The same while a tool works.
    pub filler_tool: Vec<String>,
    /// After a long wait.
    pub apology: Vec<String>,
}

impl WaitTexts {
    pub(crate) fn new(prompts: &Prompts) -> Self {
        let texts = |name| prompts.get(name).fixed().into_iter().filter(|text: &String| !text.is_empty()).collect();
        Self { filler: texts("filler"), filler_tool: texts("filler_tool"), apology: texts("apology") }
    }

    /// Our own English: for agents without a file.
    pub fn english() -> Self {
        Self::new(&Prompts(standard_prompts().collect()))
    }
}

/// The prompt's first variant with its number put in, spoken. Nothing when the prompt is empty.
fn fill(prompt: &Prompt, word: &str, number: u64) -> String {
    let first = Prompt(prompt.0.iter().take(1).cloned().collect());
    let number = spoken(i64::try_from(number).unwrap_or(i64::MAX));
    // Of one variant there is nothing to choose: the generator is never asked.
    let mut rng = fastrand::Rng::with_seed(0);
    first.fill(&mut rng, &|path, _| (path == word).then(|| number.clone())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flow;

    #[test]
    fn a_waiting_caller_is_told_place_and_time() {
        let texts = HoldTexts::english();
        assert_eq!(texts.position(1), "You are next in line.");
        assert_eq!(texts.position(12), "You are number twelve in line.");
        assert_eq!(texts.wait(Duration::from_secs(60)), "The expected wait is less than a minute.");
        assert_eq!(texts.wait(Duration::from_secs(61)), "The expected wait is about two minutes.");
        assert_eq!(texts.fixed().len(), 11 + 19 + 29);
        assert!(texts.fixed().iter().all(|text| !text.contains('{')));
    }

    #[test]
    fn an_agent_words_its_own_queue() {
        let file = |prompts: &str| {
            let id = "id = \"0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a10\"\nname = \"a\"\ngreeting = \"hi\"\n";
            Flow::parse(&format!("{id}[prompts]\n{prompts}\n"))
        };
        let flow = file("hold_position = \"{position} to go\"\nhold_ready = \"\"").unwrap();
        assert_eq!(flow.hold_texts().position(3), "three to go");
        assert_eq!(flow.hold_texts().ready, "");
        assert!(flow.fixed_texts().contains(&"twenty to go".to_owned()));
        let problems = file("hold_next = \"{minutes}\"").unwrap_err();
        assert!(problems[0].message.contains("cannot speak of {minutes}"), "{problems:?}");
    }
}
