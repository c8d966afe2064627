//! What gRPC says, as faults.

use std::error::Error;
use std::time::Duration;

use outbound::Fault;
use tonic::{Code, Status};

/// When to come again, milliseconds, where a server says so (gRPC proposal A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// How our decoder of messages begins its complaints; it has no kind of its own.
const NOT_DECODED: [&str; 2] = ["failed to decode Protobuf message", "protocol error:"];

/// A fault, and whether it is the connection's.
pub(crate) struct Failed {
    pub(crate) fault: Fault,
    pub(crate) connection: bool,
}

/// `answered`: something had come on this stream already.
pub(crate) fn of_status(status: &Status, answered: bool) -> Failed {
    // What the server says has nothing behind it; what the way to it does, has.
    if let Some(behind) = status.source() {
        let text = outbound::chain(behind);
        let fault = if answered { Fault::Cut(text) } else { Fault::Connect(text) };
        return Failed { fault, connection: true };
    }
    Failed { fault: said(status), connection: false }
}

fn said(status: &Status) -> Fault {
    let number = status.code() as u16;
    match status.code() {
        Code::Unauthenticated => Fault::Key(401),
        Code::PermissionDenied => Fault::Key(403),
        Code::ResourceExhausted => Fault::Throttled(pushback(status)),
        Code::Internal if NOT_DECODED.iter().any(|start| status.message().starts_with(start)) => Fault::Malformed("a message"),
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Unknown | Code::DataLoss | Code::Aborted => {
            Fault::Unavailable(number)
        }
        Code::Cancelled => Fault::Cut("the server ended the stream".to_owned()),
        code => Fault::Refused { status: number, code: format!("{code:?}") },
    }
}

fn pushback(status: &Status) -> Option<Duration> {
    let millis = status.metadata().get(PUSHBACK)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use resilience::{Classify, Failure};

    use super::*;

    #[test]
    fn statuses_are_told_apart_by_what_can_be_done_about_them() {
        let table = [
            (Code::Unavailable, Failure::Transient),
            (Code::Internal, Failure::Transient),
            (Code::Unknown, Failure::Transient),
            (Code::DeadlineExceeded, Failure::Transient),
            (Code::Cancelled, Failure::Transient),
            (Code::ResourceExhausted, Failure::Overloaded(None)),
            (Code::InvalidArgument, Failure::Refused),
            (Code::NotFound, Failure::Refused),
            (Code::Unimplemented, Failure::Refused),
            (Code::Unauthenticated, Failure::KeyRefused),
            (Code::PermissionDenied, Failure::KeyRefused),
        ];
        for (code, failure) in table {
            assert_eq!(of_status(&Status::new(code, "Ann Lee's words"), false).fault.failure(), failure, "{code:?}");
        }
        let mut later = Status::resource_exhausted("");
        later.metadata_mut().insert(PUSHBACK, "1500".parse().unwrap());
        assert_eq!(of_status(&later, true).fault, Fault::Throttled(Some(Duration::from_millis(1500))));
    }

    #[test]
    fn what_the_server_says_of_the_sound_is_not_kept() {
        for code in [Code::InvalidArgument, Code::Internal, Code::Unknown, Code::Cancelled] {
            let fault = of_status(&Status::new(code, "zebra"), false).fault;
            assert!(!format!("{fault} {fault:?}").contains("zebra"));
        }
    }
}
