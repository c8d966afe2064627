//! The agent is paused because the caller's voice came over its words: does it go on, or does it stop?

use std::time::{Duration, Instant};

use super::owed::Owed;
use super::{Action, Conversation, Floor};
use crate::endpoint::ONSET_GAP;
use crate::{Hint, TurnTaking, Words};

/// What is known of the caller's voice since the agent paused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held {
    began: Instant,
    last_voice: Instant,
    /// Quiet was heard after the last voice. Without it the line may only be late: a carrier sends frames in silence too.
    quiet: bool,
    words: Words,
    /// What the agent had still to say.
    left: Duration,
}

/// What it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A murmur, or a noise.
    Resume,
    /// The caller wants to speak.
    Interrupt,
}

impl Held {
    pub(super) fn new(began: Instant, now: Instant) -> Self {
        Self { began, last_voice: now, quiet: false, words: Words::None, left: Duration::MAX }
    }

    pub(super) fn left(&mut self, left: Duration) {
        self.left = left;
    }

    pub(super) fn frame(&mut self, voice: bool, now: Instant) {
        self.quiet = !voice;
        if voice {
            self.last_voice = now;
        }
    }

    pub(super) fn words(&mut self, words: Words) {
        self.words = words;
    }

    /// The decision, once there is one.
    pub(super) fn verdict(&self, now: Instant, rules: &TurnTaking) -> Option<Verdict> {
        let speaking = now.saturating_duration_since(self.last_voice) < ONSET_GAP;
        match self.words {
            Words::Real => Some(Verdict::Interrupt),
            _ if speaking => (now >= self.sure(rules)).then_some(Verdict::Interrupt),
            Words::Murmur => Some(self.murmured(rules)),
            Words::None if self.is_noise(rules) => (now >= self.over(rules)).then_some(Verdict::Resume),
            Words::None => (now >= self.limit(rules)).then_some(Verdict::Interrupt),
        }
    }

    /// The decision when nothing more will be known of the words.
    pub(super) fn last_verdict(&self, rules: &TurnTaking) -> Verdict {
        match self.words {
            Words::Real => Verdict::Interrupt,
            Words::Murmur => self.murmured(rules),
            Words::None => Verdict::Resume,
        }
    }

    /// When [`Self::verdict`] has an answer although nothing more happens.
    pub(super) fn deadline(&self, rules: &TurnTaking) -> Instant {
        let quiet = self.last_voice + ONSET_GAP;
        match self.words {
            Words::Real => self.began,
            _ if self.sure(rules) < quiet => self.sure(rules),
            Words::Murmur => quiet,
            Words::None if self.is_noise(rules) => self.over(rules).max(quiet),
            Words::None => self.limit(rules),
        }
    }

    /// From now on who still speaks interrupts.
    fn sure(&self, rules: &TurnTaking) -> Instant {
        self.began + if rules.semantic { rules.interrupts_after } else { rules.noise_within }
    }

    /// A noise is over by now. Frames that are missing are waited for like words are: they may be the rest of a sentence.
    fn over(&self, rules: &TurnTaking) -> Instant {
        if self.quiet { self.began + rules.noise_within } else { self.last_voice + rules.words_within }
    }

    /// Words that have not come by now are not waited for.
    fn limit(&self, rules: &TurnTaking) -> Instant {
        if rules.semantic { self.last_voice + rules.words_within } else { self.began + rules.noise_within }
    }

    /// Short as a cough. Over the last words of a question it may be a "no": its words are waited for.
    fn is_noise(&self, rules: &TurnTaking) -> bool {
        let short = rules.barge_in.is_none_or(|least| self.last_voice.saturating_duration_since(self.began) < least);
        short && (self.left > rules.near_end || !rules.semantic)
    }

    fn murmured(&self, rules: &TurnTaking) -> Verdict {
        if self.left <= rules.near_end { Verdict::Interrupt } else { Verdict::Resume }
    }
}

impl Conversation {
    /// The recogniser has words of the utterance under way.
    pub fn words(&mut self, hint: Hint, now: Instant) {
        if !self.rules.semantic {
            return;
        }
        self.endpoint.words(hint.complete);
        if let Floor::Held(held) = &mut self.floor {
            held.words(hint.words);
        }
        self.decide(now);
    }

    /// The recogniser says that the speaker has finished.
    pub fn end_of_speech(&mut self) {
        self.endpoint.end_of_speech();
    }

    /// The utterance's last words are known. While the agent is paused, [`Action::Resume`] or [`Action::Interrupt`] comes of it in any case.
    pub fn last_words(&mut self, words: Words, now: Instant) {
        if let Floor::Held(mut held) = self.floor {
            held.words(words);
            self.decided(held.last_verdict(&self.rules), now);
        }
    }

    /// So much was left to say when the agent paused.
    pub fn paused_with(&mut self, left: Duration) {
        if let Floor::Held(held) = &mut self.floor {
            held.left(left);
        }
    }

    pub(super) fn decide(&mut self, now: Instant) {
        if let Floor::Held(held) = self.floor
            && let Some(verdict) = held.verdict(now, &self.rules)
        {
            self.decided(verdict, now);
        }
    }

    pub(super) fn decided(&mut self, verdict: Verdict, now: Instant) {
        match verdict {
            Verdict::Resume => {
                self.floor = Floor::Agent { interruptible: true };
                self.drop_utterance();
                self.out.push_back(Action::Resume);
            }
            Verdict::Interrupt => {
                // The session answers with `caller_turn` or `agent_thinks`.
                self.floor = Floor::Owed;
                self.owed = Some(Owed::new(now, now));
                self.out.push_back(Action::Interrupt);
            }
        }
    }
}
