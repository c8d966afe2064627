//! What turn taking decides, done: utterances, interruptions, silences, keys, the end.

use std::time::{Duration, Instant};

use agent::{BrainInput, CallerSound, Exit};
use call::{EndReason, Speaker, TurnRecord};
use conversation::{Action, Hint, Words};
use privacy::What;
use speech::{RecognitionEvent, Transcript};
use telemetry::SessionFact;
use tracing::{error, warn};

use crate::close;
use crate::reply::{Asked, began};
use crate::run::Session;
use crate::setup::Ending;
use crate::socket::{MediaSocket, SocketClosed};

/// The utterance under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Utterance {
    start_ms: u64,
    voice_end: Instant,
    endpoint: Instant,
    /// Its endpoint was reached; its words are awaited.
    pub(crate) finished: bool,
}

/// An utterance that was answered by its sound; its words are awaited for the record only.
pub(crate) struct Unwritten {
    utterance: Utterance,
    /// What the ears heard, and how surely.
    ears: Option<(String, f32)>,
    /// It answers a question whose answer is stored nowhere.
    secret: bool,
}

impl<S: MediaSocket> Session<S> {
    /// Does one action. An `Ending` means that the call is over.
    pub(crate) async fn act(&mut self, action: Action, now: Instant) -> Result<Option<Ending>, SocketClosed> {
        match action {
            Action::StartUtterance { ago } => self.start_utterance(ago, now).await?,
            Action::PauseUtterance => self.listener.pause(),
            Action::FinishUtterance { quiet } => {
                if let Some(utterance) = &mut self.utterance {
                    utterance.voice_end = now.checked_sub(quiet).unwrap_or(now);
                    utterance.endpoint = now;
                    utterance.finished = true;
                }
                self.listener.finish();
                self.answer_by_sound(now);
            }
            Action::Pause { ago } => self.pause(ago, now).await?,
            Action::Resume => self.resume(),
            Action::Interrupt => self.interrupt(now).await?,
            Action::Filler { count, tool } => self.filler(count, tool, now),
            Action::Apologise => self.apologise(now),
            Action::Silence { count } => self.tell(BrainInput::Silence { count }),
            Action::KeysDone => self.keys_done(now),
            Action::TimeIsShort => self.tell(BrainInput::TimeIsShort),
            Action::TimeIsUp => self.last_words(BrainInput::TimeIsUp, now).await?,
            Action::MaxDuration => return Ok(Some(Ending::new(EndReason::MaxDuration, close::BY_AGENT))),
            Action::GoodbyeOver => {
                let exit = self.reply.exit.clone().unwrap_or(Exit::Goodbye);
                let heard = self.speaker.cut(now);
                self.finish_turn(Some(heard), now);
                self.ending = Some(exit);
            }
            Action::Stalled => self.stalled(now),
            Action::GivenUp => {
                error!("the agent owed a reply for too long: the caller has the floor again");
                self.replying = false;
            }
        }
        Ok(None)
    }

    async fn start_utterance(&mut self, ago: Duration, now: Instant) -> Result<(), SocketClosed> {
        let start_ms = began(self.clock_ms(now), ago);
        self.utterance = Some(Utterance { start_ms, voice_end: now, endpoint: now, finished: false });
        // The ears give up what they had not finished.
        self.ears_owe = false;
        self.brain.listen(CallerSound::Begins);
        if self.brain.listens() {
            self.listener.opening(ago).into_iter().for_each(|pcm| self.brain.listen(CallerSound::Piece(pcm)));
        }
        self.listener.start(ago);
        self.hush(now).await
    }

    /// A brain that listens by itself answers the moment the caller has finished: the words come later, for the record. While the agent has the
    /// floor, or has something to say or to do, the words decide whether this is to be answered at all.
    fn answer_by_sound(&mut self, now: Instant) {
        let free = !self.conversation.agent_has_floor() && self.late.is_empty() && !self.replying;
        let Some(utterance) = self.utterance.take_if(|_| free && self.brain.listens()) else { return };
        self.write_unwritten(None);
        self.unwritten = Some(Unwritten { utterance, ears: None, secret: self.secret });
        self.ears_owe = true;
        self.hand_over_sound(utterance, now, 0);
    }

