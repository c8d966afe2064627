//! What an agent file says, checked and typed. [`crate::load`] makes it; everything else only reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::change::Closed;
use crate::hold::{HoldTexts, WaitTexts};
use crate::matcher::Matcher;
use crate::phrase::Phrase;
use crate::template::Prompt;

/// An agent: what it understands, asks, does and says. Made by [`Flow::parse`]; shared by all its calls. A clone shares all that is large, so
/// that agents over the same file ([`Flow::changed`]) cost little.
#[derive(Debug, Clone)]
pub struct Flow {
    pub(crate) identity: Arc<Identity>,
    pub(crate) turn_taking: TurnTaking,
    pub(crate) confidence: Confidence,
    pub(crate) prompts: Prompts,
    pub(crate) fields: Arc<BTreeMap<String, Field>>,
    /// Date range slots by name: their arrival and nights are fields of their own.
    pub(crate) ranges: Arc<[String]>,
    pub(crate) queries: Arc<BTreeMap<String, Query>>,
    pub(crate) choices: Arc<BTreeMap<String, AnyOf>>,
    pub(crate) intents: Arc<[Intent]>,
    pub(crate) answers: Arc<[Answer]>,
    pub(crate) commands: Arc<BTreeMap<Command, Vec<Phrase>>>,
    pub(crate) person: Option<Person>,
    pub(crate) keypad: Option<Keypad>,
    pub(crate) matcher: Arc<Matcher>,
    /// What it may not do, though the file knows how.
    pub(crate) closed: Closed,
}

/// Who the agent is.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) voice: String,
    pub(crate) numbers: Vec<String>,
    pub(crate) active: bool,
    pub(crate) time_zone: String,
}

/// How the session times the conversation; see `[turn_taking]` in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnTaking {
    /// Silence after speech that ends the caller's turn, in milliseconds.
    pub end_silence_ms: u64,
    /// Whether the caller may cut the agent off.
    pub barge_in: bool,
    /// Silence after the agent's turn before [`crate::Input::Silence`], in milliseconds.
    pub silence_ms: u64,
    /// Longest call, in seconds; [`crate::Input::TimeIsUp`] comes shortly before.
    pub max_duration_secs: u64,
    /// The silence that ends the call: the count of [`crate::Input::Silence`].
    pub max_silences: u32,
    /// Misunderstandings in a row before the call goes to a person.
    pub max_misses: u32,
    /// Time between two keys before [`crate::Input::KeysDone`], in milliseconds.
    pub key_gap_ms: u64,
}

impl Default for TurnTaking {
    fn default() -> Self {
        Self {
            end_silence_ms: 600,
            barge_in: true,
            silence_ms: 6000,
            max_duration_secs: 600,
            max_silences: 3,
            max_misses: 3,
            key_gap_ms: 3000,
        }
    }
}

/// How sure recognition must be, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Confidence {
    /// Below this, nothing was understood.
    pub(crate) floor: f32,
    /// Below this, the caller is asked whether that is what was said.
    pub(crate) sure: f32,
}

/// One thing to find out: a slot, or the arrival or nights of a date range slot.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The question.
    pub(crate) ask: Prompt,
    /// The question with an example, said when the answer was not understood.
    pub(crate) help: Prompt,
    /// Why a value is not taken, by reason: `too_few`, `too_many`, `past`, `too_far`, `wrong_length`.
    pub(crate) invalid: BTreeMap<String, Prompt>,
    /// The value stays known for later requests of the same call.
    pub(crate) keep: bool,
    /// The caller's number fills it when there is one.
    pub(crate) from_caller: bool,
    /// What is keyed or said for it is stored nowhere: a card's number, a PIN.
    pub(crate) secret: bool,
}

/// What kind of value a field holds.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A day. `days_ahead` is the horizon.
    Date { days_ahead: i64 },
    /// A number of something.
    Count(Count),
    /// An amount; the currency is an ISO code.
    Money { currency: String },
    /// A person's name, said or spelled.
    Name,
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// Yes or no.
    YesNo,
    /// One of several.
    Choice(Vec<ChoiceOption>),
    /// A code of a fixed length, of digits or (`letters`) letters and digits.
    Code { length: usize, letters: bool },
    /// Whatever the caller says.
    Text,
}

