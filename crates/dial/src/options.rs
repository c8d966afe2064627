//! What a call needs besides its script. One value serves many calls: clones share the HTTP client and the spoken words.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::{Client, Url};
use speech::TextToSpeech;
use tokio_util::sync::CancellationToken;

use crate::clip::ClipCache;
use crate::report::DialEvent;
use crate::{DialError, DialKeys};

/// Told everything that happens, as it happens. It must not wait: it runs between two frames.
pub type Observer = Arc<dyn Fn(&DialEvent) + Send + Sync>;

/// Where to call, with which keys and which voice, and what to keep.
#[derive(Clone)]
pub struct DialOptions {
    /// The server's address.
    pub server: Url,
    /// The address under which the server knows itself (its `PUBLIC_URL`), when it is not `server`. Requests are signed for it.
    pub public_url: Option<Url>,
    /// What requests are signed with.
    pub keys: DialKeys,
    /// Speaks the caller's words; without it, a script may only use WAV files and samples.
    pub tts: Option<Arc<dyn TextToSpeech>>,
    /// Words that were spoken before.
    pub clips: ClipCache,
    /// Where to write the sound of the call (two channels: caller left, agent right).
    pub save_wav: Option<PathBuf>,
    /// Keep the sound in the report.
    pub keep_audio: bool,
    /// Read the server's record of the call (words, tools, end reason). Without it, expectations about those are not met.
    pub watch: bool,
    /// The server's `OPERATOR_TOKEN`, to read the record.
    pub operator_token: Option<String>,
    /// Cancel it, and the caller hangs up like a person who has had enough (within a frame); the report still comes.
    pub hang_up: CancellationToken,
    /// Told what happens.
    pub observer: Observer,
    pub(crate) http: Client,
}

impl DialOptions {
    /// Options for a server: no voice, nothing printed, the record is read and the sound kept.
    pub fn new(server: Url, keys: DialKeys) -> Result<Self, DialError> {
        let http = Client::builder().user_agent("voicenoob-dial").no_proxy().build().map_err(DialError::HttpClient)?;
        Ok(Self {
            server,
            public_url: None,
            keys,
            tts: None,
            clips: ClipCache::default(),
            save_wav: None,
            keep_audio: true,
            watch: true,
            operator_token: None,
            hang_up: CancellationToken::new(),
            observer: Arc::new(|_| {}),
            http,
        })
    }
}

impl std::fmt::Debug for DialOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DialOptions")
            .field("server", &self.server.as_str())
            .field("public_url", &self.public_url.as_ref().map(Url::as_str))
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
