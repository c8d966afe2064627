//! Stories of who has the floor.

use super::*;
use crate::{Hint, Words};

const PAUSE: Action = Action::Pause { ago: Duration::from_millis(80) };

struct Line {
    conversation: Conversation,
    now: Instant,
    seen: Vec<Action>,
}

impl Line {
    fn open(rules: TurnTaking) -> Self {
        let now = crate::now();
        Self { conversation: Conversation::new(rules, now), now, seen: Vec::new() }
    }

    /// Lets the caller speak or be quiet for a while, in frames of 20 ms, with timers running.
    fn hear(&mut self, voice: bool, ms: u64) -> &mut Self {
        for _ in 0..ms / 20 {
            self.now += Duration::from_millis(20);
            self.conversation.frame(voice, self.now);
            self.conversation.handle_timeout(self.now);
            self.drain();
        }
        self.drain();
        self
    }

    /// The agent's words are in the caller's ear.
    fn agent_talks(rules: TurnTaking) -> Self {
        let mut line = Self::open(rules);
        line.conversation.agent_speaks(true);
        line.conversation.agent_sounds();
        line
    }

    fn words(&mut self, text: &str) -> &mut Self {
        self.conversation.words(Hint::of(text, "en-US", 0), self.now);
        self.hear(true, 0)
    }

    fn drain(&mut self) {
        while let Some(action) = self.conversation.poll_action() {
            self.seen.push(action);
        }
    }

    /// What was decided, without the utterance's own events.
    fn decisions(&self) -> Vec<Action> {
        let utterance = |a: &&Action| !matches!(a, Action::StartUtterance { .. } | Action::PauseUtterance | Action::FinishUtterance { .. });
        self.seen.iter().filter(utterance).copied().collect()
    }

    fn saw(&self, wanted: impl Fn(&Action) -> bool) -> bool {
        self.seen.iter().any(wanted)
    }
}

#[test]
fn caller_interrupts_the_agent() {
    let mut line = Line::agent_talks(TurnTaking::default());
    line.hear(false, 500).hear(true, 160);
    assert_eq!(line.seen, [PAUSE, Action::StartUtterance { ago: Duration::from_millis(80) }], "quiet at once");
    line.hear(true, 860);
    assert_eq!(line.decisions(), [PAUSE, Action::Interrupt], "longer than a murmur is");
    line.conversation.caller_turn(line.now);
    line.hear(false, 800);
    assert!(line.saw(|action| matches!(action, Action::FinishUtterance { .. })));
}

#[test]
fn a_click_does_not_pause_the_agent() {
    let mut line = Line::agent_talks(TurnTaking::default());
    line.hear(true, 80).hear(false, 1000);
    assert!(line.seen.is_empty());
    line.hear(true, 100);
    assert_eq!(line.decisions(), [PAUSE], "less than makes an utterance");
}

#[test]
fn after_a_cough_the_agent_goes_on() {
    let mut line = Line::agent_talks(TurnTaking::default());
    line.hear(true, 220).hear(false, 360);
    assert_eq!(line.decisions(), [PAUSE]);
    line.hear(false, 100);
    assert_eq!(line.decisions(), [PAUSE, Action::Resume]);
    line.hear(false, 1000);
    assert!(!line.saw(|action| matches!(action, Action::FinishUtterance { .. })), "nothing was said");
    assert!(line.conversation.agent_has_floor());
}

#[test]
fn a_sentence_whose_frames_come_late_is_no_cough() {
    let stall = |missing_ms: u64| {
        let mut line = Line::agent_talks(TurnTaking { end_silence: Duration::from_secs(5), ..TurnTaking::default() });
        line.hear(true, 220);
        for _ in 0..missing_ms / 20 {
            line.now += Duration::from_millis(20);
            line.conversation.handle_timeout(line.now);
        }
        line.drain();
        line
    };
    let mut line = stall(600);
    assert_eq!(line.decisions(), [PAUSE], "the line is late, and may bring the rest");
    line.hear(true, 300).words("stop");
    assert_eq!(line.decisions(), [PAUSE, Action::Interrupt]);
    assert_eq!(stall(1240).decisions(), [PAUSE, Action::Resume], "but not for ever");
    let mut cough = stall(400);
    cough.hear(false, 40);
    assert_eq!(cough.decisions(), [PAUSE, Action::Resume], "quiet came after all");
}

