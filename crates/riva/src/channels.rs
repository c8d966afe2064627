//! The pool, behind its guard.

use std::sync::Arc;
use std::time::Duration;

use outbound::Fault;
use resilience::{Classify, Guard, Guarded};
use tonic::transport::Channel;

use crate::asr::riva_speech_recognition_client::RivaSpeechRecognitionClient;
use crate::asr::{
    RecognizeRequest, RecognizeResponse, RivaSpeechRecognitionConfigRequest, RivaSpeechRecognitionConfigResponse,
    StreamingRecognitionConfig,
};
use crate::health::HealthCheckRequest;
use crate::health::health_check_response::ServingStatus;
use crate::health::health_client::HealthClient;
use crate::lanes::{Lanes, Lease};
use crate::stream::{Answers, Sound, begin};
use crate::tender::tend;
use crate::{ChannelsConfig, PoolView};

/// Largest message that is taken.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Connections to Riva, each with its own HTTP/2. Cheap to clone; dropped, they close when their streams are over.
#[derive(Clone)]
pub struct Channels {
    road: Guarded<Lanes>,
    /// To look at, not to ask: streams come by the road alone.
    pool: Arc<Lanes>,
}

impl Channels {
    /// Opens the connections in the background. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`Fault::Address`], [`Fault::SetUp`].
    pub fn new(config: ChannelsConfig, guard: Guard) -> Result<Self, Fault> {
        outbound::tls();
        let pool = Lanes::new(config)?;
        tokio::spawn(tend(Arc::downgrade(&pool), guard.clone()));
        Ok(Self { road: Guarded::new(Arc::clone(&pool), guard), pool })
    }

    /// One `StreamingRecognize`: where sound goes in, and where answers come out. Riva may say nothing at all before it has heard something, so
    /// this does not wait for it.
    ///
    /// # Errors
    /// [`Fault::NotAsked`]: by the guard, or because all places are taken.
    pub async fn listen(&self, config: StreamingRecognitionConfig) -> Result<(Sound, Answers), Fault> {
        let (lanes, begun) = self.road.begin().await?;
        let lease = lanes.lease().await?;
        Ok(begin(lease, begun, config))
    }

    /// A whole clip.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn recognize(&self, request: RecognizeRequest) -> Result<RecognizeResponse, Fault> {
        self.ask(async |lease| lease.asked(asr(lease).recognize(lease.request(request))).await).await
    }

    /// The models there are.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn models(&self) -> Result<RivaSpeechRecognitionConfigResponse, Fault> {
        let all = RivaSpeechRecognitionConfigRequest::default();
        self.ask(async |lease| lease.asked(asr(lease).get_riva_speech_recognition_config(lease.request(all))).await).await
    }

    /// Whether it serves.
    ///
    /// # Errors
    /// A [`Fault`]; [`Fault::Unavailable`] when it says that it does not serve.
    pub async fn health(&self) -> Result<(), Fault> {
        self.ask(async |lease| health(lease).await).await
    }

    /// How the pool stands.
    pub fn view(&self) -> PoolView {
        self.pool.view()
    }

    /// Takes no new streams, waits for those under way, and closes the connections. False when some were still under way at the limit.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.pool.drain(limit).await
    }

    /// One question, one answer.
    async fn ask<R>(&self, question: impl AsyncFnOnce(&Lease) -> Result<R, Fault>) -> Result<R, Fault> {
        let (lanes, begun) = self.road.begin().await?;
        let lease = lanes.lease().await?;
        let answer = question(&lease).await;
        match &answer {
            Ok(_) => begun.answered(),
            Err(fault) => begun.failed(fault.failure()),
        }
        answer
    }
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Channels").field(&self.road).finish()
    }
}

/// A connection's stub.
pub(crate) fn asr(lease: &Lease) -> RivaSpeechRecognitionClient<Channel> {
    RivaSpeechRecognitionClient::new(lease.channel()).max_decoding_message_size(MAX_MESSAGE_BYTES)
}

pub(crate) async fn health(lease: &Lease) -> Result<(), Fault> {
    let mut client = HealthClient::new(lease.channel()).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let answer = lease.asked(client.check(lease.request(HealthCheckRequest::default()))).await?;
    if answer.status() == ServingStatus::Serving { Ok(()) } else { Err(Fault::Unavailable(tonic::Code::Unavailable as u16)) }
}