    fn hand_over_sound(&mut self, utterance: Utterance, now: Instant, words: u32) {
        self.reply.asked = Some(Asked { voice_end: utterance.voice_end, endpoint: utterance.endpoint, transcript: now, words });
        self.conversation.agent_thinks(now);
        self.conversation.caller_answered();
        self.replying = true;
        self.brain.listen(CallerSound::Over);
    }

    /// Keeps an utterance that was answered by its sound: in the brain's words, else in those of the ears beside it, else without any.
    pub(crate) fn write_unwritten(&mut self, text: Option<&str>) {
        let Some(Unwritten { utterance, ears, secret }) = self.unwritten.take() else { return };
        let (ears, confidence) = ears.unzip();
        let (text, confidence) = text.map_or_else(|| (ears.as_deref().unwrap_or_default(), confidence), |text| (text, None));
        self.caller_turn_record((text, None), secret, confidence, utterance.start_ms, utterance.voice_end);
    }

    /// The caller's utterance, or what is known of it, is of no use.
    pub(crate) fn forget_utterance(&mut self) {
        self.listener.cancel();
        (self.utterance, self.ears_owe) = (None, false);
        self.brain.listen(CallerSound::Nothing);
    }

    /// Recognition has news.
    pub(crate) async fn recognised(&mut self, event: RecognitionEvent, now: Instant) -> Result<(), SocketClosed> {
        match event {
            RecognitionEvent::Partial(transcript) => {
                if self.utterance.is_some() {
                    let hint = self.hint(&transcript);
                    self.conversation.words(hint, now);
                }
                Ok(())
            }
            RecognitionEvent::EndOfSpeech => {
                self.conversation.end_of_speech();
                Ok(())
            }
            RecognitionEvent::Final(transcript) => self.heard(transcript, now).await,
            RecognitionEvent::Failed(fault) => {
                warn!(error = %fault, "recognition failed for this utterance");
                let nothing = Transcript {
                    text: String::new(),
                    written: String::new(),
                    confidence: 0.0,
                    words: Vec::new(),
                    took: Default::default(),
                };
                self.heard(nothing, now).await
            }
        }
    }

    async fn heard(&mut self, transcript: Transcript, now: Instant) -> Result<(), SocketClosed> {
        let Some(utterance) = self.utterance.take() else {
            self.heard_beside(transcript);
            return Ok(());
        };
        let understood = !transcript.text.is_empty() && transcript.confidence >= self.confidence_floor;
        let said = self.hint(&transcript).words;
        if self.conversation.agent_has_floor() && !self.gives_way(said, now).await? {
            return Ok(()); // A noise or a murmur while the agent speaks is not a turn.
        }
        let words = transcript.words.len().try_into().unwrap_or(u32::MAX);
        self.caller_turn_record(
            (&transcript.text, None),
            self.secret,
            Some(transcript.confidence),
            utterance.start_ms,
            utterance.voice_end,
        );
        self.reply.asked = Some(Asked { voice_end: utterance.voice_end, endpoint: utterance.endpoint, transcript: now, words });
        self.conversation.agent_thinks(now);
        if !self.late.is_empty() && !self.drops_late(said) {
            self.brain.listen(CallerSound::Nothing);
            self.release_late(now);
        } else if understood {
            if self.brain.listens() {
                self.hand_over_sound(utterance, now, words);
            }
            self.conversation.caller_answered();
            self.tell(BrainInput::Heard { text: transcript.text, confidence: transcript.confidence });
        } else {
            self.brain.listen(CallerSound::Nothing);
            self.services.recorder.fact(SessionFact::NotUnderstood);
            self.tell(BrainInput::NotUnderstood);
        }
        Ok(())
    }

