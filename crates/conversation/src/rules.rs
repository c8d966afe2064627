//! The numbers of turn taking, in one place.

use std::time::Duration;

/// How turns are taken. An agent's file may change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnTaking {
    /// Speech shorter than this is a click or a cough, not an utterance.
    pub min_speech: Duration,
    /// Quiet for this long inside an utterance: time for a partial transcript.
    pub pause: Duration,
    /// Quiet for this long: the utterance is over. Speakers pause for 200 to 500 ms inside a sentence.
    pub end_silence: Duration,
    /// An utterance never lasts longer; what comes after is a new one.
    pub max_utterance: Duration,
    /// The caller must speak this long over the agent before the agent stops; `None`: the agent is never interrupted by voice.
    pub barge_in: Option<Duration>,
    /// It is the caller's turn and nothing comes for this long: the brain is told.
    pub silence: Duration,
    /// Pause between two keys after which what was keyed is complete.
    pub keys_gap: Duration,
    /// Longest conversation.
    pub max_duration: Duration,
    /// Time left for a last sentence when the longest conversation is reached.
    pub last_words: Duration,
    /// Time between the hint that little is left and the last words.
    pub short_of_time: Duration,
    /// The agent owes a reply for this long: something is stuck, and the caller gets the floor back.
    pub owed_limit: Duration,
    /// A goodbye is waited for no longer than its own length plus this, should the carrier's mark be lost.
    pub goodbye_grace: Duration,
}

impl Default for TurnTaking {
    fn default() -> Self {
        Self {
            min_speech: Duration::from_millis(120),
            pause: Duration::from_millis(240),
            end_silence: Duration::from_millis(640),
            max_utterance: Duration::from_secs(25),
            barge_in: Some(Duration::from_millis(240)),
            silence: Duration::from_secs(7),
            keys_gap: Duration::from_millis(2500),
            max_duration: Duration::from_secs(600),
            last_words: Duration::from_secs(15),
            short_of_time: Duration::from_secs(45),
            owed_limit: Duration::from_secs(15),
            goodbye_grace: Duration::from_secs(2),
        }
    }
}

impl TurnTaking {
    /// With another longest conversation: the hint and the last words keep their times, but take no more than a quarter of it each.
    #[must_use]
    pub fn lasting(self, max_duration: Duration) -> Self {
        let part = max_duration / 4;
        Self { max_duration, last_words: self.last_words.min(part), short_of_time: self.short_of_time.min(part), ..self }
    }
}
