//! What can go wrong on the way out.

use std::error::Error;
use std::time::Duration;

use resilience::{CallError, Classify, Failure, Rejected};

/// Why a service did not do what it was asked. Cheap to clone, and without a word of what was asked or answered: a vendor's message may repeat what
/// a caller said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its address is none.
    #[error("its address cannot be used: {0}")]
    Address(String),
    /// No client could be made.
    #[error(
        "the client could not be set up ({0}); are the system's CA certificates installed, and is the key one line of plain characters?"
    )]
    SetUp(String),
    /// The guard did not let the request through.
    #[error(transparent)]
    NotAsked(#[from] Rejected),
    /// Nobody is there.
    #[error("no connection: {0}")]
    Connect(String),
    /// Nothing came in time.
    #[error("no answer within {} ms", .0.as_millis())]
    NoAnswer(Duration),
    /// The answer began, and then nothing more came.
    #[error("its answer stopped for {} ms", .0.as_millis())]
    Stalled(Duration),
    /// The connection broke in the middle of the answer.
    #[error("the connection broke off: {0}")]
    Cut(String),
    /// It does not take our key.
    #[error("it does not take our key (HTTP {0}); check the key in the vendor's console")]
    Key(u16),
    /// Too many requests, or too many at once.
    #[error("it wants fewer requests")]
    Throttled(Option<Duration>),
    /// It is out of order.
    #[error("it is out of order (status {0})")]
    Unavailable(u16),
    /// It understood the request and will not do it.
    #[error("it refused the request (status {status}, {code})")]
    Refused {
        /// HTTP status, or close code.
        status: u16,
        /// The vendor's own word for it, or `no code`.
        code: String,
    },
    /// Its answer is not what its protocol says.
    #[error("its answer makes no sense: {0}")]
    Malformed(&'static str),
    /// It says more than we read.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Fault {
    /// What a status and the vendor's word for it mean.
    pub fn of_status(status: u16, code: Option<&str>, retry_after: Option<Duration>) -> Self {
        match status {
            401 | 403 => Self::Key(status),
            429 => Self::Throttled(retry_after),
            // Anthropic's "overloaded" (openai-realtime.md 4) is a server error by its number.
            408 | 500.. => Self::Unavailable(status),
            _ => Self::Refused { status, code: word(code.unwrap_or_default()) },
        }
    }

    /// The service was not reached, or said at once that it will not: nobody pays for what was asked.
    pub fn is_free(&self) -> bool {
        !matches!(self, Self::NoAnswer(_) | Self::Stalled(_) | Self::Cut(_) | Self::Malformed(_) | Self::TooLong(_))
    }

    pub(crate) fn of_request(error: reqwest::Error) -> Self {
        let connect = error.is_connect() || error.is_request() || error.is_builder();
        let text = chain(&error.without_url());
        if connect { Self::Connect(text) } else { Self::Cut(text) }
    }
}

/// A vendor's word, if it is one: letters, digits and signs of names only, and short. Anything else may be a sentence about the request.
fn word(code: &str) -> String {
    let is_word = |code: &str| code.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '.'));
    if !code.is_empty() && code.len() <= 64 && is_word(code) { code.to_owned() } else { "no code".to_owned() }
}

/// An error with what is behind it, in one line. For errors of connections, which hold no words of a caller.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(source) = behind {
        text = format!("{text}: {source}");
        behind = source.source();
    }
    text
}

impl Classify for Fault {
    fn failure(&self) -> Failure {
        match self {
            Self::Connect(_) | Self::NoAnswer(_) | Self::Stalled(_) | Self::Cut(_) | Self::Unavailable(_) => Failure::Transient,
            Self::Throttled(after) => Failure::Overloaded(*after),
            Self::Malformed(_) | Self::TooLong(_) => Failure::Broken,
            Self::Key(_) => Failure::KeyRefused,
            // An answer, or a fault of ours.
            Self::Address(_) | Self::SetUp(_) | Self::NotAsked(_) | Self::Refused { .. } => Failure::Refused,
        }
    }
}

impl From<CallError<Fault>> for Fault {
    fn from(error: CallError<Fault>) -> Self {
        match error {
            CallError::Failed(fault) => fault,
            CallError::Timeout { limit, .. } => Self::NoAnswer(limit),
            CallError::Rejected(rejected) => Self::NotAsked(rejected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart_by_what_can_be_done_about_them() {
        let second = Some(Duration::from_secs(1));
        let table = [
            (401, Failure::KeyRefused),
            (403, Failure::KeyRefused),
            (404, Failure::Refused),
            (422, Failure::Refused),
            (408, Failure::Transient),
            (429, Failure::Overloaded(second)),
            (500, Failure::Transient),
            (529, Failure::Transient),
        ];
        for (status, failure) in table {
            assert_eq!(Fault::of_status(status, None, second).failure(), failure, "{status}");
        }
    }

    #[test]
    fn a_refusal_is_free_and_an_answer_that_was_given_up_is_not() {
        for status in [400, 401, 429, 503] {
            assert!(Fault::of_status(status, None, None).is_free(), "{status}");
        }
        assert!(Fault::Connect("refused".into()).is_free());
        let limit = Duration::from_secs(3);
        for fault in [Fault::NoAnswer(limit), Fault::Stalled(limit), Fault::Cut("gone".into()), Fault::Malformed("an event")] {
            assert!(!fault.is_free(), "{fault}");
        }
    }

    #[test]
    fn a_vendors_sentence_is_not_kept() {
        assert_eq!(Fault::of_status(400, Some("invalid_voice"), None), Fault::Refused { status: 400, code: "invalid_voice".into() });
        assert_eq!(Fault::of_status(400, Some("cannot say 'Ann Lee'"), None), Fault::Refused { status: 400, code: "no code".into() });
    }
}