    /// What the ears beside a brain that listens by itself made of an utterance that is being answered.
    fn heard_beside(&mut self, transcript: Transcript) {
        if !std::mem::take(&mut self.ears_owe) {
            return;
        }
        let local = self.local_time();
        let Transcript { text, confidence, .. } = transcript;
        if text.is_empty() || confidence < self.confidence_floor {
            return self.brain.handle(BrainInput::NotUnderstood, local);
        }
        if let Some(unwritten) = &mut self.unwritten {
            unwritten.ears = Some((text.clone(), confidence));
        }
        self.brain.handle(BrainInput::Heard { text, confidence }, local);
    }

    /// A key was pressed (and is not the echo of one already taken).
    pub(crate) async fn key(&mut self, digit: char, now: Instant) -> Result<(), SocketClosed> {
        // A terminator after an entry that was complete without it says nothing, and interrupts nobody.
        if self.saying_goodbye || (digit == '#' && self.keyed.is_empty()) {
            return Ok(());
        }
        self.forget_utterance();
        if !self.late.is_empty() && !self.drops_late(Words::Real) {
            self.release_late(now);
            return Ok(());
        }
        self.conversation.key(now);
        // `key` may ask for an interruption: it must be done before the brain speaks again.
        while let Some(action) = self.conversation.poll_action() {
            if action == Action::Interrupt {
                self.interrupt(now).await?;
            }
        }
        if self.keyed.is_empty() {
            self.keyed_from = self.clock_ms(now);
        }
        if self.keyed.len() < MAX_KEYS {
            self.keyed.push(digit);
        }
        self.tell(BrainInput::Key(digit));
        if self.keyed.len() >= usize::from(self.max_keys) || digit == '#' {
            self.keys_done(now);
        }
        Ok(())
    }

    fn keys_done(&mut self, now: Instant) {
        self.conversation.keys_complete();
        let keyed = std::mem::take(&mut self.keyed);
        if keyed.is_empty() {
            return;
        }
        let from = self.keyed_from;
        self.caller_turn_record(("", Some(keyed)), self.secret, None, from, now);
        self.reply.asked = Some(Asked { voice_end: now, endpoint: now, transcript: now, words: 0 });
        self.conversation.agent_thinks(now);
        self.tell(BrainInput::KeysDone);
    }

    /// The call must end soon: by its length, or because this process stops.
    pub(crate) async fn last_words(&mut self, why: BrainInput, now: Instant) -> Result<(), SocketClosed> {
        if self.saying_goodbye {
            return Ok(());
        }
        if self.conversation.agent_has_floor() {
            self.interrupt(now).await?;
        }
        self.forget_utterance();
        self.late.clear();
        self.conversation.agent_thinks(now);
        self.tell(why);
        Ok(())
    }

    /// What the words say about the turn. Words that are below the agent's floor are none.
    fn hint(&self, transcript: &Transcript) -> Hint {
        let sure = transcript.confidence >= self.confidence_floor;
        Hint::of(if sure { &transcript.text } else { "" }, &self.language, self.max_keys)
    }

    /// `given`: words and keys. `secret`: what was given is stored nowhere.
    fn caller_turn_record(&mut self, given: (&str, Option<String>), secret: bool, confidence: Option<f32>, start_ms: u64, end: Instant) {
        self.write_unwritten(None);
        let end_ms = self.clock_ms(end).max(start_ms);
        let (text, digits) = if secret { hidden(given.0, given.1) } else { given };
        self.journal.add(TurnRecord {
            index: 0,
            speaker: Speaker::Caller,
            text: text.to_owned(),
            heard: text.to_owned(),
            interrupted: false,
            start_ms,
            end_ms,
            confidence,
            digits,
            latency: None,
        });
        self.save(crate::run::now());
    }
}

/// That something was said or keyed, and not what.
fn hidden(text: &str, digits: Option<String>) -> (&str, Option<String>) {
    let mask = What::Code.mask();
    (if text.is_empty() { "" } else { mask }, digits.map(|_| mask.to_owned()))
}

/// Keys kept of one entry; more are told to the brain but not recorded.
const MAX_KEYS: usize = 32;
