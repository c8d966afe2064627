//! What the brain wants: say, listen, call a tool, end. The agent's turn from its first word to its last.

use std::time::{Duration, Instant};

use agent::{BrainInput, BrainOutput, Exit};
use call::{LatencyParts, Speaker, TurnRecord};
use telemetry::SessionFact;

use crate::run::Session;
use crate::socket::MediaSocket;
use crate::speak::Line;

/// More of a goodbye is waited for this long.
const SYNTHESIS_LIMIT: Duration = Duration::from_secs(6);

/// When the caller's last words were over, and when we knew what they were: the first parts of the latency.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// The last voiced frame, or the key.
    pub(crate) voice_end: Instant,
    /// The utterance was declared over.
    pub(crate) endpoint: Instant,
    /// The transcript was there.
    pub(crate) transcript: Instant,
    /// Words recognised; zero for keys.
    pub(crate) words: u32,
}

/// The agent turn that is being thought of or spoken.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) asked: Option<Asked>,
    /// When the first words came from the brain.
    said_at: Option<Instant>,
    /// First audio on the wire, on the call clock.
    start_ms: Option<u64>,
    latency: Option<LatencyParts>,
    texts: Vec<String>,
    /// The last of them is said by the brain itself, and may go on.
    sounding: bool,
    /// Part of it must be heard: none of it can be interrupted.
    pinned: bool,
    /// The brain has finished this reply: the caller's turn follows once everything was heard.
    pub(crate) complete: bool,
    /// The conversation ends once everything was heard.
    pub(crate) exit: Option<Exit>,
}

impl Reply {
    /// More of what the brain says by itself.
    fn words(&mut self, text: &str) {
        match self.texts.last_mut().filter(|_| self.sounding) {
            Some(last) => last.push_str(text),
            None => self.texts.push(text.trim_start().to_owned()),
        }
        self.sounding = true;
    }
}

impl<S: MediaSocket> Session<S> {
    /// Does what the brain asks for; what it wants said while the caller speaks, after that.
    pub(crate) fn obey(&mut self, output: BrainOutput, now: Instant) {
        if let Some(output) = self.unless_late(output) {
            self.do_output(output, now);
        }
    }

    pub(crate) fn do_output(&mut self, output: BrainOutput, now: Instant) {
        match output {
            BrainOutput::Say { text, interruptible } => self.say(text, interruptible, now),
            BrainOutput::Listen { state, max_keys } => {
                self.listener.expect(&state);
                self.secret = self.flow.is_secret(&state);
                self.max_keys = max_keys;
                self.reply.complete = true;
                self.settle(now);
            }
            BrainOutput::CallTool { id, tool, arguments } => self.call_tool(id, tool, arguments, now),
            BrainOutput::Sound(pcm) => {
                self.speaks(true, now);
                self.speaker.sound(Line::Sound(pcm));
            }
            BrainOutput::Words(text) => {
                self.speaks(true, now);
                self.reply.words(&text);
                self.speaker.sound(Line::Words(text));
            }
            BrainOutput::SoundOver => {
                self.reply.sounding = false;
                self.speaker.sound(Line::SoundOver);
            }
            BrainOutput::CallerSaid(text) => self.write_unwritten(Some(&text)),
            BrainOutput::Dtmf { digits } => {
                if let Err(fault) = self.send_dtmf(&digits) {
                    tracing::error!(error = %fault, count = digits.len(), "keys not pressed");
                }
            }
            BrainOutput::End(exit) => {
                self.reply.exit = Some(exit);
                self.reply.complete = true;
                // Should the line break now, the call ends all the same, or is handed over.
                self.save(now);
                self.settle(now);
            }
        }
    }

    fn say(&mut self, text: String, interruptible: bool, now: Instant) {
        if text.trim().is_empty() {
            return;
        }
        self.reply.texts.push(text.clone());
        self.speaks(interruptible, now);
        self.speaker.say(text);
    }

    fn speaks(&mut self, interruptible: bool, now: Instant) {
        self.reply.said_at.get_or_insert(now);
        self.reply.pinned |= !interruptible;
        self.conversation.agent_speaks(!self.reply.pinned);
    }

