//! OpenAI's Realtime sessions (the protocol of general availability), and Azure's, which differ in address and header only.

mod config;
mod connect;
mod items;
mod session;
mod usage;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use outbound::{Client, Standby};
use resilience::Guard;

pub use config::{AZURE_TRANSCRIPTION, MODEL, RealtimeConfig, RealtimeLimits, TRANSCRIPTION, URL, VOICES};

use crate::voice::pump;
use crate::{ModelError, SpeechToSpeech, VoiceConfig, VoiceSession, voice};
use connect::Greeted;

/// Realtime sessions of one model.
pub struct Realtime {
    service: &'static str,
    config: Arc<RealtimeConfig>,
    standby: Standby<Greeted>,
}

impl Realtime {
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn new(config: RealtimeConfig, guard: Guard) -> Result<Self, ModelError> {
        let service = guard.view().service.as_str();
        let client = Client::new(&config.setup, guard).map_err(ModelError::service(service))?;
        let config = Arc::new(config);
        Ok(Self { service, standby: connect::standby(client, Arc::clone(&config)), config })
    }

    /// Connections that stand by now.
    pub fn standing_by(&self) -> usize {
        self.standby.ready()
    }
}

#[async_trait]
impl SpeechToSpeech for Realtime {
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
        let mut session = session::Session::new(self.service, Arc::clone(&self.config), self.standby.clone(), call)
            .map_err(|why| ModelError::Unaskable { model: self.service, why })?;
        let socket = session.connect().await.map_err(ModelError::service(self.service))?;
        Ok(pump::start(session, socket, rate))
    }

    async fn check(&self) -> Result<(), ModelError> {
        voice::check(self).await
    }
}
