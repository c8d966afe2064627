//! Messages that are not of the protocol. Typed code cannot write one, so one is marked, and spoilt on its way out.

use bytes::Bytes;
use http_body_util::BodyExt;
use riva::asr::StreamingRecognizeResponse;
use riva::base::RequestId;
use tonic::body::Body;

/// Stands in the message that is to be spoilt.
const MARK: &str = "\u{1}spoil this message\u{1}";
/// What stands before a gRPC message: a flag and its length.
const PREFIX: usize = 5;

/// A message that arrives as one that cannot be read.
pub(super) fn message() -> StreamingRecognizeResponse {
    StreamingRecognizeResponse { results: Vec::new(), id: Some(RequestId { value: MARK.to_owned() }) }
}

/// Spoils marked messages.
pub(super) fn marked(response: http::Response<Body>) -> http::Response<Body> {
    response.map(|body| Body::new(body.map_frame(|frame| frame.map_data(spoilt))))
}

fn spoilt(data: Bytes) -> Bytes {
    if !data.windows(MARK.len()).any(|window| window == MARK.as_bytes()) {
        return data;
    }
    let mut spoilt = data.to_vec();
    if let Some(message) = spoilt.get_mut(PREFIX..) {
        message.fill(0xFF);
    }
    spoilt.into()
}
