//! Telnyx's answers: `{"data":...}` or `{"errors":[{"code":"90018",...}]}` with a status (telnyx.md 2).

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use resilience::{Classify, Failure};
use serde::Deserialize;
use serde_json::Value;

use super::MAX_ANSWER_BYTES;
use crate::TrunkError;

/// The code that says that the call has ended already.
const CALL_ENDED: &str = "90018";
/// As much of a fault's name as is kept, in characters.
const MAX_TITLE_CHARS: usize = 120;
/// As much of a fault's code as is kept, in characters.
const MAX_CODE_CHARS: usize = 16;
/// A run of digits as long as this may be a part of somebody's number.
const NUMBER_DIGITS: usize = 4;

/// Why one try did not succeed. It learns the command's name when it becomes an error.
#[derive(Debug)]
pub(super) enum Fault {
    Connection(reqwest::Error),
    Timeout,
    Throttled(Option<Duration>),
    Server(u16),
    Refused(u16),
    Ended,
    UnknownCall,
    Rejected { status: u16, code: String, title: String },
    TooLong(u16),
    NotOurs(u16, &'static str),
}

impl From<reqwest::Error> for Fault {
    /// The address holds the call's id, which is as good as a key to the call.
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Timeout } else { Self::Connection(error.without_url()) }
    }
}

impl Classify for Fault {
    fn failure(&self) -> Failure {
        match self {
            Self::Connection(_) | Self::Timeout | Self::Server(_) => Failure::Transient,
            Self::Throttled(retry_after) => Failure::Overloaded(*retry_after),
            Self::Refused(_) => Failure::KeyRefused,
            Self::Ended | Self::UnknownCall | Self::Rejected { .. } => Failure::Refused,
            Self::TooLong(_) | Self::NotOurs(..) => Failure::Broken,
        }
    }
}

impl Fault {
    pub(super) fn named(self, command: &'static str) -> TrunkError {
        match self {
            Self::Connection(source) => TrunkError::Unreachable { command, source },
            Self::Timeout => TrunkError::TimedOut { command },
            Self::Throttled(retry_after) => TrunkError::Throttled { command, retry_after },
            Self::Server(status) => TrunkError::Unavailable { command, status },
            Self::Refused(status) => TrunkError::Refused { command, status },
            Self::Ended => TrunkError::CallEnded { command },
            Self::UnknownCall => TrunkError::UnknownCall { command },
            Self::Rejected { status, code, title } => TrunkError::Rejected { command, status, code, title },
            Self::TooLong(status) => TrunkError::too_long(command, status),
            Self::NotOurs(status, why) => TrunkError::BadAnswer { command, status, why },
        }
    }
}

/// Reads an answer to its end. The status decides; a success must have the carrier's envelope, since any proxy says 200.
pub(super) async fn read(answer: Response) -> Result<(), Fault> {
    let status = answer.status();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Fault::Refused(status.as_u16())),
        StatusCode::TOO_MANY_REQUESTS => return Err(Fault::Throttled(retry_after(&answer))),
        _ if status.is_server_error() => return Err(Fault::Server(status.as_u16())),
        _ if status.is_redirection() => return Err(Fault::NotOurs(status.as_u16(), "it is a redirect")),
        _ => {}
    }
    let body = bounded(answer).await?;
    if status.is_success() { success(status.as_u16(), &body) } else { Err(refusal(status, &body)) }
}

async fn bounded(mut answer: Response) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(Fault::TooLong(answer.status().as_u16()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn success(status: u16, body: &[u8]) -> Result<(), Fault> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| Fault::NotOurs(status, "it is not JSON"))?;
    let data = answer.get("data").ok_or(Fault::NotOurs(status, "it has no data"))?;
    match data.get("result") {
        None => Ok(()),
        Some(result) if result == "ok" => Ok(()),
        Some(_) => Err(Fault::NotOurs(status, "its result is not ok")),
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Entry {
    code: Value,
    title: String,
}

impl Default for Entry {
    fn default() -> Self {
        Self { code: Value::Null, title: String::new() }
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> Fault {
    let entries = serde_json::from_slice::<Errors>(body).map(|list| list.errors).unwrap_or_default();
    let code = |entry: &Entry| match &entry.code {
        Value::String(code) => code.clone(),
        Value::Number(code) => code.to_string(),
        _ => "none".to_owned(),
    };
    if entries.iter().any(|entry| code(entry) == CALL_ENDED) {
        return Fault::Ended;
    }
    match (status, entries.first()) {
        (StatusCode::NOT_FOUND, Some(_)) => Fault::UnknownCall,
        (_, Some(entry)) => Fault::Rejected {
            status: status.as_u16(),
            code: code(entry).chars().filter(char::is_ascii_alphanumeric).take(MAX_CODE_CHARS).collect(),
            title: without_numbers(&entry.title),
        },
        (_, None) => Fault::NotOurs(status.as_u16(), "it is no list of errors"),
    }
}

/// The beginning of a text on one line, with every run of [`NUMBER_DIGITS`] or more digits struck out.
fn without_numbers(text: &str) -> String {
    let mut kept = String::new();
    let mut digits = String::new();
    for c in text.chars().take(MAX_TITLE_CHARS).chain(['\n']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        kept.push_str(if digits.len() >= NUMBER_DIGITS { ".." } else { &digits });
        digits.clear();
        kept.push(if c.is_control() { ' ' } else { c });
    }
    kept.trim_end().to_owned()
}

/// Seconds only: the other form is a date, which no interface of this kind sends.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds: u64 = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> TrunkError {
        refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes()).named("hangup")
    }

    #[test]
    fn the_carriers_refusals_are_told_apart() {
        let ended = r#"{"errors":[{"code":"90018","title":"Call has already ended","detail":"This call is no longer active"}]}"#;
        assert!(matches!(refused(422, ended), TrunkError::CallEnded { .. }));
        assert!(matches!(refused(404, r#"{"errors":[{"code":"10005","title":"Resource not found"}]}"#), TrunkError::UnknownCall { .. }));
        assert!(matches!(refused(404, "<html>not here</html>"), TrunkError::BadAnswer { .. }), "a wrong address is not an unknown call");
        assert!(matches!(refused(422, r#"{"errors":[]}"#), TrunkError::BadAnswer { .. }));
        let other = refused(422, r#"{"errors":[{"code":10015,"title":"Bad number +15005550006\nhere"}]}"#);
        assert_eq!(other.to_string(), "hangup was rejected (HTTP 422, code 10015): Bad number +.. here");
    }

    #[test]
    fn only_the_carriers_envelope_is_a_success() {
        assert!(success(200, br#"{"data":{"result":"ok"}}"#).is_ok());
        assert!(success(200, br#"{"data":[],"meta":{}}"#).is_ok());
        for other in ["", "ok", "{}", r#"{"data":{"result":"error"}}"#] {
            assert!(success(200, other.as_bytes()).is_err(), "{other}");
        }
    }
}