/// The rules of a count.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) min: i64,
    pub(crate) max: i64,
    /// What is counted: singular and plural, as spoken.
    pub(crate) unit: (String, String),
    /// Every word for what is counted: "two **adults** and one **child**" are three.
    pub(crate) units: Vec<String>,
    /// Words before a bare number that make it this count: "**for** two".
    pub(crate) after: Vec<Vec<String>>,
    /// Fixed phrases that mean a number: "just me".
    pub(crate) means: Vec<(Vec<String>, i64)>,
}

/// One of the values of a choice.
#[derive(Debug)]
pub(crate) struct ChoiceOption {
    pub(crate) value: String,
    /// How the agent says it.
    pub(crate) say: String,
    /// How callers say it.
    pub(crate) words: Vec<Vec<String>>,
}

/// A call of a tool without effects: it may be made at any time and needs no yes.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) tool: String,
    /// Tool argument to field.
    pub(crate) arguments: BTreeMap<String, String>,
    /// Said while the tool works; may be empty.
    pub(crate) wait: Prompt,
    /// Said with the answer; may be empty.
    pub(crate) ok: Prompt,
    pub(crate) refused: Vec<Refusal>,
}

/// What to do when a tool says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    /// Only when the refusal has these fields.
    pub(crate) has: Vec<String>,
    pub(crate) say: Prompt,
    /// Fields to forget, so that they are asked again.
    pub(crate) clear: Vec<String>,
    /// Said instead of the first cleared field's own question; may be empty.
    pub(crate) ask: Prompt,
    pub(crate) then: AfterRefusal,
}

/// How the dialogue goes on after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterRefusal {
    /// Ask the cleared fields again.
    Ask,
    /// Give the request up.
    Drop,
    /// Hand over to a person.
    Person,
}

/// A group of fields of which at least one must be given.
#[derive(Debug)]
pub(crate) struct AnyOf {
    pub(crate) fields: Vec<String>,
    pub(crate) ask: Prompt,
    pub(crate) help: Prompt,
}

/// Something a caller may want done.
#[derive(Debug)]
pub(crate) struct Intent {
    pub(crate) name: String,
    /// For "Did you want to ...?".
    pub(crate) label: String,
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) steps: Vec<Step>,
    /// Fields that are taken but not asked for.
    pub(crate) optional: Vec<String>,
    pub(crate) action: Option<Action>,
    /// An offer made when the request is done.
    pub(crate) then: Option<Then>,
}

/// One step of an intent. The first step that is not satisfied is what happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A field must be known.
    Field(String),
    /// A query must have answered for the present arguments.
    Query(String),
    /// One of a group must be known.
    AnyOf(String),
}

/// The effect of an intent: a tool that is called only after the caller said yes to `confirm`.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) tool: String,
    pub(crate) arguments: BTreeMap<String, String>,
    pub(crate) confirm: Prompt,
    pub(crate) ok: Prompt,
    pub(crate) refused: Vec<Refusal>,
    /// A bare no gives the request up, because there is nothing about it to change ("Shall I cancel it?").
    pub(crate) no_drops: bool,
    /// Field to result field: what later requests of this call may use.
    pub(crate) sets: BTreeMap<String, String>,
}

/// A yes-or-no offer after a request.
#[derive(Debug)]
pub(crate) struct Then {
    pub(crate) ask: Prompt,
    /// The intent that a yes starts, with all that is known.
    pub(crate) intent: String,
    /// Fields that it takes from a query's answer where the caller named none: field to query and its field.
    pub(crate) sets: BTreeMap<String, (String, String)>,
}

/// Knowledge: a question and its answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) say: Prompt,
}

