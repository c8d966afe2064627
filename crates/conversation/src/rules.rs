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
    /// What the caller says counts beside the voice: finished sentences end a turn sooner, and a murmur does not interrupt the agent.
    pub semantic: bool,
    /// The agent pauses as soon as the caller's voice is over its words. Voice shorter than this, and without words, was a noise: the agent goes
    /// on. `None`: the agent is never interrupted by voice.
    pub barge_in: Option<Duration>,
    /// Voice for so long over the agent's words pauses it: less than an utterance needs, because a pause can be taken back. The detector itself needs
    /// 48 ms before it calls anything voice.
    pub pauses_after: Duration,
    /// Voice that goes on for so long over the agent's words, from its first frame on, interrupts, whatever is said. The agent is silent meanwhile:
    /// to wait for a longer murmur's end costs nobody anything.
    pub interrupts_after: Duration,
    /// From the first voiced frame on a noise is waited for so long: what it began may go on.
    pub noise_within: Duration,
    /// When the voice is over and was no noise, its words are waited for so long: a recogniser that begins when the voice ends needs most of it.
    pub words_within: Duration,
    /// With no more than this left to say, "okay" is an answer and no murmur, and a short voice may be a "no": its words are waited for.
    pub near_end: Duration,
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
    /// The agent owes a reply for this long and nothing is heard: a filler ("one moment").
    pub filler_after: Duration,
    /// The same while a tool works.
    pub filler_tool_after: Duration,
    /// While the agent owes a reply, the line is never silent for longer than this, from the last sound of either side. What is owed is 2.5 s;
    /// the rest is the way to the far end.
    pub max_silence: Duration,
    /// The agent owes a reply for this long: it apologises, once.
    pub apology_after: Duration,
    /// The agent owes a reply for this long: something is stuck, and the brain is told to find a way out. When that brings nothing either (for a
    /// third of this), the caller gets the floor back.
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
            semantic: true,
            barge_in: Some(Duration::from_millis(350)),
            pauses_after: Duration::from_millis(80),
            interrupts_after: Duration::from_secs(1),
            noise_within: Duration::from_millis(600),
            words_within: Duration::from_millis(1200),
            near_end: Duration::from_millis(1500),
            silence: Duration::from_secs(7),
            keys_gap: Duration::from_millis(2500),
            max_duration: Duration::from_secs(600),
            last_words: Duration::from_secs(15),
            short_of_time: Duration::from_secs(45),
            filler_after: Duration::from_millis(1800),
            filler_tool_after: Duration::from_millis(800),
            max_silence: Duration::from_millis(2300),
            apology_after: Duration::from_secs(7),
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