#[test]
fn after_a_murmur_the_agent_goes_on_and_real_words_stop_it_at_once() {
    for (text, wanted) in [("mhm", Action::Resume), ("okay", Action::Resume), ("stop", Action::Interrupt)] {
        let mut line = Line::agent_talks(TurnTaking::default());
        line.hear(true, 400).hear(false, 180).words(text);
        assert_eq!(line.decisions(), [PAUSE, wanted], "{text}");
    }
}

#[test]
fn a_murmur_that_goes_on_is_an_interruption() {
    let mut line = Line::agent_talks(TurnTaking::default());
    line.hear(true, 300).words("yeah").hear(true, 200);
    assert_eq!(line.decisions(), [PAUSE]);
    line.words("yeah but").hear(true, 20);
    assert_eq!(line.decisions(), [PAUSE, Action::Interrupt]);
    let mut other = Line::agent_talks(TurnTaking::default());
    other.hear(true, 300).words("yeah").hear(true, 680);
    assert_eq!(other.decisions(), [PAUSE]);
    other.hear(true, 60);
    assert_eq!(other.decisions(), [PAUSE, Action::Interrupt], "nobody murmurs for a second");
}

#[test]
fn okay_to_the_last_words_of_a_question_is_an_answer() {
    let mut line = Line::agent_talks(TurnTaking::default());
    line.hear(true, 400);
    line.conversation.paused_with(Duration::from_millis(700));
    line.hear(false, 180).words("okay");
    assert_eq!(line.decisions(), [PAUSE, Action::Interrupt]);
}

#[test]
fn a_short_word_over_the_last_words_of_a_question_is_no_cough() {
    for (words, wanted) in [(Words::Real, Action::Interrupt), (Words::None, Action::Resume)] {
        let mut line = Line::agent_talks(TurnTaking::default());
        line.hear(true, 240);
        line.conversation.paused_with(Duration::from_millis(900));
        line.hear(false, 900);
        assert_eq!(line.decisions(), [PAUSE], "its words are waited for");
        line.conversation.last_words(words, line.now);
        line.drain();
        assert_eq!(line.decisions(), [PAUSE, wanted], "{words:?}");
    }
}

#[test]
fn words_that_come_late_are_waited_for_and_then_the_voice_decides() {
    let rules = TurnTaking { end_silence: Duration::from_secs(5), ..TurnTaking::default() };
    let mut line = Line::agent_talks(rules);
    line.hear(true, 700).hear(false, 1100);
    assert_eq!(line.decisions(), [PAUSE]);
    let mut other = Line::agent_talks(rules);
    other.hear(true, 700).hear(false, 1100).words("mhm");
    assert_eq!(other.decisions(), [PAUSE, Action::Resume], "a long murmur is one");
    line.hear(false, 120);
    assert_eq!(line.decisions(), [PAUSE, Action::Interrupt]);
}

#[test]
fn the_last_words_decide_when_nothing_did() {
    for (words, wanted) in [(Words::None, Action::Resume), (Words::Murmur, Action::Resume), (Words::Real, Action::Interrupt)] {
        let mut line = Line::agent_talks(TurnTaking::default());
        line.hear(true, 400).hear(false, 700);
        assert!(line.saw(|action| matches!(action, Action::FinishUtterance { .. })));
        line.conversation.last_words(words, line.now);
        line.drain();
        assert_eq!(line.decisions(), [PAUSE, wanted], "{words:?}");
    }
}

