//! Values that do not print, and what is masked in free text: cards, numbers, addresses, written or spoken.
//!
//! Types come first: [`Secret`] and [`Pii`] cannot be printed by mistake. [`redact`] and [`Redactor`] are the second net, for what people say and
//! write: the specific before the general (a card is a card before it is a telephone number), checksums before shapes, and dates, times and
//! money left alone.

mod cards;
mod cut;
mod dates;
mod emails;
mod groups;
mod iban;
mod internet;
mod known;
mod number_words;
mod phones;
mod pii;
mod pseudonym;
mod redactor;
mod secret;
mod spans;
mod spoken_phones;
mod tokens;
mod words;

pub use cut::MAX_TEXT;
pub use pii::Pii;
pub use pseudonym::pseudonym;
pub use redactor::{Redactor, Revision};
pub use secret::Secret;
pub use spans::{Level, Span, What, redact, spans};
