//! Google's Live sessions (BidiGenerateContent).

mod config;
mod connect;
mod session;
mod usage;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use outbound::Client;
use resilience::Guard;

pub use config::{GeminiConfig, GeminiLimits, MODEL, URL, VOICES};

use crate::voice::pump;
use crate::{ModelError, SpeechToSpeech, VoiceConfig, VoiceSession, voice};

/// Live sessions of one model.
pub struct Gemini {
    service: &'static str,
    config: Arc<GeminiConfig>,
    client: Client,
}

impl Gemini {
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn new(config: GeminiConfig, guard: Guard) -> Result<Self, ModelError> {
        let service = guard.view().service.as_str();
        let client = Client::new(&config.setup, guard).map_err(ModelError::service(service))?;
        Ok(Self { service, config: Arc::new(config), client })
    }
}

#[async_trait]
impl SpeechToSpeech for Gemini {
    fn service(&self) -> &'static str {
        self.service
    }

    fn model(&self) -> &str {
        &self.config.model
    }

    fn has_voice(&self, name: &str) -> bool {
        VOICES.contains(&name)
    }

    async fn open(&self, call: VoiceConfig) -> Result<Box<dyn VoiceSession>, ModelError> {
        let rate = call.rate;
        let mut session = session::Session::new(self.service, Arc::clone(&self.config), self.client.clone(), call)
            .map_err(|why| ModelError::Unaskable { model: self.service, why })?;
        let socket = session.connect().await.map_err(ModelError::service(self.service))?;
        Ok(pump::start(session, socket, rate))
    }

    async fn check(&self) -> Result<(), ModelError> {
        voice::check(self).await
    }
}