#[test]
fn without_words_only_the_voice_decides() {
    let rules = TurnTaking { semantic: false, ..TurnTaking::default() };
    let mut line = Line::agent_talks(rules);
    line.hear(true, 200).words("stop").hear(false, 300);
    assert_eq!(line.decisions(), [PAUSE]);
    line.hear(false, 200);
    assert_eq!(line.decisions(), [PAUSE, Action::Resume]);
    let mut other = Line::agent_talks(rules);
    other.hear(true, 400).hear(false, 220);
    assert_eq!(other.decisions(), [PAUSE, Action::Interrupt], "and there is nothing to wait for");
}

#[test]
fn what_must_be_heard_is_said_even_when_the_agent_had_paused() {
    let mut line = Line::agent_talks(TurnTaking::default());
    line.hear(true, 200);
    line.conversation.agent_speaks(false);
    line.hear(true, 2000);
    assert_eq!(line.decisions(), [PAUSE, Action::Resume]);
}

#[test]
fn a_notice_cannot_be_interrupted() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(false);
    line.conversation.agent_sounds();
    line.hear(true, 1500).hear(false, 1000);
    assert!(line.seen.is_empty());
}

#[test]
fn silence_is_counted_and_an_answer_resets_it() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.hear(false, 7100);
    assert!(line.saw(|action| *action == Action::Silence { count: 1 }));
    line.conversation.caller_turn(line.now);
    line.hear(false, 7100);
    assert!(line.saw(|action| *action == Action::Silence { count: 2 }));
    line.conversation.caller_turn(line.now);
    line.conversation.caller_answered();
    line.seen.clear();
    line.hear(false, 7100);
    assert!(line.saw(|action| *action == Action::Silence { count: 1 }));
}

#[test]
fn a_caller_who_speaks_past_the_silence_limit_is_not_silent() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.hear(false, 5_000).hear(true, 4_000).hear(false, 2_000);
    assert!(line.saw(|action| matches!(action, Action::FinishUtterance { .. })));
    assert!(!line.saw(|action| matches!(action, Action::Silence { .. })), "{:?}", line.seen);
}

/// Lets fillers last 600 ms, until so much time is gone. When each was said, in ms from the beginning.
fn owed_for(line: &mut Line, ms: u64) -> Vec<(u64, Action)> {
    let (mut said, mut playing) = (Vec::new(), 0_u64);
    for at in (20..=ms).step_by(20) {
        let seen = line.seen.len();
        line.hear(false, 20);
        said.extend(line.seen[seen..].iter().map(|action| (at, *action)));
        playing = if line.seen.len() > seen { 600 } else { playing.saturating_sub(20) };
        if playing == 0 && line.conversation.agent_is_heard() {
            line.conversation.agent_quiet(false, line.now);
        }
    }
    said
}

#[test]
fn who_waits_for_a_reply_hears_fillers_an_apology_and_a_way_out() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.conversation.agent_thinks(line.now);
    let said = owed_for(&mut line, 26_000);
    let filler = |count| Action::Filler { count, tool: false };
    assert_eq!(said[..3], [(1800, filler(1)), (4700, filler(2)), (7000, Action::Apologise)]);
    let last: Vec<_> = said.iter().filter(|(_, action)| matches!(action, Action::Stalled | Action::GivenUp)).collect();
    assert_eq!(last, [&(15_000, Action::Stalled), &(20_000, Action::GivenUp)], "a brain that never answers does not leave the line dead");
    for pair in said.windows(2) {
        assert!(pair[1].0 - pair[0].0 <= 600 + 2500, "silence: {pair:?}");
    }
}

#[test]
fn a_tool_is_spoken_for_sooner() {
    let mut line = Line::agent_talks(TurnTaking::default());
    line.conversation.tool_started(line.now);
    line.hear(false, 1000);
    line.conversation.agent_quiet(false, line.now);
    let said = owed_for(&mut line, 1000);
    assert_eq!(said, [(800, Action::Filler { count: 1, tool: true })]);
    line.conversation.tool_done();
    assert_eq!(owed_for(&mut line, 2000), [], "the filler was heard at 1400, and without a tool there is more time");
}

