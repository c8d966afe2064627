//! Whatever happens on the line, the floor is not lost, and who is owed words is not left in silence.

use proptest::prelude::*;

use super::*;
use crate::{Hint, Looks, Words};

/// What may happen, beside time.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// So many frames of 20 ms, with voice or without.
    Frames(bool, u16),
    /// So many ms without a frame.
    Nothing(u16),
    Words(Looks, Words),
    EndOfSpeech,
    LastWords(Words),
    Says(bool),
    Thinks,
    Key,
    ToolStarted,
    ToolDone,
}

fn event() -> impl Strategy<Value = Event> {
    let looks = prop_oneof![Just(Looks::Finished), Just(Looks::Open), Just(Looks::Unknown)];
    let words = prop_oneof![Just(Words::None), Just(Words::Murmur), Just(Words::Real)];
    prop_oneof![
        4 => (any::<bool>(), 1..120_u16).prop_map(|(voice, frames)| Event::Frames(voice, frames)),
        2 => (1..4000_u16).prop_map(Event::Nothing),
        2 => (looks, words.clone()).prop_map(|(looks, words)| Event::Words(looks, words)),
        1 => Just(Event::EndOfSpeech),
        1 => words.prop_map(Event::LastWords),
        2 => any::<bool>().prop_map(Event::Says),
        1 => Just(Event::Thinks),
        1 => Just(Event::Key),
        1 => Just(Event::ToolStarted),
        1 => Just(Event::ToolDone),
    ]
}

/// Length of everything the agent says here.
const SPEECH: Duration = Duration::from_millis(900);

/// A session as it should be, and a clock.
struct Line {
    conversation: Conversation,
    now: Instant,
    /// Until when something is played.
    playing: Option<Instant>,
    /// What was played when the agent paused.
    kept: Option<Duration>,
    /// It is a reply, and the caller's turn comes after it.
    reply: bool,
    /// The end of the last sound of either side, the caller's clicks left out.
    sound: Instant,
    longest: Duration,
}

impl Line {
    fn new() -> Self {
        let now = crate::now();
        let conversation = Conversation::new(TurnTaking::default(), now);
        Self { conversation, now, playing: None, kept: None, reply: false, sound: now, longest: Duration::ZERO }
    }

    /// Lets time pass up to a moment, waking at every deadline as a session does.
    fn pass(&mut self, until: Instant) {
        loop {
            let wake = self.conversation.deadline().into_iter().chain(self.playing).filter(|due| *due <= until).min();
            let Some(wake) = wake else { break };
            let before = self.now;
            self.now = wake.max(self.now);
            self.tick();
            let next = self.conversation.deadline();
            assert!(self.now > before || next.is_none_or(|next| next > self.now) || self.playing.is_some(), "a timer that stays due");
        }
        self.now = until;
        self.tick();
    }

    fn tick(&mut self) {
        self.measure();
        if self.playing.is_some_and(|end| self.now >= end) {
            self.playing = None;
            if std::mem::take(&mut self.reply) {
                self.conversation.caller_turn(self.now);
            } else {
                self.conversation.agent_quiet(false, self.now);
            }
        }
        self.conversation.handle_timeout(self.now);
        while let Some(action) = self.conversation.poll_action() {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Pause { .. } => self.kept = Some(self.playing.take().map_or(Duration::ZERO, |end| end - self.now)),
            Action::Resume => {
                let kept = self.kept.take().unwrap_or_default();
                self.play(kept);
            }
            Action::Interrupt => {
                (self.playing, self.kept, self.reply) = (None, None, false);
                self.conversation.caller_turn(self.now);
            }
            Action::Filler { .. } | Action::Apologise => {
                assert!(!self.conversation.endpoint.in_utterance(), "a filler over the caller's voice");
                assert!(self.playing.is_none(), "a filler over the agent's voice");
                self.play(SPEECH);
            }
            Action::Silence { .. } | Action::Stalled => self.conversation.agent_thinks(self.now),
            _ => {}
        }
    }

    fn play(&mut self, length: Duration) {
        self.playing = Some(self.now + length);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Frames(voice, frames) => {
                for _ in 0..frames {
                    self.pass(self.now + Duration::from_millis(20));
                    self.conversation.frame(voice, self.now);
                    if voice && self.conversation.endpoint.in_utterance() {
                        self.sound = self.now;
                    }
                    self.tick();
                }
            }
            Event::Nothing(ms) => self.pass(self.now + Duration::from_millis(ms.into())),
            Event::Words(complete, words) => self.conversation.words(Hint { complete, words }, self.now),
            Event::EndOfSpeech => self.conversation.end_of_speech(),
            Event::LastWords(words) => self.conversation.last_words(words, self.now),
            Event::Says(interruptible) if self.conversation.owed.is_some() && !self.conversation.endpoint.in_utterance() => {
                self.conversation.agent_speaks(interruptible);
                self.conversation.agent_sounds();
                self.reply = true;
                self.play(SPEECH);
            }
            Event::Thinks if matches!(self.conversation.floor, Floor::Caller { .. }) => {
                self.conversation.agent_thinks(self.now);
                self.sound = self.now; // Until now the silence was the caller's.
            }
            Event::Key => self.conversation.key(self.now),
            Event::ToolStarted => self.conversation.tool_started(self.now),
            Event::ToolDone => self.conversation.tool_done(),
            Event::Says(_) | Event::Thinks => {}
        }
        self.tick();
    }

    fn measure(&mut self) {
        let caller = self.conversation.endpoint.in_utterance();
        match self.conversation.floor {
            _ if self.playing.is_some() => self.sound = self.now,
            // An utterance ends some time after its last voice: from there on the caller waits.
            Floor::Owed if !caller => self.longest = self.longest.max(self.now - self.sound),
            Floor::Owed | Floor::Caller { .. } if caller => {}
            _ => self.sound = self.now,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_floor_is_never_lost_and_what_is_owed_is_never_silent_for_long(events in proptest::collection::vec(event(), 1..60)) {
        let mut line = Line::new();
        for event in events {
            line.handle(event);
            prop_assert!(line.longest <= Duration::from_millis(2500), "silence of {:?}", line.longest);
        }
        // Nobody says anything any more: the floor comes to the caller, and then again and again.
        let over = line.conversation.over;
        let mut silences = line.conversation.silences;
        line.pass(line.now + Duration::from_secs(60));
        if over.is_some_and(|over| over > line.now) {
            prop_assert!(line.conversation.silences > silences, "the floor was lost: {:?}", line.conversation);
            silences = line.conversation.silences;
            line.pass(line.now + Duration::from_secs(60));
            prop_assert!(line.conversation.silences > silences || over.is_some_and(|over| over <= line.now));
        }
        prop_assert!(line.longest <= Duration::from_millis(2500), "silence of {:?}", line.longest);
    }

    #[test]
    fn the_wait_is_within_its_bounds_whatever_the_caller_does(events in proptest::collection::vec(event(), 1..60)) {
        let mut line = Line::new();
        for event in events {
            line.handle(event);
            let wait = line.conversation.endpoint.wait(&line.conversation.rules).as_millis();
            prop_assert!((300..=1600).contains(&wait), "{wait} ms");
        }
    }
}
