//! The life of a call. An enum and not typestate: calls are stored and listed while they change.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where a call stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallState {
    /// The carrier has asked us; we have not answered yet.
    Offered,
    /// Answered into the hold session: no agent yet.
    Queued {
        /// When the waiting began.
        since: Timestamp,
    },
    /// An agent talks with the caller.
    Answered {
        /// When the media stream started.
        since: Timestamp,
    },
    /// Over. Nothing follows.
    Ended {
        /// Why it ended.
        why: EndReason,
    },
}

/// What may happen to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It waits for a free agent.
    Queue,
    /// An agent takes it.
    Answer,
    /// It ends.
    End(EndReason),
}

/// What has happened to a call. Recorders turn it into numbers and log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEvent {
    /// The call waits for a free agent.
    Queued,
    /// An agent has taken the call.
    Answered {
        /// Time in the queue, zero when it was not queued.
        waited: Duration,
    },
    /// The call is over.
    Ended {
        /// Why.
        why: EndReason,
        /// Time with the agent, zero when it was never answered.
        talked: Duration,
    },
}

/// A step that the call's state does not allow: a bug in whoever asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a call that is {from:?} cannot take the step {step:?}")]
pub struct IllegalStep {
    /// The state the call was, and still is, in.
    pub from: CallState,
    /// The refused step.
    pub step: Step,
}

/// Why a call ended. Closed set: it is a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The agent said goodbye and the caller heard it.
    AgentHungUp,
    /// The caller hung up, or the carrier closed the stream.
    CallerHungUp,
    /// Handed over to a person, and that is over.
    Transferred,
    /// Handed over to a person; the carrier never told what became of it.
    TransferLost,
    /// The caller said nothing for too long.
    Silence,
    /// The longest allowed duration was reached.
    MaxDuration,
    /// No sign of life on the socket: no pong, or no audio.
    ConnectionLost,
    /// The media stream broke the protocol.
    ProtocolError,
    /// This process stops or restarts.
    Drained,
    /// Refused before an agent was there (capacity, inactive agent, bad token).
    Refused,
    /// The carrier told us that the call never became a conversation (busy, failed, no answer, cancelled).
    NotConnected,
    /// The process that served it died, and nobody took the call up in time.
    InstanceLost,
    /// The caller did not want to wait and asked to be called back.
    CallbackRequested,
    /// A fault of ours.
    Failed,
}

impl EndReason {
    /// The word in records, labels and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgentHungUp => "agent_hung_up",
            Self::CallerHungUp => "caller_hung_up",
            Self::Transferred => "transferred",
            Self::TransferLost => "transfer_lost",
            Self::Silence => "silence",
            Self::MaxDuration => "max_duration",
            Self::ConnectionLost => "connection_lost",
            Self::ProtocolError => "protocol_error",
            Self::Drained => "drained",
            Self::Refused => "refused",
            Self::NotConnected => "not_connected",
            Self::InstanceLost => "instance_lost",
            Self::CallbackRequested => "callback_requested",
            Self::Failed => "failed",
        }
    }

    /// Every reason, for readers of records.
    pub const ALL: [Self; 14] = [
        Self::AgentHungUp,
        Self::CallerHungUp,
        Self::Transferred,
        Self::TransferLost,
        Self::Silence,
        Self::MaxDuration,
        Self::ConnectionLost,
        Self::ProtocolError,
        Self::Drained,
        Self::Refused,
        Self::NotConnected,
        Self::InstanceLost,
        Self::CallbackRequested,
        Self::Failed,
    ];

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// The carrier's view of a call, in our words (their status words are mapped in `telephony`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Known, nothing more.
    Initiated,
    /// The far end rings.
    Ringing,
    /// Connected.
    InProgress,
    /// Connected, and being put through to a person: the agent has left, and may be needed again.
    Transferring,
    /// Over, after a conversation.
    Completed,
    /// The far end was busy.
    Busy,
    /// Could not be placed.
    Failed,
    /// Nobody answered.
    NoAnswer,
    /// Given up before it was answered.
    Canceled,
}