    /// Presses keys for the far end (a menu that answered our call): their tones follow what is already to be said, and are said to their end.
    ///
    /// # Errors
    /// [`audio::AudioError::Keys`] when they are none; see [`audio::dtmf::tones`].
    pub fn send_dtmf(&mut self, keys: &str) -> Result<(), audio::AudioError> {
        let tones = audio::dtmf::tones(keys, self.stream.format().map_or(8000, |format| format.rate))?;
        self.reply.pinned = true;
        self.conversation.agent_speaks(false);
        self.speaker.press(tones);
        Ok(())
    }

    /// The first audio of a reply is on the wire.
    pub(crate) fn first_audio(&mut self, now: Instant) {
        if self.reply.start_ms.is_some() {
            return;
        }
        let ms = self.clock_ms(now);
        self.voiceless = false;
        self.reply.start_ms = Some(ms);
        match self.reply.asked {
            None if self.journal.count() == 0 => self.services.recorder.fact(SessionFact::Greeting { ms: narrow(ms) }),
            None => {}
            Some(asked) => {
                let said_at = self.reply.said_at.unwrap_or(now);
                let latency = LatencyParts {
                    endpoint_ms: between(asked.voice_end, asked.endpoint),
                    recognition_ms: between(asked.endpoint, asked.transcript),
                    brain_ms: between(asked.transcript, said_at),
                    first_audio_ms: between(said_at, now),
                };
                self.reply.latency = Some(latency);
                self.services.recorder.fact(SessionFact::Turn { latency, words: asked.words });
            }
        }
    }

    /// A sentence could not be spoken. When that was all of the reply, the caller has heard nothing and is owed something still: the brain finds a
    /// way out. Once: a voice that cannot say that either leaves the floor to the caller.
    pub(crate) fn unspoken(&mut self, now: Instant) {
        let all = self.reply.complete && self.reply.start_ms.is_none() && self.reply.exit.is_none() && !self.speaker.is_making();
        if !all || std::mem::replace(&mut self.voiceless, true) {
            return self.settle(now);
        }
        let heard = self.speaker.cut(now);
        self.finish_turn(Some(heard), now);
        self.conversation.agent_thinks(now);
        self.tell(BrainInput::Stalled);
    }

    /// When the reply is complete and everything was heard, the floor goes to the caller, or the conversation ends.
    pub(crate) fn settle(&mut self, now: Instant) {
        if !self.reply.complete {
            return;
        }
        if let Some(exit) = &self.reply.exit {
            let remaining = self.speaker.remaining();
            if self.speaker.all_heard() {
                self.ending = Some(exit.clone());
                self.finish_turn(None, now);
            } else if !self.speaker.is_done() {
                self.saying_goodbye = true;
                self.conversation.goodbye(remaining + SYNTHESIS_LIMIT, now);
            } else if !self.goodbye_timed {
                // All of it is on the way now: from here on its length is known.
                (self.saying_goodbye, self.goodbye_timed) = (true, true);
                self.conversation.goodbye(remaining, now);
            }
            return;
        }
        if self.speaker.all_heard() {
            self.finish_turn(None, now);
            self.conversation.caller_turn(now);
            self.replying = false;
            self.save(now);
        }
    }

    /// Closes the agent's turn and stores it. `heard` is what was heard of it when it was cut.
    pub(crate) fn finish_turn(&mut self, heard: Option<conversation::Heard>, now: Instant) {
        let cut = heard.is_some();
        let heard = heard.unwrap_or_else(|| self.speaker.turn_over());
        // What the caller said comes before what the agent answered.
        self.write_unwritten(None);
        let reply = std::mem::take(&mut self.reply);
        let exit = reply.exit.clone();
        self.reply.exit = exit.filter(|_| !cut);
        if reply.texts.is_empty() {
            return;
        }
        let end_ms = self.clock_ms(now);
        self.journal.add(TurnRecord {
            index: 0,
            speaker: Speaker::Agent,
            text: reply.texts.join(" "),
            heard: heard.text,
            interrupted: cut && !heard.complete,
            start_ms: reply.start_ms.unwrap_or(end_ms),
            end_ms,
            confidence: None,
            digits: None,
            latency: reply.latency,
        });
    }
}

fn between(from: Instant, to: Instant) -> u32 {
    narrow(u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX))
}

fn narrow(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

/// Time from which a turn by voice counts as begun: now, less what was already spoken.
pub(crate) fn began(now_ms: u64, ago: Duration) -> u64 {
    now_ms.saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX))
}