/// What every caller may say at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    /// Danger: a person, at once.
    Emergency,
    /// A person.
    Person,
    /// End the call.
    Goodbye,
    /// Say that again.
    Repeat,
    /// Forget everything and begin anew.
    StartOver,
    /// Forget the present request.
    NeverMind,
    /// What can you do?
    Help,
    /// Thanks, hello: polite words that ask for nothing.
    Courtesy,
}

impl Command {
    /// All commands with their names in the file.
    pub(crate) const ALL: [(Self, &'static str); 8] = [
        (Self::Emergency, "emergency"),
        (Self::Person, "person"),
        (Self::Goodbye, "goodbye"),
        (Self::Repeat, "repeat"),
        (Self::StartOver, "start_over"),
        (Self::NeverMind, "never_mind"),
        (Self::Help, "help"),
        (Self::Courtesy, "courtesy"),
    ];
}

/// The person behind the agent.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Number to hand over to.
    pub(crate) transfer: Option<String>,
    /// Intent that takes a message when nobody can be reached.
    pub(crate) message: Option<String>,
}

/// The menu that callers use by key where speech engines are missing. It says fixed texts only, so they can be rendered beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keypad {
    /// What the menu says.
    pub prompt: String,
    /// What each key (`0`-`9`) does.
    pub entries: BTreeMap<char, KeypadEntry>,
}

/// What a key of the menu does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeypadEntry {
    /// Say a text, then the menu again.
    Say(String),
    /// Hand over to a person.
    Person,
    /// Say goodbye and hang up.
    Goodbye,
}

