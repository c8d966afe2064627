//! NVIDIA Riva, over gRPC on a port of its own: streaming recognition, whole clips, its models, and its health.

mod garble;
mod hearing;
mod rules;
mod streaming;
mod wire;

use std::net::SocketAddr;

use riva::asr::riva_speech_recognition_server::{RivaSpeechRecognition, RivaSpeechRecognitionServer};
use riva::asr::{
    RecognizeRequest, RecognizeResponse, RivaSpeechRecognitionConfigRequest, RivaSpeechRecognitionConfigResponse, SpeechRecognitionResult,
    StreamingRecognizeRequest,
};
use riva::health::health_check_response::ServingStatus;
use riva::health::health_server::{Health, HealthServer};
use riva::health::{HealthCheckRequest, HealthCheckResponse};
use tokio::sync::mpsc;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tower::util::MapResponseLayer;
use tracing::error;

use crate::server::{Stage, bind};
use crate::{Act, SimulatorError, Trouble, Vendor};
use rules::Listener;
use streaming::Taken;
use wire::Line;

/// Streams at once on one connection, as gRPC servers commonly allow.
const MAX_STREAMS: u32 = 100;
/// Results that wait for a slow reader.
const AHEAD: usize = 8;
/// The service that health is asked of by name.
const SERVICE: &str = "nvidia.riva.asr.RivaSpeechRecognition";

pub(crate) async fn start(address: SocketAddr, stage: Stage) -> Result<SocketAddr, SimulatorError> {
    let listener = bind(address).await?;
    let address = listener.local_addr().map_err(|source| SimulatorError::Listen { address, source })?;
    let connections = wire::connections(listener, stage.stop.clone());
    let stop = stage.stop.clone();
    let serving = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .layer(MapResponseLayer::new(garble::marked))
        .add_service(RivaSpeechRecognitionServer::new(Riva(stage.clone())))
        .add_service(HealthServer::new(Riva(stage)))
        .serve_with_incoming(connections);
    tokio::spawn(async move {
        tokio::select! {
            served = serving => if let Err(fault) = served { error!(error = %fault, "simulated Riva's listener failed") },
            () = stop.cancelled() => {}
        }
    });
    Ok(address)
}

struct Riva(Stage);

impl Riva {
    /// Begins an answer, unless it is refused.
    fn begin(&self, metadata: &MetadataMap) -> Result<Act, Status> {
        let mut act = self.0.plan.begin(Vendor::Riva);
        let refused = rules::key(metadata).err().or_else(|| act.refusal().map(|(status, after)| rules::refusal(status, after)));
        match refused {
            Some(status) => {
                act.complete();
                Err(status)
            }
            None => Ok(act),
        }
    }
}

#[tonic::async_trait]
impl RivaSpeechRecognition for Riva {
    type StreamingRecognizeStream = streaming::Answers;

    async fn recognize(&self, request: Request<RecognizeRequest>) -> Result<Response<RecognizeResponse>, Status> {
        let mut act = self.begin(request.metadata())?;
        let RecognizeRequest { config, audio, id } = request.into_inner();
        let listener = Listener::new(config, false)?;
        act.wait_first().await;
        let pcm = listener.clip(&audio)?;
        let heard = hearing::hear(&self.0.ears, &pcm, listener.rate).await?;
        let result = SpeechRecognitionResult {
            alternatives: vec![hearing::alternative(&listener, &heard, 0, pcm.len(), true)],
            channel_tag: 1,
            audio_processed: pcm.len() as f32 / listener.rate as f32,
        };
        act.complete();
        Ok(Response::new(RecognizeResponse { results: vec![result], id }))
    }

    async fn streaming_recognize(
        &self,
        request: Request<Streaming<StreamingRecognizeRequest>>,
    ) -> Result<Response<Self::StreamingRecognizeStream>, Status> {
        let act = self.begin(request.metadata())?;
        let line = request.extensions().get::<Line>().cloned().ok_or_else(|| Status::internal("the connection is not known"))?;
        let ((answers, receiver), taken) = (mpsc::channel(AHEAD), Taken::default());
        tokio::spawn(streaming::stream(self.0.ears.clone(), act, line, request.into_inner(), answers, taken.clone()));
        Ok(Response::new(streaming::answers(receiver, taken)))
    }

    async fn get_riva_speech_recognition_config(
        &self,
        request: Request<RivaSpeechRecognitionConfigRequest>,
    ) -> Result<Response<RivaSpeechRecognitionConfigResponse>, Status> {
        let mut act = self.begin(request.metadata())?;
        act.wait_first().await;
        let model_config = rules::models(&request.into_inner().model_name)?;
        act.complete();
        Ok(Response::new(RivaSpeechRecognitionConfigResponse { model_config }))
    }
}

#[tonic::async_trait]
impl Health for Riva {
    /// Health is no request of a caller's, so it is not counted. A server that is out of order says so here as well.
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        rules::key(request.metadata())?;
        if !matches!(request.get_ref().service.as_str(), "" | SERVICE) {
            return Err(Status::not_found("unknown service"));
        }
        let out_of_order = matches!(self.0.plan.behaviour(Vendor::Riva).trouble, Some(Trouble::Unavailable { .. }));
        let status = if out_of_order { ServingStatus::NotServing } else { ServingStatus::Serving };
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }
}
