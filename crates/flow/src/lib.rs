//! The flow brain: an agent is a file, a call is a walk through it. Text goes in, replies and tool calls come out.
//!
//! Pure: the local date and time, and the seed that picks prompt variants, are arguments.
//!
//! [`Flow::parse`] reads an agent file and reports everything that is wrong with it, with line numbers. A [`Dialogue`] is one call: give it
//! every [`Input`], take every [`Output`]. [`Flow::domain`] makes the sentences that a local recogniser learns from.
//!
//! # The agent file
//!
//! TOML; `agents/hotel.toml` is a complete, commented example. Prompts are a text or a list of variants. `{slot}` is spoken for the ear (dates,
//! amounts, codes sign by sign); `{query.field}`, `{result.field}` and `{refused.field}` are fields of a tool's answer, with an optional way to
//! say them: `{offer.total:money}`, `:date`, `:spelled`, `:as_is`, or the name of a slot that would say it so. Of the variants whose
//! placeholders are all known, one of those that say most is said.
//!
//! | Key | Meaning |
//! |---|---|
//! | `id`, `name`, `language`, `voice`, `numbers`, `active`, `time_zone` | who the agent is; `id` (a UUID) and `name` are required |
//! | `greeting` | said first; required |
//! | `[turn_taking]` | `end_silence_ms`, `barge_in`, `silence_ms`, `max_silences`, `max_misses`, `max_duration_secs`, `key_gap_ms`: see [`TurnTaking`] |
//! | `[confidence]` | `floor`: below it nothing was understood; `sure`: below it the caller is asked "did you say ...?" |
//! | `[person]` | `transfer`: a number; `message`: the intent that takes a message when there is no number |
//! | `[keypad]` | `prompt`, and per key `{ say = "..." }` or `{ exit = "person" or "goodbye" }`: the menu where recognition is missing |
//! | `[prompts]` | replaces the engine's own sentences (`goodbye`, `not_understood`, `silence`, ...), with those of the queue: see [`HoldTexts`], and those of a wait: see [`WaitTexts`] |
//! | `[commands]` | more phrases for `emergency`, `person`, `goodbye`, `repeat`, `start_over`, `never_mind`, `help`, `courtesy` |
//! | `[slots.NAME]` | `type`, `ask`, `help`, `keep` (known to later requests), `from_caller` (the caller's number), `secret` (a card's number or a PIN: what is keyed or said for it is stored nowhere), `invalid` (reasons: `too_few`, `too_many`, `past`, `too_far`, `wrong_length`) |
//! | `[queries.NAME]` | a tool without effects: `tool`, `arguments` (argument = slot), `gives` (its fields), `wait`, `ok`, `[[queries.NAME.refused]]` |
//! | `[choices.NAME]` | `any_of` (slots of which one is needed), `ask`, `help` |
//! | `[[intents]]` | `name`, `label`, `phrases`, `steps` (slots, queries, choices), `optional` slots, `action`, `then` |
//! | `[intents.action]` | a tool with effects: `tool`, `arguments`, `gives`, `confirm` (the read-back, required), `no` (what a bare no does: `change`, the default, or `drop`), `ok`, `sets` (slot = result field), refusals |
//! | `[intents.then]` | an offer when the request is done: `ask`, `intent`, `sets` (slot = query.field) |
//! | `[[answers]]` | knowledge: `name`, `phrases`, `say` |
//!
//! Slot types: `date` (`days_ahead`), `date_range` (`max` nights, `days_ahead`, tables `arrival` and `nights` with their prompts; gives
//! `{x.arrival}`, `{x.nights}`, `{x.departure}`), `count` (`min`, `max`, `unit` = one and several, `units`, `after`, `means`), `money`
//! (`currency`), `name`, `phone`, `email`, `yes_no`, `choice` (`options`, each with `words` and `say`), `code` (`length`, `letters`), `text`.
//!
//! A refusal has `code`, `has` (fields that must have come), `say`, `clear` (slots to ask again), `ask` (instead of the usual question) and
//! `then`: `ask` (when slots are cleared), `drop` the request, or `person`.
//!
//! Phrases: `[i want|i'd like] to book [{room_type}|a room|]`. They need not be said word for word: they are compared by the words they share,
//! weighted by how telling each is.
//!
//! # How a request is worked on
//!
//! The first step that is not satisfied is what happens next: a slot is asked for, a query is called (again whenever its arguments changed), a
//! choice is offered. After the last step the action's read-back is said, and a yes to it calls the tool with exactly the arguments that were
//! read back. Corrections change a value at any time; what depends on it follows by itself.
//!
//! Listen states are the fields (`guests`, `stay.arrival`), the choices, and `main`, `confirm`, `yes_no`.

mod change;
mod consent;
mod definition;
mod dialogue;
mod generate;
mod hold;
mod load;
mod matcher;
mod phrase;
mod speak;
mod template;
mod understand;
mod values;
mod vocabulary;
mod words;

pub use change::{ChangeProblem, Changes};
pub use consent::yes_or_no;
pub use definition::{Flow, Keypad, KeypadEntry, TurnTaking};
pub use dialogue::{Dialogue, MOST_UNREACHED, SnapshotError};
pub use hold::{HoldTexts, WaitTexts};
pub use load::Problem;
pub use vocabulary::{Exit, Input, Output, ToolOutcome, TransferWhy};