/// The engine's own sentences; the file may replace each.
#[derive(Debug, Clone)]
pub(crate) struct Prompts(pub(crate) BTreeMap<&'static str, Prompt>);

impl Flow {
    /// The agent's id: the text of a UUID.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// The agent's name, for people.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// True for a listen state whose answers are stored nowhere.
    pub fn is_secret(&self, state: &str) -> bool {
        self.fields.get(state).is_some_and(|field| field.secret)
    }

    /// Arguments of a tool that are stored nowhere: they come from secret slots.
    pub fn secret_arguments(&self, tool: &str) -> BTreeSet<String> {
        let queries = self.queries.values().filter(|query| query.tool == tool).map(|query| &query.arguments);
        let actions = self.intents.iter().filter_map(|intent| intent.action.as_ref());
        let actions = actions.filter(|action| action.tool == tool).map(|action| &action.arguments);
        let secret = |field: &String| self.fields.get(field).is_some_and(|field| field.secret);
        queries.chain(actions).flatten().filter(|(_, field)| secret(field)).map(|(argument, _)| argument.clone()).collect()
    }

    /// BCP 47 language tag.
    pub fn language(&self) -> &str {
        &self.identity.language
    }

    /// Name of the voice it speaks with.
    pub fn voice(&self) -> &str {
        &self.identity.voice
    }

    /// The numbers it answers.
    pub fn numbers(&self) -> &[String] {
        &self.identity.numbers
    }

    /// False when it refuses calls.
    pub fn active(&self) -> bool {
        self.identity.active
    }

    /// IANA time zone of the business: the `now` given to a dialogue is local time there.
    pub fn time_zone(&self) -> &str {
        &self.identity.time_zone
    }

    /// The tools it uses, each once, in order.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        let queries = self.queries.values().map(|query| query.tool.as_str());
        let actions = self.intents.iter().filter_map(|intent| intent.action.as_ref()).map(|action| action.tool.as_str());
        let used = queries.chain(actions).filter(|tool| !self.closed.tools.contains(*tool));
        used.collect::<std::collections::BTreeSet<_>>().into_iter()
    }

    /// How the session times the conversation.
    pub fn turn_taking(&self) -> TurnTaking {
        self.turn_taking.clone()
    }

    /// Recognition below this confidence counts as not understood. From 0 to 1.
    pub fn confidence_floor(&self) -> f32 {
        self.confidence.floor
    }

    /// The key menu, when the file has one.
    pub fn keypad(&self) -> Option<&Keypad> {
        self.keypad.as_ref()
    }

    /// Every text the agent may say that has no placeholder, each once, greeting first: worth rendering before the first call.
    pub fn fixed_texts(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut add = |text: String| {
            if !text.is_empty() && !all.contains(&text) {
                all.push(text);
            }
        };
        let greeting = self.prompts.get("greeting").fixed();
        let keypad = self.keypad.iter().flat_map(|keypad| {
            let said =
                keypad.entries.values().filter_map(|entry| if let KeypadEntry::Say(text) = entry { Some(text.clone()) } else { None });
            std::iter::once(keypad.prompt.clone()).chain(said)
        });
        let own = self.every_prompt().flat_map(Prompt::fixed);
        greeting.into_iter().chain(keypad).chain(own).chain(self.hold_texts().fixed()).for_each(&mut add);
        all
    }

    /// The fixed texts that a call by keypad alone may need: what a machine without a voice must bring along.
    pub fn keypad_texts(&self) -> Vec<String> {
        let Some(keypad) = &self.keypad else { return Vec::new() };
        let said = keypad.entries.values().filter_map(|entry| if let KeypadEntry::Say(text) = entry { Some(text.clone()) } else { None });
        let own = self.prompts.0.values().flat_map(Prompt::fixed);
        let mut all: Vec<String> = std::iter::once(keypad.prompt.clone()).chain(said).chain(own).filter(|text| !text.is_empty()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// What callers hear outside the conversation: in the queue, when no line is free, and when the service stops.
    pub fn hold_texts(&self) -> HoldTexts {
        HoldTexts::new(&self.prompts)
    }

    /// One of the engine's own sentences as this agent words it, for whoever speaks in the dialogue's place: the first variant without
    /// placeholders. `None`: there is no such sentence, or it is to be left out.
    pub fn own_text(&self, name: &str) -> Option<String> {
        self.prompts.0.get(name)?.fixed().into_iter().find(|text| !text.is_empty())
    }

    /// What the agent knows: each answer's name, and what it says.
    pub fn knowledge(&self) -> Vec<(String, String)> {
        let said = self.answers.iter().filter_map(|answer| Some((answer.name.replace('_', " "), answer.say.fixed().into_iter().next()?)));
        said.collect()
    }

    /// The person who takes over: a number to dial.
    pub fn transfer_number(&self) -> Option<&str> {
        self.person.as_ref()?.transfer.as_deref()
    }

    /// What is said while the agent owes an answer.
    pub fn wait_texts(&self) -> WaitTexts {
        WaitTexts::new(&self.prompts)
    }

    fn every_prompt(&self) -> impl Iterator<Item = &Prompt> {
        let fields = self.fields.values().flat_map(|field| [&field.ask, &field.help].into_iter().chain(field.invalid.values()));
        let choices = self.choices.values().flat_map(|group| [&group.ask, &group.help]);
        let queries = self.queries.values().flat_map(|query| [&query.wait, &query.ok].into_iter().chain(refusals(&query.refused)));
        let actions = self.intents.iter().filter_map(|intent| intent.action.as_ref());
        let actions = actions.flat_map(|action| [&action.confirm, &action.ok].into_iter().chain(refusals(&action.refused)));
        let offers = self.intents.iter().filter_map(|intent| intent.then.as_ref()).map(|then| &then.ask);
        let answers = self.answers.iter().map(|answer| &answer.say);
        self.prompts.0.values().chain(fields).chain(choices).chain(queries).chain(actions).chain(offers).chain(answers)
    }

    pub(crate) fn intent(&self, name: &str) -> Option<&Intent> {
        self.intents.iter().find(|intent| intent.name == name)
    }

    pub(crate) fn answer(&self, name: &str) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.name == name)
    }
}

fn refusals(list: &[Refusal]) -> impl Iterator<Item = &Prompt> {
    list.iter().flat_map(|refusal| [&refusal.say, &refusal.ask])
}

impl Prompts {
    /// A prompt of the engine. Every name used in the crate is in [`crate::load::defaults`], which a test checks.
    pub(crate) fn get(&self, name: &str) -> &Prompt {
        static NONE: Prompt = Prompt::NONE;
        self.0.get(name).unwrap_or(&NONE)
    }
}
