//! What can go wrong while dialling, and what to do about it.

use std::path::PathBuf;

use call::Carrier;

/// Why a call could not be made, or broke on our side. What the agent did wrong is not here: that is in [`crate::CallReport::failures`].
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody listens at the address.
    #[error("no answer from {url}: start the server with ./run (or `voicenoob serve`), or name another one with --server")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why it failed.
        source: reqwest::Error,
    },
    /// The server did not accept our signature.
    #[error(
        "the server refused the signature of {url} (status {status}): dial and server must use the same {carrier} key (the same {variable}, or the dev-keys.toml of one DATA_DIR), and when the server runs with PUBLIC_URL, dial needs the same PUBLIC_URL"
    )]
    Forbidden {
        /// What was posted.
        url: String,
        /// 401 or 403.
        status: u16,
        /// Whose signature it was.
        carrier: Carrier,
        /// The variable that holds the key.
        variable: &'static str,
    },
    /// Another status than 200.
    #[error("the server answered {url} with status {status}: {body}")]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
    /// More than a carrier would read.
    #[error("the answer of {url} is longer than {limit} bytes; a carrier reads no more")]
    TooLong {
        /// What was asked.
        url: String,
        /// The limit, bytes.
        limit: usize,
    },
    /// The answer document makes no sense to a carrier.
    #[error("the answer document of {url} cannot be followed: {why}")]
    Document {
        /// Who gave it.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server does not show the call.
    #[error("the server does not show the call at {url}: set OPERATOR_TOKEN to the server's token")]
    RecordForbidden {
        /// What was asked.
        url: String,
    },
    /// The server's record of the call makes no sense to us.
    #[error("the record of the call at {url} cannot be read ({why}): dial and server must be of the same version")]
    Record {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// An address that is none.
    #[error("{text:?} is not a usable address ({why}): it should look like http://127.0.0.1:8000")]
    Address {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The media socket could not be opened.
    #[error("the media stream {url} could not be opened")]
    Stream {
        /// Where to.
        url: String,
        /// Why it failed.
        source: Box<tokio_tungstenite::tungstenite::Error>,
    },
    /// The media socket was not open in time, or took no audio for too long.
    #[error("the media stream {url} did not {what} within {seconds} s")]
    StreamStalled {
        /// Where to.
        url: String,
        /// What was waited for.
        what: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot start; on a bare machine install the package ca-certificates")]
    HttpClient(#[source] reqwest::Error),
    /// No key to sign with.
    #[error("no {carrier} key to sign with: start `voicenoob serve` first (it makes development keys in {file}), or set {variable}")]
    NoKey {
        /// Whose key is missing.
        carrier: Carrier,
        /// Where the development keys would be.
        file: PathBuf,
        /// The variable that holds the key.
        variable: &'static str,
    },
    /// A key that cannot be used.
    #[error("{origin} holds no usable key: {why}")]
    BadKey {
        /// The variable or file.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file could not be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A WAV file could not be understood.
    #[error("cannot use {path} as the caller's voice")]
    Wav {
        /// Which.
        path: PathBuf,
        /// Why.
        source: audio::AudioError,
    },
    /// Samples from a program could not be used.
    #[error("the caller's audio cannot be used on this line")]
    Audio(#[from] audio::AudioError),
    /// A WAV file, or samples, longer than a caller speaks.
    #[error("{name} lasts longer than {limit_seconds} s: cut it")]
    ClipTooLong {
        /// What it is.
        name: String,
        /// The limit.
        limit_seconds: u32,
    },
    /// The script does not say what it should.
    #[error("{origin}: {message}")]
    Script {
        /// The script's file name.
        origin: String,
        /// What is wrong, with the line.
        message: String,
    },
    /// There are words to say and nothing to say them with.
    #[error("no engine can speak the caller's words: install flite (or espeak-ng), or give the caller's voice as WAV files")]
    NoVoiceEngine,
    /// The engine does not have the voice.
    #[error("the voice {voice:?} is not there; {engine} has: {voices}")]
    NoSuchVoice {
        /// The voice asked for.
        voice: String,
        /// The engine's name.
        engine: &'static str,
        /// Its voices, with commas.
        voices: String,
    },
    /// The engine could not say it.
    #[error("the caller's words {text:?} could not be spoken")]
    Speech {
        /// The words.
        text: String,
        /// Why.
        source: speech::SpeechError,
    },
    /// The engine said too much or took too long.
    #[error("the caller's words {text:?} could not be spoken: {why}")]
    SpeechLimit {
        /// The words.
        text: String,
        /// Which limit.
        why: String,
    },
}
