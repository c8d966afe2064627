//! OpenAI's transcription and voices, and everything that speaks their protocol.

mod answer;
mod listen;
mod recognition;
mod speak;

pub use listen::{LISTEN_MODEL, LISTEN_NAME, OpenAiListen, OpenAiListenConfig};
pub use speak::{OpenAiSpeak, OpenAiSpeakConfig, SPEAK_MODEL, SPEAK_NAME, VOICE, VOICES};

use outbound::{Client, Fault, Setup};
use privacy::Secret;
use resilience::Guard;

/// Where it is.
pub const URL: &str = "https://api.openai.com/v1";

/// Where a server of this protocol is, and how we are known there.
#[derive(Debug, Clone)]
pub struct OpenAiPlace {
    /// Base address, with its version; [`URL`].
    pub base_url: String,
    /// The key; `None` for a server of one's own that wants none.
    pub key: Option<Secret>,
    /// Plain http is allowed although the server is not on this machine: an operator said so.
    pub plain: bool,
}

impl OpenAiPlace {
    /// OpenAI itself.
    pub fn new(key: Secret) -> Self {
        Self { base_url: URL.to_owned(), key: Some(key), plain: false }
    }

    fn client(&self, guard: Guard) -> Result<Client, Fault> {
        let bearer = |key: &Secret| ("authorization", Secret::from(format!("Bearer {}", key.expose())));
        let headers = self.key.iter().map(bearer).collect();
        Client::new(&Setup { base_url: self.base_url.clone(), headers, query: Vec::new(), plain: self.plain }, guard)
    }
}