impl CallStatus {
    /// The word in records and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in_progress",
            Self::Transferring => "transferring",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no_answer",
            Self::Canceled => "canceled",
        }
    }

    /// Every status, for readers of records.
    pub const ALL: [Self; 9] = {
        use CallStatus::*;
        [Initiated, Ringing, InProgress, Transferring, Completed, Busy, Failed, NoAnswer, Canceled]
    };

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// True when nothing can follow.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled)
    }

    /// The status after `next` was reported: callbacks may arrive out of order, and a call never goes back. Only we know of
    /// [`Self::Transferring`], so no report of the carrier that the call is connected takes it away.
    pub fn advance(self, next: Self) -> Self {
        const fn rank(status: CallStatus) -> u8 {
            match status {
                CallStatus::Initiated => 0,
                CallStatus::Ringing => 1,
                CallStatus::InProgress => 2,
                CallStatus::Transferring => 3,
                _ => 4,
            }
        }
        if self.is_final() || rank(next) < rank(self) { self } else { next }
    }
}

impl CallState {
    /// The whole life of a call. A pair that is not listed is a bug in the caller, not a new state.
    pub fn apply(&mut self, step: Step, now: Timestamp) -> Result<CallEvent, IllegalStep> {
        use CallState::*;
        let (next, event) = match (*self, step) {
            (Offered, Step::Queue) => (Queued { since: now }, CallEvent::Queued),
            (Offered, Step::Answer) => (Answered { since: now }, CallEvent::Answered { waited: Duration::ZERO }),
            (Queued { since }, Step::Answer) => (Answered { since: now }, CallEvent::Answered { waited: elapsed(since, now) }),
            (Answered { since }, Step::End(why)) => (Ended { why }, CallEvent::Ended { why, talked: elapsed(since, now) }),
            (Offered | Queued { .. }, Step::End(why)) => (Ended { why }, CallEvent::Ended { why, talked: Duration::ZERO }),
            (from, step) => return Err(IllegalStep { from, step }),
        };
        *self = next;
        Ok(event)
    }
}

/// Time from `since` to `now`; zero when the clock was set back.
fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_queued_call_is_answered_and_ends() {
        let mut state = CallState::Offered;
        assert_eq!(state.apply(Step::Queue, at(0)), Ok(CallEvent::Queued));
        assert_eq!(state.apply(Step::Answer, at(7)), Ok(CallEvent::Answered { waited: Duration::from_secs(7) }));
        let end = state.apply(Step::End(EndReason::CallerHungUp), at(20));
        assert_eq!(end, Ok(CallEvent::Ended { why: EndReason::CallerHungUp, talked: Duration::from_secs(13) }));
        assert!(state.apply(Step::Answer, at(21)).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_time_negative() {
        let mut state = CallState::Answered { since: at(100) };
        let end = state.apply(Step::End(EndReason::AgentHungUp), at(50));
        assert_eq!(end, Ok(CallEvent::Ended { why: EndReason::AgentHungUp, talked: Duration::ZERO }));
    }

    #[test]
    fn a_late_callback_does_not_reopen_a_finished_call() {
        assert_eq!(CallStatus::Completed.advance(CallStatus::InProgress), CallStatus::Completed);
        assert_eq!(CallStatus::InProgress.advance(CallStatus::Ringing), CallStatus::InProgress);
        assert_eq!(CallStatus::Ringing.advance(CallStatus::Busy), CallStatus::Busy);
    }

    #[test]
    fn a_call_that_is_being_put_through_is_so_until_it_is_over() {
        assert_eq!(CallStatus::Transferring.advance(CallStatus::InProgress), CallStatus::Transferring);
        assert_eq!(CallStatus::Transferring.advance(CallStatus::Completed), CallStatus::Completed);
        assert!(!CallStatus::Transferring.is_final());
    }

    #[test]
    fn every_word_is_read_back() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::parse(reason.as_str()), Some(reason));
        }
        for status in CallStatus::ALL {
            assert_eq!(CallStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(CallStatus::parse("nonsense"), None);
    }
}
