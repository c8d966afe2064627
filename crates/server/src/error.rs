//! Why the server does not start, or stops.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The port is taken, or the address is not ours.
    #[error(
        "cannot listen on {address}: {source}; another program (a second voicenoob?) may use the port: stop it, or choose another with PORT"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Settings.
    #[error(transparent)]
    Settings(#[from] crate::settings::SettingsError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
    /// Agents.
    #[error(transparent)]
    Agents(#[from] agent::AgentError),
    /// The folder with agent files cannot be read.
    #[error("cannot read the folder of agent files {path}: {source}")]
    AgentsDir {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Prices.
    #[error(transparent)]
    Prices(#[from] crate::prices::PricesError),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The keys that seal and sign.
    #[error(transparent)]
    Secrets(#[from] secrets::SecretsError),
    /// Accounts.
    #[error(transparent)]
    People(#[from] people::PeopleError),
    /// Sign-in with an OpenID provider.
    #[error("OPENID_ISSUER, OPENID_CLIENT_ID: {0}")]
    OpenId(#[from] people::OpenIdError),
    /// The hotel's books.
    #[error("the demo hotel cannot open its books: {0}")]
    Hotel(#[from] hotel::PmsError),
    /// Recordings.
    #[error(transparent)]
    Recording(#[from] session::RecordingError),
    /// A speech engine is installed and yet does not work.
    #[error("a speech engine does not work: {0}")]
    Speech(#[from] speech::SpeechError),
    /// A language model or a speech-to-speech model that is configured cannot be used.
    #[error("a model cannot be set up: {0}")]
    Model(#[from] models::ModelError),
    /// Live state.
    #[error("REDIS_URL, REDIS_KEY_PREFIX: {0}")]
    Live(#[from] live::LiveError),
    /// The carrier's REST interface.
    #[error("TELNYX_API_URL: {0}")]
    Trunk(#[from] trunk::TrunkError),
    /// Serving ended with an error.
    #[error("serving ended: {0}")]
    Serve(std::io::Error),
}