#[test]
fn the_silence_counts_from_the_callers_last_word() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.hear(true, 400);
    line.conversation.words(Hint { complete: crate::Looks::Open, ..Hint::default() }, line.now);
    line.hear(false, 2280);
    assert_eq!(line.decisions(), [], "{:?}", line.seen);
    line.hear(false, 20);
    assert_eq!(line.decisions(), [Action::Filler { count: 1, tool: false }]);
}

#[test]
fn nothing_is_said_over_the_callers_voice() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_thinks(line.now);
    line.hear(false, 1700).hear(true, 3000).hear(false, 700);
    assert_eq!(line.decisions(), []);
    line.hear(false, 1700);
    assert_eq!(line.decisions().len(), 1);
}

#[test]
fn words_that_are_not_heard_yet_are_owed() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.conversation.agent_thinks(line.now);
    line.conversation.agent_speaks(true);
    assert_eq!(owed_for(&mut line, 2000), [(1800, Action::Filler { count: 1, tool: false })], "the voice is slow");
    line.conversation.agent_sounds();
    assert_eq!(owed_for(&mut line, 600), []);
}

#[test]
fn keys_are_complete_after_a_pause() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(true);
    line.conversation.agent_sounds();
    line.conversation.key(line.now);
    line.conversation.caller_turn(line.now);
    line.hear(false, 1000);
    line.conversation.key(line.now);
    line.hear(false, 3000);
    assert_eq!(line.seen, [Action::Interrupt, Action::KeysDone]);
}

#[test]
fn a_goodbye_waits_for_its_mark_but_not_for_ever() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(false);
    line.conversation.goodbye(Duration::from_secs(1), line.now);
    line.hear(true, 2000);
    assert!(line.seen.is_empty());
    line.hear(false, 1100);
    assert_eq!(line.seen, [Action::GoodbyeOver]);
    line.conversation.goodbye_heard();
    assert_eq!(line.conversation.poll_action(), None);
}

#[test]
fn the_longest_call_is_announced_twice_and_then_ended() {
    // A quarter of it each: the hint after 10 s, the last words after 15 s.
    let mut line = Line::open(TurnTaking::default().lasting(Duration::from_secs(20)));
    line.conversation.agent_speaks(true);
    line.conversation.agent_sounds();
    line.hear(false, 9_800);
    assert_eq!(line.seen, []);
    line.hear(false, 400);
    assert_eq!(line.seen, [Action::TimeIsShort]);
    line.hear(false, 5_000);
    assert_eq!(line.seen, [Action::TimeIsShort, Action::TimeIsUp]);
    line.hear(false, 5_000);
    assert_eq!(line.seen, [Action::TimeIsShort, Action::TimeIsUp, Action::MaxDuration]);
}

#[test]
fn a_long_call_is_announced_a_minute_before_its_end() {
    let rules = TurnTaking::default().lasting(Duration::from_secs(600));
    assert_eq!((rules.last_words, rules.short_of_time), (Duration::from_secs(15), Duration::from_secs(45)));
    let mut line = Line::open(rules);
    line.conversation.agent_speaks(true);
    line.conversation.agent_sounds();
    line.hear(false, 539_000);
    assert_eq!(line.seen, []);
    line.hear(false, 2_000);
    assert_eq!(line.seen, [Action::TimeIsShort]);
}

#[test]
fn every_timer_that_is_due_is_gone_after_it_was_handled() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.conversation.key(line.now);
    for _ in 0..40 {
        let Some(due) = line.conversation.deadline() else { return };
        line.conversation.handle_timeout(due);
        assert!(line.conversation.deadline().is_none_or(|next| next > due), "a timer that stays due spins the loop");
    }
}
