//! The closed sets of words that stand in labels: a label that anything could be written into has no bound.

use call::{EndReason, Part, RungWhy, ToolOutcome};

/// A closed set of words, and the label it is the value of.
pub(crate) trait Word: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The label's name.
    const LABEL: &'static str;
    /// Every word.
    const WORDS: &'static [Self];
    /// The label's value.
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($($(#[$doc:meta])* $seen:vis $name:ident, $label:literal { $($(#[$about:meta])* $variant:ident = $word:literal,)+ })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $seen enum $name {
            $($(#[$about])* $variant,)+
        }

        impl $name {
            /// Every one of them.
            $seen const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in labels and log lines.
            $seen const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl Word for $name {
            const LABEL: &'static str = $label;
            const WORDS: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+ };
}

words! {
    /// What kind of fault ended a call.
    pub ErrorType, "error_type" {
        /// The media stream was lost or broke the protocol.
        WebSocket = "websocket_error",
        /// A fault of ours.
        Internal = "internal_error",
        /// The process that served the call died.
        InstanceLost = "instance_lost",
    }

    /// Why a call was not taken.
    pub RefusedBecause, "reason" {
        /// This instance has no room.
        InstanceLimit = "instance_limit",
        /// The agent has no room, over all instances.
        AgentLimit = "agent_limit",
        /// The tenant has no room, over all instances.
        TenantLimit = "tenant_limit",
        /// One number calls too often.
        CallerRate = "caller_rate",
        /// The workspace is called too often.
        TenantRate = "tenant_rate",
        /// As many callers wait as may wait.
        QueueFull = "queue_full",
        /// This instance stops, and no other takes the call.
        Draining = "draining",
        /// No agent answers the number.
        NoAgent = "no_agent",
        /// The agent is switched off.
        AgentInactive = "agent_inactive",
        /// It is outside the workspace's opening hours.
        Closed = "closed",
        /// A fault of ours.
        Fault = "fault",
        /// Resumed again and again: the same fault would end it once more.
        ResumedTooOften = "resumed_too_often",
    }

    /// Why a caller left the queue without having been served.
    pub LeftQueue, "reason" {
        /// They hung up.
        Abandoned = "abandoned",
        /// They asked to be called back.
        Callback = "callback",
        /// An operator took them out, or the instance stops.
        Removed = "removed",
    }

    /// What became of a call that was live when the instance began to drain.
    pub DrainOutcome, "outcome" {
        /// It ended by itself in time.
        Finished = "finished",
        /// Another instance goes on with it.
        HandedOver = "handed_over",
        /// The agent said goodbye at the deadline.
        Closed = "closed",
        /// Cut: nothing could be said, and nobody goes on with it.
        Lost = "lost",
    }

    /// What was asked of live state: the names are those of its interface.
    pub RegistryOperation, "operation" {
        /// Heartbeat.
        Beat = "beat",
        /// The instance leaves in order.
        Leave = "leave",
        /// List of instances.
        Instances = "instances",
        /// A call is entered.
        Register = "register",
        /// A call is taken out.
        Unregister = "unregister",
        /// List of calls.
        ActiveCalls = "active_calls",
        /// Number of calls.
        CallCount = "call_count",
        /// A call is opened for resume.
        Interrupt = "interrupt",
        /// Calls from the records are opened for resume.
        Recover = "recover",
        /// The sign that the instance stops.
        SetShuttingDown = "set_shutting_down",
        /// A permit is asked for.
        Admit = "admit",
        /// A permit that is held already is entered.
        Hold = "hold",
        /// A permit is given back.
        Release = "release",
        /// A caller begins to wait.
        Enqueue = "enqueue",
        /// Grants are given out.
        ServeQueue = "serve_queue",
        /// What waits for the instance.
        Inbox = "inbox",
        /// A grant is taken up.
        TakeUp = "take_up",
        /// The first caller is taken.
        Dequeue = "dequeue",
        /// What was taken is being served.
        Confirm = "confirm",
        /// The first callers are listed.
        Peek = "peek",
        /// Number of waiting callers.
        Depth = "depth",
        /// Where this instance's callers stand.
        Places = "places",
        /// Numbers of the queue.
        Stats = "stats",
        /// A caller is taken out.
        Remove = "remove",
        /// All callers are taken out.
        Clear = "clear",
        /// An offer is kept.
        ShareOffer = "share_offer",
        /// An offer is read.
        Offer = "offer",
        /// An offer is taken.
        TakeOffer = "take_offer",
        /// A command for another instance.
        Send = "send",
        /// The check by use.
        Check = "check",
    }

    /// A part of the caller's waiting time for an answer.
    pub(crate) LatencyPart, "part" {
        /// From the caller's last speech to the decision that the utterance is over.
        Endpoint = "endpoint",
        /// From there to the transcript.
        Recognition = "recognition",
        /// From there to the first words of the reply.
        Brain = "brain",
        /// From there to the first audio on the wire.
        FirstAudio = "first_audio",
        /// All of them.
        Total = "total",
    }
}

impl ErrorType {
    /// The kind of fault behind an end; `None` for the ways a call may rightly end.
    pub const fn of(why: EndReason) -> Option<Self> {
        match why {
            EndReason::ConnectionLost | EndReason::ProtocolError => Some(Self::WebSocket),
            EndReason::Failed => Some(Self::Internal),
            EndReason::InstanceLost => Some(Self::InstanceLost),
            EndReason::TransferLost
            | EndReason::AgentHungUp
            | EndReason::CallerHungUp
            | EndReason::Transferred
            | EndReason::Silence
            | EndReason::MaxDuration
            | EndReason::Drained
            | EndReason::Refused
            | EndReason::NotConnected
            | EndReason::CallbackRequested => None,
        }
    }
}

impl Word for EndReason {
    const LABEL: &'static str = "reason";
    const WORDS: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Part {
    const LABEL: &'static str = "part";
    const WORDS: &'static [Self] = Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for RungWhy {
    const LABEL: &'static str = "why";
    const WORDS: &'static [Self] = Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for ToolOutcome {
    const LABEL: &'static str = "outcome";
    const WORDS: &'static [Self] = &[Self::Ok, Self::Refused, Self::Failed, Self::Pending];

    fn word(self) -> &'static str {
        self.as_str()
    }
}
